/* engine/apply/panel.c - steps of factorisations that several engines share: each has blocks of rows of the matrix.
 *
 * LAPACK sees columns where rows lie.  For LU that means that the transposed matrix is factorised: a block of rows is a
 * block of its columns, pivots are searched in it, and no row needs another engine.  For Cholesky's factor, A = L L^H,
 * the conjugate of what LAPACK sees is L.
 * Arrays that are written are parts of a matrix; nothing is written before all has been checked. */
#include "codecs/linalg.h"
#include "engine/apply/apply.h"
#include "engine/apply/blas.h"
#include "engine/apply/determinant.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 1 << 14 /* elements for which several threads are worth their while */ };

/* Rows of an array: columns for LAPACK, `leading` elements from one to the next. */
typedef struct {
    char *data;
    int rows, columns, leading;
} block_t;

typedef struct {
    const blas_t *blas;
    int type;
    int64_t size;
    const void *one, *minus; /* of the type */
} panel_t;

/* ---- what is asked ------------------------------------------------------------------------------------------------
 */

static int
take_block(const panel_t *self, const nd_t *nd, dtype_t dtype, block_t *ret, err_t *err)
{
    const int64_t *extent = nd->shape.extent, *stride = nd->stride;
    if (nd->dtype != dtype || nd->shape.ndim != 2 || extent[0] > INT_MAX || extent[1] > INT_MAX)
        return err_set(err, FH_INVALID_ARGUMENT, "blocks of a factorisation are matrices of one dtype");
    bool dense = extent[1] <= 1 || stride[1] == self->size;
    bool apart = extent[0] <= 1 || (stride[0] >= extent[1] * self->size && stride[0] % self->size == 0 &&
                                    stride[0] / self->size <= INT_MAX);
    if (!dense || !apart)
        return err_set(err, FH_INVALID_ARGUMENT, "rows of a block of a factorisation do not lie one behind the other");
    int64_t leading = extent[0] > 1 ? stride[0] / self->size : extent[1];
    *ret = (block_t){nd->data, (int)extent[0], (int)extent[1], leading > 0 ? (int)leading : 1};
    return FH_OK;
}

static int
begin(panel_t *self, apply_call_t *call, int integers, err_t *err)
{
    static const double one[2] = {1, 0}, minus[2] = {-1, 0};
    static const float onef[2] = {1, 0}, minusf[2] = {-1, 0};
    dtype_t dtype = call->out[0].dtype;
    bool complex_ = dtype_kind(dtype) == 'c', single = dtype == DTYPE_FLOAT32 || dtype == DTYPE_COMPLEX64;
    int status = apply_integers(call, integers, integers, err);
    if (!status && !complex_ && dtype != DTYPE_FLOAT32 && dtype != DTYPE_FLOAT64)
        status = err_set(err, FH_WRONG_TYPE, "matrices of %s are not factorised", dtype_name(dtype));
    if (!status && !call->out[0].data)
        status = err_set(err, FH_INVALID_ARGUMENT, "steps of a factorisation write to a matrix that exists");
    if (status)
        return status;
    self->size = (int64_t)dtype_size(dtype);
    self->type = (complex_ ? LAPACK_COMPLEX : LAPACK_SINGLE) + !single;
    self->one = single ? (const void *)onef : (const void *)one;
    self->minus = single ? (const void *)minusf : (const void *)minus;
    return blas_get_lapack(&self->blas, err);
}

static char *
at(const panel_t *self, const block_t *block, int64_t row, int64_t column)
{
    return block->data + (row * block->leading + column) * self->size;
}

/* c -= op(a) b, of what LAPACK sees. */
static void
subtract(const panel_t *self, const char *turned, int m, int n, int k, const char *a, const block_t *of_a,
         const char *b, const block_t *of_b, char *c, const block_t *of_c)
{
    if (m > 0 && n > 0 && k > 0)
        self->blas->gemm[self->type](turned, "N", &m, &n, &k, self->minus, a, &of_a->leading, b, &of_b->leading,
                                     self->one, c, &of_c->leading, 1, 1);
}

/* Several threads for what is large, as many as the crew has, which rests meanwhile. */
static void
widen(const panel_t *self, const apply_call_t *call, const block_t *block)
{
    if ((int64_t)block->rows * block->columns >= LARGE)
        blas_widen(self->blas, crew_threads(call->crew));
}

