/* engine/compute/fold.h - what reductions share: kernels that fold elements together, and how an array is cut up for
 * them.
 *
 * Reduced positions are cut into segments of a fixed number, counted in the whole array; each segment is folded by
 * itself, and the segments' results are folded pairwise: the tree of codecs/reduction.h.  Nothing of that depends on
 * the number of threads, on strides, or on which results are built side by side. */
#ifndef FH_ENGINE_COMPUTE_FOLD_H
#define FH_ENGINE_COMPUTE_FOLD_H

#include "codecs/reduction.h"
#include "engine/compute/compute.h"
#include "engine/compute/loops.h"

enum {
    FOLD_ROW = 1024, /* most elements of one call of row */
    FOLD_SPAN_LEVEL = 4,
    FOLD_SPAN = FOLD_ROW << FOLD_SPAN_LEVEL, /* most elements that a source folds at once */
    FOLD_STRANDS = 8,                        /* that the elements of a leaf are dealt out to; part of the bits */
    FOLD_PASSES = 4,                         /* over the rows of a leaf */
    FOLD_LANES = 2048,                       /* most results that are built side by side: */
    FOLD_LANE_BYTES = 8 << 10,               /* and most bytes of them */
    FOLD_SEGMENT = 1 << 16,
    FOLD_LEVELS = 18, /* of a pairwise tree over a segment */
    FOLD_ELEMENT_MAX = 16,
    FOLD_OPERANDS = 16, /* arrays that what is reduced is computed from */
};

/* How elements of one dtype are folded. */
typedef struct {
    uint8_t reduce, item, total; /* reduce_t; dtype of the elements; dtype of the results */
    /* *ret = all n >= 1 elements folded, as the tree says if they begin with a leaf. */
    void (*row)(void *ret, const char *p, int64_t step, int64_t n);
    /* acc[j] folded with element j of p, for n of them; acc lies close. */
    void (*lanes)(char *acc, const char *p, int64_t step, int64_t n);
    /* A pass of FOLD_PASSES over a whole leaf of rows, down bytes apart, of n elements that lie close: after the last
     * one acc has the results, before that acc and spare what the passes so far gave.  false: it cannot fold these
     * (NaN), lanes can. */
    bool (*pass)(int pass, char *acc, char *spare, const char *p, int64_t down, int64_t n);
    /* node[0] = n >= 1 results of leaves, in their order, folded as the tree says; NULL: no order counts. */
    void (*nodes)(void *node, int64_t n);
    /* acc[j] folded with more[j], both results. */
    void (*merge)(char *acc, const char *more, int64_t n);
} fold_t;

/* The kernels of a reduction whose result has dtype out; NULL if there are none. */
const fold_t *fold_find(reduce_t reduce, dtype_t out);

/* Is candidate better than best, for argmin and argmax?  NaN is the best of all.  first: the first of n elements of p
 * that best is not better than; n: none.  lanes: the same as better for n elements of p beside n best ones, where[j]
 * becomes i.  Elements of p lie close. */
typedef struct {
    uint8_t reduce, item; /* REDUCE_ARGMIN or REDUCE_ARGMAX */
    bool (*better)(const void *candidate, const void *best);
    int64_t (*first)(const char *p, int64_t n, const void *best);
    void (*lanes)(char *best, int64_t *where, const char *p, int64_t n, int64_t i);
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

/* Axes outermost first, merged where strides allow. */
typedef struct {
    int n;
    int64_t extent[SHAPE_MAX_DIMS], out[SHAPE_MAX_DIMS]; /* extents, strides of the result */
    int64_t in[FOLD_OPERANDS][SHAPE_MAX_DIMS];           /* strides of the operands */
} fold_axes_t;

/* Kept axes and reduced axes apart. */
typedef struct {
    int operands;
    char *data[FOLD_OPERANDS];
    fold_axes_t kept, reduced;
    int64_t kept_count, reduced_count;
    bool lanes;              /* build results side by side, else one after the other */
    int64_t first, segments; /* first reduced position, counted in the whole; of FOLD_SEGMENT positions */
    int64_t block, blocks;   /* kept positions that one part works on */
} fold_plan_t;

/* in: operands arrays of one shape (broadcast).  out has the same number of dimensions, the reduced ones with extent 1,
 * or lacks these.  in_order: reduced positions must be walked in C order.  first: see above.  INVALID_ARGUMENT where
 * out's shape does not fit. */
int fold_plan(fold_plan_t *self, const nd_t *in, int operands, uint32_t axes, const nd_t *out, bool in_order,
              int64_t first, err_t *err);
/* How many results of so many bytes are built side by side. */
int64_t fold_lane_limit(int64_t bytes);
/* First elements of a kept position, and how many positions behind it lie on the same row (at most limit). */
void fold_kept(const fold_plan_t *self, int64_t k, int64_t limit, char **ret_data, int64_t *ret_run);
/* The positions of segment i: where it begins, counted from the first, and how many there are. */
int64_t fold_segment(const fold_plan_t *self, int64_t i, int64_t *ret_count);
/* Steps of all operands along the innermost axis. */
void fold_steps(const fold_plan_t *self, const fold_axes_t *axes, int64_t *ret);
/* The results, in the plan's order and lying close, go to out. */
int fold_store(crew_t *crew, const fold_plan_t *self, void *results, dtype_t dtype, const nd_t *out, err_t *err);

/* Walking reduced positions from some position on. */
typedef struct {
    int64_t at[SHAPE_MAX_DIMS];
    int64_t offset[FOLD_OPERANDS]; /* bytes */
} fold_walk_t;
void fold_walk_start(const fold_plan_t *plan, fold_walk_t *walk, int64_t position);
/* Positions left on the innermost row; go ahead by n of them (n at most that). */
int64_t fold_walk_left(const fold_plan_t *plan, const fold_walk_t *walk);
void fold_walk_next(const fold_plan_t *plan, fold_walk_t *walk, int64_t n);

#endif
