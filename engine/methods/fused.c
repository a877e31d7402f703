/* engine/methods/fused.c - FUSED: an expression, evaluated block by block. */
#include "engine/compute/expression.h"
#include "engine/compute/flags.h"
#include "engine/methods.h"
#include "engine/methods/chosen.h"
#include "engine/methods/result.h"
#include "engine/places.h"
#include "engine/raised.h"

#include <stddef.h>
#include <string.h>

enum { NUMBERS = 5 /* for each step */ };

typedef struct {
    const msg_FUSED_t *message;
    pin_t in[EXPRESSION_INPUTS], out[EXPRESSION_RESULTS];
    pin_t copy[EXPRESSION_INPUTS]; /* of inputs that share memory with outputs */
    nd_t inputs[EXPRESSION_INPUTS];
    bool constant[EXPRESSION_INPUTS];
    pin_t places[EXPRESSION_RESULTS]; /* where reductions go when they are ready */
    int taken[EXPRESSION_RESULTS];    /* the input whose memory a result gets; -1: none */
    bool over;                        /* results are written where inputs lie */
    _Alignas(16) uint8_t scalar[EXPRESSION_INPUTS][16];
    expression_step_t step[EXPRESSION_STEPS];
    int nsteps, nresults, value[EXPRESSION_RESULTS];
    expression_t expression;
    chosen_t chosen; /* of a reduction */
    uint32_t axes;
    dtype_t dtype[EXPRESSION_RESULTS];
    shape_t shape; /* of the results */
} fused_t;

/* One step: its name is what stands in front of the next blank. */
static int
take_step(fused_t *self, str_t name, const int64_t *numbers, err_t *err)
{
    expression_step_t *step = &self->step[self->nsteps++];

    step->op = op_find(name.data, name.size);
    if (!step->op)
        return err_set(err, FH_NO_SUCH_METHOD, "there is no operation %.*s", (int)name.size, name.data);
    for (int k = 0; k < OP_MAX_IN; k++)
        step->argument[k] = numbers[2 + k] < 0 || numbers[2 + k] >= EXPRESSION_VALUES ? -1 : (int)numbers[2 + k];
    return chosen_loop(step->op, (uint64_t)numbers[0], (uint64_t)numbers[1], &step->loop, err);
}

static int
take_steps(fused_t *self, err_t *err)
{
    const msg_FUSED_t *message = self->message;
    const char *at = message->ops.data, *end = at + message->ops.size;
    uint32_t steps = message->steps.count / NUMBERS, i = 0;
    int status = FH_OK;

    for (; at < end && i < steps && i < EXPRESSION_STEPS && !status; i++) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        uint32_t size = (uint32_t)((blank ? blank : end) - at);

        status = take_step(self, (str_t){at, size}, message->steps.items + NUMBERS * i, err);
        at += size + (blank != NULL);
    }
    if (!status && (at != end || i != steps || message->steps.count % NUMBERS != 0))
        status =
            err_set(err, FH_INVALID_ARGUMENT, "%u numbers for other than %u names of steps", message->steps.count, i);
    return status;
}

static bool
in_place(const fused_t *self, int i)
{
    return self->message->outs >> i & 1;
}

static int
take_operands(run_t *run, fused_t *self, err_t *err)
{
    const msg_FUSED_t *message = self->message;
    int status = FH_OK, n = (int)message->inputs.count;

    for (int i = 0; i < n && !status; i++) {
        status = run_operand(run, &message->inputs.items[i], self->scalar[i], &self->in[i], err);
        self->constant[i] = !self->in[i].segment;
        self->inputs[i] = self->in[i].nd;
    }
    self->nresults = (int)message->results.count;
    if (!status && message->values.count != message->results.count)
        status = err_set(err, FH_INVALID_ARGUMENT, "%u values for %d results", message->values.count, self->nresults);
    for (int i = 0; i < self->nresults && !status; i++) {
        status = in_place(self, i) ? core_pin(run->core, message->results.items[i], &self->out[i], err)
                                   : core_check_new(run->core, message->results.items[i], err);
        for (int k = 0; k < i && !status; k++)
            if (oid_equal(message->results.items[i], message->results.items[k]))
                status = err_set(err, FH_INVALID_ARGUMENT, "results %d and %d have one id", k, i);
    }
    if (!status)
        status = expression_init(&self->expression, self->inputs, self->constant, n, self->step, self->nsteps, err);
    return status;
}

