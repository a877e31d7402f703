/* broker/peers.c - lives of clients and engines: hello, signs of life, the end. */
#include "base/log.h"
#include "broker/state.h"

#include <string.h>
#include <time.h>

/* Between probes of an engine; with more engines, of which each tells us that it lives anyway, they are rarer. */
static const int64_t PROBE_NS = 250000000, PROBE_MAX_NS = 1000000000;
enum { PROBE_ENGINES = 256 };

static int64_t
term_of(const broker_t *self, char role)
{
    return role == 'E' ? self->options.engine_silence_ns : self->options.lease_ns;
}

/* Leases are to be looked at when this one runs out at the latest. */
static void
tick_by(broker_t *self, int64_t due_ns)
{
    if (due_ns < self->tick_ns)
        self->tick_ns = due_ns;
}

static void
tick_for(broker_t *self, const session_t *session)
{
    int64_t due_ns = session->lease.due_ns;

    if (session->role == 'E' && session->connected && self->probe_ns < due_ns)
        due_ns = self->probe_ns;
    tick_by(self, due_ns);
}

/* ---- the end -------------------------------------------------------------------------------------------------------
 */

static void
end_client(broker_t *self, session_t *session)
{
    news_add(self, "E", OID_NONE, &(message_t){.code = MSG_SESSION_GONE, .as.SESSION_GONE = {.session = session->id}});
}

static void
end_engine(broker_t *self, session_t *session, engine_state_t state, const char *reason)
{
    engine_t *engine = registry_engine(&self->registry, session->id);

    if (!engine || engine->state == ENGINE_LOST || engine->state == ENGINE_STOPPED)
        return;
    log_line(LOG_WARNING, state == ENGINE_LOST ? "BRK-ENGINE-LOST" : "BRK-ENGINE-STOPPED",
             "engine=%u pid=%llu objects=%llu %s", engine->number, (unsigned long long)engine->pid,
             (unsigned long long)engine->reported, reason);
    registry_engine_end(&self->registry, engine, state);
    news_add(
        self, "CE", session->id,
        &(message_t){.code = MSG_ENGINE_LOST, .as.ENGINE_LOST = {.engine = session->id, .reason = str_of(reason)}});
}

static void
end(broker_t *self, session_t *session, bool on_purpose, const char *reason)
{
    if (self->npromises)
        commit(self); /* what was published is kept before its owner is gone */
    stream_drop(self, session);
    keeps_confirmed(self, session, UINT64_MAX);
    if (session->role == 'E')
        end_engine(self, session, on_purpose ? ENGINE_STOPPED : ENGINE_LOST, reason);
    else
        end_client(self, session);
    log_limited(LOG_INFO, "BRK-SESSION-END", "role=%c pid=%llu host=%s %s", session->role,
                (unsigned long long)session->pid, session->host, reason);
    session_remove(&self->sessions, session);
}

/* ---- signs of life -------------------------------------------------------------------------------------------------
 */

/* Ask the transport whether the connection stands. */
static void
probe(broker_t *self, session_t *session)
{
    post(self, session, &(message_t){.code = MSG_PING});
    if (!session->unreachable)
        lease_renew(&session->lease, self->now_ns, term_of(self, session->role));
}

static void
do_renew(broker_t *self, session_t *session, const char *reason)
{
    (void)reason;
    lease_renew(&session->lease, self->now_ns, term_of(self, session->role));
}

static void
do_probe(broker_t *self, session_t *session, const char *reason)
{
    (void)reason;
    probe(self, session);
}

static void
do_detach(broker_t *self, session_t *session, const char *reason)
{
    log_limited(LOG_INFO, "BRK-SESSION-AWAY", "role=%c pid=%llu %s", session->role, (unsigned long long)session->pid,
                reason);
    stream_drop(self, session);
    session_detach(&self->sessions, session);
    tick_for(self, session);
}

static void
do_expire(broker_t *self, session_t *session, const char *reason)
{
    end(self, session, false, reason);
}

static void
do_leave(broker_t *self, session_t *session, const char *reason)
{
    end(self, session, true, reason);
}

/* WELCOME and ADMIT need more than the session: their messages' handlers do them. */
static void (*const ACTIONS[])(broker_t *self, session_t *session, const char *reason) = {
    [ACTION_RENEW] = do_renew,   [ACTION_PROBE] = do_probe, [ACTION_DETACH] = do_detach,
    [ACTION_EXPIRE] = do_expire, [ACTION_LEAVE] = do_leave,
};

session_action_t
peers_event(broker_t *self, session_t *session, session_event_t event, const char *reason)
{
    session_action_t action = session_step(session, event);

    if ((size_t)action < sizeof ACTIONS / sizeof *ACTIONS && ACTIONS[action])
        ACTIONS[action](self, session, reason);
    return action;
}

static const char *
overdue_reason(const session_t *session)
{
    if (session->role == 'C')
        return "its lease has run out";
    return session->connected ? "no sign of life for too long" : "it did not come back after the broker's restart";
}

