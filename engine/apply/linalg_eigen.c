/* engine/apply/linalg_eigen.c - eigenvalues and eigenvectors. */
#include "engine/apply/linalg.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- Hermitian matrices -------------------------------------------------------------------------------------------
 */

typedef struct {
    const char *job;
    char *a, *w, *work, *rwork;
    int *iwork;
    int lwork, lrwork, liwork;
} hermitian_t;

static int
diagonalise(const linalg_job_t *job, const hermitian_t *self)
{
    int n = (int)job->dims.n, leading = linalg_leading(n), info = 0;
    const char *upper = job->upper ? "U" : "L";
    if (job->real == job->size)
        job->blas->syevd[job->type](self->job, upper, &n, self->a, &leading, self->w, self->work, &self->lwork,
                                    self->iwork, &self->liwork, &info, 1, 1);
    else
        job->blas->heevd[job->type](self->job, upper, &n, self->a, &leading, self->w, self->work, &self->lwork,
                                    self->rwork, &self->lrwork, self->iwork, &self->liwork, &info, 1, 1);
    return info;
}

static int
measure_hermitian(linalg_desk_t *desk, const char *what)
{
    const linalg_job_t *job = desk->job;
    int64_t n = job->dims.n;
    _Alignas(16) char none[16] = {0}, work[16] = {0}, rwork[16] = {0};
    int iwork[4] = {0};
    hermitian_t ask = {what, none, none, work, rwork, iwork, -1, -1, -1};
    if (1 + 6 * n + 2 * n * n >= INT_MAX || diagonalise(job, &ask))
        return -1;
    desk->lwork = linalg_workspace(job, work);
    desk->lrwork = job->real == job->size ? 1 : linalg_workspace(job, rwork);
    desk->liwork = linalg_leading(iwork[0]);
    return desk->lwork < 0 || desk->lrwork < 0 ? -1 : 0;
}

static int
hermitian(linalg_desk_t *desk, const char *what)
{
    const linalg_job_t *job = desk->job;
    int64_t n = job->dims.n;
    if (linalg_measures(desk) && measure_hermitian(desk, what))
        return -1;
    hermitian_t self = {.job = what,
                        .a = linalg_take(desk, n * n, job->size),
                        .w = linalg_take(desk, n, job->real),
                        .work = linalg_take(desk, desk->lwork, job->size),
                        .rwork = linalg_take(desk, desk->lrwork, job->real),
                        .iwork = linalg_take(desk, desk->liwork, sizeof(int)),
                        .lwork = desk->lwork,
                        .lrwork = desk->lrwork,
                        .liwork = desk->liwork};
    if (linalg_measures(desk))
        return 0;
    linalg_load(desk, 0, self.a, n);
    int info = diagonalise(job, &self);
    if (info)
        return info;
    memcpy(desk->out[0], self.w, (size_t)(n * job->real));
    if (*what == 'V')
        linalg_store(desk, 1, self.a, n, n, n);
    return 0;
}

int
linalg_eigh(linalg_desk_t *desk)
{
    return hermitian(desk, "V");
}

int
linalg_eigvalsh(linalg_desk_t *desk)
{
    return hermitian(desk, "N");
}

/* ---- other square matrices ----------------------------------------------------------------------------------------
 */

typedef struct {
    const char *job;
    char *a, *w, *imaginary, *v, *work, *rwork;
} general_t;

static int
find_values(const linalg_job_t *job, const general_t *self, int lwork)
{
    int n = (int)job->dims.n, leading = linalg_leading(n), one = 1, info = 0;
    char none[16];
    if (job->real == job->size)
        job->blas->geev_real[job->type]("N", self->job, &n, self->a, &leading, self->w, self->imaginary, none, &one,
                                        self->v, &leading, self->work, &lwork, &info, 1, 1);
    else
        job->blas->geev_complex[job->type]("N", self->job, &n, self->a, &leading, self->w, none, &one, self->v,
                                           &leading, self->work, &lwork, self->rwork, &info, 1, 1);
    return info;
}

