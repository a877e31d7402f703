/* engine/methods/kernel_map.c - KERNEL_MAP: array kernels and gufuncs. */
#include "codecs/core_dims.h"
#include "engine/methods/kernel_pieces.h"

#include <stddef.h>

enum { KINDS = 1 << KERNEL_ARRAY | 1 << KERNEL_GUFUNC };

/* ---- the lists of the message --------------------------------------------------------------------------------------
 */

static int
check_counts(const kernel_map_t *self, err_t *err)
{
    const msg_KERNEL_MAP_t *message = self->message;
    const struct {
        const char *name;
        uint32_t count, wanted;
        bool may_be_empty;
    } LISTS[] = {
        {"dtypes", message->dtypes.count, (uint32_t)self->nout, false},
        {"ndims", message->ndims.count, (uint32_t)self->nout, false},
        {"bases", message->bases.count, (uint32_t)(self->nin + self->nout), message->axis < 0},
        {"wholes", message->wholes.count, (uint32_t)(self->nin + self->nout), message->axis < 0},
        {"low", message->low.count, (uint32_t)self->nin, true},
        {"high", message->high.count, (uint32_t)self->nin, true},
        {"drafts", message->drafts.count, (uint32_t)self->nout, true},
        {"firsts", message->firsts.count, (uint32_t)self->nout, true},
    };

    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++)
        if (LISTS[i].count != LISTS[i].wanted && (LISTS[i].count || !LISTS[i].may_be_empty))
            return err_set(err, FH_INVALID_ARGUMENT, "%d inputs and %d results, but %u numbers in %s instead of %u",
                           self->nin, self->nout, LISTS[i].count, LISTS[i].name, LISTS[i].wanted);
    if (message->bases.count != message->wholes.count)
        return err_set(err, FH_INVALID_ARGUMENT, "%u numbers in bases, but %u in wholes", message->bases.count,
                       message->wholes.count);
    if (message->outs && (message->leave || message->drafts.count))
        return err_set(err, FH_INVALID_ARGUMENT, "results that exist cannot be written end by end");
    if (message->outs >> self->nout)
        return err_set(err, FH_INVALID_ARGUMENT, "outs is 0x%llx, but there are %d results",
                       (unsigned long long)message->outs, self->nout);
    return FH_OK;
}

static int
read_shapes(kernel_map_t *self, err_t *err)
{
    const ints_t ndims = self->message->ndims, shapes = self->message->shapes;
    int64_t at = 0;

    for (int i = 0; i < self->nout; i++) {
        int64_t ndim = ndims.items[i];

        if (ndim < 0 || ndim > SHAPE_MAX_DIMS || at + ndim > shapes.count)
            return err_set(err, FH_INVALID_ARGUMENT, "result %d has %lld dimensions, but shapes has %lld extents left",
                           i, (long long)ndim, (long long)(shapes.count - at));
        int status = run_shape((uint64_t)self->message->dtypes.items[i], (ints_t){shapes.items + at, (uint32_t)ndim},
                               &self->dtypes[i], &self->shapes[i], err);

        if (status) {
            err_prefix(err, "result %d", i);
            return status;
        }
        at += ndim;
    }
    if (at != shapes.count)
        return err_set(err, FH_INVALID_ARGUMENT, "the results have %lld dimensions together, but shapes has %u extents",
                       (long long)at, shapes.count);
    return FH_OK;
}

/* ---- what the kernel takes -----------------------------------------------------------------------------------------
 */

static int
check_output_dtype(const kernel_map_t *self, int result, dtype_t wanted, err_t *err)
{
    if (wanted == DTYPE_NONE || wanted == self->dtypes[result])
        return FH_OK;
    return err_set(err, FH_WRONG_TYPE, "output %d of the kernel %.200s is of dtype %s, not %s", result,
                   self->job->kernel.info.entry, dtype_name(wanted), dtype_name(self->dtypes[result]));
}

/* Counts and dtypes.  An array kernel knows its operands all together. */
static int
check_kernel(const kernel_map_t *self, err_t *err)
{
    const kernel_info_t *info = &self->job->kernel.info;
    bool gufunc = info->kind == KERNEL_GUFUNC;
    int all = self->nin + self->nout, status = FH_OK;

    if (gufunc && (self->nin != info->nin || self->nout != info->nout))
        return err_set(err, FH_INVALID_ARGUMENT,
                       "the kernel %.200s, %s, takes %d inputs and gives %d results; %d and %d are named", info->entry,
                       info->layout, info->nin, info->nout, self->nin, self->nout);
    if (!gufunc && info->nin >= 0 && all != info->nin)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "the kernel %.200s takes %d arrays; %d inputs and %d results are named", info->entry, info->nin,
                       self->nin, self->nout);
    if (all > KERNEL_MAX_ARGS && !gufunc)
        return err_set(err, FH_LIMIT_EXCEEDED, "%d inputs and results; a kernel has at most %d", all, KERNEL_MAX_ARGS);
    if (!gufunc && info->nin < 0)
        return FH_OK;
    for (int i = 0; i < self->nin && !status; i++)
        status = kernel_job_check_dtype(self->job, i, info->in[i], err);
    for (int i = 0; i < self->nout && !status; i++)
        status = check_output_dtype(self, i, gufunc ? info->out[i] : info->in[self->nin + i], err);
    return status;
}

