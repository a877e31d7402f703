/* Mean, variance and standard deviation as NumPy defines them, composed of sums and elementwise operations on the
 * engines. */
#include "proxy/error.h"
#include "proxy/reduce.h"

static bool
is_integral(dtype_t dtype)
{
    return dtype_kind(dtype) == 'b' || dtype_kind(dtype) == 'i' || dtype_kind(dtype) == 'u';
}

/* array OP= number, whatever the dtypes. */
static int
divide(fh_array *array, double number, err_t *err)
{
    fh_local divisor = {.data = &number, .dtype = FH_FLOAT64};
    fh_operand in[] = {{.kind = FH_ARRAY, .array = array}, {.kind = FH_LOCAL, .local = &divisor}};
    fh_array *none = NULL;
    fh_ufunc_options options = {.out = &array, .casting = FH_CASTING_UNSAFE, .casting_given = 1};
    return fh_ufunc(array->session, "true_divide", in, 2, &options, &none, (fh_error *)err);
}

static int
count_reduced(const fh_array *array, const int *axes, int naxes, double *ret, err_t *err)
{
    uint32_t mask;
    int status = reduce_axes(array, axes, naxes, &mask, err);
    *ret = 1;
    for (int axis = 0; axis < array->shape.ndim && !status; axis++)
        if (mask & UINT32_C(1) << axis)
            *ret *= (double)array->shape.extent[axis];
    return status;
}

int
reduce_mean(fh_array *array, const int *axes, int naxes, int keepdims, dtype_t dtype, fh_array **ret, err_t *err)
{
    double count;
    fh_array *sum = NULL, *narrow = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = count_reduced(array, axes, naxes, &count, err);
    if (status)
        return status;
    bool half = dtype == DTYPE_NONE && array->dtype == DTYPE_FLOAT16;
    if (half)
        dtype = DTYPE_FLOAT32;
    else if (dtype == DTYPE_NONE && is_integral(array->dtype))
        dtype = DTYPE_FLOAT64;
    status = fh_reduce(array, "sum", axes, naxes, keepdims, (fh_dtype)dtype, &sum, (fh_error *)err);
    if (!status)
        status = divide(sum, count, err);
    if (!status && half) {
        status = fh_astype(sum, FH_FLOAT16, FH_CASTING_UNSAFE, &narrow, (fh_error *)err);
        fh_array_free(&sum);
        sum = narrow;
    }
    if (status)
        fh_array_free(&sum);
    else
        *ret = sum;
    return status;
}

/* An elementwise operation of one or two arrays, into out (may be NULL: new). */
static int
apply(const char *op, fh_array *a, fh_array *b, fh_array *out, fh_array **ret, err_t *err)
{
    fh_operand in[] = {{.kind = FH_ARRAY, .array = a}, {.kind = FH_ARRAY, .array = b}};
    fh_array *outs[] = {out}, *made = NULL;
    fh_ufunc_options options = {.out = outs};
    int status = fh_ufunc(a->session, op, in, b ? 2 : 1, &options, &made, (fh_error *)err);
    if (!status && ret)
        *ret = made;
    return status;
}

/* |x|^2 of each element, real. */
static int
squares(fh_array **x, err_t *err)
{
    if (dtype_kind((*x)->dtype) != 'c')
        return apply("multiply", *x, *x, *x, NULL, err);
    fh_array *real = NULL, *imag = NULL;
    int status = apply("real", *x, NULL, NULL, &real, err);
    if (!status)
        status = apply("imag", *x, NULL, NULL, &imag, err);
    if (!status)
        status = apply("multiply", real, real, real, NULL, err);
    if (!status)
        status = apply("multiply", imag, imag, imag, NULL, err);
    if (!status)
        status = apply("add", real, imag, real, NULL, err);
    fh_array_free(&imag);
    fh_array_free(x);
    *x = real;
    return status;
}

/* The squared distance of each element from the mean over the axes. */
static int
deviations(fh_array *array, const int *axes, int naxes, double count, dtype_t dtype, fh_array **ret, err_t *err)
{
    fh_array *mean = NULL, *x = NULL;
    int status = fh_reduce(array, "sum", axes, naxes, 1, (fh_dtype)dtype, &mean, (fh_error *)err);
    if (!status)
        status = divide(mean, count, err);
    if (!status)
        status = apply("subtract", array, mean, NULL, &x, err);
    if (!status)
        status = squares(&x, err);
    fh_array_free(&mean);
    if (status)
        fh_array_free(&x);
    else
        *ret = x;
    return status;
}

int
fh_variance(fh_array *array, int take_root, double ddof, const int *axes, int naxes, int keepdims, fh_dtype dtype,
            fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    double count;
    fh_array *x = NULL, *sum = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = count_reduced(array, axes, naxes, &count, err);
    if (status)
        return status;
    if (dtype == FH_DTYPE_NONE && is_integral(array->dtype))
        dtype = FH_FLOAT64;
    status = deviations(array, axes, naxes, count, (dtype_t)dtype, &x, err);
    if (!status && dtype_kind((dtype_t)dtype) == 'c')
        dtype = FH_DTYPE_NONE; /* the squares are real */
    if (!status)
        status = fh_reduce(x, "sum", axes, naxes, keepdims, dtype, &sum, error);
    if (!status)
        status = divide(sum, count - ddof > 0 ? count - ddof : 0, err);
    if (!status && take_root)
        status = apply("sqrt", sum, NULL, sum, NULL, err);
    fh_array_free(&x);
    if (status)
        fh_array_free(&sum);
    else
        *ret = sum;
    return status;
}
