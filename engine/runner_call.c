#include "engine/runner_call.h"

#include "base/clock.h"
#include "engine/runner/run/operand.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL_BYTES = 64 << 10, ALIGN = 64 };

/* ---- what a kernel takes ------------------------------------------------------------------------------------------
 */

/* What a reduction's stages take and give: values or states; SCAN may take and give states besides. */
static const struct {
    bool states_in, states_out;
} STAGES[] = {
    [FOLD_STEPS] = {false, true}, [FOLD_COMBINE] = {true, true}, [FOLD_FINISH] = {true, false},
    [FOLD_ALL] = {false, false},  [FOLD_SCAN] = {false, false},
};

static bool
is_strip_set(uint32_t bits, int nin)
{
    return nin >= 32 || bits >> nin == 0;
}

static bool
fits_stage(const kernel_info_t *info, const runner_call_t *call)
{
    if (call->stage <= FOLD_NONE || call->stage > FOLD_SCAN)
        return false;
    int nin = STAGES[call->stage].states_in ? 1 : info->nin, more = call->stage == FOLD_SCAN;
    return call->nin >= nin && call->nin <= nin + more && call->nout >= 1 && call->nout <= 1 + more;
}

static bool
fits_kind(const kernel_info_t *info, const runner_call_t *call)
{
    if (info->kind == KERNEL_REDUCTION)
        return fits_stage(info, call);
    if (info->kind != KERNEL_ARRAY)
        return call->nin == info->nin && call->nout == info->nout;
    int all = call->nin + call->nout;
    return info->nin < 0 ? all >= 1 && all <= KERNEL_MAX_ARGS : all == info->nin;
}

static int
check_counts(const kernel_info_t *info, const runner_call_t *call, err_t *err)
{
    const char *kind = kernel_kind_name((int)info->kind);
    if (call->nin < 0 || call->nin > KERNEL_MAX_ARGS + 1 || call->nout < 0 || call->nout > KERNEL_MAX_OUT ||
        !fits_kind(info, call))
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s (%s) cannot be called with %d inputs and %d outputs%s",
                       info->entry, kind, call->nin, call->nout,
                       info->kind == KERNEL_REDUCTION ? " in this stage" : "");
    if (call->masked && info->kind != KERNEL_UFUNC)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s is a %s kernel, and only ufuncs take a mask", info->entry,
                       kind);
    if (call->stage != FOLD_NONE && info->kind != KERNEL_REDUCTION)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s is a %s kernel and reduces nothing", info->entry, kind);
    if ((call->low || call->high || call->width || call->pad_low || call->pad_high) && info->kind != KERNEL_ARRAY)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s is a %s kernel, and only array kernels see neighbours",
                       info->entry, kind);
    return FH_OK;
}

static int
check_numbers(const kernel_info_t *info, const runner_call_t *call, err_t *err)
{
    bool folds = call->stage != FOLD_NONE && call->stage != FOLD_FINISH;
    int ndim = call->nin > 0 ? call->operands[0].nd.shape.ndim : 0;
    if (folds && (call->axis < 0 || call->axis >= ndim))
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s: there is no axis %d in %d dimensions", info->entry,
                       call->axis, ndim);
    if (call->axis < -1 || call->axis >= SHAPE_MAX_DIMS)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s: %d is no axis", info->entry, call->axis);
    if (call->width < 0 || call->pad_low < 0 || call->pad_high < 0 || !is_strip_set(call->low, call->nin) ||
        !is_strip_set(call->high, call->nin) || ((call->low || call->high) && (!call->width || call->axis < 0)))
        return err_set(err, FH_KERNEL_ERROR,
                       "kernel %.200s: strips 0x%x and 0x%x of %d inputs, a halo of %lld along axis %d, pads of %lld "
                       "and %lld",
                       info->entry, call->low, call->high, call->nin, (long long)call->width, call->axis,
                       (long long)call->pad_low, (long long)call->pad_high);
    bool strips = call->low || call->high;
    if (call->leave > 3 || (call->leave && (!call->width || call->axis < 0 || strips || call->ends_only)) ||
        (call->ends_only && !strips))
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s: ends 0x%x are to be left out of a piece %s strips",
                       info->entry, call->leave, strips ? "with" : "without");
    return FH_OK;
}

