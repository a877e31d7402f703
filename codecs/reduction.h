/* codecs/reduction.h - the fixed tree of reductions of floating-point numbers, which client and engines cut alike.
 *
 * The reduced axes fall into groups, the innermost first: axes are taken together, from the last one outwards, until
 * they have REDUCTION_GROUP elements.  Each group is reduced for itself.  The elements of a group, in C order, are its
 * positions.  REDUCTION_LEAF positions, counted in the whole array, are a leaf; leaves are joined in pairs, the pairs
 * in pairs and so on; what has no partner goes up as it is.  So bits depend on shape and axes only, never on pieces,
 * threads or strides.
 *
 * A piece holds a range of positions.  Its state has one slot for each largest node of the tree that lies in the range
 * and one for each position of a leaf that lies in it in part only. Pure. */
#ifndef FH_CODECS_REDUCTION_H
#define FH_CODECS_REDUCTION_H

#include "codecs/op.h"
#include "codecs/shape.h"

enum { REDUCTION_LEAF = 32, REDUCTION_GROUP = 256 };

/* Does the order matter for the bits?  Not for integers, and not for the least and greatest (but for which zero, and
 * which NaN): they know no groups and no states. */
bool reduction_is_ordered(reduce_t reduce, dtype_t result);
/* The dtype of states of an ordered reduction with results of that dtype. */
dtype_t reduction_state_dtype(dtype_t result);
/* The groups of these axes as sets of axes, innermost first; returns how many.  shape is that of the whole array. */
int reduction_groups(const shape_t *shape, uint32_t axes, uint32_t ret[SHAPE_MAX_DIMS]);
/* The outermost axis of a group that has more than one element, or -1. */
int reduction_outermost(const shape_t *shape, uint32_t group);
/* How many positions the slot that begins at position `at` covers, in a range that ends at `end` of `whole` positions;
 * *ret_level: the node's height, 0 a leaf, or -1 for a single position of a leaf that is not all there. */
int64_t reduction_slot(int64_t at, int64_t end, int64_t whole, int *ret_level);
/* Slots of a range. */
int64_t reduction_slots(int64_t at, int64_t end, int64_t whole);

#endif
