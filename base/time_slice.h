/* base/time_slice.h - how long a thread may run before others get their turn, and with that how soon it gets its own.
 *
 * Linux 6.12 and later take a slice for each thread of the ordinary policy, without privileges: a thread with a shorter
 * slice that wakes runs before one with a longer slice that computes, in exchange for being interrupted sooner.  It
 * gets no more of the processor than before.  Elsewhere nothing changes. */
#ifndef FH_BASE_TIME_SLICE_H
#define FH_BASE_TIME_SLICE_H

#include <stdbool.h>
#include <stdint.h>

/* For the calling thread, and what it starts from then on; ns 0: the system's own.  Linux takes 0.1 to 100 ms.  False:
 * this system has no such slices; all is as it was. */
bool time_slice_set(int64_t ns);

#endif
