/* broker/placement.c - emptiest first. */
#include "broker/placement.h"

#include <stdlib.h>

uint64_t
placement_step(const place_t *place)
{
    uint64_t memory = place->memory ? place->memory : UINT64_C(1) << 30;
    uint64_t step = memory / PLACEMENT_STEPS;

    return place->used / (step ? step : 1);
}

static int
compare(const void *a, const void *b)
{
    const place_t *x = a, *y = b;
    uint64_t p = placement_step(x), q = placement_step(y);

    if (p != q)
        return p < q ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

void
placement_sort(place_t *places, int count)
{
    if (count > 1)
        qsort(places, (size_t)count, sizeof *places, compare);
}
