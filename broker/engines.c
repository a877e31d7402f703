/* broker/engines.c - what engines tell. */
#include "base/log.h"
#include "broker/state.h"

/* So long after an announcement an object that was not named again is held to be gone. */
static const int64_t CONFIRM_NS = 5000000000;

/* What the engine may have missed while it was away: sessions that have ended. */
static void
tell_ended(broker_t *self, session_t *session)
{
    for (int i = 0; i < SESSIONS_ENDED_MAX; i++) {
        message_t news = {.code = MSG_SESSION_GONE, .as.SESSION_GONE = {.session = self->sessions.ended[i]}};

        if (!oid_is_none(self->sessions.ended[i]) && !session_find(&self->sessions, self->sessions.ended[i]))
            post_add(self, session, &news, NULL);
    }
    post_flush(self, session);
}

/* OK, who it is itself, and who else is there. */
static void
accept(broker_t *self, session_t *session, const engine_t *engine, uint64_t call)
{
    post_add(self, session, &(message_t){.code = MSG_OK, .as.OK = {.call = call}}, NULL);
    clients_engine(self, session, engine, 0);
    for (const engine_t *other = self->registry.engines; other && self->registry.nengines <= TOLD_MAX;
         other = other->next)
        if (other != engine)
            clients_engine(self, session, other, 0);
    post_flush(self, session);
}

static void
announce(broker_t *self, session_t *session, const message_t *message)
{
    const msg_ANNOUNCE_t *news = &message->as.ANNOUNCE;
    engine_t *engine;
    err_t err;

    if (peers_event(self, session, EVENT_ANNOUNCE, "") != ACTION_ADMIT)
        return;
    if (registry_engine_announce(&self->registry, session->id, news, session->host, session->pid, &engine, &err)) {
        post_error(self, session, news->call, &err);
        return;
    }
    engine->sweep_ns = self->now_ns + CONFIRM_NS;
    log_line(LOG_INFO, "BRK-ENGINE", "engine=%u pid=%llu endpoint=%s cores=%llu", engine->number,
             (unsigned long long)engine->pid, engine->endpoint, (unsigned long long)engine->cores);
    accept(self, session, engine, news->call);
    keeps_engine(self, session);
    tell_ended(self, session);
    clients_tell_engine(self, engine);
}

static void
find_engine(broker_t *self, session_t *session, const message_t *message)
{
    const msg_FIND_ENGINE_t *request = &message->as.FIND_ENGINE;
    const engine_t *engine = registry_engine(&self->registry, request->engine);
    char text[OID_TEXT_SIZE];
    err_t err;

    if (engine) {
        clients_engine(self, session, engine, request->call);
        post_flush(self, session);
        return;
    }
    err_set(&err, FH_NO_SUCH_OBJECT, "the broker knows no engine %s", oid_format(request->engine, text));
    post_error(self, session, request->call, &err);
}

static void
heartbeat(broker_t *self, session_t *session, const message_t *message)
{
    engine_t *engine = registry_engine(&self->registry, session->id);

    if (!engine)
        return;
    engine->used = message->as.HEARTBEAT.used;
    engine->reported = message->as.HEARTBEAT.objects;
    engine->promised = 0;
}

/* An object of a session that we do not know: its client is given time to come back, then it ends like any other. */
static void
adopt(broker_t *self, const object_t *object)
{
    session_t *session;

    if (oid_is_none(object->session) || session_find(&self->sessions, object->session) ||
        session_has_ended(&self->sessions, object->session) || registry_pinned(&self->registry, object->id, NULL))
        return;
    if (session_add(&self->sessions, object->session, 'C', lease_begin(self->now_ns, self->options.restart_lease_ns),
                    &session, NULL))
        return;
    if (session->lease.due_ns < self->tick_ns)
        self->tick_ns = session->lease.due_ns;
}

static void
object(broker_t *self, session_t *session, const message_t *message)
{
    engine_t *engine = registry_engine(&self->registry, session->id);
    object_t *row;
    err_t err;

    if (!engine || engine->state != ENGINE_READY)
        return;
    if (registry_object_put(&self->registry, engine, &message->as.OBJECT, self->now_ns, &row, &err))
        log_limited(LOG_WARNING, "BRK-OBJECT", "%s", err.text);
    else
        adopt(self, row);
}

static void
objects_gone(broker_t *self, session_t *session, const message_t *message)
{
    const oids_t *ids = &message->as.OBJECTS_GONE.objects;

    for (uint32_t i = 0; i < ids->count; i++) {
        object_t *row = registry_object(&self->registry, ids->items[i]);

        if (row && oid_equal(row->engine->id, session->id))
            registry_object_remove(&self->registry, row);
    }
}

static void
goodbye(broker_t *self, session_t *session, const message_t *message)
{
    if (message->as.GOODBYE.call)
        post_ok(self, session, message->as.GOODBYE.call);
    peers_event(self, session, EVENT_GOODBYE, "stopped on purpose");
}

static void
confirmed(broker_t *self, session_t *session, const message_t *message)
{
    keeps_confirmed(self, session, message->as.OK.call);
}

static void
ping(broker_t *self, session_t *session, const message_t *message)
{
    if (message->as.PING.call)
        post(self, session, &(message_t){.code = MSG_PONG, .as.PONG = {.call = message->as.PING.call}});
}

const handler_t ENGINE_HANDLERS[] = {
    {MSG_PING, ping},
    {MSG_GOODBYE, goodbye},
    {MSG_ENGINES, clients_engines},
    {MSG_ANNOUNCE, announce},
    {MSG_HEARTBEAT, heartbeat},
    {MSG_OBJECT, object},
    {MSG_OBJECTS_GONE, objects_gone},
    {MSG_FIND_ENGINE, find_engine},
    {MSG_OK, confirmed},
    {MSG_HELLO, NULL},
};
