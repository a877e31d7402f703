/* broker/broker.c - a turn of the reactor: what arrives, in which order things are done in a turn. */
#include "broker/broker.h"

#include "base/clock.h"
#include "base/log.h"
#include "broker/state.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGES_A_TURN = 256, ERRORS_A_FRAME = 16, ARENA_BYTES = 16 << 20 };

static const int64_t SECOND_NS = 1000000000;
static const int64_t SAVE_DELAY_NS = 200000000; /* changes that nobody waits for are gathered so long */
static const int64_t RETRY_NS = 10000000;       /* until a peer without room is tried again */
static const int64_t LATE_NS = 300000000;       /* a turn later than this was not our peers' fault */

static void
set_default(int64_t *value, int64_t fallback)
{
    if (*value == 0)
        *value = fallback;
}

int
broker_new(broker_t **ret, link_t *link, store_t *store, const broker_options_t *options, int64_t now_ns, err_t *err)
{
    broker_t *self = calloc(1, sizeof *self);
    size_t skipped = 0;

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the broker");
    self->link = link;
    self->store = store;
    self->options = *options;
    set_default(&self->options.lease_ns, 15 * SECOND_NS);
    set_default(&self->options.restart_lease_ns, 60 * SECOND_NS);
    set_default(&self->options.engine_silence_ns, SECOND_NS * 3 / 2);
    set_default(&self->options.engine_return_ns, 10 * SECOND_NS);
    set_default(&self->options.query_ns, 5 * SECOND_NS);
    self->keep_end = &self->keep_waits;
    self->incarnation = oid_new();
    self->now_ns = now_ns;
    self->tick_ns = self->promised_ns = INT64_MAX;
    registry_init(&self->registry, 0, 0);
    sessions_init(&self->sessions, &self->registry.changes);
    int status = header_writer_new(&self->writer, err);

    if (!status)
        status = news_init(self, err);
    if (!status)
        status = arena_new(&self->arena, ARENA_BYTES, err);
    if (!status)
        status = store_load(store, &self->registry, &self->sessions, now_ns,
                            lease_begin(now_ns, self->options.restart_lease_ns), &skipped, err);
    if (!status)
        status = peers_restore(self, err);
    if (!status)
        status = queries_new(&self->queries, store, self->options.query_ns, err);
    if (status) {
        broker_destroy(&self);
        return status;
    }
    log_line(LOG_INFO, "BRK-RESTORED", "sessions=%zu engines=%zu objects=%zu names=%zu skipped=%zu",
             self->sessions.count - self->sessions.engines, self->registry.nengines, self->registry.nobjects,
             self->registry.nnames, skipped);
    *ret = self;
    return FH_OK;
}

void
broker_destroy(broker_t **self)
{
    if (!*self)
        return;
    stream_drop(*self, NULL);
    keeps_clear(*self);
    queries_destroy(&(*self)->queries);
    sessions_release(&(*self)->sessions);
    registry_release(&(*self)->registry);
    header_writer_destroy(&(*self)->writer);
    news_release(*self);
    arena_destroy(&(*self)->arena);
    free(*self);
    *self = NULL;
}

/* ---- what arrives --------------------------------------------------------------------------------------------------
 */

/* Who is it?  0: nobody whom we admit. */
static char
role_of(const broker_t *self, const char *user)
{
    if (strcmp(user, self->options.client_key) == 0)
        return 'C';
    return strcmp(user, self->options.engine_key) == 0 ? 'E' : 0;
}

static void
refuse(broker_t *self, const peer_t *peer, uint64_t call, const err_t *err)
{
    session_t *session = session_of_peer(&self->sessions, peer);
    message_t message;

    message_from_err(&message, call, err);
    if (session)
        post(self, session, &message);
    else
        post_stranger(self, peer, &message);
}

static void
dispatch(broker_t *self, session_t *session, const message_t *message)
{
    const handler_t *handler = session->role == 'E' ? ENGINE_HANDLERS : CLIENT_HANDLERS;

    while (handler->run && handler->code != message->code)
        handler++;
    if (!handler->run)
        return; /* OK, ERROR, PONG: signs of life */
    handler->run(self, session, message);
}

