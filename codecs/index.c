/* Basic indexing of codecs/shape.h. */
#include "codecs/shape.h"

int
index_normalise(const index_item_t *item, int64_t extent, int64_t *ret_start, int64_t *ret_step, int64_t *ret_count,
                err_t *err)
{
    int64_t step = item->has_step ? item->step : 1;
    if (step == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "a slice's step cannot be zero");
    if (step < -INT64_MAX)
        step = -INT64_MAX;
    /* Where a range can begin and end: positions before the first and after the last element are cut to these. */
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? extent - 1 : extent;
    int64_t start = step < 0 ? high : low, stop = step < 0 ? low : high;
    if (item->has_start) {
        start = item->start < 0 ? item->start + extent : item->start;
        start = start < low ? low : start > high ? high : start;
    }
    if (item->has_stop) {
        stop = item->stop < 0 ? item->stop + extent : item->stop;
        stop = stop < low ? low : stop > high ? high : stop;
    }
    int64_t count = 0;
    if (step < 0 && stop < start)
        count = (start - stop - 1) / -step + 1;
    else if (step > 0 && start < stop)
        count = (stop - start - 1) / step + 1;
    *ret_start = start;
    *ret_step = step;
    *ret_count = count;
    return FH_OK;
}

/* How many axes of the array the items take, and where an ellipsis stands (or the end, where one is implied). */
static int
count_items(const nd_t *self, const index_item_t *items, int nitems, int *ret_hidden, err_t *err)
{
    int used = 0, ellipses = 0, added = 0;
    for (int i = 0; i < nitems; i++) {
        used += items[i].kind == INDEX_INT || items[i].kind == INDEX_SLICE;
        ellipses += items[i].kind == INDEX_ELLIPSIS;
        added += items[i].kind == INDEX_NEWAXIS;
    }
    if (ellipses > 1)
        return err_set(err, FH_INVALID_ARGUMENT, "an index can have one ellipsis, this one has %d", ellipses);
    if (used > self->shape.ndim)
        return err_set(err, FH_BAD_INDEX, "%d indices for an array of %d dimensions", used, self->shape.ndim);
    if (self->shape.ndim + added > SHAPE_MAX_DIMS)
        return err_set(err, FH_BAD_INDEX, "the result would have more than %d dimensions", SHAPE_MAX_DIMS);
    *ret_hidden = self->shape.ndim - used;
    return FH_OK;
}

/* An index being applied: the axis of the array that is next, and the result so far. */
typedef struct {
    const nd_t *source;
    int axis;
    nd_t result;
    int origin[SHAPE_MAX_DIMS];
} walk_t;

static void
add_axis(walk_t *walk, int64_t extent, int64_t stride, int origin)
{
    int i = walk->result.shape.ndim++;
    walk->result.shape.extent[i] = extent;
    walk->result.stride[i] = stride;
    walk->origin[i] = origin;
}

/* By way of integers: the data of a view that is only planned may be NULL. */
static void
move_data(walk_t *walk, int64_t bytes)
{
    walk->result.data = (char *)((uintptr_t)walk->result.data + (uintptr_t)bytes);
}

static int
apply_int(walk_t *walk, const index_item_t *item, err_t *err)
{
    int64_t extent = walk->source->shape.extent[walk->axis];
    if (item->start < -extent || item->start >= extent)
        return err_set(err, FH_BAD_INDEX, "index %lld is out of bounds for axis %d with size %lld",
                       (long long)item->start, walk->axis, (long long)extent);
    move_data(walk, (item->start < 0 ? item->start + extent : item->start) * walk->source->stride[walk->axis]);
    walk->axis++;
    return FH_OK;
}

static int
apply_slice(walk_t *walk, const index_item_t *item, err_t *err)
{
    int64_t start, step, count, stride = walk->source->stride[walk->axis];
    int status = index_normalise(item, walk->source->shape.extent[walk->axis], &start, &step, &count, err);
    if (status != FH_OK)
        return status;
    if (count > 0)
        move_data(walk, start * stride);
    /* A step that is never taken could be too large to multiply. */
    add_axis(walk, count, count > 1 ? stride * step : stride, walk->axis);
    walk->axis++;
    return FH_OK;
}

static int
apply_axes(walk_t *walk, int n)
{
    for (int i = 0; i < n; i++, walk->axis++)
        add_axis(walk, walk->source->shape.extent[walk->axis], walk->source->stride[walk->axis], walk->axis);
    return FH_OK;
}

int
nd_index(const nd_t *self, const index_item_t *items, int nitems, nd_t *ret, int *source_axis, err_t *err)
{
    int hidden = 0, status = count_items(self, items, nitems, &hidden, err);
    walk_t walk = {.source = self, .result = {.data = self->data, .dtype = self->dtype}};
    for (int i = 0; i < nitems && status == FH_OK; i++) {
        switch (items[i].kind) {
        case INDEX_INT:
            status = apply_int(&walk, &items[i], err);
            break;
        case INDEX_SLICE:
            status = apply_slice(&walk, &items[i], err);
            break;
        case INDEX_NEWAXIS:
            add_axis(&walk, 1, 0, -1);
            break;
        case INDEX_ELLIPSIS:
            status = apply_axes(&walk, hidden);
            break;
        }
    }
    if (status != FH_OK)
        return status;
    apply_axes(&walk, self->shape.ndim - walk.axis);
    *ret = walk.result;
    for (int i = 0; source_axis != NULL && i < ret->shape.ndim; i++)
        source_axis[i] = walk.origin[i];
    return FH_OK;
}
