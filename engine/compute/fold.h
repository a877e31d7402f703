/* engine/compute/fold.h - what reductions share: kernels that fold elements together, and how an array is cut up for
 * them.
 *
 * Reduced positions are cut into segments of a fixed number; each segment is folded by itself, and the segments'
 * results are folded pairwise.  Nothing of that depends on the number of threads. */
#ifndef FH_ENGINE_COMPUTE_FOLD_H
#define FH_ENGINE_COMPUTE_FOLD_H

#include "engine/compute/compute.h"
#include "engine/compute/loops.h"

enum {
    FOLD_ROW = 1024,            /* most elements of one call of row */
    FOLD_LANES = 4096,          /* most results that are built side by side: */
    FOLD_LANE_BYTES = 32 << 10, /* and most bytes of them */
    FOLD_SEGMENT = 1 << 16,
    FOLD_LEVELS = 18, /* of a pairwise tree over a segment */
    FOLD_ELEMENT_MAX = 16,
};

/* How elements of one dtype are folded. */
typedef struct {
    uint8_t reduce, item, total; /* reduce_t; dtype of the elements; dtype of the results */
    /* *ret = all n >= 1 elements folded, pairwise where that matters. */
    void (*row)(void *ret, const char *p, int64_t step, int64_t n);
    /* acc[j] folded with element j of p, for n of them; acc lies close. */
    void (*lanes)(char *acc, const char *p, int64_t step, int64_t n);
    /* acc[j] folded with more[j], both results. */
    void (*merge)(char *acc, const char *more, int64_t n);
} fold_t;

/* The kernels of a reduction whose result has dtype out; NULL if there are none. */
const fold_t *fold_find(reduce_t reduce, dtype_t out);

/* Is candidate better than best, for argmin and argmax?  NaN is the best of all.  And the same over lanes: where[j]
 * becomes i. */
typedef struct {
    uint8_t reduce, item; /* REDUCE_ARGMIN or REDUCE_ARGMAX */
    bool (*better)(const void *candidate, const void *best);
    void (*lanes)(char *best, int64_t *where, const char *p, int64_t step, int64_t n, int64_t i);
} pick_t;
const pick_t *pick_find(reduce_t reduce, dtype_t item);

#define FOLD_TABLES(variant)                                                                                           \
    const fold_t *LOOPS_NAME(variant, folds)(void);                                                                    \
    const pick_t *LOOPS_NAME(variant, picks)(void);
FOLD_TABLES(baseline)
FOLD_TABLES(wide)
#undef FOLD_TABLES

/* --- how an array is cut up ------------------------------------------------------------------------------------------
 */

/* Kept axes and reduced axes apart, each outermost first, merged where strides allow. */
typedef struct {
    const char *data;
    int nkept, nreduced;
    int64_t kept[SHAPE_MAX_DIMS], kept_in[SHAPE_MAX_DIMS],
        kept_out[SHAPE_MAX_DIMS]; /* extents, strides of in and out */
    int64_t reduced[SHAPE_MAX_DIMS], reduced_in[SHAPE_MAX_DIMS];
    int64_t kept_count, reduced_count;
    bool lanes;            /* build results side by side, else one after the other */
    int64_t segments;      /* of FOLD_SEGMENT reduced positions */
    int64_t block, blocks; /* kept positions that one part works on */
} fold_plan_t;

/* in_order: reduced positions must be walked in C order.  INVALID_ARGUMENT where out's shape does not fit. */
int fold_plan(fold_plan_t *self, const nd_t *in, uint32_t axes, const nd_t *out, bool in_order, err_t *err);
/* How many results of so many bytes are built side by side. */
int64_t fold_lane_limit(int64_t bytes);
/* First element of a kept position, and how many positions behind it lie on the same row (at most limit). */
const char *fold_kept(const fold_plan_t *self, int64_t k, int64_t limit, int64_t *ret_run);

/* Walking reduced positions from some position on. */
typedef struct {
    int64_t at[SHAPE_MAX_DIMS];
    int64_t offset; /* bytes */
} fold_walk_t;
void fold_walk_start(const fold_plan_t *plan, fold_walk_t *walk, int64_t position);
/* Positions left on the innermost row; go ahead by n of them (n at most that). */
int64_t fold_walk_left(const fold_plan_t *plan, const fold_walk_t *walk);
void fold_walk_next(const fold_plan_t *plan, fold_walk_t *walk, int64_t n);

#endif
