#include "proxy/view.h"

#include "proxy/error.h"

#include <string.h>

int
view_put(fh_array *made, int i, const fh_array *source, int part, const nd_t *nd, err_t *err)
{
    handle_t *handle = source->parts[part].handle;
    nd_t whole = array_part_nd(source, part);
    if (nd->data == whole.data && shape_equal(&nd->shape, &whole.shape) &&
        memcmp(nd->stride, whole.stride, (size_t)nd->shape.ndim * sizeof nd->stride[0]) == 0) {
        array_put(made, i, handle_ref(handle), nd->stride);
        return FH_OK;
    }
    handle_t *view = NULL;
    int status = emit_view(handle, nd, &view, err);
    if (!status)
        array_put(made, i, view, nd->stride);
    return status;
}

/* ---- indexing ------------------------------------------------------------------------------------------------------
 */

/* An index with one item for each axis of the array (and the new axes): no ellipsis, nothing left out. */
typedef struct {
    index_item_t items[2 * SHAPE_MAX_DIMS];
    int n;
    int cut; /* the item that is applied to the distributed axis; -1: not distributed */
} full_index_t;

static int
expand(const fh_array *array, const fh_index_item *items, int nitems, full_index_t *ret, err_t *err)
{
    static const unsigned kinds[] = {[FH_INDEX_INT] = INDEX_INT,
                                     [FH_INDEX_SLICE] = INDEX_SLICE,
                                     [FH_INDEX_NEWAXIS] = INDEX_NEWAXIS,
                                     [FH_INDEX_ELLIPSIS] = INDEX_ELLIPSIS};
    int used = 0, axis = 0, ellipses = 0;
    ret->n = 0;
    ret->cut = -1;
    for (int i = 0; i < nitems; i++) {
        if ((unsigned)items[i].kind > FH_INDEX_ELLIPSIS)
            return err_set(err, FH_INVALID_ARGUMENT, "%d is not a kind of index", (int)items[i].kind);
        used += items[i].kind == FH_INDEX_INT || items[i].kind == FH_INDEX_SLICE;
        ellipses += items[i].kind == FH_INDEX_ELLIPSIS;
    }
    if (used > array->shape.ndim)
        return err_set(err, FH_BAD_INDEX, "too many indices for array: array is %d-dimensional, but %d were indexed",
                       array->shape.ndim, used);
    if (ellipses > 1)
        return err_set(err, FH_BAD_INDEX, "an index can only have a single ellipsis ('...')");
    if (nitems - ellipses + array->shape.ndim - used > 2 * SHAPE_MAX_DIMS)
        return err_set(err, FH_BAD_INDEX, "the index has too many items");
    int missing = array->shape.ndim - used;
    for (int i = 0; i <= nitems; i++) {
        bool fill = i == nitems ? !ellipses : items[i].kind == FH_INDEX_ELLIPSIS;
        for (int k = 0; fill && k < missing; k++, axis++) {
            if (axis == array->axis)
                ret->cut = ret->n;
            ret->items[ret->n++] = (index_item_t){.kind = INDEX_SLICE};
        }
        if (i == nitems || fill)
            continue;
        const fh_index_item *item = &items[i];
        if (item->kind != FH_INDEX_NEWAXIS && axis++ == array->axis)
            ret->cut = ret->n;
        index_item_t *full = &ret->items[ret->n++];
        *full = (index_item_t){.start = item->start,
                               .stop = item->stop,
                               .step = item->step,
                               .has_start = item->has_start != 0,
                               .has_stop = item->has_stop != 0,
                               .has_step = item->has_step != 0};
        full->kind = kinds[item->kind];
    }
    return FH_OK;
}

/* count elements from first on, by step, as a slice item. */
static index_item_t
slice_of(int64_t first, int64_t step, int64_t count)
{
    int64_t stop = first + step * count;
    return (index_item_t){.kind = INDEX_SLICE,
                          .start = first,
                          .stop = stop,
                          .step = step,
                          .has_start = true,
                          .has_stop = stop >= 0,
                          .has_step = true};
}

/* One element of the distributed axis: the part that has it, without that axis. */
static int
index_one_part(const fh_array *array, full_index_t *index, const nd_t *whole, fh_array **ret, err_t *err)
{
    int64_t at = index->items[index->cut].start;
    if (at < 0)
        at += array->shape.extent[array->axis];
    int part = piece_find(array->cuts, array->n, at);
    nd_t source = array_part_nd(array, part), nd;
    index->items[index->cut].start = at - array->cuts[part].start;
    int status = nd_index(&source, index->items, index->n, &nd, NULL, err);
    if (!status)
        status = array_new(ret, array->session, array->dtype, &whole->shape, -1, 1, err);
    return status ? status : view_put(*ret, 0, array, part, &nd, err);
}

