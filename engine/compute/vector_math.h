/* engine/compute/vector_math.h - exp, log, tanh, sin and cos without branches or calls, so that the compiler can make
 * vectors of them.
 *
 * Errors stay below 1 unit in the last place (tanh: 2; sin and cos only up to VTRIG_LIMIT in size).  Infinities, NaN,
 * zeros and subnormal numbers come out as C's functions give them; floating-point exceptions do not.  The same bits on
 * every processor: no fused operations. The polynomials' coefficients are Chebyshev fits, computed with 60 digits. */
#ifndef FH_ENGINE_COMPUTE_VECTOR_MATH_H
#define FH_ENGINE_COMPUTE_VECTOR_MATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
bits_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double
from_bits_f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t
bits_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float
from_bits_f32(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2; exp(x) = 2**k exp(r).  Adding a large number rounds to the integer k and leaves
 * it in the low bits.  ln 2 is taken off in two parts, the first of which is exact. */
static inline double
vexp(double x)
{
    const double large = 0x1.8p52;
    double c = x < -746 ? -746 : x;
    c = c > 710 ? 710 : c;
    double shifted = c * 1.44269504088896340736 + large, k = shifted - large;
    double high = c - k * 0x1.62e42fee00000p-1, low = k * 0x1.a39ef35793c76p-33;
    double r = high - low, lost = (high - r) - low;
    double q = 2.091468696808687723257e-9;
    q = q * r + 2.510521700472074516433e-8;
    q = q * r + 2.755727364311029532782e-7;
    q = q * r + 0.000002755725540020642442968;
    q = q * r + 0.00002480158732554774121629;
    q = q * r + 0.0001984126987482062527124;
    q = q * r + 0.001388888888888374830461;
    q = q * r + 0.008333333333326135125782;
    q = q * r + 0.04166666666666666975462;
    q = q * r + 0.1666666666666667099066;
    q = q * r + 0.5;
    double y = 1 + (r + (r * r * q + lost));
    /* Two factors, since 2**k may lie outside the range where the result does not. */
    uint64_t whole = bits_f64(shifted) - bits_f64(large), half = ((whole + 4096) >> 1) - 2048;
    return y * from_bits_f64((half + 1023) << 52) * from_bits_f64((whole - half + 1023) << 52);
}

static inline float
vexpf(float x)
{
    const float large = 0x1.8p23f;
    float c = x < -104 ? -104 : x;
    c = c > 89 ? 89 : c;
    float shifted = c * 1.44269504f + large, k = shifted - large;
    float high = c - k * 0x1.62e4p-1f, low = k * 0x1.7f7d1cp-20f;
    float r = high - low, lost = (high - r) - low;
    float q = 0.0001989099082467365384848f;
    q = q * r + 0.001393364999630925042988f;
    q = q * r + 0.008333310925480900834922f;
    q = q * r + 0.04166646492528590540771f;
    q = q * r + 0.1666666668162323140207f;
    q = q * r + 0.5000000013465809200091f;
    float y = 1 + (r + (r * r * q + lost));
    uint32_t whole = bits_f32(shifted) - bits_f32(large), half = ((whole + 1024) >> 1) - 512;
    return y * from_bits_f32((half + 127) << 23) * from_bits_f32((whole - half + 127) << 23);
}

/* x = 2**k m with sqrt(1/2) <= m < sqrt(2).  With f = m - 1 and s = f / (2 + f): log(m) = 2 atanh(s), a series in s *
 * s, written so that f, which is exact, carries the weight. */
static inline double
vlog(double x)
{
    const uint64_t root = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000);
    double scaled = x < DBL_MIN ? x * 0x1p54 : x;
    uint64_t t = bits_f64(scaled) + (one - root);
    double k =
        from_bits_f64(UINT64_C(0x4330000000000000) | t >> 52) - (x < DBL_MIN ? 0x1p52 + 1023 + 54 : 0x1p52 + 1023);
    double f = from_bits_f64((t & UINT64_C(0x000fffffffffffff)) + root) - 1, s = f / (2 + f), z = s * s;
    double p = 0.1308676700994817371292;
    p = p * z + 0.1326875966856061268623;
    p = p * z + 0.1538624020581347787918;
    p = p * z + 0.1818179563088475319999;
    p = p * z + 0.2222222239180046932903;
    p = p * z + 0.2857142857080323001453;
    p = p * z + 0.4000000000000087760633;
    p = p * z + 0.6666666666666666646477;
    double half = 0.5 * f * f;
    double y = k * 0x1.62e42fee00000p-1 - ((half - (s * (half + z * p) + k * 0x1.a39ef35793c76p-33)) - f);
    y = x < (double)INFINITY ? y : x;
    return x > 0 ? y : x == 0 ? -(double)INFINITY : (double)NAN;
}

