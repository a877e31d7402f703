/* The loop of bins.c. */
#include "engine/compute/bins.h"
#include "engine/compute/loops.h"

#include <math.h>
#include <string.h>

/* Adding it rounds to a whole number, which the lowest bits then are. */
#define TO_WHOLE 0x1.8p52

bool
LOOPS_NAME(FH_LOOPS_VARIANT, bins)(const bins_t *self, const double *values, int64_t n, int64_t *slot)
{
    const double first = self->first, scale = self->scale, far = 0.5 - self->near, whole = TO_WHOLE;
    const double low = -0.75, high = (double)self->bins + 0.25; /* what lies outside, and NaN, has no bin */
    int64_t bits, any = 0;
    memcpy(&bits, &whole, sizeof bits);
    for (int64_t i = 0; i < n; i++) {
        double place = (values[i] - first) * scale;
        place = place > low ? place : low;
        place = place < high ? place : high;
        double middle = place + 0.5, rounded = middle + TO_WHOLE, rest = fabs(middle - (rounded - TO_WHOLE));
        int64_t number;
        memcpy(&number, &rounded, sizeof number);
        int64_t near = -(int64_t)!(rest < far);
        slot[i] = (number - bits) | near;
        any |= near;
    }
    return any != 0;
}
