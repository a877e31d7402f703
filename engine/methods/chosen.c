/* engine/methods/chosen.c - what UFUNC, REDUCE and FUSED check of what the client has chosen. */
#include "engine/methods/chosen.h"

#include <string.h>

int
chosen_loop(const op_t *op, uint64_t in, uint64_t out, op_loop_t *ret, err_t *err)
{
    op_input_t inputs[OP_MAX_IN] = {{0}};
    op_loop_t found;

    memset(ret, 0, sizeof *ret);
    for (int i = 0; i < op->nin; i++) {
        uint64_t code = in >> 8 * i & 0xff;

        if (!dtype_valid(code))
            return err_set(err, FH_INVALID_ARGUMENT, "input %d is to be cast to an unknown dtype", i);
        inputs[i].dtype = ret->in[i] = (dtype_t)code;
    }
    for (int i = 0; i < op->nout; i++) {
        uint64_t code = out >> 8 * i & 0xff;

        if (!dtype_valid(code))
            return err_set(err, FH_INVALID_ARGUMENT, "output %d is of an unknown dtype", i);
        ret->out[i] = (dtype_t)code;
    }
    int status = op_resolve(op, inputs, DTYPE_NONE, CASTING_SAME_KIND, &found, err);

    if (status)
        return status;
    for (int i = 0; i < OP_MAX_IN; i++)
        if (i < op->nin && found.in[i] != ret->in[i])
            return err_set(err, FH_WRONG_TYPE, "%s has no loop whose input %d is %s beside the others", op->name, i,
                           dtype_name(ret->in[i]));
    for (int i = 0; i < op->nout; i++)
        if (found.out[i] != ret->out[i])
            return err_set(err, FH_WRONG_TYPE, "this loop of %s gives %s, not %s", op->name, dtype_name(found.out[i]),
                           dtype_name(ret->out[i]));
    return FH_OK;
}

bool
chosen_is_arg(reduce_t reduce)
{
    return reduce == REDUCE_ARGMIN || reduce == REDUCE_ARGMAX;
}

int
chosen_reduce(str_t name, reduce_t *ret, err_t *err)
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
check_axes(const chosen_t *message, const shape_t *in, uint32_t *ret_axes, shape_t *ret_shape, err_t *err)
{
    uint32_t axes = 0;
    reduce_t reduce = message->reduce;

    for (uint32_t i = 0; i < message->axes.count; i++) {
        int64_t axis = message->axes.items[i];

        if (axis < 0 || axis >= in->ndim)
            return err_set(err, FH_BAD_INDEX, "axis %lld of an array of %d dimensions", (long long)axis, in->ndim);
        if (axes >> axis & 1)
            return err_set(err, FH_INVALID_ARGUMENT, "axis %lld is named twice", (long long)axis);
        axes |= UINT32_C(1) << axis;
    }
    if (chosen_is_arg(reduce) && message->axes.count != 1 && (int)message->axes.count != in->ndim)
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

int
chosen_result(const chosen_t *self, dtype_t input, const shape_t *in, uint32_t *ret_axes, dtype_t *ret_dtype,
              shape_t *ret_shape, err_t *err)
{
    int status = check_dtype(self->reduce, input, self->dtype, ret_dtype, err);

    if (!status)
        status = check_axes(self, in, ret_axes, ret_shape, err);
    if (status || self->piece.whole == 0)
        return status;
    if (!reduction_is_ordered(self->reduce, *ret_dtype) || self->keepdims)
        return err_set(err, FH_INVALID_ARGUMENT, "%s of %s has no states of pieces", reduce_name(self->reduce),
                       dtype_name(*ret_dtype));
    *ret_dtype = reduction_state_dtype(*ret_dtype);
    return reduce_state_shape(in, *ret_axes, &self->piece, ret_shape, err);
}
