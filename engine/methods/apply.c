/* engine/methods/apply.c - APPLY: array methods of engine/apply/, their arrays and their memory. */
#include "engine/apply/apply.h"

#include "codecs/linalg.h"
#include "engine/methods.h"
#include "engine/methods/result.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCRATCH_MAX = 16,
    INLINE_SHARE = 8, /* methods take longer than a loop over as many bytes: the reactor does so much less */
};

/* Everything that one APPLY works with. */
typedef struct {
    apply_call_t call;
    const msg_APPLY_t *message;
    run_t *run;
    int code;
    _Alignas(16) uint8_t scalar[APPLY_MAX_IN][16];
    pin_t in_pins[APPLY_MAX_IN], out_pins[APPLY_MAX_OUT], scratch_pins[SCRATCH_MAX];
    pin_t places[APPLY_MAX_OUT]; /* where outputs go when they are ready */
    nd_t in[APPLY_MAX_IN], out[APPLY_MAX_OUT];
    bool shared[APPLY_MAX_IN];
    double reals[APPLY_MAX_REALS];
    int nscratch;
} applied_t;

static bool
in_place(const applied_t *self, int i)
{
    return self->message->outs >> i & 1;
}

/* ---- what the method calls -----------------------------------------------------------------------------------------
 */

static int
make_output(apply_call_t *call, int i, const shape_t *shape, err_t *err)
{
    applied_t *self = (applied_t *)((char *)call - offsetof(applied_t, call));
    pin_t *pin = &self->out_pins[i];

    if (shape_bytes(shape, self->out[i].dtype) < 0)
        return err_set(err, FH_OVERFLOW, "an array with so many elements is too large for this machine");
    int status = result_make(self->run, self->message->outputs.items[i], self->out[i].dtype, shape,
                             i == 0 ? self->message->first : 0, 0, pin, &self->places[i], err);

    if (status)
        return status;
    segment_touch(pin->segment);
    self->out[i] = pin->nd;
    return FH_OK;
}

static int
make_scratch(apply_call_t *call, int64_t bytes, void **ret, err_t *err)
{
    applied_t *self = (applied_t *)((char *)call - offsetof(applied_t, call));
    shape_t shape = {.ndim = 1, .extent = {bytes}};
    pin_t *pin = &self->scratch_pins[self->nscratch];

    if (self->nscratch == SCRATCH_MAX)
        return err_set(err, FH_LIMIT_EXCEEDED, "a method asked for more than %d pieces of memory", (int)SCRATCH_MAX);
    int status = core_make(self->run->core, self->run->lane, DTYPE_UINT8, &shape, false, 0, pin, err);

    if (status)
        return status;
    self->nscratch++;
    segment_touch(pin->segment);
    *ret = pin->nd.data;
    return FH_OK;
}

/* ---- the message ---------------------------------------------------------------------------------------------------
 */

static int
check_message(applied_t *self, err_t *err)
{
    const msg_APPLY_t *message = self->message;

    self->code = apply_find(message->method.data, message->method.size);
    if (self->code < 0)
        return err_set(err, FH_NO_SUCH_METHOD, "this engine has no array method %.*s", (int)message->method.size,
                       message->method.data);
    if (message->dtypes.count != message->outputs.count)
        return err_set(err, FH_INVALID_ARGUMENT, "%u dtypes for %u outputs", message->dtypes.count,
                       message->outputs.count);
    for (uint32_t i = 0; i < message->reals.count; i++) {
        if (message->reals.items[i].kind != VALUE_FLOAT)
            return err_set(err, FH_INVALID_ARGUMENT, "parameter %u is no float", i);
        self->reals[i] = message->reals.items[i].as.f;
    }
    return apply_check(apply_at(self->code), (int)message->inputs.count, (int)message->outputs.count, err);
}

/* Only methods that say so see elements that are not numbers. */
static int
check_dtypes(const applied_t *self, err_t *err)
{
    for (int i = 0; i < self->call.nin + self->call.nout && !apply_takes_any(self->code); i++) {
        dtype_t dtype = i < self->call.nin ? self->in_pins[i].nd.dtype : self->out[i - self->call.nin].dtype;

        if (!dtype_valid((uint64_t)dtype))
            return err_set(err, FH_WRONG_TYPE, "the array method %s is for numbers, not for %s",
                           apply_at(self->code)->name, dtype_name(dtype));
    }
    return FH_OK;
}

