#include "engine/compute/sort_elements.h"

#include <string.h>

/* NAME, C type of the element, its bits, how a key is made of them; COMPLEX apart. */
#define SORT_DTYPES(X)                                                                                                 \
    X(BOOL, 8, plain)                                                                                                  \
    X(INT8, 8, negative)                                                                                               \
    X(UINT8, 8, plain)                                                                                                 \
    X(INT16, 16, negative)                                                                                             \
    X(UINT16, 16, plain)                                                                                               \
    X(INT32, 32, negative)                                                                                             \
    X(UINT32, 32, plain)                                                                                               \
    X(INT64, 64, negative)                                                                                             \
    X(UINT64, 64, plain)                                                                                               \
    X(FLOAT16, 16, floating)                                                                                           \
    X(FLOAT32, 32, floating)                                                                                           \
    X(FLOAT64, 64, floating)

/* ---- keys: the order of the numbers is that of the keys ------------------------------------------------------------
 */

/* The bits of infinity, and of the one NaN that all become. */
static const uint64_t infinity16 = 0x7c00, infinity32 = 0x7f800000, infinity64 = UINT64_C(0x7ff0000000000000);
static const uint64_t nan16 = 0x7e00, nan32 = 0x7fc00000, nan64 = UINT64_C(0x7ff8000000000000);

