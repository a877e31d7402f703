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
is_in_order(const layout_t *layout, const shape_t *shape)
{
    for (int i = 0; i < layout->axis; i++)
        if (shape->extent[i] != 1)
            return false;
    return true;
}

/* Bytes of part i that lie together in the whole. */
static int64_t
run_of(const layout_t *layout, const nd_t *whole, int i)
{
    return layout->cuts[i].length * whole->stride[layout->axis];
}

static bool
has_room(const engine_link_t *engine, int64_t bytes)
{
    return engine->memory <= 0 || bytes <= engine->memory / 2 - engine->live_bytes;
}

placing_plan_t
placing_plan(fh_session *session, const layout_t *layout, dtype_t dtype, const shape_t *shape)
{
    placing_plan_t plan = {.home = NULL};
    engine_link_t *home = NULL;
    int64_t bytes = shape_bytes(shape, dtype);
    if (layout->n < 2 || layout->axis < 0 || bytes < (session->maps_inner ? PLACING_BYTES_MAPPED : PLACING_BYTES) ||
        session->wire_only || is_in_order(layout, shape))
        return plan;
    nd_init(&plan.whole, ARRAY_BASE, dtype, shape);
    for (int i = 0; i < layout->n; i++) {
        engine_link_t *engine = layout->engines[i];
        if (!nearby_possible(engine, bytes) || run_of(layout, &plan.whole, i) < PLACING_RUN)
            return plan;
        if (!engine->no_wholes && (!home || engine->live_bytes < home->live_bytes))
            home = engine;
    }
    if (!home || !has_room(home, bytes) || engine_link_open(home, NULL))
        return plan;
    plan.home = home;
    plan.memory = oid_new();
    return plan;
}

static void
account(handle_t *handle, int64_t bytes)
{
    handle->engine->live_bytes += bytes - handle->bytes;
    handle->bytes = bytes;
}

/* The first part at home accounts for all. */
static int64_t
accounted(const placing_plan_t *plan, const layout_t *layout, int i)
{
    if (layout->engines[i] != plan->home)
        return 0;
    for (int k = 0; k < i; k++)
        if (layout->engines[k] == plan->home)
            return 0;
    return shape_bytes(&plan->whole.shape, plan->whole.dtype);
}

int
placing_add(const placing_plan_t *plan, const layout_t *layout, int i, handle_t *handle, const int64_t **ret_strides,
            err_t *err)
{
    *ret_strides = NULL;
    if (!plan->home)
        return FH_OK;
    placing_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory to place a piece");
    self->handle = handle;
    self->home = plan->home;
    self->memory = plan->memory;
    self->size = (uint64_t)shape_bytes(&plan->whole.shape, plan->whole.dtype);
    self->nd = plan->whole;
    self->nd.data += layout->cuts[i].start * self->nd.stride[layout->axis];
    self->nd.shape.extent[layout->axis] = layout->cuts[i].length;
    self->next = handle->engine->placings;
    handle->engine->placings = self;
    handle->placing = self;
    account(handle, accounted(plan, layout, i));
    *ret_strides = self->nd.stride;
    return FH_OK;
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
