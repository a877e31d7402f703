/* engine/compute/sort_elements.h - what elements of each dtype are while they are sorted: unsigned keys of their size,
 * keys with a place, or, complex ones, themselves. */
#ifndef FH_ENGINE_COMPUTE_SORT_ELEMENTS_H
#define FH_ENGINE_COMPUTE_SORT_ELEMENTS_H

#include "engine/compute/merge.h"
#include "engine/compute/sort.h"

typedef struct {
    int64_t size; /* bytes of an element while it is sorted */
    /* n elements, step bytes apart, of which the first is number `first`, to elements. */
    void (*load)(const char *p, int64_t step, int64_t n, int64_t first, void *elements);
    /* n elements to values or, plus base, to places. */
    void (*store)(const void *elements, int64_t n, int64_t base, char *p, int64_t step);
    /* Of keys with a place: n elements to values, all zeros 0.0, all NaN one.  The place is an element's end. */
    void (*store_values)(const void *elements, int64_t n, char *p, int64_t step);
    void (*sort_alone)(void *a, void *b, int64_t n);
    int (*sort)(crew_t *crew, void *a, void *b, int64_t n, err_t *err);
    const merge_steps_t *merge;
} sort_elements_t;

/* count: how many there are at most. */
const sort_elements_t *sort_elements(dtype_t dtype, sort_kind_t kind, int64_t count);

#endif
