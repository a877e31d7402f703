/* engine/apply/correlate.c - sums of products of a vector with a short one that slides along it: correlate, convolve.
 */
#include "engine/apply/apply.h"
#include "engine/compute/loops.h"

#include <string.h>

enum { BLOCK = 512 }; /* results that are summed up side by side */

typedef struct {
    const char *a, *v;
    char *out;
    int64_t na, nv, n, offset; /* of a, v, results; a[offset] meets v[0] for the first one */
} sliding_t;

/* Each result's products are added in the order of v.  C: what is summed up. */
#define SLIDE(NAME, T, C, ADD)                                                                                         \
    static void slide_##NAME(void *context, int64_t block)                                                             \
    {                                                                                                                  \
        const sliding_t *self = context;                                                                               \
        const T *a = (const T *)(const void *)self->a, *v = (const T *)(const void *)self->v;                          \
        T *out = (T *)(void *)self->out;                                                                               \
        int64_t first = block * BLOCK, n = self->n - first < BLOCK ? self->n - first : BLOCK;                          \
        C sum[BLOCK];                                                                                                  \
        memset(sum, 0, sizeof sum);                                                                                    \
        for (int64_t k = 0; k < self->nv; k++) {                                                                       \
            int64_t at = self->offset + first + k;                                                                     \
            int64_t low = at < 0 ? -at : 0, high = self->na - at < n ? self->na - at : n;                              \
            const C y = (C)v[k];                                                                                       \
            for (int64_t i = low; i < high; i++) {                                                                     \
                const C x = (C)a[at + i];                                                                              \
                sum[i] = (C)(ADD);                                                                                     \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                                                \
            out[first + i] = (T)sum[i];                                                                                \
    }

#define SLIDES(X)                                                                                                      \
    X(BOOL, uint8_t, uint8_t, sum[i] | (x & y))                                                                        \
    X(INT8, uint8_t, uint8_t, sum[i] + x * y)                                                                          \
    X(UINT8, uint8_t, uint8_t, sum[i] + x * y)                                                                         \
    X(INT16, uint16_t, uint32_t, sum[i] + x * y)                                                                       \
    X(UINT16, uint16_t, uint32_t, sum[i] + x * y)                                                                      \
    X(INT32, uint32_t, uint32_t, sum[i] + x * y)                                                                       \
    X(UINT32, uint32_t, uint32_t, sum[i] + x * y)                                                                      \
    X(INT64, uint64_t, uint64_t, sum[i] + x * y)                                                                       \
    X(UINT64, uint64_t, uint64_t, sum[i] + x * y)                                                                      \
    X(FLOAT16, half_t, float, sum[i] + x * y)                                                                          \
    X(FLOAT32, float, float, sum[i] + x * y)                                                                           \
    X(FLOAT64, double, double, sum[i] + x * y)                                                                         \
    X(COMPLEX64, float _Complex, float _Complex, sum[i] + x * y)                                                       \
    X(COMPLEX128, double _Complex, double _Complex, sum[i] + x * y)
SLIDES(SLIDE)

static void (*const BY_DTYPE[DTYPE_COUNT])(void *context, int64_t block) = {
#define ROW(NAME, T, C, ADD) [DTYPE_##NAME] = slide_##NAME,
    SLIDES(ROW)
#undef ROW
};

/* out[i] = sum over k of a[integers[0] + i + k] * v[k], with zeros around a; integers[1]: how many. */
int
apply_correlate(apply_call_t *call, err_t *err)
{
    nd_t a, v;
    dtype_t dtype = call->out[0].dtype;
    int status = apply_integers(call, 2, 2, err);

    if (!status && (call->in[0].shape.ndim != 1 || call->in[1].shape.ndim != 1))
        status = err_set(err, FH_INVALID_ARGUMENT, "correlations are of vectors");
    if (!status)
        status = apply_contiguous(call, 0, dtype, &a, err);
    if (!status)
        status = apply_contiguous(call, 1, dtype, &v, err);
    if (status)
        return status;
    sliding_t self = {a.data, v.data, NULL, a.shape.extent[0], v.shape.extent[0], call->integers[1], call->integers[0]};
    shape_t shape = {.ndim = 1, .extent = {self.n}};

    /* with these every place that is computed fits into 63 bits, and most are within a */
    if (self.n < 0 || self.offset < -self.nv || self.offset > self.na || self.n > self.na + self.nv)
        return err_set(err, FH_INVALID_ARGUMENT, "%lld results from %lld on, of %lld elements and %lld",
                       (long long)self.n, (long long)self.offset, (long long)self.na, (long long)self.nv);
    status = apply_make(call, 0, &shape, err);
    if (!status && !nd_is_c_contiguous(&call->out[0]))
        status = err_set(err, FH_NOT_SUPPORTED, "results go to arrays in C order");
    if (status)
        return status;
    self.out = call->out[0].data;
    crew_run(call->crew, (self.n + BLOCK - 1) / BLOCK, BY_DTYPE[dtype], &self);
    return FH_OK;
}
