#include "engine/runner/run/kernel_array.h"

#include <string.h>

_Static_assert((int)FH_MAX_DIMS == (int)SHAPE_MAX_DIMS, "kernels see every dimension");
_Static_assert((int)FH_BOOL == (int)DTYPE_BOOL && (int)FH_FLOAT64 == (int)DTYPE_FLOAT64 &&
                   (int)FH_COMPLEX128 == (int)DTYPE_COMPLEX128,
               "kernels know dtypes by our codes");

void
kernel_array_init(fh_array *self, const nd_t *nd)
{
    size_t size = (size_t)nd->shape.ndim * sizeof *self->shape;
    memset(self, 0, sizeof *self);
    self->data = nd->data;
    self->dtype = (int32_t)nd->dtype;
    self->ndim = nd->shape.ndim;
    memcpy(self->shape, nd->shape.extent, size);
    memcpy(self->whole, nd->shape.extent, size);
    memcpy(self->strides, nd->stride, size);
}
