/* The steps of strip programs.  A strip's value travels from step to step in vector registers, as arguments: x0, x1 and
 * so on, which hold whatever the value's dtype is.  Each step ends by calling the next, which compilers make a jump. */
#include "engine/compute/strip.h"

#include <immintrin.h>

#ifdef __AVX512F__
#define WIDTH 64
#define REGISTERS registers_t x0, registers_t x1, registers_t x2, registers_t x3
#define PASSED x0, x1, x2, x3
#define EACH_WIDE(M, ...) M(0, __VA_ARGS__) M(1, __VA_ARGS__) M(2, __VA_ARGS__) M(3, __VA_ARGS__)
#define EACH_SMALL(M, ...) M(0, __VA_ARGS__) M(1, __VA_ARGS__)
#define INTRINSIC(name, suffix) _mm512_##name##_##suffix
#else
#define WIDTH 32
#define REGISTERS                                                                                                      \
    registers_t x0, registers_t x1, registers_t x2, registers_t x3, registers_t x4, registers_t x5, registers_t x6,    \
        registers_t x7
#define PASSED x0, x1, x2, x3, x4, x5, x6, x7
#define EACH_SMALL(M, ...) M(0, __VA_ARGS__) M(1, __VA_ARGS__) M(2, __VA_ARGS__) M(3, __VA_ARGS__)
#define EACH_WIDE(M, ...)                                                                                              \
    EACH_SMALL(M, __VA_ARGS__) M(4, __VA_ARGS__) M(5, __VA_ARGS__) M(6, __VA_ARGS__) M(7, __VA_ARGS__)
#define INTRINSIC(name, suffix) _mm256_##name##_##suffix
#endif

enum {
    LINE = 64,
    AHEAD = 2048, /* bytes before they are used, elements of arrays are fetched */
};

typedef double registers_t __attribute__((vector_size(WIDTH)));
typedef double f64_t __attribute__((vector_size(WIDTH)));
typedef float f32_t __attribute__((vector_size(WIDTH)));
typedef int64_t bits64_t __attribute__((vector_size(WIDTH)));
typedef int32_t bits32_t __attribute__((vector_size(WIDTH)));
/* In memory. */
typedef double f64_at_t __attribute__((vector_size(WIDTH), aligned(1), may_alias));
typedef float f32_at_t __attribute__((vector_size(WIDTH), aligned(1), may_alias));

typedef void (*step_fn)(const strip_step_t *step, const strip_run_t *run, int64_t at, REGISTERS);

/* Registers are not told apart by type: a value's bits stay. */
#define AS_f64(x) ((f64_t)(x))
#define AS_f32(x) ((f32_t)(x))
#define EACH_f64 EACH_WIDE
#define EACH_f32 EACH_SMALL

#define STEP(NAME) static void NAME(const strip_step_t *step, const strip_run_t *run, int64_t at, REGISTERS)
#define PLACE (run->place[step->place] + at * run->step[step->place])
#define NEXT ((step_fn)step[1].fn)(step + 1, run, at, PASSED)

/* --- arithmetic: N of op(s) on vectors a and b of type T, whose bits are B -------------------------------------------
 */

#define CHOOSE(T, B, condition, a, b) ((T)(((B)(condition) & (B)(a)) | (~(B)(condition) & (B)(b))))

