/* engine/apply/interp.c - piecewise linear interpolation, numpy.interp. */
#include "engine/apply/apply.h"

#include <math.h>

enum { BLOCK = 16 << 10 }; /* elements that a thread computes at a time */

typedef struct {
    const double *x, *xp, *fp;
    double *out;
    int64_t count, n; /* elements of x, points */
    double left, right;
} interp_t;

/* Between points j and j + 1; seen from the other end where that is no number. */
static double
between(const interp_t *self, int64_t j, double x)
{
    const double *xp = self->xp + j, *fp = self->fp + j;
    double slope = (fp[1] - fp[0]) / (xp[1] - xp[0]), y = slope * (x - xp[0]) + fp[0];

    if (isnan(y))
        y = slope * (x - xp[1]) + fp[1];
    return isnan(y) && fp[0] == fp[1] ? fp[0] : y;
}

static double
at(const interp_t *self, double x)
{
    int64_t low = 0, high = self->n; /* xp[low] <= x < xp[high] */

    if (isnan(x))
        return x;
    if (x < self->xp[0])
        return self->left;
    if (x > self->xp[self->n - 1])
        return self->right;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (self->xp[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low == self->n - 1 || self->xp[low] == x ? self->fp[low] : between(self, low, x);
}

static void
interp_block(void *context, int64_t block)
{
    const interp_t *self = context;
    int64_t first = block * BLOCK, end = first + BLOCK < self->count ? first + BLOCK : self->count;

    for (int64_t i = first; i < end; i++)
        self->out[i] = at(self, self->x[i]);
}

int
apply_interp(apply_call_t *call, err_t *err)
{
    nd_t x, xp, fp;
    int status = apply_contiguous(call, 0, DTYPE_FLOAT64, &x, err);

    if (!status)
        status = apply_contiguous(call, 1, DTYPE_FLOAT64, &xp, err);
    if (!status)
        status = apply_contiguous(call, 2, DTYPE_FLOAT64, &fp, err);
    if (!status && (xp.shape.ndim != 1 || xp.shape.extent[0] == 0 || !shape_equal(&xp.shape, &fp.shape)))
        status = err_set(err, FH_INVALID_ARGUMENT, "points must be two vectors of the same length, of at least 1");
    if (!status && (call->nreals != 2 || call->out[0].dtype != DTYPE_FLOAT64))
        status = err_set(err, FH_INVALID_ARGUMENT, "the result is float64; two numbers say what lies outside");
    if (!status)
        status = apply_make(call, 0, &x.shape, err);
    if (!status && !nd_is_c_contiguous(&call->out[0]))
        status = err_set(err, FH_NOT_SUPPORTED, "results go to arrays in C order");
    if (status)
        return status;
    interp_t self = {.x = (const double *)(const void *)x.data,
                     .xp = (const double *)(const void *)xp.data,
                     .fp = (const double *)(const void *)fp.data,
                     .out = (double *)(void *)call->out[0].data,
                     .count = shape_count(&x.shape),
                     .n = xp.shape.extent[0],
                     .left = call->reals[0],
                     .right = call->reals[1]};
    crew_run(call->crew, (self.count + BLOCK - 1) / BLOCK, interp_block, &self);
    return FH_OK;
}
