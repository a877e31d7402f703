/* engine/compute/sort.h - sorting along an axis, and merging what was sorted apart.
 *
 * NaN comes last, in NumPy's order for complex numbers.  compute_sort orders -0.0 before 0.0 and gives one NaN for all;
 * compute_argsort is stable, with all NaN equal and -0.0 equal to 0.0.  Results do not depend on the threads. scratch
 * is memory of the size that the function named beside says, aligned to 16 bytes; its contents are lost. */
#ifndef FH_ENGINE_COMPUTE_SORT_H
#define FH_ENGINE_COMPUTE_SORT_H

#include "engine/compute/compute.h"

typedef enum { SORT_VALUES, SORT_ORDER } sort_kind_t;

/* Bytes; -1: too many. */
int64_t compute_sort_scratch(const crew_t *crew, sort_kind_t kind, const nd_t *in, int axis);
/* out (same dtype and shape) = in sorted along axis.  NO_MEMORY. */
int compute_sort(crew_t *crew, const nd_t *in, int axis, const nd_t *out, char *scratch, err_t *err);
/* out (int64, same shape) = base + the positions along axis of the elements in their order.  NO_MEMORY. */
int compute_argsort(crew_t *crew, const nd_t *in, int axis, int64_t base, const nd_t *out, char *scratch, err_t *err);

/* An array of one axis as compute_argsort orders it, of the scratch memory of SORT_ORDER: places as there, and values
 * (same dtype and shape), in which all zeros are 0.0 and all NaN one; complex numbers and what is no number keep their
 * bytes.  NO_MEMORY. */
int compute_sort_places(crew_t *crew, const nd_t *in, const nd_t *values, const nd_t *places, char *scratch,
                        err_t *err);

/* Bytes for an array of one axis; -1: too many. */
int64_t compute_merge_scratch(sort_kind_t kind, const nd_t *in);
/* out = the sorted runs of in (one axis) merged; they begin at starts[0] = 0, starts[1], ..., which rise.  starts is
 * overwritten. */
void compute_merge(crew_t *crew, const nd_t *in, int64_t *starts, int64_t runs, const nd_t *out, char *scratch);
/* out (int64) = places (int64), to which each run adds a number of its own (wrapping), in the order of the runs of
 * values beside them, of equal ones those of earlier runs first. */
void compute_merge_order(crew_t *crew, const nd_t *values, const nd_t *places, int64_t *starts, const int64_t *added,
                         int64_t runs, const nd_t *out, char *scratch);

#endif
