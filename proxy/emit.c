#include "proxy/emit.h"

#include "codecs/dtype_fields.h"
#include "proxy/placing.h"
#include "proxy/tail.h"

#include <stdlib.h>

static ints_t
ints_of(const shape_t *shape)
{
    return (ints_t){shape->extent, (uint32_t)shape->ndim};
}

/* A handle for what the message will make, which the message names before it is sent. */
static int
make_handle(handle_t **ret, engine_link_t *engine, oid_t root, int64_t bytes, oid_t *ret_id, err_t *err)
{
    int status = handle_new(ret, engine, root, bytes, err);
    if (!status)
        *ret_id = (*ret)->id;
    return status;
}

/* Send the message that makes *ret; on failure there is no handle. */
static int
make(engine_link_t *engine, message_t *message, buf_t *raw, handle_t **ret, err_t *err)
{
    int status = engine_link_call(engine, message, raw, NULL, err);
    if (status)
        handle_discard(ret);
    return status;
}

/* made (may be NULL): what it will be part i of. */
static int
empty(engine_link_t *engine, dtype_t dtype, const shape_t *shape, const fh_array *made, int i, buf_t *raw,
      handle_t **ret, err_t *err)
{
    message_t message = {.code = MSG_EMPTY};
    handle_t *handle;
    int status = make_handle(&handle, engine, OID_NONE, shape_bytes(shape, dtype), &message.as.EMPTY.result, err);
    if (status)
        return status;
    if (made)
        status = placing_add(made, i, handle, err);
    if (status) {
        handle_discard(&handle);
        return status;
    }
    message.as.EMPTY.dtype = (uint64_t)dtype_wire(dtype);
    message.as.EMPTY.shape = ints_of(shape);
    message.as.EMPTY.first = made ? array_first(made, i) : 0;
    status = make(engine, &message, raw, &handle, err);
    if (!status)
        *ret = handle;
    return status;
}

int
emit_empty_as(engine_link_t *engine, oid_t result, dtype_t dtype, const shape_t *shape, buf_t *raw, err_t *err)
{
    message_t message = {.code = MSG_EMPTY};
    message.as.EMPTY.result = result;
    message.as.EMPTY.dtype = (uint64_t)dtype_wire(dtype);
    message.as.EMPTY.shape = ints_of(shape);
    return engine_link_call(engine, &message, raw, NULL, err);
}

int
emit_empty(engine_link_t *engine, dtype_t dtype, const shape_t *shape, buf_t *raw, handle_t **ret, err_t *err)
{
    return empty(engine, dtype, shape, NULL, 0, raw, ret, err);
}

int
emit_empty_part(const fh_array *made, int i, engine_link_t *engine, buf_t *raw, handle_t **ret, err_t *err)
{
    shape_t shape = array_part_shape(made, i);
    return empty(engine, made->dtype, &shape, made, i, raw, ret, err);
}

int
emit_write(handle_t *target, int64_t offset, buf_t *raw, err_t *err)
{
    message_t message = {.code = MSG_WRITE};
    message.as.WRITE.object = target->id;
    message.as.WRITE.offset = (uint64_t)offset;
    return engine_link_call(target->engine, &message, raw, NULL, err);
}

static int
view(handle_t *source, const nd_t *nd, dtype_t dtype, handle_t **ret, err_t *err)
{
    message_t message = {.code = MSG_VIEW};
    handle_t *made;
    int status = placing_check(source, err);
    if (!status)
        status = make_handle(&made, source->engine, source->root, 0, &message.as.VIEW.result, err);
    if (status)
        return status;
    message.as.VIEW.object = source->id;
    message.as.VIEW.offset = (int64_t)((intptr_t)nd->data - (intptr_t)ARRAY_BASE);
    message.as.VIEW.shape = ints_of(&nd->shape);
    message.as.VIEW.strides = (ints_t){nd->stride, (uint32_t)nd->shape.ndim};
    message.as.VIEW.dtype = (uint64_t)dtype;
    status = make(source->engine, &message, NULL, &made, err);
    if (!status)
        *ret = made;
    return status;
}

int
emit_view(handle_t *source, const nd_t *nd, handle_t **ret, err_t *err)
{
    return view(source, nd, DTYPE_NONE, ret, err);
}

int
emit_view_as(handle_t *source, const nd_t *nd, handle_t **ret, err_t *err)
{
    return view(source, nd, dtype_wire(nd->dtype), ret, err);
}

