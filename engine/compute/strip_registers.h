/* engine/compute/strip_registers.h - how steps of strip programs are written: for the strip_*.c files only, which are
 * compiled once for each variant of processors with wide vectors.
 *
 * A strip's value travels from step to step in vector registers, as arguments: x0, x1 and so on, which hold whatever
 * the value's dtype is.  Each step ends by calling the next (NEXT), which compilers make a jump.  Types of elements:
 * f64 f32, i64 i32 i16 i8, u64 u32 u16 u8.  A strip of the narrowest fills half a register where these are widest. */
#ifndef FH_ENGINE_COMPUTE_STRIP_REGISTERS_H
#define FH_ENGINE_COMPUTE_STRIP_REGISTERS_H

#include "engine/compute/strip.h"

#include <immintrin.h>

/* EACH_<T>(M, ...): M(k, ...) for each register that a strip of that type takes. */
#ifdef __AVX512F__
#define WIDTH 64
#define REGISTERS registers_t x0, registers_t x1, registers_t x2, registers_t x3
#define PASSED x0, x1, x2, x3
#define EACH_8(M, ...) M(0, __VA_ARGS__) M(1, __VA_ARGS__) M(2, __VA_ARGS__) M(3, __VA_ARGS__)
#define EACH_4(M, ...) M(0, __VA_ARGS__) M(1, __VA_ARGS__)
#define EACH_2(M, ...) M(0, __VA_ARGS__)
#define INTRINSIC_(name, suffix) _mm512_##name##_##suffix
#else
#define WIDTH 32
#define REGISTERS                                                                                                      \
    registers_t x0, registers_t x1, registers_t x2, registers_t x3, registers_t x4, registers_t x5, registers_t x6,    \
        registers_t x7
#define PASSED x0, x1, x2, x3, x4, x5, x6, x7
#define EACH_4(M, ...) M(0, __VA_ARGS__) M(1, __VA_ARGS__) M(2, __VA_ARGS__) M(3, __VA_ARGS__)
#define EACH_8(M, ...) EACH_4(M, __VA_ARGS__) M(4, __VA_ARGS__) M(5, __VA_ARGS__) M(6, __VA_ARGS__) M(7, __VA_ARGS__)
#define EACH_2(M, ...) M(0, __VA_ARGS__) M(1, __VA_ARGS__)
#define INTRINSIC_(name, suffix) _mm256_##name##_##suffix
#endif
#define INTRINSIC(name, suffix) INTRINSIC_(name, suffix)
#define EACH_f64 EACH_8
#define EACH_i64 EACH_8
#define EACH_u64 EACH_8
#define EACH_f32 EACH_4
#define EACH_i32 EACH_4
#define EACH_u32 EACH_4
#define EACH_i16 EACH_2
#define EACH_u16 EACH_2
#define EACH_i8(M, ...) M(0, __VA_ARGS__)
#define EACH_u8 EACH_i8

enum {
    LINE = 64,
    AHEAD = 2048, /* bytes before they are used, elements of arrays are fetched */
};

/* <T>_t in a register, <T>_at_t in memory. */
#define VECTOR_TYPES(T, C)                                                                                             \
    typedef C T##_t __attribute__((vector_size(WIDTH)));                                                               \
    typedef C T##_at_t __attribute__((vector_size(WIDTH), aligned(1), may_alias));
VECTOR_TYPES(f64, double)
VECTOR_TYPES(f32, float)
VECTOR_TYPES(i64, int64_t)
VECTOR_TYPES(i32, int32_t)
VECTOR_TYPES(i16, int16_t)
VECTOR_TYPES(i8, int8_t)
VECTOR_TYPES(u64, uint64_t)
VECTOR_TYPES(u32, uint32_t)
VECTOR_TYPES(u16, uint16_t)
VECTOR_TYPES(u8, uint8_t)
#undef VECTOR_TYPES

/* Registers are not told apart by type: a value's bits stay. */
typedef f64_t registers_t;
typedef void (*step_fn)(const strip_step_t *step, const strip_run_t *run, int64_t at, REGISTERS);

#define STEP(NAME) static void NAME(const strip_step_t *step, const strip_run_t *run, int64_t at, REGISTERS)
#define AT(place_number) (run->place[place_number] + at * run->step[place_number])
#define PLACE AT(step->place)
#define OTHER AT(step->other)
#define NEXT ((step_fn)step[1].fn)(step + 1, run, at, PASSED)