static int64_t
probe_interval(const broker_t *self)
{
    int64_t interval_ns = PROBE_NS + PROBE_NS * (int64_t)(self->sessions.engines / PROBE_ENGINES);

    return interval_ns < PROBE_MAX_NS ? interval_ns : PROBE_MAX_NS;
}

void
peers_tick(broker_t *self)
{
    bool probing = self->now_ns >= self->probe_ns;
    session_t *next;

    if (probing)
        self->probe_ns = self->now_ns + probe_interval(self);
    self->tick_ns = INT64_MAX;
    for (session_t *session = self->sessions.first; session; session = next) {
        next = session->next;
        if (lease_overdue(&session->lease, self->now_ns)) {
            session_action_t action = peers_event(self, session, EVENT_OVERDUE, overdue_reason(session));

            if (action == ACTION_EXPIRE)
                continue;
        } else if (probing && session->role == 'E' && session->connected)
            post(self, session, &(message_t){.code = MSG_PING});
        tick_for(self, session);
    }
    for (engine_t *engine = self->registry.engines; engine; engine = engine->next)
        if (engine->sweep_ns && engine->sweep_ns <= self->now_ns) {
            engine->sweep_ns = 0;
            registry_engine_sweep(&self->registry, engine);
        }
}

void
peers_sweep(broker_t *self)
{
    session_t *next;

    while (self->some_unreachable) {
        self->some_unreachable = false;
        for (session_t *session = self->sessions.first; session; session = next) {
            next = session->next;
            if (session->unreachable)
                peers_event(self, session, EVENT_UNREACHABLE, "its connection is gone");
        }
    }
}

void
peers_renew(broker_t *self)
{
    for (session_t *session = self->sessions.first; session; session = session->next)
        lease_renew(&session->lease, self->now_ns, term_of(self, session->role));
}

int
peers_restore(broker_t *self, err_t *err)
{
    int status = FH_OK;

    for (engine_t *engine = self->registry.engines; engine && !status; engine = engine->next) {
        session_t *session;

        if (engine->state == ENGINE_EXPECTED)
            status = session_add(&self->sessions, engine->id, 'E',
                                 lease_begin(self->now_ns, self->options.engine_return_ns), &session, err);
    }
    for (const session_t *session = self->sessions.first; session; session = session->next)
        tick_for(self, session);
    return status;
}

/* ---- hello ---------------------------------------------------------------------------------------------------------
 */

static int
find_or_add(broker_t *self, const peer_t *peer, char role, const msg_HELLO_t *hello, session_t **ret, err_t *err)
{
    session_t *session = session_find(&self->sessions, hello->session);
    const session_t *other = session_of_peer(&self->sessions, peer);

    if (hello->major != PROTOCOL_MAJOR)
        return err_set(err, FH_VERSION_MISMATCH,
                       "you speak version %llu of the protocol, this broker (farhand %s) version %d",
                       (unsigned long long)hello->major, FARHAND_VERSION, PROTOCOL_MAJOR);
    if (oid_is_none(hello->session))
        return err_set(err, FH_PROTOCOL_ERROR, "HELLO without the id of a session");
    if (other && other != session)
        return err_set(err, FH_PROTOCOL_ERROR, "this connection belongs to another session already");
    if (session && session->role != role)
        return err_set(err, FH_PERMISSION, "the id belongs to a peer with another role");
    if (!session) {
        struct timespec wall;
        int status = session_add(&self->sessions, hello->session, role, lease_begin(self->now_ns, term_of(self, role)),
                                 &session, err);

        if (status)
            return status;
        clock_gettime(CLOCK_REALTIME, &wall);
        session->since_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
    }
    *ret = session;
    return FH_OK;
}

static uint64_t
lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void
peers_hello(broker_t *self, const peer_t *peer, char role, const msg_HELLO_t *hello)
{
    session_t *session = NULL;
    message_t refusal;
    err_t err;
    int status = find_or_add(self, peer, role, hello, &session, &err);

    if (!status) {
        stream_drop(self, session);
        tick_for(self, session);
        status = session_attach(&self->sessions, session, peer, &err);
    }
    if (status) {
        message_from_err(&refusal, hello->call, &err);
        post_stranger(self, peer, &refusal);
        return;
    }
    session_step(session, EVENT_HELLO);
    str_copy(hello->host, session->host, sizeof session->host);
    str_copy(hello->software, session->software, sizeof session->software);
    session->pid = hello->pid;
    lease_renew(&session->lease, self->now_ns, term_of(self, session->role));
    tick_for(self, session);
    if (role == 'C')
        rows_touch(&self->registry.changes, &session->row);
    log_limited(LOG_INFO, "BRK-HELLO", "role=%c pid=%llu host=%s software=\"%s\"", role,
                (unsigned long long)session->pid, session->host, session->software);
    commit_promise(self, (promise_t){.kind = PROMISE_WELCOME,
                                     .session = session->id,
                                     .call = hello->call,
                                     .minor = lower(hello->minor, PROTOCOL_MINOR)});
}
