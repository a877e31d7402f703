/* engine/apply/linalg.c - functions of matrices over stacks: what is checked, whose turn it is, and what went wrong. */
#include "engine/apply/linalg.h"

#include <stdlib.h>
#include <string.h>

enum {
    LARGE = 1 << 14, /* elements of a matrix for which several threads are worth their while */
    REALS = 1,
};

static linalg_fn *const FUNCTIONS[] = {
#define LINALG(number, NAME, name, inputs, outputs, dtypes, waits, doc) [number] = linalg_##name,
#include "codecs/linalg.def"
#undef LINALG
};

/* NumPy's texts. */
static const char *const FAILURES[LINALG_COUNT] = {
    [LINALG_CHOLESKY] = "Matrix is not positive definite",
    [LINALG_SOLVE] = "Singular matrix",
    [LINALG_INV] = "Singular matrix",
    [LINALG_EIGH] = "Eigenvalues did not converge",
    [LINALG_EIGVALSH] = "Eigenvalues did not converge",
    [LINALG_EIG] = "Eigenvalues did not converge",
    [LINALG_EIGVALS] = "Eigenvalues did not converge",
    [LINALG_SVD] = "SVD did not converge",
    [LINALG_SVD_FULL] = "SVD did not converge",
    [LINALG_SVDVALS] = "SVD did not converge",
    [LINALG_LSTSQ] = "SVD did not converge in Linear Least Squares",
};

typedef struct {
    linalg_job_t job;
    linalg_fn *function;
    int64_t count; /* matrices */
    int desks;
    linalg_desk_t *desk;
    int failed; /* info of a matrix for which it failed; one of them */
} matrices_t;

/* ---- what is asked ------------------------------------------------------------------------------------------------
 */

static int
take_arrays(linalg_job_t *job, apply_call_t *call, err_t *err)
{
    const shape_t *shapes[LINALG_MAX_IN];
    dtype_t dtype = call->in[0].dtype;
    if (call->nin != job->row->nin || call->nout != job->row->nout)
        return err_set(err, FH_INVALID_ARGUMENT, "%s takes %d arrays and gives %d, not %d and %d", job->row->name,
                       job->row->nin, job->row->nout, call->nin, call->nout);
    for (int i = 0; i < call->nin; i++) {
        if (call->in[i].dtype != dtype || !linalg_takes(dtype))
            return err_set(err, FH_WRONG_TYPE, "%s of %s: all matrices are of one dtype, float32, float64 or complex",
                           job->row->name, dtype_name(call->in[i].dtype));
        shapes[i] = &call->in[i].shape;
    }
    int status = linalg_resolve(job->row, shapes, &job->dims, err);
    for (int i = 0; i < call->nin && !status; i++) {
        shape_t shape = job->dims.stack;
        const int64_t *last = call->in[i].shape.extent + call->in[i].shape.ndim - 2;
        shape.extent[shape.ndim++] = last[0];
        shape.extent[shape.ndim++] = last[1];
        status = nd_broadcast(&call->in[i], &shape, &job->in[i], err);
    }
    return status;
}

static int
make_outputs(linalg_job_t *job, apply_call_t *call, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < call->nout && !status; i++) {
        shape_t shape = linalg_shape(job->row, &job->dims, i);
        dtype_t dtype = linalg_dtype(job->row, call->in[0].dtype, i);
        if (call->out[i].dtype != dtype)
            return err_set(err, FH_WRONG_TYPE, "output %d of %s is of dtype %s, not %s", i, job->row->name,
                           dtype_name(dtype), dtype_name(call->out[i].dtype));
        status = apply_make(call, i, &shape, err);
        if (!status && !nd_is_c_contiguous(&call->out[i]))
            status = err_set(err, FH_INVALID_ARGUMENT, "%s writes to contiguous arrays", job->row->name);
        job->out[i] = call->out[i];
    }
    return status;
}

