#include "proxy/placing.h"

#include "codecs/dtype_fields.h"
#include "proxy/nearby.h"
#include "proxy/tail.h"
#include "proxy/wait.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct placing {
    handle_t *handle; /* whose it is */
    engine_link_t *home;
    request_t request;
    bool sent;
    int failed; /* why the answer could not be waited for, last time */
    oid_t memory;
    uint64_t size;
    nd_t nd;         /* as asked for; the memory begins at ARRAY_BASE */
    placing_t *next; /* of those of the engine that were not sent */
};

/* ---- planning ------------------------------------------------------------------------------------------------------
 */

/* Are the parts one behind the other?  Then they are mapped side by side, and need no memory in common. */
static bool
is_in_order(const fh_array *array)
{
    for (int i = 0; i < array->axis; i++)
        if (array->shape.extent[i] != 1)
            return false;
    return true;
}

static bool
has_room(const engine_link_t *engine, int64_t bytes)
{
    return engine->memory <= 0 || bytes <= engine->memory / 2 - engine->live_bytes;
}

/* The engine with most room for all parts; NULL: there is none, or they are not worth it. */
static engine_link_t *
find_home(const fh_array *array, engine_link_t *const *engines)
{
    nd_t whole = array_whole_nd(array);
    int64_t bytes = array_bytes(array);
    engine_link_t *home = NULL;
    for (int i = 0; i < array->n; i++) {
        engine_link_t *engine = engines[i];
        if (!nearby_possible(engine, bytes) || array->cuts[i].length * whole.stride[array->axis] < PLACING_RUN)
            return NULL;
        if (!engine->no_wholes && (!home || engine->live_bytes < home->live_bytes))
            home = engine;
    }
    return home && has_room(home, bytes) && engine_link_open(home, NULL) == FH_OK ? home : NULL;
}

void
placing_plan(fh_array *array, engine_link_t *const *engines)
{
    const fh_session *session = array->session;
    if (array->n < 2 || array->axis < 0 || session->wire_only ||
        array_bytes(array) < (session->maps_inner ? PLACING_BYTES_MAPPED : PLACING_BYTES) || is_in_order(array))
        return;
    engine_link_t *home = find_home(array, engines);
    if (!home)
        return;
    array->lay.home = home;
    array->lay.memory = oid_new();
    for (int i = array->n - 1; i >= 0; i--)
        if (engines[i] == home)
            array->lay.accounts = i;
}

static void
account(handle_t *handle, int64_t bytes)
{
    handle->engine->live_bytes += bytes - handle->bytes;
    handle->bytes = bytes;
}

int
placing_add(const fh_array *array, int i, handle_t *handle, err_t *err)
{
    if (!array->lay.home)
        return FH_OK;
    placing_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory to place a piece");
    self->handle = handle;
    self->home = array->lay.home;
    self->memory = array->lay.memory;
    self->size = (uint64_t)array_bytes(array);
    self->nd = array_whole_nd(array);
    self->nd.data += array->cuts[i].start * self->nd.stride[array->axis];
    self->nd.shape.extent[array->axis] = array->cuts[i].length;
    self->next = handle->engine->placings;
    handle->engine->placings = self;
    handle->placing = self;
    account(handle, i == array->lay.accounts ? array_bytes(array) : 0);
    return FH_OK;
}

