/* Kernels that fold many elements into one, and that pick the best one. */
#include <complex.h>
#undef complex /* a name in loops.h */
#include "engine/compute/fold.h"

#include <string.h>

/* Where any order gives the same bits, elements are folded in WIDTH lanes (a power of two) and no tree.  There are so
 * many that no vector waits for the one before it. */
#define ROW_KERNEL_EXACT(NAME, T, TOTAL, WIDTH, FOLD)                                                                  \
    static TOTAL NAME##_apart(const char *p, int64_t step, int64_t n)                                                  \
    {                                                                                                                  \
        TOTAL lane[8];                                                                                                 \
        const int64_t width = n < 8 ? n : 8;                                                                           \
        int64_t i = width;                                                                                             \
        lane[0] = (TOTAL) * (const T *)(const void *)p;                                                                \
        for (int64_t j = 1; j < width; j++)                                                                            \
            lane[j] = (TOTAL) * (const T *)(const void *)(p + j * step);                                               \
        for (; i + 8 <= n; i += 8)                                                                                     \
            for (int64_t j = 0; j < 8; j++) {                                                                          \
                TOTAL a = lane[j], b = (TOTAL) * (const T *)(const void *)(p + (i + j) * step);                        \
                lane[j] = FOLD;                                                                                        \
            }                                                                                                          \
        for (; i < n; i++) {                                                                                           \
            TOTAL a = lane[i % 8], b = (TOTAL) * (const T *)(const void *)(p + i * step);                              \
            lane[i % 8] = FOLD;                                                                                        \
        }                                                                                                              \
        for (int64_t j = 1; j < width; j++) {                                                                          \
            TOTAL a = lane[0], b = lane[j];                                                                            \
            lane[0] = FOLD;                                                                                            \
        }                                                                                                              \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    static TOTAL NAME##_close(const T *x, int64_t n)                                                                   \
    {                                                                                                                  \
        TOTAL lane[WIDTH];                                                                                             \
        int64_t i = WIDTH;                                                                                             \
        for (int j = 0; j < WIDTH; j++)                                                                                \
            lane[j] = (TOTAL)x[j];                                                                                     \
        for (; i + WIDTH <= n; i += WIDTH)                                                                             \
            for (int j = 0; j < WIDTH; j++) {                                                                          \
                TOTAL a = lane[j], b = (TOTAL)x[i + j];                                                                \
                lane[j] = FOLD;                                                                                        \
            }                                                                                                          \
        for (int j = 0; i + j < n; j++) {                                                                              \
            TOTAL a = lane[j], b = (TOTAL)x[i + j];                                                                    \
            lane[j] = FOLD;                                                                                            \
        }                                                                                                              \
        for (int half = WIDTH / 2; half > 0; half /= 2)                                                                \
            for (int j = 0; j < half; j++) {                                                                           \
                TOTAL a = lane[j], b = lane[j + half];                                                                 \
                lane[j] = FOLD;                                                                                        \
            }                                                                                                          \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    static void NAME##_row(void *ret, const char *p, int64_t step, int64_t n)                                          \
    {                                                                                                                  \
        TOTAL all = step == (int64_t)sizeof(T) && n >= WIDTH ? NAME##_close((const T *)(const void *)p, n)             \
                                                             : NAME##_apart(p, step, n);                               \
        memcpy(ret, &all, sizeof all);                                                                                 \
    }

/* Where the order is part of the result: leaves of REDUCTION_LEAF elements in FOLD_STRANDS strands (element i goes to
 * strand i modulo their number), which are joined by halves, and a tree over the leaves. */
#define ROW_KERNEL_ORDERED(NAME, T, TOTAL, WIDTH, FOLD)                                                                \
    static inline TOTAL NAME##_join(TOTAL *strand, int64_t n)                                                          \
    {                                                                                                                  \
        for (int half = FOLD_STRANDS / 2; half > 0; half /= 2)                                                         \
            for (int j = 0; j < half && j + half < n; j++) {                                                           \
                TOTAL a = strand[j], b = strand[j + half];                                                             \
                strand[j] = FOLD;                                                                                      \
            }                                                                                                          \
        return strand[0];                                                                                              \
    }                                                                                                                  \
    static TOTAL NAME##_leaf(const char *p, int64_t step, int64_t n)                                                   \
    {                                                                                                                  \
        TOTAL strand[FOLD_STRANDS];                                                                                    \
        strand[0] = (TOTAL) * (const T *)(const void *)p;                                                              \
        for (int64_t i = 1; i < FOLD_STRANDS; i++)                                                                     \
            strand[i] = i < n ? (TOTAL) * (const T *)(const void *)(p + i * step) : strand[0];                         \
        for (int64_t i = FOLD_STRANDS; i < n; i++) {                                                                   \
            TOTAL b = (TOTAL) * (const T *)(const void *)(p + i * step), a = strand[i % FOLD_STRANDS];                 \
            strand[i % FOLD_STRANDS] = FOLD;                                                                           \
        }                                                                                                              \
        return NAME##_join(strand, n < FOLD_STRANDS ? n : FOLD_STRANDS);                                               \
    }                                                                                                                  \
    static inline TOTAL NAME##_full_leaf(const char *p, int64_t step)                                                  \
    {                                                                                                                  \
        TOTAL strand[FOLD_STRANDS];                                                                                    \
        for (int j = 0; j < FOLD_STRANDS; j++)                                                                         \
            strand[j] = (TOTAL) * (const T *)(const void *)(p + j * step);                                             \
        for (int i = FOLD_STRANDS; i < REDUCTION_LEAF; i += FOLD_STRANDS)                                              \
            for (int j = 0; j < FOLD_STRANDS; j++) {                                                                   \
                TOTAL a = strand[j], b = (TOTAL) * (const T *)(const void *)(p + (i + j) * step);                      \
                strand[j] = FOLD;                                                                                      \
            }                                                                                                          \
        return NAME##_join(strand, FOLD_STRANDS);                                                                      \
    }                                                                                                                  \
    static void NAME##_nodes(void *node, int64_t n)                                                                    \
    {                                                                                                                  \
        TOTAL *z = node;                                                                                               \
        for (; n > 1; n = (n + 1) / 2) {                                                                               \
            for (int64_t j = 0; j < n / 2; j++) {                                                                      \
                TOTAL a = z[2 * j], b = z[2 * j + 1];                                                                  \
                z[j] = FOLD;                                                                                           \
            }                                                                                                          \
            if (n % 2 != 0)                                                                                            \
                z[n / 2] = z[n - 1];                                                                                   \
        }                                                                                                              \
    }                                                                                                                  \
    static void NAME##_row(void *ret, const char *p, int64_t step, int64_t n)                                          \
    {                                                                                                                  \
        TOTAL node[FOLD_ROW / REDUCTION_LEAF];                                                                         \
        int64_t nodes = 0, i = 0;                                                                                      \
        node[0] = (TOTAL)0;                                                                                            \
        if (step == (int64_t)sizeof(T))                                                                                \
            for (; i + REDUCTION_LEAF <= n; i += REDUCTION_LEAF)                                                       \
                node[nodes++] = NAME##_full_leaf(p + i * (int64_t)sizeof(T), sizeof(T));                               \
        for (; i + REDUCTION_LEAF <= n; i += REDUCTION_LEAF)                                                           \
            node[nodes++] = NAME##_full_leaf(p + i * step, step);                                                      \
        if (i < n)                                                                                                     \
            node[nodes++] = NAME##_leaf(p + i * step, step, n - i);                                                    \
        NAME##_nodes(node, nodes);                                                                                     \
        memcpy(ret, node, sizeof node[0]);                                                                             \
    }

#define LANES_KERNEL(NAME, T, TOTAL, FOLD)                                                                             \
    static void NAME##_lanes(char *acc, const char *p, int64_t step, int64_t n)                                        \
    {                                                                                                                  \
        TOTAL *z = (void *)acc;                                                                                        \
        if (step == (int64_t)sizeof(T)) {                                                                              \
            const T *x = (const void *)p;                                                                              \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                TOTAL a = z[i], b = (TOTAL)x[i];                                                                       \
                z[i] = FOLD;                                                                                           \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            TOTAL a = z[i], b = (TOTAL) * (const T *)(const void *)(p + i * step);                                     \
            z[i] = FOLD;                                                                                               \
        }                                                                                                              \
    }

/* Rows of a whole leaf, side by side: row k and those FOLD_STRANDS behind it are strand k; a pass folds two strands
 * that are joined first (eight rows, which processors can fetch ahead) and joins them with what the passes before gave.
 * ODD: FOLD is not right for a and b; FLAG: an integer of TOTAL's size. */
#define PASS_KERNEL(NAME, T, TOTAL, FLAG, FOLD, ODD)                                                                   \
    static inline TOTAL NAME##_two(TOTAL a, TOTAL b)                                                                   \
    {                                                                                                                  \
        return FOLD;                                                                                                   \
    }                                                                                                                  \
    static inline FLAG NAME##_odd(TOTAL a, TOTAL b)                                                                    \
    {                                                                                                                  \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        return (FLAG) - (FLAG)(ODD);                                                                                   \
    }                                                                                                                  \
    static inline TOTAL NAME##_strand(const char *p, int64_t down, FLAG *odd)                                          \
    {                                                                                                                  \
        TOTAL a = (TOTAL) * (const T *)(const void *)p, b = (TOTAL) * (const T *)(const void *)(p + 8 * down);         \
        TOTAL c = (TOTAL) * (const T *)(const void *)(p + 16 * down);                                                  \
        TOTAL d = (TOTAL) * (const T *)(const void *)(p + 24 * down);                                                  \
        *odd |= NAME##_odd(a, b) | NAME##_odd(c, d);                                                                   \
        return NAME##_two(NAME##_two(NAME##_two(a, b), c), d);                                                         \
    }                                                                                                                  \
    static inline TOTAL NAME##_strands(const char *p, int64_t down, FLAG *odd)                                         \
    {                                                                                                                  \
        return NAME##_two(NAME##_strand(p, down, odd), NAME##_strand(p + 4 * down, down, odd));                        \
    }                                                                                                                  \
    static bool NAME##_pass(int pass, char *acc, char *spare, const char *p, int64_t down, int64_t n)                  \
    {                                                                                                                  \
        TOTAL *z = (void *)acc, *y = (void *)spare;                                                                    \
        FLAG odd = 0;                                                                                                  \
        p += down * (pass == 1 ? 2 : pass == 2 ? 1 : pass);                                                            \
        if (pass == 0 || pass == 2) {                                                                                  \
            z = pass == 0 ? z : y;                                                                                     \
            LOOP_FREE for (int64_t i = 0; i < n; i++) z[i] = NAME##_strands(p + i * (int64_t)sizeof(T), down, &odd);   \
        } else if (pass == 1) {                                                                                        \
            LOOP_FREE for (int64_t i = 0; i < n; i++) z[i] =                                                           \
                NAME##_two(z[i], NAME##_strands(p + i * (int64_t)sizeof(T), down, &odd));                              \
        } else {                                                                                                       \
            LOOP_FREE for (int64_t i = 0; i < n; i++) z[i] =                                                           \
                NAME##_two(z[i], NAME##_two(y[i], NAME##_strands(p + i * (int64_t)sizeof(T), down, &odd)));            \
        }                                                                                                              \
        return odd == 0;                                                                                               \
    }

/* One comparison is enough where there is no NaN. */
#define PASS_KERNEL_ORDERED(NAME, T, TOTAL, FOLD) PASS_KERNEL(NAME, T, TOTAL, int, FOLD, 0)
#define PASS_KERNEL_EXACT PASS_KERNEL_ORDERED
#define PASS_KERNEL_LEAST(NAME, T, TOTAL, FOLD)                                                                        \
    PASS_KERNEL(NAME, T, TOTAL, FLAG_##T, b < a ? b : a, __builtin_isunordered(a, b))
#define PASS_KERNEL_GREATEST(NAME, T, TOTAL, FOLD)                                                                     \
    PASS_KERNEL(NAME, T, TOTAL, FLAG_##T, b > a ? b : a, __builtin_isunordered(a, b))
_Static_assert(FOLD_STRANDS == 8 && REDUCTION_LEAF == 32 && FOLD_PASSES == 4, "four passes of two strands");
#define FLAG_float int32_t
#define FLAG_double int64_t
#define ROW_KERNEL_LEAST ROW_KERNEL_EXACT
#define ROW_KERNEL_GREATEST ROW_KERNEL_EXACT

#define MERGE_KERNEL(NAME, TOTAL, FOLD)                                                                                \
    static void NAME##_merge(char *acc, const char *more, int64_t n)                                                   \
    {                                                                                                                  \
        TOTAL *z = (void *)acc;                                                                                        \
        const TOTAL *x = (const void *)more;                                                                           \
        LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                      \
        {                                                                                                              \
            TOTAL a = z[i], b = x[i];                                                                                  \
            z[i] = FOLD;                                                                                               \
        }                                                                                                              \
    }

/* --- which there are: K(reduce, item, total, item's type, total's type, lanes, does the order matter, how a and b
 * fold)
 * -------------------- */

static inline float _Complex multiplyf(float _Complex a, float _Complex b)
{
    float ar = crealf(a), ai = cimagf(a), br = crealf(b), bi = cimagf(b);
    return __builtin_complex(ar * br - ai * bi, ar * bi + ai * br);
}

static inline double _Complex multiply(double _Complex a, double _Complex b)
{
    double ar = creal(a), ai = cimag(a), br = creal(b), bi = cimag(b);
    return __builtin_complex(ar * br - ai * bi, ar * bi + ai * br);
}

/* Complex numbers are ordered by real, then by imaginary part.  NaN in either part counts as NaN. */
#define COMPLEX_ORDER(Z, T, F)                                                                                         \
    static inline bool nan_in##F(Z a)                                                                                  \
    {                                                                                                                  \
        return creal##F(a) != creal##F(a) || cimag##F(a) != cimag##F(a);                                               \
    }                                                                                                                  \
    static inline bool less##F(Z a, Z b)                                                                               \
    {                                                                                                                  \
        return creal##F(a) < creal##F(b) || (creal##F(a) == creal##F(b) && cimag##F(a) < cimag##F(b));                 \
    }
#define COMPLEX_CASES(M) M(float _Complex, float, f) M(double _Complex, double, )
COMPLEX_CASES(COMPLEX_ORDER)

#define EXTREMES(K, D, T, W)                                                                                           \
    K(MIN, D, D, T, T, W, EXACT, b < a ? b : a)                                                                        \
    K(MAX, D, D, T, T, W, EXACT, b > a ? b : a)
#define FLOAT_EXTREMES(K, D, T, W)                                                                                     \
    K(MIN, D, D, T, T, W, LEAST, ((b < a) | (b != b)) ? b : a)                                                         \
    K(MAX, D, D, T, T, W, GREATEST, ((b > a) | (b != b)) ? b : a)
#define COMPLEX_EXTREMES(K, D, T, W, F)                                                                                \
    K(MIN, D, D, T, T, W, EXACT, !nan_in##F(a) && (nan_in##F(b) || less##F(b, a)) ? b : a)                             \
    K(MAX, D, D, T, T, W, EXACT, !nan_in##F(a) && (nan_in##F(b) || less##F(a, b)) ? b : a)

#define KERNELS(K)                                                                                                     \
    K(SUM, INT64, INT64, int64_t, int64_t, 64, EXACT, (int64_t)((uint64_t)a + (uint64_t)b))                            \
    K(SUM, FLOAT32, FLOAT32, float, float, 32, ORDERED, a + b)                                                         \
    K(SUM, FLOAT64, FLOAT64, double, double, 16, ORDERED, a + b)                                                       \
    K(SUM, COMPLEX64, COMPLEX64, float _Complex, float _Complex, 8, ORDERED, a + b)                                    \
    K(SUM, COMPLEX128, COMPLEX128, double _Complex, double _Complex, 8, ORDERED, a + b)                                \
    K(PROD, INT64, INT64, int64_t, int64_t, 64, EXACT, (int64_t)((uint64_t)a * (uint64_t)b))                           \
    K(PROD, FLOAT32, FLOAT32, float, float, 32, ORDERED, a *b)                                                         \
    K(PROD, FLOAT64, FLOAT64, double, double, 16, ORDERED, a *b)                                                       \
    K(PROD, COMPLEX64, COMPLEX64, float _Complex, float _Complex, 8, ORDERED, multiplyf(a, b))                         \
    K(PROD, COMPLEX128, COMPLEX128, double _Complex, double _Complex, 8, ORDERED, multiply(a, b))                      \
    EXTREMES(K, INT8, int8_t, 256)                                                                                     \
    EXTREMES(K, UINT8, uint8_t, 256)                                                                                   \
    EXTREMES(K, INT16, int16_t, 128)                                                                                   \
    EXTREMES(K, UINT16, uint16_t, 128)                                                                                 \
    EXTREMES(K, INT32, int32_t, 128)                                                                                   \
    EXTREMES(K, UINT32, uint32_t, 128)                                                                                 \
    EXTREMES(K, INT64, int64_t, 64)                                                                                    \
    EXTREMES(K, UINT64, uint64_t, 64)                                                                                  \
    FLOAT_EXTREMES(K, FLOAT32, float, 64)                                                                              \
    FLOAT_EXTREMES(K, FLOAT64, double, 32)                                                                             \
    COMPLEX_EXTREMES(K, COMPLEX64, float _Complex, 4, f)                                                               \
    COMPLEX_EXTREMES(K, COMPLEX128, double _Complex, 4, )                                                              \
    K(ANY, BOOL, BOOL, uint8_t, uint8_t, 256, EXACT, (uint8_t)(a | b))                                                 \
    K(ALL, BOOL, BOOL, uint8_t, uint8_t, 256, EXACT, (uint8_t)(a & b))                                                 \
    K(BIT_AND, INT64, INT64, int64_t, int64_t, 64, EXACT, a &b)                                                        \
    K(BIT_OR, INT64, INT64, int64_t, int64_t, 64, EXACT, a | b)                                                        \
    K(BIT_XOR, INT64, INT64, int64_t, int64_t, 64, EXACT, a ^ b)

#define MAKE(R, ITEM, TOTAL, T, TT, W, ORDER, FOLD)                                                                    \
    ROW_KERNEL_##ORDER(fold_##R##_##ITEM, T, TT, W, FOLD) LANES_KERNEL(fold_##R##_##ITEM, T, TT, FOLD)                 \
        PASS_KERNEL_##ORDER(fold_##R##_##ITEM, T, TT, FOLD) MERGE_KERNEL(fold_##R##_##ITEM, TT, FOLD)
KERNELS(MAKE)

/* Counting adds bytes that are 0 or 1, so many that a byte holds their number. */
ROW_KERNEL_EXACT(fold_COUNT_BYTES, uint8_t, uint8_t, 64, (uint8_t)(a + b))

static void
fold_COUNT_BOOL_row(void *ret, const char *p, int64_t step, int64_t n)
{
    int64_t count = 0;
    for (int64_t now; n > 0; p += now * step, n -= now) {
        uint8_t few;
        now = n < UINT8_MAX ? n : UINT8_MAX;
        fold_COUNT_BYTES_row(&few, p, step, now);
        count += few;
    }
    memcpy(ret, &count, sizeof count);
}

LANES_KERNEL(fold_COUNT_BOOL, uint8_t, int64_t, a + b)
PASS_KERNEL_EXACT(fold_COUNT_BOOL, uint8_t, int64_t, a + b)

#define NODES_EXACT(NAME) NULL
#define NODES_LEAST NODES_EXACT
#define NODES_GREATEST NODES_EXACT
#define NODES_ORDERED(NAME) NAME##_nodes
#define ENTRY(R, ITEM, TOTAL, T, TT, W, ORDER, FOLD)                                                                   \
    {REDUCE_##R,                                                                                                       \
     DTYPE_##ITEM,                                                                                                     \
     DTYPE_##TOTAL,                                                                                                    \
     fold_##R##_##ITEM##_row,                                                                                          \
     fold_##R##_##ITEM##_lanes,                                                                                        \
     fold_##R##_##ITEM##_pass,                                                                                         \
     NODES_##ORDER(fold_##R##_##ITEM),                                                                                 \
     fold_##R##_##ITEM##_merge},

static const fold_t folds[] = {
    KERNELS(ENTRY){REDUCE_COUNT, DTYPE_BOOL, DTYPE_INT64, fold_COUNT_BOOL_row, fold_COUNT_BOOL_lanes,
                   fold_COUNT_BOOL_pass, NULL, fold_SUM_INT64_merge},
    {0, DTYPE_NONE, DTYPE_NONE, NULL, NULL, NULL, NULL, NULL},
};

const fold_t *
LOOPS_NAME(FH_LOOPS_VARIANT, folds)(void)
{
    return folds;
}

/* --- argmin and argmax -----------------------------------------------------------------------------------------------
 */

enum { PICK_CHUNK = 64 };

#define PICK_KERNELS(R, D, T, BETTER)                                                                                  \
    static bool pick_##R##_##D##_better(const void *candidate, const void *best)                                       \
    {                                                                                                                  \
        T b = *(const T *)candidate, a = *(const T *)best;                                                             \
        return BETTER;                                                                                                 \
    }                                                                                                                  \
    static int64_t pick_##R##_##D##_first(const char *p, int64_t n, const void *best)                                  \
    {                                                                                                                  \
        const T *x = (const void *)p, b = *(const T *)best;                                                            \
        int64_t i = 0;                                                                                                 \
        for (int worse = 1; i + PICK_CHUNK <= n; i += PICK_CHUNK) {                                                    \
            for (int j = 0; j < PICK_CHUNK; j++) {                                                                     \
                T a = x[i + j];                                                                                        \
                worse &= BETTER;                                                                                       \
            }                                                                                                          \
            if (!worse)                                                                                                \
                break;                                                                                                 \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            T a = x[i];                                                                                                \
            if (!(BETTER))                                                                                             \
                break;                                                                                                 \
        }                                                                                                              \
        return i;                                                                                                      \
    }                                                                                                                  \
    static void pick_##R##_##D##_lanes(char *best, int64_t *where, const char *p, int64_t n, int64_t at)               \
    {                                                                                                                  \
        T *z = (void *)best;                                                                                           \
        const T *x = (const void *)p;                                                                                  \
        LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                      \
        {                                                                                                              \
            T a = z[i], b = x[i];                                                                                      \
            bool better = BETTER;                                                                                      \
            z[i] = better ? b : a;                                                                                     \
            where[i] = better ? at : where[i];                                                                         \
        }                                                                                                              \
    }

#define PICKS(M, D, T) M(ARGMIN, D, T, b < a) M(ARGMAX, D, T, b > a)
#define FLOAT_PICKS(M, D, T)                                                                                           \
    M(ARGMIN, D, T, (b < a) | ((b != b) & (a == a))) M(ARGMAX, D, T, (b > a) | ((b != b) & (a == a)))
#define COMPLEX_PICKS(M, D, T, F)                                                                                      \
    M(ARGMIN, D, T, !nan_in##F(a) && (nan_in##F(b) || less##F(b, a)))                                                  \
    M(ARGMAX, D, T, !nan_in##F(a) && (nan_in##F(b) || less##F(a, b)))
#define ALL_PICKS(M)                                                                                                   \
    PICKS(M, INT8, int8_t)                                                                                             \
    PICKS(M, UINT8, uint8_t)                                                                                           \
    PICKS(M, INT16, int16_t)                                                                                           \
    PICKS(M, UINT16, uint16_t)                                                                                         \
    PICKS(M, INT32, int32_t)                                                                                           \
    PICKS(M, UINT32, uint32_t)                                                                                         \
    PICKS(M, INT64, int64_t)                                                                                           \
    PICKS(M, UINT64, uint64_t)                                                                                         \
    FLOAT_PICKS(M, FLOAT32, float)                                                                                     \
    FLOAT_PICKS(M, FLOAT64, double)                                                                                    \
    COMPLEX_PICKS(M, COMPLEX64, float _Complex, f)                                                                     \
    COMPLEX_PICKS(M, COMPLEX128, double _Complex, )

ALL_PICKS(PICK_KERNELS)

#define PICK_ENTRY(R, D, T, BETTER)                                                                                    \
    {REDUCE_##R, DTYPE_##D, pick_##R##_##D##_better, pick_##R##_##D##_first, pick_##R##_##D##_lanes},

static const pick_t picks[] = {
    ALL_PICKS(PICK_ENTRY){0, DTYPE_NONE, NULL, NULL, NULL},
};

const pick_t *
LOOPS_NAME(FH_LOOPS_VARIANT, picks)(void)
{
    return picks;
}
