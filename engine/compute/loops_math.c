/* Loops over libm's functions of real numbers.  float16 is computed in float and rounded once. */
#include "engine/compute/loops.h"
#include "engine/compute/math_flags.h"
#include "engine/compute/vector_math.h"

#include <float.h>
#include <math.h>

/* D dtype, T what is stored, C what is computed in, F suffix of libm's names. */
#define FLOAT_TYPES(M) M(FLOAT16, half_t, float, f) M(FLOAT32, float, float, f) M(FLOAT64, double, double, )

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

POWER_FUNCTION(float, f)
POWER_FUNCTION(double, )
LOGADD_FUNCTIONS(float, f)
LOGADD_FUNCTIONS(double, )

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

/* Those that vectors make faster, whose vectors raise other flags than the functions.  Above HIGH exp overflows, below
 * LOW its result is subnormal; MOST is the largest finite number.  Sine and cosine are computed in double. */
#define EXP_LOOP(D, T, C, I, F, HIGH, LOW, MOST)                                                                       \
    MATH_FLAGS_LOOP(EXP, D, T, C, I, (a > (C)HIGH) | (fabs##F(a) > -(C)LOW), vexp##F##_plain(a), vexp##F(a),           \
                    (((a > (C)HIGH) & (a <= MOST)) ? FLAG_OVERFLOW : 0) |                                              \
                        (((a < (C)LOW) & (a >= -MOST)) ? FLAG_UNDERFLOW : 0))
EXP_LOOP(FLOAT16, half_t, float, int32_t, f, 11.0898664, -9.70406052, FLT_MAX)
EXP_LOOP(FLOAT32, float, float, int32_t, f, 88.7228394, -87.3365479, FLT_MAX)
EXP_LOOP(FLOAT64, double, double, int64_t, , 709.782712893384, -708.3964185322641, DBL_MAX)

#define LOG_AND_TANH_LOOPS(D, T, C, I, F, LEAST, MOST)                                                                 \
    MATH_FLAGS_LOOP(LOG, D, T, C, I, !((a >= LEAST) & (a <= MOST)), vlog##F##_plain(a), vlog##F(a),                    \
                    (a < 0 ? FLAG_INVALID : 0) | (a == 0 ? FLAG_DIVIDE : 0))                                           \
    MATH_FLAGS_LOOP(TANH, D, T, C, I, 0, vtanh##F(a), z[i], 0)
LOG_AND_TANH_LOOPS(FLOAT16, half_t, float, int32_t, f, FLT_MIN, FLT_MAX)
LOG_AND_TANH_LOOPS(FLOAT32, float, float, int32_t, f, FLT_MIN, FLT_MAX)
LOG_AND_TANH_LOOPS(FLOAT64, double, double, int64_t, , DBL_MIN, DBL_MAX)

#define TRIG_LOOP(OP, D, T, VECTOR, EXACT)                                                                             \
    MATH_FLAGS_LOOP(OP, D, T, double, int64_t, !(fabs(a) <= VTRIG_LIMIT), VECTOR(a),                                   \
                    fabs(a) <= VTRIG_LIMIT ? (double)z[i] : EXACT(a), fabs(a) > DBL_MAX ? FLAG_INVALID : 0)
#define TRIG_LOOPS(D, T, C, F) TRIG_LOOP(SIN, D, T, vsin, sin) TRIG_LOOP(COS, D, T, vcos, cos)
FLOAT_TYPES(TRIG_LOOPS)

#define MAKE(D, T, C, F)                                                                                               \
    UNARY_LOOPS(MAKE1, D, T, C, F)                                                                                     \
    BINARY_LOOPS(MAKE2, D, T, C, F)                                                                                    \
    POWER_LOOP(D, T, C, F)
FLOAT_TYPES(MAKE)

#define ENTRY1(OP, D, T, C, EXPR) LOOP_ENTRY1(OP, D, D)
#define ENTRY2(OP, D, T, C, EXPR) LOOP_ENTRY2(OP, D, D)
#define LIST(D, T, C, F)                                                                                               \
    UNARY_LOOPS(ENTRY1, D, T, C, F)                                                                                    \
    BINARY_LOOPS(ENTRY2, D, T, C, F)                                                                                   \
    LOOP_ENTRY2(POWER, D, D)                                                                                           \
    LOOP_ENTRY1(EXP, D, D)                                                                                             \
    LOOP_ENTRY1(LOG, D, D)                                                                                             \
    LOOP_ENTRY1(TANH, D, D)                                                                                            \
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
