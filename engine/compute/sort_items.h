/* engine/compute/sort_items.h - engine/compute/sort.h for elements of a size of their own: bytes, str, void.
 *
 * Bytes and void are in the order of their bytes, str in that of their characters; equal ones keep their order.  What
 * is sorted are keys: the beginning of an element as a number, and its place. */
#ifndef FH_ENGINE_COMPUTE_SORT_ITEMS_H
#define FH_ENGINE_COMPUTE_SORT_ITEMS_H

#include "engine/compute/sort.h"

/* Bytes of scratch; -1: too many. */
int64_t sort_items_scratch(const nd_t *in, int axis);
/* SORT_VALUES: out (same dtype and shape) = in sorted along axis.  SORT_ORDER: out (int64) = base + the positions.  in
 * and out share no memory. */
void sort_items(crew_t *crew, sort_kind_t kind, const nd_t *in, int axis, int64_t base, const nd_t *out, char *scratch);

#endif
