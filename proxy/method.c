/* Methods of objects, by name. */
#include "proxy/array.h"
#include "proxy/error.h"
#include "proxy/value_list.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

/* Who is called: the object of a one-piece array, or an engine. */
static int
find_receiver(fh_session *session, const fh_array *array, int number, engine_link_t **ret, oid_t *ret_object,
              err_t *err)
{
    int status = array ? array_enter(array, err) : session_enter(session, err);
    if (status)
        return status;
    *ret_object = OID_NONE;
    if (!array) {
        session_glance(session);
        *ret = session_engine_number(session, number);
        if (!*ret)
            return err_set(err, FH_NO_SUCH_OBJECT, "there is no engine %d", number);
        return (*ret)->lost ? engine_link_lost_error(*ret, err) : FH_OK;
    }
    if (array->axis >= 0)
        return err_set(err, FH_INVALID_ARGUMENT, "the array has %d pieces: call a method on one of them", array->n);
    *ret = array->parts[0].handle->engine;
    *ret_object = array->parts[0].handle->id;
    return FH_OK;
}

static int
check_method(const char *method, err_t *err)
{
    if (!method || !method[0] || strlen(method) > 64)
        return err_set(err, FH_INVALID_ARGUMENT, "a method's name has 1 to 64 bytes");
    return FH_OK;
}

typedef struct {
    void (*visit)(void *context, const fh_value *values, int count);
    void *context;
} result_visit_t;

static int
take_result(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    result_visit_t *self = context;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_RESULT)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered CALL with message %d", (int)reply->code);
    if (!self->visit)
        return FH_OK;
    fh_value *values = NULL;
    int status = value_list_public(reply->as.RESULT.values, &values, err);
    if (!status)
        self->visit(self->context, values, (int)reply->as.RESULT.values.count);
    value_list_free(&values);
    return status;
}

int
fh_call(fh_session *session, fh_array *array, int engine, const char *method, const fh_value *args, int nargs,
        void (*visit)(void *context, const fh_value *values, int count), void *context, fh_error *error)
{
    err_t *err = error_start(error);
    result_visit_t visiting = {visit, context};
    request_t request;
    engine_link_t *link = NULL;
    value_t *wire = NULL;
    message_t message = {.code = MSG_CALL};
    uint64_t call;
    int status = find_receiver(session, array, engine, &link, &message.as.CALL.object, err);
    if (!status)
        status = check_method(method, err);
    if (!status && nargs > 0)
        status = value_list_wire(args, nargs, &wire, err);
    if (status)
        return status;
    message.as.CALL.method = str_of(method);
    message.as.CALL.args = (values_t){wire, (uint32_t)nargs};
    status = engine_link_call(link, &message, NULL, &call, err);
    free(wire);
    if (status)
        return status;
    request_init(&request, take_result, &visiting);
    conn_expect(&link->conn, &request, call, 1);
    status = wait_request(link->session, &link->conn, &request, session_deadline(link->session, -1), err);
    if (status == FH_INTERRUPTED)
        session_cancel(link->session);
    return status;
}

int
fh_call_many(fh_session *session, fh_array *array, int engine, const char *method, int64_t n, fh_error *error)
{
    err_t *err = error_start(error);
    engine_link_t *link = NULL;
    message_t message = {.code = MSG_CALL};
    int status = find_receiver(session, array, engine, &link, &message.as.CALL.object, err);
    if (!status)
        status = check_method(method, err);
    if (!status)
        status = engine_link_open(link, err);
    if (status || n <= 0)
        return status;
    message.as.CALL.method = str_of(method);
    int64_t deadline = session_deadline(link->session, -1);
    /* Replies come while we still send: the request is there first, for every call from now on. */
    request_t request = {0};
    conn_expect(&link->conn, &request, link->conn.last_call + 1, UINT64_MAX / 2);
    request.due = (uint64_t)n;
    for (int64_t i = 0; i < n && !status; i++)
        status = engine_link_call(link, &message, NULL, NULL, err);
    if (status)
        conn_forget(&link->conn, &request);
    else
        status = wait_request(link->session, &link->conn, &request, deadline, err);
    return status;
}
