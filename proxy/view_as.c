/* The memory of an array seen with other elements. */
#include "codecs/dtype_fields.h"
#include "proxy/emit.h"
#include "proxy/error.h"

#include <string.h>

int
fh_dtype_structured(const char *text, size_t bytes, fh_dtype *ret, fh_error *error)
{
    dtype_t dtype = DTYPE_NONE;
    err_t *err = error_start(error);
    int status = text ? dtype_fields_find(text, strlen(text), bytes, &dtype, err)
                      : err_set(err, FH_INVALID_ARGUMENT, "no description was given");
    *ret = (fh_dtype)dtype;
    return status;
}

const char *
fh_dtype_fields(fh_dtype dtype)
{
    return dtype_fields_text((dtype_t)dtype);
}

/* ---- views ---------------------------------------------------------------------------------------------------------
 */

/* A length along the last axis, in elements of another size. */
static int
resize(int64_t *extent, int64_t from, int64_t to, err_t *err)
{
    int64_t bytes;
    if (__builtin_mul_overflow(*extent, from, &bytes) || bytes % to != 0)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "when changing to a larger dtype, its size must be a divisor of the total size in bytes of the "
                       "last axis of the array (%lld elements of %lld bytes, to elements of %lld)",
                       (long long)*extent, (long long)from, (long long)to);
    *extent = bytes / to;
    return FH_OK;
}

static int
resize_part(nd_t *nd, dtype_t dtype, err_t *err)
{
    int64_t from = (int64_t)dtype_size(nd->dtype), to = (int64_t)dtype_size(dtype);
    int last = nd->shape.ndim - 1;
    if (from == to)
        return FH_OK;
    if (last < 0)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "changing the dtype of a 0d array is only supported if the itemsize is unchanged");
    if (nd->shape.extent[last] != 1 && nd->stride[last] != from)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "to change to a dtype of a different size, the last axis must be contiguous");
    nd->stride[last] = to;
    return resize(&nd->shape.extent[last], from, to, err);
}

/* made has room for the parts of array; nd of each part as it was becomes what it is. */
static int
put_part(fh_array *made, int i, const fh_array *array, const nd_t *nd, err_t *err)
{
    handle_t *view = NULL;
    int status = emit_view_as(array->parts[i].handle, nd, &view, err);
    if (!status)
        array_put(made, i, view, nd->stride);
    return status;
}

static int
view_as(const fh_array *array, dtype_t dtype, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    shape_t shape = array->shape;
    int64_t from = (int64_t)dtype_size(array->dtype), to = (int64_t)dtype_size(dtype);
    int last = shape.ndim - 1, status = FH_OK;
    if (last >= 0 && from != to)
        status = resize(&shape.extent[last], from, to, err);
    if (!status)
        status = array_new(&made, array->session, dtype, &shape, array->axis, array->n, err);
    for (int i = 0; i < array->n && !status; i++) {
        nd_t nd = array_part_nd(array, i);
        status = resize_part(&nd, dtype, err);
        if (status)
            break;
        nd.dtype = dtype;
        made->cuts[i] = array->cuts[i];
        if (array->axis == last && last >= 0)
            made->cuts[i].length = nd.shape.extent[last];
        status = put_part(made, i, array, &nd, err);
    }
    if (!made)
        return status;
    return array_finish(made, status, ret, err);
}

int
fh_view_as(fh_array *array, fh_dtype dtype, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(array, err);
    if (!status && !dtype_known((uint64_t)dtype))
        status = err_set(err, FH_WRONG_TYPE, "%u is not a dtype", (unsigned)dtype);
    return status ? status : view_as(array, (dtype_t)dtype, ret, err);
}

static int
check_field(const fh_array *array, int64_t offset, dtype_t dtype, const shape_t *inner, err_t *err)
{
    int64_t bytes = shape_bytes(inner, dtype), item = (int64_t)dtype_size(array->dtype);
    if (inner->ndim + array->shape.ndim > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "the field would have %d dimensions; %d are the most",
                       inner->ndim + array->shape.ndim, SHAPE_MAX_DIMS);
    if (offset < 0 || bytes < 0 || offset > item || bytes > item - offset)
        return err_set(err, FH_BAD_INDEX, "a field of %lld bytes at %lld of elements of %lld", (long long)bytes,
                       (long long)offset, (long long)item);
    return FH_OK;
}

static int
field(const fh_array *array, int64_t offset, dtype_t dtype, const shape_t *inner, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    shape_t shape = array->shape;
    int64_t stride[SHAPE_MAX_DIMS];
    size_t ndim = (size_t)inner->ndim;
    shape_strides_c(inner, (int64_t)dtype_size(dtype), stride);
    memcpy(shape.extent + shape.ndim, inner->extent, ndim * sizeof *stride);
    shape.ndim += inner->ndim;
    int status = array_new(&made, array->session, dtype, &shape, array->axis, array->n, err);
    for (int i = 0; i < array->n && !status; i++) {
        nd_t nd = array_part_nd(array, i);
        memcpy(nd.stride + nd.shape.ndim, stride, ndim * sizeof *stride);
        memcpy(nd.shape.extent + nd.shape.ndim, inner->extent, ndim * sizeof *stride);
        nd.shape.ndim += inner->ndim;
        nd.data += offset;
        nd.dtype = dtype;
        made->cuts[i] = array->cuts[i];
        status = put_part(made, i, array, &nd, err);
    }
    return made ? array_finish(made, status, ret, err) : status;
}

int
fh_field(fh_array *array, int64_t offset, fh_dtype dtype, int ndim, const int64_t *shape, fh_array **ret,
         fh_error *error)
{
    err_t *err = error_start(error);
    shape_t inner = {.ndim = ndim};
    int status = array_enter(array, err);
    if (!status && (!dtype_known((uint64_t)dtype) || ndim < 0 || ndim > SHAPE_MAX_DIMS))
        status = err_set(err, FH_WRONG_TYPE, "%u is not a dtype, or %d no number of dimensions", (unsigned)dtype, ndim);
    for (int i = 0; i < ndim && !status; i++) {
        inner.extent[i] = shape[i];
        if (shape[i] < 0)
            status = err_set(err, FH_INVALID_ARGUMENT, "extent %d of a field is negative", i);
    }
    if (!status)
        status = check_field(array, offset, (dtype_t)dtype, &inner, err);
    return status ? status : field(array, offset, (dtype_t)dtype, &inner, ret, err);
}
