/* engine/peers.c - roles, and the way of a message from its frame to its lane. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/deposit.h"
#include "engine/lend.h"
#include "engine/methods.h"
#include "engine/peers_private.h"
#include "engine/python_host.h"
#include "engine/streams.h"
#include "engine/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES_A_TURN = 64 };

static const int64_t HEIRS_NS = 1000000000;

/* ---- answers -------------------------------------------------------------------------------------------------------
 */

void
arrival_error(arrival_t *at, uint64_t call, const err_t *err)
{
    message_t message;

    message_from_err(&message, call, err);
    if (at->caller)
        caller_answer(at->peers, at->caller, &message);
    else
        caller_answer_stranger(at->peers, at->endpoint, &at->batch->message.peer, &message);
}

/* ---- what is not for lanes -----------------------------------------------------------------------------------------
 */

static void
handle_ping(arrival_t *at)
{
    if (at->message.as.PING.call)
        caller_answer(at->peers, at->caller, &(message_t){.code = MSG_PONG, .as.PONG.call = at->message.as.PING.call});
}

static void
handle_sign_of_life(arrival_t *at)
{
    (void)at;
}

static void
handle_goodbye(arrival_t *at)
{
    caller_t *caller = at->caller;

    if (at->message.as.GOODBYE.call)
        caller_answer(at->peers, caller, &(message_t){.code = MSG_OK, .as.OK.call = at->message.as.GOODBYE.call});
    if (caller->role == 'C')
        peers_end_session(at->peers, caller->id, true);
    caller->closing = true;
}

static void
handle_push(arrival_t *at)
{
    transfers_pushed(at->peers->core, at->caller->id, &at->message.as.PUSH, at->batch, at->raw, at->raw_size);
}

static void
handle_offer(arrival_t *at)
{
    core_t *core = at->peers->core;

    pthread_mutex_lock(&core->lock);
    transfers_offered(core->transfers, at->caller->id, &at->message.as.OFFER);
    pthread_mutex_unlock(&core->lock);
}

static void
handle_push_failed(arrival_t *at)
{
    core_t *core = at->peers->core;

    pthread_mutex_lock(&core->lock);
    transfers_push_failed(core->transfers, at->caller->id, &at->message.as.PUSH_FAILED);
    pthread_mutex_unlock(&core->lock);
}

static void
handle_borrow(arrival_t *at)
{
    const msg_BORROW_t *borrow = &at->message.as.BORROW;
    message_t lent;
    err_t err = {0};

    if (lend_begin(at->peers->core, at->caller->id, borrow, &lent, &err))
        arrival_error(at, borrow->call, &err);
    else
        caller_answer(at->peers, at->caller, &lent);
}

static void
handle_return(arrival_t *at)
{
    const msg_RETURN_t *returned = &at->message.as.RETURN;

    lend_end(at->peers->core, at->caller->id, returned);
    caller_answer(at->peers, at->caller, &(message_t){.code = MSG_OK, .as.OK.call = returned->call});
}

static void (*handler_of(msg_code_t code))(arrival_t *at)
{
    static const struct {
        msg_code_t code;
        void (*run)(arrival_t *at);
    } ROWS[] = {
        {MSG_PING, handle_ping},          {MSG_PONG, handle_sign_of_life},       {MSG_OK, handle_sign_of_life},
        {MSG_ERROR, handle_sign_of_life}, {MSG_GOODBYE, handle_goodbye},         {MSG_CANCEL, arrival_cancel},
        {MSG_PUSH, handle_push},          {MSG_PUSH_FAILED, handle_push_failed}, {MSG_OFFER, handle_offer},
        {MSG_PROGRESS, arrival_progress}, {MSG_BORROW, handle_borrow},           {MSG_RETURN, handle_return},
        {MSG_RING, arrival_ring},         {MSG_RING_READY, arrival_ring_ready},  {MSG_STREAMS, arrival_streams},
        {MSG_FLAGS, arrival_flags},
    };

    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (ROWS[i].code == code)
            return ROWS[i].run;
    return NULL;
}

/* ---- frames --------------------------------------------------------------------------------------------------------
 */

static bool
tell_stranger(arrival_t *at)
{
    err_t err = {0};

    (void)err_set(&err, FH_STALE_HANDLE, "this engine does not know you: say HELLO");
    arrival_error(at, 0, &err);
    return false;
}

/* A message that could not be read.  False: the rest of the frame is not looked at.  Over ipc nothing tells an engine
 * whose connection broke from a client, so its PUSH seems to come from the wrong role; it must learn the true reason.
 */
