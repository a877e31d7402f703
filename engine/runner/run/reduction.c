#include "engine/runner/run/reduction.h"

#include "engine/runner/run/progress.h"
#include "engine/runner/run/reduction_private.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROOM_BYTES = 64 << 10, /* of a thread's states: they stay in its cache */
    RUN_MAX = 256,
    SHORT_AXIS = 16, /* blocks of so few elements are better stepped row by row */
    ROWS_FROM = 4,   /* neighbours that make a row */
};

/* --- arrays ---------------------------------------------------------------------------------------------------------
 */

static int
misfit(const kernel_call_t *call, const char *what, err_t *err)
{
    return err_set(err, FH_KERNEL_ERROR, "reduction kernel %.200s: %s", call->kernel->about.entry, what);
}

static void
drop_axis(nd_t *nd, int axis)
{
    nd->shape.ndim--;
    for (int i = axis; i < nd->shape.ndim; i++) {
        nd->shape.extent[i] = nd->shape.extent[i + 1];
        nd->stride[i] = nd->stride[i + 1];
    }
}

/* An array of states as one of their first bytes. */
static int
take_states(const kernel_call_t *call, nd_t *nd, err_t *err)
{
    int last = nd->shape.ndim - 1;
    if (nd->dtype != DTYPE_UINT8 || last < 0 || nd->shape.extent[last] != call->kernel->about.state_bytes ||
        nd->stride[last] != 1)
        return misfit(call, "an array is not of its states", err);
    drop_axis(nd, last);
    return FH_OK;
}

/* Operand k without its axis, if it has one; *ret_step: the bytes along it. */
static int
take_operand(const kernel_call_t *call, int k, bool states, int axis, nd_t *ret, int64_t *ret_step, err_t *err)
{
    *ret = call->operand[k];
    *ret_step = 0;
    int status = states ? take_states(call, ret, err) : FH_OK;
    if (status || axis < 0)
        return status;
    if (axis >= ret->shape.ndim)
        return misfit(call, "an array has fewer dimensions than the axis needs", err);
    *ret_step = ret->stride[axis];
    drop_axis(ret, axis);
    return FH_OK;
}

/* What the stages take and give: whether that is states, and whether it has the axis. */
typedef struct {
    bool elements; /* the inputs: all of the kernel's; else one array of states */
    bool in_axis;
    bool out_states;
    int out_axis;          /* -1: none, -2: the inputs', else this one */
    int most_in, most_out; /* beyond the least: states before and after */
} stage_t;

static const stage_t STAGES[] = {
    [FOLD_STEPS] = {.elements = true, .in_axis = true, .out_states = true, .out_axis = 0},
    [FOLD_COMBINE] = {.in_axis = true, .out_states = true, .out_axis = -1},
    [FOLD_FINISH] = {.out_axis = -1},
    [FOLD_ALL] = {.elements = true, .in_axis = true, .out_axis = -1},
    [FOLD_SCAN] = {.elements = true, .in_axis = true, .out_axis = -2, .most_in = 1, .most_out = 1},
};

static int
check_numbers(const kernel_call_t *call, const stage_t *stage, int nin, err_t *err)
{
    const runner_description_t *about = &call->kernel->about;
    if (call->nin < nin || call->nin > nin + stage->most_in || call->nout < 1 || call->nout > 1 + stage->most_out)
        return misfit(call, "the number of arrays does not fit the stage", err);
    if (about->state_bytes <= 0 || about->state_bytes > KERNEL_MAX_STATE || about->state_bytes % 16)
        return misfit(call, "the size of its state is none", err);
    if (stage->in_axis && (call->request->axis < 0 || call->request->axis >= call->operand[0].shape.ndim))
        return misfit(call, "there is no such axis", err);
    for (int k = 0; k < nin && stage->elements; k++)
        if ((int)call->operand[k].dtype != about->in[k] ||
            !shape_equal(&call->operand[k].shape, &call->operand[0].shape))
            return misfit(call, "an input has another dtype, or another shape than the first", err);
    if (!stage->out_states && (int)call->operand[call->nin].dtype != about->out[0])
        return misfit(call, "the result has another dtype", err);
    return FH_OK;
}

