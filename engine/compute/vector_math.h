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

/* Polynomials in pairs (Estrin's scheme): their steps wait less for each other than Horner's.  square = x * x. */
static inline double
poly4(double x, double square, double c3, double c2, double c1, double c0)
{
    return (c3 * x + c2) * square + (c1 * x + c0);
}

static inline float
poly4f(float x, float square, float c3, float c2, float c1, float c0)
{
    return (c3 * x + c2) * square + (c1 * x + c0);
}

/* x = k ln 2 + r with |r| <= ln 2 / 2; exp(x) = 2**k exp(r).  Adding a large number rounds to the integer k and leaves
 * it in the low bits of *shifted.  ln 2 is taken off in two parts, the first of which is exact.  Gives exp(r). */
static inline double
vexp_rest(double x, double *shifted)
{
    const double large = 0x1.8p52;
    double moved = x * 1.44269504088896340736 + large, k = moved - large;
    double high = x - k * 0x1.62e42fee00000p-1, low = k * 0x1.a39ef35793c76p-33;
    double r = high - low, lost = (high - r) - low, z = r * r, w = z * z;
    double a = 2.091468696808687723257e-9 * z + (2.510521700472074516433e-8 * r + 2.755727364311029532782e-7);
    double b = poly4(r, z, 0.000002755725540020642442968, 0.00002480158732554774121629, 0.0001984126987482062527124,
                     0.001388888888888374830461);
    double c = poly4(r, z, 0.008333333333326135125782, 0.04166666666666666975462, 0.1666666666666667099066, 0.5);
    *shifted = moved;
    return 1 + (r + (z * ((a * w + b) * w + c) + lost));
}

static inline float
vexpf_rest(float x, float *shifted)
{
    const float large = 0x1.8p23f;
    float moved = x * 1.44269504f + large, k = moved - large;
    float high = x - k * 0x1.62e4p-1f, low = k * 0x1.7f7d1cp-20f;
    float r = high - low, lost = (high - r) - low, z = r * r;
    float a = 0.0001989099082467365384848f * r + 0.001393364999630925042988f;
    float b = poly4f(r, z, 0.008333310925480900834922f, 0.04166646492528590540771f, 0.1666666668162323140207f,
                     0.5000000013465809200091f);
    *shifted = moved;
    return 1 + (r + (z * (a * (z * z) + b) + lost));
}

/* As far as neither result nor its reciprocal is subnormal; NaN stays NaN. */
#define VEXP_PLAIN_LIMIT 708.3964185322641
#define VEXPF_PLAIN_LIMIT 87.3365479f
static inline double
vexp_plain(double x)
{
    double shifted, y = vexp_rest(x, &shifted);
    return y * from_bits_f64((bits_f64(shifted) << 52) + (UINT64_C(1023) << 52));
}

static inline float
vexpf_plain(float x)
{
    float shifted, y = vexpf_rest(x, &shifted);
    return y * from_bits_f32((bits_f32(shifted) << 23) + (UINT32_C(127) << 23));
}

/* For all.  Two factors, since 2**k may lie outside the range where the result does not. */
static inline double
vexp(double x)
{
    double c = x < -746 ? -746 : x, shifted, y = vexp_rest(c > 710 ? 710 : c, &shifted);
    uint64_t whole = bits_f64(shifted) - bits_f64(0x1.8p52), half = ((whole + 4096) >> 1) - 2048;
    return y * from_bits_f64((half + 1023) << 52) * from_bits_f64((whole - half + 1023) << 52);
}

static inline float
vexpf(float x)
{
    float c = x < -104 ? -104 : x, shifted, y = vexpf_rest(c > 89 ? 89 : c, &shifted);
    uint32_t whole = bits_f32(shifted) - bits_f32(0x1.8p23f), half = ((whole + 1024) >> 1) - 512;
    return y * from_bits_f32((half + 127) << 23) * from_bits_f32((whole - half + 127) << 23);
}

/* x = 2**k m with sqrt(1/2) <= m < sqrt(2), x a normal number that was scaled by 2**-shift.  With f = m - 1 and s = f /
 * (2 + f): log(m) = 2 atanh(s), a series in s * s, written so that f, which is exact, carries the weight. */
