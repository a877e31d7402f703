/* Loops over the functions of real numbers that SLEEF has for whole vectors (decision 0047), in its deterministic forms
 * with fused operations, and over some of our own (vector_pairs.h, vector_fused.h, vector_angles.h): the same bits for
 * every width of vectors and every place in an array.  float16 is computed in float and rounded once.
 *
 * A vector computes what is ordinary: arguments (and results of two) within the ranges below, where the function raises
 * no flag.  Elements that are not are computed once more by the C library, whose flags are kept; SLEEF's are not. */
#include "engine/compute/loops.h"
#include "engine/compute/math_flags.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <x86intrin.h> /* as sleef.h does, which must not meet it below */
#endif
/* SLEEF declares its scalar forms with fused operations only where compilers may use these everywhere.  Here the
 * processor is asked when the program runs. */
#ifndef FP_FAST_FMA
#define FP_FAST_FMA 1
#endif
#ifndef FP_FAST_FMAF
#define FP_FAST_FMAF 1
#endif
#define const /* SLEEF's functions return const double, to clang another type than double */
#include <sleef.h>
#undef const

/* What this variant calls: the forms for its vectors, at all times, but for a processor without fused operations (F
 * with, P without them). */
#if defined(__AVX512F__)
typedef __m512d vector64_t;
typedef __m512 vector32_t;
#define F64(name, error) Sleef_finz_##name##d8_##error##avx512f
#define F32(name, error) Sleef_finz_##name##f16_##error##avx512f
#define FUSED(a, b, c) _mm512_fmadd_pd(a, b, c)
#define ROOT(a) _mm512_sqrt_pd(a)
#elif defined(__AVX2__)
typedef __m256d vector64_t;
typedef __m256 vector32_t;
#define F64(name, error) Sleef_finz_##name##d4_##error##avx2
#define F32(name, error) Sleef_finz_##name##f8_##error##avx2
#define FUSED(a, b, c) _mm256_fmadd_pd(a, b, c)
#define ROOT(a) _mm256_sqrt_pd(a)
#else
typedef double vector64_t;
typedef float vector32_t;
#define F64(name, error) Sleef_finz_##name##d1_##error##purecfma
#define F32(name, error) Sleef_finz_##name##f1_##error##purecfma
#define FUSED(a, b, c) fma(a, b, c)
#define ROOT(a) sqrt(a)
#endif
/* Integers as wide; a < b as all bits of such or none. */
#if defined(__AVX2__)
typedef uint64_t integers64_t __attribute__((vector_size(sizeof(vector64_t))));
#else
typedef uint64_t integers64_t;
#endif
#if defined(__AVX512F__)
#define LESS(a, b) ((integers64_t)_mm512_movm_epi64(_mm512_cmp_pd_mask(a, b, _CMP_LT_OQ)))
#elif defined(__AVX2__)
#define LESS(a, b) ((integers64_t)_mm256_cmp_pd(a, b, _CMP_LT_OQ))
#else
#define LESS(a, b) ((uint64_t)0 - (uint64_t)((a) < (b)))
#endif
#if defined(__AVX2__) || !defined(__x86_64__)
#define P64 F64
#define P32 F32
#else
#define P64(name, error) Sleef_cinz_##name##d1_##error##purec
#define P32(name, error) Sleef_cinz_##name##f1_##error##purec
#endif

/* Is it F that is called?  Vectors have nothing else. */
static inline bool
fused_operations(void)
{
#if defined(__AVX2__) || !defined(__x86_64__)
    return true;
#else
    return __builtin_cpu_supports("fma") != 0;
#endif
}

#include "engine/compute/vector_angles.h"
#include "engine/compute/vector_fused.h"
#include "engine/compute/vector_pairs.h"

#define LN2 0.693147180559945309417232121458176568
#define LOG2E 1.44269504088896340735992468100189214

/* Powers that are few products and roots: what these lose is added, so that errors stay at half a unit in the last
 * place.  Only for numbers (above 0 where there is a root) of which no product leaves the normal numbers. */