static double
real_at(const linalg_job_t *job, const char *numbers, int64_t i)
{
    return job->real == sizeof(float) ? (double)((const float *)(const void *)numbers)[i]
                                      : ((const double *)(const void *)numbers)[i];
}

/* A complex number of twice the job's real size. */
static void
put_complex(const linalg_job_t *job, char *to, int64_t i, double real, double imaginary)
{
    const float singles[2] = {(float)real, (float)imaginary};
    const double doubles[2] = {real, imaginary};
    memcpy(to + i * 2 * job->real, job->real == sizeof(float) ? (const void *)singles : (const void *)doubles,
           (size_t)(2 * job->real));
}

/* Eigenvectors of real matrices: those of a pair of conjugate values are two columns, real and imaginary parts. */
static void
store_vectors(const linalg_desk_t *desk, const general_t *found)
{
    const linalg_job_t *job = desk->job;
    int64_t n = job->dims.n;
    for (int64_t j = 0; j < n; j++) {
        bool pair = real_at(job, found->imaginary, j) != 0 && j + 1 < n;
        for (int64_t i = 0; i < n; i++) {
            double real = real_at(job, found->v, j * n + i);
            double imaginary = pair ? real_at(job, found->v, (j + 1) * n + i) : 0;
            put_complex(job, desk->out[1], i * n + j, real, imaginary);
            if (pair)
                put_complex(job, desk->out[1], i * n + j + 1, real, -imaginary);
        }
        j += pair;
    }
}

static void
store_found(linalg_desk_t *desk, const general_t *found, bool vectors)
{
    const linalg_job_t *job = desk->job;
    int64_t n = job->dims.n, not_real = 0;
    if (job->real == job->size) {
        for (int64_t i = 0; i < n; i++) {
            double imaginary = real_at(job, found->imaginary, i);
            put_complex(job, desk->out[0], i, real_at(job, found->w, i), imaginary);
            not_real |= imaginary != 0;
        }
        if (vectors)
            store_vectors(desk, found);
    } else {
        memcpy(desk->out[0], found->w, (size_t)(n * job->size));
        not_real = 1;
        if (vectors)
            linalg_store(desk, 1, found->v, n, n, n);
    }
    memcpy(desk->out[vectors ? 2 : 1], &not_real, sizeof not_real);
}

static bool
is_finite(const linalg_job_t *job, const char *a)
{
    int64_t count = job->dims.n * job->dims.n * (job->size / job->real);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(real_at(job, a, i)))
            return false;
    return true;
}

static int
general(linalg_desk_t *desk, const char *what)
{
    const linalg_job_t *job = desk->job;
    int64_t n = job->dims.n;
    bool vectors = *what == 'V';
    _Alignas(16) char answer[16] = {0};
    if (linalg_measures(desk)) {
        general_t ask = {what, answer, answer, answer, answer, answer, answer};
        desk->lwork = n > (1 << 15) || find_values(job, &ask, -1) ? -1 : linalg_workspace(job, answer);
        if (desk->lwork < 0)
            return -1;
    }
    general_t self = {.job = what,
                      .a = linalg_take(desk, n * n, job->size),
                      .w = linalg_take(desk, n, job->size),
                      .imaginary = linalg_take(desk, n, job->size),
                      .v = linalg_take(desk, vectors ? n * n : 1, job->size),
                      .work = linalg_take(desk, desk->lwork, job->size),
                      .rwork = linalg_take(desk, 2 * n + 1, job->real)};
    if (linalg_measures(desk))
        return 0;
    linalg_load(desk, 0, self.a, n);
    if (!is_finite(job, self.a))
        return LINALG_NOT_FINITE;
    int info = find_values(job, &self, desk->lwork);
    if (!info)
        store_found(desk, &self, vectors);
    return info;
}

int
linalg_eig(linalg_desk_t *desk)
{
    return general(desk, "V");
}

int
linalg_eigvals(linalg_desk_t *desk)
{
    return general(desk, "N");
}
