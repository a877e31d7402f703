/* Loops from every element type to every other, with C's rules; see codecs/convert.h for what C leaves open. */
#include <complex.h>
#undef complex /* a name in loops.h */
#include "codecs/convert.h"
#include "engine/compute/flags.h"
#include "engine/compute/loops.h"

#include <string.h>

/* Elements are read and written with memcpy, which is a plain move to the compiler and right at any alignment. */
#define CAST_LOOP(NAME, TI, TO, EXPR) CAST_LOOP_CHECKED(NAME, TI, TO, EXPR, 0)

/* BAD: x does not fit, which is an invalid operation. */
#define CAST_LOOP_CHECKED(NAME, TI, TO, EXPR, BAD)                                                                     \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        const char *from = p[0];                                                                                       \
        char *to = p[1];                                                                                               \
        int bad = 0;                                                                                                   \
        if (LOOP_IS(0, TI) && LOOP_IS(1, TO)) {                                                                        \
            LOOP_FREE for (int64_t i = 0; i < n; i++)                                                                  \
            {                                                                                                          \
                TI x;                                                                                                  \
                memcpy(&x, from + i * (int64_t)sizeof(TI), sizeof x);                                                  \
                TO z = EXPR;                                                                                           \
                bad |= (BAD);                                                                                          \
                memcpy(to + i * (int64_t)sizeof(TO), &z, sizeof z);                                                    \
            }                                                                                                          \
            n = 0;                                                                                                     \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++, from += step[0], to += step[1]) {                                              \
            TI x;                                                                                                      \
            memcpy(&x, from, sizeof x);                                                                                \
            TO z = EXPR;                                                                                               \
            bad |= (BAD);                                                                                              \
            memcpy(to, &z, sizeof z);                                                                                  \
        }                                                                                                              \
        if (bad)                                                                                                       \
            flags_raise(FLAG_INVALID);                                                                                 \
    }

typedef struct {
    uint64_t half[2];
} wide_t;

/* The same type: bytes move. */
#define MOVE_LOOP(NAME, T)                                                                                             \
    static void NAME(char **p, const int64_t *step, int64_t n)                                                         \
    {                                                                                                                  \
        if (LOOP_IS(0, T) && LOOP_IS(1, T)) {                                                                          \
            memmove(p[1], p[0], (size_t)n * sizeof(T));                                                                \
            return;                                                                                                    \
        }                                                                                                              \
        const char *from = p[0];                                                                                       \
        char *to = p[1];                                                                                               \
        for (int64_t i = 0; i < n; i++, from += step[0], to += step[1])                                                \
            memcpy(to, from, sizeof(T));                                                                               \
    }

MOVE_LOOP(move_1, uint8_t)
MOVE_LOOP(move_2, uint16_t)
MOVE_LOOP(move_4, uint32_t)
MOVE_LOOP(move_8, uint64_t)
MOVE_LOOP(move_16, wide_t)

/* What an element becomes, by the kind of its source. */
#define I_BOOL(x) (uint8_t)((x) != 0)
#define I_INT8(x) (int8_t)(x)
#define I_UINT8(x) (uint8_t)(x)
#define I_INT16(x) (int16_t)(x)
#define I_UINT16(x) (uint16_t)(x)
#define I_INT32(x) (int32_t)(x)
#define I_UINT32(x) (uint32_t)(x)
#define I_INT64(x) (int64_t)(x)
#define I_UINT64(x) (uint64_t)(x)
#define I_FLOAT16(x) (half_t)(float)(x)
#define I_FLOAT32(x) (float)(x)
#define I_FLOAT64(x) (double)(x)
#define I_COMPLEX64(x) __builtin_complex((float)(x), 0.0f)
#define I_COMPLEX128(x) __builtin_complex((double)(x), 0.0)

