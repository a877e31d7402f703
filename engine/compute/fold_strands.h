/* engine/compute/fold_strands.h - results side by side: the positions of a leaf are dealt out to FOLD_STRANDS strands,
 * each of them one row of totals, and the strands are joined when the leaf is whole. */
#ifndef FH_ENGINE_COMPUTE_FOLD_STRANDS_H
#define FH_ENGINE_COMPUTE_FOLD_STRANDS_H

#include "engine/compute/fold.h"

typedef struct {
    const fold_t *fold;
    int64_t item, total; /* bytes of an element, and of a result */
    int64_t width;       /* results */
    char *memory;        /* of the strands, one behind the other */
} fold_strands_t;

/* Whole rounds of the leaf that position `at` lies in, of n positions: element j of position i lies at
 * data + j * step + i * down.  Nothing but the first round stands before them.  How many positions they were. */
int64_t fold_strands_rounds(const fold_strands_t *self, const char *data, int64_t step, int64_t down, int64_t at,
                            int64_t n);
/* The strands of n positions become one, the first: the same tree as in a row. */
void fold_strands_join(const fold_strands_t *self, int64_t n);

#endif
