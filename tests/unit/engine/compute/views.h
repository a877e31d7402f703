/* tests/unit/engine/compute/views.h - random strided arrays for the tests of compute. */
#ifndef FH_TESTS_UNIT_ENGINE_COMPUTE_VIEWS_H
#define FH_TESTS_UNIT_ENGINE_COMPUTE_VIEWS_H

#include "codecs/shape.h"

/* An array in memory of its own; views_free gives that back. */
typedef struct {
    nd_t nd;
    char *memory;
} view_t;

int64_t views_below(uint64_t *random, int64_t limit);
shape_t views_shape(uint64_t *random, int max_dims, int64_t max_extent);
/* Axes permuted, turned around, with gaps between elements; misaligned: the elements begin at an odd address.  Elements
 * are random small numbers, NaN now and then in floating arrays. */
view_t views_make(uint64_t *random, dtype_t dtype, const shape_t *shape, bool misaligned);
void views_free(view_t *self);
/* Element i in C order. */
char *views_at(const nd_t *nd, int64_t i);
/* The element as a number (the real part), for any dtype. */
double views_number(const nd_t *nd, int64_t i);
/* A shape that broadcasts to this one: leading axes left out, extents made 1. */
shape_t views_narrow(uint64_t *random, const shape_t *shape);

#endif
