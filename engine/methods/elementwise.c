/* engine/methods/elementwise.c - UFUNC, ASSIGN, COPY. */
#include "codecs/op.h"
#include "engine/compute/expression.h"
#include "engine/methods.h"
#include "engine/methods/chosen.h"

#include <stddef.h>
#include <string.h>

enum {
    MAX_SHAPES = OP_MAX_IN + OP_MAX_OUT + 1,
    WORTH_STRIPS = 64 * 1024, /* bytes of a result; for less a loop is begun sooner */
};

/* Everything that one UFUNC works with. */
typedef struct {
    const msg_UFUNC_t *message;
    const op_t *op;
    op_loop_t loop;
    pin_t in[OP_MAX_IN], out[OP_MAX_OUT], where, copy[OP_MAX_IN + 1];
    _Alignas(16) uint8_t scalar[OP_MAX_IN][16];
    shape_t shape;
    bool masked;
    bool others; /* operands are not numbers: the loop is found when they are known */
} ufunc_t;

static bool
in_place(const ufunc_t *self, int i)
{
    return self->message->outs >> i & 1;
}

static int
check_message(ufunc_t *self, err_t *err)
{
    const msg_UFUNC_t *message = self->message;

    self->op = op_find(message->op.data, message->op.size);
    if (!self->op)
        return err_set(err, FH_NO_SUCH_METHOD, "there is no operation %.*s", (int)message->op.size, message->op.data);
    if ((int)message->inputs.count != self->op->nin || (int)message->results.count != self->op->nout)
        return err_set(err, FH_INVALID_ARGUMENT, "%s takes %d inputs and gives %d results; %u and %u are named",
                       self->op->name, self->op->nin, self->op->nout, message->inputs.count, message->results.count);
    uint64_t code = message->loop_in >> 8 * (self->op->nin - 1) & 0xff;

    self->others = !dtype_valid(code) && dtype_kind((dtype_t)code) != '\0';
    return self->others ? FH_OK : chosen_loop(self->op, message->loop_in, message->loop_out, &self->loop, err);
}

/* The message has the low bytes of dtypes; what else they are stands in the operands. */
static int
find_others(ufunc_t *self, err_t *err)
{
    op_input_t inputs[OP_MAX_IN] = {{0}};

    if (!self->others)
        return FH_OK;
    for (int i = 0; i < self->op->nin; i++) {
        inputs[i].dtype = self->in[i].nd.dtype;
        if ((uint64_t)dtype_code(inputs[i].dtype) != (self->message->loop_in >> 8 * i & 0xff))
            return err_set(err, FH_WRONG_TYPE, "input %d of %s is of dtype %s, not of that of the loop", i,
                           self->op->name, dtype_name(inputs[i].dtype));
    }
    if (self->masked || self->message->outs)
        return err_set(err, FH_NOT_SUPPORTED, "%s of %s makes a new array: no out, no where", self->op->name,
                       dtype_name(inputs[self->op->nin - 1].dtype));
    return op_resolve(self->op, inputs, DTYPE_NONE, CASTING_NO, &self->loop, err);
}

/* Pin inputs, mask and outputs that exist; check the ids of those that do not. */
static int
take_operands(run_t *run, ufunc_t *self, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; i < self->op->nin && !status; i++)
        status = run_operand(run, &self->message->inputs.items[i], self->scalar[i], &self->in[i], err);
    self->masked = !oid_is_none(self->message->where);
    if (!status && self->masked)
        status = core_pin(run->core, self->message->where, &self->where, err);
    if (!status && self->masked && self->where.nd.dtype != DTYPE_BOOL)
        status = err_set(err, FH_WRONG_TYPE, "where is of dtype %s, not bool", dtype_name(self->where.nd.dtype));
    for (int i = 0; i < self->op->nout && !status; i++)
        status = in_place(self, i) ? core_pin(run->core, self->message->results.items[i], &self->out[i], err)
                                   : core_check_new(run->core, self->message->results.items[i], err);
    return status;
}