/* Arrays that are written in place must be what is written. */
static int
check_outs(const fused_t *self, err_t *err)
{
    for (int i = 0; i < self->nresults; i++) {
        const nd_t *out = &self->out[i].nd;
        char have[128], need[128];

        if (!in_place(self, i))
            continue;
        if (out->dtype != self->dtype[i] || !shape_equal(&out->shape, &self->shape))
            return err_set(err, FH_INVALID_ARGUMENT, "an output of %s and shape %s cannot take a result of %s and %s",
                           dtype_name(out->dtype), shape_format(&out->shape, have, sizeof have),
                           dtype_name(self->dtype[i]), shape_format(&self->shape, need, sizeof need));
        for (int k = 0; k < i; k++)
            if (in_place(self, k) && nd_overlap(&self->out[k].nd, out))
                return err_set(err, FH_INVALID_ARGUMENT, "outputs %d and %d share memory", k, i);
    }
    return FH_OK;
}

/* Dtypes and shape of what is made. */
static int
find_results(fused_t *self, err_t *err)
{
    const msg_FUSED_t *message = self->message;

    for (int i = 0; i < self->nresults; i++) {
        int64_t value = message->values.items[i];

        if (value < EXPRESSION_INPUTS || value >= EXPRESSION_VALUES || !self->expression.dtype[value])
            return err_set(err, FH_INVALID_ARGUMENT, "result %d is value %lld, which no step gives", i,
                           (long long)value);
        self->value[i] = (int)value;
        self->dtype[i] = (dtype_t)self->expression.dtype[value];
    }
    self->shape = self->expression.shape;
    if (!message->reduce.size)
        return check_outs(self, err);
    if (message->outs)
        return err_set(err, FH_INVALID_ARGUMENT, "a reduction of an expression is a new array");
    self->chosen = (chosen_t){.axes = message->axes,
                              .keepdims = message->keepdims,
                              .dtype = message->dtype,
                              .piece = {(int)message->axis, message->start, message->whole}};
    int status = chosen_reduce(message->reduce, &self->chosen.reduce, err);

    if (!status && (self->nresults != 1 || chosen_is_arg(self->chosen.reduce)))
        status = err_set(err, FH_INVALID_ARGUMENT, "%s of %d values is not part of an expression",
                         reduce_name(self->chosen.reduce), self->nresults);
    return status ? status
                  : chosen_result(&self->chosen, self->dtype[0], &self->expression.shape, &self->axes, &self->dtype[0],
                                  &self->shape, err);
}

/* Bytes that all steps write, if they were made one by one: what the reactor may do is decided by the work. */
static int64_t
touched_bytes(const fused_t *self)
{
    int64_t bytes = 0, more, count = shape_count(&self->expression.shape);

    for (int i = 0; i < self->nsteps; i++)
        if (__builtin_mul_overflow(count, (int64_t)dtype_size(self->step[i].loop.out[0]), &more) ||
            __builtin_add_overflow(bytes, more, &bytes))
            return INT64_MAX;
    return bytes;
}

static int
evaluate(run_t *run, fused_t *self, err_t *err)
{
    nd_t out[EXPRESSION_RESULTS];

    for (int i = 0; i < self->nresults; i++)
        out[i] = self->out[i].nd;
    if (!self->message->reduce.size)
        return expression_store(run->crew, &self->expression, self->value, out, self->nresults, err);
    return expression_reduce(run->crew, &self->expression, self->value[0], self->chosen.reduce, self->axes,
                             &self->chosen.piece, &out[0], err);
}

/* Some step has raised flags that are asked for: which?  Everything is computed once more, and looked at step by step;
 * that is rare, and looking costs those that raise nothing. */