/* The shapes of a gufunc's results follow from its inputs. */
static int
check_layout(const kernel_map_t *self, err_t *err)
{
    const kernel_info_t *info = &self->job->kernel.info;
    const shape_t *inputs[KERNEL_MAX_ARGS];
    int64_t extents[CORE_DIMS_MAX_NAMES];
    shape_t loop, shape;
    core_dims_t dims;
    char have[128], need[128];

    if (info->kind != KERNEL_GUFUNC)
        return FH_OK;
    int status = core_dims_parse(info->layout, &dims, err);

    if (!status && (dims.nin != self->nin || dims.nout != self->nout))
        status =
            err_set(err, FH_KERNEL_ERROR, "the layout %s of the kernel %.200s has other operands than its function",
                    info->layout, info->entry);
    for (int i = 0; i < self->nin; i++)
        inputs[i] = &self->job->operands[i].nd.shape;
    if (!status)
        status = core_dims_resolve(&dims, inputs, &loop, extents, err);
    for (int i = 0; i < self->nout && !status; i++) {
        status = core_dims_shape(&dims, self->nin + i, &loop, extents, &shape, err);
        if (!status && !shape_equal(&shape, &self->shapes[i]))
            status =
                err_set(err, FH_INVALID_ARGUMENT, "result %d of layout %s has the shape %s, not %s", i, info->layout,
                        shape_format(&shape, need, sizeof need), shape_format(&self->shapes[i], have, sizeof have));
    }
    if (status)
        err_prefix(err, "kernel %.100s", info->entry);
    return status;
}

/* ---- the call ------------------------------------------------------------------------------------------------------
 */

static int
check_all(run_t *run, kernel_map_t *self, err_t *err)
{
    const msg_KERNEL_MAP_t *message = self->message;
    kernel_job_t *job = self->job;
    int status = kernel_job_find(run, job, message->kernel, KINDS, err);

    if (!status)
        status = check_counts(self, err);
    if (!status)
        status = read_shapes(self, err);
    for (int i = 0; i < self->nin && !status; i++)
        status = kernel_job_input(run, job, i, &message->inputs.items[i], err);
    if (!status)
        status = check_kernel(self, err);
    if (!status)
        status = check_layout(self, err);
    for (int i = 0; i < self->nout && !status; i++) {
        status = kernel_job_result(run, job, i, message->results.items[i], message->outs >> i & 1, err);
        if (!status)
            status = kernel_job_check_target(job, i, self->dtypes[i], &self->shapes[i], err);
        if (!status && message->drafts.count)
            status = kernel_job_draft(run, job, i, message->drafts.items[i], self->dtypes[i], &self->shapes[i], err);
    }
    return status ? status : kernel_pieces_take(run, self, err);
}

/* Outputs that exist begin as copies: the kernel may read them, or leave elements out. */
static int
prepare(run_t *run, const kernel_map_t *self, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; i < self->nout && !status; i++) {
        const ints_t firsts = self->message->firsts;
        const kernel_room_t room = {
            .dtype = self->dtypes[i], .shape = &self->shapes[i], .first = firsts.count ? (uint64_t)firsts.items[i] : 0};

        status = self->message->drafts.count ? kernel_job_take_draft(run, self->job, i, err)
                                             : kernel_job_make(run, self->job, i, &room, err);
        if (!status && self->job->results[i].exists)
            status = kernel_job_start_from_target(run, self->job, i, err);
    }
    kernel_pieces_describe(self);
    return status;
}

static int
begin_map(run_t *run, err_t *err)
{
    const msg_KERNEL_MAP_t *message = &run->call->message.as.KERNEL_MAP;
    kernel_map_t self = {.message = message, .nin = (int)message->inputs.count, .nout = (int)message->results.count};
    int64_t bytes = 0;
    int status = kernel_job_new(run, self.nin + self.nout + kernel_pieces_strips(message), self.nout, &self.job, err);

    if (status)
        return status;
    self.job->call.nin = self.nin;
    self.job->call.nout = self.nout;
    self.job->call.piece = (int64_t)message->piece - 1;
    self.job->timeout_ms = message->timeout_ms;
    self.job->watch = message->watch;
    status = check_all(run, &self, err);
    if (status)
        return status;
    for (int i = 0; i < self.nout; i++)
        kernel_job_touch(&bytes, &self.shapes[i], self.dtypes[i]);
    if (run_defer(run, bytes))
        kernel_job_free(run);
    else
        status = prepare(run, &self, err);
    return status;
}

static int
run_kernel_map(run_t *run, err_t *err)
{
    return kernel_job_run(run, begin_map, err);
}

static int
results_kernel_map(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    const msg_KERNEL_MAP_t *map = &message->as.KERNEL_MAP;
    int n = 0;

    for (uint32_t i = 0; i < map->results.count && i < METHOD_MAX_RESULTS; i++)
        if (!(map->outs >> i & 1))
            ret[n++] = map->results.items[i];
    return n;
}

static const method_t ROWS[] = {
    {.code = MSG_KERNEL_MAP, .run = run_kernel_map, .results = results_kernel_map, .ticket = kernel_job_ticket},
};

const method_table_t METHODS_KERNEL_MAP = {ROWS, sizeof ROWS / sizeof *ROWS};
