#include "engine/runner/run/blocks.h"

#include "engine/runner/fault.h"
#include "engine/runner/run/kernel_array.h"
#include "engine/runner/run/progress.h"

#include <stdatomic.h>

enum {
    MAX_ARRAYS = KERNEL_MAX_ARGS + KERNEL_MAX_OUT,
    BLOCKS_A_THREAD = 4,
    BLOCK_MIN = 16 << 10, /* elements of a block, if there are so many */
};

/* A piece of `own` elements along axis, cut into an end at either side, where strips are there for it or it is left
 * out, and blocks between. */
typedef struct {
    const kernel_call_t *call;
    int arrays;
    int axis; /* -1: one block, everything whole */
    int64_t own, width;
    bool has_low, has_high; /* is that end set apart? */
    bool runs_low, runs_high;
    const nd_t *low[MAX_ARRAYS], *high[MAX_ARRAYS]; /* of inputs; NULL: none */
    int64_t blocks;                                 /* between the ends */
    _Atomic int32_t returned;
} blocks_t;

static bool
is_cut(const blocks_t *self, int k)
{
    return self->axis >= 0 && self->call->request->operands[k].cut;
}

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
pad_low(const blocks_t *self, int k)
{
    return k < self->call->nin ? self->call->request->pad_low : 0;
}

/* Extent of a cut array without the elements of neighbours; < 0: there are not so many. */
static int64_t
own_extent(const blocks_t *self, int k)
{
    int64_t pads = k < self->call->nin ? self->call->request->pad_low + self->call->request->pad_high : 0;
    return self->call->operand[k].shape.extent[self->axis] - pads;
}

/* --- checks ---------------------------------------------------------------------------------------------------------
 */

static int
misfit(const blocks_t *self, const char *what, int k, err_t *err)
{
    return err_set(err, FH_KERNEL_ERROR, "kernel %.200s: %s of array %d does not fit a piece that is cut along axis %d",
                   self->call->kernel->about.entry, what, k, self->axis);
}

static int
check_cut(const blocks_t *self, int k, err_t *err)
{
    const runner_operand_t *wire = &self->call->request->operands[k];
    int64_t end;
    if (self->axis >= self->call->operand[k].shape.ndim)
        return misfit(self, "the number of dimensions", k, err);
    int64_t extent = self->call->operand[k].shape.extent[self->axis];
    if (wire->base < 0 || __builtin_add_overflow(wire->base, extent, &end) || end > wire->whole)
        return misfit(self, "the place in the whole", k, err);
    return own_extent(self, k) < 0 ? misfit(self, "the extent", k, err) : FH_OK;
}

/* A strip is like its array, with 3 * width elements along the axis. */
static int
check_strip(const blocks_t *self, int k, const nd_t *strip, err_t *err)
{
    const nd_t *array = &self->call->operand[k];
    shape_t wanted = array->shape;
    if (!is_cut(self, k))
        return misfit(self, "a strip", k, err);
    wanted.extent[self->axis] = 3 * self->width;
    return strip->dtype != array->dtype || !shape_equal(&strip->shape, &wanted) ? misfit(self, "a strip", k, err)
                                                                                : FH_OK;
}

static int
take_strips(blocks_t *self, err_t *err)
{
    const runner_run_t *request = self->call->request;
    int next = self->arrays, status = FH_OK;
    self->runs_low = request->low != 0;
    self->runs_high = request->high != 0;
    self->has_low = self->runs_low || (request->leave & 1);
    self->has_high = self->runs_high || (request->leave & 2);
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < self->call->nin && !status; k++) {
            if (!((side ? request->high : request->low) >> k & 1))
                continue;
            const nd_t *strip = &self->call->operand[next++];
            (side ? self->high : self->low)[k] = strip;
            status = check_strip(self, k, strip, err);
        }
    return status;
}

/* May the kernel be called for parts of the piece?  Only if each result is cut, and everything that is cut has the same
 * extent. */
static bool
is_divisible(const blocks_t *self)
{
    bool some = false;
    for (int k = 0; k < self->arrays; k++) {
        bool result = k >= self->call->nin;
        if ((result && !is_cut(self, k)) || (is_cut(self, k) && own_extent(self, k) != self->own))
            return false;
        some = some || (result && is_cut(self, k));
    }
    return some && self->width > 0;
}

static int64_t
elements_along(const blocks_t *self)
{
    int64_t count = shape_count(&self->call->operand[self->arrays - 1].shape);
    return self->own > 0 ? count / self->own : 0;
}