int
emit_copy(handle_t *source, dtype_t dtype, const shape_t *shape, handle_t **ret, err_t *err)
{
    handle_t *made;
    int status = handle_new(&made, source->engine, OID_NONE, shape_bytes(shape, dtype), err);
    if (!status)
        status = emit_copy_piece(source, dtype, 0, &made, err);
    if (!status)
        *ret = made;
    return status;
}

int
emit_copy_piece(handle_t *source, dtype_t dtype, uint64_t first, handle_t **made, err_t *err)
{
    message_t message = {.code = MSG_COPY};
    message.as.COPY.object = source->id;
    message.as.COPY.result = (*made)->id;
    message.as.COPY.dtype = (uint64_t)dtype_wire(dtype);
    message.as.COPY.first = first;
    message.as.COPY.watch = source->engine->session->watch;
    return make(source->engine, &message, NULL, made, err);
}

int
emit_lay_part(const fh_array *made, int i, handle_t **part, err_t *err)
{
    shape_t shape = array_part_shape(made, i);
    handle_t *copy;
    if (!made->lay.home)
        return FH_OK;
    int status = handle_new(&copy, (*part)->engine, OID_NONE, shape_bytes(&shape, made->dtype), err);
    if (status)
        return status;
    status = placing_add(made, i, copy, err);
    if (status)
        handle_discard(&copy);
    else
        status = emit_copy_piece(*part, made->dtype, array_first(made, i), &copy, err);
    if (status)
        return status;
    handle_unref(part);
    *part = copy;
    return FH_OK;
}

int
emit_assign(handle_t *target, const operand_t *source, const handle_t *whole, err_t *err)
{
    message_t message = {.code = MSG_ASSIGN};
    message.as.ASSIGN.target = target->id;
    message.as.ASSIGN.source = (operands_t){source, 1};
    message.as.ASSIGN.watch = target->engine->session->watch;
    message.as.ASSIGN.whole = whole ? whole->id : OID_NONE;
    return engine_link_call(target->engine, &message, NULL, NULL, err);
}

/* dtype: of the result that is made; the message says which one the reduction gives.  whole (may be NULL): what it will
 * be part i of. */
static int
send_reduce(handle_t *source, message_t *message, reduce_t reduce, uint32_t axes, dtype_t dtype, const shape_t *shape,
            const fh_array *whole, int i, handle_t **ret, err_t *err)
{
    handle_t *made;
    int64_t list[SHAPE_MAX_DIMS];
    uint32_t n = 0;
    for (int axis = 0; axis < SHAPE_MAX_DIMS; axis++)
        if (axes & UINT32_C(1) << axis)
            list[n++] = axis;
    int status =
        make_handle(&made, source->engine, OID_NONE, shape_bytes(shape, dtype), &message->as.REDUCE.result, err);
    if (status)
        return status;
    message->as.REDUCE.op = str_of(reduce_name(reduce));
    message->as.REDUCE.object = source->id;
    message->as.REDUCE.axes = (ints_t){list, n};
    if (reduction_is_ordered(reduce, (dtype_t)message->as.REDUCE.dtype)) /* others only compare and count */
        message->as.REDUCE.watch = source->engine->session->watch;
    if (whole) {
        message->as.REDUCE.first = array_first(whole, i);
        status = placing_add(whole, i, made, err);
    }
    if (!status)
        status = tail_reduce(source->engine, message, err);
    if (status)
        handle_discard(&made);
    else
        *ret = made;
    return status;
}

int
emit_reduce(handle_t *source, reduce_t reduce, uint32_t axes, bool keepdims, dtype_t dtype, int64_t base,
            const shape_t *shape, handle_t **ret, err_t *err)
{
    message_t message = {.code = MSG_REDUCE};
    message.as.REDUCE.keepdims = keepdims;
    message.as.REDUCE.dtype = (uint64_t)dtype;
    message.as.REDUCE.base = base;
    return send_reduce(source, &message, reduce, axes, dtype, shape, NULL, 0, ret, err);
}

int
emit_reduce_part(handle_t *source, reduce_t reduce, uint32_t axes, bool keepdims, const fh_array *made, int i,
                 handle_t **ret, err_t *err)
{
    message_t message = {.code = MSG_REDUCE};
    shape_t shape = array_part_shape(made, i);
    message.as.REDUCE.keepdims = keepdims;
    message.as.REDUCE.dtype = (uint64_t)made->dtype;
    return send_reduce(source, &message, reduce, axes, made->dtype, &shape, made, i, ret, err);
}