static bool
refuse(arrival_t *at, const err_t *err)
{
    if (!at->caller && at->message.code != MSG_HELLO && message_desc(at->message.code))
        return tell_stranger(at);
    arrival_error(at, message_call(&at->message), err);
    return true;
}

/* One message.  False: the rest of the frame is not looked at. */
static bool
handle(arrival_t *at)
{
    err_t err;

    if (at->message.code == MSG_HELLO) {
        arrival_hello(at);
        return at->caller != NULL;
    }
    if (!at->caller)
        return tell_stranger(at);
    if (at->message.code == MSG_LINE)
        return arrival_line(at);
    void (*handler)(arrival_t *) = handler_of(at->message.code);

    if (handler) {
        __atomic_store_n(&at->peers->core->for_reactor, true, __ATOMIC_RELAXED);
        handler(at);
        return !at->caller->closing;
    }
    if (!at->caller->lane || !methods_find(at->message.code)) {
        (void)err_set(&err, at->caller->lane ? FH_NOT_SUPPORTED : FH_STALE_HANDLE, "%s cannot be handled here now",
                      message_desc(at->message.code)->name);
        arrival_error(at, message_call(&at->message), &err);
        return true;
    }
    if (arrival_enter_lane(at, &err)) {
        arrival_error(at, message_call(&at->message), &err);
        log_limited(LOG_WARNING, "ENG-SESSION-REFUSED", "%s", err.text);
        at->caller->closing = true;
        return false;
    }
    return true;
}

static char
sender_role(const peers_t *self, const arrival_t *at)
{
    const char *user = at->batch->message.user;

    if (at->caller)
        return at->caller->role;
    return user[0] && strcmp(user, self->engine_key) == 0 ? 'E' : 'C';
}

/* The raw frame that belongs to the message, if there is one. */
static void
find_raw(arrival_t *at, uint32_t before)
{
    const link_message_t *frame = &at->batch->message;

    at->raw = at->message.raw ? frame->frames[1 + before].data : NULL;
    at->raw_size = at->message.raw ? frame->frames[1 + before].size : 0;
    if (at->refused)
        return;
    /* A frame of no bytes is there all the same. */
    if (at->message.raw && !at->raw)
        at->raw = (const uint8_t *)"";
}

/* Raw frames of clients are kept until their calls have been run: that must not take more memory than there is.  What
 * other engines push is counted part by part. */
static void
count_raws(arrival_t *at)
{
    core_t *core = at->peers->core;

    if (!at->caller || at->caller->role != 'C' || at->batch->message.count < 2)
        return;
    pthread_mutex_lock(&core->lock);
    at->refused = batch_count(&core->lanes.batches, at->batch, NULL) != FH_OK;
    pthread_mutex_unlock(&core->lock);
    if (at->refused)
        link_message_drop(at->batch->link, &at->batch->message, 1);
}

static void
handle_frame(peers_t *self, int endpoint, caller_t *ringer, batch_t *batch)
{
    const link_message_t *frame = &batch->message;
    arrival_t at = {.peers = self, .endpoint = endpoint, .caller = ringer, .batch = batch};
    header_reader_t reader;
    err_t err;
    oid_t key;

    if (!ringer && caller_key(endpoint, &frame->peer, &key))
        at.caller = oid_map_find(&self->callers, key);
    if (at.caller && at.caller->closing)
        return;
    count_raws(&at);
    int status = header_open(&reader, frame->frames[0].data, frame->frames[0].size, &err);

    if (status)
        arrival_error(&at, 0, &err);
    for (bool more = !status; more;) {
        uint32_t raw_before = reader.raw_seen;
        size_t position = reader.position;

        status = header_next(&reader, batch->arena, sender_role(self, &at), 'E', (uint32_t)(frame->count - 1),
                             &at.message, &err);
        if (status == FH_NO_SUCH_OBJECT)
            break;
        at.header_bytes = reader.position - position;
        if (status) {
            more = refuse(&at, &err);
            continue;
        }
        find_raw(&at, raw_before);
        more = handle(&at);
    }
    self->heard = at.caller;
}

/* Under the lock, after messages were handled: a lane that has run empty tells how far it is. */
static void
tell_done(peers_t *self)
{
    lane_t *lane = self->heard ? self->heard->lane : NULL;

    if (lane && lane->state == LANE_IDLE)
        core_tell_done(self->core, lane);
}

bool
peers_was_used(peers_t *self, int i)
{
    bool used = self->used[i];

    self->used[i] = false;
    return used;
}

