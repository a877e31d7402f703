/* engine/methods/reduce.c - REDUCE, REDUCE_JOIN, STACK and ARG_COMBINE. */
#include "engine/compute/reduce.h"

#include "codecs/op.h"
#include "engine/methods.h"
#include "engine/methods/chosen.h"
#include "engine/methods/result.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static int
compute(run_t *run, reduce_t reduce, const nd_t *in, uint32_t axes, const reduce_piece_t *piece, const nd_t *out,
        err_t *err)
{
    reduce_source_t source = {.operands = 1, .dtype = in->dtype};

    if (chosen_is_arg(reduce))
        return compute_reduce(run->crew, reduce, in, axes, out, run->call->message.as.REDUCE.base, err);
    source.in[0] = *in;
    return reduce_run(run->crew, reduce, &source, axes, piece, out, err);
}

static int
run_reduce(run_t *run, err_t *err)
{
    const msg_REDUCE_t *message = &run->call->message.as.REDUCE;
    pin_t in = {0}, out = {0}, place = {0};
    reduce_t reduce = REDUCE_SUM;
    dtype_t dtype = DTYPE_NONE;
    shape_t shape;
    uint32_t axes = 0;
    int status = chosen_reduce(message->op, &reduce, err);

    if (!status)
        status = core_check_new(run->core, message->result, err);
    if (!status)
        status = core_pin(run->core, message->object, &in, err);
    if (status)
        return status;
    chosen_t chosen = {
        reduce, message->axes, message->keepdims, message->dtype, {(int)message->axis, message->start, message->whole}};

    status = chosen_result(&chosen, in.nd.dtype, &in.nd.shape, &axes, &dtype, &shape, err);
    if (status || run_defer(run, shape_bytes(&in.nd.shape, in.nd.dtype)))
        goto done;
    status = run_align(run, &in, err);
    if (!status)
        status = result_make(run, message->result, dtype, &shape, message->first, 0, &out, &place, err);
    if (!status) {
        segment_touch(out.segment);
        status = compute(run, reduce, &in.nd, axes, &chosen.piece, &out.nd, err);
    }
    if (!status)
        status = result_settle(run, &out, &place, err);
    if (!status)
        status = core_publish(run->core, run->lane, message->result, &out, false, err);
done:
    pin_release(&in);
    pin_release(&out);
    pin_release(&place);
    return status;
}

static int
results_reduce(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.REDUCE.result;
    return 1;
}

/* ---- pieces
 * ------------------------------------------------------------------------------------------------------------
 */

typedef struct {
    pin_t *pins;
    nd_t *states;
    uint32_t count;
    int64_t bytes;
} states_t;

static int
pin_states(run_t *run, oids_t ids, states_t *ret, err_t *err)
{
    int status = FH_OK;

    ret->pins = calloc(ids.count, sizeof *ret->pins);
    ret->states = calloc(ids.count, sizeof *ret->states);
    if (!ret->pins || !ret->states)
        return err_set(err, FH_NO_MEMORY, "no memory to join %u arrays", ids.count);
    for (; ret->count < ids.count && !status; ret->count += status == FH_OK) {
        nd_t *nd = &ret->pins[ret->count].nd;

        status = run_pin_aligned(run, ids.items[ret->count], &ret->pins[ret->count], err);
        if (status)
            break;
        ret->states[ret->count] = *nd;
        ret->bytes += shape_bytes(&nd->shape, nd->dtype);
    }
    return status;
}

static void
release_states(states_t *self)
{
    for (uint32_t i = 0; self->pins && i < self->count; i++)
        pin_release(&self->pins[i]);
    free(self->pins);
    free(self->states);
}

/* The dtype of the result, and its shape: that of a state without its slots. */
static int
check_join(const msg_REDUCE_JOIN_t *message, reduce_t reduce, const states_t *states, dtype_t *ret_dtype,
           shape_t *ret_shape, err_t *err)
{
    const shape_t *state = &states->states[0].shape;

    if (message->cuts.count != message->states.count + 1)
        return err_set(err, FH_INVALID_ARGUMENT, "%u cuts for %u states", message->cuts.count, message->states.count);
    if (!dtype_valid(message->dtype) || !reduction_is_ordered(reduce, (dtype_t)message->dtype) || state->ndim < 1)
        return err_set(err, FH_INVALID_ARGUMENT, "these are no states of %s", reduce_name(reduce));
    ret_shape->ndim = state->ndim - 1;
    for (int i = 0; i < ret_shape->ndim; i++)
        ret_shape->extent[i] = state->extent[i + 1];
    *ret_dtype = (dtype_t)message->dtype;
    if (message->middle)
        *ret_dtype = reduction_state_dtype(*ret_dtype);
    return FH_OK;
}

