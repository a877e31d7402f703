/* Loops over libm's functions of real numbers.  float16 is computed in float and rounded once. */
#include "engine/compute/loops.h"
#include "engine/compute/math_flags.h"
#include "engine/compute/vector_math.h"

#include <float.h>
#include <math.h>

/* D dtype, T what is stored, C what is computed in, F suffix of libm's names. */
#define FLOAT_TYPES(M) M(FLOAT16, half_t, float, f) M(FLOAT32, float, float, f) M(FLOAT64, double, double, )

enum { PIECE = 256 }; /* elements of sine and cosine at a time */

#define LN2 0.693147180559945309417232121458176568
#define LOG2E 1.44269504088896340735992468100189214

/* log(exp(a) + exp(b)): the larger one is taken out, so that nothing overflows. */
#define LOGADD_FUNCTIONS(C, F)                                                                                         \
    static C logaddexp_of##F(C a, C b)                                                                                 \
    {                                                                                                                  \
        C difference = a - b;                                                                                          \
        if (a == b) /* infinities too */                                                                               \
            return a + (C)LN2;                                                                                         \
        if (difference > 0)                                                                                            \
            return a + log1p##F(exp##F(-difference));                                                                  \
        return difference <= 0 ? b + log1p##F(exp##F(difference)) : difference;                                        \
    }                                                                                                                  \
    static C logaddexp2_of##F(C a, C b)                                                                                \
    {                                                                                                                  \
        C difference = a - b;                                                                                          \
        if (a == b)                                                                                                    \
            return a + 1;                                                                                              \
        if (difference > 0)                                                                                            \
            return a + (C)LOG2E * log1p##F(exp2##F(-difference));                                                      \
        return difference <= 0 ? b + (C)LOG2E * log1p##F(exp2##F(difference)) : difference;                            \
    }

/* Exponents that are asked for most have results that one operation gives; the rest is libm's. */
#define POWER_FUNCTION(C, F)                                                                                           \
    static inline C power_of##F(C a, C b)                                                                              \
    {                                                                                                                  \
        return b == 2 ? a * a : b == 1 ? a : b == -1 ? 1 / a : pow##F(a, b);                                           \
    }

