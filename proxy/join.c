/* Joining arrays: concatenation, and arrays made of pieces. */
#include "proxy/align.h"
#include "proxy/error.h"

#include <stdlib.h>
#include <string.h>

static fh_error *
as_public(err_t *err)
{
    return (fh_error *)err;
}

/* ---- parts side by side --------------------------------------------------------------------------------------------
 */

/* One array whose parts are the parts of all, in order; each is one part or cut along axis. */
static int
share_parts(fh_array *const *arrays, int n, int axis, const shape_t *shape, fh_array **ret, err_t *err)
{
    int64_t parts = 0;
    int next = 0;
    for (int i = 0; i < n; i++)
        parts += arrays[i]->n;
    if (parts > LAYOUT_MAX_PARTS)
        return err_set(err, FH_LIMIT_EXCEEDED, "the result would have %lld pieces, more than %d", (long long)parts,
                       (int)LAYOUT_MAX_PARTS);
    int status = array_new(ret, arrays[0]->session, arrays[0]->dtype, shape, axis, (int)parts, err);
    for (int i = 0; i < n && !status; i++)
        for (int k = 0; k < arrays[i]->n; k++, next++) {
            const fh_array *array = arrays[i];
            (*ret)->cuts[next].length = array->axis < 0 ? array->shape.extent[axis] : array->cuts[k].length;
            array_put(*ret, next, handle_ref(array->parts[k].handle), array->parts[k].stride);
        }
    return status;
}

/* ---- concatenation -------------------------------------------------------------------------------------------------
 */

typedef struct {
    fh_array **arrays; /* aliases or converted copies, ours */
    int n, axis;
    shape_t shape; /* of the result */
    dtype_t dtype;
} joining_t;

static void
joining_release(joining_t *self)
{
    for (int i = 0; self->arrays && i < self->n; i++)
        fh_array_free(&self->arrays[i]);
    free(self->arrays);
}

static int
check_shapes(joining_t *self, fh_array *const *arrays, int axis, err_t *err)
{
    char first[256], other[256];
    const shape_t *shape = &arrays[0]->shape;
    if (shape->ndim == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "zero-dimensional arrays cannot be concatenated");
    int status = shape_axis(axis, shape->ndim, &self->axis, err);
    self->shape = *shape;
    self->dtype = arrays[0]->dtype;
    for (int i = 1; i < self->n && !status; i++) {
        shape_t like = arrays[i]->shape;
        if (like.ndim == shape->ndim)
            like.extent[self->axis] = shape->extent[self->axis];
        if (!shape_equal(&like, shape))
            return err_set(err, FH_INVALID_ARGUMENT, "shapes %s and %s do not fit for concatenation along axis %d",
                           shape_format(shape, first, sizeof first),
                           shape_format(&arrays[i]->shape, other, sizeof other), self->axis);
        self->shape.extent[self->axis] += arrays[i]->shape.extent[self->axis];
        self->dtype = dtype_promote(self->dtype, arrays[i]->dtype);
    }
    if (!status && shape_bytes(&self->shape, self->dtype) < 0)
        status = err_set(err, FH_INVALID_ARGUMENT, "the result would be too large");
    return status;
}

static int
take_arrays(joining_t *self, fh_array *const *arrays, err_t *err)
{
    self->arrays = calloc((size_t)self->n, sizeof(fh_array *));
    if (!self->arrays)
        return err_set(err, FH_NO_MEMORY, "no memory to join %d arrays", self->n);
    int status = FH_OK;
    for (int i = 0; i < self->n && !status; i++)
        status = arrays[i]->dtype == self->dtype ? fh_alias(arrays[i], &self->arrays[i], as_public(err))
                                                 : fh_astype(arrays[i], (fh_dtype)self->dtype, FH_CASTING_SAME_KIND,
                                                             &self->arrays[i], as_public(err));
    return status;
}

/* The largest array that is cut along another axis than the joint, if it is larger than all that are cut along the
 * joint. */
static const fh_array *
cross_cut(const joining_t *self)
{
    const fh_array *largest = self->arrays[0];
    for (int i = 1; i < self->n; i++)
        if (array_bytes(self->arrays[i]) > array_bytes(largest))
            largest = self->arrays[i];
    return largest->axis >= 0 && largest->axis != self->axis ? largest : NULL;
}

/* Replace an array by itself in another layout. */
static int
relayout(fh_array **array, const layout_t *layout, err_t *err)
{
    fh_array *moved = NULL;
    int status = align_array(*array, layout, &moved, err);
    if (status)
        return status;
    fh_array_free(array);
    *array = moved;
    return FH_OK;
}

