/* Steps of strip programs that compare, and that choose by what was compared.  Bools are bytes of 0 or 1 in the first
 * register. */
#include "engine/compute/strip_registers.h"

#define FLOATS(M) M(FLOAT64, f64, 64) M(FLOAT32, f32, 32)
#define SIGNED(M) M(INT64, i64, 64) M(INT32, i32, 32) M(INT16, i16, 16) M(INT8, i8, 8)
#define UNSIGNED(M) M(UINT64, u64, 64) M(UINT32, u32, 32) M(UINT16, u16, 16) M(UINT8, u8, 8)
#define EVERY(M) FLOATS(M) SIGNED(M) UNSIGNED(M)

/* --- from conditions, vectors of 0 or all bits, to bools ------------------------------------------------------------
 */

#ifdef __AVX512F__
#define LANES(BITS) (BITS == 8 ? STRIP : 512 / BITS)
#define MASK(k, BITS, condition)                                                                                       \
    mask |= (uint32_t)_mm512_movepi##BITS##_mask((__m512i)(condition)) << (k * LANES(BITS));
#define BEGIN(BITS) uint32_t mask = 0;
#define FINISH(BITS) x0 = (registers_t)_mm512_zextsi256_si512(_mm256_maskz_set1_epi8(mask, 1));
#else
static inline __m256i
bytes_of(uint32_t mask)
{
    const __m256i byte = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3,
                                          3, 3, 3, 3, 3, 3),
                  bit = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
    const __m256i spread = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)mask), byte), bit);

    return _mm256_and_si256(_mm256_cmpeq_epi8(spread, bit), _mm256_set1_epi8(1));
}
#define BEGIN(BITS) BEGIN_##BITS
#define BEGIN_64 uint32_t mask = 0;
#define BEGIN_32 uint32_t mask = 0;
#define BEGIN_16 __m256i half[2];
#define BEGIN_8 __m256i whole;
#define MASK(k, BITS, condition) MASK_##BITS(k, condition)
#define MASK_64(k, condition) mask |= (uint32_t)_mm256_movemask_pd((__m256d)(condition)) << (k * 4);
#define MASK_32(k, condition) mask |= (uint32_t)_mm256_movemask_ps((__m256)(condition)) << (k * 8);
#define MASK_16(k, condition) half[k] = (__m256i)(condition);
#define MASK_8(k, condition) whole = (__m256i)(condition);
#define FINISH(BITS) x0 = (registers_t)FINISH_##BITS;
#define FINISH_64 bytes_of(mask)
#define FINISH_32 bytes_of(mask)
#define FINISH_16                                                                                                      \
    _mm256_and_si256(_mm256_permute4x64_epi64(_mm256_packs_epi16(half[0], half[1]), 0xd8), _mm256_set1_epi8(1))
#define FINISH_8 _mm256_and_si256(whole, _mm256_set1_epi8(1))
#endif

/* --- comparisons ----------------------------------------------------------------------------------------------------
 */

#define DO_COMPARE(k, T, BITS, F) MASK(k, BITS, F((T##_t)x##k, READ_##T(k, place)))
#define DO_CLASSIFY(k, T, BITS, F) MASK(k, BITS, F((T##_t)x##k))
#define CONDITION(OP, T, BITS, EXPR)                                                                                   \
    static inline i##BITS##_t OP##_##T(T##_t a, T##_t b)                                                               \
    {                                                                                                                  \
        return EXPR;                                                                                                   \
    }                                                                                                                  \
    STEP(OP##_##T##_near)                                                                                              \
    {                                                                                                                  \
        const char *place = PLACE;                                                                                     \
        BEGIN(BITS) EACH_##T(DO_COMPARE, T, BITS, OP##_##T) FINISH(BITS) NEXT;                                         \
    }                                                                                                                  \
    STEP(OP##_##T##_far)                                                                                               \
    {                                                                                                                  \
        const char *place = PLACE;                                                                                     \
        EACH_##T(DO_FETCH, place) BEGIN(BITS) EACH_##T(DO_COMPARE, T, BITS, OP##_##T) FINISH(BITS) NEXT;               \
    }
#define CONDITIONS(D, T, BITS) ELEMENTARY_COMPARE(CONDITION, T, BITS)
EVERY(CONDITIONS)

#define NAN_STEP(D, T, BITS)                                                                                           \
    static inline i##BITS##_t isnan_##T(T##_t a)                                                                       \
    {                                                                                                                  \
        return a != a;                                                                                                 \
    }                                                                                                                  \
    STEP(ISNAN_##T)                                                                                                    \
    {                                                                                                                  \
        BEGIN(BITS) EACH_##T(DO_CLASSIFY, T, BITS, isnan_##T) FINISH(BITS) NEXT;                                       \
    }
FLOATS(NAN_STEP)

/* --- choices: the value where the mask holds, else the place's elements; turned: the other way round ----------------
 */

#ifdef __AVX512F__
#define TAKE_MASK                                                                                                      \
    const __m256i bools = _mm256_loadu_si256((const void *)mask_place);                                                \
    const uint32_t mask = _mm256_test_epi8_mask(bools, bools);
#define CHOSEN(k, BITS, a, b)                                                                                          \
    (registers_t) _mm512_mask_blend_epi##BITS((__mmask##BITS##_lanes)(mask >> (k * LANES(BITS) % 32)), (__m512i)(b),   \
                                              (__m512i)(a))
typedef __mmask8 __mmask64_lanes;
typedef __mmask16 __mmask32_lanes;
typedef __mmask32 __mmask16_lanes;
typedef __mmask64 __mmask8_lanes;
#else
#define TAKE_MASK
/* All bits where a mask's byte is 0. */
#define UNTRUE_64(k)                                                                                                   \
    _mm256_cmpeq_epi64(_mm256_cvtepu8_epi64(_mm_loadu_si32(mask_place + k * 4)), _mm256_setzero_si256())
#define UNTRUE_32(k)                                                                                                   \
    _mm256_cmpeq_epi32(_mm256_cvtepu8_epi32(_mm_loadu_si64(mask_place + k * 8)), _mm256_setzero_si256())
#define UNTRUE_16(k)                                                                                                   \
    _mm256_cmpeq_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)(mask_place + k * 16))),                     \
                       _mm256_setzero_si256())