static int
add_bytes(const nd_t *nd, int64_t *sum)
{
    int64_t bytes = shape_bytes(&nd->shape, nd->dtype);

    return bytes < 0 || __builtin_add_overflow(*sum, bytes, sum) ? FH_OVERFLOW : FH_OK;
}

static int
take_inputs(applied_t *self, int64_t *bytes, err_t *err)
{
    int status = FH_OK;

    for (uint32_t i = 0; i < self->message->inputs.count && !status; i++) {
        status = run_operand(self->run, &self->message->inputs.items[i], self->scalar[i], &self->in_pins[i], err);
        if (!status && add_bytes(&self->in_pins[i].nd, bytes))
            *bytes = INT64_MAX;
    }
    return status;
}

/* The dtypes and shapes of outputs that are new (ndim -1: shape unknown); those that exist are pinned. */
static int
take_outputs(applied_t *self, int64_t *bytes, err_t *err)
{
    const msg_APPLY_t *message = self->message;
    ints_t left = message->shapes;
    int status = FH_OK;

    for (uint32_t i = 0; i < message->outputs.count && !status; i++) {
        nd_t *out = &self->out[i];
        int64_t ndim = left.count ? left.items[0] : 0;
        uint64_t dtype = (uint64_t)message->dtypes.items[i];

        if (!left.count || ndim < -1 || ndim > (int64_t)left.count - 1)
            return err_set(err, FH_INVALID_ARGUMENT, "the shapes end before output %u has one", i);
        left.items++, left.count--;
        out->shape.ndim = -1;
        if (in_place(self, (int)i)) {
            status = self->code == APPLY_PUT || self->code == APPLY_PUT_MASK
                         ? core_pin(self->run->core, message->outputs.items[i], &self->out_pins[i], err)
                         : run_pin_aligned(self->run, message->outputs.items[i], &self->out_pins[i], err);
            if (!status)
                *out = self->out_pins[i].nd;
        } else {
            status = core_check_new(self->run->core, message->outputs.items[i], err);
            out->dtype = (dtype_t)dtype;
            if (!status && !dtype_known(dtype))
                status = err_set(err, FH_INVALID_ARGUMENT, "output %u is of an unknown dtype", i);
            if (!status && ndim >= 0)
                status = run_shape(dtype, (ints_t){left.items, (uint32_t)ndim}, &out->dtype, &out->shape, err);
        }
        if (!status && out->shape.ndim >= 0 && add_bytes(out, bytes))
            *bytes = INT64_MAX;
        if (ndim > 0)
            left.items += ndim, left.count -= (uint32_t)ndim;
    }
    return status;
}

/* An input that shares memory with an output is read from a copy. */
static int
separate(applied_t *self, int in, err_t *err)
{
    nd_t *nd = &self->in[in];
    pin_t copy = {0};
    int status = FH_OK;

    for (int i = 0; i < self->call.nout && !status; i++) {
        if (!in_place(self, i) || copy.segment || !nd_overlap(nd, &self->out[i]))
            continue;
        status = core_make(self->run->core, self->run->lane, nd->dtype, &nd->shape, false, 0, &copy, err);
        if (status)
            break;
        segment_touch(copy.segment);
        status = compute_assign(self->run->crew, &copy.nd, nd, err);
        *nd = copy.nd;
    }
    if (!copy.segment)
        return status;
    pin_release(&self->in_pins[in]);
    self->in_pins[in] = copy;
    self->shared[in] = false;
    return status;
}

static int
prepare(applied_t *self, err_t *err)
{
    apply_call_t *call = &self->call;
    int status = FH_OK;

    for (int i = 0; i < call->nin && !status; i++) {
        status = run_align(self->run, &self->in_pins[i], err);
        self->in[i] = self->in_pins[i].nd;
        self->shared[i] = self->in_pins[i].segment && self->in_pins[i].segment->lent;
    }
    for (int i = 0; i < call->nout && !status; i++) {
        if (in_place(self, i)) {
            status = run_writes(self->run, &self->out_pins[i], err);
            self->out[i] = self->out_pins[i].nd;
        } else if (self->out[i].shape.ndim >= 0) {
            shape_t shape = self->out[i].shape;

            status = make_output(call, i, &shape, err);
        }
    }
    for (int i = 0; i < call->nout && !status; i++)
        for (int k = 0; k < i && !status; k++)
            if (in_place(self, i) && in_place(self, k) && nd_overlap(&self->out[i], &self->out[k]))
                status = err_set(err, FH_INVALID_ARGUMENT, "the outputs %d and %d share memory", k, i);
    for (int i = 0; i < call->nin && !status; i++)
        status = separate(self, i, err);
    return status;
}