#define BINARY(M, T, B, D)                                                                                             \
    M(ADD, T, D, a + b)                                                                                                \
    M(SUBTRACT, T, D, a - b)                                                                                           \
    M(MULTIPLY, T, D, a *b)                                                                                            \
    M(TRUE_DIVIDE, T, D, a / b)                                                                                        \
    M(MAXIMUM, T, D, CHOOSE(T##_t, B##_t, (a >= b) | (a != a), a, b))                                                  \
    M(MINIMUM, T, D, CHOOSE(T##_t, B##_t, (a <= b) | (a != a), a, b))

#define UNARY(M, T, B, D, SUFFIX)                                                                                      \
    M(NEGATIVE, T, D, -a)                                                                                              \
    M(ABSOLUTE, T, D, (T##_t)((B##_t)a & ~(B##_t)(-(T##_t){0})))                                                       \
    M(SQUARE, T, D, a *a)                                                                                              \
    M(RECIPROCAL, T, D, 1 / a)                                                                                         \
    M(SQRT, T, D, (T##_t)INTRINSIC(sqrt, SUFFIX)(a))

#define BINARY_FUNCTION(OP, T, D, EXPR)                                                                                \
    static inline T##_t OP##_##T(T##_t a, T##_t b)                                                                     \
    {                                                                                                                  \
        return EXPR;                                                                                                   \
    }
#define UNARY_FUNCTION(OP, T, D, EXPR)                                                                                 \
    static inline T##_t OP##_##T(T##_t a)                                                                              \
    {                                                                                                                  \
        return EXPR;                                                                                                   \
    }
BINARY(BINARY_FUNCTION, f64, bits64, FLOAT64)
BINARY(BINARY_FUNCTION, f32, bits32, FLOAT32)
UNARY(UNARY_FUNCTION, f64, bits64, FLOAT64, pd)
UNARY(UNARY_FUNCTION, f32, bits32, FLOAT32, ps)

/* --- steps ----------------------------------------------------------------------------------------------------------
 */

#define DO_FETCH(k, T) _mm_prefetch(place + AHEAD + k * WIDTH, _MM_HINT_T0);
#define DO_LOAD(k, T) x##k = (registers_t)m[k];
#define DO_STORE(k, T) m[k] = AS_##T(x##k);
#define DO_APPLY(k, T, F) x##k = (registers_t)F(AS_##T(x##k), m[k]);
#define DO_TURNED(k, T, F) x##k = (registers_t)F(m[k], AS_##T(x##k));
#define DO_UNARY(k, T, F) x##k = (registers_t)F(AS_##T(x##k));

/* A step that reads: near its place, and far. */
#define READING(NAME, T, ...)                                                                                          \
    STEP(NAME##_near)                                                                                                  \
    {                                                                                                                  \
        const char *place = PLACE;                                                                                     \
        const T##_at_t *m = (const void *)place;                                                                       \
        EACH_##T(__VA_ARGS__) NEXT;                                                                                    \
    }                                                                                                                  \
    STEP(NAME##_far)                                                                                                   \
    {                                                                                                                  \
        const char *place = PLACE;                                                                                     \
        const T##_at_t *m = (const void *)place;                                                                       \
        EACH_##T(DO_FETCH, T) EACH_##T(__VA_ARGS__) NEXT;                                                              \
    }

#define BINARY_STEPS(OP, T, D, EXPR)                                                                                   \
    READING(apply_##OP##_##T, T, DO_APPLY, T, OP##_##T) READING(turned_##OP##_##T, T, DO_TURNED, T, OP##_##T)
#define UNARY_STEP(OP, T, D, EXPR)                                                                                     \
    STEP(apply_##OP##_##T)                                                                                             \
    {                                                                                                                  \
        EACH_##T(DO_UNARY, T, OP##_##T) NEXT;                                                                          \
    }
#define MOVING_STEPS(T, SUFFIX, C)                                                                                     \
    READING(load_##T, T, DO_LOAD, T)                                                                                   \
    STEP(store_##T)                                                                                                    \
    {                                                                                                                  \
        T##_at_t *m = (void *)PLACE;                                                                                   \
        EACH_##T(DO_STORE, T) NEXT;                                                                                    \
    }                                                                                                                  \
    STEP(stream_##T)                                                                                                   \
    {                                                                                                                  \
        char *place = PLACE;                                                                                           \
        if ((uintptr_t)place % LINE == 0) {                                                                            \
            C *to = (void *)place;                                                                                     \
            EACH_##T(DO_STREAM, T, SUFFIX, C)                                                                          \
        } else {                                                                                                       \
            T##_at_t *m = (void *)place;                                                                               \
            EACH_##T(DO_STORE, T)                                                                                      \
        }                                                                                                              \
        NEXT;                                                                                                          \
    }
#define DO_STREAM(k, T, SUFFIX, C) INTRINSIC(stream, SUFFIX)(to + k * (WIDTH / (int)sizeof(C)), AS_##T(x##k));

BINARY(BINARY_STEPS, f64, bits64, FLOAT64)
BINARY(BINARY_STEPS, f32, bits32, FLOAT32)
UNARY(UNARY_STEP, f64, bits64, FLOAT64, pd)
UNARY(UNARY_STEP, f32, bits32, FLOAT32, ps)
MOVING_STEPS(f64, pd, double)
MOVING_STEPS(f32, ps, float)

/* --- folds: a leaf in eight strands, which are joined by halves (codecs/reduction.h, loops_fold.c) -------------------
 */

typedef double strands64_t __attribute__((vector_size(64)));
typedef float strands32_t __attribute__((vector_size(32)));
typedef double half64_t __attribute__((vector_size(32)));
typedef float half32_t __attribute__((vector_size(16)));
typedef double pair64_t __attribute__((vector_size(16)));

#define SUM_OF(a, b) ((a) + (b))
#define PROD_OF(a, b) ((a) * (b))

#ifdef __AVX512F__
#define STRANDS_f64(F)                                                                                                 \
    f64_t all = F(F(F(AS_f64(x0), AS_f64(x1)), AS_f64(x2)), AS_f64(x3));                                               \
    half64_t half = F(__builtin_shufflevector(all, all, 0, 1, 2, 3), __builtin_shufflevector(all, all, 4, 5, 6, 7));
#define STRANDS_f32(F)                                                                                                 \
    f32_t p = AS_f32(x0), q = AS_f32(x1);                                                                              \
    strands32_t all = F(F(F(__builtin_shufflevector(p, p, 0, 1, 2, 3, 4, 5, 6, 7),                                     \
                            __builtin_shufflevector(p, p, 8, 9, 10, 11, 12, 13, 14, 15)),                              \
                          __builtin_shufflevector(q, q, 0, 1, 2, 3, 4, 5, 6, 7)),                                      \
                        __builtin_shufflevector(q, q, 8, 9, 10, 11, 12, 13, 14, 15));
#else
#define STRANDS_f64(F)                                                                                                 \
    half64_t half = F(F(F(F(AS_f64(x0), AS_f64(x2)), AS_f64(x4)), AS_f64(x6)),                                         \
                      F(F(F(AS_f64(x1), AS_f64(x3)), AS_f64(x5)), AS_f64(x7)));
#define STRANDS_f32(F) strands32_t all = F(F(F(AS_f32(x0), AS_f32(x1)), AS_f32(x2)), AS_f32(x3));
#endif
#define JOIN_f64(F)                                                                                                    \
    pair64_t pair = F(__builtin_shufflevector(half, half, 0, 1), __builtin_shufflevector(half, half, 2, 3));           \
    *(double *)(void *)PLACE = F(pair[0], pair[1]);
#define JOIN_f32(F)                                                                                                    \
    half32_t half = F(__builtin_shufflevector(all, all, 0, 1, 2, 3), __builtin_shufflevector(all, all, 4, 5, 6, 7));   \
    half32_t pair = F(half, __builtin_shufflevector(half, half, 2, 3, 2, 3));                                          \
    *(float *)(void *)PLACE = F(pair[0], pair[1]);
#define FOLD_STEP(R, T)                                                                                                \
    STEP(fold_##R##_##T)                                                                                               \
    {                                                                                                                  \
        STRANDS_##T(R##_OF) JOIN_##T(R##_OF) NEXT;                                                                     \
    }
FOLD_STEP(SUM, f64)
FOLD_STEP(PROD, f64)
FOLD_STEP(SUM, f32)
FOLD_STEP(PROD, f32)

/* --- casts, and the end ---------------------------------------------------------------------------------------------
 */

typedef float narrow_t __attribute__((vector_size(WIDTH / 2)));

#ifdef __AVX512F__
#define HALVES 0, 1, 2, 3, 4, 5, 6, 7
#define OTHERS 8, 9, 10, 11, 12, 13, 14, 15
#else
#define HALVES 0, 1, 2, 3
#define OTHERS 4, 5, 6, 7
#endif
#define WIDENED(x, ...) (registers_t) __builtin_convertvector(__builtin_shufflevector(x, x, __VA_ARGS__), f64_t)
#define NARROWED(x, y)                                                                                                 \
    (registers_t) __builtin_shufflevector(__builtin_convertvector(AS_f64(x), narrow_t),                                \
                                          __builtin_convertvector(AS_f64(y), narrow_t), HALVES, OTHERS)

STEP(cast_f32_f64)
{
#ifdef __AVX512F__
    f32_t p = AS_f32(x0), q = AS_f32(x1);
    x0 = WIDENED(p, HALVES);
    x1 = WIDENED(p, OTHERS);
    x2 = WIDENED(q, HALVES);
    x3 = WIDENED(q, OTHERS);
#else
    f32_t p = AS_f32(x0), q = AS_f32(x1), r = AS_f32(x2), s = AS_f32(x3);
    x0 = WIDENED(p, HALVES);
    x1 = WIDENED(p, OTHERS);
    x2 = WIDENED(q, HALVES);
    x3 = WIDENED(q, OTHERS);
    x4 = WIDENED(r, HALVES);
    x5 = WIDENED(r, OTHERS);
    x6 = WIDENED(s, HALVES);
    x7 = WIDENED(s, OTHERS);
#endif
    NEXT;
}

STEP(cast_f64_f32)
{
    x0 = NARROWED(x0, x1);
    x1 = NARROWED(x2, x3);
#ifndef __AVX512F__
    x2 = NARROWED(x4, x5);
    x3 = NARROWED(x6, x7);
#endif
    NEXT;
}

STEP(end)
{
    (void)step, (void)run, (void)at;
    (void)x0, (void)x1, (void)x2, (void)x3;
#ifndef __AVX512F__
    (void)x4, (void)x5, (void)x6, (void)x7;
#endif
}

static void
run_strips(const strip_step_t *steps, const strip_run_t *run, int64_t n)
{
    registers_t x0 = {0};

    for (int64_t at = 0; at < n; at++)
#ifdef __AVX512F__
        ((step_fn)steps->fn)(steps, run, at, x0, x0, x0, x0);
#else
        ((step_fn)steps->fn)(steps, run, at, x0, x0, x0, x0, x0, x0, x0, x0);
#endif
}

/* --- the table ------------------------------------------------------------------------------------------------------
 */

#define FN(name) (void (*)(void)) name
#define BINARY_ROWS(OP, T, D, EXPR)                                                                                    \
    {STRIP_APPLY, DTYPE_##D, 0, OP_##OP, FN(apply_##OP##_##T##_near), FN(apply_##OP##_##T##_far)},                     \
        {STRIP_TURNED, DTYPE_##D, 0, OP_##OP, FN(turned_##OP##_##T##_near), FN(turned_##OP##_##T##_far)},
#define UNARY_ROW(OP, T, D, EXPR) {STRIP_APPLY, DTYPE_##D, 0, OP_##OP, FN(apply_##OP##_##T), NULL},
#define MOVING_ROWS(T, D)                                                                                              \
    {STRIP_LOAD, DTYPE_##D, 0, 0, FN(load_##T##_near), FN(load_##T##_far)},                                            \
        {STRIP_STORE, DTYPE_##D, 0, 0, FN(store_##T), NULL}, {STRIP_STREAM, DTYPE_##D, 0, 0, FN(stream_##T), NULL},    \
        {STRIP_FOLD, DTYPE_##D, 0, REDUCE_SUM, FN(fold_SUM_##T), NULL},                                                \
        {STRIP_FOLD, DTYPE_##D, 0, REDUCE_PROD, FN(fold_PROD_##T), NULL},

static const strip_row_t rows[] = {
    BINARY(BINARY_ROWS, f64, bits64, FLOAT64) BINARY(BINARY_ROWS, f32, bits32, FLOAT32)
        UNARY(UNARY_ROW, f64, bits64, FLOAT64, pd) UNARY(UNARY_ROW, f32, bits32, FLOAT32, ps) MOVING_ROWS(f64, FLOAT64)
            MOVING_ROWS(f32, FLOAT32){STRIP_CAST, DTYPE_FLOAT32, DTYPE_FLOAT64, 0, FN(cast_f32_f64), NULL},
    {STRIP_CAST, DTYPE_FLOAT64, DTYPE_FLOAT32, 0, FN(cast_f64_f32), NULL},
    {STRIP_END, 0, 0, 0, FN(end), NULL},
};

static const strip_table_t table = {rows, run_strips};

const strip_table_t *
LOOPS_NAME(FH_LOOPS_VARIANT, strips)(void)
{
    return &table;
}
