#include "engine/runner/run/walk.h"

#include <string.h>

static int64_t
magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Put an axis of the shape into the walk, axes with larger strides of the lead operand first, walked upwards. */
static void
add_axis(walk_t *self, const nd_t *operand, int lead, int axis)
{
    int64_t extent = operand[lead].shape.extent[axis], step = operand[lead].stride[axis];
    int at = self->axes++;
    for (; at > 0 && magnitude(self->stride[lead][at - 1]) < magnitude(step); at--) {
        self->full[at] = self->full[at - 1];
        self->axis[at] = self->axis[at - 1];
        self->down[at] = self->down[at - 1];
        for (int k = 0; k < self->operands; k++)
            self->stride[k][at] = self->stride[k][at - 1];
    }
    self->full[at] = extent;
    self->axis[at] = axis;
    self->down[at] = step < 0;
    if (step < 0 || at != self->axes - 1)
        self->c_order = false;
    for (int k = 0; k < self->operands; k++) {
        int64_t stride = operand[k].stride[axis];
        self->stride[k][at] = step < 0 ? -stride : stride;
        if (step < 0)
            self->data[k] += (extent - 1) * stride;
    }
}

static bool
can_merge(const walk_t *self, int outer, int inner)
{
    for (int k = 0; k < self->operands; k++)
        if (self->stride[k][outer] != self->stride[k][inner] * self->full[inner])
            return false;
    return true;
}

static void
merge_axes(walk_t *self)
{
    int last = 0;
    self->extent[0] = self->full[0];
    for (int i = 1; i < self->axes; i++) {
        if (can_merge(self, last, i))
            self->extent[last] *= self->full[i];
        else
            self->extent[++last] = self->full[i];
        for (int k = 0; k < self->operands; k++)
            self->stride[k][last] = self->stride[k][i];
    }
    self->ndim = last + 1;
}

void
walk_init(walk_t *self, const nd_t *operand, int operands, int lead)
{
    self->operands = operands;
    self->shape = operand[lead].shape;
    self->count = shape_count(&self->shape);
    self->axes = 0;
    self->c_order = true;
    for (int k = 0; k < operands; k++)
        self->data[k] = operand[k].data;
    for (int axis = 0; axis < self->shape.ndim; axis++)
        if (self->shape.extent[axis] != 1)
            add_axis(self, operand, lead, axis);
    if (self->axes > 0) {
        merge_axes(self);
        return;
    }
    self->ndim = 1; /* one element: its strides do not matter */
    self->extent[0] = 1;
    for (int k = 0; k < operands; k++)
        self->stride[k][0] = 0;
}

void
walk_seek(const walk_t *self, int64_t position, char **ret_data)
{
    memcpy(ret_data, self->data, sizeof *ret_data * (size_t)self->operands);
    for (int i = self->ndim - 1; i >= 0; i--) {
        int64_t index = i ? position % self->extent[i] : position;
        position /= self->extent[i];
        for (int k = 0; k < self->operands; k++)
            ret_data[k] += index * self->stride[k][i];
    }
}

void
walk_view(const walk_t *self, int operand, dtype_t dtype, nd_t *ret)
{
    size_t size = (size_t)self->ndim * sizeof *self->extent;
    ret->data = self->data[operand];
    ret->dtype = dtype;
    ret->shape.ndim = self->ndim;
    memcpy(ret->shape.extent, self->extent, size);
    memcpy(ret->stride, self->stride[operand], size);
}

void
walk_index(const walk_t *self, int64_t position, int64_t *ret_index)
{
    memset(ret_index, 0, sizeof *ret_index * (size_t)self->shape.ndim);
    for (int i = self->axes - 1; i >= 0; i--) {
        int64_t index = position % self->full[i];
        position /= self->full[i];
        ret_index[self->axis[i]] = self->down[i] ? self->full[i] - 1 - index : index;
    }
}

/* Elements of the shape from one index along axis to the next. */
static int64_t
weight(const shape_t *shape, int axis)
{
    int64_t result = 1;
    for (int i = axis + 1; i < shape->ndim; i++)
        result *= shape->extent[i];
    return result;
}

void
walk_range(const walk_t *self, int64_t position, int64_t n, int64_t *ret_first, int64_t *ret_last)
{
    *ret_first = position;
    *ret_last = position + n;
    if (self->c_order)
        return;
    int64_t low[SHAPE_MAX_DIMS], high[SHAPE_MAX_DIMS], first = 0, last = 0;
    walk_index(self, position, low);
    walk_index(self, position + n - 1, high);
    bool differ = false; /* behind the first axis that does, any index occurs */
    for (int i = 0; i < self->axes; i++) {
        int axis = self->axis[i];
        int64_t a = differ ? 0 : low[axis], b = differ ? self->full[i] - 1 : high[axis];
        differ = differ || a != b;
        first += (a < b ? a : b) * weight(&self->shape, axis);
        last += (a < b ? b : a) * weight(&self->shape, axis);
    }
    *ret_first = first;
    *ret_last = last + 1;
}
