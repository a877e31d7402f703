/* tests/bench/limits.h - bare loops and bare calls.
 *
 * Thread rule: one caller at a time.  Sizes are bytes for copies, elements for sums. */
#ifndef FH_TESTS_BENCH_LIMITS_H
#define FH_TESTS_BENCH_LIMITS_H

#include <stdint.h>

#pragma GCC visibility push(default)

/* With two threads, past the cache; below 1 MiB memcpy. */
void limits_copy(void *to, const void *from, int64_t bytes);
/* With two threads: the sum of a, of a * b + c. */
double limits_sum(const double *a, int64_t n);
double limits_fused(const double *a, const double *b, const double *c, int64_t n);
/* The elements of a where flags (0 or 1) are set, one behind the other; returns how many. */
int64_t limits_choose(double *to, const double *a, const unsigned char *flags, int64_t n);
/* n elements of a, by their indices. */
void limits_take(double *to, const double *a, const int64_t *indices, int64_t n);

/* A child that sends back what it finds in shared memory, spinning.  -1: it could not be started. */
int limits_calls_start(void);
/* n messages of 64 bytes there and back, as many at once as the ring holds.  -1: the child does not answer. */
int limits_calls(int64_t n);
void limits_calls_stop(void);

#pragma GCC visibility pop

#endif
