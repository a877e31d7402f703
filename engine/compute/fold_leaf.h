/* engine/compute/fold_leaf.h - leaves of results that lie side by side: one after the other, rows of elements become
 * one row of results. */
#ifndef FH_ENGINE_COMPUTE_FOLD_LEAF_H
#define FH_ENGINE_COMPUTE_FOLD_LEAF_H

#include "engine/compute/fold.h"

typedef struct {
    const fold_t *fold;
    loop_fn widen;       /* fold->item to fold->total */
    int64_t item, total; /* bytes of an element, and of a result */
    int64_t width;       /* results */
} fold_leaf_t;

/* ret = rows (at most REDUCTION_LEAF) folded as a leaf: element j of row i lies at from + j * step + i * down.  ahead:
 * what lies behind these rows is folded next, and is not in the cache. */
void fold_leaf(const fold_leaf_t *self, const char *from, int64_t step, int64_t down, int64_t rows, bool ahead,
               char *ret);

#endif