static int
run_reduce_join(run_t *run, err_t *err)
{
    const msg_REDUCE_JOIN_t *message = &run->call->message.as.REDUCE_JOIN;
    states_t states = {0};
    pin_t out = {0};
    reduce_t reduce = REDUCE_SUM;
    dtype_t dtype = DTYPE_NONE;
    shape_t shape;
    int status = chosen_reduce(message->op, &reduce, err);

    if (!status)
        status = core_check_new(run->core, message->result, err);
    if (!status)
        status = pin_states(run, message->states, &states, err);
    if (!status)
        status = check_join(message, reduce, &states, &dtype, &shape, err);
    if (status || run_defer(run, states.bytes))
        goto done;
    status = core_make(run->core, run->lane, dtype, &shape, false, 0, &out, err);
    if (!status) {
        segment_touch(out.segment);
        status = reduce_join(run->crew, reduce, (dtype_t)message->dtype, states.states, (int)states.count,
                             message->cuts.items, &out.nd, err);
    }
    if (!status)
        status = core_publish(run->core, run->lane, message->result, &out, false, err);
done:
    release_states(&states);
    pin_release(&out);
    return status;
}

static int
results_reduce_join(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.REDUCE_JOIN.result;
    return 1;
}

/* ---- pieces one behind the other -----------------------------------------------------------------------------------
 */

/* The shape of all of them together. */
static int
check_stack(const states_t *parts, shape_t *ret_shape, err_t *err)
{
    const nd_t *first = &parts->states[0];

    if (first->shape.ndim == SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "arrays of %d dimensions cannot get another one", SHAPE_MAX_DIMS);
    for (uint32_t i = 1; i < parts->count; i++)
        if (parts->states[i].dtype != first->dtype || !shape_equal(&parts->states[i].shape, &first->shape))
            return err_set(err, FH_INVALID_ARGUMENT, "array %u differs in dtype or shape from those before it", i);
    ret_shape->ndim = first->shape.ndim + 1;
    ret_shape->extent[0] = parts->count;
    memcpy(ret_shape->extent + 1, first->shape.extent, (size_t)first->shape.ndim * sizeof first->shape.extent[0]);
    if (shape_bytes(ret_shape, first->dtype) < 0)
        return err_set(err, FH_OVERFLOW, "%u arrays together are too large for this machine", parts->count);
    return FH_OK;
}

static int
run_stack(run_t *run, err_t *err)
{
    const msg_STACK_t *message = &run->call->message.as.STACK;
    states_t parts = {0};
    pin_t out = {0};
    shape_t shape;
    int status = core_check_new(run->core, message->result, err);

    if (!status)
        status = pin_states(run, message->parts, &parts, err);
    if (!status)
        status = check_stack(&parts, &shape, err);
    if (status || run_defer(run, parts.bytes))
        goto done;
    status = core_make(run->core, run->lane, parts.states[0].dtype, &shape, false, 0, &out, err);
    if (!status)
        segment_touch(out.segment);
    for (uint32_t i = 0; i < parts.count && !status; i++) {
        nd_t place;

        nd_init(&place, out.nd.data + i * out.nd.stride[0], out.nd.dtype, &parts.states[i].shape);
        status = compute_assign(run->crew, &place, &parts.states[i], err);
    }
    if (!status)
        status = core_publish(run->core, run->lane, message->result, &out, false, err);
done:
    release_states(&parts);
    pin_release(&out);
    return status;
}

static int
results_stack(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.STACK.result;
    return 1;
}

/* ---- argmin and argmax of pieces
 * -------------------------------------------------------------------------------------
 */

static int
check_combine(reduce_t reduce, const nd_t *values, const nd_t *indices, shape_t *ret_shape, err_t *err)
{
    if (!chosen_is_arg(reduce))
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
    int status = chosen_reduce(message->op, &reduce, err);

    if (!status)
        status = core_check_new(run->core, message->result, err);
    if (!status)
        status = run_pin_aligned(run, message->values, &values, err);
    if (!status)
        status = run_pin_aligned(run, message->indices, &indices, err);
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
    {.code = MSG_REDUCE,
     .detail = offsetof(message_t, as.REDUCE.op),
     .watch = offsetof(message_t, as.REDUCE.watch),
     .raises = "reduce",
     .run = run_reduce,
     .results = results_reduce},
    {.code = MSG_REDUCE_JOIN,
     .detail = offsetof(message_t, as.REDUCE_JOIN.op),
     .watch = offsetof(message_t, as.REDUCE_JOIN.watch),
     .raises = "reduce",
     .run = run_reduce_join,
     .results = results_reduce_join},
    {.code = MSG_STACK, .run = run_stack, .results = results_stack},
    {.code = MSG_ARG_COMBINE,
     .detail = offsetof(message_t, as.ARG_COMBINE.op),
     .run = run_arg_combine,
     .results = results_arg_combine},
};

const method_table_t METHODS_REDUCE = {ROWS, sizeof ROWS / sizeof *ROWS};
