#include "engine/compute/compute.h"
#include "engine/compute/flags.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    MAX_THREADS = 1024,
    SPINS = 400, /* pauses of a worker that has just worked, some microseconds: the next loop often comes at once */
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    pthread_t *workers;
    int nworkers;
    bool stop;
    atomic_uint_fast64_t generation; /* rises with each loop; written under lock */
    int busy;                        /* workers that have not finished the current loop */
    unsigned raised;                 /* floating-point flags of those that have */
    void (*part)(void *context, int64_t i);
    void *context;
    int64_t parts;
    atomic_int_fast64_t next; /* part that nobody has taken */
};

static void
take_parts(crew_t *self)
{
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&self->next, 1, memory_order_relaxed);
        if (i >= self->parts)
            return;
        self->part(self->context, i);
    }
}

static void
pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Wait for a loop newer than seen; false: the crew is to end. */
static bool
wait_for_work(crew_t *self, uint64_t *seen)
{
    for (int i = 0; i < SPINS && atomic_load_explicit(&self->generation, memory_order_acquire) == *seen; i++)
        pause_briefly();
    pthread_mutex_lock(&self->lock);
    while (self->generation == *seen && !self->stop)
        pthread_cond_wait(&self->wake, &self->lock);
    *seen = self->generation;
    bool go = !self->stop;
    pthread_mutex_unlock(&self->lock);
    return go;
}

static void *
work(void *argument)
{
    crew_t *self = argument;
    uint64_t seen = 0;
    while (wait_for_work(self, &seen)) {
        flags_clear();
        take_parts(self);
        unsigned raised = flags_raised();
        pthread_mutex_lock(&self->lock);
        self->raised |= raised;
        if (--self->busy == 0)
            pthread_cond_signal(&self->done);
        pthread_mutex_unlock(&self->lock);
    }
    return NULL;
}

/* Workers take no signals: they are for the threads that wait for them. */
static int
start_workers(crew_t *self, int wanted, err_t *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0;
    while (error == 0 && self->nworkers < wanted) {
        error = pthread_create(&self->workers[self->nworkers], NULL, work, self);
        self->nworkers += error == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        return err_set_errno(err, FH_NO_MEMORY, error, "cannot start compute thread %d of %d", self->nworkers + 1,
                             wanted);
    return FH_OK;
}

int
crew_new(crew_t **ret, int threads, err_t *err)
{
    *ret = NULL;
    if (threads < 1 || threads > MAX_THREADS)
        return err_set(err, FH_INVALID_ARGUMENT, "%d compute threads; it must be 1 to %d", threads, MAX_THREADS);
    crew_t *self = calloc(1, sizeof *self);
    pthread_t *workers = calloc((size_t)threads, sizeof *workers);
    if (self == NULL || workers == NULL) {
        free(self);
        free(workers);
        return err_set(err, FH_NO_MEMORY, "no memory for %d compute threads", threads);
    }
    self->workers = workers;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->wake, NULL);
    pthread_cond_init(&self->done, NULL);
    int status = start_workers(self, threads - 1, err);
    if (status != FH_OK)
        crew_destroy(&self);
    *ret = self;
    return status;
}

void
crew_destroy(crew_t **self)
{
    crew_t *crew = *self;
    *self = NULL;
    if (crew == NULL)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->stop = true;
    pthread_cond_broadcast(&crew->wake);
    pthread_mutex_unlock(&crew->lock);
    for (int i = 0; i < crew->nworkers; i++)
        pthread_join(crew->workers[i], NULL);
    pthread_cond_destroy(&crew->done);
    pthread_cond_destroy(&crew->wake);
    pthread_mutex_destroy(&crew->lock);
    free(crew->workers);
    free(crew);
}

int
crew_threads(const crew_t *self)
{
    return self->nworkers + 1;
}

void
crew_run(crew_t *self, int64_t parts, void (*part)(void *context, int64_t i), void *context)
{
    if (parts <= 1 || self->nworkers == 0) {
        for (int64_t i = 0; i < parts; i++)
            part(context, i);
        return;
    }
    pthread_mutex_lock(&self->lock);
    self->part = part;
    self->context = context;
    self->parts = parts;
    self->busy = self->nworkers;
    self->raised = 0;
    atomic_store_explicit(&self->next, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&self->generation, 1, memory_order_release);
    pthread_cond_broadcast(&self->wake);
    pthread_mutex_unlock(&self->lock);
    take_parts(self);
    pthread_mutex_lock(&self->lock);
    while (self->busy > 0)
        pthread_cond_wait(&self->done, &self->lock);
    unsigned raised = self->raised;
    pthread_mutex_unlock(&self->lock);
    flags_raise(raised);
}
