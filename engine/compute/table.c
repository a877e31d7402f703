/* Finds loops: those for this processor, by operation and dtypes. */
#include "engine/compute/bins.h"
#include "engine/compute/fold.h"
#include "engine/compute/loops.h"
#include "engine/compute/strip.h"

#include <pthread.h>
#include <string.h>

enum { BASELINE, WIDE, WIDEST, VARIANTS, MAX_ENTRIES = 2048, MAX_STEPS = 1024 };

#define BASELINE_TABLE(name) LOOPS_NAME(baseline, name),
#define WIDE_TABLE(name) LOOPS_NAME(wide, name),

static const struct {
    loop_table_fn tables[8];
    loop_fn (*cast)(dtype_t from, dtype_t to);
    const fold_t *(*folds)(void);
    const pick_t *(*picks)(void);
    bins_far_fn *bins;
    const strip_table_t *(*strips)(void);
} variants[VARIANTS] = {
    [BASELINE] = {{LOOPS_FILES(BASELINE_TABLE) NULL},
                  LOOPS_NAME(baseline, cast),
                  LOOPS_NAME(baseline, folds),
                  LOOPS_NAME(baseline, picks),
                  LOOPS_NAME(baseline, bins),
                  NULL},
#ifdef FH_LOOPS_WIDE
    [WIDE] = {{LOOPS_FILES(WIDE_TABLE) NULL},
              LOOPS_NAME(wide, cast),
              LOOPS_NAME(wide, folds),
              LOOPS_NAME(wide, picks),
              LOOPS_NAME(wide, bins),
              LOOPS_NAME(wide, strips)},
    /* The widest vectors pay where there is much to compute. */
    [WIDEST] = {{LOOPS_NAME(wide, integer), LOOPS_NAME(wide, compare), LOOPS_NAME(wide, float),
                 LOOPS_NAME(wide, divide), LOOPS_NAME(widest, math), LOOPS_NAME(widest, sleef),
                 LOOPS_NAME(wide, complex), NULL},
                LOOPS_NAME(wide, cast),
                LOOPS_NAME(wide, folds),
                LOOPS_NAME(wide, picks),
                LOOPS_NAME(wide, bins),
                LOOPS_NAME(widest, strips)},
#endif
};

/* The chosen variant's steps, those of a kind and dtype at [strip_first[kind][dtype], strip_first[kind][dtype + 1]). */
static const strip_row_t *strip_sorted[MAX_STEPS];
static int strip_first[STRIP_KINDS][DTYPE_COUNT + 1];

/* All entries of the chosen variant, those of operation i at [first[i], first[i + 1]). */
static const loop_entry_t *sorted[MAX_ENTRIES];
static int first[OP_COUNT + 1];
static int variant;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int
choose_variant(void)
{
#ifdef FH_LOOPS_WIDE
    if (__builtin_cpu_supports("x86-64-v4"))
        return WIDEST;
    if (__builtin_cpu_supports("x86-64-v3"))
        return WIDE;
#endif
    return BASELINE;
}

static int
sort_steps_of(const strip_table_t *table, int kind, int dtype, int count)
{
    for (int i = 0; i < STRIP_TABLES; i++)
        for (const strip_row_t *row = table->rows[i](); row != NULL; row = row->kind == STRIP_END ? NULL : row + 1)
            if (row->kind == kind && row->dtype == dtype && row->near != NULL && count < MAX_STEPS)
                strip_sorted[count++] = row;
    return count;
}

static void
sort_steps(const strip_table_t *table)
{
    int count = 0;
    for (int kind = 0; kind < STRIP_KINDS; kind++)
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            strip_first[kind][dtype] = count;
            count = sort_steps_of(table, kind, dtype, count);
            strip_first[kind][dtype + 1] = count;
        }
}