/* One message of a frame.  False: the rest of the frame is not wanted. */
static bool
take(broker_t *self, const peer_t *peer, char role, const message_t *message)
{
    session_t *session = session_of_peer(&self->sessions, peer);
    err_t err;

    if (message->code == MSG_HELLO) {
        peers_hello(self, peer, role, &message->as.HELLO);
        return session_of_peer(&self->sessions, peer) != NULL;
    }
    if (!session) {
        err_set(&err, FH_STALE_HANDLE, "the broker does not know you: say HELLO");
        refuse(self, peer, 0, &err);
        return false;
    }
    peers_event(self, session, EVENT_MESSAGE, "");
    if (session->role == 'E' && session->state == STATE_GREETED && message->code != MSG_ANNOUNCE &&
        message->code != MSG_GOODBYE)
        return true; /* nothing counts before the announcement */
    dispatch(self, session, message);
    return true;
}

static void
take_frame(broker_t *self, const link_message_t *message)
{
    char role = role_of(self, message->user);
    header_reader_t reader;
    message_t decoded;
    int errors = 0, status;
    err_t err;

    if (!role || message->count == 0)
        return;
    status = header_open(&reader, message->frames[0].data, message->frames[0].size, &err);
    if (status) {
        log_limited(LOG_WARNING, "BRK-BAD-FRAME", "role=%c %s", role, err.text);
        refuse(self, &message->peer, 0, &err);
        return;
    }
    for (bool more = true; more;) {
        arena_reset(self->arena);
        status = header_next(&reader, self->arena, role, 'B', (uint32_t)message->count - 1, &decoded, &err);
        if (status == FH_NO_SUCH_OBJECT)
            return;
        if (!status)
            more = take(self, &message->peer, role, &decoded);
        else {
            log_limited(LOG_WARNING, "BRK-BAD-MESSAGE", "role=%c code=0x%x %s", role, (unsigned)decoded.code, err.text);
            refuse(self, &message->peer, message_call(&decoded), &err);
            more = ++errors < ERRORS_A_FRAME;
        }
    }
}

static void
receive(broker_t *self)
{
    self->some_left = true;
    for (int i = 0; i < MESSAGES_A_TURN; i++) {
        link_message_t message;
        err_t err;
        int status = link_receive(self->link, &message, &err);

        if (status == FH_OK) {
            take_frame(self, &message);
            link_message_release(self->link, &message);
        } else if (status == FH_PROTOCOL_ERROR)
            log_limited(LOG_WARNING, "BRK-BAD-FRAME", "%s", err.text);
        else {
            self->some_left = false;
            return;
        }
    }
}

/* ---- a turn --------------------------------------------------------------------------------------------------------
 */

static void
save_if_due(broker_t *self)
{
    if (!self->registry.changes.first && !self->registry.object_changes.first && !self->npromises) {
        self->save_ns = 0;
        self->save_failed = false;
        return;
    }
    if (self->save_ns == 0)
        self->save_ns = self->now_ns + SAVE_DELAY_NS;
    if (self->npromises || self->now_ns >= self->save_ns)
        commit(self);
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t
broker_turn(broker_t *self, int64_t now_ns)
{
    int64_t away_ns = lease_away(self->promised_ns, now_ns, LATE_NS);

    self->now_ns = now_ns;
    if (away_ns) {
        log_line(LOG_WARNING, "BRK-LATE", "a turn began %lld ms late: all leases begin anew",
                 (long long)(away_ns / 1000000));
        peers_renew(self);
    }
    receive(self);
    post_waiting(self);
    if (now_ns >= self->tick_ns)
        peers_tick(self);
    peers_sweep(self);
    news_send(self);
    save_if_due(self);
    bool more = stream_pump(self);

    peers_sweep(self);
    news_send(self);
    self->promised_ns = earlier(self->tick_ns, keeps_check(self));
    if (self->save_ns)
        self->promised_ns = earlier(self->promised_ns, self->save_ns);
    if (self->some_waiting)
        self->promised_ns = earlier(self->promised_ns, now_ns + RETRY_NS);
    if (more || self->some_left)
        self->promised_ns = now_ns;
    return self->promised_ns;
}

int
broker_fd(const broker_t *self)
{
    return queries_fd(self->queries);
}

bool
broker_drain(broker_t *self, int64_t now_ns)
{
    self->now_ns = self->save_ns = now_ns; /* all that is left is due */
    if (self->registry.changes.first || self->registry.object_changes.first || self->npromises)
        commit(self);
    post_waiting(self);
    peers_sweep(self);
    news_send(self);
    return !self->some_waiting && (self->save_failed || !self->registry.object_changes.first);
}
