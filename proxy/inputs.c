#include "proxy/inputs.h"

#include "codecs/strided.h"
#include "proxy/chain.h"
#include "proxy/scatter.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it is ----------------------------------------------------------------------------------------------------
 */

void
input_init_array(input_t *self, fh_array *array)
{
    *self = (input_t){.dtype = array->dtype, .shape = array->shape, .array = array};
}

static int
init_array(input_t *self, err_t *err)
{
    fh_array *array = self->operand->array;
    int status = array_enter(array, err);
    if (status)
        return status;
    self->array = array;
    self->dtype = array->dtype;
    self->shape = array->shape;
    return FH_OK;
}

static int
init_local(input_t *self, err_t *err)
{
    if (!self->operand->local)
        return err_set(err, FH_INVALID_ARGUMENT, "a local operand is NULL");
    int status = scatter_local(self->operand->local, &self->local, &self->swapped, err);
    if (status)
        return status;
    self->dtype = self->local.dtype;
    self->shape = self->local.shape;
    if (self->shape.ndim > 0 || shape_count(&self->shape) != 1 || !dtype_valid((uint64_t)self->dtype)) {
        self->is_local = true;
        return FH_OK;
    }
    nd_t target;
    nd_init(&target, self->scalar, self->dtype, &self->shape);
    if (self->swapped)
        strided_copy_swapped(&target, &self->local);
    else
        strided_copy(&target, &self->local);
    self->constant = true;
    return FH_OK;
}

int
input_init(input_t *self, const fh_operand *operand, err_t *err)
{
    static const weak_t weak_of[] = {
        [FH_WEAK_INT] = WEAK_INT, [FH_WEAK_FLOAT] = WEAK_FLOAT, [FH_WEAK_COMPLEX] = WEAK_COMPLEX};
    *self = (input_t){.operand = operand};
    if (operand->kind == FH_ARRAY)
        return init_array(self, err);
    if (operand->kind == FH_LOCAL)
        return init_local(self, err);
    if ((unsigned)operand->kind > FH_WEAK_COMPLEX)
        return err_set(err, FH_INVALID_ARGUMENT, "%d is not a kind of operand", (int)operand->kind);
    self->weak = weak_of[operand->kind];
    self->constant = true;
    return FH_OK;
}

void
input_release(input_t *self)
{
    for (int i = 0; i < self->n; i++)
        handle_unref(&self->parts[i].handle);
    free(self->parts);
    if (self->owned)
        fh_array_free(&self->array);
    *self = (input_t){0};
}

/* ---- weak scalars --------------------------------------------------------------------------------------------------
 */

int
input_excess(const input_t *self, dtype_t dtype)
{
    char kind = dtype_kind(dtype);
    if (self->weak != WEAK_INT || (kind != 'i' && kind != 'u'))
        return 0;
    const fh_operand *operand = self->operand;
    int bits = 8 * (int)dtype_size(dtype) - (kind == 'i');
    uint64_t top = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    if (operand->is_unsigned || operand->i >= 0)
        return (uint64_t)operand->i > top;
    if (kind == 'u')
        return -1;
    return operand->i < -(int64_t)top - 1 ? -1 : 0;
}

int
input_check_weak(const input_t *self, dtype_t dtype, int i, const char *what, err_t *err)
{
    static const struct {
        const char *name, *kinds; /* of dtypes that it can become */
    } WEAK[] = {[WEAK_NO] = {"", "biufc"},
                [WEAK_INT] = {"int", "iufc"},
                [WEAK_FLOAT] = {"float", "fc"},
                [WEAK_COMPLEX] = {"complex", "c"}};
    if (strchr(WEAK[self->weak].kinds, dtype_kind(dtype)))
        return FH_OK;
    return err_set(err, FH_WRONG_TYPE, "input %d of %s is a Python %s, which cannot be cast to %s", i, what,
                   WEAK[self->weak].name, dtype_name(dtype));
}

