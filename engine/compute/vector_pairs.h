/* engine/compute/vector_pairs.h - power, arcsinh, arccosh and arctanh on vectors of doubles, by way of logarithms that
 * are pairs of doubles (high + low), with fused operations.
 *
 * Powers are exp(y log |x|): an error of the exponent is one of the result that is up to 700 times as large.  The
 * inverse hyperbolic functions are logarithms of numbers near 1, of which nothing may be lost.  Errors stay below 0.85
 * units in the last place.  The steps and their order are fixed: the same bits for all widths of vectors. For
 * loops_sleef.c, which says what vector64_t (doubles) and integers64_t (uint64_t, as many) are, FUSED(a, b, c) = a b
 * + c, ROOT(x) and MASK(comparison) = all bits or none; and which arguments these functions get. */
#ifndef FH_ENGINE_COMPUTE_VECTOR_PAIRS_H
#define FH_ENGINE_COMPUTE_VECTOR_PAIRS_H

#include <stdint.h>
#include <string.h>

static inline integers64_t
as_integers(vector64_t x)
{
    integers64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline vector64_t
as_doubles(integers64_t bits)
{
    vector64_t x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline vector64_t
all_of(double x)
{
    return x - (vector64_t){0};
}

/* log(x) of x > 0, normal: high + *low.  x = 2**k m with sqrt(1/2) <= m < sqrt(2); log(m) = 2 atanh(s) with s = (m - 1)
 * / (m + 1): 2 s + s**3 (2/3 + s**2 p(s**2)).  The polynomial p is a Chebyshev fit, computed with 60 digits. */
static inline vector64_t
log_pair(vector64_t x, vector64_t *low)
{
    const uint64_t root = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000);
    const integers64_t t = as_integers(x) + (one - root);
    const vector64_t k = as_doubles((t >> 52) | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023);
    const vector64_t m = as_doubles((t & UINT64_C(0x000fffffffffffff)) + root);
    const vector64_t u = m - 1.0, d = m + 1.0, d_low = m - (d - 1.0), r = 1.0 / d;
    const vector64_t s = u * r, s_low = FUSED(-s, d_low, FUSED(-s, d, u)) * r;
    const vector64_t z = s * s, z_low = FUSED(s, s, -z) + 2.0 * s * s_low, w = z * z;
    const vector64_t a = FUSED(FUSED(all_of(0.1172330622132102141195), z, all_of(0.117062241366812921689)), w,
                               FUSED(all_of(0.1333480514956629717644), z, all_of(0.1538459495413878416709)));
    const vector64_t b = FUSED(FUSED(all_of(0.1818181833547123254381), z, all_of(0.2222222222165553969949)), w,
                               FUSED(all_of(0.2857142857142936680001), z, all_of(0.3999999999999999981701)));
    const vector64_t p = FUSED(a, w * w, b), third = all_of(0x1.5555555555555p-1);
    const vector64_t c = FUSED(z, p, third), c_low = FUSED(z, p, third - c) + 0x1.5555555555555p-55;
    const vector64_t q = z * c, q_low = FUSED(z, c, -q) + (z * c_low + z_low * c);
    const vector64_t v = s * q, v_low = FUSED(s, q, -v) + (s * q_low + s_low * q);
    const vector64_t whole = k * 0x1.62e42fee00000p-1, twice = 2.0 * s;
    const vector64_t first = whole + twice, sum = first + v;
    *low = (twice - (first - whole)) + (v - (sum - first)) +
           (FUSED(k, all_of(0x1.a39ef35793c76p-33), 2.0 * s_low) + v_low);
    return sum;
}

/* exp(high + low) for |high| <= 708; as vexp_rest of vector_math.h, with what the sum 1 + r loses. */
static inline vector64_t
exp_pair(vector64_t high, vector64_t low)
{
    const vector64_t large = all_of(0x1.8p52);
    const vector64_t moved = FUSED(high, all_of(1.44269504088896340736), large), k = moved - large;
    const vector64_t first = FUSED(-k, all_of(0x1.62e42fee00000p-1), high);
    const vector64_t less = FUSED(-k, all_of(0x1.a39ef35793c76p-33), low), r = first + less;
    const vector64_t lost = less - (r - first), z = r * r, w = z * z;
    const vector64_t a = FUSED(all_of(2.091468696808687723257e-9), z,
                               FUSED(all_of(2.510521700472074516433e-8), r, all_of(2.755727364311029532782e-7)));
    const vector64_t b = FUSED(FUSED(all_of(0.000002755725540020642442968), r, all_of(0.00002480158732554774121629)), z,
                               FUSED(all_of(0.0001984126987482062527124), r, all_of(0.001388888888888374830461)));
    const vector64_t c = FUSED(FUSED(all_of(0.008333333333326135125782), r, all_of(0.04166666666666666975462)), z,
                               FUSED(all_of(0.1666666666666667099066), r, all_of(0.5)));
    const vector64_t y = 1.0 + r, rest = FUSED(z, FUSED(FUSED(a, w, b), w, c), lost + lost * r) + (r - (y - 1.0));
    return (y + rest) * as_doubles((as_integers(moved) << 52) + (UINT64_C(1023) << 52));
}

static vector64_t
power_f64(vector64_t x, vector64_t y)
{
    const uint64_t sign = UINT64_C(1) << 63;
    const vector64_t size = as_doubles(as_integers(x) & ~sign), times = as_doubles(as_integers(y) & ~sign);
    const vector64_t moved = y + 0x1.8p52, whole = moved - 0x1.8p52;
    vector64_t low;
    const vector64_t high = log_pair(size, &low), product = y * high;
    const vector64_t exponent = as_doubles(as_integers(product) & ~sign);
    const integers64_t negative = MASK(x < all_of(0));
    const integers64_t left =
        MASK(exponent > all_of(708)) | (negative & (MASK(whole != y) | MASK(times > all_of(0x1p50))));
    const vector64_t result = exp_pair(product, FUSED(y, high, -product) + y * low);
    return as_doubles((as_integers(result) ^ (negative & (as_integers(moved) << 63))) | left);
}

/* log(high + low), low being what high has lost. */
static inline vector64_t
log_of_pair(vector64_t high, vector64_t low)
{
    vector64_t rest, result = log_pair(high, &rest);
    return result + (rest + low / high);
}

/* The square root of high + low, not negative: a + *lost. */
static inline vector64_t
root_pair(vector64_t high, vector64_t low, vector64_t *lost)
{
    const vector64_t a = ROOT(high);
    *lost = (FUSED(-a, a, high) + low) / (2.0 * a + 0x1p-1000); /* 0 of 0 */
    return a;
}

/* value with the sign of x; but x itself, which its function comes near to, below 2**-28. */
static inline vector64_t
odd_function(vector64_t x, vector64_t value)
{
    const uint64_t sign = UINT64_C(1) << 63;
    const integers64_t bits = as_integers(x), small = MASK(as_doubles(bits & ~sign) < all_of(0x1p-28));
    return as_doubles((bits & small) | ((as_integers(value) | (bits & sign)) & ~small));
}

/* log(|x| + sqrt(x**2 + 1)) for |x| <= 1e150. */
static vector64_t
arcsinh_f64(vector64_t x)
{
    const vector64_t size = as_doubles(as_integers(x) & ~(UINT64_C(1) << 63));
    const vector64_t square = size * size, under = FUSED(size, size, -square);
    const vector64_t n = square + 1.0, back = n - square, lost = (square - (n - back)) + (1.0 - back);
    vector64_t root_lost;
    const vector64_t root = root_pair(n, lost + under, &root_lost), sum = root + size;
    return odd_function(x, log_of_pair(sum, (size - (sum - root)) + root_lost));
}

/* log(x + sqrt(x**2 - 1)) for 1 <= x <= 1e150. */
static vector64_t
arccosh_f64(vector64_t x)
{
    const vector64_t square = x * x, n = square - 1.0, lost = (square - n) - 1.0;
    vector64_t root_lost;
    const vector64_t root = root_pair(n, lost + FUSED(x, x, -square), &root_lost), sum = x + root;
    return log_of_pair(sum, (root - (sum - x)) + root_lost);
}

/* log((1 + |x|) / (1 - |x|)) / 2 for |x| < 1. */
static vector64_t
arctanh_f64(vector64_t x)
{
    const vector64_t size = as_doubles(as_integers(x) & ~(UINT64_C(1) << 63));
    const vector64_t n = size + 1.0, d = 1.0 - size, n_lost = size - (n - 1.0), d_lost = (1.0 - d) - size;
    const vector64_t q = n / d, q_lost = (FUSED(-q, d, n) + (n_lost - q * d_lost)) / d;
    return odd_function(x, 0.5 * log_of_pair(q, q_lost));
}

#endif