#define F_BOOL(F, x) (uint8_t)((x) != 0)
#define F_INT8(F, x) (int8_t)convert_##F##_i32(x)
#define F_UINT8(F, x) (uint8_t)convert_##F##_i32(x)
#define F_INT16(F, x) (int16_t)convert_##F##_i32(x)
#define F_UINT16(F, x) (uint16_t)convert_##F##_i32(x)
#define F_INT32(F, x) convert_##F##_i32(x)
#define F_UINT32(F, x) (uint32_t)convert_##F##_i64(x)
#define F_INT64(F, x) convert_##F##_i64(x)
#define F_UINT64(F, x) convert_##F##_u64(x)
#define F_FLOAT16(F, x) (half_t)(x)
#define F_FLOAT32(F, x) (float)(x)
#define F_FLOAT64(F, x) (double)(x)
#define F_COMPLEX64(F, x) __builtin_complex((float)(x), 0.0f)
#define F_COMPLEX128(F, x) __builtin_complex((double)(x), 0.0)

/* What floating numbers do not fit. */
#define B_BOOL(F, x) 0
#define B_INT8(F, x) !convert_##F##_fits_i32(x)
#define B_UINT8(F, x) !convert_##F##_fits_i32(x)
#define B_INT16(F, x) !convert_##F##_fits_i32(x)
#define B_UINT16(F, x) !convert_##F##_fits_i32(x)
#define B_INT32(F, x) !convert_##F##_fits_i32(x)
#define B_UINT32(F, x) !convert_##F##_fits_i64(x)
#define B_INT64(F, x) !convert_##F##_fits_i64(x)
#define B_UINT64(F, x) !convert_##F##_fits_u64(x)
#define B_FLOAT16(F, x) 0
#define B_FLOAT32(F, x) 0
#define B_FLOAT64(F, x) 0
#define B_COMPLEX64(F, x) 0
#define B_COMPLEX128(F, x) 0

