#include "engine/compute/radix.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    RADIX_FEW = 24,        /* elements that insertion sort takes */
    RADIX_DIGITS = 256,    /* values of a digit at most */
    RADIX_SMALL = 1 << 14, /* with a crew, ranges of fewer elements are not cut */
    RADIX_BLOCKS = 4,      /* for each thread */
};

/* Elements [start, start + n) agree in all bits from top on; they lie in b, else in a. */
typedef struct {
    int64_t start, n;
    int top;
    bool in_b;
} radix_range_t;

/* What the threads share. */
typedef struct {
    const void *from; /* the range that is cut up */
    void *to;
    int64_t n, blocks;
    int shift, bits;
    int64_t *counts; /* RADIX_DIGITS of each block */
    atomic_uint_fast64_t differ;
    void *a, *b; /* all elements, and room for them */
    const radix_range_t *ranges;
} radix_job_t;

/* The parts of the work for one type of element. */
typedef struct {
    int64_t size;
    int bits;
    void (*differ)(void *context, int64_t i);
    void (*count)(void *context, int64_t i);
    void (*scatter)(void *context, int64_t i);
    void (*range)(void *context, int64_t i);
} radix_steps_t;

/* How many bits the next digit has: about as many values as elements. */
static int
radix_digit(int64_t n, int top)
{
    int bits = 61 - __builtin_clzll((unsigned long long)n);
    bits = bits > 8 ? 8 : bits;
    return bits < top ? bits : top;
}

#define RADIX_T uint8_t
#define RADIX_KEY(e) (e)
#define RADIX_BITS 8
#define RADIX_NAME(name) radix_u8_##name
#include "engine/compute/radix_body.inc"

#define RADIX_T uint16_t
#define RADIX_KEY(e) (e)
#define RADIX_BITS 16
#define RADIX_NAME(name) radix_u16_##name
#include "engine/compute/radix_body.inc"

#define RADIX_T uint32_t
#define RADIX_KEY(e) (e)
#define RADIX_BITS 32
#define RADIX_NAME(name) radix_u32_##name
#include "engine/compute/radix_body.inc"

#define RADIX_T uint64_t
#define RADIX_KEY(e) (e)
#define RADIX_BITS 64
#define RADIX_NAME(name) radix_u64_##name
#include "engine/compute/radix_body.inc"

#define RADIX_T radix_pair_t
#define RADIX_KEY(e) ((e).key)
#define RADIX_BITS 64
#define RADIX_NAME(name) radix_pair_##name
#include "engine/compute/radix_body.inc"

/* ---- with a crew ---------------------------------------------------------------------------------------------------
 */

/* Ranges that grow as they are found. */
typedef struct {
    radix_range_t *items;
    int64_t n, room;
} ranges_t;

static bool
ranges_add(ranges_t *self, radix_range_t range)
{
    if (self->n == self->room) {
        int64_t room = self->room ? 2 * self->room : 1024;
        radix_range_t *items = realloc(self->items, (size_t)room * sizeof *items);
        if (!items)
            return false;
        self->items = items;
        self->room = room;
    }
    self->items[self->n++] = range;
    return true;
}

/* Counts of the blocks become places: digit by digit, block by block. */
static void
places(const radix_job_t *job)
{
    int64_t sum = 0;
    for (int d = 0; d < 1 << job->bits; d++) {
        for (int64_t i = 0; i < job->blocks; i++) {
            int64_t *count = &job->counts[i * RADIX_DIGITS + d], now = *count;
            *count = sum;
            sum += now;
        }
    }
}

/* All threads scatter one range by its next digit; what it falls into goes to `found`. */
static bool
cut_range(crew_t *crew, radix_job_t *job, const radix_steps_t *steps, radix_range_t range, ranges_t *found)
{
    char *a = (char *)job->a + range.start * steps->size, *b = (char *)job->b + range.start * steps->size;
    job->from = range.in_b ? b : a;
    job->to = range.in_b ? a : b;
    job->n = range.n;
    atomic_store(&job->differ, 0);
    crew_run(crew, job->blocks, steps->differ, job);
    uint64_t differ = atomic_load(&job->differ);
    int top = differ ? 64 - __builtin_clzll((unsigned long long)differ) : 0;
    range.top = top < range.top ? top : range.top;
    if (range.top == 0)
        return ranges_add(found, range);
    job->bits = radix_digit(range.n, range.top);
    job->shift = range.top - job->bits;
    crew_run(crew, job->blocks, steps->count, job);
    places(job);
    crew_run(crew, job->blocks, steps->scatter, job);
    /* the places of the last block are now the ends */
    const int64_t *ends = job->counts + (job->blocks - 1) * RADIX_DIGITS;
    int64_t start = 0;
    for (int d = 0; d < 1 << job->bits; d++) {
        radix_range_t part = {range.start + start, ends[d] - start, job->shift, !range.in_b};
        start = ends[d];
        if (part.n > 0 && !ranges_add(found, part))
            return false;
    }
    return true;
}

static int
larger_first(const void *a, const void *b)
{
    int64_t x = ((const radix_range_t *)a)->n, y = ((const radix_range_t *)b)->n;
    return (x < y) - (x > y);
}

/* Ranges that one thread would be too long with are cut; then each is one thread's. */
static int
radix_sort(crew_t *crew, const radix_steps_t *steps, void *a, void *b, int64_t n, err_t *err)
{
    int threads = crew_threads(crew);
    int64_t large = n / (4 * threads) > RADIX_SMALL ? n / (4 * threads) : RADIX_SMALL;
    ranges_t open = {0}, done = {0};
    radix_job_t job = {.a = a, .b = b, .blocks = RADIX_BLOCKS * threads};
    job.counts = malloc((size_t)(job.blocks * RADIX_DIGITS) * sizeof *job.counts);
    bool room = job.counts && ranges_add(&open, (radix_range_t){0, n, steps->bits, false});
    while (room && open.n > 0) {
        radix_range_t range = open.items[--open.n];
        if (range.n > large && range.top > 0)
            room = cut_range(crew, &job, steps, range, &open);
        else
            room = ranges_add(&done, range);
    }
    if (room) {
        qsort(done.items, (size_t)done.n, sizeof *done.items, larger_first);
        job.ranges = done.items;
        crew_run(crew, done.n, steps->range, &job);
    }
    free(job.counts);
    free(open.items);
    free(done.items);
    return room ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to sort %lld elements", (long long)n);
}

#define RADIX_SORT(name, T)                                                                                            \
    int radix_##name##_sort(crew_t *crew, T *a, T *b, int64_t n, err_t *err)                                           \
    {                                                                                                                  \
        if (n > RADIX_SMALL && crew_threads(crew) > 1)                                                                 \
            return radix_sort(crew, &radix_##name##_steps, a, b, n, err);                                              \
        radix_##name##_sort_alone(a, b, n);                                                                            \
        return FH_OK;                                                                                                  \
    }
RADIX_SORT(u8, uint8_t)
RADIX_SORT(u16, uint16_t)
RADIX_SORT(u32, uint32_t)
RADIX_SORT(u64, uint64_t)
RADIX_SORT(pair, radix_pair_t)
