/* Real floating-point loops but for libm's functions.  float16 is computed in float and rounded once. */
#include "engine/compute/elementary.h"
#include "engine/compute/flags.h"
#include "engine/compute/loops.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* D dtype, T what is stored, C what is computed in, F suffix of libm's names. */
#define FLOAT_TYPES(M) M(FLOAT16, half_t, float, f) M(FLOAT32, float, float, f) M(FLOAT64, double, double, )

#define PI 3.14159265358979323846264338327950288

#define CHOICE_FUNCTIONS(C, F)                                                                                         \
    static inline C sign_of##F(C a)                                                                                    \
    {                                                                                                                  \
        return a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a;                                                                \
    }                                                                                                                  \
    static inline C step_at##F(C a, C b)                                                                               \
    {                                                                                                                  \
        return a != a ? a : a == 0 ? b : a < 0 ? 0 : 1;                                                                \
    }

CHOICE_FUNCTIONS(float, f)
CHOICE_FUNCTIONS(double, )

static float
spacing_f32(float x)
{
    if (x != x)
        return x;
    return isinf(x) ? NAN : nextafterf(x, x < 0 ? -INFINITY : INFINITY) - x;
}

static double
spacing_f64(double x)
{
    if (x != x)
        return x;
    return isinf(x) ? (double)NAN : nextafter(x, x < 0 ? -(double)INFINITY : (double)INFINITY) - x;
}

