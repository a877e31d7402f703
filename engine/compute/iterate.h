/* engine/compute/iterate.h - walking several strided operands at once, row by row, alone or with a crew.
 * Order is chosen for memory, not kept: only for work whose elements do not depend on one another. */
#ifndef FH_ENGINE_COMPUTE_ITERATE_H
#define FH_ENGINE_COMPUTE_ITERATE_H

#include "codecs/op.h"
#include "engine/compute/compute.h"

enum { ITERATE_MAX = 24 }; /* operands: inputs, outputs, mask; those of an expression are the most */

/* A walk that is ready: axes sorted and merged, the innermost last.  Strides in bytes.  Plain memory, borrows the data.
 */
typedef struct {
    int ndim, operands;
    int64_t count; /* elements */
    int64_t extent[SHAPE_MAX_DIMS];
    int64_t stride[ITERATE_MAX][SHAPE_MAX_DIMS];
    char *data[ITERATE_MAX];
} iterate_t;

/* A row: n elements of each operand, step bytes apart.  data may be changed by the callee. */
typedef void (*iterate_row_fn)(void *context, char **data, const int64_t *step, int64_t n);

/* Operands must have been broadcast to one shape.  Operand lead (an output) decides the order of the axes. */
void iterate_init(iterate_t *self, const nd_t *const *operand, int operands, int lead);
/* The elements [first, first + count) in the walk's order. */
void iterate_range(const iterate_t *self, int64_t first, int64_t count, iterate_row_fn row, void *context);
/* All elements, shared out over the crew in blocks of at least 64 KiB; element_bytes: of all operands together. */
void iterate_run(const iterate_t *self, crew_t *crew, int64_t element_bytes, iterate_row_fn row, void *context);
/* The size of the blocks in which work over count elements of so many bytes is shared out; count itself: not at all. */
int64_t iterate_block(const crew_t *crew, int64_t count, int64_t element_bytes);
/* May loops touch the elements as they lie? */
bool iterate_aligned(const nd_t *nd);

#endif
