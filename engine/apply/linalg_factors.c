/* engine/apply/linalg_factors.c - orthogonal factors of matrices of any shape: QR, singular values, least squares. */
#include "engine/apply/linalg.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- QR -----------------------------------------------------------------------------------------------------------
 */

/* What all forms begin with: reflectors, below and on the diagonal, in `a` (m x n). */
typedef struct {
    char *a, *tau, *work;
} reflectors_t;

/* columns: of the orthogonal factor that is made of it, 0: none.  false while measuring; *ret is 0, or -1 then. */
static bool
reflect(linalg_desk_t *desk, int columns, reflectors_t *ret_found, int *ret)
{
    const linalg_job_t *job = desk->job;
    int m = (int)job->dims.m, n = (int)job->dims.n, k = (int)job->dims.k, leading = linalg_leading(m), info = 0,
        ask = -1;
    reflectors_t found = {.a = linalg_take(desk, (int64_t)m * n, job->size), .tau = linalg_take(desk, k, job->size)};
    _Alignas(16) char answer[16] = {0};
    *ret = 0;
    if (linalg_measures(desk)) {
        job->blas->geqrf[job->type](&m, &n, answer, &leading, answer, answer, &ask, &info);
        int first = linalg_workspace(job, answer);
        if (columns)
            job->blas->gqr[job->type](&m, &columns, &k, answer, &leading, answer, answer, &ask, &info);
        int second = linalg_workspace(job, answer);
        desk->lwork = linalg_leading(first > second ? first : second);
        *ret = first < 0 || second < 0 ? -1 : 0;
    }
    found.work = linalg_take(desk, desk->lwork, job->size);
    if (linalg_measures(desk))
        return false;
    linalg_load(desk, 0, found.a, m);
    job->blas->geqrf[job->type](&m, &n, found.a, &leading, found.tau, found.work, &desk->lwork, ret);
    *ret_found = found;
    return !*ret;
}

/* The upper triangle of `rows` rows to output i. */
static void
store_triangle(linalg_desk_t *desk, int i, const char *a, int64_t rows)
{
    const linalg_job_t *job = desk->job;
    int64_t n = job->dims.n, m = job->dims.m;
    linalg_store(desk, i, a, m, rows, n);
    for (int64_t row = 1; row < rows; row++)
        memset(desk->out[i] + row * n * job->size, 0, (size_t)((row < n ? row : n) * job->size));
}

static int
orthogonal(linalg_desk_t *desk, int columns)
{
    const linalg_job_t *job = desk->job;
    int m = (int)job->dims.m, n = (int)job->dims.n, k = (int)job->dims.k, leading = linalg_leading(m), info = 0;
    reflectors_t found;
    bool more = columns > n;
    if (!reflect(desk, columns, &found, &info)) {
        if (more)
            linalg_take(desk, (int64_t)m * columns, job->size);
        return info;
    }
    char *q = more ? linalg_take(desk, (int64_t)m * columns, job->size) : found.a;
    store_triangle(desk, 1, found.a, columns);
    if (more)
        memcpy(q, found.a, (size_t)((int64_t)m * n * job->size));
    if (columns)
        job->blas->gqr[job->type](&m, &columns, &k, q, &leading, found.tau, found.work, &desk->lwork, &info);
    linalg_store(desk, 0, q, m, m, columns);
    return info;
}

int
linalg_qr(linalg_desk_t *desk)
{
    return orthogonal(desk, (int)desk->job->dims.k);
}

int
linalg_qr_complete(linalg_desk_t *desk)
{
    return orthogonal(desk, (int)desk->job->dims.m);
}

int
linalg_qr_r(linalg_desk_t *desk)
{
    reflectors_t found;
    int info;
    if (reflect(desk, 0, &found, &info))
        store_triangle(desk, 0, found.a, desk->job->dims.k);
    return info;
}

int
linalg_qr_raw(linalg_desk_t *desk)
{
    const linalg_job_t *job = desk->job;
    reflectors_t found;
    int info;
    if (reflect(desk, 0, &found, &info)) {
        memcpy(desk->out[0], found.a, (size_t)(job->dims.m * job->dims.n * job->size));
        memcpy(desk->out[1], found.tau, (size_t)(job->dims.k * job->size));
    }
    return info;
}