/* The shape that all operands broadcast to; outputs that exist must have it already. */
static int
find_shape(ufunc_t *self, err_t *err)
{
    const shape_t *shapes[MAX_SHAPES];
    int n = 0;

    for (int i = 0; i < self->op->nin; i++)
        shapes[n++] = &self->in[i].nd.shape;
    if (self->masked)
        shapes[n++] = &self->where.nd.shape;
    for (int i = 0; i < self->op->nout; i++)
        if (in_place(self, i))
            shapes[n++] = &self->out[i].nd.shape;
    int status = shape_broadcast(shapes, n, &self->shape, err);

    for (int i = 0; i < self->op->nout && !status; i++) {
        char have[128], need[128];

        if (in_place(self, i) && !shape_equal(&self->shape, &self->out[i].nd.shape))
            status = err_set(err, FH_INVALID_ARGUMENT, "an output of shape %s cannot take a result of shape %s",
                             shape_format(&self->out[i].nd.shape, have, sizeof have),
                             shape_format(&self->shape, need, sizeof need));
    }
    return status;
}

static int64_t
touched_bytes(const ufunc_t *self)
{
    int64_t bytes = 0;

    for (int i = 0; i < self->op->nout; i++) {
        int64_t more = shape_bytes(&self->shape, self->loop.out[i]);

        if (more < 0 || __builtin_add_overflow(bytes, more, &bytes))
            return INT64_MAX;
    }
    return bytes;
}

/* An input that shares memory with an output, element by element shifted, is read from a copy. */
static int
separate(run_t *run, ufunc_t *self, pin_t *in, pin_t *copy, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; i < self->op->nout && !status; i++) {
        if (!in_place(self, i) || copy->segment || !nd_overlap(&in->nd, &self->out[i].nd) ||
            nd_same_elements(&in->nd, &self->out[i].nd))
            continue;
        status = core_make(run->core, run->lane, in->nd.dtype, &in->nd.shape, false, 0, copy, err);
        if (!status)
            status = compute_assign(run->crew, &copy->nd, &in->nd, err);
        if (!status)
            in->nd = copy->nd;
    }
    return status;
}

static int
prepare_outputs(run_t *run, ufunc_t *self, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; i < self->op->nout && !status; i++) {
        if (in_place(self, i)) {
            status = run_writes(run, &self->out[i], err);
        } else {
            status = core_make_piece(run->core, run->lane, self->message->results.items[i], self->loop.out[i],
                                     &self->shape, self->message->first, 0, &self->out[i], err);
            if (!status)
                segment_touch(self->out[i].segment);
        }
    }
    if (!status && self->op->nout == 2 && self->message->outs == 3 && nd_overlap(&self->out[0].nd, &self->out[1].nd))
        status = err_set(err, FH_INVALID_ARGUMENT, "the two outputs share memory");
    for (int i = 0; i < self->op->nin && !status; i++)
        status = separate(run, self, &self->in[i], &self->copy[i], err);
    if (!status && self->masked)
        status = separate(run, self, &self->where, &self->copy[OP_MAX_IN], err);
    return status;
}

static int
compute(run_t *run, ufunc_t *self, err_t *err)
{
    nd_t in[OP_MAX_IN], out[OP_MAX_OUT];
    bool constant[OP_MAX_IN] = {false}, done = false;

    for (int i = 0; i < self->op->nin; i++) {
        in[i] = self->in[i].nd;
        constant[i] = !self->in[i].segment;
    }
    for (int i = 0; i < self->op->nout; i++)
        out[i] = self->out[i].nd;
    if (self->op->code == OP_CAST && !self->masked && !self->others)
        return compute_assign(run->crew, &out[0], &in[0], err);
    if (touched_bytes(self) >= WORTH_STRIPS && !self->masked && !self->message->outs && !self->others) {
        const expression_step_t step = {self->op, self->loop, {0, 1, 2}};
        int status = expression_single(run->crew, &step, in, constant, &out[0], &done, err);

        if (status || done)
            return status;
    }
    return compute_ufunc(run->crew, self->op, &self->loop, in, self->op->nin, out, self->op->nout,
                         self->masked ? &self->where.nd : NULL, err);
}

/* All new results appear, or none. */
static int
publish(run_t *run, ufunc_t *self, err_t *err)
{
    const oid_t *ids = self->message->results.items;
    int status = FH_OK, i;

    for (i = 0; i < self->op->nout && !status; i++)
        if (!in_place(self, i))
            status = core_publish(run->core, run->lane, ids[i], &self->out[i], false, err);
    if (status && i == 2 && !in_place(self, 0)) {
        pthread_mutex_lock(&run->core->lock);
        object_table_drop(&run->core->objects, &run->lane->owner, ids[0]);
        pthread_mutex_unlock(&run->core->lock);
    }
    return status;
}