/* Squares of a whole array are worth a loop that vectors make faster. */
#define POWER_LOOP(D, T, C, F)                                                                                         \
    static void loop_POWER_##D(char **p, const int64_t *step, int64_t n)                                               \
    {                                                                                                                  \
        const T *x = (const void *)p[0], *y = (const void *)p[1];                                                      \
        T *z = (void *)p[2];                                                                                           \
        if (step[1] == 0 && LOOP_IS(0, T) && LOOP_IS(2, T) && (C) * y == 2) {                                          \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                C a = (C)x[i];                                                                                         \
                z[i] = (T)(a * a);                                                                                     \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        LOOP_BINARY_STRIDED(T, T, T, C, power_of##F(a, b))                                                             \
    }

/* Sine and cosine: all elements of a piece by vectors, then those that are too large again by libm.  What an element
 * becomes depends on nothing but itself. */
#define TRIG_LOOP(OP, D, T, VECTOR, EXACT)                                                                             \
    static void quick_##OP##_##D(char **p, const int64_t *step, int64_t n)                                             \
    {                                                                                                                  \
        double in[PIECE], out[PIECE];                                                                                  \
        for (int64_t at = 0; at < n; at += PIECE) {                                                                    \
            int64_t now = n - at < PIECE ? n - at : PIECE;                                                             \
            const char *x = p[0] + at * step[0];                                                                       \
            char *z = p[1] + at * step[1];                                                                             \
            bool large = false;                                                                                        \
            for (int64_t i = 0; i < now; i++)                                                                          \
                in[i] = (double)*(const T *)(const void *)(x + i * step[0]);                                           \
            for (int64_t i = 0; i < now; i++)                                                                          \
                out[i] = VECTOR(in[i]);                                                                                \
            for (int64_t i = 0; i < now; i++)                                                                          \
                large |= !(fabs(in[i]) <= VTRIG_LIMIT);                                                                \
            for (int64_t i = 0; i < now && large; i++)                                                                 \
                if (!(fabs(in[i]) <= VTRIG_LIMIT))                                                                     \
                    out[i] = EXACT(in[i]);                                                                             \
            for (int64_t i = 0; i < now; i++)                                                                          \
                *(T *)(void *)(z + i * step[1]) = (T)out[i];                                                           \
        }                                                                                                              \
    }
#define TRIG_LOOPS(D, T)                                                                                               \
    TRIG_LOOP(SIN, D, T, vsin, sin)                                                                                    \
    TRIG_LOOP(COS, D, T, vcos, cos)

POWER_FUNCTION(float, f)
POWER_FUNCTION(double, )
LOGADD_FUNCTIONS(float, f)
LOGADD_FUNCTIONS(double, )

/* Those that vectors make faster. */
#define VECTOR_LOOPS(M, D, T, C, F)                                                                                    \
    M(EXP, D, T, C, vexp##F(a))                                                                                        \
    M(LOG, D, T, C, vlog##F(a))                                                                                        \
    M(TANH, D, T, C, vtanh##F(a))
#define UNARY_LOOPS(M, D, T, C, F)                                                                                     \
    M(CBRT, D, T, C, cbrt##F(a))                                                                                       \
    M(EXP2, D, T, C, exp2##F(a))                                                                                       \
    M(EXPM1, D, T, C, expm1##F(a))                                                                                     \
    M(LOG2, D, T, C, log2##F(a))                                                                                       \
    M(LOG10, D, T, C, log10##F(a))                                                                                     \
    M(LOG1P, D, T, C, log1p##F(a))                                                                                     \
    M(TAN, D, T, C, tan##F(a))                                                                                         \
    M(ARCSIN, D, T, C, asin##F(a))                                                                                     \
    M(ARCCOS, D, T, C, acos##F(a))                                                                                     \
    M(ARCTAN, D, T, C, atan##F(a))                                                                                     \
    M(SINH, D, T, C, sinh##F(a))                                                                                       \
    M(COSH, D, T, C, cosh##F(a))                                                                                       \
    M(ARCSINH, D, T, C, asinh##F(a))                                                                                   \
    M(ARCCOSH, D, T, C, acosh##F(a))                                                                                   \
    M(ARCTANH, D, T, C, atanh##F(a))
#define BINARY_LOOPS(M, D, T, C, F)                                                                                    \
    M(ARCTAN2, D, T, C, atan2##F(a, b))                                                                                \
    M(HYPOT, D, T, C, hypot##F(a, b))                                                                                  \
    M(LOGADDEXP, D, T, C, logaddexp_of##F(a, b))                                                                       \
    M(LOGADDEXP2, D, T, C, logaddexp2_of##F(a, b))

#define MAKE1(OP, D, T, C, EXPR) LOOP_UNARY_PLAIN(LOOP_ID(OP, D), T, T, C, EXPR)
#define MAKE2(OP, D, T, C, EXPR) LOOP_BINARY_PLAIN(LOOP_ID(OP, D), T, T, T, C, EXPR)
#define MAKE_FAST(OP, D, T, C, EXPR) LOOP_UNARY(quick_##OP##_##D, T, T, C, EXPR)

/* Whose vectors raise other flags than the functions.  Above HIGH exp overflows, below LOW its result is subnormal. */
#define FLAGS_OF_EXP(D, T, C, I, HIGH, LOW)                                                                            \
    MATH_FLAGS(flags_EXP_##D, T, C, I, (a > (C)HIGH) | (a < (C)LOW),                                                   \
               isinf(a) ? 0                                                                                            \
               : a > 0  ? FLAG_OVERFLOW                                                                                \
                        : FLAG_UNDERFLOW)
FLAGS_OF_EXP(FLOAT16, half_t, float, int32_t, 11.0898664, -9.70406052)
FLAGS_OF_EXP(FLOAT32, float, float, int32_t, 88.7228394, -87.3365479)
FLAGS_OF_EXP(FLOAT64, double, double, int64_t, 709.782712893384, -708.3964185322641)
#define FLAGS_OF_OTHERS(D, T, C, I)                                                                                    \
    MATH_FLAGS(flags_LOG_##D, T, C, I, a <= 0, a < 0 ? FLAG_INVALID : FLAG_DIVIDE)                                     \
    MATH_FLAGS(flags_SIN_##D, T, C, I, (a > (C)FLT_MAX) | (a < -(C)FLT_MAX), isinf(a) ? FLAG_INVALID : 0)              \
    MATH_FLAGS(flags_COS_##D, T, C, I, (a > (C)FLT_MAX) | (a < -(C)FLT_MAX), isinf(a) ? FLAG_INVALID : 0)
FLAGS_OF_OTHERS(FLOAT16, half_t, float, int32_t)
FLAGS_OF_OTHERS(FLOAT32, float, float, int32_t)
FLAGS_OF_OTHERS(FLOAT64, double, double, int64_t)

static unsigned
no_flags(const char *p, int64_t step, int64_t n)
{
    (void)p, (void)step, (void)n;
    return 0;
}

#define FLAGGED(OP, D) MATH_FLAGS_LOOP(LOOP_ID(OP, D), quick_##OP##_##D, flags_##OP##_##D)
#define FLAGGED_LOOPS(D)                                                                                               \
    FLAGGED(EXP, D)                                                                                                    \
    FLAGGED(LOG, D) MATH_FLAGS_LOOP(loop_TANH_##D, quick_TANH_##D, no_flags) FLAGGED(SIN, D) FLAGGED(COS, D)
#define MAKE(D, T, C, F)                                                                                               \
    VECTOR_LOOPS(MAKE_FAST, D, T, C, F)                                                                                \
    UNARY_LOOPS(MAKE1, D, T, C, F)                                                                                     \
    BINARY_LOOPS(MAKE2, D, T, C, F)                                                                                    \
    POWER_LOOP(D, T, C, F)                                                                                             \
    TRIG_LOOPS(D, T)                                                                                                   \
    FLAGGED_LOOPS(D)
FLOAT_TYPES(MAKE)

#define ENTRY1(OP, D, T, C, EXPR) LOOP_ENTRY1(OP, D, D)
#define ENTRY2(OP, D, T, C, EXPR) LOOP_ENTRY2(OP, D, D)
#define LIST(D, T, C, F)                                                                                               \
    VECTOR_LOOPS(ENTRY1, D, T, C, F)                                                                                   \
    UNARY_LOOPS(ENTRY1, D, T, C, F)                                                                                    \
    BINARY_LOOPS(ENTRY2, D, T, C, F)                                                                                   \
    LOOP_ENTRY2(POWER, D, D)                                                                                           \
    LOOP_ENTRY1(SIN, D, D)                                                                                             \
    LOOP_ENTRY1(COS, D, D)

static const loop_entry_t entries[] = {
    FLOAT_TYPES(LIST){OP_FLOAT_POWER, {DTYPE_FLOAT64, DTYPE_FLOAT64}, {DTYPE_FLOAT64}, loop_POWER_FLOAT64},
    {0, {0}, {0}, NULL},
};

const loop_entry_t *
LOOPS_NAME(FH_LOOPS_VARIANT, math)(void)
{
    return entries;
}
