/* What the sides of a ring link tell each other about themselves, for who wonders whether to wait awake. */
#include "base/link_ring_private.h"

int
link_ring_other_cpu(const link_t *link)
{
    return ring_producer_cpu(&((const ring_link_t *)link)->in);
}

void
link_ring_tell_company(link_t *link, bool company)
{
    ring_tell_company(&((ring_link_t *)link)->out, company);
}

bool
link_ring_has_company(const link_t *link)
{
    return ring_has_company(&((const ring_link_t *)link)->in);
}