static int
begin(matrices_t *self, apply_call_t *call, err_t *err)
{
    linalg_job_t *job = &self->job;
    int status = apply_integers(call, 1, 2, err);
    if (status)
        return status;
    job->call = call;
    job->row = linalg_at(call->integers[0]);
    if (!job->row || call->nreals > REALS)
        return err_set(err, FH_INVALID_ARGUMENT, "there is no function %lld of matrices with %d parameters",
                       (long long)call->integers[0], call->nreals);
    job->upper = call->nintegers > 1 && call->integers[1] != 0;
    job->rcond = call->nreals ? call->reals[0] : 0;
    self->function = FUNCTIONS[call->integers[0]];
    status = take_arrays(job, call, err);
    if (!status)
        status = make_outputs(job, call, err);
    if (!status)
        status = blas_get_lapack(&job->blas, err);
    dtype_t dtype = call->in[0].dtype;
    job->size = (int64_t)dtype_size(dtype);
    job->real = dtype_kind(dtype) == 'c' ? job->size / 2 : job->size;
    job->type = (dtype_kind(dtype) == 'c' ? LAPACK_COMPLEX : LAPACK_SINGLE) + (job->real == sizeof(double));
    return status;
}

/* ---- work ---------------------------------------------------------------------------------------------------------
 */

static int
set_desks(matrices_t *self, err_t *err)
{
    linalg_job_t *job = &self->job;
    linalg_desk_t model = {.job = job};
    int threads = crew_threads(job->call->crew);
    void *memory;
    int64_t bytes;
    self->count = shape_count(&job->dims.stack);
    job->alone = self->count < threads && job->dims.m * job->dims.n >= LARGE;
    self->desks = job->alone ? 1 : self->count < threads ? (int)self->count : threads;
    if (self->count == 0)
        return FH_OK;
    if (self->function(&model))
        return err_set(err, FH_NOT_SUPPORTED,
                       "%s of a matrix of %lld rows and %lld columns: LAPACK cannot count so far", job->row->name,
                       (long long)job->dims.m, (long long)job->dims.n);
    if (__builtin_mul_overflow(model.used, self->desks, &bytes))
        return err_set(err, FH_OVERFLOW, "the workspace of %s is too large for this machine", job->row->name);
    int status = apply_scratch(job->call, bytes, &memory, err);
    if (status)
        return status;
    self->desk = calloc((size_t)self->desks, sizeof *self->desk);
    if (!self->desk)
        return err_set(err, FH_NO_MEMORY, "no memory for %d threads", self->desks);
    for (int i = 0; i < self->desks; i++) {
        self->desk[i] = model;
        self->desk[i].base = (char *)memory + i * model.used;
    }
    return FH_OK;
}

static char *
matrix_at(const nd_t *nd, int stack, int64_t index)
{
    char *data = nd->data;
    for (int axis = stack - 1; axis >= 0; axis--) {
        data += index % nd->shape.extent[axis] * nd->stride[axis];
        index /= nd->shape.extent[axis];
    }
    return data;
}

static void
work(void *context, int64_t which)
{
    matrices_t *self = context;
    const linalg_job_t *job = &self->job;
    linalg_desk_t *desk = &self->desk[which];
    int stack = job->dims.stack.ndim;
    for (int64_t i = which; i < self->count; i += self->desks) {
        desk->used = 0;
        for (int k = 0; k < job->row->nin; k++)
            desk->in[k] = matrix_at(&job->in[k], stack, i);
        for (int k = 0; k < job->row->nout; k++)
            desk->out[k] = matrix_at(&job->out[k], stack, i);
        int info = self->function(desk);
        if (info)
            __atomic_store_n(&self->failed, info, __ATOMIC_RELAXED);
    }
}

int
apply_linalg(apply_call_t *call, err_t *err)
{
    matrices_t self = {0};
    int status = begin(&self, call, err);
    if (!status)
        status = set_desks(&self, err);
    if (!status && self.job.alone) {
        blas_widen(self.job.blas, crew_threads(call->crew));
        work(&self, 0);
        blas_narrow(self.job.blas);
    } else if (!status) {
        crew_run(call->crew, self.desks, work, &self);
    }
    if (!status && self.failed)
        status = err_set(err, FH_LINALG_ERROR, "%s",
                         self.failed == LINALG_NOT_FINITE ? "Array must not contain infs or NaNs"
                                                          : FAILURES[call->integers[0]]);
    free(self.desk);
    return status;
}
