/* engine/compute_thread.c */
#include "engine/compute_thread.h"

#include "base/process_memory.h"
#include "engine/borrow.h"
#include "engine/dispatch.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

enum { KEPT_BYTES = 8 * 1024 * 1024 /* that malloc may keep in idle times */ };

struct compute_thread {
    core_t *core;
    crew_t *crew;
    pthread_t thread;
};

/* Give back what malloc keeps, now and then: a burst of calls may have left much of it. */
static void
trim_heap(core_t *core)
{
    if (__atomic_exchange_n(&core->trim_heap, false, __ATOMIC_RELAXED) && heap_memory().kept > KEPT_BYTES)
        malloc_trim(KEPT_BYTES);
}

static void *
work(void *context)
{
    compute_thread_t *self = context;
    core_t *core = self->core;

    pthread_mutex_lock(&core->lock);
    while (!core->stopping) {
        lane_t *lane = lanes_take(&core->lanes);

        __atomic_store_n(&core->computing, lane != NULL, __ATOMIC_RELAXED);
        if (!lane) {
            pthread_mutex_unlock(&core->lock);
            pool_reap(core->pool);
            borrows_reap(core->borrows);
            trim_heap(core);
            pthread_mutex_lock(&core->lock);
            if (!core->stopping && !core->lanes.ring_first)
                pthread_cond_wait(&core->work, &core->lock);
            continue;
        }
        pthread_mutex_unlock(&core->lock);
        next_t next = dispatch_run(core, lane, self->crew, false);

        (void)lane_settle(&core->lanes, lane, next);
        if (core->lanes.reactor_first || core->lanes.batches.retired)
            core_wake_reactor(core);
    }
    pthread_mutex_unlock(&core->lock);
    return NULL;
}

int
compute_thread_start(compute_thread_t **ret, core_t *core, int threads, err_t *err)
{
    compute_thread_t *self = calloc(1, sizeof *self);
    sigset_t all, old;

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the compute thread");
    self->core = core;
    int status = crew_new(&self->crew, threads, err);

    if (!status) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        int number = pthread_create(&self->thread, NULL, work, self);

        pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (number)
            status = err_set_errno(err, FH_LIMIT_EXCEEDED, number, "cannot start the compute thread");
    }
    if (status) {
        crew_destroy(&self->crew);
        free(self);
    } else {
        *ret = self;
    }
    return status;
}

void
compute_thread_stop(compute_thread_t **self)
{
    if (!*self)
        return;
    core_t *core = (*self)->core;

    pthread_mutex_lock(&core->lock);
    core->stopping = true;
    pthread_cond_broadcast(&core->work);
    pthread_mutex_unlock(&core->lock);
    pthread_join((*self)->thread, NULL);
    crew_destroy(&(*self)->crew);
    free(*self);
    *self = NULL;
}
