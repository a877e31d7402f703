/* Steps of strip programs: real numbers, moves, folds of leaves and casts. */
#include "engine/compute/strip_registers.h"

#include <string.h>

/* --- real numbers ---------------------------------------------------------------------------------------------------
 */

#define FLOATS(M) M(FLOAT64, f64, u64, pd) M(FLOAT32, f32, u32, ps)

#ifdef __AVX512F__
#define ROUNDED(SUFFIX, a, HOW) INTRINSIC(roundscale, SUFFIX)(a, HOW)
#else
#define ROUNDED(SUFFIX, a, HOW) INTRINSIC(round, SUFFIX)(a, HOW)
#endif
/* Those that vectors and numbers are written differently for. */
#define OTHER_FLOAT1(M, T, U, SUFFIX)                                                                                  \
    M(ABSOLUTE, T, (U##_t)a & ~(U##_t)(-(T##_t){0}))                                                                   \
    M(SQRT, T, INTRINSIC(sqrt, SUFFIX)(a))                                                                             \
    M(RINT, T, ROUNDED(SUFFIX, a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))                                      \
    M(FLOOR, T, ROUNDED(SUFFIX, a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC))                                         \
    M(CEIL, T, ROUNDED(SUFFIX, a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC))                                          \
    M(TRUNC, T, ROUNDED(SUFFIX, a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC))

#define FUNCTION_OF2(OP, T, EXPR) FUNCTION2(OP##_##T, T, EXPR)
#define FUNCTION_OF1(OP, T, EXPR) FUNCTION1(OP##_##T, T, EXPR)
#define STEPS_OF2(OP, T, EXPR)                                                                                         \
    READING(apply_##OP##_##T, T, DO_APPLY, T, OP##_##T) READING(turned_##OP##_##T, T, DO_TURNED, T, OP##_##T)
#define STEP_OF1(OP, T, EXPR) UNARY_STEP(apply_##OP##_##T, T, OP##_##T)
#define STEPS(D, T, U, SUFFIX)                                                                                         \
    ELEMENTARY_FLOAT2(FUNCTION_OF2, T)                                                                                 \
    ELEMENTARY_FLOAT1(FUNCTION_OF1, T)                                                                                 \
    OTHER_FLOAT1(FUNCTION_OF1, T, U, SUFFIX)                                                                           \
    ELEMENTARY_FLOAT2(STEPS_OF2, T) ELEMENTARY_FLOAT1(STEP_OF1, T) OTHER_FLOAT1(STEP_OF1, T, U, SUFFIX)
FLOATS(STEPS)

/* --- moves, for all dtypes of a size --------------------------------------------------------------------------------
 */

#define DO_STREAM(k, T) INTRINSIC(stream, VECTOR)(to + k, (vector_t)x##k);
#ifdef __AVX512F__
#define VECTOR si512
typedef __m512i vector_t;
#else
#define VECTOR si256
typedef __m256i vector_t;
#endif
#define STREAM_STEP(T, ALIGNED, ...)                                                                                   \
    STEP(stream_##T)                                                                                                   \
    {                                                                                                                  \
        char *place = PLACE;                                                                                           \
        if ((uintptr_t)place % ALIGNED == 0) {                                                                         \
            __VA_ARGS__                                                                                                \
        } else {                                                                                                       \
            EACH_##T(DO_STORE, T)                                                                                      \
        }                                                                                                              \
        NEXT;                                                                                                          \
    }
#define MOVES(T)                                                                                                       \
    READING(load_##T, T, DO_LOAD, T)                                                                                   \
    STEP(store_##T)                                                                                                    \
    {                                                                                                                  \
        char *place = PLACE;                                                                                           \
        EACH_##T(DO_STORE, T) NEXT;                                                                                    \
    }
MOVES(u64)
MOVES(u32)
MOVES(u16)
MOVES(u8)
STREAM_STEP(u64, LINE, vector_t *to = (void *)place; EACH_u64(DO_STREAM, u64))
STREAM_STEP(u32, LINE, vector_t *to = (void *)place; EACH_u32(DO_STREAM, u32))
STREAM_STEP(u16, LINE, vector_t *to = (void *)place; EACH_u16(DO_STREAM, u16))
#ifdef __AVX512F__
STREAM_STEP(u8, STRIP, _mm256_stream_si256((void *)place, _mm512_castsi512_si256((__m512i)x0));)
#else
STREAM_STEP(u8, STRIP, _mm256_stream_si256((void *)place, (__m256i)x0);)
#endif

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
    f64_t all = F(F(F((f64_t)(x0), (f64_t)(x1)), (f64_t)(x2)), (f64_t)(x3));                                           \
    half64_t half = F(__builtin_shufflevector(all, all, 0, 1, 2, 3), __builtin_shufflevector(all, all, 4, 5, 6, 7));
#define STRANDS_f32(F)                                                                                                 \
    f32_t p = (f32_t)(x0), q = (f32_t)(x1);                                                                            \
    strands32_t all = F(F(F(__builtin_shufflevector(p, p, 0, 1, 2, 3, 4, 5, 6, 7),                                     \
                            __builtin_shufflevector(p, p, 8, 9, 10, 11, 12, 13, 14, 15)),                              \
                          __builtin_shufflevector(q, q, 0, 1, 2, 3, 4, 5, 6, 7)),                                      \
                        __builtin_shufflevector(q, q, 8, 9, 10, 11, 12, 13, 14, 15));
#else
#define STRANDS_f64(F)                                                                                                 \
    half64_t half = F(F(F(F((f64_t)(x0), (f64_t)(x2)), (f64_t)(x4)), (f64_t)(x6)),                                     \
                      F(F(F((f64_t)(x1), (f64_t)(x3)), (f64_t)(x5)), (f64_t)(x7)));
#define STRANDS_f32(F) strands32_t all = F(F(F((f32_t)(x0), (f32_t)(x1)), (f32_t)(x2)), (f32_t)(x3));
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

/* --- casts ----------------------------------------------------------------------------------------------------------
 */

/* By way of memory, from where parts are read and widened: TO(p) is a register of what lies at p, BYTES of it. */
#define DO_WIDEN(k, TO, BYTES) x##k = (registers_t)TO(room + k * (BYTES));
#define DO_SAVE(k, T) WRITE_##T(k, room, x##k)
#define CAST(FROM, T, TO, BYTES)                                                                                       \
    STEP(cast_##FROM##_##T)                                                                                            \
    {                                                                                                                  \
        _Alignas(LINE) char room[STRIP_BYTES];                                                                         \
        EACH_##FROM(DO_SAVE, FROM) EACH_##T(DO_WIDEN, TO, BYTES) NEXT;                                                 \
    }

#ifdef __AVX512F__
#define U64_OF_U8(p) _mm512_cvtepu8_epi64(_mm_loadu_si64(p))
#define U32_OF_U8(p) _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(p)))
#define F64_OF_U8(p) _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadu_si64(p)))
#define F32_OF_U8(p) _mm512_cvtepi32_ps(U32_OF_U8(p))
#define I64_OF_I32(p) _mm512_cvtepi32_epi64(_mm256_loadu_si256((const void *)(p)))
#define F64_OF_I32(p) _mm512_cvtepi32_pd(_mm256_loadu_si256((const void *)(p)))
#define F32_OF_I32(p) _mm512_cvtepi32_ps(_mm512_loadu_si512(p))
#define F64_OF_I64(p) _mm512_cvtepi64_pd(_mm512_loadu_si512(p))
#define HALF(F, p) _mm512_inserti64x4(_mm512_castsi256_si512(F(p)), F((p) + WIDTH), 1)
#define I32_HALF(p) _mm512_cvtepi64_epi32(_mm512_loadu_si512(p))
#define I32_OF_I64(p) HALF(I32_HALF, p)
CAST(i64, f64, F64_OF_I64, WIDTH)
CAST(u64, u32, I32_OF_I64, 2 * WIDTH)
#else
#define U64_OF_U8(p) _mm256_cvtepu8_epi64(_mm_loadu_si32(p))
#define U32_OF_U8(p) _mm256_cvtepu8_epi32(_mm_loadu_si64(p))
#define F64_OF_U8(p) _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_loadu_si32(p)))
#define F32_OF_U8(p) _mm256_cvtepi32_ps(U32_OF_U8(p))
#define I64_OF_I32(p) _mm256_cvtepi32_epi64(_mm_loadu_si128((const void *)(p)))
#define F64_OF_I32(p) _mm256_cvtepi32_pd(_mm_loadu_si128((const void *)(p)))
#define F32_OF_I32(p) _mm256_cvtepi32_ps(_mm256_loadu_si256((const void *)(p)))
#endif
CAST(u8, u64, U64_OF_U8, WIDTH / 8)
CAST(u8, u32, U32_OF_U8, WIDTH / 4)
CAST(u8, f64, F64_OF_U8, WIDTH / 8)
CAST(u8, f32, F32_OF_U8, WIDTH / 4)
CAST(i32, i64, I64_OF_I32, WIDTH / 2)
CAST(i32, f64, F64_OF_I32, WIDTH / 2)
CAST(i32, f32, F32_OF_I32, WIDTH)

/* Real numbers, from register to register. */
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
    (registers_t) __builtin_shufflevector(__builtin_convertvector((f64_t)(x), narrow_t),                               \
                                          __builtin_convertvector((f64_t)(y), narrow_t), HALVES, OTHERS)

STEP(cast_f32_f64)
{
#ifdef __AVX512F__
    f32_t p = (f32_t)(x0), q = (f32_t)(x1);
    x0 = WIDENED(p, HALVES);
    x1 = WIDENED(p, OTHERS);
    x2 = WIDENED(q, HALVES);
    x3 = WIDENED(q, OTHERS);
#else
    f32_t p = (f32_t)(x0), q = (f32_t)(x1), r = (f32_t)(x2), s = (f32_t)(x3);
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

/* --- loops, and what lies in memory only --------------------------------------------------------------------------
 */

/* What is in registers is not needed any more. */
#ifdef __AVX512F__
#define NEXT_FRESH                                                                                                     \
    (void)x0, (void)x1, (void)x2, (void)x3;                                                                            \
    ((step_fn)step[1].fn)(step + 1, run, at, (registers_t){0}, (registers_t){0}, (registers_t){0}, (registers_t){0})
#else
#define NEXT_FRESH                                                                                                     \
    (void)x0, (void)x1, (void)x2, (void)x3, (void)x4, (void)x5, (void)x6, (void)x7;                                    \
    ((step_fn)step[1].fn)(step + 1, run, at, (registers_t){0}, (registers_t){0}, (registers_t){0}, (registers_t){0},   \
                          (registers_t){0}, (registers_t){0}, (registers_t){0}, (registers_t){0})
#endif

STEP(call)
{
    const strip_call_t *call = &run->calls[step->other];
    char *p[STRIP_OPERANDS];

    for (int k = 0; k < STRIP_OPERANDS; k++)
        p[k] = AT(call->place[k]);
    call->loop(p, call->item, STRIP);
    NEXT_FRESH;
}

STEP(fetch)
{
    const char *place = PLACE + AHEAD;

    for (int32_t i = 0; i < step->other; i += LINE)
        _mm_prefetch(place + i, _MM_HINT_T0);
    NEXT;
}

STEP(move)
{
    const char *from = PLACE;
    char *to = OTHER;
    const int64_t size = run->step[step->other];

    if ((uintptr_t)to % sizeof(__m256i) == 0)
        for (int64_t i = 0; i < size; i += (int64_t)sizeof(__m256i))
            _mm256_stream_si256((void *)(to + i), _mm256_loadu_si256((const void *)(from + i)));
    else
        memcpy(to, from, (size_t)size);
    NEXT_FRESH;
}

/* The value is what it is. */
STEP(pass)
{
    NEXT;
}

/* --- running --------------------------------------------------------------------------------------------------------
 */

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

#define ROWS_OF2(OP, D, T, EXPR)                                                                                       \
    READING_ROW(APPLY, D, OP_##OP, apply_##OP##_##T) READING_ROW(TURNED, D, OP_##OP, turned_##OP##_##T)
#define ROW_OF1(OP, D, T, EXPR) PLAIN_ROW(APPLY, D, OP_##OP, apply_##OP##_##T)
#define FLOAT_ROWS(D, T, U, SUFFIX)                                                                                    \
    ELEMENTARY_FLOAT2(ROWS_OF2, D, T)                                                                                  \
    ELEMENTARY_FLOAT1(ROW_OF1, D, T)                                                                                   \
    PLAIN_ROW(APPLY, D, OP_ABSOLUTE, apply_ABSOLUTE_##T)                                                               \
    PLAIN_ROW(APPLY, D, OP_FABS, apply_ABSOLUTE_##T)                                                                   \
    PLAIN_ROW(APPLY, D, OP_SQRT, apply_SQRT_##T)                                                                       \
    PLAIN_ROW(APPLY, D, OP_RINT, apply_RINT_##T)                                                                       \
    PLAIN_ROW(APPLY, D, OP_FLOOR, apply_FLOOR_##T)                                                                     \
    PLAIN_ROW(APPLY, D, OP_CEIL, apply_CEIL_##T)                                                                       \
    PLAIN_ROW(APPLY, D, OP_TRUNC, apply_TRUNC_##T)                                                                     \
    PLAIN_ROW(APPLY, D, OP_POSITIVE, pass)                                                                             \
    PLAIN_ROW(FOLD, D, REDUCE_SUM, fold_SUM_##T)                                                                       \
    PLAIN_ROW(FOLD, D, REDUCE_PROD, fold_PROD_##T)
#define MOVES_ROWS(D, T)                                                                                               \
    READING_ROW(LOAD, D, 0, load_##T) PLAIN_ROW(STORE, D, 0, store_##T) PLAIN_ROW(STREAM, D, 0, stream_##T)
/* Operations that leave integers as they are. */
#define SAME_ROWS(D)                                                                                                   \
    PLAIN_ROW(APPLY, D, OP_POSITIVE, pass)                                                                             \
    PLAIN_ROW(APPLY, D, OP_FLOOR, pass) PLAIN_ROW(APPLY, D, OP_CEIL, pass) PLAIN_ROW(APPLY, D, OP_TRUNC, pass)
#define CAST_ROW(FROM, TO, NAME) {STRIP_CAST, DTYPE_##FROM, DTYPE_##TO, 0, FN(NAME), NULL},

static const strip_row_t rows[] = {
    FLOATS(FLOAT_ROWS)
    /* clang-format off */
    MOVES_ROWS(FLOAT64, u64) MOVES_ROWS(INT64, u64) MOVES_ROWS(UINT64, u64)
    MOVES_ROWS(FLOAT32, u32) MOVES_ROWS(INT32, u32) MOVES_ROWS(UINT32, u32)
    MOVES_ROWS(FLOAT16, u16) MOVES_ROWS(INT16, u16) MOVES_ROWS(UINT16, u16)
    MOVES_ROWS(INT8, u8) MOVES_ROWS(UINT8, u8)
    PLAIN_ROW(STORE, BOOL, 0, store_u8) PLAIN_ROW(STREAM, BOOL, 0, stream_u8)
    CAST_ROW(FLOAT32, FLOAT64, cast_f32_f64) CAST_ROW(FLOAT64, FLOAT32, cast_f64_f32)
    CAST_ROW(BOOL, FLOAT64, cast_u8_f64) CAST_ROW(UINT8, FLOAT64, cast_u8_f64)
    CAST_ROW(BOOL, FLOAT32, cast_u8_f32) CAST_ROW(UINT8, FLOAT32, cast_u8_f32)
    CAST_ROW(BOOL, INT64, cast_u8_u64) CAST_ROW(UINT8, INT64, cast_u8_u64) CAST_ROW(UINT8, UINT64, cast_u8_u64)
    CAST_ROW(BOOL, INT32, cast_u8_u32) CAST_ROW(UINT8, INT32, cast_u8_u32) CAST_ROW(UINT8, UINT32, cast_u8_u32)
    CAST_ROW(BOOL, UINT8, pass) CAST_ROW(BOOL, INT8, pass)
    CAST_ROW(INT8, UINT8, pass) CAST_ROW(UINT8, INT8, pass) CAST_ROW(INT16, UINT16, pass) CAST_ROW(UINT16, INT16, pass)
    CAST_ROW(INT32, UINT32, pass) CAST_ROW(UINT32, INT32, pass) CAST_ROW(INT64, UINT64, pass) CAST_ROW(UINT64, INT64, pass)
    CAST_ROW(INT32, INT64, cast_i32_i64) CAST_ROW(INT32, UINT64, cast_i32_i64)
    CAST_ROW(INT32, FLOAT64, cast_i32_f64) CAST_ROW(INT32, FLOAT32, cast_i32_f32)
#ifdef __AVX512F__
    CAST_ROW(INT64, FLOAT64, cast_i64_f64) CAST_ROW(INT64, INT32, cast_u64_u32) CAST_ROW(UINT64, UINT32, cast_u64_u32)
#endif
    SAME_ROWS(INT64) SAME_ROWS(INT32) SAME_ROWS(INT16) SAME_ROWS(INT8)
    SAME_ROWS(UINT64) SAME_ROWS(UINT32) SAME_ROWS(UINT16) SAME_ROWS(UINT8)
    PLAIN_ROW(APPLY, UINT64, OP_ABSOLUTE, pass) PLAIN_ROW(APPLY, UINT32, OP_ABSOLUTE, pass)
    PLAIN_ROW(APPLY, UINT16, OP_ABSOLUTE, pass) PLAIN_ROW(APPLY, UINT8, OP_ABSOLUTE, pass)
    PLAIN_ROW(APPLY, BOOL, OP_ABSOLUTE, pass) PLAIN_ROW(APPLY, BOOL, OP_FLOOR, pass)
    PLAIN_ROW(APPLY, BOOL, OP_CEIL, pass) PLAIN_ROW(APPLY, BOOL, OP_TRUNC, pass)
    {STRIP_CALL, 0, 0, 0, FN(call), NULL},
    {STRIP_FETCH, 0, 0, 0, FN(fetch), NULL},
    {STRIP_MOVE, 0, 0, 0, FN(move), NULL},
    {STRIP_END, 0, 0, 0, FN(end), NULL},
    /* clang-format on */
};

const strip_row_t *
LOOPS_NAME(FH_LOOPS_VARIANT, strip_steps)(void)
{
    return rows;
}

static const strip_table_t table = {
    {LOOPS_NAME(FH_LOOPS_VARIANT, strip_steps), LOOPS_NAME(FH_LOOPS_VARIANT, strip_integers),
     LOOPS_NAME(FH_LOOPS_VARIANT, strip_choices), LOOPS_NAME(FH_LOOPS_VARIANT, strip_functions)},
    run_strips};

const strip_table_t *
LOOPS_NAME(FH_LOOPS_VARIANT, strips)(void)
{
    return &table;
}