static inline float
vlogf(float x)
{
    const uint32_t root = 0x3f3504f3, one = 0x3f800000;
    float scaled = x < FLT_MIN ? x * 0x1p24f : x;
    uint32_t t = bits_f32(scaled) + (one - root);
    float k = from_bits_f32(0x4b000000 | t >> 23) - (x < FLT_MIN ? 0x1p23f + 127 + 24 : 0x1p23f + 127);
    float f = from_bits_f32((t & 0x007fffff) + root) - 1, s = f / (2 + f), z = s * s;
    float p = 0.2333058193824189382196f;
    p = p * z + 0.2855081659971154866528f;
    p = p * z + 0.4000012187697200148993f;
    p = p * z + 0.6666666655445164633068f;
    float half = 0.5f * f * f;
    float y = k * 0x1.62e4p-1f - ((half - (s * (half + z * p) + k * 0x1.7f7d1cp-20f)) - f);
    y = x < INFINITY ? y : x;
    return x > 0 ? y : x == 0 ? -INFINITY : NAN;
}

/* Near 0 an odd series; else by way of exp, where 1 - 2 / (exp(2 x) + 1) loses nothing. */
static inline double
vtanh(double x)
{
    double size = fabs(x), z = size * size, far = 1 - 2 / (vexp(2 * size) + 1);
    double p = 0.000007872519584876026113056;
    p = p * z - 0.00003371801004405352578289;
    p = p * z + 0.0000945494175893515167799;
    p = p * z - 0.0002384719856435590761683;
    p = p * z + 0.0005899051200674842912701;
    p = p * z - 0.001455819070039602415774;
    p = p * z + 0.003592126767302566152139;
    p = p * z - 0.00886323546298468675925;
    p = p * z + 0.02186948853406816792603;
    p = p * z - 0.05396825396822027080558;
    p = p * z + 0.1333333333333331198718;
    p = p * z - 0.3333333333333333331091;
    return copysign(size < 0.55 ? size + size * z * p : far, x);
}

static inline float
vtanhf(float x)
{
    float size = fabsf(x), z = size * size, far = 1 - 2 / (vexpf(2 * size) + 1);
    float p = -0.006609614012884622991773f;
    p = p * z + 0.02130906232857861970909f;
    p = p * z - 0.05390937564184794531339f;
    p = p * z + 0.1333311345873241570478f;
    p = p * z - 0.3333333200590813404095f;
    return copysignf(size < 0.55f ? size + size * z * p : far, x);
}

/* What is beyond this, or not finite, is for libm. */
#define VTRIG_LIMIT 1e6

/* x = k pi/2 + r with |r| <= pi/4, pi/2 taken off in three parts so that r and what its rounding lost are exact; turns
 * is added to k.  The low bits of k choose between the series of sine and cosine, and the sign. */
static inline double
vtrig(double x, uint64_t turns)
{
    const double large = 0x1.8p52;
    double shifted = x * 0.6366197723675813430755 + large, k = shifted - large;
    uint64_t quadrant = bits_f64(shifted) + turns;
    double t = x - k * 0x1.921fb544p+0, w = k * 0x1.0b4611a6p-34, first = t - w;
    double rest = ((t - first) - w) - k * 0x1.3198a2e037073p-69;
    double r = first + rest, lost = (first - r) + rest, z = r * r;
    double s = -7.58668507009126715961e-13;
    s = s * z + 1.605853141458901075741e-10;
    s = s * z - 2.50521062311579054867e-8;
    s = s * z + 0.000002755731921933545342883;
    s = s * z - 0.0001984126984126506017398;
    s = s * z + 0.008333333333333331489876;
    s = s * z - 0.1666666666666666666551;
    double sine = r + (z * r * s + lost * (1 - 0.5 * z));
    double c = 4.745865203787455107263e-14;
    c = c * z - 1.14704607739693246267e-11;
    c = c * z + 2.087675579036339612874e-9;
    c = c * z - 2.755731922140076001531e-7;
    c = c * z + 0.00002480158730158464377479;
    c = c * z - 0.00138888888888888878641;
    c = c * z + 0.04166666666666666666602;
    double half = 0.5 * z, near = 1 - half;
    double cosine = near + (((1 - near) - half) + (z * z * c - r * lost));
    double y = (quadrant & 1) != 0 ? cosine : sine;
    return from_bits_f64(bits_f64(y) ^ (quadrant & 2) << 62);
}

static inline double
vsin(double x)
{
    return x == 0 ? x : vtrig(x, 0); /* keeps the sign of zero */
}

static inline double
vcos(double x)
{
    return vtrig(x, 1);
}

#endif
