/* engine/apply/search.c - binary search in a sorted array: searchsorted, isin. */
#include "codecs/order.h"
#include "engine/apply/apply.h"

#include <string.h>

enum { BLOCK = 16 << 10 }; /* wanted elements that a thread looks for at a time */

typedef struct {
    const char *sorted;
    int64_t n;
    const int64_t *sorter; /* sorted[sorter[i]] is sorted; NULL: sorted is */
    const char *wanted;
    int64_t count;
    bool right;  /* behind equal elements, else before them */
    bool member; /* answer whether it is there, as bool */
    bool invert; /* ... whether it is not */
    char *out;
    dtype_t dtype;
} search_t;

#define LESS_INTEGER(a, b) ((a) < (b))
#define LESS_FLOATING(a, b) ((a) < (b) || ((b) != (b) && (a) == (a)))

/* NaN in the real part weighs more than in the imaginary one. */
#define COMPLEX_LESS(name, T)                                                                                          \
    static bool less_##name(T _Complex a, T _Complex b)                                                                \
    {                                                                                                                  \
        T ar = __real__ a, ai = __imag__ a, br = __real__ b, bi = __imag__ b;                                          \
        int a_nan = 2 * (ar != ar) + (ai != ai), b_nan = 2 * (br != br) + (bi != bi);                                  \
        if (a_nan != b_nan)                                                                                            \
            return a_nan < b_nan;                                                                                      \
        return ar < br || (!(br < ar) && ai < bi);                                                                     \
    }
COMPLEX_LESS(complex64, float)
COMPLEX_LESS(complex128, double)

/* Elements before `at` belong to the left of x.  Wanted elements that rise start where the last one ended. */
#define SEARCH(NAME, T, LESS)                                                                                          \
    static void search_##NAME(void *context, int64_t block)                                                            \
    {                                                                                                                  \
        const search_t *self = context;                                                                                \
        const T *sorted = (const T *)(const void *)self->sorted, *wanted = (const T *)(const void *)self->wanted;      \
        int64_t first = block * BLOCK, end = first + BLOCK < self->count ? first + BLOCK : self->count, low = 0;       \
        for (int64_t i = first; i < end; i++) {                                                                        \
            const T x = wanted[i];                                                                                     \
            int64_t high = self->n;                                                                                    \
            if (i == first || LESS(x, wanted[i - 1]))                                                                  \
                low = 0;                                                                                               \
            while (low < high) {                                                                                       \
                int64_t at = low + (high - low) / 2;                                                                   \
                const T y = sorted[self->sorter ? self->sorter[at] : at];                                              \
                if (self->right ? !LESS(x, y) : LESS(y, x))                                                            \
                    low = at + 1;                                                                                      \
                else                                                                                                   \
                    high = at;                                                                                         \
            }                                                                                                          \
            if (self->member)                                                                                          \
                ((uint8_t *)self->out)[i] = (low < self->n && sorted[low] == x) != self->invert;                       \
            else                                                                                                       \
                ((int64_t *)(void *)self->out)[i] = low;                                                               \
        }                                                                                                              \
    }

#define SEARCHES(X)                                                                                                    \
    X(BOOL, uint8_t, LESS_INTEGER)                                                                                     \
    X(INT8, int8_t, LESS_INTEGER)                                                                                      \
    X(UINT8, uint8_t, LESS_INTEGER)                                                                                    \
    X(INT16, int16_t, LESS_INTEGER)                                                                                    \
    X(UINT16, uint16_t, LESS_INTEGER)                                                                                  \
    X(INT32, int32_t, LESS_INTEGER)                                                                                    \
    X(UINT32, uint32_t, LESS_INTEGER)                                                                                  \
    X(INT64, int64_t, LESS_INTEGER)                                                                                    \
    X(UINT64, uint64_t, LESS_INTEGER)                                                                                  \
    X(FLOAT16, half_t, LESS_FLOATING)                                                                                  \
    X(FLOAT32, float, LESS_FLOATING)                                                                                   \
    X(FLOAT64, double, LESS_FLOATING)                                                                                  \
    X(COMPLEX64, float _Complex, less_complex64)                                                                       \
    X(COMPLEX128, double _Complex, less_complex128)
SEARCHES(SEARCH)

static void (*const BY_DTYPE[DTYPE_COUNT])(void *context, int64_t block) = {
#define ROW(NAME, T, LESS) [DTYPE_##NAME] = search_##NAME,
    SEARCHES(ROW)
#undef ROW
};

