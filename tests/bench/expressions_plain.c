#include "tests/bench/expressions_plain.h"

#include "engine/compute/vector_math.h"

#include <math.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { PART = EXPRESSIONS_PLAIN_PART };

/* Results go past the cache, PART elements at a time. */
static inline void
stream(void *to, const void *from, size_t size)
{
#ifdef __x86_64__
    for (size_t i = 0; i < size; i += 32)
        _mm256_stream_si256((__m256i *)(void *)((char *)to + i),
                            _mm256_load_si256((const __m256i *)(const void *)((const char *)from + i)));
#else
    memcpy(to, from, size);
#endif
}

#define STORED(NAME, T, TO, EXPR)                                                                                      \
    double expressions_plain_##NAME(char *const *memory, int64_t first, int64_t end)                                   \
    {                                                                                                                  \
        const T *a = (const void *)memory[0], *b = (const void *)memory[1], *c = (const void *)memory[2];              \
        TO *out = (void *)memory[3];                                                                                   \
        _Alignas(64) TO part[PART];                                                                                    \
        (void)b;                                                                                                       \
        (void)c;                                                                                                       \
        for (int64_t k = first; k + PART <= end; k += PART) {                                                          \
            for (int64_t i = 0; i < PART; i++)                                                                         \
                part[i] = (TO)(EXPR);                                                                                  \
            stream(out + k, part, sizeof part);                                                                        \
        }                                                                                                              \
        return 0;                                                                                                      \
    }
#define SUMMED(NAME, T, S, EXPR)                                                                                       \
    double expressions_plain_##NAME(char *const *memory, int64_t first, int64_t end)                                   \
    {                                                                                                                  \
        const T *a = (const void *)memory[0], *b = (const void *)memory[1], *c = (const void *)memory[2];              \
        S sum[PART] = {0}, all = 0;                                                                                    \
        (void)c;                                                                                                       \
        for (int64_t k = first; k + PART <= end; k += PART)                                                            \
            for (int64_t i = 0; i < PART; i++)                                                                         \
                sum[i] += EXPR;                                                                                        \
        for (int i = 0; i < PART; i++)                                                                                 \
            all += sum[i];                                                                                             \
        return (double)all;                                                                                            \
    }

#define A a[k + i]
#define B b[k + i]
#define C c[k + i]

STORED(products, double, double, A *B + C)
STORED(positive, double, uint8_t, A > 0.3)
STORED(chosen, double, double, A > 0.3 ? A : -A)
STORED(clipped, double, double, A < 0.25 ? 0.25 : A > 0.3 ? 0.3 : A)
STORED(integers, int32_t, int32_t, A *B + C)
STORED(bytes, int8_t, int8_t, A *B + C)
#define CHAINED (((((A * B + C) * B + C) * B + C) * B + C) * B + C) * B + C
STORED(chain, double, double, CHAINED)
STORED(integer_chain, uint32_t, uint32_t, CHAINED)
SUMMED(larger, double, int64_t, A > B)
SUMMED(integer_sum, int32_t, int64_t, A *B + C)
STORED(narrow, double, float, (float)A * 2)
STORED(mixed, int32_t, double, A * 0.25 + B)
STORED(waves, double, double, vexp_plain(A) * vsin(A))
STORED(sigmoid, double, double, 1 / (1 + vexp_plain(-A)))
STORED(distances, double, double, sqrt(A *A + B * B))
STORED(small_waves, float, float, vexpf_plain(A) * vtanhf(A))
STORED(finite_ones, double, double, A - A == 0 ? A : B)
SUMMED(powers, double, double, vexp_plain(A - B))
