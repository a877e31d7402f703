/* Python objects on engines, and calls in their hosts. */
#include "proxy/python_object.h"

#include "proxy/error.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_OBJECTS = 1024, MAX_ARRAYS = 48, MAX_CANCELLED = 512, MAX_WORKER = 2047 };

/* ---- objects -------------------------------------------------------------------------------------------------------
 */

int
python_object_new(fh_object **ret, handle_t *handle, bool shared, err_t *err)
{
    fh_object *self = malloc(sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a handle");
    *self = (fh_object){handle, shared};
    *ret = self;
    return FH_OK;
}

void
fh_object_free(fh_object **object)
{
    if (!object || !*object)
        return;
    handle_unref(&(*object)->handle);
    free(*object);
    *object = NULL;
}

void
fh_object_describe(const fh_object *object, fh_id *ret_id, int *ret_engine, int *ret_shared)
{
    *ret_shared = object->shared;
    memcpy(ret_id->bytes, object->handle->id.bytes, sizeof ret_id->bytes);
    *ret_engine = object->handle->engine->number;
}

/* ---- calls --------------------------------------------------------------------------------------------------------
 */

static void
destroy(fh_python_call *self)
{
    fh_session *session = self->session;
    python_answer_release(self);
    buf_unref(&self->pickle);
    free(self);
    session_drop_handle(session);
}

/* ---- asking --------------------------------------------------------------------------------------------------------
 */

static int
check_request(const fh_python_request *request, err_t *err)
{
    size_t length = request->what ? strlen(request->what) : 0;
    if (length < 1 || length > 255)
        return err_set(err, FH_INVALID_ARGUMENT, "what a Python call is called has 1 to 255 bytes");
    if (!request->body || !request->size)
        return err_set(err, FH_INVALID_ARGUMENT, "a Python call needs a pickle");
    if (request->worker < 0 || request->worker > MAX_WORKER)
        return err_set(err, FH_INVALID_ARGUMENT, "there are no %d Python processes", request->worker);
    if (request->nobjects > MAX_OBJECTS || request->narrays > MAX_ARRAYS || request->nbuffers >= MAX_ARRAYS)
        return err_set(
            err, FH_LIMIT_EXCEEDED,
            "a Python call refers to %d objects, %d arrays and %d buffers; at most %d, %d and %d are possible",
            request->nobjects, request->narrays, request->nbuffers, MAX_OBJECTS, MAX_ARRAYS, MAX_ARRAYS - 1);
    return FH_OK;
}

static int
find_engine(fh_session *session, const fh_python_request *request, engine_link_t **ret, err_t *err)
{
    *ret = request->nobjects ? request->objects[0]->handle->engine : session_engine_number(session, request->engine);
    if (!*ret)
        return err_set(err, FH_NO_SUCH_OBJECT, "there is no engine %d", request->engine);
    for (int i = 0; i < request->nobjects; i++)
        if (request->objects[i]->shared != (request->shared != 0))
            return err_set(
                err, FH_INVALID_ARGUMENT,
                "an object of this session and a published one in one call: they live in different processes");
        else if (request->objects[i]->handle->engine != *ret)
            return err_set(err, FH_INVALID_ARGUMENT,
                           "Python objects of engine %d and of engine %d in one call: gather one of them first",
                           (*ret)->number, request->objects[i]->handle->engine->number);
    for (int i = 0; i < request->narrays + request->nbuffers; i++) {
        const fh_array *array = i < request->narrays ? request->arrays[i] : request->buffers[i - request->narrays];
        if (array->axis >= 0 || array->parts[0].handle->engine != *ret)
            return err_set(err, FH_INVALID_ARGUMENT, "an array of a Python call does not lie on engine %d",
                           (*ret)->number);
    }
    return (*ret)->lost ? engine_link_lost_error(*ret, err) : FH_OK;
}

/* A pickle that is too large for a message becomes an array of bytes. */
static int
scatter_body(fh_session *session, const engine_link_t *engine, const fh_python_request *request, fh_array **ret,
             err_t *err)
{
    int64_t shape[1] = {(int64_t)request->size};
    fh_local local = {.data = (void *)(uintptr_t)request->body, .dtype = FH_UINT8, .ndim = 1, .shape = shape};
    fh_id id;
    memcpy(id.bytes, engine->id.bytes, sizeof id.bytes);
    return fh_scatter(session, &local, &(fh_scatter_options){.axis = FH_WHOLE, .engines = &id, .nengines = 1}, ret,
                      (fh_error *)err);
}

/* The ids that the message names, in one piece of memory; body: NULL if there is none. */
static int
list_ids(const fh_python_request *request, const fh_array *body, message_t *message, oid_t **ret, err_t *err)
{
    size_t n = (size_t)request->nobjects + (size_t)request->narrays + (size_t)request->nbuffers + 1;
    oid_t *ids = malloc(n * sizeof *ids), *at = ids;
    if (!ids)
        return err_set(err, FH_NO_MEMORY, "no memory for %zu ids", n);
    message->as.PY_CALL.objects = (oids_t){at, (uint32_t)request->nobjects};
    for (int i = 0; i < request->nobjects; i++)
        *at++ = request->objects[i]->handle->id;
    message->as.PY_CALL.arrays = (oids_t){at, (uint32_t)request->narrays};
    for (int i = 0; i < request->narrays; i++)
        *at++ = request->arrays[i]->parts[0].handle->id;
    message->as.PY_CALL.buffers = (oids_t){at, (uint32_t)request->nbuffers + (body != NULL)};
    for (int i = 0; i < request->nbuffers; i++)
        *at++ = request->buffers[i]->parts[0].handle->id;
    if (body)
        *at++ = body->parts[0].handle->id;
    *ret = ids;
    return FH_OK;
}

/* The pickle: in the message, beside it, or as an array that goes when the call has been sent. */
static int
emit(fh_python_call *call, const fh_python_request *request, handle_t *result, err_t *err)
{
    message_t message = {.code = MSG_PY_CALL};
    fh_array *body = NULL;
    buf_t *raw = NULL;
    oid_t *ids = NULL;
    int status = FH_OK;
    message.as.PY_CALL.what = str_of(request->what);
    message.as.PY_CALL.result = result ? result->id : OID_NONE;
    message.as.PY_CALL.shared = request->shared != 0;
    message.as.PY_CALL.worker = (uint64_t)request->worker;
    message.as.PY_CALL.timeout_ms = request->timeout_s > 0 ? (uint64_t)(request->timeout_s * 1e3) + 1 : 0;
    if (request->size <= PYTHON_BODY_INLINE)
        message.as.PY_CALL.body = (bin_t){request->body, (uint32_t)request->size};
    else if (request->size <= PYTHON_BODY_RAW)
        status = buf_new_copy(&raw, request->body, request->size, err);
    else
        status = scatter_body(call->session, call->engine, request, &body, err);
    if (!status)
        status = list_ids(request, body, &message, &ids, err);
    if (!status)
        status = engine_link_call(call->engine, &message, raw, &call->number, err);
    if (!status)
        conn_expect_in_order(&call->engine->conn, &call->request, call->number, 1);
    free(ids);
    buf_unref(&raw);
    fh_array_free(&body);
    return status;
}

static void
link_call(fh_python_call *self)
{
    self->next = NULL;
    *(self->session->python_first ? &self->session->python_last->next : &self->session->python_first) = self;
    self->session->python_last = self;
}

int
fh_python_ask(fh_session *session, const fh_python_request *request, fh_object **ret_object, fh_python_call **ret,
              fh_error *error)
{
    err_t *err = error_start(error);
    engine_link_t *engine = NULL;
    handle_t *handle = NULL;
    fh_object *object = NULL;
    fh_python_call *self = NULL;
    int status = session_enter(session, err);
    if (!status && session->python_abandoned)
        python_object_reap(session);
    if (!status)
        status = check_request(request, err);
    if (!status)
        status = find_engine(session, request, &engine, err);
    if (!status)
        status = engine_link_open(engine, err);
    if (status)
        return status;
    self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a Python call");
    *self = (fh_python_call){.session = session,
                             .engine = engine,
                             .shared = request->shared != 0,
                             .collected = request->collected,
                             .request = {.reply = python_answer_take, .context = self}};
    session->handles++;
    if (request->keep)
        status = handle_new(&handle, engine, OID_NONE, 0, err);
    if (!status && handle)
        status = python_object_new(&object, handle, self->shared, err);
    if (!status && !python_direct_send(self, request))
        status = emit(self, request, handle, err);
    if (status) {
        handle_discard(&handle);
        free(object);
        destroy(self);
        return status;
    }
    if (self->collected)
        link_call(self);
    if (object)
        *ret_object = object;
    *ret = self;
    return FH_OK;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------
 */

bool
python_call_has_news(const void *context)
{
    return ((const fh_python_call *)context)->request.due == 0;
}

static bool
is_answered(const fh_python_call *call)
{
    return python_call_has_news(call) && !python_direct_must_follow(call);
}

static int
outcome(const fh_python_call *call, err_t *err)
{
    if (call->taken_back)
        return err_set(err, FH_CANCELLED, "the call was taken back before it began");
    if (call->request.status && err)
        *err = call->request.err;
    if (call->request.status)
        return call->request.status;
    return call->answer.raised ? err_set(err, FH_REMOTE_ERROR, "remote code raised an exception") : FH_OK;
}

int
fh_python_wait(fh_python_call *call, double timeout_s, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(call->session, err);
    int64_t deadline_ns = session_deadline(call->session, timeout_s);
    while (!status && !is_answered(call))
        status = python_direct_must_follow(call)
                     ? python_direct_follow(call, err)
                     : wait_until(call->session, deadline_ns, python_call_has_news, call, err);
    if (status == FH_INTERRUPTED)
        session_cancel(call->session);
    if (status == FH_TIMEOUT)
        engine_link_check(call->engine); /* who waits in short slices learns of its end here */
    return status ? status : outcome(call, err);
}

int
fh_python_answer_get(fh_python_call *call, fh_python_answer *ret, fh_error *error)
{
    err_t *err = error_start(error);
    if (!is_answered(call) && !call->taken_back)
        return err_set(err, FH_BUSY, "the call has not been answered yet");
    *ret = call->answer;
    return outcome(call, err);
}

fh_object *
fh_python_take_object(fh_python_call *call, int i)
{
    fh_object *object = i >= 0 && i < call->answer.nobjects ? call->objects[i] : NULL;
    if (object)
        call->objects[i] = NULL;
    return object;
}

fh_array *
fh_python_take_array(fh_python_call *call, int i)
{
    fh_array *array = i >= 0 && i < call->answer.narrays ? call->arrays[i] : NULL;
    if (array)
        call->arrays[i] = NULL;
    return array;
}

/* One that is not answered stays: what it makes must be released when the answer comes. */
void
fh_python_call_free(fh_python_call **call)
{
    fh_python_call *self = call ? *call : NULL;
    if (!self)
        return;
    *call = NULL;
    if (python_call_has_news(self)) {
        destroy(self);
        return;
    }
    self->next = self->session->python_abandoned;
    self->session->python_abandoned = self;
}

void
python_object_reap(fh_session *session)
{
    for (fh_python_call **at = &session->python_abandoned; *at;) {
        fh_python_call *call = *at;
        if (!python_call_has_news(call)) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        destroy(call);
    }
}

void
python_object_stop(fh_session *session)
{
    while (session->python_first) {
        fh_python_call *call = session->python_first;
        session->python_first = call->next;
        fh_python_call_free(&call);
    }
    session->python_last = NULL;
    python_object_reap(session);
}

int
fh_python_collect(fh_session *session, void (*visit)(void *context, void *collected, fh_python_call *call),
                  void *context, int *ret_waiting, fh_error *error)
{
    int status = session_enter(session, error_start(error));
    if (status)
        return status;
    session_push(session);
    (void)session_pump(session);
    for (int i = 0; i < session->nengines; i++)
        engine_link_check(session->engines[i]);
    fh_python_call *all = session->python_first;
    session->python_first = session->python_last = NULL;
    *ret_waiting = 0;
    while (all) {
        fh_python_call *call = all;
        all = call->next;
        if (is_answered(call) || call->taken_back) {
            call->next = NULL;
            visit(context, call->collected, call);
        } else {
            link_call(call);
            (*ret_waiting)++;
        }
    }
    return FH_OK;
}

static bool
is_one_of(const fh_python_call *call, void *const *collected, int n)
{
    for (int i = 0; i < n; i++)
        if (collected[i] == call->collected)
            return true;
    return false;
}

void
python_object_taken_back(const engine_link_t *engine, const ints_t *calls)
{
    for (fh_python_call *call = engine->session->python_first; call; call = call->next)
        for (uint32_t i = 0; i < calls->count && call->engine == engine; i++)
            if ((uint64_t)calls->items[i] == call->number)
                call->taken_back = true;
}

int
fh_python_cancel(fh_session *session, void *const *collected, int n, int unbegun, fh_error *error)
{
    int64_t numbers[MAX_CANCELLED];
    int status = session_enter(session, error_start(error));
    for (int i = 0; i < session->nengines && !status; i++) {
        int count = 0;
        for (const fh_python_call *call = session->python_first; call && count < MAX_CANCELLED; call = call->next)
            if (call->engine == session->engines[i] && !is_answered(call) && is_one_of(call, collected, n))
                numbers[count++] = (int64_t)call->number;
        if (count)
            engine_link_cancel_calls(session->engines[i], numbers, count, unbegun != 0);
    }
    return status;
}