static int
publish(applied_t *self, err_t *err)
{
    oid_t ids[APPLY_MAX_OUT];
    pin_t pins[APPLY_MAX_OUT];
    int n = 0;

    for (int i = 0; i < self->call.nout; i++) {
        if (in_place(self, i))
            continue;
        if (!self->out_pins[i].segment)
            return err_set(err, FH_INTERNAL, "the array method %s made no output %d", apply_at(self->code)->name, i);
        int status = result_settle(self->run, &self->out_pins[i], &self->places[i], err);

        if (status)
            return status;
    }
    for (int i = 0; i < self->call.nout; i++) {
        if (in_place(self, i))
            continue;
        ids[n] = self->message->outputs.items[i];
        pins[n++] = self->out_pins[i];
        self->out_pins[i] = (pin_t){0};
    }
    return n ? core_publish_all(self->run->core, self->run->lane, ids, pins, n, err) : FH_OK;
}

static void
release(applied_t *self)
{
    for (int i = 0; i < APPLY_MAX_IN; i++)
        pin_release(&self->in_pins[i]);
    for (int i = 0; i < APPLY_MAX_OUT; i++) {
        pin_release(&self->out_pins[i]);
        pin_release(&self->places[i]);
    }
    for (int i = 0; i < self->nscratch; i++)
        pin_release(&self->scratch_pins[i]);
}

static int
run_apply(run_t *run, err_t *err)
{
    applied_t *self = calloc(1, sizeof *self);
    int64_t bytes = 0;

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory to run an array method");
    self->run = run;
    self->message = &run->call->message.as.APPLY;
    self->call = (apply_call_t){.in = self->in,
                                .nin = (int)self->message->inputs.count,
                                .out = self->out,
                                .nout = (int)self->message->outputs.count,
                                .integers = self->message->integers.items,
                                .nintegers = (int)self->message->integers.count,
                                .reals = self->reals,
                                .nreals = (int)self->message->reals.count,
                                .shared = self->shared,
                                .crew = run->crew,
                                .make = make_output,
                                .scratch = make_scratch};
    int status = check_message(self, err);

    if (!status)
        status = take_inputs(self, &bytes, err);
    if (!status)
        status = take_outputs(self, &bytes, err);
    if (!status)
        status = check_dtypes(self, err);
    if (status || run_defer(run, bytes > INT64_MAX / INLINE_SHARE ? INT64_MAX : bytes * INLINE_SHARE))
        goto done;
    status = prepare(self, err);
    if (!status)
        status = apply_function(self->code)(&self->call, err);
    if (!status)
        status = publish(self, err);
done:
    release(self);
    free(self);
    return status;
}

static int
results_apply(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    const msg_APPLY_t *apply = &message->as.APPLY;
    int n = 0;

    for (uint32_t i = 0; i < apply->outputs.count && i < METHOD_MAX_RESULTS; i++)
        if (!(apply->outs >> i & 1))
            ret[n++] = apply->outputs.items[i];
    return n;
}

/* A function of matrices is known by its own name. */
static const char *
raised_by(const message_t *message)
{
    const msg_APPLY_t *apply = &message->as.APPLY;
    bool matrices = apply_find(apply->method.data, apply->method.size) == APPLY_LINALG && apply->integers.count;
    const linalg_t *function = matrices ? linalg_at(apply->integers.items[0]) : NULL;

    return function ? function->name : NULL;
}

static const method_t ROWS[] = {
    {.code = MSG_APPLY,
     .detail = offsetof(message_t, as.APPLY.method),
     .whole = offsetof(message_t, as.APPLY.whole),
     .watch = offsetof(message_t, as.APPLY.watch),
     .raised_by = raised_by,
     .run = run_apply,
     .results = results_apply},
};

const method_table_t METHODS_APPLY = {ROWS, sizeof ROWS / sizeof *ROWS};
