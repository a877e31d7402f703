/* Integer and bool loops.  Integers wrap, division by zero gives 0; work is done in an unsigned type so that C agrees.
 */
#include "codecs/convert.h"
#include "engine/compute/divisor.h"
#include "engine/compute/elementary.h"
#include "engine/compute/flags.h"
#include "engine/compute/loops.h"

enum { DIVISOR_WORTH = 16 }; /* elements; for fewer the divisor is not prepared */

/* --- the operations that are more than an expression ----------------------------------------------------------------
 */

#define INTEGER_FUNCTIONS(D, T, U)                                                                                     \
    static inline T power_##D(T base, T exponent)                                                                      \
    {                                                                                                                  \
        U result = 1, square = (U)base, left = (U)exponent;                                                            \
        for (; left != 0; left >>= 1, square *= square)                                                                \
            result *= left & 1 ? square : 1;                                                                           \
        return (T)result;                                                                                              \
    }                                                                                                                  \
    static inline U gcd_##D(U a, U b)                                                                                  \
    {                                                                                                                  \
        while (b != 0) {                                                                                               \
            U rest = a % b;                                                                                            \
            a = b;                                                                                                     \
            b = rest;                                                                                                  \
        }                                                                                                              \
        return a;                                                                                                      \
    }                                                                                                                  \
    static inline U lcm_##D(U a, U b)                                                                                  \
    {                                                                                                                  \
        U divisor = gcd_##D(a, b);                                                                                     \
        return divisor == 0 ? 0 : a / divisor * b;                                                                     \
    }

static int
by_zero(void)
{
    flags_raise(FLAG_DIVIDE);
    return 0;
}

/* The smallest number has no counterpart. */
static uint64_t
negated(bool smallest, uint64_t value)
{
    flags_raise(smallest ? FLAG_OVERFLOW : 0);
    return value;
}

static double
inverse(double a)
{
    flags_raise(a == 0 ? FLAG_DIVIDE | FLAG_INVALID : 0); /* infinity is no integer */
    return 1 / a;
}

/* Quotient rounded down, and what it leaves.  Dividing the smallest number by -1 wraps. */
#define SIGNED_FUNCTIONS(D, T, U)                                                                                      \
    static inline T floor_divide_##D(T a, T b)                                                                         \
    {                                                                                                                  \
        if (b == 0)                                                                                                    \
            return (T)by_zero();                                                                                       \
        if (b == -1)                                                                                                   \
            return (T)negated(a != 0 && a == (T)(0 - (U)a), 0 - (U)a);                                                 \
        return (T)(a / b - ((a % b != 0) & ((a < 0) != (b < 0))));                                                     \
    }                                                                                                                  \
    static inline T fmod_##D(T a, T b)                                                                                 \
    {                                                                                                                  \
        return (T)(b == 0 ? by_zero() : b == -1 ? 0 : a % b);                                                          \
    }                                                                                                                  \
    static inline T remainder_##D(T a, T b)                                                                            \
    {                                                                                                                  \
        T rest = fmod_##D(a, b);                                                                                       \
        return (T)(rest + (b & -(T)((rest != 0) & ((rest < 0) != (b < 0)))));                                          \
    }

/* What is left with the quotient rounded down, and what is left with it rounded to zero. */
#define REST(T, U, a, q, b) ((T)((U)(a) - (U)(q) * (U)(b)))
#define REST_TO_ZERO_SIGNED(D, T)                                                                                      \
    static inline T rest_to_zero_##D(T a, T rest, T b)                                                                 \
    {                                                                                                                  \
        return (T)(rest != 0 && (a < 0) != (b < 0) ? rest - b : rest);                                                 \
    }
#define REST_TO_ZERO_UNSIGNED(D, T)                                                                                    \
    static inline T rest_to_zero_##D(T a, T rest, T b)                                                                 \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        return rest;                                                                                                   \
    }

#define UNSIGNED_FUNCTIONS(D, T, U)                                                                                    \
    static inline T floor_divide_##D(T a, T b)                                                                         \
    {                                                                                                                  \
        return (T)(b == 0 ? (T)by_zero() : a / b);                                                                     \
    }                                                                                                                  \
    static inline T fmod_##D(T a, T b)                                                                                 \
    {                                                                                                                  \
        return (T)(b == 0 ? (T)by_zero() : a % b);                                                                     \
    }                                                                                                                  \
    static inline T remainder_##D(T a, T b)                                                                            \
    {                                                                                                                  \
        return fmod_##D(a, b);                                                                                         \
    }