/* A slice of the distributed axis: a slice of each part; backwards, the parts turn round too. */
static int
index_parts(const fh_array *array, full_index_t *index, const nd_t *whole, int axis, fh_array **ret, err_t *err)
{
    int64_t start, step, count;
    index_item_t *item = &index->items[index->cut];
    int status = index_normalise(item, array->shape.extent[array->axis], &start, &step, &count, err);
    if (!status)
        status = array_new(ret, array->session, array->dtype, &whole->shape, axis, count > 0 ? array->n : 1, err);
    for (int i = 0; i < array->n && !status; i++) {
        int part = step < 0 ? array->n - 1 - i : i;
        int64_t first = 0, length = 0, offset = 0;
        if (count > 0)
            piece_slice(array->cuts[part], start, step, count, &first, &length, &offset);
        *item = slice_of(length ? first : 0, step, length);
        if (length == 0)
            *item = (index_item_t){.kind = INDEX_SLICE, .stop = 0, .has_stop = true};
        nd_t source = array_part_nd(array, part), nd;
        (*ret)->cuts[i] = (piece_t){offset, length};
        if (length == 0 && count > 0)
            continue; /* array_settle drops it */
        status = nd_index(&source, index->items, index->n, &nd, NULL, err);
        if (!status)
            status = view_put(*ret, i, array, part, &nd, err);
        if (count == 0)
            break;
    }
    return status;
}

int
fh_index(fh_array *array, const fh_index_item *items, int nitems, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    full_index_t index;
    int sources[SHAPE_MAX_DIMS];
    fh_array *made = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = expand(array, items, nitems, &index, err);
    if (status)
        return status;
    nd_t whole = array_whole_nd(array), result;
    status = nd_index(&whole, index.items, index.n, &result, sources, err);
    if (status)
        return status;
    if (array->axis < 0) {
        nd_t source = array_part_nd(array, 0), nd;
        status = nd_index(&source, index.items, index.n, &nd, NULL, err);
        if (!status)
            status = array_new(&made, array->session, array->dtype, &result.shape, -1, 1, err);
        if (!status)
            status = view_put(made, 0, array, 0, &nd, err);
    } else if (index.items[index.cut].kind == INDEX_INT) {
        status = index_one_part(array, &index, &result, &made, err);
    } else {
        int axis = 0;
        while (axis < result.shape.ndim && sources[axis] != array->axis)
            axis++;
        status = index_parts(array, &index, &result, axis, &made, err);
    }
    return array_finish(made, status, ret, err);
}

/* ---- other views ---------------------------------------------------------------------------------------------------
 */

int
fh_transpose(fh_array *array, const int *axes, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_array *made = NULL;
    nd_t nd;
    int status = array_enter(array, err);
    if (status)
        return status;
    nd_t whole = array_whole_nd(array);
    status = nd_transpose(&whole, axes, &nd, err);
    if (status)
        return status;
    int ndim = array->shape.ndim, axis = array->axis;
    for (int i = 0; i < ndim && array->axis >= 0; i++) {
        int from = axes ? (axes[i] < 0 ? axes[i] + ndim : axes[i]) : ndim - 1 - i;
        if (from == array->axis)
            axis = i;
    }
    status = array_new(&made, array->session, array->dtype, &nd.shape, axis, array->n, err);
    for (int i = 0; i < array->n && !status; i++) {
        nd_t part = array_part_nd(array, i);
        made->cuts[i] = array->cuts[i];
        status = nd_transpose(&part, axes, &nd, err);
        if (!status)
            status = view_put(made, i, array, i, &nd, err);
    }
    return array_finish(made, status, ret, err);
}

int
fh_broadcast_to(fh_array *array, int ndim, const int64_t *shape, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_array *made = NULL;
    shape_t target = {.ndim = ndim};
    nd_t nd;
    int status = array_enter(array, err);
    if (status)
        return status;
    if (ndim < 0 || ndim > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "%d dimensions: at most %d are possible", ndim, (int)SHAPE_MAX_DIMS);
    if (ndim)
        memcpy(target.extent, shape, (size_t)ndim * sizeof *shape);
    nd_t whole = array_whole_nd(array);
    status = shape_count(&target) < 0
                 ? err_set(err, FH_INVALID_ARGUMENT, "the shape has a negative extent or too many elements")
                 : nd_broadcast(&whole, &target, &nd, err);
    if (status)
        return status;
    int axis = array->axis < 0 ? -1 : array->axis + ndim - array->shape.ndim;
    status = array_new(&made, array->session, array->dtype, &target, axis, array->n, err);
    for (int i = 0; i < array->n && !status; i++) {
        nd_t part = array_part_nd(array, i);
        made->cuts[i] = array->cuts[i];
        shape_t local = array_part_shape(made, i);
        status = nd_broadcast(&part, &local, &nd, err);
        if (!status)
            status = view_put(made, i, array, i, &nd, err);
    }
    return array_finish(made, status, ret, err);
}

int
fh_alias(fh_array *array, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_array *made = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = array_new(&made, array->session, array->dtype, &array->shape, array->axis, array->n, err);
    for (int i = 0; i < array->n && !status; i++) {
        made->cuts[i] = array->cuts[i];
        array_put(made, i, handle_ref(array->parts[i].handle), array->parts[i].stride);
    }
    if (!status)
        *ret = made;
    return status;
}
