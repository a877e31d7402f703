#include "engine/compute/lines.h"

void
lines_init(lines_t *self, const shape_t *shape, int axis)
{
    self->count = 1;
    self->length = shape->ndim > 0 ? shape->extent[axis] : 1;
    self->ndim = 0;
    for (int k = 0; k < shape->ndim; k++) {
        if (k == axis)
            continue;
        self->extent[self->ndim++] = shape->extent[k];
        self->count *= shape->extent[k];
    }
}

char *
lines_at(const lines_t *self, char *data, const int64_t *stride, int64_t i)
{
    for (int k = self->ndim - 1; k >= 0 && i > 0; k--) {
        data += i % self->extent[k] * stride[k];
        i /= self->extent[k];
    }
    return data;
}

int64_t
lines_strides(const nd_t *nd, int axis, int64_t *ret_stride)
{
    int n = 0;
    for (int k = 0; k < nd->shape.ndim; k++)
        if (k != axis)
            ret_stride[n++] = nd->stride[k];
    return nd->shape.ndim > 0 ? nd->stride[axis] : 0;
}