static int
plan(blocks_t *self, err_t *err)
{
    const runner_run_t *request = self->call->request;
    int status = FH_OK;
    self->width = request->width;
    if (self->width < 0 || self->width > INT32_MAX || request->pad_low < 0 || request->pad_high < 0 ||
        request->pad_low > INT32_MAX || request->pad_high > INT32_MAX || self->axis < -1)
        return misfit(self, "the halo", 0, err);
    for (int k = 0; k < self->arrays && !status; k++)
        if (is_cut(self, k)) {
            status = check_cut(self, k, err);
            self->own = !status && self->own < 0 ? own_extent(self, k) : self->own;
        }
    if (!status)
        status = take_strips(self, err);
    if (status)
        return status;
    bool divisible = is_divisible(self);
    int64_t ends = self->width * (self->has_low + self->has_high);
    if (!divisible)
        return self->has_low || self->has_high ? misfit(self, "the extent", 0, err) : FH_OK;
    if ((self->has_low || self->has_high) && self->own < 2 * self->width)
        return misfit(self, "the extent", 0, err);
    int64_t rows = self->own - ends, row = elements_along(self), least = row ? BLOCK_MIN / row : 0;
    least = least > 4 * self->width ? least : 4 * self->width;
    self->blocks = smaller(rows / least, (int64_t)kernel_call_threads(self->call) * BLOCKS_A_THREAD);
    self->blocks = rows <= 0 || request->ends_only ? 0 : self->blocks < 1 ? 1 : self->blocks;
    return FH_OK;
}

/* --- running --------------------------------------------------------------------------------------------------------
 */

/* Array k as the kernel sees it for elements [from, to) of the piece's own. */
static void
set_view(const blocks_t *self, int k, int64_t from, int64_t to, fh_array *ret)
{
    const nd_t *nd = &self->call->operand[k];
    int axis = self->axis;
    kernel_array_init(ret, nd);
    if (!is_cut(self, k))
        return;
    int64_t own = own_extent(self, k);
    if (own != self->own) { /* then the kernel is called once for everything */
        from = 0;
        to = own;
    }
    int64_t first = pad_low(self, k) + from, stop = first + to - from; /* in the array at hand */
    ret->whole[axis] = self->call->request->operands[k].whole;
    ret->offset[axis] = self->call->request->operands[k].base + first;
    ret->shape[axis] = to - from;
    const nd_t *strip = from == 0 ? self->low[k] : to == own ? self->high[k] : NULL;
    if (strip) {
        nd = strip;
        first = self->width;
        stop = 2 * self->width;
        for (int i = 0; i < nd->shape.ndim; i++)
            ret->strides[i] = nd->stride[i];
    }
    ret->data = nd->data ? nd->data + first * nd->stride[axis] : NULL;
    if (k < self->call->nin) {
        ret->halo[axis][0] = smaller(self->width, first);
        ret->halo[axis][1] = smaller(self->width, nd->shape.extent[axis] - stop);
    }
}

/* Tell which elements of the last result lie in [from, to) along the axis; exact if that is the first axis. */
static void
tell_elements(const blocks_t *self, int64_t from, int64_t to)
{
    const shape_t *shape = &self->call->operand[self->arrays - 1].shape;
    int64_t count = shape_count(shape), inner = 1;
    if (!is_cut(self, self->arrays - 1)) {
        fault_elements(0, count);
        return;
    }
    for (int i = self->axis + 1; i < shape->ndim; i++)
        inner *= shape->extent[i];
    fault_elements(from * inner, count - (self->own - to) * inner);
}

static void
call_kernel(blocks_t *self, int64_t from, int64_t to)
{
    fh_array arrays[MAX_ARRAYS];
    for (int k = 0; k < self->arrays; k++)
        set_view(self, k, from, to, &arrays[k]);
    tell_elements(self, from, to);
    int32_t status = self->call->kernel->loop((char *const *)(void *)arrays, NULL, self->arrays), none = 0;
    fault_elements(0, 0);
    if (status)
        atomic_compare_exchange_strong(&self->returned, &none, status);
}

/* Block i: the blocks between the ends, then the ends. */
static void
run_block(void *context, int64_t i)
{
    blocks_t *self = context;
    if (progress_stopped() || atomic_load_explicit(&self->returned, memory_order_relaxed))
        return;
    int64_t low = self->has_low ? self->width : 0, high = self->own - (self->has_high ? self->width : 0);
    int64_t from, to;
    if (i < self->blocks) {
        int64_t rows = high - low, size = rows / self->blocks, more = rows % self->blocks;
        from = low + i * size + smaller(i, more);
        to = from + size + (i < more);
    } else if (i == self->blocks && self->runs_low) {
        from = 0;
        to = low;
    } else {
        from = high;
        to = self->own;
    }
    call_kernel(self, from, to);
    progress_add((to - from) * elements_along(self));
}

int
blocks_run(const kernel_call_t *call, err_t *err)
{
    blocks_t self = {.call = call, .arrays = call->nin + call->nout, .axis = call->request->axis, .own = -1};
    int status = self.arrays <= MAX_ARRAYS && call->nin <= KERNEL_MAX_ARGS ? plan(&self, err)
                                                                           : misfit(&self, "the number", 0, err);
    if (status)
        return status;
    if (self.blocks || self.has_low || self.has_high)
        kernel_call_share(call, self.blocks + self.runs_low + self.runs_high, run_block, &self);
    else
        call_kernel(&self, 0, self.own);
    int32_t returned = atomic_load(&self.returned);
    if (returned)
        status = err_set(err, FH_KERNEL_ERROR, "kernel %.200s returned %d", call->kernel->about.entry, (int)returned);
    return status;
}