static int
lay_out(reduction_t *self, const stage_t *stage, err_t *err)
{
    const kernel_call_t *call = self->call;
    int axis = call->request->axis, status = FH_OK;
    nd_t kept[KERNEL_MAX_ARGS + 3];
    self->nin = stage->elements ? call->kernel->about.nin : 1;
    self->operands = call->nin + call->nout;
    status = check_numbers(call, stage, self->nin, err);
    for (int k = 0; k < self->operands && !status; k++) {
        bool input = k < self->nin, result = k == call->nin;
        bool states = input ? !stage->elements : result ? stage->out_states : true;
        int its_axis = input    ? (stage->in_axis ? axis : -1)
                       : result ? (stage->out_axis == -2 ? axis : stage->out_axis)
                                : -1;
        status = take_operand(call, k, states, its_axis, &kept[k], &self->step[k], err);
        if (!status && !shape_equal(&kept[k].shape, &kept[0].shape))
            status = misfit(call, "arrays do not fit one another along the other axes", err);
    }
    if (status)
        return status;
    self->extent = stage->in_axis ? call->operand[0].shape.extent[axis] : 1;
    if (stage->out_axis == -2 && call->operand[call->nin].shape.extent[axis] != self->extent)
        return misfit(call, "the result has another extent than the inputs", err);
    self->state_bytes = call->kernel->about.state_bytes;
    walk_init(&self->kept, kept, self->operands, 0);
    return FH_OK;
}

static int64_t
magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* How the other axes are gone through. */
static void
plan_runs(reduction_t *self)
{
    const walk_t *kept = &self->kept;
    int inner = kept->ndim - 1;
    int64_t row = kept->extent[inner], beside = magnitude(kept->stride[0][inner]), along = magnitude(self->step[0]);
    self->run = ROOM_BYTES / ((KERNEL_LANES + 24) * self->state_bytes);
    self->run = self->run > RUN_MAX ? RUN_MAX : self->run < 1 ? 1 : self->run;
    self->by_rows = row >= ROWS_FROM && self->run >= ROWS_FROM && (beside < along || self->extent <= SHORT_AXIS);
    int64_t threads = kernel_call_threads(self->call), fair = (row + 2 * threads - 1) / (2 * threads);
    if (kept->count == row && fair < self->run && !self->by_rows)
        self->run = fair > 0 ? fair : 1;
    self->runs_a_row = (row + self->run - 1) / self->run;
    self->runs = row ? kept->count / row * self->runs_a_row : 0;
}

int64_t
reduction_at(const reduction_t *self, int64_t i, int64_t *ret_count)
{
    int64_t row = self->kept.extent[self->kept.ndim - 1], first = i % self->runs_a_row * self->run;
    *ret_count = row - first < self->run ? row - first : self->run;
    return i / self->runs_a_row * row + first;
}

/* --- states ---------------------------------------------------------------------------------------------------------
 */

bool
reduction_room(reduction_t *self, int64_t items, reduction_room_t *ret)
{
    size_t row = (size_t)(self->run * self->state_bytes), padded = (size_t)(KERNEL_VECTOR * self->state_bytes);
    size_t depth = (size_t)tree_depth(items), results = KERNEL_VECTOR * 16;
    ret->memory = malloc((KERNEL_LANES + depth) * row + padded + results);
    if (!ret->memory) {
        atomic_store(&self->no_memory, 1);
        return false;
    }
    ret->lanes = ret->memory;
    ret->rows = ret->lanes + KERNEL_LANES * row;
    ret->padded = ret->rows + depth * row;
    ret->results = ret->padded + padded;
    return true;
}

char *
reduction_value(const reduction_t *self, tree_t *tree, int64_t count)
{
    char *states = tree_take(tree);
    if (states)
        return states;
    for (int64_t i = 0; i < count; i++)
        self->kernel->fold.start(tree->memory + i * self->state_bytes);
    return tree->memory;
}