static inline double
cube_of(double x)
{
    const double square = x * x, lost = fma(x, x, -square), cube = square * x;
    return cube + fma(lost, x, fma(square, x, -cube));
}
static inline double
fourth_of(double x)
{
    const double square = x * x, lost = fma(x, x, -square), fourth = square * square;
    return fourth + fma(2 * lost, square, fma(square, square, -fourth));
}
static inline double
three_halves_of(double x)
{
    const double root = sqrt(x), lost = 0.5 * root * fma(-root, root, x), product = x * root;
    return product + (fma(x, root, -product) + lost);
}
static inline double
inverse_root_of(double x)
{
    const double root = sqrt(x), inverse = 1 / root, lost = 0.5 * inverse * inverse * fma(-root, root, x);
    return inverse + inverse * (fma(-inverse, root, 1) - lost);
}
static inline float
cube_off(float x)
{
    return (float)((double)x * (double)x * (double)x);
}
static inline float
fourth_off(float x)
{
    const double square = (double)x * (double)x;
    return (float)(square * square);
}
static inline float
three_halves_off(float x)
{
    return (float)((double)x * sqrt((double)x));
}
static inline float
inverse_root_off(float x)
{
    return (float)(1 / sqrt((double)x));
}

#define FEW_PRODUCTS(C, F, LEAST, MOST)                                                                                \
    static inline bool is_few##F(C exponent)                                                                           \
    {                                                                                                                  \
        return (exponent == 3) | (exponent == 4) | (exponent == (C)1.5) | (exponent == -(C)0.5);                       \
    }                                                                                                                  \
    static inline bool fits_few##F(C a, C exponent)                                                                    \
    {                                                                                                                  \
        const C size = exponent >= 3 ? fabs##F(a) : a;                                                                 \
        return (size >= (C)LEAST) & (size <= (C)MOST);                                                                 \
    }                                                                                                                  \
    static inline C few_of##F(C a, C exponent)                                                                         \
    {                                                                                                                  \
        return exponent == 3        ? cube_of##F(a)                                                                    \
               : exponent == 4      ? fourth_of##F(a)                                                                  \
               : exponent == (C)1.5 ? three_halves_of##F(a)                                                            \
                                    : inverse_root_of##F(a);                                                           \
    }
FEW_PRODUCTS(double, , 1e-70, 1e70)
FEW_PRODUCTS(float, f, 1e-9, 1e9)

