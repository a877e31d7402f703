#include "engine/compute/fold.h"

enum { PART_BYTES = 64 << 10, SHORT_ROW = 16 };

/* Bytes that a step along the axis moves all operands by. */
static int64_t
reach(const fold_axes_t *axes, int operands, int i)
{
    int64_t sum = 0;
    for (int k = 0; k < operands; k++)
        sum += axes->in[k][i] < 0 ? -axes->in[k][i] : axes->in[k][i];
    return sum;
}

static void
copy_axis(fold_axes_t *axes, int operands, int to, int from)
{
    axes->extent[to] = axes->extent[from];
    axes->out[to] = axes->out[from];
    for (int k = 0; k < operands; k++)
        axes->in[k][to] = axes->in[k][from];
}

/* Is axis b what lies within one step of axis a, for all operands? */
static bool
mergeable(const fold_axes_t *axes, int operands, int a, int b)
{
    for (int k = 0; k < operands; k++)
        if (axes->in[k][a] != axes->in[k][b] * axes->extent[b])
            return false;
    return axes->out[a] == axes->out[b] * axes->extent[b];
}

static void
merge(fold_axes_t *axes, int operands)
{
    int n = 0;
    for (int i = 0; i < axes->n; i++) {
        bool one = n > 0 && mergeable(axes, operands, n - 1, i);
        int at = one ? n - 1 : n++;
        int64_t outer = one ? axes->extent[at] : 1;
        copy_axis(axes, operands, at, i);
        axes->extent[at] *= outer;
    }
    axes->n = n;
}

/* Strides of the operands fall from the outermost axis to the innermost. */
static void
sort(fold_axes_t *axes, int operands)
{
    enum { SPARE = SHAPE_MAX_DIMS - 1 };
    for (int i = 1; i < axes->n && axes->n <= SPARE; i++) {
        int64_t moved = reach(axes, operands, i);
        int at = i;
        copy_axis(axes, operands, SPARE, i);
        for (; at > 0 && reach(axes, operands, at - 1) < moved; at--)
            copy_axis(axes, operands, at, at - 1);
        copy_axis(axes, operands, at, SPARE);
    }
}

/* Kept elements that lie one step apart, whatever the result's layout is. */
static int64_t
kept_row(const fold_plan_t *self)
{
    const fold_axes_t *kept = &self->kept;
    int i = kept->n - 1;
    int64_t extent = kept->extent[i];
    for (; i > 0 && kept->in[0][i - 1] == kept->in[0][i] * kept->extent[i]; i--)
        extent *= kept->extent[i - 1];
    return extent;
}

/* Which way touches memory in order, and does not begin a new row every few elements.  Asked before kept axes are
 * merged. */
static bool
prefer_lanes(const fold_plan_t *self)
{
    if (self->kept.n == 0)
        return false;
    if (self->reduced.n == 0)
        return true;
    int k = self->kept.n - 1, r = self->reduced.n - 1;
    if (self->reduced.extent[r] < SHORT_ROW)
        return true;
    return reach(&self->kept, self->operands, k) < reach(&self->reduced, self->operands, r) &&
           kept_row(self) >= SHORT_ROW;
}

static void
cut(fold_plan_t *self, int64_t itemsize)
{
    int64_t positions = self->reduced_count < FOLD_SEGMENT ? self->reduced_count : FOLD_SEGMENT;
    self->segments = 0;
    if (self->reduced_count > 0)
        self->segments = (self->first + self->reduced_count - 1) / FOLD_SEGMENT - self->first / FOLD_SEGMENT + 1;
    self->block = PART_BYTES / (positions * itemsize + 1) + 1;
    if (self->lanes)
        self->block = (self->block + FOLD_LANES - 1) / FOLD_LANES * FOLD_LANES;
    self->blocks = self->kept_count > 0 ? (self->kept_count - 1) / self->block + 1 : 0;
}

static void
add(fold_axes_t *axes, const nd_t *in, int operands, int axis, int64_t out)
{
    int at = axes->n++;
    axes->extent[at] = in[0].shape.extent[axis];
    axes->out[at] = out;
    for (int k = 0; k < operands; k++)
        axes->in[k][at] = in[k].stride[axis];
}

/* Does out have in's axes, those in axes with extent 1 (*ret_whole) or left out? */
static int
check_shape(const nd_t *in, uint32_t axes, const nd_t *out, bool *ret_whole, err_t *err)
{
    int reduced = 0, ndim = in->shape.ndim;
    for (int i = 0; i < ndim; i++)
        reduced += (axes >> i & 1) != 0;
    *ret_whole = out->shape.ndim == ndim;
    if ((ndim < SHAPE_MAX_DIMS && axes >> ndim != 0) || (!*ret_whole && out->shape.ndim != ndim - reduced))
        return err_set(err, FH_INVALID_ARGUMENT, "a reduction over %d of %d axes cannot give %d", reduced, ndim,
                       out->shape.ndim);
    for (int i = 0, own = 0; i < ndim; i++) {
        bool gone = axes >> i & 1;
        if (gone && !*ret_whole)
            continue;
        int64_t wanted = gone ? 1 : in->shape.extent[i];
        if (out->shape.extent[own] != wanted)
            return err_set(err, FH_INVALID_ARGUMENT, "axis %d of the result has extent %lld, not %lld", own,
                           (long long)out->shape.extent[own], (long long)wanted);
        own++;
    }
    return FH_OK;
}