static int
note_flags(run_t *run, fused_t *self, unsigned raised, err_t *err)
{
    const int64_t *watches = self->message->watches.items;
    unsigned flags[EXPRESSION_STEPS] = {0}, of_steps = 0;
    int status = FH_OK;

    self->expression.flags = flags;
    flags_clear();
    status = evaluate(run, self, err);
    self->expression.flags = NULL;
    if (status)
        return status;
    pthread_mutex_lock(&run->core->lock);
    for (int i = 0; i < self->nsteps; i++) {
        of_steps |= flags[i];
        raised_note(run->lane, (uint64_t)watches[i], flags_of_op(self->step[i].op, flags[i]),
                    str_of(self->step[i].op->name));
    }
    if (self->message->reduce.size)
        raised_note(run->lane, (uint64_t)watches[self->nsteps], (raised & ~of_steps) | flags_raised(),
                    str_of("reduce"));
    pthread_mutex_unlock(&run->core->lock);
    return FH_OK;
}

static int
check_watches(const fused_t *self, err_t *err)
{
    uint32_t given = self->message->watches.count, needed = (uint32_t)self->nsteps + (self->message->reduce.size > 0);

    return !given || given == needed
               ? FH_OK
               : err_set(err, FH_INVALID_ARGUMENT, "%u watches for %u steps and reductions", given, needed);
}

/* The memory of an input that dies becomes that of result i, if nobody else sees it. */
static bool
take_over(run_t *run, fused_t *self, int i)
{
    for (int k = 0; k < (int)self->message->inputs.count; k++) {
        bool dying = self->message->dying >> k & 1 && !self->constant[k];

        for (int r = 0; r < i; r++)
            dying = dying && self->taken[r] != k;
        if (!dying || !shape_equal(&self->in[k].nd.shape, &self->shape) ||
            !core_take_over(run->core, run->lane, &self->in[k], self->dtype[i], self->message->first, &self->out[i]))
            continue;
        self->taken[i] = k;
        return true;
    }
    return false;
}

/* An input that shares memory with what is written, element by element shifted, is read from a copy. */
static int
separate(run_t *run, fused_t *self, bool *changed, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; i < self->nresults; i++)
        for (int k = 0; k < (int)self->message->inputs.count && in_place(self, i) && !status; k++) {
            const nd_t *in = &self->inputs[k];

            if (self->constant[k] || !nd_overlap(in, &self->out[i].nd) || nd_same_elements(in, &self->out[i].nd))
                continue;
            status = core_make(run->core, run->lane, in->dtype, &in->shape, false, 0, &self->copy[k], err);
            if (!status)
                status = compute_assign(run->crew, &self->copy[k].nd, in, err);
            if (!status)
                self->inputs[k] = self->copy[k].nd;
            *changed = true;
        }
    return status;
}

static int
prepare_results(run_t *run, fused_t *self, err_t *err)
{
    bool changed = false;
    int status = FH_OK;

    for (int i = 0; i < self->nresults && !status; i++) {
        if (in_place(self, i)) {
            status = run_writes(run, &self->out[i], err);
            self->over = true;
        } else if (self->message->reduce.size) {
            status = result_make(run, self->message->results.items[i], self->dtype[i], &self->shape,
                                 self->message->first, 0, &self->out[i], &self->places[i], err);
        } else if (!places_has(run->lane, self->message->results.items[i]) && take_over(run, self, i)) {
            self->over = true;
        } else {
            status = core_make_piece(run->core, run->lane, self->message->results.items[i], self->dtype[i],
                                     &self->shape, self->message->first, 0, &self->out[i], err);
        }
        if (!status)
            segment_touch(self->out[i].segment);
    }
    if (!status)
        status = separate(run, self, &changed, err);
    return status || !changed ? status
                              : expression_init(&self->expression, self->inputs, self->constant,
                                                (int)self->message->inputs.count, self->step, self->nsteps, err);
}

