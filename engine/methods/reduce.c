/* engine/methods/reduce.c - REDUCE and ARG_COMBINE. */
#include "codecs/op.h"
#include "engine/methods.h"

#include <stddef.h>

static bool
is_arg(reduce_t reduce)
{
    return reduce == REDUCE_ARGMIN || reduce == REDUCE_ARGMAX;
}

static int
find(str_t name, reduce_t *ret, err_t *err)
{
    int found = reduce_find(name.data, name.size);

    if (found < 0)
        return err_set(err, FH_NO_SUCH_METHOD, "there is no reduction %.*s", (int)name.size, name.data);
    *ret = (reduce_t)found;
    return FH_OK;
}

/* The dtype that the client wants must be the reduction's own, or one that it can be asked for. */
static int
check_dtype(reduce_t reduce, dtype_t input, uint64_t code, dtype_t *ret, err_t *err)
{
    dtype_t found;

    if (!dtype_valid(code))
        return err_set(err, FH_INVALID_ARGUMENT, "%llu is not the code of a dtype", (unsigned long long)code);
    int status = reduce_resolve(reduce, input, DTYPE_NONE, &found, err);

    if (!status && found != (dtype_t)code)
        status = reduce_resolve(reduce, input, (dtype_t)code, &found, err);
    if (!status && found != (dtype_t)code)
        status = err_set(err, FH_WRONG_TYPE, "%s of %s gives %s, not %s", reduce_name(reduce), dtype_name(input),
                         dtype_name(found), dtype_name((dtype_t)code));
    *ret = (dtype_t)code;
    return status;
}

/* Axes as a bit set, and the shape of what is left. */
static int
check_axes(const msg_REDUCE_t *message, reduce_t reduce, const shape_t *in, uint32_t *ret_axes, shape_t *ret_shape,
           err_t *err)
{
    uint32_t axes = 0;

    for (uint32_t i = 0; i < message->axes.count; i++) {
        int64_t axis = message->axes.items[i];

        if (axis < 0 || axis >= in->ndim)
            return err_set(err, FH_BAD_INDEX, "axis %lld of an array of %d dimensions", (long long)axis, in->ndim);
        if (axes >> axis & 1)
            return err_set(err, FH_INVALID_ARGUMENT, "axis %lld is named twice", (long long)axis);
        axes |= UINT32_C(1) << axis;
    }
    if (is_arg(reduce) && message->axes.count != 1 && (int)message->axes.count != in->ndim)
        return err_set(err, FH_INVALID_ARGUMENT, "%s goes over one axis or all of them", reduce_name(reduce));
    ret_shape->ndim = 0;
    for (int i = 0; i < in->ndim; i++) {
        bool reduced = axes >> i & 1;

        if (!reduced || message->keepdims)
            ret_shape->extent[ret_shape->ndim++] = reduced ? 1 : in->extent[i];
    }
    *ret_axes = axes;
    return FH_OK;
}

static int
run_reduce(run_t *run, err_t *err)
{
    const msg_REDUCE_t *message = &run->call->message.as.REDUCE;
    pin_t in = {0}, out = {0};
    reduce_t reduce = REDUCE_SUM;
    dtype_t dtype = DTYPE_NONE;
    shape_t shape;
    uint32_t axes = 0;
    int status = find(message->op, &reduce, err);

    if (!status)
        status = core_check_new(run->core, message->result, err);
    if (!status)
        status = core_pin(run->core, message->object, &in, err);
    if (status)
        return status;
    status = check_dtype(reduce, in.nd.dtype, message->dtype, &dtype, err);
    if (!status)
        status = check_axes(message, reduce, &in.nd.shape, &axes, &shape, err);
    if (status || run_defer(run, shape_bytes(&in.nd.shape, in.nd.dtype)))
        goto done;
    status = core_make(run->core, run->lane, dtype, &shape, false, 0, &out, err);
    if (!status) {
        segment_touch(out.segment);
        status = compute_reduce(run->crew, reduce, &in.nd, axes, &out.nd, message->base, err);
    }
    if (!status)
        status = core_publish(run->core, run->lane, message->result, &out, false, err);
done:
    pin_release(&in);
    pin_release(&out);
    return status;
}

static int
results_reduce(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.REDUCE.result;
    return 1;
}

static int
check_combine(reduce_t reduce, const nd_t *values, const nd_t *indices, shape_t *ret_shape, err_t *err)
{
    if (!is_arg(reduce))
        return err_set(err, FH_INVALID_ARGUMENT, "%s is not argmin or argmax", reduce_name(reduce));
    if (indices->dtype != DTYPE_INT64)
        return err_set(err, FH_WRONG_TYPE, "indices are of dtype %s, not int64", dtype_name(indices->dtype));
    if (values->shape.ndim < 1 || !shape_equal(&values->shape, &indices->shape))
        return err_set(err, FH_INVALID_ARGUMENT, "values and indices differ in shape, or have no axis of pieces");
    ret_shape->ndim = values->shape.ndim - 1;
    for (int i = 0; i < ret_shape->ndim; i++)
        ret_shape->extent[i] = values->shape.extent[i + 1];
    return FH_OK;
}

static int
run_arg_combine(run_t *run, err_t *err)
{
    const msg_ARG_COMBINE_t *message = &run->call->message.as.ARG_COMBINE;
    pin_t values = {0}, indices = {0}, out = {0};
    reduce_t reduce = REDUCE_SUM;
    shape_t shape;
    int status = find(message->op, &reduce, err);

    if (!status)
        status = core_check_new(run->core, message->result, err);
    if (!status)
        status = core_pin(run->core, message->values, &values, err);
    if (!status)
        status = core_pin(run->core, message->indices, &indices, err);
    if (!status)
        status = check_combine(reduce, &values.nd, &indices.nd, &shape, err);
    if (status || run_defer(run, shape_bytes(&indices.nd.shape, DTYPE_INT64)))
        goto done;
    status = core_make(run->core, run->lane, DTYPE_INT64, &shape, false, 0, &out, err);
    if (!status) {
        segment_touch(out.segment);
        status = compute_arg_combine(run->crew, reduce, &values.nd, &indices.nd, &out.nd, err);
    }
    if (!status)
        status = core_publish(run->core, run->lane, message->result, &out, false, err);
done:
    pin_release(&values);
    pin_release(&indices);
    pin_release(&out);
    return status;
}

static int
results_arg_combine(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.ARG_COMBINE.result;
    return 1;
}

static const method_t ROWS[] = {
    {.code = MSG_REDUCE, .detail = offsetof(message_t, as.REDUCE.op), .run = run_reduce, .results = results_reduce},
    {.code = MSG_ARG_COMBINE,
     .detail = offsetof(message_t, as.ARG_COMBINE.op),
     .run = run_arg_combine,
     .results = results_arg_combine},
};

const method_table_t METHODS_REDUCE = {ROWS, sizeof ROWS / sizeof *ROWS};
