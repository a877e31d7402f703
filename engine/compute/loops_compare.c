/* Loops that give bools, and the choice between two arrays. */
#include "engine/compute/elementary.h"
#include "engine/compute/loops.h"

#include <math.h>

typedef bool truth_t; /* a byte loaded as truth_t is 0 or 1 */

/* Every real type: D dtype, T what is stored, C what is compared. */
#define REAL_TYPES(M)                                                                                                  \
    M(BOOL, uint8_t, truth_t)                                                                                          \
    M(INT8, int8_t, int8_t)                                                                                            \
    M(UINT8, uint8_t, uint8_t) M(INT16, int16_t, int16_t) M(UINT16, uint16_t, uint16_t) M(INT32, int32_t, int32_t)     \
        M(UINT32, uint32_t, uint32_t) M(INT64, int64_t, int64_t) M(UINT64, uint64_t, uint64_t)                         \
            M(FLOAT16, half_t, float) M(FLOAT32, float, float) M(FLOAT64, double, double)
#define EXACT_TYPES(M) M(BOOL) M(INT8) M(UINT8) M(INT16) M(UINT16) M(INT32) M(UINT32) M(INT64) M(UINT64)
#define FLOAT_TYPES(M) M(FLOAT16, half_t, float) M(FLOAT32, float, float) M(FLOAT64, double, double)

#define BINARY_LOOPS(M, D, T, C)                                                                                       \
    ELEMENTARY_COMPARE(M, D, T, C)                                                                                     \
    M(LOGICAL_AND, D, T, C, (a != 0) & (b != 0))                                                                       \
    M(LOGICAL_OR, D, T, C, (a != 0) | (b != 0))                                                                        \
    M(LOGICAL_XOR, D, T, C, (a != 0) ^ (b != 0))
#define NOT_LOOP(M, D, T, C) M(LOGICAL_NOT, D, T, C, a == 0)
#define CLASS_LOOPS(M, D, T, C)                                                                                        \
    M(ISFINITE, D, T, C, isfinite(a) != 0)                                                                             \
    M(ISINF, D, T, C, isinf(a) != 0)                                                                                   \
    M(ISNAN, D, T, C, isnan(a) != 0)                                                                                   \
    M(SIGNBIT, D, T, C, signbit(a) != 0)

#define MAKE2(OP, D, T, C, EXPR) LOOP_BINARY(LOOP_ID(OP, D), T, T, uint8_t, C, EXPR)
#define MAKE1(OP, D, T, C, EXPR) LOOP_UNARY(LOOP_ID(OP, D), T, uint8_t, C, EXPR)
#define MAKE_REAL(D, T, C) BINARY_LOOPS(MAKE2, D, T, C) NOT_LOOP(MAKE1, D, T, C)
#define MAKE_FLOAT(D, T, C) CLASS_LOOPS(MAKE1, D, T, C)
REAL_TYPES(MAKE_REAL)
FLOAT_TYPES(MAKE_FLOAT)

static void
loop_true(char **p, const int64_t *step, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        p[1][i * step[1]] = 1;
}

static void
loop_false(char **p, const int64_t *step, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        p[1][i * step[1]] = 0;
}

/* --- int64 with uint64, which no common type holds ------------------------------------------------------------------
 */

#define MIXED_LOOPS(M)                                                                                                 \
    M(EQUAL, i >= 0 && (uint64_t)i == u, i >= 0 && (uint64_t)i == u)                                                   \
    M(NOT_EQUAL, i < 0 || (uint64_t)i != u, i < 0 || (uint64_t)i != u)                                                 \
    M(LESS, i < 0 || (uint64_t)i < u, i >= 0 && u < (uint64_t)i)                                                       \
    M(LESS_EQUAL, i < 0 || (uint64_t)i <= u, i >= 0 && u <= (uint64_t)i)                                               \
    M(GREATER, i >= 0 && (uint64_t)i > u, i < 0 || u > (uint64_t)i)                                                    \
    M(GREATER_EQUAL, i >= 0 && (uint64_t)i >= u, i < 0 || u >= (uint64_t)i)

