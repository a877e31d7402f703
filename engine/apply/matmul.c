#include "engine/apply/matmul.h"

#include "engine/apply/apply.h"
#include "engine/apply/blas.h"

#include <limits.h>
#include <string.h>

enum {
    STRIP_WORK = 1 << 16, /* products that a strip has at least */
    STRIPS = 2,           /* for each thread: who is done early takes another */
    ALIGNED_ROWS = 48,    /* strips begin at multiples of what OpenBLAS computes at once */
};

typedef struct {
    const blas_t *blas; /* NULL: integers */
    nd_t a, b, out;     /* broadcast to the same stack */
    int batch;          /* dimensions before the last two */
    int64_t n, k, m;
    int64_t strips, strip; /* of each matrix: how many, rows (columns if by_columns) of each */
    bool by_columns, accumulate;
} product_t;

/* ---- what can be multiplied ------------------------------------------------------------------------------------- */

static bool
is_blas(dtype_t dtype)
{
    return dtype_kind(dtype) == 'c' || dtype == DTYPE_FLOAT32 || dtype == DTYPE_FLOAT64;
}

int
matmul_check(const nd_t *a, const nd_t *b, const nd_t *out, err_t *err)
{
    const nd_t *operands[] = {a, b, out};
    for (int i = 0; i < 3; i++) {
        if (operands[i]->shape.ndim < 2)
            return err_set(err, FH_INVALID_ARGUMENT, "matmul multiplies arrays of two dimensions or more");
        if (operands[i]->dtype != out->dtype)
            return err_set(err, FH_WRONG_TYPE, "matmul of %s and %s to %s: they must be of one dtype",
                           dtype_name(a->dtype), dtype_name(b->dtype), dtype_name(out->dtype));
        for (int axis = operands[i]->shape.ndim - 2; axis < operands[i]->shape.ndim; axis++)
            if (operands[i]->shape.extent[axis] > INT_MAX)
                return err_set(err, FH_NOT_SUPPORTED, "matmul of a matrix with an extent of %lld: at most %d",
                               (long long)operands[i]->shape.extent[axis], INT_MAX);
    }
    if (out->dtype == DTYPE_FLOAT16)
        return err_set(err, FH_WRONG_TYPE, "matmul of float16: multiply float32 and convert the product");
    const int64_t *last_a = a->shape.extent + a->shape.ndim - 2, *last_b = b->shape.extent + b->shape.ndim - 2;
    const int64_t *last = out->shape.extent + out->shape.ndim - 2;
    if (last_a[1] != last_b[0] || last[0] != last_a[0] || last[1] != last_b[1])
        return err_set(err, FH_INVALID_ARGUMENT, "matmul of (%lld, %lld) and (%lld, %lld) to (%lld, %lld)",
                       (long long)last_a[0], (long long)last_a[1], (long long)last_b[0], (long long)last_b[1],
                       (long long)last[0], (long long)last[1]);
    return FH_OK;
}

/* Do the rows (inner is the last axis) or the columns lie one behind the other, aligned? */
static bool
lies(const nd_t *operand, int outer, int inner)
{
    int64_t size = (int64_t)dtype_size(operand->dtype), between = operand->stride[outer];
    bool dense = operand->stride[inner] == size || operand->shape.extent[inner] <= 1;
    bool apart = operand->shape.extent[outer] <= 1 || (between >= operand->shape.extent[inner] * size && between > 0);
    return dense && apart && between % size == 0 && between / size <= INT_MAX;
}

bool
matmul_fits(const nd_t *operand)
{
    int last = operand->shape.ndim - 1;
    if (shape_count(&operand->shape) == 0 || lies(operand, last - 1, last))
        return true;
    return is_blas(operand->dtype) && lies(operand, last, last - 1);
}

/* ---- one strip -------------------------------------------------------------------------------------------------- */

typedef struct {
    int order;   /* BLAS_AS_IT_IS or BLAS_TRANSPOSED */
    int leading; /* elements from one row (column) to the next */
} lie_t;

static lie_t
lie_of(const nd_t *operand)
{
    int last = operand->shape.ndim - 1;
    int64_t size = (int64_t)dtype_size(operand->dtype);
    bool rows = lies(operand, last - 1, last);
    int outer = rows ? last - 1 : last, inner = rows ? last : last - 1;
    int64_t leading = operand->shape.extent[outer] > 1 ? operand->stride[outer] / size : operand->shape.extent[inner];
    return (lie_t){rows ? BLAS_AS_IT_IS : BLAS_TRANSPOSED, leading > 1 ? (int)leading : 1};
}