int
peers_receive_one(peers_t *self, int endpoint, caller_t *ringer)
{
    core_t *core = self->core;
    err_t err;
    batch_t *batch;

    pthread_mutex_lock(&core->lock);
    int status = batch_new(&core->lanes.batches, &batch, &err);

    pthread_mutex_unlock(&core->lock);
    if (status) {
        log_limited(LOG_ERROR, "ENG-NO-MEMORY", "%s", err.text);
        return FH_BUSY;
    }
    batch->link = ringer ? ringer->ring : self->links[endpoint];
    status = link_receive(batch->link, &batch->message, NULL);
    self->heard = NULL;
    if (status)
        batch->message.count = 0;
    else
        handle_frame(self, endpoint, ringer, batch);
    pthread_mutex_lock(&core->lock);
    tell_done(self);
    batch_unref(&core->lanes.batches, &batch);
    batches_sweep(&core->lanes.batches);
    pthread_mutex_unlock(&core->lock);
    return status;
}

bool
peers_receive(peers_t *self, int i)
{
    caller_t *heard = NULL;
    int status = FH_OK;

    self->used[i] = true;
    for (int n = 0; n < MESSAGES_A_TURN && status != FH_BUSY; n++) {
        status = peers_receive_one(self, i, NULL);
        if (status && status != FH_BUSY)
            log_limited(LOG_WARNING, "ENG-BAD-MESSAGE", "a message that could not be received: %s",
                        status_text(status));
        /* What was answered at once goes at once: the rest of the turn can take longer than the call. */
        if (heard && heard != self->heard)
            (void)caller_flush(self, heard);
        heard = self->heard;
    }
    return status != FH_BUSY;
}

/* ---- ends ----------------------------------------------------------------------------------------------------------
 */

/* The objects stay for a moment.  Without memory for that they go at once. */
static void
leave_heirs(core_t *core, lane_t *lane)
{
    heirs_t *heirs = lane->owner.count ? calloc(1, sizeof *heirs) : NULL;

    if (!heirs)
        return;
    heirs->deadline_ns = clock_now_ns() + HEIRS_NS;
    heirs->next = core->heirs;
    core->heirs = heirs;
    object_table_hand_over(&lane->owner, &heirs->owner);
}

void
peers_end_session(peers_t *self, oid_t session, bool said_goodbye)
{
    core_t *core = self->core;
    size_t cursor = 0;

    pthread_mutex_lock(&core->lock);
    lane_t *lane = lanes_find(&core->lanes, session);

    for (caller_t *caller; lane && (caller = oid_map_next(&self->callers, &cursor));)
        if (caller->lane == lane) {
            caller->lane = NULL;
            caller->closing |= caller->ring || outbox_is_numbered(caller->outbox);
        }
    transfers_session_gone(core->transfers, session);
    deposits_session_gone(core->deposits, session);
    streams_session_gone(core->streams, session);
    if (lane && !lane->gone) {
        if (said_goodbye)
            leave_heirs(core, lane);
        object_table_disown(&core->objects, &lane->owner);
        lane_end(&core->lanes, lane);
    }
    pthread_mutex_unlock(&core->lock);
    pool_forget(core->pool, session);
    if (core->runners)
        runner_host_forget(core->runners, session);
    if (core->pythons)
        python_hosts_forget(core->pythons, session);
}

int
peers_new(peers_t **ret, const peers_options_t *options, err_t *err)
{
    peers_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for connections");
    self->core = options->core;
    awake_init(&self->awake);
    self->crew = options->crew;
    (void)snprintf(self->client_key, sizeof self->client_key, "%s", options->client_key);
    (void)snprintf(self->engine_key, sizeof self->engine_key, "%s", options->engine_key);
    (void)snprintf(self->cluster, sizeof self->cluster, "%s", options->cluster);
    *ret = self;
    return FH_OK;
}

void
peers_disconnect(peers_t *self)
{
    size_t cursor = 0;

    for (caller_t *caller; (caller = oid_map_next(&self->callers, &cursor)); cursor--)
        caller_remove(self, caller);
}

void
peers_destroy(peers_t **self)
{
    if (!*self)
        return;
    oid_map_release(&(*self)->callers);
    for (int i = 0; i < (*self)->endpoints; i++)
        link_destroy(&(*self)->links[i]);
    free(*self);
    *self = NULL;
}

void
peers_listen(peers_t *self, link_t *link)
{
    self->links[self->endpoints++] = link;
}

int
peers_endpoints(const peers_t *self)
{
    return self->endpoints;
}

link_t *
peers_endpoint(const peers_t *self, int i)
{
    return self->links[i];
}
