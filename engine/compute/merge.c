#include "engine/compute/merge.h"

#include <stdlib.h>
#include <string.h>

enum {
    MERGE_FEW = 16,         /* elements that insertion sort takes */
    MERGE_BLOCK = 64 << 10, /* elements that a thread merges at a time */
};

#define PLAIN_LESS(x, y) ((x) < (y))
#define KEY_LESS(x, y) ((x).key < (y).key)

/* NaN in the real part weighs more than in the imaginary one; among numbers with NaN in the same places what is left of
 * them decides. */
#define COMPLEX_LESS(T, R, real, imag)                                                                                 \
    static bool T##_less(R _Complex x, R _Complex y)                                                                   \
    {                                                                                                                  \
        R xr = real(x), xi = imag(x), yr = real(y), yi = imag(y);                                                      \
        int x_nan = 2 * (xr != xr) + (xi != xi), y_nan = 2 * (yr != yr) + (yi != yi);                                  \
        if (x_nan != y_nan)                                                                                            \
            return x_nan < y_nan;                                                                                      \
        return xr < yr || (!(yr < xr) && xi < yi);                                                                     \
    }
COMPLEX_LESS(complex64, float, __real__, __imag__)
COMPLEX_LESS(complex128, double, __real__, __imag__)

#define MERGE_T uint8_t
#define MERGE_LESS(x, y) PLAIN_LESS(x, y)
#define MERGE_NAME(name) merge_u8_##name
#include "engine/compute/merge_body.inc"

#define MERGE_T uint16_t
#define MERGE_LESS(x, y) PLAIN_LESS(x, y)
#define MERGE_NAME(name) merge_u16_##name
#include "engine/compute/merge_body.inc"

#define MERGE_T uint32_t
#define MERGE_LESS(x, y) PLAIN_LESS(x, y)
#define MERGE_NAME(name) merge_u32_##name
#include "engine/compute/merge_body.inc"

#define MERGE_T uint64_t
#define MERGE_LESS(x, y) PLAIN_LESS(x, y)
#define MERGE_NAME(name) merge_u64_##name
#include "engine/compute/merge_body.inc"

#define MERGE_T radix_pair_t
#define MERGE_LESS(x, y) KEY_LESS(x, y)
#define MERGE_NAME(name) merge_pair_##name
#include "engine/compute/merge_body.inc"

#define MERGE_T float _Complex
#define MERGE_LESS(x, y) complex64_less(x, y)
#define MERGE_NAME(name) merge_complex64_##name
#include "engine/compute/merge_body.inc"

#define MERGE_T double _Complex
#define MERGE_LESS(x, y) complex128_less(x, y)
#define MERGE_NAME(name) merge_complex128_##name
#include "engine/compute/merge_body.inc"

#define MERGE_T merge_complex64_t
#define MERGE_LESS(x, y) complex64_less((x).key, (y).key)
#define MERGE_NAME(name) merge_complex64_pair_##name
#include "engine/compute/merge_body.inc"

#define MERGE_T merge_complex128_t
#define MERGE_LESS(x, y) complex128_less((x).key, (y).key)
#define MERGE_NAME(name) merge_complex128_pair_##name
#include "engine/compute/merge_body.inc"

/* ---- with a crew ---------------------------------------------------------------------------------------------------
 */

typedef struct {
    const merge_steps_t *steps;
    char *from, *to;
    const int64_t *starts;
    int64_t n, runs;
    int64_t begin, first, second; /* the two runs that are merged */
} merge_job_t;

static int64_t
run_end(const merge_job_t *job, int64_t run)
{
    return run + 1 < job->runs ? job->starts[run + 1] : job->n;
}

static void
merge_part(void *context, int64_t i)
{
    const merge_job_t *job = context;
    int64_t n = job->first + job->second, low = i * MERGE_BLOCK;
    int64_t high = low + MERGE_BLOCK < n ? low + MERGE_BLOCK : n;
    merge_block_t block = {job->from, job->to, job->begin, job->first, job->second, low, high};
    job->steps->block(&block);
}

static void
copy_part(void *context, int64_t i)
{
    const merge_job_t *job = context;
    int64_t size = job->steps->size, low = i * MERGE_BLOCK;
    int64_t high = low + MERGE_BLOCK < job->n ? low + MERGE_BLOCK : job->n;
    memcpy(job->to + low * size, job->from + low * size, (size_t)((high - low) * size));
}

void
merge_runs(crew_t *crew, const merge_steps_t *steps, void *a, void *b, int64_t n, int64_t *starts, int64_t runs)
{
    merge_job_t job = {.steps = steps, .from = a, .to = b, .starts = starts, .n = n, .runs = runs};
    while (job.runs > 1) {
        for (int64_t run = 0; run < job.runs; run += 2) {
            job.begin = starts[run];
            job.first = run_end(&job, run) - job.begin;
            job.second = run + 1 < job.runs ? run_end(&job, run + 1) - starts[run + 1] : 0;
            crew_run(crew, (job.first + job.second + MERGE_BLOCK - 1) / MERGE_BLOCK, merge_part, &job);
        }
        for (int64_t run = 0; run < job.runs; run += 2)
            starts[run / 2] = starts[run];
        job.runs = (job.runs + 1) / 2;
        char *other = job.from;
        job.from = job.to;
        job.to = other;
    }
    if (job.from != (char *)a)
        crew_run(crew, (n + MERGE_BLOCK - 1) / MERGE_BLOCK, copy_part, &job);
}

static void
sort_part(void *context, int64_t i)
{
    const merge_job_t *job = context;
    int64_t size = job->steps->size, start = job->starts[i];
    job->steps->sort_alone(job->from + start * size, job->to + start * size, run_end(job, i) - start);
}

int
merge_sort(crew_t *crew, const merge_steps_t *steps, void *a, void *b, int64_t n, err_t *err)
{
    int64_t runs = n > MERGE_BLOCK ? crew_threads(crew) : 1;
    if (runs == 1) {
        steps->sort_alone(a, b, n);
        return FH_OK;
    }
    int64_t *starts = malloc((size_t)runs * sizeof *starts);
    if (!starts)
        return err_set(err, FH_NO_MEMORY, "no memory to sort %lld elements", (long long)n);
    for (int64_t i = 0; i < runs; i++)
        starts[i] = i * n / runs;
    merge_job_t job = {.steps = steps, .from = a, .to = b, .starts = starts, .n = n, .runs = runs};
    crew_run(crew, runs, sort_part, &job);
    merge_runs(crew, steps, a, b, n, starts, runs);
    free(starts);
    return FH_OK;
}