typedef struct {
    const char *a, *b;
    char *out;
    int64_t n, m;
} strip_t;

/* out = the matrix (rows x columns as it lies) times a vector, `step` bytes apart.  OpenBLAS is several times faster at
 * that than at a product. */
static void
multiply_vector(const product_t *self, int order, int rows, int columns, const char *matrix, int leading,
                const char *vector, int64_t step, char *out)
{
    static const double one[2] = {1, 0}, zero[2] = {0, 0};
    static const float onef[2] = {1, 0}, zerof[2] = {0, 0};
    int64_t apart = step / (int64_t)dtype_size(self->out.dtype);
    int v = apart > 0 ? (int)apart : 1, major = BLAS_ROW_MAJOR;
    if (self->out.dtype == DTYPE_FLOAT32)
        self->blas->cblas_sgemv(major, order, rows, columns, 1, matrix, leading, vector, v, self->accumulate, out, 1);
    else if (self->out.dtype == DTYPE_FLOAT64)
        self->blas->cblas_dgemv(major, order, rows, columns, 1, matrix, leading, vector, v, self->accumulate, out, 1);
    else if (self->out.dtype == DTYPE_COMPLEX64)
        self->blas->cblas_cgemv(major, order, rows, columns, onef, matrix, leading, vector, v,
                                self->accumulate ? onef : zerof, out, 1);
    else
        self->blas->cblas_zgemv(major, order, rows, columns, one, matrix, leading, vector, v,
                                self->accumulate ? one : zero, out, 1);
}

/* The second matrix has one column. */
static void
multiply_column(const product_t *self, const strip_t *strip)
{
    lie_t a = lie_of(&self->a);
    bool flat = a.order == BLAS_AS_IT_IS;
    multiply_vector(self, a.order, (int)(flat ? strip->n : self->k), (int)(flat ? self->k : strip->n), strip->a,
                    a.leading, strip->b, self->b.stride[self->batch], strip->out);
}

/* The first matrix has one row: the second, turned, times that. */
static void
multiply_row(const product_t *self, const strip_t *strip)
{
    lie_t b = lie_of(&self->b);
    bool flat = b.order == BLAS_AS_IT_IS;
    multiply_vector(self, flat ? BLAS_TRANSPOSED : BLAS_AS_IT_IS, (int)(flat ? self->k : strip->m),
                    (int)(flat ? strip->m : self->k), strip->b, b.leading, strip->a, self->a.stride[self->batch + 1],
                    strip->out);
}

static void
multiply_matrix(const product_t *self, const strip_t *strip)
{
    static const double one[2] = {1, 0}, zero[2] = {0, 0};
    static const float onef[2] = {1, 0}, zerof[2] = {0, 0};
    lie_t a = lie_of(&self->a), b = lie_of(&self->b);
    int n = (int)strip->n, m = (int)strip->m, k = (int)self->k, ld = (int)self->m, order = BLAS_ROW_MAJOR;
    if (self->out.dtype == DTYPE_FLOAT32)
        self->blas->cblas_sgemm(order, a.order, b.order, n, m, k, 1, strip->a, a.leading, strip->b, b.leading,
                                self->accumulate, strip->out, ld);
    else if (self->out.dtype == DTYPE_FLOAT64)
        self->blas->cblas_dgemm(order, a.order, b.order, n, m, k, 1, strip->a, a.leading, strip->b, b.leading,
                                self->accumulate, strip->out, ld);
    else if (self->out.dtype == DTYPE_COMPLEX64)
        self->blas->cblas_cgemm(order, a.order, b.order, n, m, k, onef, strip->a, a.leading, strip->b, b.leading,
                                self->accumulate ? onef : zerof, strip->out, ld);
    else
        self->blas->cblas_zgemm(order, a.order, b.order, n, m, k, one, strip->a, a.leading, strip->b, b.leading,
                                self->accumulate ? one : zero, strip->out, ld);
}

static void
multiply_integers(const product_t *self, const strip_t *strip)
{
    matmul_row_fn row = matmul_row(self->out.dtype);
    const int64_t *a = self->a.stride + self->batch, *b = self->b.stride + self->batch;
    for (int64_t i = 0; i < strip->n; i++) {
        char *out = strip->out + i * self->out.stride[self->batch];
        if (!self->accumulate)
            memset(out, 0, (size_t)strip->m * dtype_size(self->out.dtype));
        row(out, strip->a + i * a[0], a[1], strip->b, b[0], self->k, strip->m);
    }
}

