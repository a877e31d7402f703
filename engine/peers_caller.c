/* engine/peers_caller.c - connections: whom they speak for, and what waits to be sent to them. */
#include "base/log.h"
#include "engine/peers_private.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ANSWER_BYTES = LANE_MAX_REPLY_BYTES + 8 * 1024 * 1024 };

/* ---- connections ---------------------------------------------------------------------------------------------------
 */

/* Names that ZeroMQ makes have 5 bytes; our peers choose none, and longer ones than fit are refused. */
bool
caller_key(int endpoint, const peer_t *peer, oid_t *ret)
{
    if (peer->size == 0 || peer->size > sizeof ret->bytes - 2)
        return false;
    memset(ret, 0, sizeof *ret);
    ret->bytes[0] = (uint8_t)(endpoint + 1);
    ret->bytes[1] = peer->size;
    memcpy(ret->bytes + 2, peer->bytes, peer->size);
    return true;
}

/* Forget whom it spoke for.  Under the lock. */
static void
detach(peers_t *self, caller_t *caller)
{
    core_t *core = self->core;

    if (caller->lane && caller->lane->outbox == caller->outbox) {
        caller->lane->outbox = NULL;
        if (lane_is_empty(caller->lane))
            lane_end(&core->lanes, caller->lane);
        else if (lane_unblock(&core->lanes, caller->lane))
            pthread_cond_signal(&core->work);
    }
    if (caller->role == 'E' && oid_map_find(&core->engine_outboxes, caller->id) == caller->outbox)
        oid_map_remove(&core->engine_outboxes, caller->id);
    caller->lane = NULL;
}

void
caller_remove(peers_t *self, caller_t *caller)
{
    pthread_mutex_lock(&self->core->lock);
    detach(self, caller);
    pthread_mutex_unlock(&self->core->lock);
    oid_map_remove(&self->callers, caller->key);
    caller_drop_ring(self, caller);
    pthread_mutex_lock(&self->core->lock);
    outbox_destroy(&caller->outbox);
    pthread_mutex_unlock(&self->core->lock);
    free(caller);
}

int
caller_new(peers_t *self, int endpoint, const peer_t *peer, caller_t **ret, err_t *err)
{
    oid_t key;

    if (!caller_key(endpoint, peer, &key))
        return err_set(err, FH_PROTOCOL_ERROR, "a connection with a name of %d bytes", peer->size);
    if (self->callers.count >= PEERS_MAX)
        return err_set(err, FH_LIMIT_EXCEEDED, "this engine has %zu connections; it takes no more",
                       self->callers.count);
    caller_t *caller = calloc(1, sizeof *caller);

    if (!caller)
        return err_set(err, FH_NO_MEMORY, "no memory for a connection");
    int status = outbox_new(&caller->outbox, err);

    if (!status)
        status = oid_map_add(&self->callers, key, caller, err);
    if (status) {
        outbox_destroy(&caller->outbox);
        free(caller);
        return status;
    }
    pthread_mutex_lock(&self->core->lock);
    outbox_count_in(caller->outbox, &self->core->lanes.replies);
    pthread_mutex_unlock(&self->core->lock);
    caller->key = key;
    caller->endpoint = endpoint;
    caller->peer = *peer;
    *ret = caller;
    return FH_OK;
}

void
caller_answer(peers_t *self, caller_t *caller, const message_t *message)
{
    err_t err = {0};

    pthread_mutex_lock(&self->core->lock);
    if (outbox_bytes(caller->outbox) > MAX_ANSWER_BYTES)
        caller->closing = true; /* it asks and does not read */
    else if (outbox_add(caller->outbox, message, NULL, &err))
        log_limited(LOG_ERROR, "ENG-REPLY-LOST", "%s", err.text);
    pthread_mutex_unlock(&self->core->lock);
}

void
caller_answer_stranger(peers_t *self, int endpoint, const peer_t *peer, const message_t *message)
{
    outbox_t *outbox;

    if (outbox_new(&outbox, NULL))
        return;
    if (outbox_add(outbox, message, NULL, NULL) == FH_OK)
        (void)outbox_flush(outbox, self->links[endpoint], peer, NULL);
    outbox_destroy(&outbox);
}

/* Under the lock: the caller speaks for a session or an engine from now on. */
static int
take_role(peers_t *self, caller_t *caller, char role, oid_t id, err_t *err)
{
    core_t *core = self->core;
    int status = FH_OK;

    detach(self, caller);
    caller->role = role;
    caller->id = id;
    if (role == 'E') {
        oid_map_remove(&core->engine_outboxes, id);
        return oid_map_add(&core->engine_outboxes, id, caller->outbox, err);
    }
    status = lanes_open(&core->lanes, id, &caller->lane, err);
    if (!status && caller->lane->gone) {
        caller->lane = NULL;
        status = err_set(err, FH_STALE_HANDLE, "that session is just ending");
    }
    if (status)
        return status;
    caller->lane->outbox = caller->outbox;
    caller->lane->connection++;
    caller->lane->done = caller->lane->done_told = 0;
    return FH_OK;
}

