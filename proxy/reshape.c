/* Other shapes and other layouts. */
#include "proxy/reshape.h"

#include "proxy/align.h"
#include "proxy/error.h"
#include "proxy/scatter.h"
#include "proxy/view.h"

#include <string.h>

static int64_t
product(const shape_t *shape, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++)
        n *= shape->extent[i];
    return n;
}

/* ---- each part by itself -------------------------------------------------------------------------------------------
 */

/* The axis of the new shape that is the old distributed axis: as long, with as many elements before it.  -1: there is
 * none. */
static int
surviving_axis(const fh_array *array, const shape_t *shape)
{
    int64_t before = product(&array->shape, 0, array->axis), extent = array->shape.extent[array->axis];
    for (int axis = 0; axis < shape->ndim; axis++)
        if (shape->extent[axis] == extent && product(shape, 0, axis) == before)
            return axis;
    return -1;
}

int
reshape_part(fh_array *made, int i, const fh_array *source, int part, const shape_t *shape, err_t *err)
{
    nd_t nd = array_part_nd(source, part), reshaped;
    bool possible = false;
    int status = nd_reshape(&nd, shape, &reshaped, &possible, err);
    if (status)
        return status;
    if (possible)
        return view_put(made, i, source, part, &reshaped, err);
    handle_t *copy = NULL, *view = NULL;
    status = emit_copy(source->parts[part].handle, source->dtype, &nd.shape, &copy, err);
    if (status)
        return status;
    nd_init(&reshaped, ARRAY_BASE, source->dtype, shape);
    status = emit_view(copy, &reshaped, &view, err);
    handle_unref(&copy);
    if (!status)
        array_put(made, i, view, NULL);
    return status;
}

/* The parts stay what and where they are; axis is where the cuts are in the new shape. */
static int
reshape_parts(const fh_array *array, const shape_t *shape, int axis, fh_array **ret, err_t *err)
{
    int status = array_new(ret, array->session, array->dtype, shape, axis, array->n, err);
    for (int i = 0; i < array->n && !status; i++) {
        (*ret)->cuts[i] = array->cuts[i];
        shape_t local = array_part_shape(*ret, i);
        status = reshape_part(*ret, i, array, i, &local, err);
    }
    return status;
}

/* ---- over part boundaries ------------------------------------------------------------------------------------------
 */

/* The outermost axis longer than 1: cut there, parts are contiguous in C order. */
static int
outer_axis(const shape_t *shape)
{
    int axis = 0;
    while (axis + 1 < shape->ndim && shape->extent[axis] == 1)
        axis++;
    return axis;
}

/* The array cut along its outermost axis, over the same engines. */
static int
cut_outside(const fh_array *array, fh_array **ret, err_t *err)
{
    layout_t own, target;
    int axis = outer_axis(&array->shape);
    int status = array_layout(array, 0, &own, err);
    if (status)
        return status;
    if (array->axis == axis) {
        status = align_array(array, &own, ret, err);
    } else {
        status = layout_split(&target, axis, array->shape.extent[axis], 0, own.engines, own.n, err);
        if (!status) {
            status = align_array(array, &target, ret, err);
            layout_release(&target);
        }
    }
    layout_release(&own);
    return status;
}

/* All elements in C order as one axis, cut where the parts of `outside` (cut along its outermost axis) end. */
static int
flatten(const fh_array *outside, fh_array **ret, err_t *err)
{
    shape_t flat = {.ndim = 1, .extent = {shape_count(&outside->shape)}};
    int status = array_new(ret, outside->session, outside->dtype, &flat, outside->axis < 0 ? -1 : 0, outside->n, err);
    int64_t start = 0;
    for (int i = 0; i < outside->n && !status; i++) {
        shape_t part = array_part_shape(outside, i);
        shape_t local = {.ndim = 1, .extent = {shape_count(&part)}};
        (*ret)->cuts[i] = (piece_t){start, local.extent[0]};
        start += local.extent[0];
        status = reshape_part(*ret, i, outside, i, &local, err);
    }
    return status;
}

/* How to cut the new shape along its outermost axis: where the old parts end if rows allow, else evenly over their
 * engines. */
static int
new_cuts(const fh_array *flat, const shape_t *shape, int axis, layout_t *ret, err_t *err)
{
    int64_t row = product(shape, axis + 1, shape->ndim);
    bool fits = row > 0 && flat->axis >= 0;
    layout_t own;
    for (int i = 0; i < flat->n && fits; i++)
        fits = flat->cuts[i].length % row == 0;
    int status = array_layout(flat, 0, &own, err);
    if (status)
        return status;
    if (!fits) {
        status = layout_split(ret, axis, shape->extent[axis], 0, own.engines, own.n, err);
        layout_release(&own);
        return status;
    }
    own.axis = axis;
    for (int i = 0; i < own.n; i++)
        own.cuts[i] = (piece_t){flat->cuts[i].start / row, flat->cuts[i].length / row};
    *ret = own;
    return FH_OK;
}

