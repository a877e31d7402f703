/* broker/lease.h - how long somebody who is silent is believed to live.  Pure: the time is passed in.
 * All times are nanoseconds of the monotonic clock, so that no change of the wall clock ends or prolongs a lease. */
#ifndef FH_BROKER_LEASE_H
#define FH_BROKER_LEASE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t due_ns;
} lease_t;

/* A lease that begins now. */
lease_t lease_begin(int64_t now_ns, int64_t term_ns);
/* A sign of life: at least term_ns from now on.  Never shortens. */
void lease_renew(lease_t *self, int64_t now_ns, int64_t term_ns);
/* The whole term has passed without a sign of life. */
bool lease_overdue(const lease_t *self, int64_t now_ns);
/* How long we ourselves were away (stopped, suspended) and could hear nobody, if a turn that was due at due_ns begins
 * only now; 0 for a delay of up to tolerance_ns.  After that, leases are to be renewed: the silence was not theirs. */
int64_t lease_away(int64_t due_ns, int64_t now_ns, int64_t tolerance_ns);

#endif