/* ---- singular values ----------------------------------------------------------------------------------------------
 */

/* LAPACK's counts of its workspace are ints, which wrap around without a word. */
static bool
countable(const linalg_dims_t *dims)
{
    int64_t longer = dims->m > dims->n ? dims->m : dims->n, k = dims->k;
    return k < (1 << 15) && 8 * k * (longer < 4 * k ? longer : 4 * k) + 128 * (longer + k) < INT_MAX;
}

typedef struct {
    const char *job;
    char *a, *s, *u, *vt, *work, *rwork;
    int *iwork;
    int64_t columns, rows; /* of u, of vt */
} svd_t;

static int
decompose(const linalg_desk_t *desk, const svd_t *svd, int lwork)
{
    const linalg_job_t *job = desk->job;
    int m = (int)job->dims.m, n = (int)job->dims.n, info = 0;
    int leading = linalg_leading(m), leading_u = linalg_leading(m), leading_vt = linalg_leading(svd->rows);
    if (job->real == job->size)
        job->blas->gesdd_real[job->type](svd->job, &m, &n, svd->a, &leading, svd->s, svd->u, &leading_u, svd->vt,
                                         &leading_vt, svd->work, &lwork, svd->iwork, &info, 1);
    else
        job->blas->gesdd_complex[job->type](svd->job, &m, &n, svd->a, &leading, svd->s, svd->u, &leading_u, svd->vt,
                                            &leading_vt, svd->work, &lwork, svd->rwork, svd->iwork, &info, 1);
    return info;
}

/* Elements of the real workspace that complex matrices need. */
static int64_t
real_workspace(const linalg_dims_t *dims)
{
    int64_t longer = dims->m > dims->n ? dims->m : dims->n, k = dims->k;
    int64_t one = 5 * k * k + 7 * k, other = 2 * longer * k + 2 * k * k + 7 * k;
    return (one > other ? one : other) + 1;
}

static int
singular(linalg_desk_t *desk, const char *what, int64_t columns, int64_t rows)
{
    const linalg_job_t *job = desk->job;
    int64_t m = job->dims.m, n = job->dims.n, k = job->dims.k;
    _Alignas(16) char answer[16] = {0};
    svd_t svd = {.job = what,
                 .a = linalg_take(desk, m * n, job->size),
                 .s = linalg_take(desk, k, job->real),
                 .u = linalg_take(desk, m * columns, job->size),
                 .vt = linalg_take(desk, n * rows, job->size),
                 .rwork = linalg_take(desk, job->real == job->size ? 0 : real_workspace(&job->dims), job->real),
                 .iwork = linalg_take(desk, 8 * k + 1, sizeof(int)),
                 .columns = columns,
                 .rows = rows};
    bool vectors = *what != 'N';
    int s = vectors ? 1 : 0;
    if (linalg_measures(desk)) {
        svd_t ask = {what, answer, answer, answer, answer, answer, answer, (int *)(void *)answer, columns, rows};
        if (!countable(&job->dims) || decompose(desk, &ask, -1))
            return -1;
        desk->lwork = linalg_workspace(job, answer);
        linalg_take(desk, desk->lwork, job->size);
        return desk->lwork < 0 ? -1 : 0;
    }
    svd.work = linalg_take(desk, desk->lwork, job->size);
    linalg_load(desk, 0, svd.a, m);
    if (k == 0) {
        linalg_identity(job, svd.u, m, columns);
        linalg_identity(job, svd.vt, rows, n);
    } else if (decompose(desk, &svd, desk->lwork)) {
        return 1;
    }
    memcpy(desk->out[s], svd.s, (size_t)(k * job->real));
    if (vectors) {
        linalg_store(desk, 0, svd.u, m, m, columns);
        linalg_store(desk, 2, svd.vt, rows, rows, n);
    }
    return 0;
}

int
linalg_svd(linalg_desk_t *desk)
{
    return singular(desk, "S", desk->job->dims.k, desk->job->dims.k);
}

int
linalg_svd_full(linalg_desk_t *desk)
{
    return singular(desk, "A", desk->job->dims.m, desk->job->dims.n);
}

int
linalg_svdvals(linalg_desk_t *desk)
{
    return singular(desk, "N", 0, 0);
}