static void
sort_entries(void)
{
    int count = 0;
    variant = choose_variant();
    if (variants[variant].strips != NULL)
        sort_steps(variants[variant].strips());
    for (int op = 0; op < OP_COUNT; op++) {
        first[op] = count;
        for (const loop_table_fn *table = variants[variant].tables; *table != NULL; table++)
            for (const loop_entry_t *entry = (*table)(); entry->fn != NULL && count < MAX_ENTRIES; entry++)
                if (entry->op == op)
                    sorted[count++] = entry;
    }
    first[OP_COUNT] = count;
}

static bool
same_dtypes(const loop_entry_t *entry, const op_loop_t *loop)
{
    for (int i = 0; i < OP_MAX_IN; i++)
        if (entry->in[i] != loop->in[i])
            return false;
    for (int i = 0; i < OP_MAX_OUT; i++)
        if (entry->out[i] != loop->out[i])
            return false;
    return true;
}

loop_fn
loop_find(const op_t *op, const op_loop_t *loop)
{
    pthread_once(&once, sort_entries);
    if (op->code == OP_CAST) /* inputs are in the loop's dtype by then */
        return loop->in[0] == loop->out[0] ? cast_find(loop->in[0], loop->out[0]) : NULL;
    for (int i = first[op->code]; i < first[op->code + 1]; i++)
        if (same_dtypes(sorted[i], loop))
            return sorted[i]->fn;
    return NULL;
}

loop_fn
cast_find(dtype_t from, dtype_t to)
{
    pthread_once(&once, sort_entries);
    return variants[variant].cast(from, to);
}

/* The dtype that elements are folded in, where results have dtype out: integers of all widths wrap alike in 64 bits,
 * float16 is added up in float32. */
static dtype_t
item_for(reduce_t reduce, dtype_t out)
{
    bool wraps = reduce == REDUCE_SUM || reduce == REDUCE_PROD || reduce == REDUCE_BIT_AND || reduce == REDUCE_BIT_OR ||
                 reduce == REDUCE_BIT_XOR;
    char kind = dtype_kind(out);
    if (reduce == REDUCE_ANY || reduce == REDUCE_ALL || reduce == REDUCE_COUNT)
        return DTYPE_BOOL;
    if (out == DTYPE_FLOAT16)
        return DTYPE_FLOAT32;
    if (wraps && (kind == 'b' || kind == 'i' || kind == 'u'))
        return DTYPE_INT64;
    return out == DTYPE_BOOL ? DTYPE_UINT8 : out;
}

const fold_t *
fold_find(reduce_t reduce, dtype_t out)
{
    pthread_once(&once, sort_entries);
    if (out == DTYPE_BOOL && (reduce == REDUCE_SUM || reduce == REDUCE_PROD))
        reduce = reduce == REDUCE_SUM ? REDUCE_ANY : REDUCE_ALL;
    dtype_t item = item_for(reduce, out);
    for (const fold_t *fold = variants[variant].folds(); fold->row != NULL; fold++)
        if (fold->reduce == reduce && fold->item == item)
            return fold;
    return NULL;
}

const pick_t *
pick_find(reduce_t reduce, dtype_t item)
{
    pthread_once(&once, sort_entries);
    for (const pick_t *pick = variants[variant].picks(); pick->better != NULL; pick++)
        if (pick->reduce == reduce && pick->item == item)
            return pick;
    return NULL;
}

bins_far_fn *
bins_far(void)
{
    pthread_once(&once, sort_entries);
    return variants[variant].bins;
}

const strip_table_t *
strip_table(void)
{
    pthread_once(&once, sort_entries);
    return variants[variant].strips != NULL ? variants[variant].strips() : NULL;
}

const strip_row_t *
strip_find(strip_kind_t kind, int op, dtype_t dtype, dtype_t other)
{
    if (strip_table() == NULL || dtype >= DTYPE_COUNT)
        return NULL;
    for (int i = strip_first[kind][dtype]; i < strip_first[kind][dtype + 1]; i++)
        if (strip_sorted[i]->op == op && strip_sorted[i]->other == (uint8_t)other)
            return strip_sorted[i];
    return NULL;
}