/* ---- operands ----------------------------------------------------------------------------------------------------
 */

typedef struct {
    const kernel_info_t *info;
    const runner_call_t *call;
    runner_job_t *job;
    size_t used; /* bytes of the mailbox */
} filling_t;

static int
check_states(const filling_t *self, const nd_t *nd, int index, err_t *err)
{
    int last = nd->shape.ndim - 1;
    if (nd->dtype == DTYPE_UINT8 && last >= 0 && nd->shape.extent[last] == self->info->state_bytes &&
        nd->stride[last] == 1)
        return FH_OK;
    return err_set(err, FH_KERNEL_ERROR, "kernel %.200s: array %d should hold states of %lld bytes each",
                   self->info->entry, index, (long long)self->info->state_bytes);
}

static int
check_dtype(const filling_t *self, const nd_t *nd, dtype_t wanted, int index, err_t *err)
{
    if (wanted == DTYPE_NONE || nd->dtype == wanted)
        return FH_OK;
    return err_set(err, FH_KERNEL_ERROR, "kernel %.200s: array %d is %s, not %s", self->info->entry, index,
                   dtype_name(nd->dtype), dtype_name(wanted));
}

static bool
is_state(const filling_t *self, bool output, int i)
{
    fold_stage_t stage = self->call->stage;
    if (stage == FOLD_NONE)
        return false;
    return output ? STAGES[stage].states_out || i > 0 : STAGES[stage].states_in || i >= self->info->nin;
}

static int
check_value(const filling_t *self, bool output, int i, int index, err_t *err)
{
    const nd_t *nd = &self->call->operands[index].nd;
    const kernel_info_t *info = self->info;
    if (is_state(self, output, i))
        return check_states(self, nd, index, err);
    if (info->kind == KERNEL_ARRAY)
        return check_dtype(self, nd, info->nin < 0 ? DTYPE_NONE : info->in[output ? self->call->nin + i : i], index,
                           err);
    return check_dtype(self, nd, output ? info->out[i] : info->in[i], index, err);
}

/* The array lies on the heap: give it a place in the mailbox. */
static int
place_small(filling_t *self, const runner_array_t *array, bool output, runner_operand_t *wire, err_t *err)
{
    int64_t low, high;
    if (nd_extent(&array->nd, &low, &high) || high - low > SMALL_BYTES)
        return err_set(err, FH_LIMIT_EXCEEDED, "an array that a kernel gets without a descriptor has %lld bytes",
                       (long long)(high - low));
    size_t size = (size_t)(high - low);
    if (self->used + size > RUNNER_MAILBOX_BYTES)
        return err_set(err, FH_LIMIT_EXCEEDED, "the small arrays of a kernel call have more than %d bytes together",
                       RUNNER_MAILBOX_BYTES);
    wire->mailbox = 1;
    wire->fd_size = RUNNER_MAILBOX_BYTES;
    wire->offset = (int64_t)self->used - low;
    if (size)
        self->job->small[self->job->nsmall++] =
            (runner_small_t){.memory = array->nd.data + low, .place = self->used, .size = size, .output = output};
    self->used = (self->used + size + ALIGN - 1) / ALIGN * ALIGN;
    return FH_OK;
}

static int
fill_operand(filling_t *self, int index, bool output, err_t *err)
{
    const runner_array_t *array = &self->call->operands[index];
    runner_operand_t *wire = &self->job->request->operands[index];
    int ndim = array->nd.shape.ndim;
    if (ndim < 0 || ndim > SHAPE_MAX_DIMS || array->base < 0 || array->whole < 0)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s: array %d has %d dimensions and begins at %lld of %lld",
                       self->info->entry, index, ndim, (long long)array->base, (long long)array->whole);
    *wire = (runner_operand_t){.fd_size = array->fd_size,
                               .offset = array->offset,
                               .segment = array->fd >= 0 ? array->segment : 0,
                               .base = array->base,
                               .whole = array->whole,
                               .dtype = (int32_t)array->nd.dtype,
                               .ndim = ndim,
                               .cut = array->cut};
    memcpy(wire->extent, array->nd.shape.extent, (size_t)ndim * sizeof *wire->extent);
    memcpy(wire->stride, array->nd.stride, (size_t)ndim * sizeof *wire->stride);
    int status = FH_OK;
    if (array->fd < 0)
        status = place_small(self, array, output, wire, err);
    else
        self->job->fds[self->job->nfds++] = array->fd;
    nd_t nd;
    int64_t low, high;
    return status ? status : operand_check(wire, &nd, &low, &high, err);
}

