#include "codecs/order.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define ORDER_INTEGER(a, b) (((a) > (b)) - ((a) < (b)))
#define ORDER_FLOATING(a, b) compare_floating((double)(a), (double)(b), zeros)
#define ORDER_COMPLEX(a, b) compare_complex((double _Complex)(a), (double _Complex)(b))

static int
compare_floating(double a, double b, bool zeros)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) != 0) - (isnan(b) != 0);
    if (zeros && a == 0 && b == 0)
        return (signbit(b) != 0) - (signbit(a) != 0);
    return ORDER_INTEGER(a, b);
}

static int
compare_complex(double _Complex a, double _Complex b)
{
    int a_nan = 2 * (isnan(creal(a)) != 0) + (isnan(cimag(a)) != 0);
    int b_nan = 2 * (isnan(creal(b)) != 0) + (isnan(cimag(b)) != 0);
    if (a_nan != b_nan)
        return a_nan - b_nan;
    int real = compare_floating(creal(a), creal(b), false);
    return real ? real : compare_floating(cimag(a), cimag(b), false);
}

#define ORDER_DTYPES(X)                                                                                                \
    X(BOOL, uint8_t, ORDER_INTEGER)                                                                                    \
    X(INT8, int8_t, ORDER_INTEGER)                                                                                     \
    X(UINT8, uint8_t, ORDER_INTEGER)                                                                                   \
    X(INT16, int16_t, ORDER_INTEGER)                                                                                   \
    X(UINT16, uint16_t, ORDER_INTEGER)                                                                                 \
    X(INT32, int32_t, ORDER_INTEGER)                                                                                   \
    X(UINT32, uint32_t, ORDER_INTEGER)                                                                                 \
    X(INT64, int64_t, ORDER_INTEGER)                                                                                   \
    X(UINT64, uint64_t, ORDER_INTEGER)                                                                                 \
    X(FLOAT16, half_t, ORDER_FLOATING)                                                                                 \
    X(FLOAT32, float, ORDER_FLOATING)                                                                                  \
    X(FLOAT64, double, ORDER_FLOATING)                                                                                 \
    X(COMPLEX64, float _Complex, ORDER_COMPLEX)                                                                        \
    X(COMPLEX128, double _Complex, ORDER_COMPLEX)

#define COMPARE(NAME, T, ORDER)                                                                                        \
    static int compare_##NAME(bool zeros, const void *a, const void *b)                                                \
    {                                                                                                                  \
        T x, y;                                                                                                        \
        (void)zeros;                                                                                                   \
        memcpy(&x, a, sizeof x);                                                                                       \
        memcpy(&y, b, sizeof y);                                                                                       \
        return ORDER(x, y);                                                                                            \
    }
ORDER_DTYPES(COMPARE)

static int (*const BY_DTYPE[DTYPE_COUNT])(bool zeros, const void *a, const void *b) = {
#define ROW(NAME, T, ORDER) [DTYPE_##NAME] = compare_##NAME,
    ORDER_DTYPES(ROW)
#undef ROW
};

/* Str: code points in native order, which need not be aligned. */
static int
compare_characters(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof(uint32_t)) {
        uint32_t x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

/* NaT comes last. */
static int
compare_times(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    uint64_t first = (uint64_t)x - 1, second = (uint64_t)y - 1;
    return ORDER_INTEGER((int64_t)first, (int64_t)second);
}

int
order_compare(dtype_t dtype, bool zeros, const void *a, const void *b)
{
    if (dtype_valid((uint64_t)dtype))
        return BY_DTYPE[dtype](zeros, a, b);
    if (!dtype_is_items(dtype))
        return compare_times(a, b);
    return dtype_code(dtype) == CODE_STR ? compare_characters(a, b, dtype_size(dtype))
                                         : memcmp(a, b, dtype_size(dtype));
}
