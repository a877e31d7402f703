#include "codecs/shape.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 160 }; /* of a shape inside an error's text */

int64_t
shape_count(const shape_t *shape)
{
    int64_t count = 1;
    bool none = false, overflow = false;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->extent[i] < 0)
            return -1;
        none |= shape->extent[i] == 0;
        overflow |= !none && __builtin_mul_overflow(count, shape->extent[i], &count);
    }
    return none ? 0 : overflow ? -1 : count;
}

int64_t
shape_bytes(const shape_t *shape, dtype_t dtype)
{
    int64_t count = shape_count(shape), bytes;
    if (count < 0 || __builtin_mul_overflow(count, (int64_t)dtype_size(dtype), &bytes))
        return -1;
    return bytes;
}

bool
shape_equal(const shape_t *a, const shape_t *b)
{
    if (a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->extent[i] != b->extent[i])
            return false;
    return true;
}

char *
shape_format(const shape_t *shape, char *text, int size)
{
    int used = snprintf(text, (size_t)size, "(");
    for (int i = 0; i < shape->ndim && used < size; i++)
        used += snprintf(text + used, (size_t)(size - used), "%s%lld", i == 0 ? "" : ", ", (long long)shape->extent[i]);
    if (used < size)
        snprintf(text + used, (size_t)(size - used), shape->ndim == 1 ? ",)" : ")");
    return text;
}

int
shape_broadcast(const shape_t *const shapes[], int n, shape_t *ret, err_t *err)
{
    shape_t result = {.ndim = 0};
    int origin[SHAPE_MAX_DIMS] = {0}; /* which shape decided an axis */
    for (int k = 0; k < n; k++)
        if (shapes[k]->ndim > result.ndim)
            result.ndim = shapes[k]->ndim;
    for (int axis = 0; axis < result.ndim; axis++) {
        result.extent[axis] = 1;
        for (int k = 0; k < n; k++) {
            int own = axis - (result.ndim - shapes[k]->ndim);
            if (own < 0 || shapes[k]->extent[own] == 1 || shapes[k]->extent[own] == result.extent[axis])
                continue;
            if (result.extent[axis] != 1) {
                char a[TEXT_SIZE], b[TEXT_SIZE];
                return err_set(err, FH_INVALID_ARGUMENT, "shapes %s and %s do not broadcast together",
                               shape_format(shapes[origin[axis]], a, TEXT_SIZE), shape_format(shapes[k], b, TEXT_SIZE));
            }
            result.extent[axis] = shapes[k]->extent[own];
            origin[axis] = k;
        }
    }
    *ret = result;
    return FH_OK;
}