/* Results lie where inputs do: nothing can be computed once more, so flags are looked at on the way. */
static int
evaluate_over(run_t *run, fused_t *self, unsigned wanted, err_t *err)
{
    const int64_t *watches = self->message->watches.items;
    unsigned flags[EXPRESSION_STEPS] = {0};

    self->expression.flags = wanted ? flags : NULL;
    self->expression.wanted = wanted;
    int status = evaluate(run, self, err);

    self->expression.flags = NULL;
    if (status || !wanted)
        return status;
    pthread_mutex_lock(&run->core->lock);
    for (int i = 0; i < self->nsteps; i++)
        raised_note(run->lane, (uint64_t)watches[i], flags_of_op(self->step[i].op, flags[i]),
                    str_of(self->step[i].op->name));
    pthread_mutex_unlock(&run->core->lock);
    return FH_OK;
}

static int
compute(run_t *run, fused_t *self, err_t *err)
{
    const ints_t *watches = &self->message->watches;
    unsigned wanted = 0;
    int status = check_watches(self, err);

    if (!status)
        status = prepare_results(run, self, err);
    for (uint32_t i = 0; i < watches->count; i++)
        wanted |= (unsigned)(watches->items[i] & FLAGS_ALL);
    if (wanted)
        flags_clear();
    if (status)
        return status;
    if (self->over)
        return evaluate_over(run, self, wanted, err);
    status = evaluate(run, self, err);
    unsigned raised = wanted && !status ? flags_raised() & wanted : 0;

    return raised ? note_flags(run, self, raised, err) : status;
}

/* All new results appear, or none.  Inputs whose memory they have got are gone. */
static int
publish(run_t *run, fused_t *self, err_t *err)
{
    const msg_FUSED_t *message = self->message;
    const oid_t *ids = message->results.items;
    int status = FH_OK, done = 0;

    for (int i = 0; i < self->nresults && !status; i++)
        status = result_settle(run, &self->out[i], &self->places[i], err);
    for (; done < self->nresults && !status; done += status == FH_OK)
        if (!in_place(self, done))
            status = core_publish(run->core, run->lane, ids[done], &self->out[done], self->taken[done] >= 0, err);
    pthread_mutex_lock(&run->core->lock);
    for (int i = 0; i < done && status; i++)
        if (!in_place(self, i))
            object_table_drop(&run->core->objects, &run->lane->owner, ids[i]);
    for (int i = 0; i < self->nresults && !status; i++)
        if (self->taken[i] >= 0)
            object_table_drop(&run->core->objects, &run->lane->owner, message->inputs.items[self->taken[i]].object);
    pthread_mutex_unlock(&run->core->lock);
    return status;
}

static int
run_fused(run_t *run, err_t *err)
{
    fused_t self;

    self.message = &run->call->message.as.FUSED;
    self.nsteps = 0;
    memset(self.in, 0, sizeof self.in);
    memset(self.out, 0, sizeof self.out);
    memset(self.copy, 0, sizeof self.copy);
    memset(self.places, 0, sizeof self.places);
    memset(self.taken, -1, sizeof self.taken);
    self.over = false;
    int status = take_steps(&self, err);

    if (!status)
        status = take_operands(run, &self, err);
    if (!status)
        status = find_results(&self, err);
    if (status || run_defer(run, touched_bytes(&self)))
        goto done;
    status = compute(run, &self, err);
    if (!status)
        status = publish(run, &self, err);
done:
    for (int i = 0; i < EXPRESSION_INPUTS; i++) {
        pin_release(&self.in[i]);
        pin_release(&self.copy[i]);
    }
    for (int i = 0; i < EXPRESSION_RESULTS; i++) {
        pin_release(&self.out[i]);
        pin_release(&self.places[i]);
    }
    return status;
}

static int
results_fused(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    const oids_t *results = &message->as.FUSED.results;
    int n = 0;

    for (uint32_t i = 0; i < results->count && n < METHOD_MAX_RESULTS; i++)
        if (!(message->as.FUSED.outs >> i & 1))
            ret[n++] = results->items[i];
    return n;
}

static const method_t ROWS[] = {
    {.code = MSG_FUSED,
     .detail = offsetof(message_t, as.FUSED.ops),
     .outs = offsetof(message_t, as.FUSED.outs),
     .run = run_fused,
     .results = results_fused},
};

const method_table_t METHODS_FUSED = {ROWS, sizeof ROWS / sizeof *ROWS};