int
emit_reduce_piece(handle_t *source, reduce_t reduce, uint32_t axes, dtype_t dtype, int axis, int64_t start,
                  int64_t whole, const shape_t *shape, handle_t **ret, err_t *err)
{
    message_t message = {.code = MSG_REDUCE};
    message.as.REDUCE.dtype = (uint64_t)dtype;
    message.as.REDUCE.axis = (uint64_t)axis;
    message.as.REDUCE.start = start;
    message.as.REDUCE.whole = whole;
    return send_reduce(source, &message, reduce, axes, reduction_state_dtype(dtype), shape, NULL, 0, ret, err);
}

static int
ids_of(handle_t *const *handles, int n, oid_t **ret, err_t *err)
{
    *ret = malloc((size_t)n * sizeof **ret);
    if (!*ret)
        return err_set(err, FH_NO_MEMORY, "no memory to join %d arrays", n);
    for (int i = 0; i < n; i++)
        (*ret)[i] = handles[i]->id;
    return FH_OK;
}

int
emit_reduce_join(engine_link_t *to, reduce_t reduce, handle_t *const *states, int n, const int64_t *cuts, dtype_t dtype,
                 bool middle, uint64_t watch, oid_t result, err_t *err)
{
    message_t message = {.code = MSG_REDUCE_JOIN};
    oid_t *ids;
    int status = ids_of(states, n, &ids, err);
    if (status)
        return status;
    message.as.REDUCE_JOIN.op = str_of(reduce_name(reduce));
    message.as.REDUCE_JOIN.states = (oids_t){ids, (uint32_t)n};
    message.as.REDUCE_JOIN.cuts = (ints_t){cuts, (uint32_t)n + 1};
    message.as.REDUCE_JOIN.result = result;
    message.as.REDUCE_JOIN.dtype = (uint64_t)dtype;
    message.as.REDUCE_JOIN.middle = middle;
    message.as.REDUCE_JOIN.watch = watch;
    status = engine_link_call(to, &message, NULL, NULL, err);
    free(ids);
    return status;
}

int
emit_stack(engine_link_t *to, handle_t *const *parts, int n, oid_t result, err_t *err)
{
    message_t message = {.code = MSG_STACK};
    oid_t *ids;
    int status = ids_of(parts, n, &ids, err);
    if (status)
        return status;
    message.as.STACK.parts = (oids_t){ids, (uint32_t)n};
    message.as.STACK.result = result;
    status = engine_link_call(to, &message, NULL, NULL, err);
    free(ids);
    return status;
}

int
emit_arg_combine(reduce_t reduce, handle_t *values, handle_t *indices, const shape_t *shape, handle_t **ret, err_t *err)
{
    message_t message = {.code = MSG_ARG_COMBINE};
    handle_t *made;
    int status = make_handle(&made, values->engine, OID_NONE, shape_bytes(shape, DTYPE_INT64),
                             &message.as.ARG_COMBINE.result, err);
    if (status)
        return status;
    message.as.ARG_COMBINE.op = str_of(reduce_name(reduce));
    message.as.ARG_COMBINE.values = values->id;
    message.as.ARG_COMBINE.indices = indices->id;
    status = make(values->engine, &message, NULL, &made, err);
    if (!status)
        *ret = made;
    return status;
}

int
emit_send(handle_t *source, engine_link_t *to, dtype_t dtype, const shape_t *shape, handle_t **ret_transfer, err_t *err)
{
    message_t message = {.code = MSG_SEND};
    int64_t bytes = shape_bytes(shape, dtype);
    handle_t *made;
    int status = engine_link_open(to, err);
    if (!status)
        status = make_handle(&made, to, OID_NONE, bytes, &message.as.SEND.transfer, err);
    if (status)
        return status;
    message.as.SEND.object = source->id;
    message.as.SEND.engine = to->id;
    status = make(source->engine, &message, NULL, &made, err);
    if (status)
        return status;
    to->session->engine_bytes += (uint64_t)bytes;
    *ret_transfer = made;
    return FH_OK;
}

int
emit_expect(handle_t **transfer, const engine_link_t *from, dtype_t dtype, const shape_t *shape, err_t *err)
{
    message_t message = {.code = MSG_EXPECT};
    message.as.EXPECT.transfer = (*transfer)->id;
    message.as.EXPECT.engine = from->id;
    message.as.EXPECT.dtype = (uint64_t)dtype_wire(dtype);
    message.as.EXPECT.shape = ints_of(shape);
    return make((*transfer)->engine, &message, NULL, transfer, err);
}

int
emit_transfer(handle_t *source, engine_link_t *to, dtype_t dtype, const shape_t *shape, handle_t **ret, err_t *err)
{
    handle_t *made = NULL;
    int status = emit_send(source, to, dtype, shape, &made, err);
    if (!status)
        status = emit_expect(&made, source->engine, dtype, shape, err);
    if (!status)
        *ret = made;
    return status;
}