static void
narrow(const panel_t *self, const block_t *block)
{
    if ((int64_t)block->rows * block->columns >= LARGE)
        blas_narrow(self->blas);
}

/* Pivots of a panel as LAPACK takes them, of the function's own: they decide what is written. */
static int
take_pivots(apply_call_t *call, int input, const block_t *panel, int **ret, err_t *err)
{
    nd_t given;
    void *memory;
    int status = apply_contiguous(call, input, DTYPE_INT64, &given, err);
    if (!status && (given.shape.ndim != 1 || given.shape.extent[0] != panel->rows))
        status = err_set(err, FH_INVALID_ARGUMENT, "a panel has as many pivots as rows, %d", panel->rows);
    if (!status)
        status = apply_scratch(call, panel->rows * (int64_t)sizeof(int), &memory, err);
    if (status)
        return status;
    int *pivots = memory;
    for (int i = 0; i < panel->rows; i++) {
        int64_t pivot = ((const int64_t *)(const void *)given.data)[i];
        if (pivot < i || pivot >= panel->columns)
            return err_set(err, FH_BAD_INDEX, "pivot %d is %lld in a panel of %d columns", i, (long long)pivot,
                           panel->columns);
        pivots[i] = (int)pivot + 1;
    }
    *ret = pivots;
    return FH_OK;
}

static int
do_not_fit(err_t *err)
{
    return err_set(err, FH_INVALID_ARGUMENT, "the blocks of a step of a factorisation do not fit each other");
}

/* ---- LU -----------------------------------------------------------------------------------------------------------
 */

int
apply_lu_panel(apply_call_t *call, err_t *err)
{
    panel_t self;
    block_t panel;
    void *memory;
    int status = begin(&self, call, 0, err), info = 0;
    if (!status)
        status = take_block(&self, &call->out[0], call->out[0].dtype, &panel, err);
    if (!status && (panel.rows > panel.columns || call->out[1].dtype != DTYPE_INT64))
        status = do_not_fit(err);
    if (!status)
        status = apply_make(call, 1, &(shape_t){.ndim = 1, .extent = {panel.rows}}, err);
    if (!status)
        status = apply_scratch(call, panel.rows * (int64_t)sizeof(int), &memory, err);
    if (status)
        return status;
    int *pivots = memory;
    widen(&self, call, &panel);
    self.blas->getrf[self.type](&panel.columns, &panel.rows, panel.data, &panel.leading, pivots, &info);
    narrow(&self, &panel);
    for (int i = 0; i < panel.rows; i++)
        ((int64_t *)(void *)call->out[1].data)[i] = pivots[i] - 1;
    return FH_OK;
}

int
apply_lu_update(apply_call_t *call, err_t *err)
{
    panel_t self;
    block_t panel, rest;
    int *pivots, first = 1, step = 1;
    int status = begin(&self, call, 0, err);
    if (!status)
        status = take_block(&self, &call->in[0], call->out[0].dtype, &panel, err);
    if (!status)
        status = take_block(&self, &call->out[0], call->out[0].dtype, &rest, err);
    if (!status && (panel.columns != rest.columns || panel.rows > panel.columns))
        status = do_not_fit(err);
    if (!status)
        status = take_pivots(call, 1, &panel, &pivots, err);
    if (status || rest.rows == 0 || panel.rows == 0)
        return status;
    int n = panel.rows;
    widen(&self, call, &rest);
    self.blas->laswp[self.type](&rest.rows, rest.data, &rest.leading, &first, &n, pivots, &step);
    self.blas->trsm[self.type]("L", "L", "N", "U", &n, &rest.rows, self.one, panel.data, &panel.leading, rest.data,
                               &rest.leading, 1, 1, 1, 1);
    subtract(&self, "N", rest.columns - n, rest.rows, n, at(&self, &panel, 0, n), &panel, rest.data, &rest,
             at(&self, &rest, 0, n), &rest);
    narrow(&self, &rest);
    return FH_OK;
}

static bool
is_zero(const panel_t *self, const char *number)
{
    int parts = self->type < LAPACK_COMPLEX ? 1 : 2;
    bool single = self->size / parts == (int64_t)sizeof(float);
    for (int i = 0; i < parts; i++)
        if (single ? ((const float *)(const void *)number)[i] != 0 : ((const double *)(const void *)number)[i] != 0)
            return false;
    return true;
}