/* Products may overflow only where there are no elements to reach; wrap there. */
static int64_t
wrapping_product(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

void
shape_strides_c(const shape_t *shape, int64_t itemsize, int64_t *ret_stride)
{
    int64_t step = itemsize;
    for (int i = shape->ndim - 1; i >= 0; i--) {
        ret_stride[i] = step;
        if (shape->extent[i] > 1)
            step = wrapping_product(step, shape->extent[i]);
    }
}

void
shape_strides_f(const shape_t *shape, int64_t itemsize, int64_t *ret_stride)
{
    int64_t step = itemsize;
    for (int i = 0; i < shape->ndim; i++) {
        ret_stride[i] = step;
        if (shape->extent[i] > 1)
            step = wrapping_product(step, shape->extent[i]);
    }
}

int
shape_axis(int64_t axis, int ndim, int *ret, err_t *err)
{
    if (axis < -ndim || axis >= ndim)
        return err_set(err, FH_INVALID_ARGUMENT, "axis %lld is out of bounds for an array of %d dimensions",
                       (long long)axis, ndim);
    *ret = (int)(axis < 0 ? axis + ndim : axis);
    return FH_OK;
}

void
nd_init(nd_t *self, void *data, dtype_t dtype, const shape_t *shape)
{
    self->data = data;
    self->dtype = dtype;
    self->shape = *shape;
    shape_strides_c(shape, (int64_t)dtype_size(dtype), self->stride);
}

static bool
has_strides(const nd_t *self, const int64_t *stride)
{
    for (int i = 0; i < self->shape.ndim; i++)
        if (self->shape.extent[i] == 0)
            return true;
    for (int i = 0; i < self->shape.ndim; i++)
        if (self->shape.extent[i] != 1 && self->stride[i] != stride[i])
            return false;
    return true;
}

bool
nd_is_c_contiguous(const nd_t *self)
{
    int64_t stride[SHAPE_MAX_DIMS];
    shape_strides_c(&self->shape, (int64_t)dtype_size(self->dtype), stride);
    return has_strides(self, stride);
}

bool
nd_is_f_contiguous(const nd_t *self)
{
    int64_t stride[SHAPE_MAX_DIMS];
    shape_strides_f(&self->shape, (int64_t)dtype_size(self->dtype), stride);
    return has_strides(self, stride);
}

int
nd_broadcast(const nd_t *self, const shape_t *shape, nd_t *ret, err_t *err)
{
    nd_t result = {.data = self->data, .dtype = self->dtype, .shape = *shape};
    int extra = shape->ndim - self->shape.ndim;
    bool fits = extra >= 0;
    for (int i = 0; i < shape->ndim && fits; i++) {
        int own = i - extra;
        if (own < 0)
            continue; /* a new axis: stride 0 */
        if (self->shape.extent[own] == shape->extent[i])
            result.stride[i] = self->stride[own];
        else
            fits = self->shape.extent[own] == 1;
    }
    if (!fits) {
        char a[TEXT_SIZE], b[TEXT_SIZE];
        return err_set(err, FH_INVALID_ARGUMENT, "an array of shape %s does not broadcast to %s",
                       shape_format(&self->shape, a, TEXT_SIZE), shape_format(shape, b, TEXT_SIZE));
    }
    *ret = result;
    return FH_OK;
}

int
nd_extent(const nd_t *self, int64_t *ret_low, int64_t *ret_high)
{
    int64_t low = 0, high = (int64_t)dtype_size(self->dtype);
    bool overflow = false;
    *ret_low = *ret_high = 0;
    for (int i = 0; i < self->shape.ndim; i++)
        if (self->shape.extent[i] <= 0)
            return self->shape.extent[i] < 0 ? FH_INVALID_ARGUMENT : FH_OK;
    for (int i = 0; i < self->shape.ndim; i++) {
        int64_t reach;
        overflow |= __builtin_mul_overflow(self->stride[i], self->shape.extent[i] - 1, &reach);
        int64_t *end = reach < 0 ? &low : &high;
        overflow |= __builtin_add_overflow(*end, reach, end);
    }
    if (overflow)
        return FH_OVERFLOW;
    *ret_low = low;
    *ret_high = high;
    return FH_OK;
}

bool
nd_overlap(const nd_t *a, const nd_t *b)
{
    int64_t low_a, high_a, low_b, high_b;
    if (nd_extent(a, &low_a, &high_a) != FH_OK || nd_extent(b, &low_b, &high_b) != FH_OK)
        return true;
    if (low_a == high_a || low_b == high_b)
        return false;
    uintptr_t first_a = (uintptr_t)a->data + (uintptr_t)low_a, end_a = (uintptr_t)a->data + (uintptr_t)high_a;
    uintptr_t first_b = (uintptr_t)b->data + (uintptr_t)low_b, end_b = (uintptr_t)b->data + (uintptr_t)high_b;
    return first_a < end_b && first_b < end_a;
}

bool
nd_same_elements(const nd_t *a, const nd_t *b)
{
    bool same = a->data == b->data && dtype_size(a->dtype) == dtype_size(b->dtype) && shape_equal(&a->shape, &b->shape);
    for (int i = 0; same && i < a->shape.ndim; i++)
        same = a->stride[i] == b->stride[i] || a->shape.extent[i] <= 1;
    return same;
}

int
nd_transpose(const nd_t *self, const int *axes, nd_t *ret, err_t *err)
{
    nd_t result = {.data = self->data, .dtype = self->dtype, .shape.ndim = self->shape.ndim};
    uint64_t seen = 0;
    for (int i = 0; i < self->shape.ndim; i++) {
        int axis = self->shape.ndim - 1 - i;
        if (axes != NULL) {
            int status = shape_axis(axes[i], self->shape.ndim, &axis, err);
            if (status != FH_OK)
                return status;
        }
        if (seen >> axis & 1)
            return err_set(err, FH_INVALID_ARGUMENT, "axis %d is repeated in the order of the axes", axis);
        seen |= UINT64_C(1) << axis;
        result.shape.extent[i] = self->shape.extent[axis];
        result.stride[i] = self->stride[axis];
    }
    *ret = result;
    return FH_OK;
}

/* Strides for the axes [first, last) of shape so that they walk through count elements that lie step bytes apart. */
static void
spread(const shape_t *shape, int first, int last, int64_t step, int64_t *ret_stride)
{
    for (int i = last - 1; i >= first; i--) {
        ret_stride[i] = step;
        step = wrapping_product(step, shape->extent[i]);
    }
}

/* Both shapes are walked together in groups of axes that hold the same number of elements.  Within a group the old axes
 * must lie behind one another as one axis would. */
static bool
reshape_groups(const shape_t *old, const int64_t *old_stride, const shape_t *shape, int64_t *ret_stride)
{
    int i = 0, j = 0;
    while (i < old->ndim && j < shape->ndim) {
        int first_i = i, first_j = j;
        int64_t count_old = old->extent[i++], count_new = shape->extent[j++];
        while (count_old != count_new) {
            if (count_old < count_new)
                count_old *= old->extent[i++];
            else
                count_new *= shape->extent[j++];
        }
        for (int k = first_i; k + 1 < i; k++)
            if (old_stride[k] != wrapping_product(old_stride[k + 1], old->extent[k + 1]))
                return false;
        spread(shape, first_j, j, old_stride[i - 1], ret_stride);
    }
    int64_t step = j > 0 ? ret_stride[j - 1] : 0;
    for (; j < shape->ndim; j++) /* only extents of 1 are left */
        ret_stride[j] = step;
    return true;
}

int
nd_reshape(const nd_t *self, const shape_t *shape, nd_t *ret, bool *ret_possible, err_t *err)
{
    int64_t count = shape_count(&self->shape), wanted = shape_count(shape);
    if (wanted < 0 || count != wanted) {
        char a[TEXT_SIZE], b[TEXT_SIZE];
        return err_set(err, FH_INVALID_ARGUMENT, "an array of shape %s (%lld elements) cannot be reshaped to %s",
                       shape_format(&self->shape, a, TEXT_SIZE), (long long)count, shape_format(shape, b, TEXT_SIZE));
    }
    nd_t result;
    nd_init(&result, self->data, self->dtype, shape);
    *ret_possible = true;
    if (count > 1) {
        shape_t old = {.ndim = 0};
        int64_t stride[SHAPE_MAX_DIMS];
        for (int i = 0; i < self->shape.ndim; i++) {
            if (self->shape.extent[i] == 1)
                continue;
            stride[old.ndim] = self->stride[i];
            old.extent[old.ndim++] = self->shape.extent[i];
        }
        *ret_possible = reshape_groups(&old, stride, shape, result.stride);
    }
    *ret = result;
    return FH_OK;
}