/* float16's neighbours are found by counting in its bits, which are ordered as sign and magnitude. */
static half_t
half_from_bits(uint16_t bits)
{
    half_t x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint16_t
half_bits(half_t x)
{
    uint16_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static half_t
nextafter_f16(half_t from, half_t to)
{
    float a = (float)from, b = (float)to;
    if (a != a || b != b)
        return (half_t)(a + b);
    if (a == b)
        return from; /* also where the zeros' signs differ */
    if (a == 0)
        return half_from_bits((uint16_t)(1 | (signbit(b) ? 0x8000 : 0)));
    uint16_t bits = half_bits(from);
    half_t next = half_from_bits((uint16_t)((a < b) == (a > 0) ? bits + 1 : bits - 1));
    if (isinf((float)next))
        flags_raise(FLAG_OVERFLOW);
    return next;
}

static half_t
spacing_f16(half_t x)
{
    float a = (float)x;
    if (isinf(a)) {
        flags_raise(FLAG_INVALID);
        return (half_t)NAN;
    }
    /* NumPy looks upwards here, where the wider types look away from 0. */
    return (half_t)((float)nextafter_f16(x, (half_t)INFINITY) - a);
}

/* --- the loops of one type: F2, F1 binary and unary ---------------------------------------------
 */

#define LOOPS(F2, F1, D, T, C, F)                                                                                      \
    ELEMENTARY_FLOAT2(F2, D, T, C)                                                                                     \
    F2(COPYSIGN, D, T, C, copysign##F(a, b))                                                                           \
    F2(HEAVISIDE, D, T, C, step_at##F(a, b))                                                                           \
    ELEMENTARY_FLOAT1(F1, D, T, C)                                                                                     \
    F1(POSITIVE, D, T, C, a)                                                                                           \
    F1(ABSOLUTE, D, T, C, fabs##F(a))                                                                                  \
    F1(SIGN, D, T, C, sign_of##F(a))                                                                                   \
    F1(SQRT, D, T, C, sqrt##F(a))                                                                                      \
    F1(RINT, D, T, C, rint##F(a))                                                                                      \
    F1(FLOOR, D, T, C, floor##F(a))                                                                                    \
    F1(CEIL, D, T, C, ceil##F(a))                                                                                      \
    F1(TRUNC, D, T, C, trunc##F(a))                                                                                    \
    F1(DEGREES, D, T, C, a *(C)(180 / PI))                                                                             \
    F1(RADIANS, D, T, C, a *(C)(PI / 180))

#define FAST2(OP, D, T, C, EXPR) LOOP_BINARY(LOOP_ID(OP, D), T, T, T, C, EXPR)
#define FAST1(OP, D, T, C, EXPR) LOOP_UNARY(LOOP_ID(OP, D), T, T, C, EXPR)

/* Loops with more than one output, three inputs or an integer among them.  clip: NaN in any input is the result. */
#define OTHER_LOOPS(D, T, C, F)                                                                                        \
    static void loop_IMAG_##D(char **p, const int64_t *step, int64_t n)                                                \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                                \
            *(T *)(void *)(p[1] + i * step[1]) = 0;                                                                    \
    }                                                                                                                  \
    static void loop_CLIP_##D(char **p, const int64_t *step, int64_t n)                                                \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            C a = (C) * (const T *)(const void *)(p[0] + i * step[0]);                                                 \
            C low = (C) * (const T *)(const void *)(p[1] + i * step[1]);                                               \
            C high = (C) * (const T *)(const void *)(p[2] + i * step[2]);                                              \
            a = a >= low || a != a ? a : low;                                                                          \
            *(T *)(void *)(p[3] + i * step[3]) = (T)(a <= high || a != a ? a : high);                                  \
        }                                                                                                              \
    }                                                                                                                  \
    static void loop_MODF_##D(char **p, const int64_t *step, int64_t n)                                                \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            C whole, part = modf##F((C) * (const T *)(const void *)(p[0] + i * step[0]), &whole);                      \
            *(T *)(void *)(p[1] + i * step[1]) = (T)part;                                                              \
            *(T *)(void *)(p[2] + i * step[2]) = (T)whole;                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    static void loop_FREXP_##D(char **p, const int64_t *step, int64_t n)                                               \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            C a = (C) * (const T *)(const void *)(p[0] + i * step[0]);                                                 \
            int exponent = 0;                                                                                          \
            C mantissa = isfinite(a) ? frexp##F(a, &exponent) : a;                                                     \
            *(T *)(void *)(p[1] + i * step[1]) = (T)mantissa;                                                          \
            *(int32_t *)(void *)(p[2] + i * step[2]) = exponent;                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    static void loop_LDEXP_##D(char **p, const int64_t *step, int64_t n)                                               \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            C a = (C) * (const T *)(const void *)(p[0] + i * step[0]);                                                 \
            int64_t exponent = *(const int64_t *)(const void *)(p[1] + i * step[1]);                                   \
            int near = exponent > 100000 ? 100000 : exponent < -100000 ? -100000 : (int)exponent;                      \
            *(T *)(void *)(p[2] + i * step[2]) = (T)ldexp##F(a, near);                                                 \
        }                                                                                                              \
    }

#define MAKE(D, T, C, F) LOOPS(FAST2, FAST1, D, T, C, F) OTHER_LOOPS(D, T, C, F)
FLOAT_TYPES(MAKE)

LOOP_UNARY_PLAIN(loop_SPACING_FLOAT16, half_t, half_t, half_t, spacing_f16(a))
LOOP_UNARY_PLAIN(loop_SPACING_FLOAT32, float, float, float, spacing_f32(a))
LOOP_UNARY_PLAIN(loop_SPACING_FLOAT64, double, double, double, spacing_f64(a))
LOOP_BINARY_PLAIN(loop_NEXTAFTER_FLOAT16, half_t, half_t, half_t, half_t, nextafter_f16(a, b))
LOOP_BINARY_PLAIN(loop_NEXTAFTER_FLOAT32, float, float, float, float, nextafterf(a, b))
LOOP_BINARY_PLAIN(loop_NEXTAFTER_FLOAT64, double, double, double, double, nextafter(a, b))

/* --- the table ------------------------------------------------------------------------------------------------------
 */

#define ENTRY2(OP, D, T, C, EXPR) LOOP_ENTRY2(OP, D, D)
#define ENTRY1(OP, D, T, C, EXPR) LOOP_ENTRY1(OP, D, D)
#define SAME_ENTRY(OP, D, LOOP) {OP_##OP, {DTYPE_##D}, {DTYPE_##D}, loop_##LOOP##_##D},
#define LIST(D, T, C, F)                                                                                               \
    LOOPS(ENTRY2, ENTRY1, D, T, C, F)                                                                                  \
    SAME_ENTRY(CONJUGATE, D, POSITIVE)                                                                                 \
    SAME_ENTRY(REAL, D, POSITIVE)                                                                                      \
    SAME_ENTRY(IMAG, D, IMAG)                                                                                          \
    SAME_ENTRY(FABS, D, ABSOLUTE)                                                                                      \
    SAME_ENTRY(RAD2DEG, D, DEGREES)                                                                                    \
    SAME_ENTRY(DEG2RAD, D, RADIANS)                                                                                    \
    SAME_ENTRY(SPACING, D, SPACING)                                                                                    \
    LOOP_ENTRY2(NEXTAFTER, D, D){OP_CLIP, {DTYPE_##D, DTYPE_##D, DTYPE_##D}, {DTYPE_##D}, loop_CLIP_##D},              \
        {OP_MODF, {DTYPE_##D}, {DTYPE_##D, DTYPE_##D}, loop_MODF_##D},                                                 \
        {OP_FREXP, {DTYPE_##D}, {DTYPE_##D, DTYPE_INT32}, loop_FREXP_##D},                                             \
        {OP_LDEXP, {DTYPE_##D, DTYPE_INT64}, {DTYPE_##D}, loop_LDEXP_##D},

static const loop_entry_t entries[] = {
    FLOAT_TYPES(LIST){0, {0}, {0}, NULL},
};

const loop_entry_t *
LOOPS_NAME(FH_LOOPS_VARIANT, float)(void)
{
    return entries;
}