void
reduction_finish(const reduction_t *self, const reduction_room_t *room, const char *states, int64_t count, char *result,
                 int64_t stride)
{
    if (!self->kernel->about.whole_vectors) {
        self->kernel->fold.finish(result, stride, states, count);
        return;
    }
    int64_t bytes = self->state_bytes, size = (int64_t)dtype_size((dtype_t)self->kernel->about.out[0]);
    for (int64_t at = 0; at < count; at += KERNEL_VECTOR) {
        int64_t n = count - at < KERNEL_VECTOR ? count - at : KERNEL_VECTOR;
        for (int64_t i = 0; i < KERNEL_VECTOR; i++)
            memcpy(room->padded + i * bytes, states + (at + (i < n ? i : n - 1)) * bytes, (size_t)bytes);
        self->kernel->fold.finish(room->results, size, room->padded, KERNEL_VECTOR);
        for (int64_t i = 0; i < n; i++)
            memcpy(result + (at + i) * stride, room->results + i * size, (size_t)size);
    }
}

void
reduction_copy(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t count, int64_t state_bytes)
{
    if (to_step == state_bytes && from_step == state_bytes) {
        memcpy(to, from, (size_t)(count * state_bytes));
        return;
    }
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * to_step, from + i * from_step, (size_t)state_bytes);
}

/* --- states to states, states to results ----------------------------------------------------------------------------
 */

/* COMBINE, or (an axis of one) FINISH of run i. */
static void
run_states(void *context, int64_t i)
{
    reduction_t *self = context;
    reduction_room_t room;
    if (progress_stopped() || !reduction_room(self, self->extent, &room))
        return;
    bool finish = self->call->request->stage == FOLD_FINISH;
    int inner = self->kept.ndim - 1;
    int64_t count, first = reduction_at(self, i, &count);
    int64_t in_step = self->kept.stride[0][inner], out_step = self->kept.stride[1][inner];
    char *data[WALK_MAX];
    tree_t tree;
    walk_seek(&self->kept, first, data);
    tree_init(&tree, self->kernel->fold.combine, room.rows, count, self->state_bytes);
    for (int64_t item = 0; item < self->extent; item++) {
        reduction_copy(tree_next(&tree), self->state_bytes, data[0] + item * self->step[0], in_step, count,
                       self->state_bytes);
        tree_push(&tree);
    }
    const char *states = reduction_value(self, &tree, count);
    if (finish)
        reduction_finish(self, &room, states, count, data[1], out_step);
    else
        reduction_copy(data[1], out_step, states, self->state_bytes, count, self->state_bytes);
    free(room.memory);
    progress_add(count * self->extent * self->state_bytes);
}

static int
reduction_states(reduction_t *self, err_t *err)
{
    (void)err;
    kernel_call_share(self->call, self->runs, run_states, self);
    return FH_OK;
}

/* --- which stage ----------------------------------------------------------------------------------------------------
 */

static int
run_stage(reduction_t *self, err_t *err)
{
    const kernel_call_t *call = self->call;
    fold_stage_t stage = (fold_stage_t)call->request->stage;
    if (stage == FOLD_STEPS)
        return reduction_steps(self, err);
    if (stage == FOLD_SCAN)
        return reduction_scan(self, call->nin > self->nin, call->nout > 1, err);
    if (!self->extent && !self->kernel->fold.start)
        return misfit(call, "it has no init, so there is no value for no elements", err);
    return stage == FOLD_ALL ? reduction_all(self, err) : reduction_states(self, err);
}

int
reduction_run(const kernel_call_t *call, err_t *err)
{
    unsigned stage = call->request->stage;
    reduction_t self = {.call = call, .kernel = call->kernel};
    if (stage == FOLD_NONE || stage >= sizeof STAGES / sizeof *STAGES)
        return misfit(call, "there is no such stage", err);
    int status = lay_out(&self, &STAGES[stage], err);
    if (status || !self.kept.count)
        return status;
    plan_runs(&self);
    status = run_stage(&self, err);
    if (!status && atomic_load(&self.no_memory))
        status = err_set(err, FH_NO_MEMORY, "no memory for the states of kernel %.200s", call->kernel->about.entry);
    return status;
}
