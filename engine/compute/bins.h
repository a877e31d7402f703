/* engine/compute/bins.h - which bin of a histogram numbers lie in: between edges that rise, the last bin with its right
 * edge.  Pure. */
#ifndef FH_ENGINE_COMPUTE_BINS_H
#define FH_ENGINE_COMPUTE_BINS_H

#include "engine/compute/loops.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const double *edges; /* borrowed: bins + 1 */
    int64_t bins;
    double first, last, scale; /* (x - first) * scale is about the bin */
    bool even;                 /* so near that only numbers within `near` of an edge are compared with edges */
    double near;
} bins_t;

/* even: the edges are meant to be as far apart; whether they are is looked at. */
void bins_init(bins_t *self, const double *edges, int64_t bins, bool even);
/* slot[i] = 1 + the bin of values[i]; 0 or bins + 1: none. */
void bins_find(const bins_t *self, const double *values, int64_t n, int64_t *slot);

/* A loop over many: as bins_find for even edges, but numbers too near to an edge get -1; returns whether there are any.
 */
typedef bool bins_far_fn(const bins_t *self, const double *values, int64_t n, int64_t *slot);
bins_far_fn LOOPS_NAME(baseline, bins), LOOPS_NAME(wide, bins);
/* That of this processor. */
bins_far_fn *bins_far(void);

#endif