static char *
matrix_at(const nd_t *operand, int batch, int64_t index)
{
    char *data = operand->data;
    for (int axis = batch - 1; axis >= 0; axis--) {
        data += index % operand->shape.extent[axis] * operand->stride[axis];
        index /= operand->shape.extent[axis];
    }
    return data;
}

static void
run_strip(void *context, int64_t part)
{
    const product_t *self = context;
    int64_t matrix = part / self->strips, first = part % self->strips * self->strip;
    int rows = self->batch, columns = self->batch + 1;
    strip_t strip = {.a = matrix_at(&self->a, self->batch, matrix),
                     .b = matrix_at(&self->b, self->batch, matrix),
                     .out = matrix_at(&self->out, self->batch, matrix),
                     .n = self->n,
                     .m = self->m};
    int64_t *extent = self->by_columns ? &strip.m : &strip.n;
    *extent = *extent - first < self->strip ? *extent - first : self->strip;
    if (*extent <= 0)
        return;
    strip.a += self->by_columns ? 0 : first * self->a.stride[rows];
    strip.b += self->by_columns ? first * self->b.stride[columns] : 0;
    strip.out += first * self->out.stride[self->by_columns ? columns : rows];
    if (!self->blas)
        multiply_integers(self, &strip);
    else if (self->m == 1)
        multiply_column(self, &strip);
    else if (self->n == 1)
        multiply_row(self, &strip);
    else
        multiply_matrix(self, &strip);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static void
cut(product_t *self, int threads)
{
    int64_t longer = self->n >= self->m ? self->n : self->m, wanted = (int64_t)threads * STRIPS;
    self->by_columns = self->m > self->n;
    self->strip = (longer + wanted - 1) / wanted;
    int64_t work = (longer == self->n ? self->m : self->n) * self->k;
    int64_t least = work >= STRIP_WORK ? 1 : STRIP_WORK / (work > 0 ? work : 1) + 1;
    self->strip = self->strip > least ? self->strip : least;
    if (threads > 1 && self->strip > ALIGNED_ROWS)
        self->strip = (self->strip + ALIGNED_ROWS - 1) / ALIGNED_ROWS * ALIGNED_ROWS;
    if (threads == 1 || self->strip > longer)
        self->strip = longer;
    self->strips = (longer + self->strip - 1) / self->strip;
}

static int
spread(const nd_t *operand, const shape_t *stack, nd_t *ret, err_t *err)
{
    shape_t shape = *stack;
    memcpy(shape.extent + shape.ndim - 2, operand->shape.extent + operand->shape.ndim - 2, 2 * sizeof *shape.extent);
    return nd_broadcast(operand, &shape, ret, err);
}

int
matmul_run(crew_t *crew, const nd_t *a, const nd_t *b, const nd_t *out, bool accumulate, err_t *err)
{
    product_t self = {.out = *out, .batch = out->shape.ndim - 2, .accumulate = accumulate};
    self.n = out->shape.extent[self.batch];
    self.m = out->shape.extent[self.batch + 1];
    self.k = a->shape.extent[a->shape.ndim - 1];
    int64_t count = shape_count(&out->shape);
    int status = spread(a, &out->shape, &self.a, err);
    if (!status)
        status = spread(b, &out->shape, &self.b, err);
    if (!status && is_blas(out->dtype))
        status = blas_get(&self.blas, err);
    if (status || count == 0)
        return status;
    if (self.k == 0) {
        if (!accumulate)
            memset(out->data, 0, (size_t)count * dtype_size(out->dtype));
        return FH_OK;
    }
    cut(&self, crew_threads(crew));
    crew_run(crew, count / (self.n * self.m) * self.strips, run_strip, &self);
    return FH_OK;
}

int
apply_matmul(apply_call_t *call, err_t *err)
{
    nd_t in[2], *out = &call->out[0];
    int status = apply_integers(call, 1, 1, err);
    if (!status && (!out->data || !nd_is_c_contiguous(out)))
        status = err_set(err, FH_INVALID_ARGUMENT, "matmul writes to a contiguous array of a given shape");
    if (!status)
        status = matmul_check(&call->in[0], &call->in[1], out, err);
    for (int i = 0; i < 2 && !status; i++) {
        in[i] = call->in[i];
        if (!matmul_fits(&in[i]))
            status = apply_contiguous(call, i, out->dtype, &in[i], err);
    }
    return status ? status : matmul_run(call->crew, &in[0], &in[1], out, call->integers[0] != 0, err);
}
