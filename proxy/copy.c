#include "proxy/copy.h"

#include <pthread.h>
#include <signal.h>

enum {
    SLICE = 32 * 1024 * 1024,         /* copied between two looks at the user's wish to stop */
    SMALL_SLICE = 1024 * 1024,        /* worth another thread's turn */
    THREADS_BYTES = 16 * 1024 * 1024, /* less is copied before another thread has begun */
    MAX_THREADS = 64,
    MANY = 64, /* indices of an axis that can be dealt out evenly */
};

typedef struct {
    copier_t *copy;
    const nd_t *to, *from;
    int axis;
    int64_t step; /* indices of axis in a slice */
    int64_t next; /* where the next slice begins; atomic */
    bool stop;    /* atomic */
} work_t;

int
copy_still_wanted(const fh_session *session, err_t *err)
{
    if (session->interrupted && session->interrupted(session->interrupted_context))
        return err_set(err, FH_INTERRUPTED, "interrupted while copying");
    return FH_OK;
}

/* False: all slices are copied, or being copied. */
static bool
copy_slice(work_t *self)
{
    int64_t extent = self->to->shape.extent[self->axis];
    int64_t at = __atomic_fetch_add(&self->next, self->step, __ATOMIC_RELAXED);
    nd_t to = *self->to, from = *self->from;
    if (at >= extent || __atomic_load_n(&self->stop, __ATOMIC_RELAXED))
        return false;
    to.data += at * to.stride[self->axis];
    from.data += at * from.stride[self->axis];
    to.shape.extent[self->axis] = from.shape.extent[self->axis] = extent - at < self->step ? extent - at : self->step;
    self->copy(&to, &from);
    return true;
}

static void *
help(void *work)
{
    while (copy_slice(work))
        continue;
    return NULL;
}

/* Start as many as there can be, up to n. */
static int
start(pthread_t *threads, int n, work_t *work)
{
    sigset_t all, old;
    int started = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (started < n && pthread_create(&threads[started], NULL, help, work) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

/* The first axis that can be dealt out evenly, or the longest. */
static int
choose_axis(const shape_t *shape)
{
    int best = 0;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->extent[i] >= MANY)
            return i;
        if (shape->extent[i] > shape->extent[best])
            best = i;
    }
    return best;
}

int
copy_in_slices(const fh_session *session, copier_t *copy, const nd_t *to, const nd_t *from, err_t *err)
{
    int64_t bytes = shape_bytes(&to->shape, to->dtype);
    int n = session->copy_threads < MAX_THREADS ? session->copy_threads : MAX_THREADS, status = FH_OK;
    if (bytes < THREADS_BYTES)
        n = 1;
    if (to->shape.ndim == 0 || (n <= 1 && bytes <= SLICE)) {
        copy(to, from);
        return FH_OK;
    }
    pthread_t threads[MAX_THREADS];
    work_t work = {.copy = copy, .to = to, .from = from, .axis = choose_axis(&to->shape)};
    int64_t slice = n > 1 ? bytes / n / 8 : SLICE;
    slice = slice > SLICE ? SLICE : slice < SMALL_SLICE ? SMALL_SLICE : slice;
    work.step = slice / (bytes / to->shape.extent[work.axis]);
    work.step = work.step < 1 ? 1 : work.step;
    int started = n > 1 ? start(threads, n - 1, &work) : 0;
    while (!status && copy_slice(&work))
        status = copy_still_wanted(session, err);
    __atomic_store_n(&work.stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return status;
}