static int
run_ufunc(run_t *run, err_t *err)
{
    ufunc_t self = {.message = &run->call->message.as.UFUNC};
    int status = check_message(&self, err);

    if (!status)
        status = take_operands(run, &self, err);
    if (!status)
        status = find_others(&self, err);
    if (!status)
        status = find_shape(&self, err);
    if (status || run_defer(run, touched_bytes(&self)))
        goto done;
    status = prepare_outputs(run, &self, err);
    if (!status)
        status = compute(run, &self, err);
    if (!status)
        status = publish(run, &self, err);
done:
    for (int i = 0; i < OP_MAX_IN; i++)
        pin_release(&self.in[i]);
    for (int i = 0; i < OP_MAX_OUT; i++)
        pin_release(&self.out[i]);
    for (int i = 0; i < OP_MAX_IN + 1; i++)
        pin_release(&self.copy[i]);
    pin_release(&self.where);
    return status;
}

static int
results_ufunc(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    const msg_UFUNC_t *ufunc = &message->as.UFUNC;
    int n = 0;

    for (uint32_t i = 0; i < ufunc->results.count && i < METHOD_MAX_RESULTS; i++)
        if (!(ufunc->outs >> i & 1))
            ret[n++] = ufunc->results.items[i];
    return n;
}

static int
run_assign(run_t *run, err_t *err)
{
    const msg_ASSIGN_t *assign = &run->call->message.as.ASSIGN;
    _Alignas(16) uint8_t scalar[16];
    pin_t target = {0}, source = {0};
    nd_t stretched;
    int status = core_pin(run->core, assign->target, &target, err);

    if (!status)
        status = run_operand(run, &assign->source.items[0], scalar, &source, err);
    if (!status)
        status = nd_broadcast(&source.nd, &target.nd.shape, &stretched, err);
    if (!status && !run_defer(run, shape_bytes(&target.nd.shape, target.nd.dtype))) {
        status = run_writes(run, &target, err);
        if (!status)
            status = compute_assign(run->crew, &target.nd, &stretched, err);
    }
    pin_release(&source);
    pin_release(&target);
    return status;
}

static int
run_copy(run_t *run, err_t *err)
{
    const msg_COPY_t *copy = &run->call->message.as.COPY;
    pin_t source = {0}, out = {0};
    int status = FH_OK;

    if (!dtype_known(copy->dtype))
        return err_set(err, FH_INVALID_ARGUMENT, "%llu is not the code of a dtype", (unsigned long long)copy->dtype);
    status = core_check_new(run->core, copy->result, err);
    if (!status)
        status = core_pin(run->core, copy->object, &source, err);
    if (status || run_defer(run, shape_bytes(&source.nd.shape, source.nd.dtype)))
        goto done;
    status = copy->order == 1
                 ? core_make(run->core, run->lane, (dtype_t)copy->dtype, &source.nd.shape, true, 0, &out, err)
                 : core_make_piece(run->core, run->lane, copy->result, (dtype_t)copy->dtype, &source.nd.shape,
                                   copy->first, 0, &out, err);
    if (!status) {
        segment_touch(out.segment);
        status = compute_assign(run->crew, &out.nd, &source.nd, err);
    }
    if (!status)
        status = core_publish(run->core, run->lane, copy->result, &out, false, err);
done:
    pin_release(&source);
    pin_release(&out);
    return status;
}

static int
results_copy(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.COPY.result;
    return 1;
}

static const method_t ROWS[] = {
    {.code = MSG_UFUNC,
     .detail = offsetof(message_t, as.UFUNC.op),
     .watch = offsetof(message_t, as.UFUNC.watch),
     .outs = offsetof(message_t, as.UFUNC.outs),
     .run = run_ufunc,
     .results = results_ufunc},
    {.code = MSG_ASSIGN,
     .target = offsetof(message_t, as.ASSIGN.target),
     .whole = offsetof(message_t, as.ASSIGN.whole),
     .watch = offsetof(message_t, as.ASSIGN.watch),
     .raises = "cast",
     .run = run_assign},
    {.code = MSG_COPY,
     .watch = offsetof(message_t, as.COPY.watch),
     .raises = "cast",
     .run = run_copy,
     .results = results_copy},
};

const method_table_t METHODS_ELEMENTWISE = {ROWS, sizeof ROWS / sizeof *ROWS};