const int64_t *
placing_strides(const handle_t *handle)
{
    return handle->placing ? handle->placing->nd.stride : NULL;
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

/* Which messages make arrays that may have a place: where in message_t their ids are. */
static const struct {
    msg_code_t code;
    bool one; /* an oid_t, not oids_t */
    size_t results;
} MAKERS[] = {
    {MSG_UFUNC, false, offsetof(message_t, as.UFUNC.results)},
    {MSG_FUSED, false, offsetof(message_t, as.FUSED.results)},
    {MSG_COPY, true, offsetof(message_t, as.COPY.result)},
    {MSG_EMPTY, true, offsetof(message_t, as.EMPTY.result)},
    {MSG_REDUCE, true, offsetof(message_t, as.REDUCE.result)},
    {MSG_APPLY, false, offsetof(message_t, as.APPLY.outputs)},
    {MSG_KERNEL_CALL, true, offsetof(message_t, as.KERNEL_CALL.result)},
    {MSG_KERNEL_MAP, false, offsetof(message_t, as.KERNEL_MAP.results)},
    {MSG_KERNEL_FOLD, false, offsetof(message_t, as.KERNEL_FOLD.results)},
};

static oids_t
results_of(const message_t *message)
{
    for (size_t i = 0; i < sizeof MAKERS / sizeof *MAKERS; i++) {
        const char *at = (const char *)message + MAKERS[i].results;
        if (MAKERS[i].code == message->code)
            return MAKERS[i].one ? (oids_t){(const oid_t *)(const void *)at, 1} : *(const oids_t *)(const void *)at;
    }
    return (oids_t){NULL, 0};
}

static void
unlist(placing_t *self)
{
    for (placing_t **at = &self->handle->engine->placings; *at; at = &(*at)->next)
        if (*at == self) {
            *at = self->next;
            return;
        }
}

static int
send(placing_t *self, err_t *err)
{
    engine_link_t *engine = self->handle->engine;
    message_t message = {.code = MSG_LAY};
    msg_LAY_t *lay = &message.as.LAY;
    uint64_t call;
    lay->result = self->handle->id;
    lay->engine = self->home->id;
    lay->memory = self->memory;
    lay->size = self->size;
    lay->dtype = (uint64_t)dtype_wire(self->nd.dtype);
    lay->offset = (int64_t)((intptr_t)self->nd.data - (intptr_t)ARRAY_BASE);
    lay->shape = (ints_t){self->nd.shape.extent, (uint32_t)self->nd.shape.ndim};
    lay->strides = (ints_t){self->nd.stride, (uint32_t)self->nd.shape.ndim};
    int status = engine_link_call(engine, &message, NULL, &call, err);
    if (status)
        return status;
    conn_expect_in_order(&engine->conn, &self->request, call, 1);
    self->sent = true;
    return FH_OK;
}

int
placing_send(engine_link_t *engine, const message_t *message, err_t *err)
{
    oids_t results = results_of(message);
    int status = FH_OK;
    for (uint32_t k = 0; k < results.count && !status; k++)
        for (placing_t *self = engine->placings; self; self = self->next) {
            if (!oid_equal(self->handle->id, results.items[k]))
                continue;
            unlist(self);
            status = send(self, err);
            break;
        }
    return status;
}

/* ---- answers -------------------------------------------------------------------------------------------------------
 */

static bool
has_come(const void *context)
{
    const placing_t *self = context;
    return self->request.due == 0;
}

/* It lies apart.  Who does not lend at all is not asked again. */
static void
settle_apart(placing_t *self, const shape_t *shape, int64_t *stride)
{
    nd_t apart;
    if (self->request.status == FH_NOT_SUPPORTED || self->request.status == FH_PROTOCOL_ERROR)
        self->home->no_wholes = true;
    nd_init(&apart, ARRAY_BASE, self->nd.dtype, &self->nd.shape);
    account(self->handle, shape_bytes(&apart.shape, apart.dtype));
    if (shape_equal(shape, &apart.shape) && memcmp(stride, self->nd.stride, (size_t)shape->ndim * sizeof *stride) == 0)
        memcpy(stride, apart.stride, (size_t)shape->ndim * sizeof *stride);
}

void
placing_know(handle_t *handle, const shape_t *shape, int64_t *stride)
{
    placing_t *self = handle->placing;
    fh_session *session = handle->engine->session;
    if (!self)
        return;
    self->failed = self->sent ? FH_OK : tail_send(session, NULL);
    if (self->sent && !self->failed && !has_come(self))
        self->failed = wait_until(session, session_deadline(session, -1), has_come, self, NULL);
    if (!self->failed && (!self->sent || self->request.status))
        settle_apart(self, shape, stride);
}

int
placing_check(const handle_t *handle, err_t *err)
{
    int failed = handle->placing ? handle->placing->failed : FH_OK;
    return failed ? err_set(err, failed, "the engine has not said yet where an array lies") : FH_OK;
}

void
placing_free(placing_t **self)
{
    placing_t *placing = *self;
    *self = NULL;
    if (!placing)
        return;
    if (placing->sent)
        conn_forget(&placing->handle->engine->conn, &placing->request);
    else
        unlist(placing);
    free(placing);
}
