#include "engine/compute/bins.h"

#include <math.h>

static const double NEAR_MOST = 0.01; /* edges that are further off are not even */

static double
place_of(const bins_t *self, double x)
{
    return (x - self->first) * self->scale;
}

/* place_of rises with x.  So if each edge k has its place within `off` of k, a number whose place is further than that
 * from a whole one lies in the bin that its place says. */
void
bins_init(bins_t *self, const double *edges, int64_t bins, bool even)
{
    double off = 0;
    *self = (bins_t){.edges = edges, .bins = bins, .first = edges[0], .last = edges[bins]};
    self->scale = (double)bins / (self->last - self->first);
    for (int64_t k = 0; k <= bins && even; k++) {
        double here = fabs(place_of(self, edges[k]) - (double)k);
        even = here < NEAR_MOST; /* not of NaN */
        off = here > off ? here : off;
    }
    self->near = off + (double)bins * 0x1p-50 + 0x1p-50; /* what rounding of a half more may do */
    self->even = even && self->near < NEAR_MOST;
}

/* ---- one number ----------------------------------------------------------------------------------------------------
 */

static int64_t
search_edges(const bins_t *self, double x)
{
    int64_t low = 0, high = self->bins; /* edges[low] <= x < edges[high], or it is the last bin */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (self->edges[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t
find_one(const bins_t *self, double x)
{
    if (!(x >= self->first && x <= self->last))
        return 0;
    double place = place_of(self, x);
    if (!self->even || !(place >= 0 && place <= (double)self->bins))
        return 1 + search_edges(self, x);
    int64_t k = (int64_t)place;
    k = k < self->bins ? k : self->bins - 1;
    k -= k > 0 && x < self->edges[k];
    k += k < self->bins - 1 && x >= self->edges[k + 1];
    return 1 + k;
}

/* ---- many ----------------------------------------------------------------------------------------------------------
 */

void
bins_find(const bins_t *self, const double *values, int64_t n, int64_t *slot)
{
    if (!self->even) {
        for (int64_t i = 0; i < n; i++)
            slot[i] = find_one(self, values[i]);
        return;
    }
    if (!bins_far()(self, values, n, slot))
        return;
    for (int64_t i = 0; i < n; i++)
        if (slot[i] < 0)
            slot[i] = find_one(self, values[i]);
}
