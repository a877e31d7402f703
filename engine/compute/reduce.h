/* engine/compute/reduce.h - reductions of what is computed on the way, and of pieces.  See codecs/reduction.h. */
#ifndef FH_ENGINE_COMPUTE_REDUCE_H
#define FH_ENGINE_COMPUTE_REDUCE_H

#include "engine/compute/fold.h"

/* What is reduced: arrays of one shape (broadcast) and what is computed from them, element by element. */
typedef struct {
    int operands;
    nd_t in[FOLD_OPERANDS];
    dtype_t dtype; /* of the values */
    /* items = n values, close, from rows of the operands; NULL: the only operand itself. */
    void (*load)(const void *context, char *const *data, const int64_t *step, int64_t n, char *items);
    /* *ret = n such values folded, as fold->item, n at most FOLD_SPAN, which begin with a leaf, as the tree says;
     * false: it cannot.  May be NULL. */
    bool (*row)(const void *context, const fold_t *fold, char *const *data, const int64_t *step, int64_t n, void *ret);
    const void *context;
} reduce_source_t;

/* A piece of a larger array: along axis, its elements are those from start on of whole.  whole 0: it is all. */
typedef struct {
    int axis;
    int64_t start, whole;
} reduce_piece_t;

/* As compute_reduce, but for argmin and argmax.  Of a piece, axes ends with the group that the axis is the outermost of
 * (else INVALID_ARGUMENT), and out is the state: slots, then the axes that are kept, dtype reduction_state_dtype. */
int reduce_run(crew_t *crew, reduce_t reduce, const reduce_source_t *source, uint32_t axes, const reduce_piece_t *piece,
               const nd_t *out, err_t *err);
/* The shape of a piece's state, for the shape of the piece.  INVALID_ARGUMENT as above. */
int reduce_state_shape(const shape_t *shape, uint32_t axes, const reduce_piece_t *piece, shape_t *ret, err_t *err);

/* out = the reduction of n pieces from their states, which are contiguous and hold the positions from cuts[i] to
 * cuts[i + 1]. out's dtype is the result's, or that of states. */
int reduce_join(crew_t *crew, reduce_t reduce, dtype_t dtype, const nd_t *states, int n, const int64_t *cuts,
                const nd_t *out, err_t *err);

#endif
