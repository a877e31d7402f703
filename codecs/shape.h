/* codecs/shape.h - shapes, strides and views as pure arithmetic.  No allocation; usable on any thread.
 * Shapes count elements, strides and offsets count bytes, as in NumPy. */
#ifndef FH_CODECS_SHAPE_H
#define FH_CODECS_SHAPE_H

#include "base/err.h"
#include "codecs/dtype.h"

#include <stdbool.h>
#include <stdint.h>

enum { SHAPE_MAX_DIMS = 32 };

typedef struct {
    int ndim;
    int64_t extent[SHAPE_MAX_DIMS];
} shape_t;

/* Typed strided memory without an owner: what loops and copies work on. */
typedef struct {
    char *data; /* first element */
    dtype_t dtype;
    shape_t shape;
    int64_t stride[SHAPE_MAX_DIMS];
} nd_t;

/* Elements in a shape; -1 if an extent is negative or the product overflows int64. */
int64_t shape_count(const shape_t *shape);
/* Bytes of a contiguous array; -1 as above. */
int64_t shape_bytes(const shape_t *shape, dtype_t dtype);
bool shape_equal(const shape_t *a, const shape_t *b);
/* "(3, 4)" into text of size bytes; returns text. */
char *shape_format(const shape_t *shape, char *text, int size);
/* NumPy broadcasting of n shapes; INVALID_ARGUMENT names the two shapes that do not fit. */
int shape_broadcast(const shape_t *const shapes[], int n, shape_t *ret, err_t *err);
/* C-order (or Fortran-order) strides of a contiguous array. */
void shape_strides_c(const shape_t *shape, int64_t itemsize, int64_t *ret_stride);
void shape_strides_f(const shape_t *shape, int64_t itemsize, int64_t *ret_stride);

void nd_init(nd_t *self, void *data, dtype_t dtype, const shape_t *shape); /* C-contiguous */
bool nd_is_c_contiguous(const nd_t *self);
bool nd_is_f_contiguous(const nd_t *self);
/* The same memory seen with a larger shape: new leading axes and stretched extents get stride 0.  INVALID_ARGUMENT if
 * it does not fit. */
int nd_broadcast(const nd_t *self, const shape_t *shape, nd_t *ret, err_t *err);
/* Byte range [low, high) that the elements touch, relative to data; low <= 0; both 0 if there are no elements. */
int nd_extent(const nd_t *self, int64_t *ret_low, int64_t *ret_high);
/* Could two views share a byte?  May answer true when they only interleave. */
bool nd_overlap(const nd_t *a, const nd_t *b);
/* Is element i of both the same memory? */
bool nd_same_elements(const nd_t *a, const nd_t *b);

/* One item of a basic index. */
typedef struct {
    enum { INDEX_INT, INDEX_SLICE, INDEX_NEWAXIS, INDEX_ELLIPSIS } kind;
    int64_t start, stop, step;          /* INT uses start; NumPy's meaning, negative counts from the end */
    bool has_start, has_stop, has_step; /* SLICE: a missing one is None */
} index_item_t;

/* Python's slice.indices: normalise against an extent.  INVALID_ARGUMENT for step 0.  *ret_count is the result's
 * length. */
int index_normalise(const index_item_t *item, int64_t extent, int64_t *ret_start, int64_t *ret_step, int64_t *ret_count,
                    err_t *err);
/* self[items] as a view (data moved, shape and strides new).  BAD_INDEX for out of bounds or too many, INVALID_ARGUMENT
 * for two ellipses or step 0.  source_axis (may be NULL, SHAPE_MAX_DIMS ints) gets, for each result axis, the axis of
 * self it came from, or -1 for a new axis. */
int nd_index(const nd_t *self, const index_item_t *items, int nitems, nd_t *ret, int *source_axis, err_t *err);
/* Axes permuted; NULL reverses them.  INVALID_ARGUMENT for a repeated or out-of-range axis. */
int nd_transpose(const nd_t *self, const int *axes, nd_t *ret, err_t *err);
/* A view with another shape if no copy is needed: *ret_possible false otherwise.  INVALID_ARGUMENT if counts differ. */
int nd_reshape(const nd_t *self, const shape_t *shape, nd_t *ret, bool *ret_possible, err_t *err);
/* Axis in [-ndim, ndim) made non-negative; INVALID_ARGUMENT with NumPy's meaning otherwise. */
int shape_axis(int64_t axis, int ndim, int *ret, err_t *err);

#endif