/* Elements of a size of their own: as SEARCH, by comparing them. */
static void
search_items(void *context, int64_t block)
{
    const search_t *self = context;
    int64_t size = (int64_t)dtype_size(self->dtype), first = block * BLOCK;
    int64_t end = first + BLOCK < self->count ? first + BLOCK : self->count;

    for (int64_t i = first; i < end; i++) {
        const char *x = self->wanted + i * size;
        int64_t low = 0, high = self->n;

        while (low < high) {
            int64_t at = low + (high - low) / 2;
            int order =
                order_compare(self->dtype, false, self->sorted + (self->sorter ? self->sorter[at] : at) * size, x);

            if (self->right ? order <= 0 : order < 0)
                low = at + 1;
            else
                high = at;
        }
        if (self->member)
            ((uint8_t *)self->out)[i] =
                (low < self->n && order_compare(self->dtype, false, self->sorted + low * size, x) == 0) != self->invert;
        else
            ((int64_t *)(void *)self->out)[i] = low;
    }
}

/* Inputs: what is searched, what is wanted, perhaps the sorter. */
static int
prepare(apply_call_t *call, search_t *self, dtype_t *ret_dtype, err_t *err)
{
    nd_t sorted, wanted;
    dtype_t dtype = dtype_promote(call->in[0].dtype, call->in[1].dtype);
    int status = apply_integers(call, 1, 1, err);

    if (!status && !dtype_valid((uint64_t)dtype) && !dtype_is_items(dtype))
        status = err_set(err, FH_WRONG_TYPE, "%s cannot be looked for in %s", dtype_name(call->in[1].dtype),
                         dtype_name(call->in[0].dtype));
    if (!status && call->in[0].shape.ndim != 1)
        status = err_set(err, FH_INVALID_ARGUMENT, "what is searched has %d axes, not one", call->in[0].shape.ndim);
    if (!status)
        status = apply_contiguous(call, 0, dtype, &sorted, err);
    if (!status)
        status = apply_contiguous(call, 1, dtype, &wanted, err);
    if (!status)
        status = apply_make(call, 0, &wanted.shape, err);
    if (!status && !nd_is_c_contiguous(&call->out[0]))
        status = err_set(err, FH_NOT_SUPPORTED, "places go to arrays in C order");
    if (status)
        return status;
    self->sorted = sorted.data;
    self->n = sorted.shape.extent[0];
    self->wanted = wanted.data;
    self->count = shape_count(&wanted.shape);
    self->out = call->out[0].data;
    *ret_dtype = dtype;
    return FH_OK;
}

static int
take_sorter(apply_call_t *call, search_t *self, err_t *err)
{
    nd_t sorter;

    if (call->nin != 3 || call->in[2].shape.ndim != 1 || call->in[2].shape.extent[0] != self->n)
        return err_set(err, FH_INVALID_ARGUMENT, "sorter must have an element for each of the array's");
    void *copy; /* others may write the sorter while it is used */
    int status = apply_scratch(call, shape_bytes(&call->in[2].shape, DTYPE_INT64), &copy, err);

    if (status)
        return status;
    nd_init(&sorter, copy, DTYPE_INT64, &call->in[2].shape);
    status = compute_assign(call->crew, &sorter, &call->in[2], err);
    if (status)
        return status;
    self->sorter = copy;
    for (int64_t i = 0; i < self->n; i++)
        if (self->sorter[i] < 0 || self->sorter[i] >= self->n)
            return err_set(err, FH_INVALID_ARGUMENT, "sorter index %lld is out of range for %lld elements",
                           (long long)self->sorter[i], (long long)self->n);
    return FH_OK;
}

static int
search(apply_call_t *call, search_t *self, dtype_t out, err_t *err)
{
    dtype_t dtype = DTYPE_NONE;
    int status = call->out[0].dtype == out ? prepare(call, self, &dtype, err)
                                           : err_set(err, FH_WRONG_TYPE, "the result is of dtype %s, not %s",
                                                     dtype_name(out), dtype_name(call->out[0].dtype));

    if (!status && call->nin > 2)
        status = take_sorter(call, self, err);
    if (status)
        return status;
    self->dtype = dtype;
    crew_run(call->crew, (self->count + BLOCK - 1) / BLOCK,
             dtype_valid((uint64_t)dtype) ? BY_DTYPE[dtype] : search_items, self);
    return FH_OK;
}

int
apply_searchsorted(apply_call_t *call, err_t *err)
{
    search_t self = {.right = call->nintegers == 1 && call->integers[0]};

    return search(call, &self, DTYPE_INT64, err);
}

int
apply_isin(apply_call_t *call, err_t *err)
{
    search_t self = {.member = true, .invert = call->nintegers == 1 && call->integers[0]};

    return search(call, &self, DTYPE_BOOL, err);
}
