/* engine/compute/merge.h - merging sorted runs, and merge sort for elements that have no key of 64 bits.
 * All of it is stable and does not depend on the number of threads. */
#ifndef FH_ENGINE_COMPUTE_MERGE_H
#define FH_ENGINE_COMPUTE_MERGE_H

#include "engine/compute/radix.h"

/* Complex numbers with their place; they are ordered as NumPy does: by their real parts, then the imaginary ones; those
 * with NaN behind all others, first those with an imaginary NaN only. */
typedef struct {
    float _Complex key;
    int64_t index;
} merge_complex64_t;
typedef struct {
    double _Complex key;
    int64_t index;
} merge_complex128_t;

/* Outputs [low, high) of two runs of from, of first and second elements, that lie one behind the other from start on.
 */
typedef struct {
    const void *from;
    void *to;
    int64_t start, first, second, low, high;
} merge_block_t;

/* One type of element. */
typedef struct {
    int64_t size;
    void (*block)(const merge_block_t *block);
    void (*sort_alone)(void *a, void *b, int64_t n);
} merge_steps_t;

extern const merge_steps_t merge_u8_steps, merge_u16_steps, merge_u32_steps, merge_u64_steps, merge_pair_steps,
    merge_complex64_steps, merge_complex128_steps, merge_complex64_pair_steps, merge_complex128_pair_steps;

/* Merge the runs of a that begin at starts[0] = 0, starts[1], ... (which rise) and end at the next one's start or n.
 * starts is overwritten. The result is in a; b has room for as many elements. */
void merge_runs(crew_t *crew, const merge_steps_t *steps, void *a, void *b, int64_t n, int64_t *starts, int64_t runs);
/* Sort a[0..n).  NO_MEMORY, with a as it was. */
int merge_sort(crew_t *crew, const merge_steps_t *steps, void *a, void *b, int64_t n, err_t *err);

#endif