/* log(exp(a) + exp(b)): the larger one is taken out, so that nothing overflows. */
#define EXACT_FUNCTIONS(C, F)                                                                                          \
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
    }                                                                                                                  \
    /* Exponents that are asked for most have results that one operation gives. */                                     \
    static inline C root_of##F(C a)                                                                                    \
    {                                                                                                                  \
        return sqrt##F((a == -(C)INFINITY ? (C)INFINITY : a) + 0); /* as pow has it; -0.0 + 0 is 0.0 */                \
    }                                                                                                                  \
    static inline C power_of##F(C a, C b)                                                                              \
    {                                                                                                                  \
        if (a != a) /* comparing it raises a flag */                                                                   \
            return pow##F(a, b);                                                                                       \
        if (is_few##F(b) && fits_few##F(a, b))                                                                         \
            return few_of##F(a, b);                                                                                    \
        return b == 2 ? a * a : b == 1 ? a : b == -1 ? 1 / a : b == (C)0.5 ? root_of##F(a) : pow##F(a, b);             \
    }
EXACT_FUNCTIONS(double, )
EXACT_FUNCTIONS(float, f)

enum { PIECE = MATH_FLAGS_PIECE };

#define SLEEF_NAME(name) name##_f64
#define SLEEF_C double
#define SLEEF_V vector64_t
#define SLEEF_INTEGER int64_t
#define SLEEF_ABS fabs
#define SLEEF_ROOT root_of
#define SLEEF_FEW(name) name
#define SLEEF_MIN DBL_MIN
#define SLEEF_MAX DBL_MAX
#include "engine/compute/loops_sleef_body.inc"

#define SLEEF_NAME(name) name##_f32
#define SLEEF_C float
#define SLEEF_V vector32_t
#define SLEEF_INTEGER int32_t
#define SLEEF_ABS fabsf
#define SLEEF_ROOT root_off
#define SLEEF_FEW(name) name##f
#define SLEEF_MIN FLT_MIN
#define SLEEF_MAX FLT_MAX
#include "engine/compute/loops_sleef_body.inc"

/* --- one input: operation, the vectors' function of float64, SLEEF's name, C's; the range where a vector is right
 * and raises nothing, of float64 and of float32 (besides: 0 or at least the smallest normal number in size) */

/* The loops of an operation, whose rows are OP_f64 and OP_f32. */
#define LOOPS_OF(OP, RUN)                                                                                              \
    static void loop_##OP##_FLOAT64(char **p, const int64_t *step, int64_t n)                                          \
    {                                                                                                                  \
        RUN##_f64(&OP##_f64, false, p, step, n);                                                                       \
    }                                                                                                                  \
    static void loop_##OP##_FLOAT32(char **p, const int64_t *step, int64_t n)                                          \
    {                                                                                                                  \
        RUN##_f32(&OP##_f32, false, p, step, n);                                                                       \
    }                                                                                                                  \
    static void loop_##OP##_FLOAT16(char **p, const int64_t *step, int64_t n)                                          \
    {                                                                                                                  \
        RUN##_f32(&OP##_f32, true, p, step, n);                                                                        \
    }

#define NEXT_TO_1 (1 - DBL_EPSILON / 2)
#define NEXT_TO_1F (1 - FLT_EPSILON / 2)

#define UNARY_ROWS(M)                                                                                                  \
    M(CBRT, cbrt_f64, cbrt, cbrt, -DBL_MAX, DBL_MAX, -FLT_MAX, FLT_MAX)                                                \
    M(EXP2, F64(exp2, u10), exp2, exp2, -1022, 1023.99, -126, 127.99F)                                                 \
    M(EXPM1, F64(expm1, u10), expm1, expm1, -DBL_MAX, 709, -FLT_MAX, 88)                                               \
    M(LOG2, F64(log2, u10), log2, log2, DBL_MIN, DBL_MAX, FLT_MIN, FLT_MAX)                                            \
    M(LOG10, F64(log10, u10), log10, log10, DBL_MIN, DBL_MAX, FLT_MIN, FLT_MAX)                                        \
    M(LOG1P, log1p_f64, log1p, log1p, -NEXT_TO_1, 1e300, -NEXT_TO_1F, 1e37F)                                           \
    M(TAN, F64(tan, u10), tan, tan, -DBL_MAX, DBL_MAX, -FLT_MAX, FLT_MAX)                                              \
    M(ARCSIN, F64(asin, u10), asin, asin, -1, 1, -1, 1)                                                                \
    M(ARCCOS, F64(acos, u10), acos, acos, -1, 1, -1, 1)                                                                \
    M(ARCTAN, arctan_f64, atan, atan, -DBL_MAX, DBL_MAX, -FLT_MAX, FLT_MAX)                                            \
    M(SINH, F64(sinh, u10), sinh, sinh, -709, 709, -88, 88)                                                            \
    M(COSH, F64(cosh, u10), cosh, cosh, -709, 709, -88, 88)                                                            \
    M(ARCSINH, arcsinh_f64, asinh, asinh, -1e150, 1e150, -1e18F, 1e18F)                                                \
    M(ARCCOSH, arccosh_f64, acosh, acosh, 1, 1e150, 1, 1e18F)                                                          \
    M(ARCTANH, arctanh_f64, atanh, atanh, -NEXT_TO_1, NEXT_TO_1, -NEXT_TO_1F, NEXT_TO_1F)

#define UNARY_LOOP(OP, VECTOR64, NAME, EXACT, LOW, HIGH, LOWF, HIGHF)                                                  \
    static const unary_t_f64 OP##_f64 = {{VECTOR64, P64(NAME, u10)}, EXACT, LOW, HIGH};                                \
    static const unary_t_f32 OP##_f32 = {{F32(NAME, u10), P32(NAME, u10)}, EXACT##f, LOWF, HIGHF};                     \
    LOOPS_OF(OP, run1)
UNARY_ROWS(UNARY_LOOP)

/* --- two inputs: operation, the vectors' function of float64, SLEEF's name and error, C's; the sizes of inputs where
 * a vector is right: the first's smallest, the largest of both (besides: the result is a normal number). */

#define BINARY_ROWS(M)                                                                                                 \
    M(POWER, power_f64, pow, u10, power_of, DBL_MIN, DBL_MAX, FLT_MIN, FLT_MAX)                                        \
    M(ARCTAN2, arctan2_f64, atan2, u10, atan2, 0, 1e150, 0, 1e18F)                                                     \
    M(HYPOT, F64(hypot, u05), hypot, u05, hypot, 0, 1e150, 0, 1e18F)

#define BINARY_LOOP(OP, VECTOR64, NAME, ERROR, EXACT, LEAST, MOST, LEASTF, MOSTF)                                      \
    static const binary_t_f64 OP##_f64 = {.vector = {VECTOR64, P64(NAME, ERROR)},                                      \
                                          .exact = EXACT,                                                              \
                                          .least = LEAST,                                                              \
                                          .most = MOST,                                                                \
                                          .power = OP_##OP == OP_POWER};                                               \
    static const binary_t_f32 OP##_f32 = {.vector = {F32(NAME, ERROR), P32(NAME, ERROR)},                              \
                                          .exact = EXACT##f,                                                           \
                                          .least = LEASTF,                                                             \
                                          .most = MOSTF,                                                               \
                                          .power = OP_##OP == OP_POWER};                                               \
    LOOPS_OF(OP, run2)
BINARY_ROWS(BINARY_LOOP)

/* --- logarithms of sums of powers: operation, SLEEF's exponential, C's function, what the logarithm is multiplied
 * by, the largest difference where nothing underflows */

#define SUM_ROWS(M)                                                                                                    \
    M(LOGADDEXP, exp, logaddexp_of, 1, 708, 87)                                                                        \
    M(LOGADDEXP2, exp2, logaddexp2_of, LOG2E, 1022, 126)

#define SUM_ROW(F, P, LOG, NAME, EXACT, FACTOR, MOST)                                                                  \
    {.exponential = {F(NAME, u10), P(NAME, u10)},                                                                      \
     .log1p = {LOG, P(log1p, u10)},                                                                                    \
     .exact = EXACT,                                                                                                   \
     .factor = FACTOR,                                                                                                 \
     .most = MOST}
#define SUM_LOOP(OP, NAME, EXACT, FACTOR, MOST, MOSTF)                                                                 \
    static const binary_t_f64 OP##_f64 = SUM_ROW(F64, P64, log1p_f64, NAME, EXACT, (double)FACTOR, MOST);              \
    static const binary_t_f32 OP##_f32 = SUM_ROW(F32, P32, F32(log1p, u10), NAME, EXACT##f, (float)FACTOR, MOSTF);     \
    LOOPS_OF(OP, run2)
SUM_ROWS(SUM_LOOP)

/* The size of complex numbers: the same, of their two parts. */
#define ABSOLUTE_LOOP(D, R, T)                                                                                         \
    static void loop_ABSOLUTE_##D(char **p, const int64_t *step, int64_t n)                                            \
    {                                                                                                                  \
        loop_HYPOT_##R((char *[]){p[0], p[0] + sizeof(T), p[1]}, (const int64_t[]){step[0], step[0], step[1]}, n);     \
    }
ABSOLUTE_LOOP(COMPLEX64, FLOAT32, float)
ABSOLUTE_LOOP(COMPLEX128, FLOAT64, double)

#define ENTRY1(OP, ...)                                                                                                \
    LOOP_ENTRY1(OP, FLOAT16, FLOAT16)                                                                                  \
    LOOP_ENTRY1(OP, FLOAT32, FLOAT32) LOOP_ENTRY1(OP, FLOAT64, FLOAT64)
#define ENTRY2(OP, ...)                                                                                                \
    LOOP_ENTRY2(OP, FLOAT16, FLOAT16)                                                                                  \
    LOOP_ENTRY2(OP, FLOAT32, FLOAT32) LOOP_ENTRY2(OP, FLOAT64, FLOAT64)

static const loop_entry_t entries[] = {
    UNARY_ROWS(ENTRY1) BINARY_ROWS(ENTRY2)
        SUM_ROWS(ENTRY2){OP_FLOAT_POWER, {DTYPE_FLOAT64, DTYPE_FLOAT64}, {DTYPE_FLOAT64}, loop_POWER_FLOAT64},
    LOOP_ENTRY1(ABSOLUTE, COMPLEX64, FLOAT32) LOOP_ENTRY1(ABSOLUTE, COMPLEX128, FLOAT64){0, {0}, {0}, NULL},
};

const loop_entry_t *
LOOPS_NAME(FH_LOOPS_VARIANT, sleef)(void)
{
    return entries;
}
