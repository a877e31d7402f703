/* tests/bench/measure.h - medians, seconds, and the lines that run.py reads. */
#ifndef FH_TESTS_BENCH_MEASURE_H
#define FH_TESTS_BENCH_MEASURE_H

#include <stdint.h>

/* Sorts the values. */
double measure_median(double *values, int count);
/* Since a time of clock_now_ns. */
double measure_seconds(int64_t began);
/* One JSON line; limit 0: there is none. */
void measure_print(const char *bench, const char *name, double value, const char *unit, double limit,
                   const char *limit_name);

#endif
