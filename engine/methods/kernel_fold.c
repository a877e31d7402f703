/* engine/methods/kernel_fold.c - KERNEL_FOLD: the stages of reduction kernels. */
#include "engine/methods/kernel_job.h"

#include <stddef.h>
#include <string.h>

enum { KINDS = 1 << KERNEL_REDUCTION, STATE_ALIGN = 16 };

/* What a stage takes and gives.  The last states of SCAN come besides. */
typedef struct {
    bool of_states;    /* its input is one array of states */
    bool to_states;    /* so is its result */
    bool along_axis;   /* it goes along an axis */
    bool needs_values; /* of nothing it makes a value only if the kernel has a start */
} stage_t;

static const stage_t STAGES[] = {
    [FOLD_STEPS] = {.to_states = true, .along_axis = true},
    [FOLD_COMBINE] = {.of_states = true, .to_states = true, .along_axis = true, .needs_values = true},
    [FOLD_FINISH] = {.of_states = true},
    [FOLD_ALL] = {.along_axis = true, .needs_values = true},
    [FOLD_SCAN] = {.along_axis = true},
};

typedef struct {
    const msg_KERNEL_FOLD_t *message;
    const stage_t *stage;
    kernel_job_t *job;
    int values; /* inputs that are values, not states */
    dtype_t dtypes[2];
    shape_t shapes[2]; /* of the results */
} fold_t;

/* ---- inputs --------------------------------------------------------------------------------------------------------
 */

static bool
goes_on(const fold_t *self)
{
    return self->message->stage == FOLD_SCAN && self->job->call.nin == self->values + 1;
}

static int
check_counts(fold_t *self, err_t *err)
{
    const kernel_info_t *info = &self->job->kernel.info;
    int nin = self->job->call.nin, nout = self->job->call.nout;
    bool scan = self->message->stage == FOLD_SCAN;

    self->values = self->stage->of_states ? 0 : info->nin;
    int wanted = self->stage->of_states ? 1 : info->nin;

    if (info->state_bytes <= 0 || info->state_bytes % STATE_ALIGN || info->nout != 1)
        return err_set(err, FH_KERNEL_ERROR, "the reduction %.200s has states of %lld bytes and %d results",
                       info->entry, (long long)info->state_bytes, info->nout);
    if (nin != wanted && !(scan && nin == wanted + 1))
        return err_set(err, FH_INVALID_ARGUMENT, "stage %llu of the reduction %.200s takes %d inputs%s, %d were given",
                       (unsigned long long)self->message->stage, info->entry, wanted, scan ? " or one more" : "", nin);
    if (nout != 1 && !scan)
        return err_set(err, FH_INVALID_ARGUMENT, "stage %llu has one result, %d are named",
                       (unsigned long long)self->message->stage, nout);
    return FH_OK;
}

/* A state array of the given shape without the last axis; shape NULL: any. */
static int
check_states(const fold_t *self, int input, const shape_t *shape, err_t *err)
{
    const kernel_info_t *info = &self->job->kernel.info;
    const nd_t *nd = &self->job->operands[input].nd;
    int last = nd->shape.ndim - 1;
    char have[128], need[128];

    if (nd->dtype != DTYPE_UINT8 || last < 0 || nd->shape.extent[last] != info->state_bytes)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "input %d is %s of shape %s; states of %.200s are uint8 with a last axis of %lld", input,
                       dtype_name(nd->dtype), shape_format(&nd->shape, have, sizeof have), info->entry,
                       (long long)info->state_bytes);
    if (shape && !shape_equal(shape, &nd->shape))
        return err_set(err, FH_INVALID_ARGUMENT, "the states that went before have the shape %s, not %s",
                       shape_format(&nd->shape, have, sizeof have), shape_format(shape, need, sizeof need));
    return FH_OK;
}