/* Register k of a strip that lies at p, and back. */
#define READ(k, T, p) (((const T##_at_t *)(const void *)(p))[k])
#define WRITE(k, T, p, x) ((T##_at_t *)(void *)(p))[k] = (T##_t)(x);
#ifdef __AVX512F__
#define READ_HALF(T, p) ((T##_t)_mm512_zextsi256_si512(_mm256_loadu_si256((const void *)(p))))
#define WRITE_HALF(p, x) _mm256_storeu_si256((void *)(p), _mm512_castsi512_si256((__m512i)(x)));
#else
#define READ_HALF(T, p) READ(0, T, p)
#define WRITE_HALF(p, x) WRITE(0, u8, p, x)
#endif
#define READ_f64(k, p) READ(k, f64, p)
#define READ_f32(k, p) READ(k, f32, p)
#define READ_i64(k, p) READ(k, i64, p)
#define READ_u64(k, p) READ(k, u64, p)
#define READ_i32(k, p) READ(k, i32, p)
#define READ_u32(k, p) READ(k, u32, p)
#define READ_i16(k, p) READ(k, i16, p)
#define READ_u16(k, p) READ(k, u16, p)
#define READ_i8(k, p) READ_HALF(i8, p)
#define READ_u8(k, p) READ_HALF(u8, p)
#define WRITE_u64(k, p, x) WRITE(k, u64, p, x)
#define WRITE_i64(k, p, x) WRITE(k, i64, p, x)
#define WRITE_i32(k, p, x) WRITE(k, i32, p, x)
#define WRITE_u32(k, p, x) WRITE(k, u32, p, x)
#define WRITE_u16(k, p, x) WRITE(k, u16, p, x)
#define WRITE_u8(k, p, x) WRITE_HALF(p, x)

/* What EACH does in most steps; F is a function of vectors of type T. */
#define DO_FETCH(k, p) _mm_prefetch((p) + AHEAD + k * WIDTH, _MM_HINT_T0);
#define DO_LOAD(k, T) x##k = (registers_t)READ_##T(k, place);
#define DO_STORE(k, T) WRITE_##T(k, place, x##k)
#define DO_APPLY(k, T, F) x##k = (registers_t)F((T##_t)x##k, READ_##T(k, place));
#define DO_TURNED(k, T, F) x##k = (registers_t)F(READ_##T(k, place), (T##_t)x##k);
#define DO_UNARY(k, T, F) x##k = (registers_t)F((T##_t)x##k);

/* A step that reads a strip of type T: near its place, and far. */
#define READING(NAME, T, ...)                                                                                          \
    STEP(NAME##_near)                                                                                                  \
    {                                                                                                                  \
        const char *place = PLACE;                                                                                     \
        EACH_##T(__VA_ARGS__) NEXT;                                                                                    \
    }                                                                                                                  \
    STEP(NAME##_far)                                                                                                   \
    {                                                                                                                  \
        const char *place = PLACE;                                                                                     \
        EACH_##T(DO_FETCH, place) EACH_##T(__VA_ARGS__) NEXT;                                                          \
    }
#define UNARY_STEP(NAME, T, F)                                                                                         \
    STEP(NAME)                                                                                                         \
    {                                                                                                                  \
        EACH_##T(DO_UNARY, T, F) NEXT;                                                                                 \
    }

/* Functions of vectors. */
#define FUNCTION2(NAME, T, EXPR)                                                                                       \
    static inline T##_t NAME(T##_t a, T##_t b)                                                                         \
    {                                                                                                                  \
        return (T##_t)(EXPR);                                                                                          \
    }
#define FUNCTION1(NAME, T, EXPR)                                                                                       \
    static inline T##_t NAME(T##_t a)                                                                                  \
    {                                                                                                                  \
        return (T##_t)(EXPR);                                                                                          \
    }
#define CHOOSE(condition, a, b)                                                                                        \
    ((__typeof__(a))(((condition) & (__typeof__(condition))(a)) | (~(condition) & (__typeof__(condition))(b))))

/* Rows of tables. */
#define FN(name) (void (*)(void)) name
#define READING_ROW(KIND, D, CODE, NAME) {STRIP_##KIND, DTYPE_##D, 0, CODE, FN(NAME##_near), FN(NAME##_far)},
#define PLAIN_ROW(KIND, D, CODE, NAME) {STRIP_##KIND, DTYPE_##D, 0, CODE, FN(NAME), NULL},

#include "engine/compute/elementary.h"

#endif
