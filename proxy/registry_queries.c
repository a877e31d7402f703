/* What the broker's registry says: engines, objects, SQL. */
#include "base/clock.h"
#include "proxy/error.h"
#include "proxy/session.h"
#include "proxy/value_list.h"
#include "proxy/wait.h"

#include <string.h>

/* ---- engines -------------------------------------------------------------------------------------------------------
 */

static void
describe_engine(const engine_link_t *engine, fh_engine_info *ret)
{
    *ret = (fh_engine_info){.number = engine->number,
                            .pid = engine->pid,
                            .cores = (int)engine->cores,
                            .memory_bytes = engine->memory,
                            .used_bytes = engine->used,
                            .objects = engine->objects};
    memcpy(ret->id.bytes, engine->id.bytes, sizeof ret->id.bytes);
    str_copy(str_of(engine->host), ret->host, sizeof ret->host);
    str_copy(str_of(engine->llvm), ret->llvm, sizeof ret->llvm);
    str_copy(str_of(engine->cpu), ret->cpu, sizeof ret->cpu);
    str_copy(str_of(engine->sandbox), ret->sandbox, sizeof ret->sandbox);
    str_copy(str_of(engine->offers), ret->offers, sizeof ret->offers);
    str_copy(str_of(engine->state), ret->state, sizeof ret->state);
}

/* What a runner says of its host comes some 100 ms after the engine's start. */
#define RUNNERS_PATIENCE_S 0.5

static bool
runners_known(const void *context)
{
    const fh_session *session = context;

    for (int i = 0; i < session->nengines; i++) {
        const engine_link_t *engine = session->engines[i];

        if (str_is(str_of(engine->state), "ready") && engine->llvm[0] && !engine->cpu[0])
            return false;
    }
    return true;
}

/* Once in vain is enough: a runner that does not start says nothing later, either. */
static int
wait_for_runners(fh_session *session, err_t *err)
{
    if (session->runners_silent)
        return FH_OK;
    int status = wait_until(session, clock_deadline(RUNNERS_PATIENCE_S), runners_known, session, err);

    session->runners_silent = status == FH_TIMEOUT;
    return status == FH_TIMEOUT ? FH_OK : status;
}

static int
show_engines(const fh_session *session, fh_engine_info *ret, int room, int *ret_count)
{
    for (int i = 0; i < session->nengines && i < room; i++)
        describe_engine(session->engines[i], &ret[i]);
    *ret_count = session->nengines;
    return FH_OK;
}

int
fh_engines(fh_session *session, fh_engine_info *ret, int room, int *ret_count, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (!status)
        status = broker_link_list_engines(session, err);
    if (!status)
        status = wait_for_runners(session, err);
    return status ? status : show_engines(session, ret, room, ret_count);
}

int
fh_engines_within(fh_session *session, double timeout_s, fh_engine_info *ret, int room, int *ret_count, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (!status)
        status = broker_link_list_engines_within(session, timeout_s, err);
    return status && status != FH_BROKER_LOST ? status : show_engines(session, ret, room, ret_count);
}

static bool
find_number(const fh_session *session, int number, bool lost, fh_id *ret)
{
    const engine_link_t *engine = session_engine_number(session, number);

    if (!engine || (engine->lost && !lost))
        return false;
    memcpy(ret->bytes, engine->id.bytes, sizeof ret->bytes);
    return true;
}

int
fh_engine_of_number(fh_session *session, int number, fh_id *ret, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (status)
        return status;
    session_glance(session);
    if (find_number(session, number, false, ret))
        return FH_OK;
    status = broker_link_list_engines(session, err);
    if (!status && !find_number(session, number, true, ret))
        status = err_set(err, FH_BAD_INDEX, "there is no engine %d", number);
    return status;
}

/* ---- objects -------------------------------------------------------------------------------------------------------
 */

typedef struct {
    int (*visit)(void *context, const fh_object_info *info);
    void *context;
    bool stopped;
} objects_visit_t;

static int
visit_object(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    objects_visit_t *self = context;
    const msg_OBJECT_t *object = &reply->as.OBJECT;
    fh_object_info info = {0};
    (void)raw;
    (void)nraw;
    (void)err;
    if (reply->code != MSG_OBJECT || self->stopped)
        return FH_OK;
    memcpy(info.id.bytes, object->object.bytes, sizeof info.id.bytes);
    memcpy(info.session.bytes, object->session.bytes, sizeof info.session.bytes);
    memcpy(info.engine.bytes, object->engine.bytes, sizeof info.engine.bytes);
    str_copy(object->type, info.type, sizeof info.type);
    str_copy(object->name, info.name, sizeof info.name);
    info.dtype = (fh_dtype)object->dtype;
    info.ndim = object->shape.count < FH_MAX_DIMS ? (int)object->shape.count : FH_MAX_DIMS;
    if (info.ndim)
        memcpy(info.shape, object->shape.items, (size_t)info.ndim * sizeof info.shape[0]);
    info.bytes = (int64_t)object->bytes;
    info.age_ms = (int64_t)object->age_ms;
    self->stopped = self->visit(self->context, &info) != 0;
    return FH_OK;
}

int
fh_objects(fh_session *session, int64_t limit, int (*visit)(void *context, const fh_object_info *info), void *context,
           fh_error *error)
{
    err_t *err = error_start(error);
    objects_visit_t visiting = {visit, context, false};
    message_t question = {.code = MSG_OBJECTS};
    question.as.OBJECTS.limit = limit > 0 ? (uint64_t)limit : 0;
    int status = session_enter(session, err);
    return status ? status : broker_link_ask(session, &question, true, visit_object, &visiting, err);
}

/* ---- SQL -----------------------------------------------------------------------------------------------------------
 */

typedef struct {
    int (*visit)(void *context, const fh_value *cells, int count);
    void *context;
    bool stopped;
} rows_visit_t;

static int
visit_row(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    rows_visit_t *self = context;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_ROW || self->stopped)
        return FH_OK;
    fh_value *cells = NULL;
    int status = value_list_public(reply->as.ROW.values, &cells, err);
    if (!status)
        self->stopped = self->visit(self->context, cells, (int)reply->as.ROW.values.count) != 0;
    value_list_free(&cells);
    return status;
}

int
fh_sql(fh_session *session, const char *query, int64_t limit,
       int (*visit)(void *context, const fh_value *cells, int count), void *context, fh_error *error)
{
    err_t *err = error_start(error);
    rows_visit_t visiting = {visit, context, false};
    message_t question = {.code = MSG_SQL};
    question.as.SQL.query = str_of(query);
    question.as.SQL.limit = limit > 0 ? (uint64_t)limit : 0;
    int status = session_enter(session, err);
    return status ? status : broker_link_ask(session, &question, true, visit_row, &visiting, err);
}