/* Is the divisor one for all, and one that DIVISOR_ takes without raising flags? */
#define ONE_DIVISOR(T, y) (step[1] == 0 && n >= DIVISOR_WORTH && (y) != 0 && (y) != (T) - 1)

#define DIVMOD_LOOP(D, T, U)                                                                                           \
    static void loop_DIVMOD_##D(char **p, const int64_t *step, int64_t n)                                              \
    {                                                                                                                  \
        const char *px = p[0], *py = p[1];                                                                             \
        char *pz = p[2], *pr = p[3];                                                                                   \
        const T by = n > 0 ? *(const T *)(const void *)py : 0;                                                         \
        if (ONE_DIVISOR(T, by)) {                                                                                      \
            const divisor_##D##_t divisor = divisor_##D(by);                                                           \
            for (int64_t i = 0; i < n; i++, px += step[0], pz += step[2], pr += step[3]) {                             \
                T a = *(const T *)(const void *)px, q = divide_##D(&divisor, a);                                       \
                *(T *)(void *)pz = q;                                                                                  \
                *(T *)(void *)pr = REST(T, U, a, q, by);                                                               \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++, px += step[0], py += step[1], pz += step[2], pr += step[3]) {                  \
            T a = *(const T *)(const void *)px, b = *(const T *)(const void *)py;                                      \
            *(T *)(void *)pz = floor_divide_##D(a, b);                                                                 \
            *(T *)(void *)pr = remainder_##D(a, b);                                                                    \
        }                                                                                                              \
    }

#define CLIP_LOOP(D, T, C)                                                                                             \
    static void loop_CLIP_##D(char **p, const int64_t *step, int64_t n)                                                \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            C x = (C) * (const T *)(const void *)(p[0] + i * step[0]);                                                 \
            C low = (C) * (const T *)(const void *)(p[1] + i * step[1]);                                               \
            C high = (C) * (const T *)(const void *)(p[2] + i * step[2]);                                              \
            x = x < low ? low : x;                                                                                     \
            *(T *)(void *)(p[3] + i * step[3]) = (T)(x > high ? high : x);                                             \
        }                                                                                                              \
    }

#define WIDTH(T) (sizeof(T) * 8)

/* --- the loops of one type: F2, F1 fast binary and unary, S2, S1 plain ones, DIVIDING with a way for one divisor ----
 */

