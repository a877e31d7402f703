/* Products of integer matrices, a row of the result at a time, added to what is there. */
#include "engine/apply/matmul.h"

/* Signed numbers wrap as unsigned ones of their size do.  WIDE: in which products have no undefined overflow. */
#define ROW(bits, T, WIDE)                                                                                             \
    static void row_##bits(char *out, const char *a, int64_t a_step, const char *b, int64_t b_step, int64_t k,         \
                           int64_t m)                                                                                  \
    {                                                                                                                  \
        T *sum = (T *)out;                                                                                             \
        for (int64_t i = 0; i < k; i++) {                                                                              \
            const WIDE factor = *(const T *)(a + i * a_step);                                                          \
            const T *row = (const T *)(b + i * b_step);                                                                \
            for (int64_t j = 0; j < m; j++)                                                                            \
                sum[j] = (T)(sum[j] + factor * row[j]);                                                                \
        }                                                                                                              \
    }

ROW(8, uint8_t, uint32_t)
ROW(16, uint16_t, uint32_t)
ROW(32, uint32_t, uint32_t)
ROW(64, uint64_t, uint64_t)

static void
row_BOOL(char *out, const char *a, int64_t a_step, const char *b, int64_t b_step, int64_t k, int64_t m)
{
    for (int64_t i = 0; i < k; i++) {
        const char *row = b + i * b_step;
        for (int64_t j = 0; a[i * a_step] && j < m; j++)
            out[j] |= row[j] != 0;
    }
}

matmul_row_fn
matmul_row(dtype_t dtype)
{
    static const matmul_row_fn ROWS[DTYPE_COUNT] = {
        [DTYPE_BOOL] = row_BOOL, [DTYPE_INT8] = row_8,    [DTYPE_UINT8] = row_8,
        [DTYPE_INT16] = row_16,  [DTYPE_UINT16] = row_16, [DTYPE_INT32] = row_32,
        [DTYPE_UINT32] = row_32, [DTYPE_INT64] = row_64,  [DTYPE_UINT64] = row_64,
    };
    return ROWS[dtype];
}
