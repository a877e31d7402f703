#include "engine/compute/fold.h"

enum { PART_BYTES = 64 << 10, SHORT_ROW = 16 };

static int64_t
magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* Put an axis among others so that strides of in fall; with in_order, behind all others. */
static int
place(int64_t stride, int64_t *strides, int n, bool in_order)
{
    int at = n;
    for (; at > 0 && !in_order && magnitude(strides[at - 1]) < magnitude(stride); at--)
        ;
    return at;
}

static void
insert(int64_t *list, int n, int at, int64_t value)
{
    for (int i = n; i > at; i--)
        list[i] = list[i - 1];
    list[at] = value;
}

static void
merge_kept(fold_plan_t *self)
{
    int n = 0;
    for (int i = 0; i < self->nkept; i++) {
        bool merge = n > 0 && self->kept_in[n - 1] == self->kept_in[i] * self->kept[i] &&
                     self->kept_out[n - 1] == self->kept_out[i] * self->kept[i];
        int at = merge ? n - 1 : n++;
        self->kept[at] = merge ? self->kept[at] * self->kept[i] : self->kept[i];
        self->kept_in[at] = self->kept_in[i];
        self->kept_out[at] = self->kept_out[i];
    }
    self->nkept = n;
}

static void
merge_reduced(fold_plan_t *self)
{
    int n = 0;
    for (int i = 0; i < self->nreduced; i++) {
        bool merge = n > 0 && self->reduced_in[n - 1] == self->reduced_in[i] * self->reduced[i];
        int at = merge ? n - 1 : n++;
        self->reduced[at] = merge ? self->reduced[at] * self->reduced[i] : self->reduced[i];
        self->reduced_in[at] = self->reduced_in[i];
    }
    self->nreduced = n;
}

/* Kept elements that lie one step apart, whatever the result's layout is: that must not change how a sum is taken. */
static int64_t
kept_row(const fold_plan_t *self)
{
    int i = self->nkept - 1;
    int64_t extent = self->kept[i];
    for (; i > 0 && self->kept_in[i - 1] == self->kept_in[i] * self->kept[i]; i--)
        extent *= self->kept[i - 1];
    return extent;
}

/* Which way touches memory in order, and does not begin a new row every few elements.  Asked before kept axes are
 * merged. */
static bool
prefer_lanes(const fold_plan_t *self)
{
    if (self->nkept == 0)
        return false;
    if (self->nreduced == 0)
        return true;
    int k = self->nkept - 1, r = self->nreduced - 1;
    if (self->reduced[r] < SHORT_ROW)
        return true;
    return magnitude(self->kept_in[k]) < magnitude(self->reduced_in[r]) && kept_row(self) >= SHORT_ROW;
}

static void
cut(fold_plan_t *self, int64_t itemsize)
{
    int64_t positions = self->reduced_count < FOLD_SEGMENT ? self->reduced_count : FOLD_SEGMENT;
    self->segments = self->reduced_count > 0 ? (self->reduced_count - 1) / FOLD_SEGMENT + 1 : 0;
    self->block = PART_BYTES / (positions * itemsize + 1) + 1;
    if (self->lanes)
        self->block = (self->block + FOLD_LANES - 1) / FOLD_LANES * FOLD_LANES;
    self->blocks = self->kept_count > 0 ? (self->kept_count - 1) / self->block + 1 : 0;
}

static void
add_kept(fold_plan_t *self, int64_t extent, int64_t in, int64_t out)
{
    int at = place(in, self->kept_in, self->nkept, false);
    insert(self->kept, self->nkept, at, extent);
    insert(self->kept_out, self->nkept, at, out);
    insert(self->kept_in, self->nkept++, at, in);
}

static void
add_reduced(fold_plan_t *self, int64_t extent, int64_t in, bool in_order)
{
    int at = place(in, self->reduced_in, self->nreduced, in_order);
    insert(self->reduced, self->nreduced, at, extent);
    insert(self->reduced_in, self->nreduced++, at, in);
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
fold_plan(fold_plan_t *self, const nd_t *in, uint32_t axes, const nd_t *out, bool in_order, err_t *err)
{
    bool whole;
    int status = check_shape(in, axes, out, &whole, err);
    if (status != FH_OK)
        return status;
    *self = (fold_plan_t){.data = in->data, .kept_count = 1, .reduced_count = 1};
    for (int i = 0, own = 0; i < in->shape.ndim; i++) {
        int64_t extent = in->shape.extent[i];
        bool gone = axes >> i & 1;
        *(gone ? &self->reduced_count : &self->kept_count) *= extent;
        if (extent != 1 && gone)
            add_reduced(self, extent, in->stride[i], in_order);
        else if (extent != 1)
            add_kept(self, extent, in->stride[i], out->stride[own]);
        own += !gone || whole;
    }
    merge_reduced(self);
    self->lanes = prefer_lanes(self);
    merge_kept(self);
    cut(self, (int64_t)dtype_size(in->dtype));
    return FH_OK;
}

int64_t
fold_lane_limit(int64_t bytes)
{
    return FOLD_LANE_BYTES / bytes < FOLD_LANES ? FOLD_LANE_BYTES / bytes : FOLD_LANES;
}

const char *
fold_kept(const fold_plan_t *self, int64_t k, int64_t limit, int64_t *ret_run)
{
    const char *data = self->data;
    *ret_run = 1;
    for (int i = self->nkept - 1; i >= 0; i--) {
        int64_t at = k % self->kept[i];
        k /= self->kept[i];
        data += at * self->kept_in[i];
        if (i == self->nkept - 1)
            *ret_run = self->kept[i] - at < limit ? self->kept[i] - at : limit;
    }
    return data;
}

void
fold_walk_start(const fold_plan_t *plan, fold_walk_t *walk, int64_t position)
{
    walk->offset = 0;
    for (int i = plan->nreduced - 1; i >= 0; i--) {
        walk->at[i] = position % plan->reduced[i];
        position /= plan->reduced[i];
        walk->offset += walk->at[i] * plan->reduced_in[i];
    }
}

int64_t
fold_walk_left(const fold_plan_t *plan, const fold_walk_t *walk)
{
    int last = plan->nreduced - 1;
    return last < 0 ? 1 : plan->reduced[last] - walk->at[last];
}

void
fold_walk_next(const fold_plan_t *plan, fold_walk_t *walk, int64_t n)
{
    for (int i = plan->nreduced - 1; i >= 0; i--, n = 1) {
        walk->at[i] += n;
        walk->offset += n * plan->reduced_in[i];
        if (walk->at[i] < plan->reduced[i])
            return;
        walk->offset -= plan->reduced[i] * plan->reduced_in[i];
        walk->at[i] = 0;
    }
}
