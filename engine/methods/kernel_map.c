/* engine/methods/kernel_map.c - KERNEL_MAP: array kernels and gufuncs. */
#include "codecs/core_dims.h"
#include "engine/methods/kernel_job.h"

#include <stddef.h>

enum { KINDS = 1 << KERNEL_ARRAY | 1 << KERNEL_GUFUNC };

typedef struct {
    const msg_KERNEL_MAP_t *message;
    kernel_job_t *job;
    int nin, nout;
    dtype_t dtypes[KERNEL_MAX_OUT];
    shape_t shapes[KERNEL_MAX_OUT];
} map_t;

/* ---- the lists of the message --------------------------------------------------------------------------------------
 */

static int
check_counts(const map_t *self, err_t *err)
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
    };

    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++)
        if (LISTS[i].count != LISTS[i].wanted && (LISTS[i].count || !LISTS[i].may_be_empty))
            return err_set(err, FH_INVALID_ARGUMENT, "%d inputs and %d results, but %u numbers in %s instead of %u",
                           self->nin, self->nout, LISTS[i].count, LISTS[i].name, LISTS[i].wanted);
    if (message->outs >> self->nout)
        return err_set(err, FH_INVALID_ARGUMENT, "outs is 0x%llx, but there are %d results",
                       (unsigned long long)message->outs, self->nout);
    return FH_OK;
}

static int
read_shapes(map_t *self, err_t *err)
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
check_output_dtype(const map_t *self, int result, dtype_t wanted, err_t *err)
{
    if (wanted == DTYPE_NONE || wanted == self->dtypes[result])
        return FH_OK;
    return err_set(err, FH_WRONG_TYPE, "output %d of the kernel %.200s is of dtype %s, not %s", result,
                   self->job->kernel.info.entry, dtype_name(wanted), dtype_name(self->dtypes[result]));
}

/* Counts and dtypes.  An array kernel knows its operands all together. */
static int
check_kernel(const map_t *self, err_t *err)
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
check_layout(const map_t *self, err_t *err)
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

/* ---- pieces of cut arrays ------------------------------------------------------------------------------------------
 */

static const shape_t *
shape_of(const map_t *self, int operand)
{
    return operand < self->nin ? &self->job->operands[operand].nd.shape : &self->shapes[operand - self->nin];
}

/* Is the operand, an input or a result, a piece of a whole?  Results follow the inputs in bases and wholes, but may
 * stand elsewhere among the job's operands. */
static bool
is_cut(const map_t *self, int operand)
{
    return self->message->wholes.count && self->message->wholes.items[operand] >= 0;
}

static int
check_piece(const map_t *self, int operand, err_t *err)
{
    const msg_KERNEL_MAP_t *message = self->message;
    const shape_t *shape = shape_of(self, operand);
    int64_t base = message->bases.items[operand], whole = message->wholes.items[operand];
    const char *what = operand < self->nin ? "input" : "result";
    int number = operand < self->nin ? operand : operand - self->nin;

    if (message->axis < 0 || message->axis >= shape->ndim)
        return err_set(err, FH_INVALID_ARGUMENT, "%s %d has %d dimensions and cannot be cut along axis %lld", what,
                       number, shape->ndim, (long long)message->axis);
    int64_t extent = shape->extent[message->axis];

    uint64_t pads = operand < self->nin ? message->pad_low + message->pad_high : 0;

    if ((uint64_t)extent < pads)
        return err_set(err, FH_INVALID_ARGUMENT, "input %d has %lld elements along axis %lld, fewer than its pads",
                       number, (long long)extent, (long long)message->axis);
    if (base < 0 || base > whole || extent > whole - base)
        return err_set(err, FH_INVALID_ARGUMENT, "%s %d has %lld elements from %lld on along axis %lld of %lld", what,
                       number, (long long)extent, (long long)base, (long long)message->axis, (long long)whole);
    return FH_OK;
}

/* A strip stands for one end of a cut input: width elements of the neighbour and 2 * width of its own. */
static int
check_strip(const map_t *self, int input, int strip, err_t *err)
{
    const nd_t *own = &self->job->operands[input].nd, *nd = &self->job->operands[strip].nd;
    int64_t width = (int64_t)self->message->width, axis = self->message->axis;
    shape_t wanted = own->shape;
    char have[128], need[128];

    if (!is_cut(self, input))
        return err_set(err, FH_INVALID_ARGUMENT, "input %d is not cut, but has a strip", input);
    if (width > wanted.extent[axis] / 2)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "input %d has %lld elements along axis %lld, too few for a halo of %lld", input,
                       (long long)wanted.extent[axis], (long long)axis, (long long)width);
    wanted.extent[axis] = 3 * width;
    if (nd->dtype != own->dtype || !shape_equal(&nd->shape, &wanted))
        return err_set(err, FH_INVALID_ARGUMENT, "a strip of input %d is %s of shape %s, not %s of shape %s", input,
                       dtype_name(nd->dtype), shape_format(&nd->shape, have, sizeof have), dtype_name(own->dtype),
                       shape_format(&wanted, need, sizeof need));
    return FH_OK;
}

