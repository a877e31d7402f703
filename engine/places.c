#include "engine/places.h"

#include "engine/wholes.h"

#include <stdlib.h>

typedef struct place {
    oid_t result;
    segment_t *segment; /* a reference */
    nd_t nd;
    struct place *next;
} place_t;

int
places_add(lane_t *lane, oid_t result, segment_t **segment, const nd_t *nd, err_t *err)
{
    int n = 0;

    for (const place_t *place = lane->places; place; place = place->next, n++)
        if (oid_equal(place->result, result))
            return err_set(err, FH_INVALID_ARGUMENT, "the array has a place already");
    if (n >= PLACES_MAX)
        return err_set(err, FH_LIMIT_EXCEEDED, "%d arrays that have a place were not made yet", n);
    place_t *self = malloc(sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory to keep an array's place");
    *self = (place_t){result, *segment, *nd, lane->places};
    *segment = NULL;
    lane->places = self;
    return FH_OK;
}

bool
places_find(const lane_t *lane, oid_t result, dtype_t dtype, const shape_t *shape, segment_t **ret, nd_t *ret_nd)
{
    for (const place_t *place = lane->places; place; place = place->next) {
        if (!oid_equal(place->result, result))
            continue;
        if (place->nd.dtype != dtype || !shape_equal(&place->nd.shape, shape))
            return false;
        *ret = segment_ref(place->segment);
        *ret_nd = place->nd;
        return true;
    }
    return false;
}

bool
places_has(const lane_t *lane, oid_t result)
{
    const place_t *place = lane->places;

    while (place && !oid_equal(place->result, result))
        place = place->next;
    return place != NULL;
}

static void
drop(place_t **at)
{
    place_t *place = *at;

    *at = place->next;
    whole_release(&place->segment);
    free(place);
}

void
places_end(lane_t *lane, oid_t result)
{
    for (place_t **at = &lane->places; *at; at = &(*at)->next)
        if (oid_equal((*at)->result, result)) {
            drop(at);
            return;
        }
}

void
places_release(lane_t *lane)
{
    while (lane->places)
        drop(&lane->places);
}