static int
take_inputs(run_t *run, const fold_t *self, err_t *err)
{
    kernel_job_t *job = self->job;
    char have[128], need[128];
    int status = FH_OK;

    for (int i = 0; i < job->call.nin && !status; i++)
        status = kernel_job_pin(run, job, i, self->message->inputs.items[i], err);
    for (int i = 0; i < self->values && !status; i++) {
        status = kernel_job_check_dtype(job, i, job->kernel.info.in[i], err);
        if (!status && !shape_equal(&job->operands[i].nd.shape, &job->operands[0].nd.shape))
            status = err_set(err, FH_INVALID_ARGUMENT, "input %d has the shape %s, input 0 has %s", i,
                             shape_format(&job->operands[i].nd.shape, have, sizeof have),
                             shape_format(&job->operands[0].nd.shape, need, sizeof need));
    }
    if (!status && self->stage->of_states)
        status = check_states(self, 0, NULL, err);
    return status;
}

/* ---- results -------------------------------------------------------------------------------------------------------
 */

static void
remove_axis(shape_t *shape, int axis)
{
    shape->ndim--;
    memmove(shape->extent + axis, shape->extent + axis + 1, (size_t)(shape->ndim - axis) * sizeof shape->extent[0]);
}

static int
append_axis(shape_t *shape, int64_t extent, err_t *err)
{
    if (shape->ndim == SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "arrays of states have one dimension more, and %d are the most",
                       SHAPE_MAX_DIMS);
    shape->extent[shape->ndim++] = extent;
    return FH_OK;
}

static int
check_axis(const fold_t *self, const shape_t *shape, err_t *err)
{
    int64_t axis = self->message->axis;
    char text[128];

    if (self->stage->along_axis && axis >= shape->ndim - self->stage->of_states)
        return err_set(err, FH_INVALID_ARGUMENT, "there is no axis %lld to reduce in the shape %s", (long long)axis,
                       shape_format(shape, text, sizeof text));
    if (self->message->stage == FOLD_STEPS && self->message->base % KERNEL_BLOCK)
        return err_set(err, FH_INVALID_ARGUMENT, "stage 1 begins at element %lld, but blocks at multiples of %d",
                       (long long)self->message->base, KERNEL_BLOCK);
    if (self->stage->along_axis && self->message->base > INT64_MAX - shape->extent[axis])
        return err_set(err, FH_OVERFLOW, "an axis cannot be longer than 2^63 - 1 elements");
    return FH_OK;
}

/* The states that a scan ends with: the input's shape without the axis. */
static int
find_last_states(fold_t *self, const shape_t *in, int axis, err_t *err)
{
    self->shapes[1] = *in;
    self->dtypes[1] = DTYPE_UINT8;
    remove_axis(&self->shapes[1], axis);
    int status = append_axis(&self->shapes[1], self->job->kernel.info.state_bytes, err);

    return status || !goes_on(self) ? status : check_states(self, self->values, &self->shapes[1], err);
}

static int
find_shapes(fold_t *self, err_t *err)
{
    const kernel_info_t *info = &self->job->kernel.info;
    const shape_t *in = &self->job->operands[0].nd.shape;
    int axis = (int)self->message->axis, status = check_axis(self, in, err);
    shape_t *out = &self->shapes[0];

    if (status)
        return status;
    *out = *in;
    self->dtypes[0] = self->stage->to_states ? DTYPE_UINT8 : info->out[0];
    if (self->stage->of_states && !self->stage->to_states)
        remove_axis(out, out->ndim - 1);
    if (self->stage->along_axis && self->message->stage != FOLD_SCAN)
        remove_axis(out, axis);
    if (self->message->stage == FOLD_STEPS) {
        memmove(out->extent + 1, out->extent, (size_t)out->ndim * sizeof out->extent[0]);
        out->ndim++;
        out->extent[0] = in->extent[axis] / KERNEL_BLOCK + (in->extent[axis] % KERNEL_BLOCK != 0);
        status = append_axis(out, info->state_bytes, err);
    }
    if (!status && self->message->stage == FOLD_SCAN)
        status = find_last_states(self, in, axis, err);
    return status;
}

/* Of nothing comes a value only with a start. */
static int
check_nothing(const fold_t *self, err_t *err)
{
    const kernel_info_t *info = &self->job->kernel.info;
    int64_t axis = self->message->axis;
    bool wanted = self->stage->needs_values
                      ? shape_count(&self->shapes[0]) != 0
                      : self->job->call.nout == 2 && !goes_on(self) && shape_count(&self->shapes[1]) != 0;

    if (info->has_start || !wanted || !self->stage->along_axis || self->job->operands[0].nd.shape.extent[axis] != 0)
        return FH_OK;
    return err_set(err, FH_INVALID_ARGUMENT, "there is nothing along axis %lld, and the reduction %.200s has no start",
                   (long long)axis, info->entry);
}

