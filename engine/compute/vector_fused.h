/* engine/compute/vector_fused.h - log1p and cbrt on vectors of doubles, with fused operations.
 *
 * Errors stay below 1 unit in the last place.  The steps and their order are fixed: the same bits for all widths of
 * vectors.  For loops_sleef.c, as vector_pairs.h is. */
#ifndef FH_ENGINE_COMPUTE_VECTOR_FUSED_H
#define FH_ENGINE_COMPUTE_VECTOR_FUSED_H

#include "engine/compute/vector_pairs.h"

/* log(1 + x) for -1 < x <= 1e300.  The sum is u, and what it lost; from there as vlog_scaled of vector_math.h, where
 * what was lost joins f, which is exact for small x. */
static vector64_t
log1p_f64(vector64_t x)
{
    const uint64_t root = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000);
    const vector64_t u = x + 1.0, back = u - x, lost = (x - (u - back)) + (1.0 - back);
    const integers64_t t = as_integers(u) + (one - root);
    const vector64_t k = as_doubles((t >> 52) | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023);
    const integers64_t m = (t & UINT64_C(0x000fffffffffffff)) + root;
    const vector64_t rest = lost * as_doubles(m - as_integers(u) + one);
    const vector64_t exact = as_doubles(m) - 1.0, f = exact + rest, f_lost = rest - (f - exact);
    const vector64_t s = f / (f + 2.0), z = s * s, w = z * z;
    const vector64_t a = FUSED(FUSED(all_of(0.1308676700994817371292), z, all_of(0.1326875966856061268623)), w,
                               FUSED(all_of(0.1538624020581347787918), z, all_of(0.1818179563088475319999)));
    const vector64_t b = FUSED(FUSED(all_of(0.2222222239180046932903), z, all_of(0.2857142857080323001453)), w,
                               FUSED(all_of(0.4000000000000087760633), z, all_of(0.6666666666666666646477)));
    const vector64_t p = FUSED(a, w * w, b), half = 0.5 * f * f;
    const vector64_t low = FUSED(k, all_of(0x1.a39ef35793c76p-33), FUSED(s, FUSED(z, p, half), f_lost));
    const vector64_t result = FUSED(k, all_of(0x1.62e42fee00000p-1), f - (half - low));
    return as_doubles(as_integers(result) | (as_integers(x) & (UINT64_C(1) << 63))); /* of 0, too */
}

/* The cube root of a normal number or 0.  |x| = 2**(3 q) m with 1 <= m < 8; y comes near to m**(-1/3) in two steps of
 * Newton's kind, of fourth and third order, from a Chebyshev fit; the last step corrects m y**2 by what its cube lacks.
 */
static vector64_t
cbrt_f64(vector64_t x)
{
    const uint64_t sign = UINT64_C(1) << 63, fraction = UINT64_C(0x000fffffffffffff);
    const integers64_t bits = as_integers(x) & ~sign;
    const vector64_t e = as_doubles((bits >> 52) | UINT64_C(0x4330000000000000)) - 0x1p52;
    const vector64_t moved = FUSED(e - 1.0, all_of(0x1.5555555555555p-2), all_of(0x1.8p52)), q = moved - 0x1.8p52;
    const vector64_t shift = FUSED(q, all_of(-3), e) + (0x1p52 + 1023);
    const vector64_t m = as_doubles((bits & fraction) | (as_integers(shift) << 52)), w = m * m;
    vector64_t y = FUSED(
        FUSED(all_of(0.00045942136455115092), w, all_of(0.0936043080060108014)), w,
        FUSED(FUSED(all_of(-0.0106403927703910053), w, all_of(-0.404073694611790333)), m, all_of(1.3097655708093417)));
    vector64_t h = FUSED(-(m * y), y * y, all_of(1));
    y = FUSED(y * h, FUSED(FUSED(all_of(14.0 / 81), h, all_of(2.0 / 9)), h, all_of(1.0 / 3)), y);
    h = FUSED(-(m * y), y * y, all_of(1));
    y = FUSED(y * h, FUSED(all_of(2.0 / 9), h, all_of(1.0 / 3)), y);
    const vector64_t square = y * y, c = m * square, cc = c * c, lost = FUSED(c, c, -cc);
    const vector64_t lacks = FUSED(-c, cc, m) - c * lost, result = FUSED(lacks * (1.0 / 3), square, c);
    const integers64_t scale = (as_integers(moved) + (1023 - 341)) << 52;
    const integers64_t something = LESS(all_of(0), as_doubles(bits));
    return as_doubles((as_integers(result * as_doubles(scale)) & something) | (as_integers(x) & sign));
}

#endif
