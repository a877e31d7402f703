/* broker/lease.c - arithmetic of leases. */
#include "broker/lease.h"

static int64_t
later(int64_t now_ns, int64_t term_ns)
{
    return term_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + term_ns;
}

lease_t
lease_begin(int64_t now_ns, int64_t term_ns)
{
    return (lease_t){.due_ns = later(now_ns, term_ns)};
}

void
lease_renew(lease_t *self, int64_t now_ns, int64_t term_ns)
{
    int64_t due_ns = later(now_ns, term_ns);

    if (due_ns > self->due_ns)
        self->due_ns = due_ns;
}

bool
lease_overdue(const lease_t *self, int64_t now_ns)
{
    return now_ns >= self->due_ns;
}

int64_t
lease_away(int64_t due_ns, int64_t now_ns, int64_t tolerance_ns)
{
    int64_t late_ns = now_ns > due_ns ? now_ns - due_ns : 0;

    return late_ns > tolerance_ns ? late_ns : 0;
}
