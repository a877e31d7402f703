/* base/clock.h - monotonic time and deadlines.  Nothing in farhand measures time with the wall clock. */
#ifndef FH_BASE_CLOCK_H
#define FH_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t clock_now_ns(void);
/* The same clock as it was at the last tick of the system, some milliseconds ago: a tenth of the cost, for what happens
 * often and need not be exact. */
int64_t clock_coarse_ns(void);
/* The moment timeout_s seconds from now in ns; INT64_MAX for a negative or infinite timeout. */
int64_t clock_deadline(double timeout_s);
/* Milliseconds until the deadline, rounded up, for poll(2): 0 when past, at most max_ms. */
int clock_remaining_ms(int64_t deadline_ns, int max_ms);

#endif
