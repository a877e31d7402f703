/* tests/bench/native_loops.h - what a C program with two threads does: the limits of kernel_client. */
#ifndef FH_TESTS_BENCH_NATIVE_LOOPS_H
#define FH_TESTS_BENCH_NATIVE_LOOPS_H

#include <stdint.h>

/* False: built without OpenMP; nothing was done. */
int native_has_openmp(void);
/* All with 2 threads.  out = x * y + z, past the cache. */
void native_fma(const double *x, const double *y, const double *z, double *out, int64_t n);
void native_diffuse(const double *in, double *out, int64_t rows, int64_t columns);
/* Fill with a value; pages are touched by the threads that will work on them. */
void native_fill(double *out, double value, int64_t n);

#endif
