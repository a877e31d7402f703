#include "proxy/array.h"

#include "proxy/error.h"
#include "proxy/placing.h"

#include <stdlib.h>
#include <string.h>

int
array_new(fh_array **ret, fh_session *session, dtype_t dtype, const shape_t *shape, int axis, int n, err_t *err)
{
    fh_array *self = calloc(1, sizeof *self);
    part_t *parts = calloc((size_t)n, sizeof *parts);
    piece_t *cuts = calloc((size_t)n, sizeof *cuts);
    if (!self || !parts || !cuts) {
        free(self);
        free(parts);
        free(cuts);
        return err_set(err, FH_NO_MEMORY, "no memory for an array handle of %d pieces", n);
    }
    *self = (fh_array){
        .session = session, .dtype = dtype, .shape = *shape, .axis = axis, .n = n, .parts = parts, .cuts = cuts};
    *ret = self;
    return FH_OK;
}

int
array_new_as(fh_array **ret, fh_session *session, dtype_t dtype, const shape_t *shape, const layout_t *layout,
             err_t *err)
{
    int status = array_new(ret, session, dtype, shape, layout->axis, layout->n, err);
    if (status)
        return status;
    memcpy((*ret)->cuts, layout->cuts, (size_t)layout->n * sizeof *layout->cuts);
    placing_plan(*ret, layout->engines);
    return FH_OK;
}

int
array_new_beside(fh_array **ret, const fh_array *other, dtype_t dtype, const shape_t *shape, int axis, err_t *err)
{
    layout_t layout;
    int status = array_layout(other, 0, &layout, err);
    if (status)
        return status;
    layout.axis = other->axis < 0 ? -1 : axis;
    status = array_new_as(ret, other->session, dtype, shape, &layout, err);
    layout_release(&layout);
    return status;
}

void
array_settle(fh_array *self)
{
    if (self->axis < 0)
        return;
    int kept = 0;
    for (int i = 0; i < self->n; i++) {
        if (self->cuts[i].length == 0 && (kept > 0 || i + 1 < self->n)) {
            handle_unref(&self->parts[i].handle);
            continue;
        }
        self->parts[kept] = self->parts[i];
        self->cuts[kept] = self->cuts[i];
        kept++;
    }
    self->n = kept;
    int64_t start = 0;
    for (int i = 0; i < kept; i++) {
        self->cuts[i].start = start;
        start += self->cuts[i].length;
    }
    if (kept == 1)
        self->axis = -1;
}

int
array_give(fh_array *made, int status, fh_array **ret)
{
    if (status) {
        fh_array_free(&made);
        return status;
    }
    array_settle(made);
    *ret = made;
    return FH_OK;
}

int
array_finish(fh_array *made, int status, fh_array **ret, err_t *err)
{
    if (!status)
        status = session_flush(made->session, err);
    return array_give(made, status, ret);
}

int
array_enter(const fh_array *self, err_t *err)
{
    if (!self)
        return err_set(err, FH_INVALID_ARGUMENT, "no array was given");
    int status = session_enter(self->session, err);
    if (status)
        return status;
    session_glance(self->session);
    for (int i = 0; i < self->n; i++)
        if (self->parts[i].handle->engine->lost)
            return engine_link_lost_error(self->parts[i].handle->engine, err);
    return FH_OK;
}

shape_t
array_part_shape(const fh_array *self, int i)
{
    shape_t shape = self->shape;
    if (self->axis >= 0)
        shape.extent[self->axis] = self->cuts[i].length;
    return shape;
}

int64_t
array_bytes(const fh_array *self)
{
    return shape_bytes(&self->shape, self->dtype);
}

nd_t
array_part_nd(const fh_array *self, int i)
{
    shape_t shape = array_part_shape(self, i);
    placing_know(self->parts[i].handle, &shape, self->parts[i].stride);
    return array_part_asked(self, i);
}

nd_t
array_part_asked(const fh_array *self, int i)
{
    nd_t nd = {.data = ARRAY_BASE, .dtype = self->dtype, .shape = array_part_shape(self, i)};
    memcpy(nd.stride, self->parts[i].stride, sizeof nd.stride);
    return nd;
}

nd_t
array_whole_nd(const fh_array *self)
{
    nd_t nd;
    nd_init(&nd, ARRAY_BASE, self->dtype, &self->shape);
    return nd;
}

uint64_t
array_first(const fh_array *self, int i)
{
    const layout_t layout = {.axis = self->axis, .n = self->n, .cuts = self->cuts};
    return layout_first(&layout, &self->shape, i);
}

void
array_put(fh_array *self, int i, handle_t *handle, const int64_t *stride)
{
    self->parts[i].handle = handle;
    if (!stride)
        stride = placing_strides(handle);
    if (stride) {
        memcpy(self->parts[i].stride, stride, (size_t)self->shape.ndim * sizeof *stride);
    } else {
        shape_t shape = array_part_shape(self, i);
        shape_strides_c(&shape, (int64_t)dtype_size(self->dtype), self->parts[i].stride);
    }
}

int
array_layout(const fh_array *self, int axis_shift, layout_t *ret, err_t *err)
{
    int status = layout_init(ret, self->axis < 0 ? -1 : self->axis + axis_shift, self->n, err);
    if (status)
        return status;
    memcpy(ret->cuts, self->cuts, (size_t)self->n * sizeof *self->cuts);
    for (int i = 0; i < self->n; i++)
        ret->engines[i] = self->parts[i].handle->engine;
    return FH_OK;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

void
fh_array_free(fh_array **array)
{
    if (!array || !*array)
        return;
    fh_array *self = *array;
    *array = NULL;
    for (int i = 0; i < self->n; i++)
        handle_unref(&self->parts[i].handle);
    free(self->parts);
    free(self->cuts);
    free(self);
}

void
fh_array_describe(const fh_array *array, fh_array_info *ret)
{
    *ret = (fh_array_info){
        .dtype = (fh_dtype)array->dtype, .ndim = array->shape.ndim, .axis = array->axis, .npieces = array->n};
    memcpy(ret->shape, array->shape.extent, (size_t)array->shape.ndim * sizeof ret->shape[0]);
}

int
fh_array_piece(const fh_array *array, int i, fh_piece_info *ret)
{
    if (!array || i < 0 || i >= array->n)
        return FH_BAD_INDEX;
    const handle_t *handle = array->parts[i].handle;
    *ret = (fh_piece_info){.engine_number = handle->engine->number};
    memcpy(ret->id.bytes, handle->id.bytes, sizeof ret->id.bytes);
    memcpy(ret->engine.bytes, handle->engine->id.bytes, sizeof ret->engine.bytes);
    if (array->axis >= 0) {
        ret->start = array->cuts[i].start;
        ret->length = array->cuts[i].length;
    } else {
        ret->length = array->shape.ndim ? array->shape.extent[0] : 1;
    }
    return FH_OK;
}

fh_session *
fh_array_session(const fh_array *array)
{
    return array ? array->session : NULL;
}