int
fold_plan(fold_plan_t *self, const nd_t *in, int operands, uint32_t axes, const nd_t *out, bool in_order, int64_t first,
          err_t *err)
{
    bool whole;
    int64_t itemsize = 0;
    int status = check_shape(in, axes, out, &whole, err);
    if (status != FH_OK)
        return status;
    self->operands = operands;
    self->kept.n = self->reduced.n = 0;
    self->kept_count = self->reduced_count = 1;
    self->first = first;
    for (int k = 0; k < operands; k++) {
        self->data[k] = in[k].data;
        itemsize += (int64_t)dtype_size(in[k].dtype);
    }
    for (int i = 0, own = 0; i < in->shape.ndim; i++) {
        int64_t extent = in->shape.extent[i];
        bool gone = axes >> i & 1;
        *(gone ? &self->reduced_count : &self->kept_count) *= extent;
        if (extent != 1)
            add(gone ? &self->reduced : &self->kept, in, operands, i, gone ? 0 : out->stride[own]);
        own += !gone || whole;
    }
    if (!in_order)
        sort(&self->reduced, operands);
    merge(&self->reduced, operands);
    sort(&self->kept, operands);
    self->lanes = prefer_lanes(self);
    merge(&self->kept, operands);
    cut(self, itemsize);
    return FH_OK;
}

int64_t
fold_lane_limit(int64_t bytes)
{
    return FOLD_LANE_BYTES / bytes < FOLD_LANES ? FOLD_LANE_BYTES / bytes : FOLD_LANES;
}

void
fold_kept(const fold_plan_t *self, int64_t k, int64_t limit, char **ret_data, int64_t *ret_run)
{
    const fold_axes_t *kept = &self->kept;
    *ret_run = 1;
    for (int j = 0; j < self->operands; j++)
        ret_data[j] = self->data[j];
    for (int i = kept->n - 1; i >= 0; i--) {
        int64_t at = k % kept->extent[i];
        k /= kept->extent[i];
        for (int j = 0; j < self->operands; j++)
            ret_data[j] += at * kept->in[j][i];
        if (i == kept->n - 1)
            *ret_run = kept->extent[i] - at < limit ? kept->extent[i] - at : limit;
    }
}

int64_t
fold_segment(const fold_plan_t *self, int64_t i, int64_t *ret_count)
{
    int64_t begin = (self->first / FOLD_SEGMENT + i) * FOLD_SEGMENT - self->first, end = begin + FOLD_SEGMENT;
    begin = begin < 0 ? 0 : begin;
    *ret_count = (end < self->reduced_count ? end : self->reduced_count) - begin;
    return begin;
}

void
fold_steps(const fold_plan_t *self, const fold_axes_t *axes, int64_t *ret)
{
    for (int k = 0; k < self->operands; k++)
        ret[k] = axes->n > 0 ? axes->in[k][axes->n - 1] : 0;
}

int
fold_store(crew_t *crew, const fold_plan_t *self, void *results, dtype_t dtype, const nd_t *out, err_t *err)
{
    shape_t shape = {.ndim = self->kept.n};
    nd_t from, to = {.data = out->data, .dtype = out->dtype};
    for (int i = 0; i < shape.ndim; i++) {
        shape.extent[i] = self->kept.extent[i];
        to.stride[i] = self->kept.out[i];
    }
    to.shape = shape;
    nd_init(&from, results, dtype, &shape);
    return compute_assign(crew, &to, &from, err);
}

void
fold_walk_start(const fold_plan_t *plan, fold_walk_t *walk, int64_t position)
{
    const fold_axes_t *reduced = &plan->reduced;
    for (int k = 0; k < plan->operands; k++)
        walk->offset[k] = 0;
    for (int i = reduced->n - 1; i >= 0; i--) {
        walk->at[i] = position % reduced->extent[i];
        position /= reduced->extent[i];
        for (int k = 0; k < plan->operands; k++)
            walk->offset[k] += walk->at[i] * reduced->in[k][i];
    }
}

int64_t
fold_walk_left(const fold_plan_t *plan, const fold_walk_t *walk)
{
    int last = plan->reduced.n - 1;
    return last < 0 ? 1 : plan->reduced.extent[last] - walk->at[last];
}

void
fold_walk_next(const fold_plan_t *plan, fold_walk_t *walk, int64_t n)
{
    const fold_axes_t *reduced = &plan->reduced;
    for (int i = reduced->n - 1; i >= 0; i--, n = 1) {
        bool over = (walk->at[i] += n) == reduced->extent[i];
        for (int k = 0; k < plan->operands; k++)
            walk->offset[k] += (over ? n - reduced->extent[i] : n) * reduced->in[k][i];
        if (!over)
            return;
        walk->at[i] = 0;
    }
}