/* The strips of one side.  *operand: where they begin among the job's operands. */
static int
take_strips(run_t *run, const map_t *self, oids_t ids, uint32_t *ret_bits, int *operand, err_t *err)
{
    int status = FH_OK;

    for (uint32_t i = 0; i < ids.count && !status; i++) {
        if (oid_is_none(ids.items[i])) {
            if (is_cut(self, (int)i))
                status =
                    err_set(err, FH_INVALID_ARGUMENT, "input %u is cut, but has no strip where others have one", i);
            continue;
        }
        *ret_bits |= 1u << i;
        status = kernel_job_pin(run, self->job, *operand, ids.items[i], err);
        if (!status)
            status = check_strip(self, (int)i, (*operand)++, err);
    }
    return status;
}

static int
check_halo(const map_t *self, err_t *err)
{
    const msg_KERNEL_MAP_t *message = self->message;
    bool pads = message->pad_low || message->pad_high, strips = message->low.count || message->high.count;

    if (!message->width && !pads && !strips)
        return FH_OK;
    if (self->job->kernel.info.kind != KERNEL_ARRAY)
        return err_set(err, FH_INVALID_ARGUMENT, "only array kernels have a halo");
    if (message->axis < 0 || !message->width)
        return err_set(err, FH_INVALID_ARGUMENT, "strips or pads, but %s",
                       message->width ? "no axis along which the arrays are cut" : "no width of the halo");
    if (message->pad_low > message->width || message->pad_high > message->width)
        return err_set(err, FH_INVALID_ARGUMENT, "pads of %llu and %llu are wider than the halo of %llu",
                       (unsigned long long)message->pad_low, (unsigned long long)message->pad_high,
                       (unsigned long long)message->width);
    if ((message->pad_low && message->low.count) || (message->pad_high && message->high.count))
        return err_set(err, FH_INVALID_ARGUMENT, "one end of the inputs has both pads and strips");
    return FH_OK;
}

/* Where each operand lies in its whole, and the strips at the ends. */
static int
take_pieces(run_t *run, map_t *self, err_t *err)
{
    const msg_KERNEL_MAP_t *message = self->message;
    runner_call_t *call = &self->job->call;
    int strips = self->nin + self->nout, status = check_halo(self, err);

    for (int i = 0; i < self->nin + self->nout && !status; i++)
        if (is_cut(self, i))
            status = check_piece(self, i, err);
    if (status)
        return status;
    call->axis = (int)message->axis;
    call->width = (int64_t)message->width;
    call->pad_low = (int64_t)message->pad_low;
    call->pad_high = (int64_t)message->pad_high;
    status = take_strips(run, self, message->low, &call->low, &strips, err);
    return status ? status : take_strips(run, self, message->high, &call->high, &strips, err);
}

static void
describe_pieces(const map_t *self)
{
    const msg_KERNEL_MAP_t *message = self->message;

    for (int i = 0; i < self->nin + self->nout; i++) {
        if (!is_cut(self, i))
            continue;
        runner_array_t *array = &self->job->operands[i];

        array->cut = true;
        array->base = message->bases.items[i];
        array->whole = message->wholes.items[i];
    }
}

/* ---- the call ------------------------------------------------------------------------------------------------------
 */

static int
count_strips(oids_t ids)
{
    int n = 0;

    for (uint32_t i = 0; i < ids.count; i++)
        n += !oid_is_none(ids.items[i]);
    return n;
}

static int
check_all(run_t *run, map_t *self, err_t *err)
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
    }
    return status ? status : take_pieces(run, self, err);
}

/* Outputs that exist begin as copies: the kernel may read them, or leave elements out. */
static int
prepare(run_t *run, const map_t *self, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; i < self->nout && !status; i++) {
        status = kernel_job_make(run, self->job, i, self->dtypes[i], &self->shapes[i], 0, err);
        if (!status && self->job->results[i].exists)
            status = kernel_job_start_from_target(run, self->job, i, err);
    }
    describe_pieces(self);
    return status;
}

static int
begin_map(run_t *run, err_t *err)
{
    const msg_KERNEL_MAP_t *message = &run->call->message.as.KERNEL_MAP;
    map_t self = {.message = message, .nin = (int)message->inputs.count, .nout = (int)message->results.count};
    int strips = count_strips(message->low) + count_strips(message->high);
    int64_t bytes = 0;
    int status = kernel_job_new(run, self.nin + self.nout + strips, self.nout, &self.job, err);

    if (status)
        return status;
    self.job->call.nin = self.nin;
    self.job->call.nout = self.nout;
    self.job->call.piece = (int64_t)message->piece - 1;
    self.job->timeout_ms = message->timeout_ms;
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