#define UNTRUE_8(k) _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)mask_place), _mm256_setzero_si256())
#define CHOSEN(k, BITS, a, b) (registers_t) _mm256_blendv_epi8((__m256i)(a), (__m256i)(b), UNTRUE_##BITS(k))
#endif
#define DO_WHERE(k, T, BITS) x##k = CHOSEN(k, BITS, x##k, READ_##T(k, place));
#define DO_WHERE_TURNED(k, T, BITS) x##k = CHOSEN(k, BITS, READ_##T(k, place), x##k);
#define WHERE_STEP(NAME, T, BITS, DO)                                                                                  \
    STEP(NAME##_near)                                                                                                  \
    {                                                                                                                  \
        const char *place = PLACE, *mask_place = OTHER;                                                                \
        TAKE_MASK EACH_##T(DO, T, BITS) NEXT;                                                                          \
    }                                                                                                                  \
    STEP(NAME##_far)                                                                                                   \
    {                                                                                                                  \
        const char *place = PLACE, *mask_place = OTHER;                                                                \
        DO_FETCH(0, mask_place) EACH_##T(DO_FETCH, place) TAKE_MASK EACH_##T(DO, T, BITS) NEXT;                        \
    }
#define WHERE_STEPS(D, T, BITS)                                                                                        \
    WHERE_STEP(where_##BITS, T, BITS, DO_WHERE) WHERE_STEP(turned_where_##BITS, T, BITS, DO_WHERE_TURNED)
UNSIGNED(WHERE_STEPS)

/* --- the table ------------------------------------------------------------------------------------------------------
 */

#define MIRRORED_ROWS(D, T, OP, MIRROR)                                                                                \
    READING_ROW(APPLY, D, OP_##OP, OP##_##T) READING_ROW(TURNED, D, OP_##OP, MIRROR##_##T)
#define WHERE_ROWS(D, T, BITS)                                                                                         \
    READING_ROW(APPLY, D, OP_WHERE, where_##BITS) READING_ROW(TURNED, D, OP_WHERE, turned_where_##BITS)
#define ROWS(D, T, BITS)                                                                                               \
    MIRRORED_ROWS(D, T, EQUAL, EQUAL)                                                                                  \
    MIRRORED_ROWS(D, T, NOT_EQUAL, NOT_EQUAL)                                                                          \
    MIRRORED_ROWS(D, T, LESS, GREATER)                                                                                 \
    MIRRORED_ROWS(D, T, LESS_EQUAL, GREATER_EQUAL)                                                                     \
    MIRRORED_ROWS(D, T, GREATER, LESS) MIRRORED_ROWS(D, T, GREATER_EQUAL, LESS_EQUAL) WHERE_ROWS(D, T, BITS)
#define NAN_ROW(D, T, BITS) PLAIN_ROW(APPLY, D, OP_ISNAN, ISNAN_##T)

static const strip_row_t rows[] = {
    EVERY(ROWS) FLOATS(NAN_ROW) WHERE_ROWS(BOOL, u8, 8){STRIP_END, 0, 0, 0, NULL, NULL},
};

const strip_row_t *
LOOPS_NAME(FH_LOOPS_VARIANT, strip_choices)(void)
{
    return rows;
}