#define MIXED_LOOP(NAME, I, U, EXPR)                                                                                   \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        for (int64_t k = 0; k < n; k++) {                                                                              \
            int64_t i = *(const int64_t *)(const void *)(p[I] + k * step[I]);                                          \
            uint64_t u = *(const uint64_t *)(const void *)(p[U] + k * step[U]);                                        \
            p[2][k * step[2]] = (EXPR) ? 1 : 0;                                                                        \
        }                                                                                                              \
    }
#define MAKE_MIXED(OP, SIGNED_FIRST, UNSIGNED_FIRST)                                                                   \
    MIXED_LOOP(loop_##OP##_iu, 0, 1, SIGNED_FIRST)                                                                     \
    MIXED_LOOP(loop_##OP##_ui, 1, 0, UNSIGNED_FIRST)
MIXED_LOOPS(MAKE_MIXED)

/* --- complex numbers are ordered by their real parts, then by their imaginary ones ----------------------------------
 */

/* ar, ai, br, bi: the parts.  With NaN anywhere every order is false. */
#define COMPLEX_LOOPS(M, D, T)                                                                                         \
    M(EQUAL, D, T, ar == br && ai == bi)                                                                               \
    M(NOT_EQUAL, D, T, ar != br || ai != bi)                                                                           \
    M(LESS, D, T, (ar < br && ai == ai && bi == bi) || (ar == br && ai < bi))                                          \
    M(LESS_EQUAL, D, T, (ar < br && ai == ai && bi == bi) || (ar == br && ai <= bi))                                   \
    M(GREATER, D, T, (ar > br && ai == ai && bi == bi) || (ar == br && ai > bi))                                       \
    M(GREATER_EQUAL, D, T, (ar > br && ai == ai && bi == bi) || (ar == br && ai >= bi))                                \
    M(LOGICAL_AND, D, T, (ar != 0 || ai != 0) && (br != 0 || bi != 0))                                                 \
    M(LOGICAL_OR, D, T, ar != 0 || ai != 0 || br != 0 || bi != 0)                                                      \
    M(LOGICAL_XOR, D, T, (ar != 0 || ai != 0) != (br != 0 || bi != 0))
#define COMPLEX_UNARY(M, D, T)                                                                                         \
    M(LOGICAL_NOT, D, T, ar == 0 && ai == 0)                                                                           \
    M(ISFINITE, D, T, isfinite(ar) && isfinite(ai))                                                                    \
    M(ISINF, D, T, isinf(ar) || isinf(ai))                                                                             \
    M(ISNAN, D, T, isnan(ar) || isnan(ai))

#define MAKE_COMPLEX2(OP, D, T, EXPR)                                                                                  \
    static void LOOP_ID(OP, D)(char **p, const int64_t *step, int64_t n)                                               \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const T *x = (const void *)(p[0] + i * step[0]), *y = (const void *)(p[1] + i * step[1]);                  \
            T ar = x[0], ai = x[1], br = y[0], bi = y[1];                                                              \
            p[2][i * step[2]] = (EXPR) ? 1 : 0;                                                                        \
        }                                                                                                              \
    }
#define MAKE_COMPLEX1(OP, D, T, EXPR)                                                                                  \
    static void LOOP_ID(OP, D)(char **p, const int64_t *step, int64_t n)                                               \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const T *x = (const void *)(p[0] + i * step[0]);                                                           \
            T ar = x[0], ai = x[1];                                                                                    \
            p[1][i * step[1]] = (EXPR) ? 1 : 0;                                                                        \
        }                                                                                                              \
    }
COMPLEX_LOOPS(MAKE_COMPLEX2, COMPLEX64, float)
COMPLEX_LOOPS(MAKE_COMPLEX2, COMPLEX128, double)
COMPLEX_UNARY(MAKE_COMPLEX1, COMPLEX64, float)
COMPLEX_UNARY(MAKE_COMPLEX1, COMPLEX128, double)