int
input_settle(input_t *self, dtype_t dtype, err_t *err)
{
    const fh_operand *operand = self->operand;
    if (self->weak == WEAK_NO)
        return FH_OK;
    if (input_excess(self, dtype))
        return operand->is_unsigned ? err_set(err, FH_OVERFLOW, "Python integer %llu is out of bounds for %s",
                                              (unsigned long long)(uint64_t)operand->i, dtype_name(dtype))
                                    : err_set(err, FH_OVERFLOW, "Python integer %lld is out of bounds for %s",
                                              (long long)operand->i, dtype_name(dtype));
    double parts[2] = {operand->f, operand->imag};
    if (self->weak == WEAK_INT)
        dtype_convert(dtype, self->scalar, operand->is_unsigned ? DTYPE_UINT64 : DTYPE_INT64, &operand->i);
    else
        dtype_convert(dtype, self->scalar, self->weak == WEAK_FLOAT ? DTYPE_FLOAT64 : DTYPE_COMPLEX128, parts);
    self->dtype = dtype;
    self->weak = WEAK_NO;
    return FH_OK;
}

/* May it be written into an array of that dtype? */
static int
check_cast(const input_t *self, dtype_t dtype, fh_casting casting, err_t *err)
{
    dtype_t from = self->weak == WEAK_NO ? self->dtype : dtype_promote_weak(DTYPE_NONE, self->weak);
    /* Python integers go into any number type that they fit. */
    if (self->weak == WEAK_INT || dtype_can_cast(from, dtype, (casting_t)casting))
        return FH_OK;
    return err_set(err, FH_WRONG_TYPE, "cannot cast from %s to %s with this casting rule", dtype_name(from),
                   dtype_name(dtype));
}

int
input_init_for(input_t *self, const fh_operand *operand, dtype_t dtype, fh_casting casting, err_t *err)
{
    int status = input_init(self, operand, err);
    if (!status)
        status = check_cast(self, dtype, casting, err);
    return status ? status : input_settle(self, dtype, err);
}

void
input_cast(input_t *self, dtype_t dtype)
{
    uint8_t from[16];
    memcpy(from, self->scalar, sizeof from);
    memset(self->scalar, 0, sizeof self->scalar);
    dtype_convert(dtype, self->scalar, self->dtype, from);
    self->dtype = dtype;
}

/* ---- layouts -------------------------------------------------------------------------------------------------------
 */

int
inputs_shape(const input_t *inputs, int n, shape_t *ret, err_t *err)
{
    const shape_t *shapes[32];
    for (int i = 0; i < n; i++)
        shapes[i] = &inputs[i].shape;
    return shape_broadcast(shapes, n, ret, err);
}

int
inputs_layout(fh_session *session, const input_t *inputs, int n, const shape_t *shape, const fh_array *fixed,
              layout_t *ret, err_t *err)
{
    const fh_array *largest = fixed;
    for (int i = 0; i < n && !fixed; i++) {
        const fh_array *array = inputs[i].array;
        if (array && (!largest || array_bytes(array) > array_bytes(largest)))
            largest = array;
    }
    if (largest)
        return array_layout(largest, shape->ndim - largest->shape.ndim, ret, err);
    engine_link_t *engine;
    int status = session_emptiest(session, &engine, err);
    return status ? status : layout_single(ret, engine, err);
}

/* The axis of the input that is cut as the result is; -1: every part needs all of the input. */
static int
own_axis(const input_t *self, const shape_t *shape, const layout_t *layout)
{
    int axis = layout->axis - (shape->ndim - self->shape.ndim);
    if (layout->axis < 0 || axis < 0 || self->shape.extent[axis] != shape->extent[layout->axis])
        return -1;
    return axis;
}