/* Bring the flat range of each new part to its engine and see it in the new shape. */
static int
fill_new_parts(const fh_array *flat, const shape_t *shape, const layout_t *layout, fh_array **ret, err_t *err)
{
    int status = array_new_as(ret, flat->session, flat->dtype, shape, layout, err);
    int64_t row = layout->axis < 0 ? shape_count(shape) : product(shape, layout->axis + 1, shape->ndim);
    for (int i = 0; i < layout->n && !status; i++) {
        part_t part = {0};
        nd_t nd;
        handle_t *view = NULL;
        piece_t range =
            layout->axis < 0 ? (piece_t){0, row} : (piece_t){layout->cuts[i].start * row, layout->cuts[i].length * row};
        shape_t local = layout_part_shape(layout, shape, i);
        status = align_region(flat, 0, range, layout->engines[i], &part, err);
        shape_t flat_shape = {.ndim = 1, .extent = {range.length}};
        nd_init(&nd, ARRAY_BASE, flat->dtype, &local);
        if (!status)
            status = align_contiguous(&part, flat->dtype, flat->dtype, &flat_shape, err);
        if (!status)
            status = emit_view(part.handle, &nd, &view, err);
        handle_unref(&part.handle);
        if (!status)
            array_put(*ret, i, view, NULL);
    }
    return status;
}

static int
reshape_across(const fh_array *array, const shape_t *shape, fh_array **ret, err_t *err)
{
    fh_array *outside = NULL, *flat = NULL;
    layout_t layout = {0};
    int status = cut_outside(array, &outside, err);
    if (!status)
        status = flatten(outside, &flat, err);
    if (!status)
        status = shape->ndim == 0 ? layout_single(&layout, flat->parts[0].handle->engine, err)
                                  : new_cuts(flat, shape, outer_axis(shape), &layout, err);
    if (!status)
        status = fill_new_parts(flat, shape, &layout, ret, err);
    layout_release(&layout);
    fh_array_free(&flat);
    fh_array_free(&outside);
    return status;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

/* At most one extent may be -1: what is left. */
static int
complete_shape(const fh_array *array, int ndim, const int64_t *shape, shape_t *ret, err_t *err)
{
    char text[256];
    int unknown = -1;
    int64_t known = 1, count = shape_count(&array->shape);
    if (ndim < 0 || ndim > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "%d dimensions: at most %d are possible", ndim, (int)SHAPE_MAX_DIMS);
    *ret = (shape_t){.ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        ret->extent[i] = shape[i];
        if (shape[i] == -1 && unknown >= 0)
            return err_set(err, FH_INVALID_ARGUMENT, "can only specify one unknown dimension");
        if (shape[i] == -1)
            unknown = i;
        else if (shape[i] < 0 || __builtin_mul_overflow(known, shape[i], &known))
            return err_set(err, FH_INVALID_ARGUMENT, "extent %lld of the new shape is impossible", (long long)shape[i]);
    }
    if (unknown >= 0 && known > 0 && count % known == 0)
        ret->extent[unknown] = count / known;
    else if (unknown >= 0 || known != count)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "cannot reshape array of size %lld and shape %s into the shape asked for", (long long)count,
                       shape_format(&array->shape, text, sizeof text));
    return FH_OK;
}

int
fh_reshape(fh_array *array, int ndim, const int64_t *shape, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    shape_t target;
    fh_array *made = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = complete_shape(array, ndim, shape, &target, err);
    if (status)
        return status;
    int axis = array->axis < 0 ? -1 : surviving_axis(array, &target);
    status = array->axis < 0 || axis >= 0 ? reshape_parts(array, &target, axis, &made, err)
                                          : reshape_across(array, &target, &made, err);
    return array_finish(made, status, ret, err);
}

int
fh_reshard(fh_array *array, const fh_scatter_options *options, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    layout_t layout;
    fh_array *made = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = scatter_layout(array->session, &array->shape, options, &layout, err);
    if (status)
        return status;
    status = align_result(array, &layout, &made, err);
    layout_release(&layout);
    if (!status)
        status = session_flush(array->session, err);
    if (status)
        fh_array_free(&made);
    else
        *ret = made;
    return status;
}
