/* engine/apply/interp.c - piecewise linear interpolation, numpy.interp. */
#include "engine/apply/apply.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 16 << 10 }; /* elements that a thread computes at a time */

typedef struct {
    const double *x, *xp, *fp;
    double *slope; /* between a point and the next one; NULL: not computed */
    double scale;  /* points for each unit, if they are as far apart */
    double *out;
    int64_t count, n; /* elements of x, points */
    double left, right;
} interp_t;

/* Between points j and j + 1; seen from the other end where that is no number. */
static double
between(const interp_t *self, int64_t j, double x)
{
    const double *xp = self->xp + j, *fp = self->fp + j;
    double slope = self->slope != NULL ? self->slope[j] : (fp[1] - fp[0]) / (xp[1] - xp[0]);
    double y = slope * (x - xp[0]) + fp[0];

    if (isnan(y))
        y = slope * (x - xp[1]) + fp[1];
    return isnan(y) && fp[0] == fp[1] ? fp[0] : y;
}

/* Is x between points j and j + 1? */
static bool
holds(const interp_t *self, int64_t j, double x)
{
    return self->xp[j] <= x && x < self->xp[j + 1];
}

/* The last point that is not above x, which lies between the first and the last.  Points are often as far apart, and
 * what is looked up next often near: *near is where the last one was. */
static int64_t
find(const interp_t *self, double x, int64_t *near)
{
    double guess = (x - self->xp[0]) * self->scale;
    int64_t most = self->n - 2, low = guess >= 0 && guess <= (double)most ? (int64_t)guess : 0;

    if (x == self->xp[self->n - 1])
        return self->n - 1;
    low = low > 0 && x < self->xp[low] ? low - 1 : low < most && self->xp[low + 1] <= x ? low + 1 : low;
    if (holds(self, low, x))
        return *near = low;
    if (holds(self, *near, x))
        return *near;
    low = 0;
    for (int64_t left = self->n; left > 1;) { /* without a branch that would be guessed */
        int64_t half = left / 2;

        low = self->xp[low + half] <= x ? low + half : low;
        left -= half;
    }
    *near = low < most ? low : most; /* of points that do not rise it may be the last */
    return low;
}

static double
at(const interp_t *self, double x, int64_t *near)
{
    if (isnan(x))
        return x;
    if (x < self->xp[0])
        return self->left;
    if (x > self->xp[self->n - 1])
        return self->right;
    if (self->n == 1)
        return self->fp[0];
    int64_t low = find(self, x, near);

    return low == self->n - 1 || self->xp[low] == x ? self->fp[low] : between(self, low, x);
}

static void
interp_block(void *context, int64_t block)
{
    const interp_t *self = context;
    int64_t first = block * BLOCK, end = first + BLOCK < self->count ? first + BLOCK : self->count, near = 0;

    for (int64_t i = first; i < end; i++)
        self->out[i] = at(self, self->x[i], &near);
}

/* Slopes are computed once where that is less work; without memory for them, each time. */
static double *
slopes(const interp_t *self)
{
    double *slope = self->count >= self->n && self->n > 1 ? malloc((size_t)self->n * sizeof *slope) : NULL;

    for (int64_t j = 0; slope != NULL && j < self->n - 1; j++)
        slope[j] = (self->fp[j + 1] - self->fp[j]) / (self->xp[j + 1] - self->xp[j]);
    return slope;
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
    double width = self.xp[self.n - 1] - self.xp[0];

    self.scale = width > 0 && isfinite(width) ? (double)(self.n - 1) / width : 0;
    self.slope = slopes(&self);
    crew_run(call->crew, (self.count + BLOCK - 1) / BLOCK, interp_block, &self);
    free(self.slope);
    return FH_OK;
}
