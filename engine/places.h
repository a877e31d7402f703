/* engine/places.h - where new arrays of a lane are to lie: what LAY has said, until the call that makes the array is
 * through.  Thread rule: that of whoever has the lane, for places_find; the rest under the core's lock. */
#ifndef FH_ENGINE_PLACES_H
#define FH_ENGINE_PLACES_H

#include "engine/lane.h"

enum { PLACES_MAX = 64 /* of a lane */ };

/* Takes *segment, a reference that holds it if it is a whole, on success.  LIMIT_EXCEEDED, NO_MEMORY. */
int places_add(lane_t *lane, oid_t result, segment_t **segment, const nd_t *nd, err_t *err);
/* Is it known where the array with that id is to lie?  Then *ret is a reference of the segment there. */
bool places_find(const lane_t *lane, oid_t result, dtype_t dtype, const shape_t *shape, segment_t **ret, nd_t *ret_nd);
/* Has it a place?  Then it lies nowhere else. */
bool places_has(const lane_t *lane, oid_t result);
void places_end(lane_t *lane, oid_t result);
void places_release(lane_t *lane);

#endif