int
apply_lu_forward(apply_call_t *call, err_t *err)
{
    panel_t self;
    block_t block, right;
    int status = begin(&self, call, 0, err);
    if (!status)
        status = take_block(&self, &call->in[0], call->out[0].dtype, &block, err);
    if (!status)
        status = take_block(&self, &call->out[0], call->out[0].dtype, &right, err);
    int start = status ? 0 : block.columns - block.rows;
    if (!status && (start < 0 || block.columns > right.rows))
        status = do_not_fit(err);
    for (int i = 0; !status && i < block.rows; i++)
        if (is_zero(&self, at(&self, &block, i, start + i)))
            status = err_set(err, FH_LINALG_ERROR, "Singular matrix");
    if (status || right.columns == 0 || block.rows == 0)
        return status;
    char *unknowns = at(&self, &right, start, 0);
    widen(&self, call, &block);
    subtract(&self, "N", right.columns, block.rows, start, right.data, &right, block.data, &block, unknowns, &right);
    self.blas->trsm[self.type]("R", "U", "N", "N", &right.columns, &block.rows, self.one, at(&self, &block, 0, start),
                               &block.leading, unknowns, &right.leading, 1, 1, 1, 1);
    narrow(&self, &block);
    return FH_OK;
}

static void
exchange(const panel_t *self, const block_t *right, int64_t one, int64_t other)
{
    char *a = at(self, right, one, 0), *b = at(self, right, other, 0), kept[16];
    for (int i = 0; i < right->columns && one != other; i++, a += self->size, b += self->size) {
        memcpy(kept, a, (size_t)self->size);
        memcpy(a, b, (size_t)self->size);
        memcpy(b, kept, (size_t)self->size);
    }
}

int
apply_lu_backward(apply_call_t *call, err_t *err)
{
    panel_t self;
    block_t panel, right;
    int *pivots;
    int status = begin(&self, call, 0, err);
    if (!status)
        status = take_block(&self, &call->in[0], call->out[0].dtype, &panel, err);
    if (!status)
        status = take_block(&self, &call->out[0], call->out[0].dtype, &right, err);
    if (!status && (panel.rows > panel.columns || panel.columns > right.rows))
        status = do_not_fit(err);
    if (!status)
        status = take_pivots(call, 1, &panel, &pivots, err);
    if (status || right.columns == 0 || panel.rows == 0)
        return status;
    int start = right.rows - panel.columns, n = panel.rows;
    char *unknowns = at(&self, &right, start, 0);
    widen(&self, call, &panel);
    subtract(&self, "N", right.columns, n, panel.columns - n, at(&self, &right, start + n, 0), &right,
             at(&self, &panel, 0, n), &panel, unknowns, &right);
    self.blas->trsm[self.type]("R", "L", "N", "U", &right.columns, &n, self.one, panel.data, &panel.leading, unknowns,
                               &right.leading, 1, 1, 1, 1);
    narrow(&self, &panel);
    for (int i = n - 1; i >= 0; i--)
        exchange(&self, &right, start + i, start + pivots[i] - 1);
    return FH_OK;
}

static void
put_number(const nd_t *out, double real, double imaginary)
{
    const double number[2] = {real, imaginary};
    dtype_convert(out->dtype, out->data, dtype_kind(out->dtype) == 'c' ? DTYPE_COMPLEX128 : DTYPE_FLOAT64, number);
}

