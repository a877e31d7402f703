/* engine/runner/run/walk.h - the order in which an elementwise call goes through its arrays.
 *
 * Axes are sorted for the memory of one output and merged, so that most calls become one long row.  Elements have
 * positions in that order; indices and C order are found from positions.  Plain memory; read by any thread. */
#ifndef FH_ENGINE_RUNNER_RUN_WALK_H
#define FH_ENGINE_RUNNER_RUN_WALK_H

#include "codecs/shape.h"
#include "engine/kernel.h"

enum { WALK_MAX = KERNEL_MAX_ARGS + KERNEL_MAX_OUT + 1 }; /* operands: inputs, outputs, mask */

typedef struct {
    int operands;
    int64_t count;
    int ndim; /* at least 1 */
    int64_t extent[SHAPE_MAX_DIMS];
    char *data[WALK_MAX];
    int64_t stride[WALK_MAX][SHAPE_MAX_DIMS];
    /* The axes before they were merged: extents, numbers in the shape, whether they are walked backwards. */
    int axes;
    int64_t full[SHAPE_MAX_DIMS];
    int axis[SHAPE_MAX_DIMS];
    bool down[SHAPE_MAX_DIMS];
    bool c_order; /* positions count in C order of the shape */
    shape_t shape;
} walk_t;

/* All operands have been broadcast to one shape.  Operand lead decides the order. */
void walk_init(walk_t *self, const nd_t *operand, int operands, int lead);
/* Where the element at a position lies in each operand. */
void walk_seek(const walk_t *self, int64_t position, char **ret_data);
/* An operand as an array of the walk's shape: what strided_pack takes parts of. */
void walk_view(const walk_t *self, int operand, dtype_t dtype, nd_t *ret);
/* Index of the element at a position, by axis of the shape. */
void walk_index(const walk_t *self, int64_t position, int64_t *ret_index);
/* Numbers in C order, first to last - 1, that n elements from a position on lie between. */
void walk_range(const walk_t *self, int64_t position, int64_t n, int64_t *ret_first, int64_t *ret_last);

#endif
