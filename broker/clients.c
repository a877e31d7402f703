/* broker/clients.c - what clients ask. */
#include "broker/placement.h"
#include "broker/state.h"

#include <stdlib.h>

enum { DEFAULT_ROWS = 10000 };

static void
engine_message(const engine_t *engine, uint64_t call, message_t *ret)
{
    bool gone = engine->state == ENGINE_LOST || engine->state == ENGINE_STOPPED;

    *ret = (message_t){
        .code = MSG_ENGINE,
        .as.ENGINE =
            {
                .call = call,
                .engine = engine->id,
                .number = engine->number,
                .endpoint = str_of(engine->endpoint),
                .local = str_of(engine->local),
                .host = str_of(engine->host),
                .pid = engine->pid,
                .cores = engine->cores,
                .memory = engine->memory,
                .used = engine->used,
                .objects = engine->reported,
                .llvm = str_of(engine->llvm),
                .cpu = str_of(engine->cpu),
                .state = str_of(registry_engine_state_name(gone ? engine->state : ENGINE_READY)),
                .sandbox = str_of(engine->sandbox),
                .offers = str_of(engine->offers),
            },
    };
}

void
clients_tell_engine(broker_t *self, const engine_t *engine)
{
    message_t message;

    engine_message(engine, 0, &message);
    news_add(self, self->registry.nengines <= TOLD_MAX ? "CE" : "C", engine->id, &message);
}

void
clients_engine(broker_t *self, session_t *session, const engine_t *engine, uint64_t call)
{
    message_t message;

    engine_message(engine, call, &message);
    post_add(self, session, &message, NULL);
}

void
clients_engines(broker_t *self, session_t *session, const message_t *message)
{
    uint64_t call = message->as.ENGINES.call;

    for (const engine_t *engine = self->registry.engines; engine; engine = engine->next)
        clients_engine(self, session, engine, call);
    post_add(self, session, &(message_t){.code = MSG_END, .as.END = {.call = call}}, NULL);
    post_flush(self, session);
}

/* ---- placement -----------------------------------------------------------------------------------------------------
 */

static void
promise_bytes(broker_t *self, const place_t *places, uint32_t count, uint64_t bytes)
{
    for (uint32_t i = 0; i < count; i++) {
        engine_t *engine = registry_engine(&self->registry, places[i].id);

        engine->promised += bytes / count < UINT64_MAX - engine->promised ? bytes / count : 0;
    }
}

static void
place(broker_t *self, session_t *session, const message_t *message)
{
    const msg_PLACE_t *request = &message->as.PLACE;
    place_t *places = malloc((self->registry.nengines + 1) * sizeof *places);
    oid_t *ids = malloc((self->registry.nengines + 1) * sizeof *ids);
    uint32_t count = 0;
    err_t err;

    if (!places || !ids) {
        err_set(&err, FH_NO_MEMORY, "no memory to place %llu pieces", (unsigned long long)request->pieces);
        post_error(self, session, request->call, &err);
    } else {
        for (const engine_t *engine = self->registry.engines; engine; engine = engine->next)
            if (engine->state == ENGINE_READY)
                places[count++] =
                    (place_t){engine->id, engine->number, engine->memory, engine->used + engine->promised};
        placement_sort(places, (int)count);
        if (count > request->pieces)
            count = (uint32_t)request->pieces;
        for (uint32_t i = 0; i < count; i++)
            ids[i] = places[i].id;
        promise_bytes(self, places, count, request->bytes);
        post(self, session,
             &(message_t){.code = MSG_PLACEMENT, .as.PLACEMENT = {.call = request->call, .engines = {ids, count}}});
    }
    free(places);
    free(ids);
}

/* ---- names ---------------------------------------------------------------------------------------------------------
 */

/* The name, if there is one; what is not durable yet is made so first. */
static name_t *
settled_name(broker_t *self, str_t text)
{
    name_t *name = registry_name(&self->registry, text);

    if (name && name->state != NAME_LISTED) {
        commit(self);
        name = registry_name(&self->registry, text);
    }
    return name;
}

static int
check_engines(const broker_t *self, const msg_PUBLISH_t *request, err_t *err)
{
    for (uint32_t i = 0; i < request->engines.count; i++) {
        const engine_t *engine = registry_engine(&self->registry, request->engines.items[i]);

        if (!engine || (engine->state != ENGINE_READY && engine->state != ENGINE_EXPECTED))
            return err_set(err, FH_ENGINE_LOST, "the engine of piece %u is gone", i);
        if (engine->state ==
            ENGINE_EXPECTED) /* it could not be told to keep the piece, and might release it before it is */
            return err_set(err, FH_BUSY, "the engine of piece %u has not come back yet after the broker's restart", i);
    }
    for (uint32_t i = 0; i < request->pieces.count && i < request->engines.count; i++) {
        const object_t *object = registry_object(&self->registry, request->pieces.items[i]);

        if (object && !oid_equal(object->engine->id, request->engines.items[i]))
            return err_set(err, FH_INVALID_ARGUMENT, "piece %u is on engine %u, not on the one that was given", i,
                           object->engine->number);
    }
    return FH_OK;
}

