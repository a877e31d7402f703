/* engine/runner/run/tree.h - states combined two by two, always in the same tree, whoever computed them.
 *
 * The tree over n items: the first 2^k, the largest such number below n, with the rest.  Items come in order; what is
 * held meanwhile is one item for each size of a subtree.  An item is a row of neighbouring states.  Thread rule: one
 * thread at a time. */
#ifndef FH_ENGINE_RUNNER_RUN_TREE_H
#define FH_ENGINE_RUNNER_RUN_TREE_H

#include "engine/runner/kernel_code.h"

typedef struct {
    fold_combine_fn combine;
    char *memory; /* borrowed */
    int64_t states, row_bytes;
    int64_t count; /* items so far */
    int held;
} tree_t;

/* Rows that a tree over so many items needs memory for. */
int tree_depth(int64_t items);
/* states of state_bytes in a row; memory: tree_depth(items) rows, 16-byte aligned. */
void tree_init(tree_t *self, fold_combine_fn combine, char *memory, int64_t states, int64_t state_bytes);
/* Where the next item is to be put; tree_push when it is there. */
char *tree_next(const tree_t *self);
void tree_push(tree_t *self);
/* Combine what is held; the row, NULL if there were no items.  The tree is empty afterwards; the row is good until the
 * next item. */
char *tree_take(tree_t *self);

#endif