static inline double
vlog_scaled(double x, double shift)
{
    const uint64_t root = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000);
    uint64_t t = bits_f64(x) + (one - root);
    double k = from_bits_f64(UINT64_C(0x4330000000000000) | t >> 52) - (0x1p52 + 1023 + shift);
    double f = from_bits_f64((t & UINT64_C(0x000fffffffffffff)) + root) - 1, s = f / (2 + f), z = s * s, w = z * z;
    double a = poly4(z, w, 0.1308676700994817371292, 0.1326875966856061268623, 0.1538624020581347787918,
                     0.1818179563088475319999);
    double b = poly4(z, w, 0.2222222239180046932903, 0.2857142857080323001453, 0.4000000000000087760633,
                     0.6666666666666666646477);
    double p = a * (w * w) + b, half = 0.5 * f * f;
    return k * 0x1.62e42fee00000p-1 - ((half - (s * (half + z * p) + k * 0x1.a39ef35793c76p-33)) - f);
}

static inline float
vlogf_scaled(float x, float shift)
{
    const uint32_t root = 0x3f3504f3, one = 0x3f800000;
    uint32_t t = bits_f32(x) + (one - root);
    float k = from_bits_f32(0x4b000000 | t >> 23) - (0x1p23f + 127 + shift);
    float f = from_bits_f32((t & 0x007fffff) + root) - 1, s = f / (2 + f), z = s * s;
    float p = poly4f(z, z * z, 0.2333058193824189382196f, 0.2855081659971154866528f, 0.4000012187697200148993f,
                     0.6666666655445164633068f);
    float half = 0.5f * f * f;
    return k * 0x1.62e4p-1f - ((half - (s * (half + z * p) + k * 0x1.7f7d1cp-20f)) - f);
}

/* Of normal positive numbers. */
static inline double
vlog_plain(double x)
{
    return vlog_scaled(x, 0);
}

static inline float
vlogf_plain(float x)
{
    return vlogf_scaled(x, 0);
}

/* Of all. */
static inline double
vlog(double x)
{
    double y = vlog_scaled(x < DBL_MIN ? x * 0x1p54 : x, x < DBL_MIN ? 54 : 0);
    y = x < (double)INFINITY ? y : x;
    return x > 0 ? y : x == 0 ? -(double)INFINITY : (double)NAN;
}

static inline float
vlogf(float x)
{
    float y = vlogf_scaled(x < FLT_MIN ? x * 0x1p24f : x, x < FLT_MIN ? 24 : 0);
    y = x < INFINITY ? y : x;
    return x > 0 ? y : x == 0 ? -INFINITY : NAN;
}

/* Near 0 an odd series; else by way of exp, where 1 - 2 / (exp(2 x) + 1) loses nothing and soon is 1. */
static inline double
vtanh(double x)
{
    double size = fabs(x), z = size * size, w = z * z, v = w * w;
    double far = 1 - 2 / (vexp_plain(2 * (size > 20 ? 20 : size)) + 1);
    double a = poly4(z, w, 0.000007872519584876026113056, -0.00003371801004405352578289, 0.0000945494175893515167799,
                     -0.0002384719856435590761683);
    double b = poly4(z, w, 0.0005899051200674842912701, -0.001455819070039602415774, 0.003592126767302566152139,
                     -0.00886323546298468675925);
    double c = poly4(z, w, 0.02186948853406816792603, -0.05396825396822027080558, 0.1333333333333331198718,
                     -0.3333333333333333331091);
    double near = size + size * z * ((a * v + b) * v + c);
    return copysign(size < 0.55 ? near : far, x);
}

static inline float
vtanhf(float x)
{
    float size = fabsf(x), z = size * size, w = z * z, far = 1 - 2 / (vexpf_plain(2 * (size > 10 ? 10 : size)) + 1);
    float p =
        -0.006609614012884622991773f * (w * w) + poly4f(z, w, 0.02130906232857861970909f, -0.05390937564184794531339f,
                                                        0.1333311345873241570478f, -0.3333333200590813404095f);
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
    double t = x - k * 0x1.921fb544p+0, u = k * 0x1.0b4611a6p-34, first = t - u;
    double rest = ((t - first) - u) - k * 0x1.3198a2e037073p-69;
    double r = first + rest, lost = (first - r) + rest, z = r * r, w = z * z;
    double s = -7.58668507009126715961e-13 * w + (1.605853141458901075741e-10 * z - 2.50521062311579054867e-8);
    s = s * (w * w) + poly4(z, w, 0.000002755731921933545342883, -0.0001984126984126506017398,
                            0.008333333333333331489876, -0.1666666666666666666551);
    double sine = r + (z * r * s + lost * (1 - 0.5 * z));
    double c = 4.745865203787455107263e-14 * w + (-1.14704607739693246267e-11 * z + 2.087675579036339612874e-9);
    c = c * (w * w) + poly4(z, w, -2.755731922140076001531e-7, 0.00002480158730158464377479, -0.00138888888888888878641,
                            0.04166666666666666666602);
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
