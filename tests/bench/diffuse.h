/* One row of a step of diffusion: the same code in the kernel and in the loop that it is measured against. */
#ifndef FH_TESTS_BENCH_DIFFUSE_H
#define FH_TESTS_BENCH_DIFFUSE_H

#include <stdint.h>

static inline void
diffuse_row(const double *above, const double *here, const double *below, double *restrict to, int64_t columns)
{
    to[0] = here[0];
    for (int64_t k = 1; k + 1 < columns; k++)
        to[k] = here[k] + 0.1 * (above[k] + below[k] + here[k - 1] + here[k + 1] - 4 * here[k]);
    to[columns - 1] = here[columns - 1];
}

#endif
