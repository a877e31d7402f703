#include "proxy/picks.h"

#include "proxy/error.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is indexed by what ---------------------------------------------------------------------------------------
 */

/* The array with the axis that it is cut along first. */
static int
turn(picks_t *self, fh_array *array, err_t *err)
{
    int axes[SHAPE_MAX_DIMS], at = 1;
    self->across = array->axis >= 0 && array->axis < self->n;
    axes[0] = self->across ? array->axis : 0;
    for (int axis = 0; axis < array->shape.ndim; axis++)
        if (axis != axes[0])
            axes[at++] = axis;
    for (int i = 0; i < self->n; i++) {
        self->name[i] = axes[i];
        self->extent[i] = array->shape.extent[axes[i]];
    }
    return axes[0] ? fh_transpose(array, axes, &self->array, (fh_error *)err)
                   : fh_alias(array, &self->array, (fh_error *)err);
}

static int
take_index(input_t *self, const fh_operand *operand, err_t *err)
{
    int status = input_init(self, operand, err);
    if (!status && self->weak == WEAK_INT)
        status = input_settle(self, DTYPE_INT64, err);
    if (status)
        return status;
    char kind = self->weak == WEAK_NO ? dtype_kind(self->dtype) : 0;
    return kind == 'i' || kind == 'u'
               ? FH_OK
               : err_set(err, FH_BAD_INDEX, "arrays used as indices must be of integer (or boolean) type");
}

static int
find_shapes(picks_t *self, err_t *err)
{
    const shape_t *whole = &self->array->shape;
    int status = inputs_shape(self->indices, self->n, &self->shape, err);
    if (status)
        return err_set(err, FH_BAD_INDEX,
                       "shape mismatch: indexing arrays could not be broadcast together with each other");
    if (self->shape.ndim + whole->ndim - self->n > SHAPE_MAX_DIMS)
        return err_set(err, FH_BAD_INDEX, "the result would have more than %d dimensions", SHAPE_MAX_DIMS);
    self->result = self->shape;
    for (int axis = self->n; axis < whole->ndim; axis++)
        self->result.extent[self->result.ndim++] = whole->extent[axis];
    return shape_bytes(&self->result, self->array->dtype) < 0
               ? err_set(err, FH_OVERFLOW, "the result would have too many elements")
               : FH_OK;
}

int
picks_init(picks_t *self, fh_array *array, const fh_operand *indices, int n, fh_index_mode mode, err_t *err)
{
    *self = (picks_t){.n = n, .mode = mode};
    if (n < 1 || n > array->shape.ndim)
        return err_set(err, FH_BAD_INDEX, "too many indices for array: array is %d-dimensional, but %d were indexed",
                       array->shape.ndim, n);
    if ((unsigned)mode > FH_INDEX_CLIP)
        return err_set(err, FH_INVALID_ARGUMENT, "%d is no mode of indices", (int)mode);
    self->indices = calloc((size_t)n, sizeof *self->indices);
    int status = self->indices ? turn(self, array, err) : err_set(err, FH_NO_MEMORY, "no memory for %d indices", n);
    for (int i = 0; i < n && !status; i++)
        status = take_index(&self->indices[i], &indices[self->name[i]], err);
    if (!status)
        status = find_shapes(self, err);
    if (status)
        picks_release(self);
    return status;
}

void
picks_release(picks_t *self)
{
    for (int i = 0; self->indices && i < self->n; i++)
        input_release(&self->indices[i]);
    free(self->indices);
    self->indices = NULL;
    fh_array_free(&self->array);
}

/* ---- flat indices --------------------------------------------------------------------------------------------------
 */

/* Elements below which one engine collects a result: more parts would be more messages. */
enum { FEW_BYTES = 64 * 1024 };

/* The array's engines, each once.  Returns how many. */
static int
find_engines(const fh_array *array, engine_link_t **ret)
{
    int n = 0;
    for (int i = 0; i < array->n; i++) {
        engine_link_t *engine = array->parts[i].handle->engine;
        int k = 0;
        while (k < n && ret[k] != engine)
            k++;
        if (k == n)
            ret[n++] = engine;
    }
    return n;
}

static int
layout_across(const picks_t *self, layout_t *ret, err_t *err)
{
    engine_link_t **engines = calloc((size_t)self->array->n, sizeof(engine_link_t *));
    int longest = 0;
    if (!engines)
        return err_set(err, FH_NO_MEMORY, "no memory for a layout of %d pieces", self->array->n);
    for (int axis = 1; axis < self->shape.ndim; axis++)
        if (self->shape.extent[axis] > self->shape.extent[longest])
            longest = axis;
    int n = find_engines(self->array, engines);
    int64_t extent = self->shape.ndim ? self->shape.extent[longest] : 1;
    if (shape_bytes(&self->result, self->array->dtype) <= FEW_BYTES)
        n = 1;
    int status = layout_split(ret, longest, extent, 0, engines, n, err);
    free(engines);
    return status;
}

int
picks_layout(const picks_t *self, layout_t *ret, err_t *err)
{
    if (self->across)
        return layout_across(self, ret, err);
    int status = layout_init(ret, -1, self->array->n, err);
    for (int i = 0; i < self->array->n && !status; i++)
        ret->engines[i] = self->array->parts[i].handle->engine;
    return status;
}

static int
emit_flat(const picks_t *self, const layout_t *layout, int part, handle_t **ret, err_t *err)
{
    operand_t in[SHAPE_MAX_DIMS];
    int64_t parameters[1 + 2 * SHAPE_MAX_DIMS] = {self->mode};
    shape_t shape = layout_part_shape(layout, &self->shape, part);
    for (int i = 0; i < self->n; i++) {
        in[i] = input_operand(&self->indices[i], part);
        parameters[1 + 2 * i] = self->extent[i];
        parameters[2 + 2 * i] = self->name[i];
    }
    return apply_emit_one(APPLY_RAVEL, in, self->n, layout->engines[part], DTYPE_INT64, &shape, parameters,
                          1 + 2 * self->n, ret, err);
}

int
picks_flat(picks_t *self, const layout_t *layout, handle_t **ret, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->n && !status; i++)
        status = input_align(&self->indices[i], self->array->session, &self->shape, layout, err);
    for (int part = 0; part < layout->n && !status; part++) {
        int same = 0;
        while (layout->axis < 0 && same < part && layout->engines[same] != layout->engines[part])
            same++;
        if (layout->axis < 0 && same < part)
            ret[part] = handle_ref(ret[same]);
        else
            status = emit_flat(self, layout, part, &ret[part], err);
    }
    return status;
}