shape_t
input_part_shape(const input_t *self, const shape_t *shape, const layout_t *layout, int i)
{
    shape_t part = self->shape;
    int axis = own_axis(self, shape, layout);
    if (axis >= 0)
        part.extent[axis] = layout->cuts[i].length;
    return part;
}

/* A local array goes straight to the layout that is needed. */
static int
scatter_input(input_t *self, fh_session *session, const layout_t *layout, int axis, err_t *err)
{
    layout_t own;
    int status = axis < 0 ? layout_single(&own, layout->engines[0], err) : layout_init(&own, axis, layout->n, err);
    if (status)
        return status;
    if (axis >= 0) {
        memcpy(own.cuts, layout->cuts, (size_t)layout->n * sizeof *own.cuts);
        memcpy(own.engines, layout->engines, (size_t)layout->n * sizeof *own.engines);
    }
    status = scatter_to(session, &self->local, self->swapped, &own, &self->array, err);
    layout_release(&own);
    self->owned = status == FH_OK;
    return status;
}

/* All of it, on every engine that needs it once. */
static int
align_whole(input_t *self, const layout_t *layout, int i, err_t *err)
{
    for (int k = i - 1; k >= 0; k--)
        if (layout->engines[k] == layout->engines[i]) {
            self->parts[i] = self->parts[k];
            handle_ref(self->parts[i].handle);
            return FH_OK;
        }
    return align_region(self->array, -1, (piece_t){0, 0}, layout->engines[i], &self->parts[i], err);
}

int
input_align(input_t *self, fh_session *session, const shape_t *shape, const layout_t *layout, err_t *err)
{
    if (self->constant)
        return FH_OK;
    int axis = own_axis(self, shape, layout), status = FH_OK;
    if (self->is_local)
        status = scatter_input(self, session, layout, axis, err);
    if (status)
        return status;
    self->parts = calloc((size_t)layout->n, sizeof *self->parts);
    if (!self->parts)
        return err_set(err, FH_NO_MEMORY, "no memory for %d pieces", layout->n);
    if (axis < 0 && chain_pays(self->array, layout->engines, layout->n)) {
        status = chain_bring(self->array, layout->engines, layout->n, self->parts, err);
        self->n = status ? 0 : layout->n;
        return status;
    }
    for (int i = 0; i < layout->n && !status; i++) {
        status = axis < 0 ? align_whole(self, layout, i, err)
                          : align_region(self->array, axis, layout->cuts[i], layout->engines[i], &self->parts[i], err);
        self->n += status == FH_OK;
    }
    return status;
}

/* Will any part but i be written to the memory that root names? */
static bool
written_elsewhere(const fh_array *target, oid_t root, int i)
{
    for (int k = 0; k < target->n; k++)
        if (k != i && oid_equal(target->parts[k].handle->root, root))
            return true;
    return false;
}

int
part_shield(part_t *part, dtype_t dtype, const shape_t *shape, const fh_array *target, int i, err_t *err)
{
    handle_t *copy = NULL;
    if (target->n == 1 || !written_elsewhere(target, part->handle->root, i))
        return FH_OK;
    int status = emit_copy(part->handle, dtype, shape, &copy, err);
    if (status)
        return status;
    handle_unref(&part->handle);
    part->handle = copy;
    shape_strides_c(shape, (int64_t)dtype_size(dtype), part->stride);
    return FH_OK;
}

int
input_shield(input_t *self, const shape_t *shape, const layout_t *layout, const fh_array *target, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->n && !status; i++) {
        shape_t part = input_part_shape(self, shape, layout, i);
        status = part_shield(&self->parts[i], self->dtype, &part, target, i, err);
    }
    return status;
}

operand_t
input_operand(const input_t *self, int i)
{
    operand_t operand = {.dtype = (uint8_t)self->dtype};
    if (self->constant)
        memcpy(operand.scalar, self->scalar, sizeof operand.scalar);
    else
        operand.object = self->parts[i].handle->id;
    return operand;
}