/* --- where: bits move, so that one loop serves all types of a size ---------------------------------------------------
 */

typedef struct {
    uint64_t half[2];
} wide_t;

#define WHERE_LOOP(NAME, T)                                                                                            \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        if (step[0] == 1 && LOOP_IS(1, T) && LOOP_IS(2, T) && LOOP_IS(3, T)) {                                         \
            const uint8_t *mask = (const void *)p[0];                                                                  \
            const T *x = (const void *)p[1], *y = (const void *)p[2];                                                  \
            T *z = (void *)p[3];                                                                                       \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                T a = x[i], b = y[i];                                                                                  \
                z[i] = mask[i] != 0 ? a : b;                                                                           \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            int chosen = p[0][i * step[0]] != 0 ? 1 : 2;                                                               \
            *(T *)(void *)(p[3] + i * step[3]) = *(const T *)(const void *)(p[chosen] + i * step[chosen]);             \
        }                                                                                                              \
    }
WHERE_LOOP(where_1, uint8_t)
WHERE_LOOP(where_2, uint16_t)
WHERE_LOOP(where_4, uint32_t)
WHERE_LOOP(where_8, uint64_t)
WHERE_LOOP(where_16, wide_t)

/* --- the table ------------------------------------------------------------------------------------------------------
 */

#define ENTRY2(OP, D, T, C, EXPR) LOOP_ENTRY2(OP, D, BOOL)
#define ENTRY1(OP, D, T, C, EXPR) LOOP_ENTRY1(OP, D, BOOL)
#define LIST_REAL(D, T, C) BINARY_LOOPS(ENTRY2, D, T, C) NOT_LOOP(ENTRY1, D, T, C)
#define LIST_FLOAT(D, T, C) CLASS_LOOPS(ENTRY1, D, T, C)
#define LIST_EXACT(D)                                                                                                  \
    {OP_ISFINITE, {DTYPE_##D}, {DTYPE_BOOL}, loop_true}, {OP_ISINF, {DTYPE_##D}, {DTYPE_BOOL}, loop_false},            \
        {OP_ISNAN, {DTYPE_##D}, {DTYPE_BOOL}, loop_false},
#define LIST_MIXED(OP, X, Y)                                                                                           \
    {OP_##OP, {DTYPE_INT64, DTYPE_UINT64}, {DTYPE_BOOL}, loop_##OP##_iu},                                              \
        {OP_##OP, {DTYPE_UINT64, DTYPE_INT64}, {DTYPE_BOOL}, loop_##OP##_ui},
#define COMPLEX_ENTRY2(OP, D, T, EXPR) LOOP_ENTRY2(OP, D, BOOL)
#define COMPLEX_ENTRY1(OP, D, T, EXPR) LOOP_ENTRY1(OP, D, BOOL)
#define LIST_WHERE(D, size) {OP_WHERE, {DTYPE_BOOL, DTYPE_##D, DTYPE_##D}, {DTYPE_##D}, where_##size},

static const loop_entry_t entries[] = {
    REAL_TYPES(LIST_REAL) FLOAT_TYPES(LIST_FLOAT) EXACT_TYPES(LIST_EXACT) MIXED_LOOPS(LIST_MIXED)
        COMPLEX_LOOPS(COMPLEX_ENTRY2, COMPLEX64, float) COMPLEX_LOOPS(COMPLEX_ENTRY2, COMPLEX128, double)
            COMPLEX_UNARY(COMPLEX_ENTRY1, COMPLEX64, float) COMPLEX_UNARY(COMPLEX_ENTRY1, COMPLEX128, double)
#define DTYPE(NAME, code, ctype, name, chr, kind, size, format) LIST_WHERE(NAME, size)
#include "codecs/dtypes.def"
#undef DTYPE
                {0, {0}, {0}, NULL},
};

const loop_entry_t *
LOOPS_NAME(FH_LOOPS_VARIANT, compare)(void)
{
    return entries;
}