/* Part i of the result: part i of every array, joined on their engine. */
static int
join_part(const joining_t *self, fh_array *made, engine_link_t *engine, int i, err_t *err)
{
    handle_t **parts = calloc((size_t)self->n, sizeof(handle_t *)), *joined = NULL;
    shape_t *shapes = calloc((size_t)self->n, sizeof *shapes);
    int status = parts && shapes ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to join %d arrays", self->n);
    for (int k = 0; k < self->n && !status; k++) {
        parts[k] = self->arrays[k]->parts[i].handle;
        shapes[k] = array_part_shape(self->arrays[k], i);
    }
    if (!status)
        status = align_join(engine, self->dtype, parts, shapes, self->n, self->axis, &joined, err);
    if (!status)
        status = emit_lay_part(made, i, &joined, err);
    if (!status)
        array_put(made, i, joined, NULL);
    else
        handle_unref(&joined);
    free(parts);
    free(shapes);
    return status;
}

static int
join_across(joining_t *self, const fh_array *like, fh_array **ret, err_t *err)
{
    layout_t layout;
    int status = array_layout(like, 0, &layout, err);
    if (status)
        return status;
    for (int i = 0; i < self->n && !status; i++)
        status = relayout(&self->arrays[i], &layout, err);
    if (!status)
        status = array_new_as(ret, self->arrays[0]->session, self->dtype, &self->shape, &layout, err);
    for (int i = 0; i < layout.n && !status; i++)
        status = join_part(self, *ret, layout.engines[i], i, err);
    layout_release(&layout);
    return status;
}

/* All arrays cut along the joint or not at all: those that are cut otherwise are laid out anew over their own engines.
 */
static int
join_along(joining_t *self, fh_array **ret, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->n && !status; i++) {
        fh_array *array = self->arrays[i];
        layout_t own, target;
        if (array->axis < 0 || array->axis == self->axis)
            continue;
        status = array_layout(array, 0, &own, err);
        if (status)
            return status;
        status = layout_split(&target, self->axis, array->shape.extent[self->axis], 0, own.engines, own.n, err);
        if (!status) {
            status = relayout(&self->arrays[i], &target, err);
            layout_release(&target);
        }
        layout_release(&own);
    }
    return status ? status : share_parts(self->arrays, self->n, self->axis, &self->shape, ret, err);
}

int
fh_concatenate(fh_array *const *arrays, int n, int axis, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    joining_t self = {.n = n};
    fh_array *made = NULL;
    if (n < 1)
        return err_set(err, FH_INVALID_ARGUMENT, "need at least one array to concatenate");
    int status = FH_OK;
    for (int i = 0; i < n && !status; i++)
        status = array_enter(arrays[i], err);
    for (int i = 1; i < n && !status; i++)
        if (arrays[i]->session != arrays[0]->session)
            status = err_set(err, FH_INVALID_ARGUMENT, "the arrays belong to different sessions");
    if (!status)
        status = check_shapes(&self, arrays, axis, err);
    if (!status)
        status = take_arrays(&self, arrays, err);
    if (!status) {
        const fh_array *like = cross_cut(&self);
        status = like ? join_across(&self, like, &made, err) : join_along(&self, &made, err);
    }
    joining_release(&self);
    return array_finish(made, status, ret, err);
}

/* ---- pieces --------------------------------------------------------------------------------------------------------
 */

int
fh_array_from_pieces(fh_array *const *pieces, int n, int axis, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    joining_t self = {.n = n};
    fh_array *made = NULL;
    if (n < 1)
        return err_set(err, FH_INVALID_ARGUMENT, "an array needs at least one piece");
    int status = FH_OK;
    for (int i = 0; i < n && !status; i++) {
        status = array_enter(pieces[i], err);
        if (!status &&
            (pieces[i]->axis >= 0 || pieces[i]->dtype != pieces[0]->dtype || pieces[i]->session != pieces[0]->session))
            status = err_set(err, FH_INVALID_ARGUMENT,
                             "piece %d is distributed, or has another dtype or session than piece 0", i);
    }
    if (!status && pieces[0]->shape.ndim == 0 && n == 1)
        return fh_alias(pieces[0], ret, error);
    if (!status)
        status = check_shapes(&self, pieces, axis, err);
    if (!status)
        status = share_parts(pieces, n, self.axis, &self.shape, &made, err);
    return array_give(made, status, ret);
}

int
fh_array_piece_handle(fh_array *array, int i, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_array *made = NULL;
    int status = array_enter(array, err);
    if (status)
        return status;
    if (i < 0 || i >= array->n)
        return err_set(err, FH_BAD_INDEX, "piece %d: the array has %d", i, array->n);
    shape_t shape = array_part_shape(array, i);
    status = array_new(&made, array->session, array->dtype, &shape, -1, 1, err);
    if (status)
        return status;
    array_put(made, 0, handle_ref(array->parts[i].handle), array->parts[i].stride);
    *ret = made;
    return FH_OK;
}