static void
publish(broker_t *self, session_t *session, const message_t *message)
{
    const msg_PUBLISH_t *request = &message->as.PUBLISH;
    promise_t promise = {.kind = PROMISE_PUBLISH, .session = session->id, .call = request->call};
    name_t *there = promise.name = settled_name(self, request->name);
    err_t err;
    int status = FH_OK;

    if (!there || registry_name_same(there, request))
        status = check_engines(self, request, &err);
    if (!status && there && registry_name_same(there, request))
        promise.kind = PROMISE_PUBLISHED;
    else if (!status)
        status = registry_name_add(&self->registry, request, &promise.name, &err);
    if (status)
        post_error(self, session, request->call, &err);
    else
        commit_promise(self, promise);
}

static void
no_such_name(broker_t *self, session_t *session, uint64_t call, str_t name)
{
    err_t err;

    err_set(&err, FH_NO_SUCH_NAME, "nothing is published under \"%.*s\"", (int)name.size, name.data);
    post_error(self, session, call, &err);
}

static void
unpublish(broker_t *self, session_t *session, const message_t *message)
{
    const msg_UNPUBLISH_t *request = &message->as.UNPUBLISH;
    name_t *name = settled_name(self, request->name);

    if (!name) {
        no_such_name(self, session, request->call, request->name);
        return;
    }
    registry_name_leave(&self->registry, name);
    commit_promise(self,
                   (promise_t){.kind = PROMISE_UNPUBLISH, .session = session->id, .call = request->call, .name = name});
}

static void
lookup(broker_t *self, session_t *session, const message_t *message)
{
    const msg_LOOKUP_t *request = &message->as.LOOKUP;
    const name_t *name = settled_name(self, request->name);
    message_t answer;
    err_t err;

    if (!name)
        no_such_name(self, session, request->call, request->name);
    else if (name->lost) {
        err_set(&err, FH_ENGINE_LOST,
                "the engine that held \"%s\" is gone, and its data with it: unpublish the name or publish anew",
                name->text);
        post_error(self, session, request->call, &err);
    } else {
        registry_name_to_message(name, request->call, &answer);
        post(self, session, &answer);
    }
}

static void
names(broker_t *self, session_t *session, const message_t *message)
{
    stream_start(self, session, STREAM_NAMES, message->as.NAMES.call, UINT64_MAX / 2, (str_t){0});
}

/* ---- the registry --------------------------------------------------------------------------------------------------
 */

static void
objects(broker_t *self, session_t *session, const message_t *message)
{
    const msg_OBJECTS_t *request = &message->as.OBJECTS;

    stream_start(self, session, STREAM_OBJECTS, request->call, request->limit ? request->limit : DEFAULT_ROWS,
                 (str_t){0});
}

static void
sql(broker_t *self, session_t *session, const message_t *message)
{
    const msg_SQL_t *request = &message->as.SQL;

    for (engine_t *engine = self->registry.engines; engine; engine = engine->next)
        rows_touch(&self->registry.changes, &engine->row); /* heartbeats do not touch rows: bring them up to date */
    if (!self->save_failed)
        self->save_ns = self->now_ns;
    stream_start(self, session, STREAM_SQL, request->call, request->limit ? request->limit : DEFAULT_ROWS,
                 request->query);
}

static void
goodbye(broker_t *self, session_t *session, const message_t *message)
{
    if (message->as.GOODBYE.call)
        post_ok(self, session, message->as.GOODBYE.call);
    peers_event(self, session, EVENT_GOODBYE, "it said goodbye");
}

static void
ping(broker_t *self, session_t *session, const message_t *message)
{
    if (message->as.PING.call)
        post(self, session, &(message_t){.code = MSG_PONG, .as.PONG = {.call = message->as.PING.call}});
}

const handler_t CLIENT_HANDLERS[] = {
    {MSG_PING, ping},     {MSG_GOODBYE, goodbye},    {MSG_ENGINES, clients_engines},
    {MSG_PLACE, place},   {MSG_PUBLISH, publish},    {MSG_UNPUBLISH, unpublish},
    {MSG_LOOKUP, lookup}, {MSG_NAMES, names},        {MSG_OBJECTS, objects},
    {MSG_SQL, sql},       {MSG_MEMORY, memory_tell}, {MSG_HELLO, NULL},
};