/* ---- the call ------------------------------------------------------------------------------------------------------
 */

/* Kernels read states as numbers: each must lie in one piece, on a boundary of 16 bytes. */
static bool
is_aligned(const nd_t *nd)
{
    int last = nd->shape.ndim - 1;
    bool aligned = (uintptr_t)nd->data % STATE_ALIGN == 0 && nd->stride[last] == 1;

    for (int i = 0; i < last && aligned; i++)
        aligned = nd->shape.extent[i] <= 1 || nd->stride[i] % STATE_ALIGN == 0;
    return aligned;
}

static int
check_all(run_t *run, fold_t *self, err_t *err)
{
    kernel_job_t *job = self->job;
    int status = kernel_job_find(run, job, self->message->kernel, KINDS, err);

    if (!status)
        status = check_counts(self, err);
    if (!status)
        status = take_inputs(run, self, err);
    if (!status)
        status = find_shapes(self, err);
    if (!status)
        status = check_nothing(self, err);
    for (int i = 0; i < job->call.nout && !status; i++)
        status = kernel_job_result(run, job, i, self->message->results.items[i], false, err);
    return status;
}

static int64_t
touched_bytes(const fold_t *self)
{
    int64_t bytes = 0;

    for (int i = 0; i < self->job->call.nout; i++)
        kernel_job_touch(&bytes, &self->shapes[i], self->dtypes[i]);
    for (int i = self->values; i < self->job->call.nin; i++)
        if (!is_aligned(&self->job->operands[i].nd))
            kernel_job_touch(&bytes, &self->job->operands[i].nd.shape, DTYPE_UINT8);
    return bytes;
}

static int
prepare(run_t *run, const fold_t *self, err_t *err)
{
    kernel_job_t *job = self->job;
    int axis = (int)self->message->axis, status = FH_OK;

    for (int i = self->values; i < job->call.nin && !status; i++)
        if (!is_aligned(&job->operands[i].nd))
            status = kernel_job_copy(run, job, i, err);
    for (int i = 0; i < job->call.nout && !status; i++) {
        const kernel_room_t room = {
            .dtype = self->dtypes[i], .shape = &self->shapes[i], .first = i == 0 ? self->message->first : 0};

        status = kernel_job_make(run, job, i, &room, err);
    }
    job->call.stage = (fold_stage_t)self->message->stage;
    job->call.axis = self->stage->along_axis ? axis : -1;
    for (int i = 0; i < self->values; i++) {
        job->operands[i].base = self->message->base;
        job->operands[i].whole = self->message->base + job->operands[i].nd.shape.extent[axis];
    }
    return status;
}

static int
begin_fold(run_t *run, err_t *err)
{
    const msg_KERNEL_FOLD_t *message = &run->call->message.as.KERNEL_FOLD;
    fold_t self = {.message = message, .stage = &STAGES[message->stage]};
    int nin = (int)message->inputs.count, nout = (int)message->results.count;
    int status = kernel_job_new(run, nin + nout, nout, &self.job, err);

    if (status)
        return status;
    self.job->call.nin = nin;
    self.job->call.nout = nout;
    self.job->call.piece = (int64_t)message->piece - 1;
    self.job->timeout_ms = message->timeout_ms;
    self.job->watch = message->watch;
    status = check_all(run, &self, err);
    if (!status && run_defer(run, touched_bytes(&self)))
        kernel_job_free(run);
    else if (!status)
        status = prepare(run, &self, err);
    return status;
}

static int
run_kernel_fold(run_t *run, err_t *err)
{
    return kernel_job_run(run, begin_fold, err);
}

static int
results_kernel_fold(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    const oids_t results = message->as.KERNEL_FOLD.results;

    for (uint32_t i = 0; i < results.count; i++)
        ret[i] = results.items[i];
    return (int)results.count;
}

static const method_t ROWS[] = {
    {.code = MSG_KERNEL_FOLD, .run = run_kernel_fold, .results = results_kernel_fold, .ticket = kernel_job_ticket},
};

const method_table_t METHODS_KERNEL_FOLD = {ROWS, sizeof ROWS / sizeof *ROWS};
