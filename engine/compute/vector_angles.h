/* engine/compute/vector_angles.h - arctan and arctan2 on vectors of doubles, with fused operations.
 *
 * Errors stay below 0.85 units in the last place.  The steps and their order are fixed: the same bits for all widths of
 * vectors.  For loops_sleef.c, as vector_pairs.h is. */
#ifndef FH_ENGINE_COMPUTE_VECTOR_ANGLES_H
#define FH_ENGINE_COMPUTE_VECTOR_ANGLES_H

#include "engine/compute/vector_pairs.h"

/* The angle of (x, y): that of the smaller size by the larger one, taken from or added to what x and y say.  From half
 * the larger one on it is half a right angle and the angle of (n + d, n - d), so that quotients a are at
 * most 1/2 in size.  arctan(a) = a + a**3 p(a**2), p a Chebyshev fit, computed with 70 digits. */
static vector64_t
arctan2_f64(vector64_t y, vector64_t x)
{
    const uint64_t sign = UINT64_C(1) << 63;
    const integers64_t up = as_integers(y) & ~sign, side = as_integers(x) & ~sign;
    const integers64_t steep = LESS(as_doubles(side), as_doubles(up)), back = LESS(x, all_of(0));
    const vector64_t n = as_doubles((side & steep) | (up & ~steep)), d = as_doubles((up & steep) | (side & ~steep));
    const integers64_t middle = LESS(0.5 * d, n), minus = (steep ^ back) & sign;
    const vector64_t both = d + as_doubles(as_integers(n) & middle), over = n - as_doubles(as_integers(d) & middle);
    const vector64_t both_lost = as_doubles(as_integers(n - (both - d)) & middle);
    const vector64_t r = 1.0 / both, a = over * r, lost = (FUSED(-a, both, over) - a * both_lost) * r;
    const vector64_t z = a * a, w = z * z, v = w * w;
    const vector64_t p0 = FUSED(FUSED(all_of(0.1111111099013953348), z, all_of(-0.14285714284106286003)), w,
                                FUSED(all_of(0.19999999999991600457), z, all_of(-0.33333333333333326048)));
    const vector64_t p1 = FUSED(FUSED(all_of(0.058664967492257076818), z, all_of(-0.066650528567940132198)), w,
                                FUSED(all_of(0.076921984512579405178), z, all_of(-0.090909043703113477275)));
    const vector64_t p2 = FUSED(FUSED(all_of(0.011152908092096215062), z, all_of(-0.028953521232526251986)), w,
                                FUSED(all_of(0.0428357870557342254), z, all_of(-0.051575162255529725805)));
    const vector64_t p = FUSED(FUSED(p2, v, p1), v, p0), more = FUSED(a * z, p, lost);
    const vector64_t turns = as_doubles(as_integers(all_of(2)) & steep) +
                             as_doubles(as_integers(all_of(4)) & back & ~steep) +
                             as_doubles((as_integers(all_of(1)) & middle) ^ minus);
    const vector64_t first = turns * 0x1.921fb54442d18p-1, second = as_doubles(as_integers(a) ^ minus),
                     sum = first + second;
    const vector64_t rest =
        (second - (sum - first)) + FUSED(turns, all_of(0x1.1a62633145c07p-55), as_doubles(as_integers(more) ^ minus));
    return as_doubles(as_integers(sum + rest) | (as_integers(y) & sign));
}

static vector64_t
arctan_f64(vector64_t x)
{
    return arctan2_f64(x, all_of(1));
}

#endif
