/* Joins and followers whose values are asked for, computed here by the loops that engines compute them with. */
#include "engine/compute/flags.h"
#include "engine/compute/reduce.h"
#include "proxy/kept.h"
#include "proxy/tail_parts.h"

#include <fenv.h>
#include <string.h>

/* The caller's floating-point environment; ours is the default one meanwhile, as engines have it. */
static bool
begin(fenv_t *caller)
{
    return !fegetenv(caller) && !fesetenv(FE_DFL_ENV);
}

/* What was raised of what is watched: the engine reports that, so it is to compute it. */
static bool
end(const fenv_t *caller, uint64_t watch)
{
    unsigned raised = flags_raised();
    (void)fesetenv(caller);
    return !(raised & watch & FLAGS_ALL);
}

static crew_t *
crew_of(fh_session *session)
{
    if (!session->crew)
        (void)crew_new(&session->crew, 1, NULL);
    return session->crew;
}

bool
tail_values_join(const tail_join_t *self, const nd_t *states)
{
    dtype_t own = self->middle ? reduction_state_dtype(self->dtype) : self->dtype;
    crew_t *crew = crew_of(self->to->session);
    kept_t made;
    fenv_t caller;
    if (!crew || shape_bytes(&self->shape, own) > KEPT_BYTES ||
        kept_init(&made, self->to, self->result, own, &self->shape, NULL, NULL))
        return false;
    bool done =
        begin(&caller) && !reduce_join(crew, self->reduce, self->dtype, states, self->n, self->cuts, &made.nd, NULL);
    if (end(&caller, self->watch) && done)
        return kept_put(&made);
    kept_release(&made);
    return false;
}

/* ---- followers -----------------------------------------------------------------------------------------------------
 */

/* An array that is kept, without its first axis. */
static shape_t
without_first(const shape_t *shape)
{
    shape_t rest = {.ndim = shape->ndim - 1};
    memcpy(rest.extent, shape->extent + 1, (size_t)rest.ndim * sizeof rest.extent[0]);
    return rest;
}

static bool
reduce(const tail_follower_t *self, crew_t *crew, kept_t *ret)
{
    const msg_REDUCE_t *message = &self->message.as.REDUCE;
    const kept_t *in = kept_find(self->engine, message->object);
    int found = reduce_find(message->op.data, message->op.size);
    if (!in || found < 0 || message->axes.count != 1 || message->axes.items[0] != 0 || message->keepdims ||
        message->whole || in->nd.shape.ndim < 1)
        return false;
    shape_t shape = without_first(&in->nd.shape);
    return !kept_init(ret, self->engine, message->result, (dtype_t)message->dtype, &shape, NULL, NULL) &&
           !compute_reduce(crew, (reduce_t)found, &in->nd, 1, &ret->nd, message->base, NULL);
}

static bool
arg_combine(const tail_follower_t *self, crew_t *crew, kept_t *ret)
{
    const msg_ARG_COMBINE_t *message = &self->message.as.ARG_COMBINE;
    const kept_t *values = kept_find(self->engine, message->values),
                 *indices = kept_find(self->engine, message->indices);
    int found = reduce_find(message->op.data, message->op.size);
    if (!values || !indices || found < 0 || values->nd.shape.ndim < 1)
        return false;
    shape_t shape = without_first(&values->nd.shape);
    return !kept_init(ret, self->engine, message->result, DTYPE_INT64, &shape, NULL, NULL) &&
           !compute_arg_combine(crew, (reduce_t)found, &values->nd, &indices->nd, &ret->nd, NULL);
}

/* An operand: a value that is kept, or a constant in scalar. */
static bool
operand(const tail_follower_t *self, const operand_t *operand, uint8_t *scalar, nd_t *ret)
{
    static const shape_t number = {0};
    const kept_t *in = oid_is_none(operand->object) ? NULL : kept_find(self->engine, operand->object);
    memcpy(scalar, operand->scalar, sizeof operand->scalar);
    if (in)
        *ret = in->nd;
    else
        nd_init(ret, scalar, (dtype_t)operand->dtype, &number);
    return in || oid_is_none(operand->object);
}

/* One result, new or in place of one that is kept. */
static bool
ufunc(const tail_follower_t *self, crew_t *crew, kept_t *ret)
{
    const msg_UFUNC_t *message = &self->message.as.UFUNC;
    const op_t *op = op_find(message->op.data, message->op.size);
    _Alignas(16) uint8_t scalars[OP_MAX_IN][16];
    const shape_t *shapes[OP_MAX_IN];
    nd_t in[OP_MAX_IN];
    op_loop_t loop = {.out = {(dtype_t)(message->loop_out & 0xff)}};
    shape_t shape;
    bool simple = op && op->nout == 1 && oid_is_none(message->where) && dtype_valid(loop.out[0]);
    for (int i = 0; simple && i < op->nin; i++) {
        loop.in[i] = (dtype_t)(message->loop_in >> 8 * i & 0xff);
        simple = dtype_valid(loop.in[i]) && operand(self, &message->inputs.items[i], scalars[i], &in[i]);
        shapes[i] = &in[i].shape;
    }
    const kept_t *former = message->outs && simple ? kept_find(self->engine, message->results.items[0]) : NULL;
    if (!simple || (message->outs && !former) || shape_broadcast(shapes, op->nin, &shape, NULL) ||
        (former && !shape_equal(&shape, &former->nd.shape)))
        return false;
    return !kept_init(ret, self->engine, message->results.items[0], former ? former->nd.dtype : loop.out[0], &shape,
                      NULL, NULL) &&
           !compute_ufunc(crew, op, &loop, in, op->nin, &ret->nd, 1, NULL, NULL);
}

bool
tail_values_follow(const tail_follower_t *self)
{
    crew_t *crew = self->engine->session->nkept ? crew_of(self->engine->session) : NULL;
    const message_t *message = &self->message;
    kept_t made = {0};
    uint64_t watch = 0;
    fenv_t caller;
    bool done = false;
    if (!crew || !begin(&caller))
        return false;
    if (message->code == MSG_REDUCE) {
        done = reduce(self, crew, &made);
        watch = message->as.REDUCE.watch;
    } else if (message->code == MSG_ARG_COMBINE) {
        done = arg_combine(self, crew, &made);
    } else if (message->code == MSG_UFUNC) {
        done = ufunc(self, crew, &made);
        watch = message->as.UFUNC.watch;
    }
    if (end(&caller, watch) && done)
        return kept_put(&made);
    kept_release(&made);
    return false;
}
