/* engine/apply/linalg_square.c - square matrices: Cholesky's factor, and what LU factorisation gives. */
#include "engine/apply/determinant.h"
#include "engine/apply/linalg.h"
#include "engine/compute/flags.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* What lies row after row is, column after column, the conjugate of the matrix: the transposed factor of its upper
 * triangle comes out where the lower one is wanted. */
int
linalg_cholesky(linalg_desk_t *desk)
{
    const linalg_job_t *job = desk->job;
    const nd_t *in = &job->in[0];
    int n = (int)job->dims.n, leading = linalg_leading(n), info = 0, last = in->shape.ndim - 1;
    if (linalg_measures(desk))
        return 0;
    char *out = desk->out[0];
    for (int64_t i = 0; i < n; i++) {
        const char *row = desk->in[0] + i * in->stride[last - 1];
        char *to = out + i * n * job->size;
        if (in->stride[last] == job->size)
            memcpy(to, row, (size_t)((i + 1) * job->size));
        for (int64_t j = 0; j <= i && in->stride[last] != job->size; j++)
            memcpy(to + j * job->size, row + j * in->stride[last], (size_t)job->size);
        memset(to + (i + 1) * job->size, 0, (size_t)((n - i - 1) * job->size));
    }
    job->blas->potrf[job->type]("U", &n, out, &leading, &info, 1);
    return info;
}

int
linalg_solve(linalg_desk_t *desk)
{
    const linalg_job_t *job = desk->job;
    int n = (int)job->dims.n, r = (int)job->dims.r, leading = linalg_leading(n), info = 0;
    char *a = linalg_take(desk, (int64_t)n * n, job->size), *b = linalg_take(desk, (int64_t)n * r, job->size);
    int *pivots = linalg_take(desk, n, sizeof *pivots);
    if (linalg_measures(desk))
        return 0;
    linalg_load(desk, 0, a, n);
    linalg_load(desk, 1, b, n);
    job->blas->gesv[job->type](&n, &r, a, &leading, pivots, b, &leading, &info);
    if (!info)
        linalg_store(desk, 0, b, n, n, r);
    return info;
}

int
linalg_inv(linalg_desk_t *desk)
{
    const linalg_job_t *job = desk->job;
    int n = (int)job->dims.n, leading = linalg_leading(n), info = 0;
    char *a = linalg_take(desk, (int64_t)n * n, job->size), *b = linalg_take(desk, (int64_t)n * n, job->size);
    int *pivots = linalg_take(desk, n, sizeof *pivots);
    if (linalg_measures(desk))
        return 0;
    linalg_load(desk, 0, a, n);
    linalg_identity(job, b, n, n);
    job->blas->gesv[job->type](&n, &n, a, &leading, pivots, b, &leading, &info);
    if (!info)
        linalg_store(desk, 0, b, n, n, n);
    return info;
}

/* ---- determinants -------------------------------------------------------------------------------------------------
 */

static double
part_of(const linalg_job_t *job, const char *number, int i)
{
    if (i && job->real == job->size)
        return 0;
    return job->real == sizeof(float) ? (double)((const float *)(const void *)number)[i]
                                      : ((const double *)(const void *)number)[i];
}

static void
multiply_diagonal(const linalg_job_t *job, const char *a, const int *pivots, determinant_t *ret)
{
    int64_t n = job->dims.n;
    determinant_init(ret);
    for (int64_t i = 0; i < n; i++) {
        const char *number = a + i * (n + 1) * job->size;
        determinant_multiply(ret, part_of(job, number, 0), part_of(job, number, 1), pivots[i] != i + 1);
    }
}

/* false while measuring */
static bool
find_determinant(linalg_desk_t *desk, determinant_t *ret)
{
    const linalg_job_t *job = desk->job;
    int n = (int)job->dims.n, leading = linalg_leading(n), info = 0;
    char *a = linalg_take(desk, (int64_t)n * n, job->size);
    int *pivots = linalg_take(desk, n, sizeof *pivots);
    if (linalg_measures(desk))
        return false;
    linalg_load(desk, 0, a, n);
    job->blas->getrf[job->type](&n, &n, a, &leading, pivots, &info);
    multiply_diagonal(job, a, pivots, ret);
    return true;
}

/* The flags of the result alone: those of LAPACK's steps are nobody's. */
static void
raise_for(unsigned before, const determinant_t *found, double size)
{
    unsigned flags = isnan(found->log)                              ? FLAG_INVALID
                     : isfinite(found->log) && isinf(size)          ? FLAG_OVERFLOW
                     : isfinite(found->log) && fabs(size) < DBL_MIN ? FLAG_UNDERFLOW
                                                                    : 0;
    flags_restore(before, flags);
}

int
linalg_det(linalg_desk_t *desk)
{
    determinant_t found;
    unsigned before = flags_raised();
    if (find_determinant(desk, &found)) {
        double size = exp(found.log);
        linalg_number(desk->job, desk->out[0], found.sign[0] * size, found.sign[1] * size);
        raise_for(before, &found, size);
    }
    return 0;
}

int
linalg_slogdet(linalg_desk_t *desk)
{
    determinant_t found;
    unsigned before = flags_raised();
    if (find_determinant(desk, &found)) {
        const float single = (float)found.log;
        linalg_number(desk->job, desk->out[0], found.sign[0], found.sign[1]);
        memcpy(desk->out[1], desk->job->real == sizeof single ? (const void *)&single : (const void *)&found.log,
               (size_t)desk->job->real);
        raise_for(before, &found, 1);
    }
    return 0;
}
