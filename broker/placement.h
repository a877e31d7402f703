/* broker/placement.h - on which engines new pieces go.  Pure.
 *
 * Emptiest first, but in coarse steps of a sixteenth of an engine's memory; within a step by number.  So arrays that
 * are made one after the other lie alike on equally full engines, and operations between them move nothing. */
#ifndef FH_BROKER_PLACEMENT_H
#define FH_BROKER_PLACEMENT_H

#include "base/oid.h"

#include <stdint.h>

typedef struct {
    oid_t id;
    uint32_t number;
    uint64_t memory; /* limit in bytes; 0: unknown, then it counts as 1 GiB */
    uint64_t used;   /* in bytes, with what was placed but is not there yet */
} place_t;

enum { PLACEMENT_STEPS = 16 };

/* How full, in steps; PLACEMENT_STEPS and more: nothing is left. */
uint64_t placement_step(const place_t *place);
/* Sort into the order in which to use them. */
void placement_sort(place_t *places, int count);

#endif
