#include "engine/apply/group.h"

#include "codecs/strided.h"
#include "engine/compute/iterate.h"

#include <string.h>

/* Does stepping through the axes in C order always move by the same distance?  *ret: that distance. */
static bool
find_stride(const nd_t *nd, int axes, int64_t *ret)
{
    int64_t expected = 0;
    bool any = false;

    for (int axis = axes - 1; axis >= 0; axis--) {
        if (nd->shape.extent[axis] == 1)
            continue;
        if (!any)
            *ret = nd->stride[axis];
        else if (nd->stride[axis] != expected)
            return false;
        any = true;
        expected = nd->stride[axis] * nd->shape.extent[axis];
    }
    if (!any)
        *ret = 0;
    return true;
}

int
group_init(group_t *self, const nd_t *nd, int64_t axes, err_t *err)
{
    shape_t shape = nd->shape;
    int64_t stride = 0;

    if (axes < 0 || axes > shape.ndim)
        return err_set(err, FH_INVALID_ARGUMENT, "a group of %lld axes of an array of %d", (long long)axes, shape.ndim);
    memset(self, 0, sizeof *self);
    self->axes = (int)axes;
    self->nd = *nd;
    self->rest = (nd_t){.data = nd->data, .dtype = nd->dtype, .shape.ndim = shape.ndim - (int)axes};
    for (int i = 0; i < self->rest.shape.ndim; i++) {
        self->rest.shape.extent[i] = shape.extent[axes + i];
        self->rest.stride[i] = nd->stride[axes + i];
    }
    shape.ndim = (int)axes;
    self->count = shape_count(&shape);
    self->rest_count = shape_count(&self->rest.shape);
    if (self->count < 0 || self->rest_count < 0)
        return err_set(err, FH_OVERFLOW, "the array has too many elements to be indexed");
    self->rest_bytes = self->rest_count * (int64_t)dtype_size(nd->dtype);
    self->rest_contiguous = nd_is_c_contiguous(&self->rest);
    self->even = find_stride(nd, self->axes, &stride);
    self->plain = self->even && !dtype_is_items(nd->dtype) && iterate_aligned(nd);
    if (self->even && axes > 0)
        self->nd.stride[axes - 1] = stride;
    return FH_OK;
}

int64_t
group_offset(const group_t *self, int64_t k)
{
    int64_t offset = 0;

    if (self->even)
        return self->axes ? k * self->nd.stride[self->axes - 1] : 0;
    for (int axis = self->axes - 1; axis >= 0; axis--) {
        int64_t extent = self->nd.shape.extent[axis];

        offset += k % extent * self->nd.stride[axis];
        k /= extent;
    }
    return offset;
}

int
group_check(const group_t *self, const int64_t *indices, int64_t n, err_t *err)
{
    uint64_t largest = 0;

    for (int64_t i = 0; i < n; i++)
        largest = (uint64_t)indices[i] > largest ? (uint64_t)indices[i] : largest;
    if (n == 0 || largest < (uint64_t)self->count)
        return FH_OK;
    int64_t i = 0;

    while ((uint64_t)indices[i] < (uint64_t)self->count)
        i++;
    return err_set(err, FH_BAD_INDEX, "index %lld is out of bounds for size %lld", (long long)indices[i],
                   (long long)self->count);
}

int
group_shape(const group_t *self, const shape_t *indices, shape_t *ret, err_t *err)
{
    const shape_t *rest = &self->rest.shape;

    if (indices->ndim + rest->ndim > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "the result would have %d dimensions; %d are the most",
                       indices->ndim + rest->ndim, SHAPE_MAX_DIMS);
    *ret = *indices;
    memcpy(ret->extent + ret->ndim, rest->extent, (size_t)rest->ndim * sizeof rest->extent[0]);
    ret->ndim += rest->ndim;
    return FH_OK;
}

void
group_copy(const group_t *to, int64_t k, const group_t *from, int64_t j)
{
    char *out = to->nd.data + group_offset(to, k);
    char *in = from->nd.data + group_offset(from, j);

    if (to->rest_contiguous && from->rest_contiguous) {
        memcpy(out, in, (size_t)to->rest_bytes);
        return;
    }
    nd_t out_nd = to->rest, in_nd = from->rest;

    out_nd.data = out;
    in_nd.data = in;
    strided_copy(&out_nd, &in_nd);
}