int
apply_lu_det(apply_call_t *call, err_t *err)
{
    nd_t diagonal, pivots;
    determinant_t found;
    int status = apply_integers(call, 1, 1, err);
    if (!status && (call->nout > 2 || call->integers[0] < 1))
        status = err_set(err, FH_INVALID_ARGUMENT, "%d outputs, %lld rows of a block", call->nout,
                         (long long)call->integers[0]);
    for (int i = 0; i < call->nout && !status; i++)
        if (!call->out[i].data || call->out[i].shape.ndim || !linalg_takes(call->out[i].dtype))
            status = err_set(err, FH_INVALID_ARGUMENT, "a determinant is a number as those of the matrix");
    if (!status)
        status = apply_contiguous(call, 0, DTYPE_COMPLEX128, &diagonal, err);
    if (!status)
        status = apply_contiguous(call, 1, DTYPE_INT64, &pivots, err);
    if (!status && (diagonal.shape.ndim != 1 || !shape_equal(&diagonal.shape, &pivots.shape)))
        status = do_not_fit(err);
    if (status)
        return status;
    determinant_init(&found);
    for (int64_t i = 0; i < diagonal.shape.extent[0]; i++) {
        const double *number = (const double *)(const void *)diagonal.data + 2 * i;
        determinant_multiply(&found, number[0], number[1],
                             ((const int64_t *)(const void *)pivots.data)[i] != i % call->integers[0]);
    }
    double size = call->nout == 1 ? exp(found.log) : 1;
    put_number(&call->out[0], found.sign[0] * size, found.sign[1] * size);
    if (call->nout == 2)
        put_number(&call->out[1], found.log, 0);
    return FH_OK;
}

/* ---- Cholesky -----------------------------------------------------------------------------------------------------
 */

int
apply_cholesky_panel(apply_call_t *call, err_t *err)
{
    panel_t self;
    block_t block;
    void *memory;
    int status = begin(&self, call, 1, err), info = 0;
    int64_t start = status ? 0 : call->integers[0];
    if (!status)
        status = take_block(&self, &call->out[0], call->out[0].dtype, &block, err);
    if (!status && (start < 0 || start > block.columns - block.rows))
        status = do_not_fit(err);
    if (!status)
        status = apply_scratch(call, (int64_t)block.rows * block.rows * self.size, &memory, err);
    if (status)
        return status;
    int n = block.rows;
    const block_t diagonal = {memory, n, n, n > 0 ? n : 1};
    for (int64_t i = 0; i < n; i++)
        memcpy(at(&self, &diagonal, i, 0), at(&self, &block, i, start), (size_t)(n * self.size));
    widen(&self, call, &block);
    subtract(&self, "C", n, n, (int)start, block.data, &block, block.data, &block, diagonal.data, &diagonal);
    self.blas->potrf[self.type]("U", &n, diagonal.data, &diagonal.leading, &info, 1);
    narrow(&self, &block);
    if (info)
        return err_set(err, FH_LINALG_ERROR, "Matrix is not positive definite");
    for (int64_t i = 0; i < n; i++) {
        memcpy(at(&self, &block, i, start), at(&self, &diagonal, i, 0), (size_t)((i + 1) * self.size));
        memset(at(&self, &block, i, start + i + 1), 0, (size_t)((block.columns - start - i - 1) * self.size));
    }
    return FH_OK;
}

int
apply_cholesky_update(apply_call_t *call, err_t *err)
{
    panel_t self;
    block_t block, rest;
    int status = begin(&self, call, 0, err);
    if (!status)
        status = take_block(&self, &call->in[0], call->out[0].dtype, &block, err);
    if (!status)
        status = take_block(&self, &call->out[0], call->out[0].dtype, &rest, err);
    if (!status && (block.rows > block.columns || block.columns > rest.columns))
        status = do_not_fit(err);
    if (status || rest.rows == 0 || block.rows == 0)
        return status;
    int start = block.columns - block.rows;
    char *columns = at(&self, &rest, 0, start);
    widen(&self, call, &rest);
    subtract(&self, "C", block.rows, rest.rows, start, block.data, &block, rest.data, &rest, columns, &rest);
    self.blas->trsm[self.type]("L", "U", "C", "N", &block.rows, &rest.rows, self.one, at(&self, &block, 0, start),
                               &block.leading, columns, &rest.leading, 1, 1, 1, 1);
    narrow(&self, &rest);
    return FH_OK;
}

/* ---- ones ---------------------------------------------------------------------------------------------------------
 */

int
apply_eye(apply_call_t *call, err_t *err)
{
    panel_t self;
    block_t block;
    int status = begin(&self, call, 1, err);
    if (!status)
        status = take_block(&self, &call->out[0], call->out[0].dtype, &block, err);
    if (status)
        return status;
    int64_t first = call->integers[0];
    for (int64_t i = 0; i < block.rows; i++) {
        memset(at(&self, &block, i, 0), 0, (size_t)(block.columns * self.size));
        if (first <= i && i - first < block.columns)
            memcpy(at(&self, &block, i, i - first), self.one, (size_t)self.size);
    }
    return FH_OK;
}
