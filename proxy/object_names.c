/* Python objects by name: the name of an object in the host that all sessions share. */
#include "proxy/error.h"
#include "proxy/names.h"
#include "proxy/python_object.h"

#include <string.h>

static const char TYPE[] = "python";

int
fh_object_publish(fh_object *object, const char *name, fh_error *error)
{
    err_t *err = error_start(error);
    engine_link_t *engine = object->handle->engine;
    int status = session_enter(engine->session, err);
    if (!status)
        status = names_check(name, err);
    if (!status && !object->shared)
        status = err_set(err, FH_INVALID_ARGUMENT,
                         "only an object in the shared Python host can be published: this one "
                         "lives in its session's, and ends with it");
    if (status)
        return status;
    message_t message = {.code = MSG_PUBLISH};
    message.as.PUBLISH = (msg_PUBLISH_t){.name = str_of(name),
                                         .type = str_of(TYPE),
                                         .axis = -1,
                                         .pieces = {&object->handle->id, 1},
                                         .engines = {&engine->id, 1}};
    return names_send(engine->session, &message, err);
}

typedef struct {
    oid_t id, engine;
} place_t;

static int
take_named(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    place_t *self = context;
    const msg_NAMED_t *named = &reply->as.NAMED;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_NAMED)
        return err_set(err, FH_PROTOCOL_ERROR, "the broker answered LOOKUP with message %d", (int)reply->code);
    if (!str_is(named->type, TYPE))
        return err_set(err, FH_WRONG_TYPE, "\"%.*s\" is of type %.*s, not %s", (int)named->name.size, named->name.data,
                       (int)named->type.size, named->type.data, TYPE);
    if (named->pieces.count != 1 || named->engines.count != 1)
        return err_set(err, FH_PROTOCOL_ERROR, "the broker described a Python object of %u pieces",
                       named->pieces.count);
    *self = (place_t){named->pieces.items[0], named->engines.items[0]};
    return FH_OK;
}

/* The object is another session's, or nobody's: the engine passes over the RELEASE when the handle goes. */
static int
adopt(engine_link_t *engine, oid_t id, bool shared, fh_object **ret, err_t *err)
{
    handle_t *handle = NULL;
    if (engine->lost)
        return engine_link_lost_error(engine, err);
    int status = handle_adopt(&handle, engine, id, 0, err);
    if (!status)
        status = python_object_new(ret, handle, shared, err);
    if (status)
        handle_discard(&handle);
    return status;
}

int
fh_object_get(fh_session *session, const char *name, fh_object **ret, fh_error *error)
{
    err_t *err = error_start(error);
    place_t place;
    char text[OID_TEXT_SIZE];
    message_t message = {.code = MSG_LOOKUP};
    int status = session_enter(session, err);
    if (!status)
        status = names_check(name, err);
    if (status)
        return status;
    message.as.LOOKUP.name = str_of(name);
    status = broker_link_ask(session, &message, false, take_named, &place, err);
    if (status)
        return status;
    engine_link_t *engine = session_engine(session, place.engine);
    if (!engine && broker_link_list_engines(session, NULL) == FH_OK)
        engine = session_engine(session, place.engine);
    if (!engine)
        return err_set(err, FH_ENGINE_LOST, "\"%.200s\" is on engine %s, which is not in the cluster any more", name,
                       oid_format(place.engine, text));
    return adopt(engine, place.id, true, ret, err);
}