#define COMMON_LOOPS(F2, F1, S2, S1, DIVIDING, D, T, U)                                                                \
    ELEMENTARY_INTEGER2(F2, D, T, U)                                                                                   \
    ELEMENTARY_EXTREME2(F2, D, T)                                                                                      \
    F2(LEFT_SHIFT, D, T, (uint64_t)b < WIDTH(T) ? (U)a << b : 0)                                                       \
    DIVIDING(FLOOR_DIVIDE, D, T, floor_divide_##D(a, b), q)                                                            \
    DIVIDING(REMAINDER, D, T, remainder_##D(a, b), REST(T, U, a, q, b))                                                \
    DIVIDING(FMOD, D, T, fmod_##D(a, b), rest_to_zero_##D(a, REST(T, U, a, q, b), b))                                  \
    S2(POWER, D, T, power_##D(a, b))                                                                                   \
    ELEMENTARY_INTEGER1(F1, D, T, U)                                                                                   \
    F1(POSITIVE, D, T, a)                                                                                              \
    S1(IMAG, D, T, a - a)

#define SIGNED_LOOPS(F2, F1, S2, S1, DIVIDING, D, T, U)                                                                \
    COMMON_LOOPS(F2, F1, S2, S1, DIVIDING, D, T, U)                                                                    \
    F2(RIGHT_SHIFT, D, T, (uint64_t)b < WIDTH(T) ? a >> b : a < 0 ? -1 : 0)                                            \
    S2(GCD, D, T, gcd_##D(a < 0 ? 0 - (U)a : (U)a, b < 0 ? 0 - (U)b : (U)b))                                           \
    S2(LCM, D, T, lcm_##D(a < 0 ? 0 - (U)a : (U)a, b < 0 ? 0 - (U)b : (U)b))                                           \
    F1(ABSOLUTE, D, T, a < 0 ? 0 - (U)a : (U)a)                                                                        \
    F1(SIGN, D, T, (a > 0) - (a < 0))                                                                                  \
    S1(RECIPROCAL, D, T, sizeof(T) == 8 ? convert_f64_i64(inverse((double)a)) : convert_f64_i32(inverse((double)a)))

#define UNSIGNED_LOOPS(F2, F1, S2, S1, DIVIDING, D, T, U)                                                              \
    COMMON_LOOPS(F2, F1, S2, S1, DIVIDING, D, T, U)                                                                    \
    F2(RIGHT_SHIFT, D, T, (uint64_t)b < WIDTH(T) ? a >> b : 0)                                                         \
    S2(GCD, D, T, gcd_##D(a, b))                                                                                       \
    S2(LCM, D, T, lcm_##D(a, b))                                                                                       \
    F1(SIGN, D, T, a != 0)                                                                                             \
    S1(RECIPROCAL, D, T, a == 0 ? inverse(0) == 0 : a == 1)

#define ALL_INTEGERS(S, U)                                                                                             \
    S(INT8, int8_t, uint32_t)                                                                                          \
    S(INT16, int16_t, uint32_t)                                                                                        \
    S(INT32, int32_t, uint32_t)                                                                                        \
    S(INT64, int64_t, uint64_t)                                                                                        \
    U(UINT8, uint8_t, uint32_t)                                                                                        \
    U(UINT16, uint16_t, uint32_t) U(UINT32, uint32_t, uint32_t) U(UINT64, uint64_t, uint64_t)

/* Bools: any byte but 0 counts as true. */
#define BOOL_LOOPS(F2, F1)                                                                                             \
    ELEMENTARY_BOOL2(F2, BOOL)                                                                                         \
    F1(INVERT, BOOL, !a)                                                                                               \
    F1(ABSOLUTE, BOOL, a)                                                                                              \
    F1(IMAG, BOOL, a & !a)

typedef bool truth_t; /* a byte loaded as truth_t is 0 or 1 */

#define FAST2(OP, D, T, EXPR) LOOP_BINARY(LOOP_ID(OP, D), T, T, T, T, EXPR)
#define FAST1(OP, D, T, EXPR) LOOP_UNARY(LOOP_ID(OP, D), T, T, T, EXPR)
#define PLAIN2(OP, D, T, EXPR) LOOP_BINARY_PLAIN(LOOP_ID(OP, D), T, T, T, T, EXPR)
#define PLAIN1(OP, D, T, EXPR) LOOP_UNARY_PLAIN(LOOP_ID(OP, D), T, T, T, EXPR)
#define DIVIDING2(OP, D, T, EXPR, BY_ONE)                                                                              \
    static void loop_##OP##_##D(char **p, const int64_t *step, int64_t n)                                              \
    {                                                                                                                  \
        const T by = n > 0 ? *(const T *)(const void *)p[1] : 0;                                                       \
        if (!ONE_DIVISOR(T, by)) {                                                                                     \
            LOOP_BINARY_STRIDED(T, T, T, T, EXPR)                                                                      \
            return;                                                                                                    \
        }                                                                                                              \
        const divisor_##D##_t divisor = divisor_##D(by);                                                               \
        if (LOOP_IS(0, T) && LOOP_IS(2, T)) {                                                                          \
            const T *x = (const void *)p[0];                                                                           \
            T *z = (void *)p[2];                                                                                       \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                const T a = x[i], b = by, q = divide_##D(&divisor, a);                                                 \
                (void)b;                                                                                               \
                z[i] = BY_ONE;                                                                                         \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        const char *px = p[0];                                                                                         \
        char *pz = p[2];                                                                                               \
        for (int64_t i = 0; i < n; i++, px += step[0], pz += step[2]) {                                                \
            const T a = *(const T *)(const void *)px, b = by, q = divide_##D(&divisor, a);                             \
            (void)b;                                                                                                   \
            *(T *)(void *)pz = BY_ONE;                                                                                 \
        }                                                                                                              \
    }
#define BOOL2(OP, D, EXPR) LOOP_BINARY(LOOP_ID(OP, BOOL), uint8_t, uint8_t, uint8_t, truth_t, EXPR)
#define BOOL1(OP, D, EXPR) LOOP_UNARY(LOOP_ID(OP, BOOL), uint8_t, uint8_t, truth_t, EXPR)

#define MAKE_SIGNED(D, T, U)                                                                                           \
    INTEGER_FUNCTIONS(D, T, U)                                                                                         \
    SIGNED_FUNCTIONS(D, T, U)                                                                                          \
    REST_TO_ZERO_SIGNED(D, T)                                                                                          \
    DIVMOD_LOOP(D, T, U)                                                                                               \
    CLIP_LOOP(D, T, T)                                                                                                 \
    SIGNED_LOOPS(FAST2, FAST1, PLAIN2, PLAIN1, DIVIDING2, D, T, U)
#define MAKE_UNSIGNED(D, T, U)                                                                                         \
    INTEGER_FUNCTIONS(D, T, U)                                                                                         \
    UNSIGNED_FUNCTIONS(D, T, U)                                                                                        \
    REST_TO_ZERO_UNSIGNED(D, T)                                                                                        \
    DIVMOD_LOOP(D, T, U)                                                                                               \
    CLIP_LOOP(D, T, T)                                                                                                 \
    UNSIGNED_LOOPS(FAST2, FAST1, PLAIN2, PLAIN1, DIVIDING2, D, T, U)

ALL_INTEGERS(MAKE_SIGNED, MAKE_UNSIGNED)
BOOL_LOOPS(BOOL2, BOOL1)
CLIP_LOOP(BOOL, uint8_t, truth_t)

/* --- the table ------------------------------------------------------------------------------------------------------
 */

#define ENTRY2(OP, D, T, EXPR) LOOP_ENTRY2(OP, D, D)
#define DIVIDING_ENTRY2(OP, D, T, EXPR, BY_ONE) LOOP_ENTRY2(OP, D, D)
#define ENTRY1(OP, D, T, EXPR) LOOP_ENTRY1(OP, D, D)
#define BOOL_ENTRY2(OP, D, EXPR) LOOP_ENTRY2(OP, BOOL, BOOL)
#define BOOL_ENTRY1(OP, D, EXPR) LOOP_ENTRY1(OP, BOOL, BOOL)

#define THREE_INPUTS(D) {OP_CLIP, {DTYPE_##D, DTYPE_##D, DTYPE_##D}, {DTYPE_##D}, loop_CLIP_##D},

/* Operations that give back an integer as it is. */
#define SAME_ENTRY(OP, D) {OP_##OP, {DTYPE_##D}, {DTYPE_##D}, loop_POSITIVE_##D},
#define OTHER_ENTRIES(D)                                                                                               \
    SAME_ENTRY(CONJUGATE, D)                                                                                           \
    SAME_ENTRY(REAL, D)                                                                                                \
    SAME_ENTRY(FLOOR, D)                                                                                               \
    SAME_ENTRY(CEIL, D)                                                                                                \
    SAME_ENTRY(TRUNC, D){OP_DIVMOD, {DTYPE_##D, DTYPE_##D}, {DTYPE_##D, DTYPE_##D}, loop_DIVMOD_##D}, THREE_INPUTS(D)

#define LIST_SIGNED(D, T, U) SIGNED_LOOPS(ENTRY2, ENTRY1, ENTRY2, ENTRY1, DIVIDING_ENTRY2, D, T, U) OTHER_ENTRIES(D)
#define LIST_UNSIGNED(D, T, U)                                                                                         \
    UNSIGNED_LOOPS(ENTRY2, ENTRY1, ENTRY2, ENTRY1, DIVIDING_ENTRY2, D, T, U) SAME_ENTRY(ABSOLUTE, D) OTHER_ENTRIES(D)

static const loop_entry_t entries[] = {
    ALL_INTEGERS(LIST_SIGNED, LIST_UNSIGNED) BOOL_LOOPS(BOOL_ENTRY2, BOOL_ENTRY1)
        THREE_INPUTS(BOOL){OP_FMAX, {DTYPE_BOOL, DTYPE_BOOL}, {DTYPE_BOOL}, loop_MAXIMUM_BOOL},
    {OP_FMIN, {DTYPE_BOOL, DTYPE_BOOL}, {DTYPE_BOOL}, loop_MINIMUM_BOOL},
    {OP_REAL, {DTYPE_BOOL}, {DTYPE_BOOL}, loop_ABSOLUTE_BOOL},
    {OP_FLOOR, {DTYPE_BOOL}, {DTYPE_BOOL}, loop_ABSOLUTE_BOOL},
    {OP_CEIL, {DTYPE_BOOL}, {DTYPE_BOOL}, loop_ABSOLUTE_BOOL},
    {OP_TRUNC, {DTYPE_BOOL}, {DTYPE_BOOL}, loop_ABSOLUTE_BOOL},
#define FMINMAX(D, T, U)                                                                                               \
    {OP_FMAX, {DTYPE_##D, DTYPE_##D}, {DTYPE_##D}, loop_MAXIMUM_##D},                                                  \
        {OP_FMIN, {DTYPE_##D, DTYPE_##D}, {DTYPE_##D}, loop_MINIMUM_##D},
    ALL_INTEGERS(FMINMAX, FMINMAX){0, {0}, {0}, NULL},
};

const loop_entry_t *
LOOPS_NAME(FH_LOOPS_VARIANT, integer)(void)
{
    return entries;
}