static int
fill_strips(filling_t *self, uint32_t bits, int *index, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->call->nin && !status; i++) {
        if (!(bits >> i & 1))
            continue;
        const runner_array_t *operands = self->call->operands;
        status = check_dtype(self, &operands[*index].nd, operands[i].nd.dtype, *index, err);
        if (!status)
            status = fill_operand(self, (*index)++, false, err);
    }
    return status;
}

static int
fill_operands(filling_t *self, err_t *err)
{
    const runner_call_t *call = self->call;
    int status = FH_OK, index = 0;
    for (int i = 0; i < call->nin && !status; i++, index++) {
        status = check_value(self, false, i, index, err);
        if (!status)
            status = fill_operand(self, index, false, err);
    }
    if (call->masked && !status) {
        status = check_dtype(self, &call->operands[index].nd, DTYPE_BOOL, index, err);
        if (!status)
            status = fill_operand(self, index++, false, err);
    }
    for (int i = 0; i < call->nout && !status; i++, index++) {
        status = check_value(self, true, i, index, err);
        if (!status)
            status = fill_operand(self, index, true, err);
    }
    if (!status)
        status = fill_strips(self, call->low, &index, err);
    return status ? status : fill_strips(self, call->high, &index, err);
}

int
runner_call_fill(runner_job_t *job, const kernel_info_t *info, const runner_call_t *call, err_t *err)
{
    int status = check_counts(info, call, err);
    if (!status)
        status = check_numbers(info, call, err);
    if (status)
        return status;
    int strips = __builtin_popcount(call->low) + __builtin_popcount(call->high);
    size_t count = (size_t)(call->nin + call->masked + call->nout + strips);
    if (count > RUNNER_MAX_OPERANDS)
        return err_set(err, FH_LIMIT_EXCEEDED, "kernel %.200s: %zu arrays and strips; a call may have %d", info->entry,
                       count, RUNNER_MAX_OPERANDS);
    job->request = malloc(offsetof(runner_run_t, operands) + count * sizeof job->request->operands[0]);
    if (!job->request)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel call");
    memset(job->request, 0, offsetof(runner_run_t, operands));
    job->request->code = RUNNER_RUN;
    job->request->count = (uint32_t)count;
    job->request->nin = (uint32_t)call->nin;
    job->request->nout = (uint32_t)call->nout;
    job->request->masked = call->masked;
    job->request->stage = (uint8_t)call->stage;
    job->request->axis = call->axis;
    job->request->watch = call->watch;
    job->request->leave = (uint8_t)call->leave;
    job->request->ends_only = call->ends_only;
    job->request->low = call->low;
    job->request->high = call->high;
    job->request->width = call->width;
    job->request->pad_low = call->pad_low;
    job->request->pad_high = call->pad_high;
    job->piece = call->piece;
    job->deadline_ns = call->deadline_ns;
    job->limit_ns = call->deadline_ns - clock_now_ns();
    return fill_operands(&(filling_t){.info = info, .call = call, .job = job}, err);
}

/* ---- the mailbox ---------------------------------------------------------------------------------------------------
 */

void
runner_call_put(const runner_job_t *job, char *mailbox)
{
    for (int i = 0; i < job->nsmall; i++)
        memcpy(mailbox + job->small[i].place, job->small[i].memory, job->small[i].size);
}

void
runner_call_take(const runner_job_t *job, const char *mailbox)
{
    for (int i = 0; i < job->nsmall; i++)
        if (job->small[i].output)
            memcpy(job->small[i].memory, mailbox + job->small[i].place, job->small[i].size);
}