#define SORT_KEYS(bits)                                                                                                \
    static inline uint##bits##_t plain_key##bits(uint##bits##_t u)                                                     \
    {                                                                                                                  \
        return u;                                                                                                      \
    }                                                                                                                  \
    static inline uint##bits##_t plain_value##bits(uint##bits##_t key)                                                 \
    {                                                                                                                  \
        return key;                                                                                                    \
    }                                                                                                                  \
    static inline uint##bits##_t plain_rank##bits(uint##bits##_t u)                                                    \
    {                                                                                                                  \
        return u;                                                                                                      \
    }                                                                                                                  \
    static inline uint##bits##_t negative_key##bits(uint##bits##_t u)                                                  \
    {                                                                                                                  \
        return (uint##bits##_t)(u ^ (uint##bits##_t)((uint##bits##_t)1 << (bits - 1)));                                \
    }                                                                                                                  \
    static inline uint##bits##_t negative_value##bits(uint##bits##_t key)                                              \
    {                                                                                                                  \
        return negative_key##bits(key);                                                                                \
    }                                                                                                                  \
    static inline uint##bits##_t negative_rank##bits(uint##bits##_t u)                                                 \
    {                                                                                                                  \
        return negative_key##bits(u);                                                                                  \
    }
SORT_KEYS(8)
SORT_KEYS(16)
SORT_KEYS(32)
SORT_KEYS(64)

/* rank: all NaN are equal, and both zeros. */
#define SORT_FLOATING_KEYS(bits)                                                                                       \
    static inline uint##bits##_t floating_key##bits(uint##bits##_t u)                                                  \
    {                                                                                                                  \
        const uint##bits##_t sign = (uint##bits##_t)((uint##bits##_t)1 << (bits - 1));                                 \
        if ((uint##bits##_t)(u & (uint##bits##_t) ~sign) > infinity##bits)                                             \
            u = (uint##bits##_t)nan##bits;                                                                             \
        return u & sign ? (uint##bits##_t) ~u : (uint##bits##_t)(u | sign);                                            \
    }                                                                                                                  \
    static inline uint##bits##_t floating_value##bits(uint##bits##_t key)                                              \
    {                                                                                                                  \
        const uint##bits##_t sign = (uint##bits##_t)((uint##bits##_t)1 << (bits - 1));                                 \
        return key & sign ? (uint##bits##_t)(key ^ sign) : (uint##bits##_t) ~key;                                      \
    }                                                                                                                  \
    static inline uint##bits##_t floating_rank##bits(uint##bits##_t u)                                                 \
    {                                                                                                                  \
        const uint##bits##_t sign = (uint##bits##_t)((uint##bits##_t)1 << (bits - 1));                                 \
        const uint##bits##_t magnitude = (uint##bits##_t)(u & (uint##bits##_t) ~sign);                                 \
        if (magnitude == 0)                                                                                            \
            return sign;                                                                                               \
        return magnitude > infinity##bits ? (uint##bits##_t) ~(uint##bits##_t)0 : floating_key##bits(u);               \
    }
SORT_FLOATING_KEYS(16)
SORT_FLOATING_KEYS(32)
SORT_FLOATING_KEYS(64)

/* ---- values --------------------------------------------------------------------------------------------------------
 */

#define SORT_VALUES_OF(NAME, bits, how)                                                                                \
    static void load_##NAME(const char *p, int64_t step, int64_t n, int64_t first, void *elements)                     \
    {                                                                                                                  \
        uint##bits##_t *keys = elements, u;                                                                            \
        (void)first;                                                                                                   \
        for (int64_t i = 0; i < n; i++, p += step) {                                                                   \
            memcpy(&u, p, sizeof u);                                                                                   \
            keys[i] = how##_key##bits(u);                                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    static void store_##NAME(const void *elements, int64_t n, int64_t base, char *p, int64_t step)                     \
    {                                                                                                                  \
        const uint##bits##_t *keys = elements;                                                                         \
        (void)base;                                                                                                    \
        for (int64_t i = 0; i < n; i++, p += step) {                                                                   \
            uint##bits##_t u = how##_value##bits(keys[i]);                                                             \
            memcpy(p, &u, sizeof u);                                                                                   \
        }                                                                                                              \
    }
SORT_DTYPES(SORT_VALUES_OF)

static void
load_complex64(const char *p, int64_t step, int64_t n, int64_t first, void *elements)
{
    (void)first;
    for (int64_t i = 0; i < n; i++, p += step)
        memcpy((float _Complex *)elements + i, p, sizeof(float _Complex));
}

static void
load_complex128(const char *p, int64_t step, int64_t n, int64_t first, void *elements)
{
    (void)first;
    for (int64_t i = 0; i < n; i++, p += step)
        memcpy((double _Complex *)elements + i, p, sizeof(double _Complex));
}

static void
store_complex64(const void *elements, int64_t n, int64_t base, char *p, int64_t step)
{
    (void)base;
    for (int64_t i = 0; i < n; i++, p += step)
        memcpy(p, (const float _Complex *)elements + i, sizeof(float _Complex));
}

static void
store_complex128(const void *elements, int64_t n, int64_t base, char *p, int64_t step)
{
    (void)base;
    for (int64_t i = 0; i < n; i++, p += step)
        memcpy(p, (const double _Complex *)elements + i, sizeof(double _Complex));
}

/* ---- places --------------------------------------------------------------------------------------------------------
 */

/* Keys of up to 32 bits and places below 2**32 fit into one word, whose order is the stable one. */
#define SORT_ORDER_OF(NAME, bits, how)                                                                                 \
    static void pack_##NAME(const char *p, int64_t step, int64_t n, int64_t first, void *elements)                     \
    {                                                                                                                  \
        uint64_t *words = elements;                                                                                    \
        uint##bits##_t u;                                                                                              \
        for (int64_t i = 0; i < n; i++, p += step) {                                                                   \
            memcpy(&u, p, sizeof u);                                                                                   \
            words[i] = (uint64_t)how##_rank##bits(u) << 32 | (uint64_t)(first + i);                                    \
        }                                                                                                              \
    }                                                                                                                  \
    static void pair_##NAME(const char *p, int64_t step, int64_t n, int64_t first, void *elements)                     \
    {                                                                                                                  \
        radix_pair_t *pairs = elements;                                                                                \
        uint##bits##_t u;                                                                                              \
        for (int64_t i = 0; i < n; i++, p += step) {                                                                   \
            memcpy(&u, p, sizeof u);                                                                                   \
            pairs[i] = (radix_pair_t){how##_rank##bits(u), first + i};                                                 \
        }                                                                                                              \
    }                                                                                                                  \
    static void values_packed_##NAME(const void *elements, int64_t n, char *p, int64_t step)                           \
    {                                                                                                                  \
        const uint64_t *words = elements;                                                                              \
        for (int64_t i = 0; i < n; i++, p += step) {                                                                   \
            uint##bits##_t u = how##_value##bits((uint##bits##_t)(words[i] >> 32));                                    \
            memcpy(p, &u, sizeof u);                                                                                   \
        }                                                                                                              \
    }                                                                                                                  \
    static void values_pair_##NAME(const void *elements, int64_t n, char *p, int64_t step)                             \
    {                                                                                                                  \
        const radix_pair_t *pairs = elements;                                                                          \
        for (int64_t i = 0; i < n; i++, p += step) {                                                                   \
            uint##bits##_t u = how##_value##bits((uint##bits##_t)pairs[i].key);                                        \
            memcpy(p, &u, sizeof u);                                                                                   \
        }                                                                                                              \
    }
SORT_DTYPES(SORT_ORDER_OF)

static void
pair_complex64(const char *p, int64_t step, int64_t n, int64_t first, void *elements)
{
    merge_complex64_t *pairs = elements;
    for (int64_t i = 0; i < n; i++, p += step) {
        memcpy(&pairs[i].key, p, sizeof pairs[i].key);
        pairs[i].index = first + i;
    }
}

static void
pair_complex128(const char *p, int64_t step, int64_t n, int64_t first, void *elements)
{
    merge_complex128_t *pairs = elements;
    for (int64_t i = 0; i < n; i++, p += step) {
        memcpy(&pairs[i].key, p, sizeof pairs[i].key);
        pairs[i].index = first + i;
    }
}

#define VALUES_COMPLEX(name, T)                                                                                        \
    static void name(const void *elements, int64_t n, char *p, int64_t step)                                           \
    {                                                                                                                  \
        const T *e = elements;                                                                                         \
        for (int64_t i = 0; i < n; i++, p += step)                                                                     \
            memcpy(p, &e[i].key, sizeof e[i].key);                                                                     \
    }
VALUES_COMPLEX(values_complex64, merge_complex64_t)
VALUES_COMPLEX(values_complex128, merge_complex128_t)

#define STORE_PLACES(name, T, PLACE)                                                                                   \
    static void name(const void *elements, int64_t n, int64_t base, char *p, int64_t step)                             \
    {                                                                                                                  \
        const T *e = elements;                                                                                         \
        for (int64_t i = 0; i < n; i++, p += step) {                                                                   \
            int64_t place = base + (int64_t)(PLACE);                                                                   \
            memcpy(p, &place, sizeof place);                                                                           \
        }                                                                                                              \
    }
STORE_PLACES(places_packed, uint64_t, e[i] & UINT32_MAX)
STORE_PLACES(places_pair, radix_pair_t, e[i].index)
STORE_PLACES(places_complex64, merge_complex64_t, e[i].index)
STORE_PLACES(places_complex128, merge_complex128_t, e[i].index)

/* ---- tables --------------------------------------------------------------------------------------------------------
 */

#define SORT_BY_RADIX(name, T)                                                                                         \
    static void alone_##name(void *a, void *b, int64_t n)                                                              \
    {                                                                                                                  \
        radix_##name##_sort_alone(a, b, n);                                                                            \
    }                                                                                                                  \
    static int crew_##name(crew_t *crew, void *a, void *b, int64_t n, err_t *err)                                      \
    {                                                                                                                  \
        return radix_##name##_sort(crew, a, b, n, err);                                                                \
    }
SORT_BY_RADIX(u8, uint8_t)
SORT_BY_RADIX(u16, uint16_t)
SORT_BY_RADIX(u32, uint32_t)
SORT_BY_RADIX(u64, uint64_t)
SORT_BY_RADIX(pair, radix_pair_t)

#define SORT_BY_MERGES(name)                                                                                           \
    static void alone_##name(void *a, void *b, int64_t n)                                                              \
    {                                                                                                                  \
        merge_##name##_steps.sort_alone(a, b, n);                                                                      \
    }                                                                                                                  \
    static int crew_##name(crew_t *crew, void *a, void *b, int64_t n, err_t *err)                                      \
    {                                                                                                                  \
        return merge_sort(crew, &merge_##name##_steps, a, b, n, err);                                                  \
    }
SORT_BY_MERGES(complex64)
SORT_BY_MERGES(complex128)
SORT_BY_MERGES(complex64_pair)
SORT_BY_MERGES(complex128_pair)

#define ROW_VALUES(NAME, bits, how)                                                                                    \
    [DTYPE_##NAME] = {bits / 8, load_##NAME, store_##NAME, NULL, alone_u##bits, crew_u##bits, &merge_u##bits##_steps},
#define ROW_PACKED(NAME, bits, how)                                                                                    \
    [DTYPE_##NAME] = {8, pack_##NAME, places_packed, values_packed_##NAME, alone_u64, crew_u64, &merge_u64_steps},
#define ROW_PAIRS(NAME, bits, how)                                                                                     \
    [DTYPE_##NAME] = {sizeof(radix_pair_t), pair_##NAME, places_pair,      values_pair_##NAME,                         \
                      alone_pair,           crew_pair,   &merge_pair_steps},
#define COMPLEX_VALUES(NAME, name)                                                                                     \
    [DTYPE_##NAME] = {sizeof(elem_##name##_t), load_##name, store_##name, NULL, alone_##name, crew_##name,             \
                      &merge_##name##_steps},
#define COMPLEX_PAIRS(NAME, name)                                                                                      \
    [DTYPE_##NAME] = {                                                                                                 \
        sizeof(merge_##name##_t),  pair_##name, places_##name, values_##name, alone_##name##_pair, crew_##name##_pair, \
        &merge_##name##_pair_steps},

typedef float _Complex elem_complex64_t;
typedef double _Complex elem_complex128_t;

static const sort_elements_t VALUES[DTYPE_COUNT] = {SORT_DTYPES(ROW_VALUES) COMPLEX_VALUES(COMPLEX64, complex64)
                                                        COMPLEX_VALUES(COMPLEX128, complex128)};
static const sort_elements_t PACKED[DTYPE_COUNT] = {SORT_DTYPES(ROW_PACKED)};
static const sort_elements_t PAIRS[DTYPE_COUNT] = {SORT_DTYPES(ROW_PAIRS) COMPLEX_PAIRS(COMPLEX64, complex64)
                                                       COMPLEX_PAIRS(COMPLEX128, complex128)};

const sort_elements_t *
sort_elements(dtype_t dtype, sort_kind_t kind, int64_t count)
{
    if (kind == SORT_VALUES)
        return &VALUES[dtype];
    return dtype_size(dtype) <= 4 && count <= UINT32_MAX ? &PACKED[dtype] : &PAIRS[dtype];
}
