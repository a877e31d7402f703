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
/* We ourselves were away (stopped, suspended) for away_ns and could hear nobody: that time does not count. */
void lease_forgive(lease_t *self, int64_t away_ns);
/* How long we were away, if a turn that was due at due_ns begins only now; 0 for a delay of up to tolerance_ns. */
int64_t lease_away(int64_t due_ns, int64_t now_ns, int64_t tolerance_ns);

#endif