/* A session that has ended, or that another connection speaks for, has no lane there. */
static bool
speaks_for(const caller_t *caller, char role, oid_t id)
{
    return caller->role == role && oid_equal(caller->id, id) && (role == 'E' || caller->lane);
}

/* Another connection that spoke for this session or engine does so no more. */
static void
unseat(peers_t *self, const caller_t *caller)
{
    size_t cursor = 0;

    for (caller_t *other; (other = oid_map_next(&self->callers, &cursor));)
        if (other != caller && speaks_for(other, caller->role, caller->id)) {
            other->lane = NULL;
            other->closing |= outbox_is_numbered(other->outbox); /* what it keeps nobody will ask for */
        }
}

int
caller_attach(peers_t *self, caller_t *caller, char role, oid_t id, bool numbered, err_t *err)
{
    pthread_mutex_lock(&self->core->lock);
    int status = take_role(self, caller, role, id, err);

    if (!status && numbered)
        outbox_number(caller->outbox);
    pthread_mutex_unlock(&self->core->lock);
    if (!status)
        unseat(self, caller);
    return status;
}

static caller_t *
find_numbered(peers_t *self, char role, oid_t id)
{
    size_t cursor = 0;

    for (caller_t *caller; (caller = oid_map_next(&self->callers, &cursor));)
        if (speaks_for(caller, role, id) && !caller->closing && outbox_is_numbered(caller->outbox))
            return caller;
    return NULL;
}

bool
caller_resume(peers_t *self, caller_t *caller, char role, const msg_HELLO_t *hello, uint64_t *ret_heard)
{
    core_t *core = self->core;

    pthread_mutex_lock(&core->lock);
    caller_t *old = find_numbered(self, role, hello->session);

    if (old && old != caller) {
        outbox_t *fresh = caller->outbox;

        caller->outbox = old->outbox;
        old->outbox = fresh;
        caller->lane = old->lane;
        old->lane = NULL;
        old->closing = true;
        caller->role = role;
        caller->id = hello->session;
        *ret_heard = outbox_resume(caller->outbox, hello->heard);
    }
    pthread_mutex_unlock(&core->lock);
    return old && old != caller;
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

/* Must its replies wait?  Who has synchronised may ask the broker next, and expects it to know.  Over ZeroMQ both ways
 * take as long, through a ring the reply would be first. */
static bool
is_held(const core_t *core, const caller_t *caller)
{
    lane_t *lane = caller->lane;

    if (!lane || !lane->synced)
        return false;
    lane->synced = caller->ring_ready && (core->news_now || core->news_ping);
    return lane->synced;
}

static int
send_waiting(peers_t *self, caller_t *caller)
{
    core_t *core = self->core;
    int status = FH_OK;

    pthread_mutex_lock(&core->lock);
    if (is_held(core, caller)) {
        status = FH_BUSY;
    } else if (outbox_waits(caller->outbox)) {
        self->used[caller->endpoint] |= !caller->ring_ready;
        status = outbox_flush(caller->outbox, caller->ring_ready ? caller->ring : self->links[caller->endpoint],
                              &caller->peer, NULL);
    }
    if (caller->lane && lane_unblock(&core->lanes, caller->lane))
        pthread_cond_signal(&core->work);
    pthread_mutex_unlock(&core->lock);
    return status;
}

int
caller_flush(peers_t *self, caller_t *caller)
{
    int status = caller->away ? FH_OK : send_waiting(self, caller);

    if (status && status != FH_BUSY && (caller->lane || caller->role == 'E') && !caller->closing &&
        outbox_is_numbered(caller->outbox)) {
        caller->away = true;
        return FH_OK;
    }
    if (status != FH_BUSY && (status || caller->closing))
        caller_remove(self, caller);
    return status;
}

void
peers_engine_lost(peers_t *self, oid_t engine)
{
    size_t cursor = 0;

    for (caller_t *caller; (caller = oid_map_next(&self->callers, &cursor));)
        if (speaks_for(caller, 'E', engine))
            caller->closing |= outbox_is_numbered(caller->outbox);
}

/* Lanes that were held up since all together had left too much unread. */
static void
unblock_all(peers_t *self)
{
    core_t *core = self->core;
    size_t cursor = 0;

    pthread_mutex_lock(&core->lock);
    for (const caller_t *caller; (caller = oid_map_next(&self->callers, &cursor));)
        if (caller->lane && lane_unblock(&core->lanes, caller->lane))
            pthread_cond_signal(&core->work);
    pthread_mutex_unlock(&core->lock);
}

bool
peers_flush(peers_t *self)
{
    const outbox_sum_t *replies = &self->core->lanes.replies;
    size_t cursor = 0;
    bool blocked = false;

    pthread_mutex_lock(&self->core->lock);
    bool too_much = replies->bytes > LANES_REPLY_BYTES;

    pthread_mutex_unlock(&self->core->lock);

    for (caller_t *caller; (caller = oid_map_next(&self->callers, &cursor));) {
        size_t before = self->callers.count;

        /* A ring's client rings when it takes more. */
        if (caller_flush(self, caller) == FH_BUSY)
            blocked |= !caller->ring_ready;
        cursor -= before - self->callers.count;
    }
    if (too_much)
        unblock_all(self);
    return blocked;
}