/* From bool: any byte but 0 counts as 1. */
#define FROM_BOOL(D) CAST_LOOP(cast_BOOL_##D, uint8_t, elem_##D##_t, I_##D(x != 0))
#define FROM_INT8(D) CAST_LOOP(cast_INT8_##D, int8_t, elem_##D##_t, I_##D(x))
#define FROM_UINT8(D) CAST_LOOP(cast_UINT8_##D, uint8_t, elem_##D##_t, I_##D(x))
#define FROM_INT16(D) CAST_LOOP(cast_INT16_##D, int16_t, elem_##D##_t, I_##D(x))
#define FROM_UINT16(D) CAST_LOOP(cast_UINT16_##D, uint16_t, elem_##D##_t, I_##D(x))
#define FROM_INT32(D) CAST_LOOP(cast_INT32_##D, int32_t, elem_##D##_t, I_##D(x))
#define FROM_UINT32(D) CAST_LOOP(cast_UINT32_##D, uint32_t, elem_##D##_t, I_##D(x))
#define FROM_INT64(D) CAST_LOOP(cast_INT64_##D, int64_t, elem_##D##_t, I_##D(x))
#define FROM_UINT64(D) CAST_LOOP(cast_UINT64_##D, uint64_t, elem_##D##_t, I_##D(x))
#define FROM_FLOAT16(D)                                                                                                \
    CAST_LOOP_CHECKED(cast_FLOAT16_##D, half_t, elem_##D##_t, F_##D(f32, (float)x), B_##D(f32, (float)x))
#define FROM_FLOAT32(D) CAST_LOOP_CHECKED(cast_FLOAT32_##D, float, elem_##D##_t, F_##D(f32, x), B_##D(f32, x))
#define FROM_FLOAT64(D) CAST_LOOP_CHECKED(cast_FLOAT64_##D, double, elem_##D##_t, F_##D(f64, x), B_##D(f64, x))
#define FROM_COMPLEX64(D)                                                                                              \
    CAST_LOOP_CHECKED(cast_COMPLEX64_##D, float _Complex, elem_##D##_t, F_##D(f32, crealf(x)), B_##D(f32, crealf(x)))
#define FROM_COMPLEX128(D)                                                                                             \
    CAST_LOOP_CHECKED(cast_COMPLEX128_##D, double _Complex, elem_##D##_t, F_##D(f64, creal(x)), B_##D(f64, creal(x)))

#define REALS_TO(M)                                                                                                    \
    M(INT8) M(UINT8) M(INT16) M(UINT16) M(INT32) M(UINT32) M(INT64) M(UINT64) M(FLOAT16) M(FLOAT32) M(FLOAT64)
#define ALL_TO(M) M(BOOL) REALS_TO(M) M(COMPLEX64) M(COMPLEX128)

ALL_TO(FROM_BOOL)
ALL_TO(FROM_INT8)
ALL_TO(FROM_UINT8)
ALL_TO(FROM_INT16)
ALL_TO(FROM_UINT16)
ALL_TO(FROM_INT32)
ALL_TO(FROM_UINT32)
ALL_TO(FROM_INT64)
ALL_TO(FROM_UINT64)
ALL_TO(FROM_FLOAT16)
ALL_TO(FROM_FLOAT32)
ALL_TO(FROM_FLOAT64)
REALS_TO(FROM_COMPLEX64)
REALS_TO(FROM_COMPLEX128)
CAST_LOOP(cast_COMPLEX64_BOOL, float _Complex, uint8_t, (uint8_t)(crealf(x) != 0 || cimagf(x) != 0))
CAST_LOOP(cast_COMPLEX64_COMPLEX64, float _Complex, float _Complex, x)
CAST_LOOP(cast_COMPLEX64_COMPLEX128, float _Complex, double _Complex, (double _Complex)x)
CAST_LOOP(cast_COMPLEX128_BOOL, double _Complex, uint8_t, (uint8_t)(creal(x) != 0 || cimag(x) != 0))
CAST_LOOP(cast_COMPLEX128_COMPLEX64, double _Complex, float _Complex, (float _Complex)x)
CAST_LOOP(cast_COMPLEX128_COMPLEX128, double _Complex, double _Complex, x)

#define ROW(D)                                                                                                         \
    [DTYPE_##D] = {                                                                                                    \
        [DTYPE_BOOL] = cast_##D##_BOOL,           [DTYPE_INT8] = cast_##D##_INT8,                                      \
        [DTYPE_UINT8] = cast_##D##_UINT8,         [DTYPE_INT16] = cast_##D##_INT16,                                    \
        [DTYPE_UINT16] = cast_##D##_UINT16,       [DTYPE_INT32] = cast_##D##_INT32,                                    \
        [DTYPE_UINT32] = cast_##D##_UINT32,       [DTYPE_INT64] = cast_##D##_INT64,                                    \
        [DTYPE_UINT64] = cast_##D##_UINT64,       [DTYPE_FLOAT16] = cast_##D##_FLOAT16,                                \
        [DTYPE_FLOAT32] = cast_##D##_FLOAT32,     [DTYPE_FLOAT64] = cast_##D##_FLOAT64,                                \
        [DTYPE_COMPLEX64] = cast_##D##_COMPLEX64, [DTYPE_COMPLEX128] = cast_##D##_COMPLEX128,                          \
    },

static const loop_fn casts[DTYPE_COUNT][DTYPE_COUNT] = {ALL_TO(ROW)};

loop_fn
LOOPS_NAME(FH_LOOPS_VARIANT, cast)(dtype_t from, dtype_t to)
{
    static const loop_fn moves[] = {[1] = move_1, [2] = move_2, [4] = move_4, [8] = move_8, [16] = move_16};
    if (!dtype_valid((uint64_t)from) || !dtype_valid((uint64_t)to))
        return NULL;
    return from == to ? moves[dtype_size(from)] : casts[from][to];
}
