/* engine/compute/reduce_tree.h - the tree of codecs/reduction.h over the blocks of a reduction, for one thread. */
#ifndef FH_ENGINE_COMPUTE_REDUCE_TREE_H
#define FH_ENGINE_COMPUTE_REDUCE_TREE_H

#include "engine/compute/fold.h"

#include <string.h>

/* A pairwise tree over blocks that come in order: like a binary counter, level i holds the result of 2**i blocks. */
typedef struct {
    const fold_t *fold;
    int64_t count, width; /* blocks so far; results that are built side by side */
    int64_t level_bytes;
    char *levels;
} tree_t;

/* block holds width results of 2**level blocks, as many of which are a multiple of that so far. */
static inline void
tree_add(tree_t *self, const char *block, int level)
{
    int64_t blocks = INT64_C(1) << level;
    for (; self->count >> level & 1; level++) {
        char *earlier = self->levels + level * self->level_bytes;
        self->fold->merge(earlier, block, self->width);
        block = earlier;
    }
    memcpy(self->levels + level * self->level_bytes, block, (size_t)self->level_bytes);
    self->count += blocks;
}

static inline void
tree_finish(const tree_t *self, char *ret)
{
    bool begun = false;
    for (int level = 0; self->count >> level != 0; level++) {
        char *block = self->levels + level * self->level_bytes;
        if (!(self->count >> level & 1))
            continue;
        if (begun)
            self->fold->merge(block, ret, self->width);
        memcpy(ret, block, (size_t)self->level_bytes);
        begun = true;
    }
}

#endif