/* ---- least squares ------------------------------------------------------------------------------------------------
 */

typedef struct {
    char *a, *b, *s, *work, *rwork;
    int *iwork, rank;
} least_t;

static int
solve_least(const linalg_desk_t *desk, least_t *least, int lwork)
{
    const linalg_job_t *job = desk->job;
    int m = (int)job->dims.m, n = (int)job->dims.n, r = (int)job->dims.r, info = 0;
    int leading = linalg_leading(m), leading_b = linalg_leading(m > n ? m : n);
    const float single = (float)job->rcond;
    const void *rcond = job->real == sizeof single ? (const void *)&single : (const void *)&job->rcond;
    if (job->real == job->size)
        job->blas->gelsd_real[job->type](&m, &n, &r, least->a, &leading, least->b, &leading_b, least->s, rcond,
                                         &least->rank, least->work, &lwork, least->iwork, &info);
    else
        job->blas->gelsd_complex[job->type](&m, &n, &r, least->a, &leading, least->b, &leading_b, least->s, rcond,
                                            &least->rank, least->work, &lwork, least->rwork, least->iwork, &info);
    return info;
}

/* Sums of squares of what lies below row n, one for each column of b. */
static void
store_rest(linalg_desk_t *desk, const char *b, bool full)
{
    const linalg_job_t *job = desk->job;
    int64_t longer = job->dims.m > job->dims.n ? job->dims.m : job->dims.n, each = job->size / job->real;
    for (int64_t column = 0; column < job->dims.r; column++) {
        double sum = 0;
        const char *from = b + column * longer * job->size;
        for (int64_t i = job->dims.n * each; full && i < job->dims.m * each; i++) {
            double value = job->real == sizeof(float) ? (double)((const float *)(const void *)from)[i]
                                                      : ((const double *)(const void *)from)[i];
            sum += value * value;
        }
        const float single = (float)sum;
        memcpy(desk->out[1] + column * job->real,
               job->real == sizeof single ? (const void *)&single : (const void *)&sum, (size_t)job->real);
    }
}

/* Its workspaces, as LAPACK tells: work, rwork, iwork. */
static int
measure_least(linalg_desk_t *desk)
{
    const linalg_job_t *job = desk->job;
    _Alignas(16) char work[16] = {0}, rwork[16] = {0}, none[16] = {0};
    int iwork[4] = {0};
    least_t ask = {none, none, none, work, rwork, iwork, 0};
    if (!countable(&job->dims) || job->dims.r * (job->dims.k + 64) >= INT_MAX / 4 || solve_least(desk, &ask, -1))
        return -1;
    desk->lwork = linalg_workspace(job, work);
    desk->lrwork = job->real == job->size ? 1 : linalg_workspace(job, rwork);
    desk->liwork = linalg_leading(iwork[0]);
    return desk->lwork < 0 || desk->lrwork < 0 ? -1 : 0;
}

int
linalg_lstsq(linalg_desk_t *desk)
{
    const linalg_job_t *job = desk->job;
    int64_t m = job->dims.m, n = job->dims.n, r = job->dims.r, longer = m > n ? m : n;
    if (linalg_measures(desk) && measure_least(desk))
        return -1;
    least_t least = {.a = linalg_take(desk, m * n, job->size),
                     .b = linalg_take(desk, longer * r, job->size),
                     .s = linalg_take(desk, job->dims.k, job->real),
                     .work = linalg_take(desk, desk->lwork, job->size),
                     .rwork = linalg_take(desk, desk->lrwork, job->real),
                     .iwork = linalg_take(desk, desk->liwork, sizeof(int))};
    if (linalg_measures(desk))
        return 0;
    memset(least.b, 0, (size_t)(longer * r * job->size));
    linalg_load(desk, 0, least.a, m);
    linalg_load(desk, 1, least.b, longer);
    int info = solve_least(desk, &least, desk->lwork);
    int64_t rank = least.rank;
    if (info)
        return info;
    linalg_store(desk, 0, least.b, longer, n, r);
    store_rest(desk, least.b, rank == n);
    memcpy(desk->out[2], &rank, sizeof rank);
    memcpy(desk->out[3], least.s, (size_t)(job->dims.k * job->real));
    return 0;
}
