/* engine/compute/expression_blocks.h - what storing and reducing an expression share: its steps over a block.
 * Part of expression.c and expression_reduce.c. */
#ifndef FH_ENGINE_COMPUTE_EXPRESSION_BLOCKS_H
#define FH_ENGINE_COMPUTE_EXPRESSION_BLOCKS_H

#include "engine/compute/expression.h"

enum {
    EXPRESSION_ELEMENT_MAX = 16, /* bytes */
    /* so that buffers do not begin in the same sets of the cache */
    EXPRESSION_BUFFER = EXPRESSION_BLOCK * EXPRESSION_ELEMENT_MAX + 320,
    /* all values may be needed at a time; those that are not stay untouched */
    EXPRESSION_BUFFERS = OP_MAX_OUT * EXPRESSION_STEPS,
    EXPRESSION_WORTH_STRIPS = 512, /* elements that pay for a program */
};

/* What one thread computes in. */
typedef struct {
    _Alignas(64) char value[EXPRESSION_BUFFERS][EXPRESSION_BUFFER];
    _Alignas(64) char converted[OP_MAX_IN][EXPRESSION_BUFFER];
} expression_room_t;

/* Gives each value a buffer; those of the n results are theirs to the end. */
void expression_place(expression_t *self, const int *result, int n);
/* All steps over n elements, at most EXPRESSION_BLOCK.  direct[v], if there is one, is where value v lies instead of
 * its buffer.  flags (NULL: the thread's) get those of each step. */
void expression_block(const expression_t *self, char *const *data, const int64_t *step, int64_t n, char *const *direct,
                      unsigned *flags, expression_room_t *room);

#endif
