/* engine/methods/kernel_job.c */
#include "engine/methods/kernel_job.h"

#include <stdlib.h>

int
kernel_job_new(run_t *run, kernel_job_t **ret, err_t *err)
{
    kernel_job_t *job = calloc(1, sizeof *job);

    if (!job)
        return err_set(err, FH_NO_MEMORY, "no memory for the call of a kernel");
    job->core = run->core;
    job->lane = run->lane;
    pthread_mutex_lock(&run->core->lock);
    run->call->state = job;
    pthread_mutex_unlock(&run->core->lock);
    *ret = job;
    return FH_OK;
}

void
kernel_job_free(run_t *run)
{
    kernel_job_t *job = run->call->state;

    if (!job)
        return;
    pthread_mutex_lock(&run->core->lock);
    run->call->state = NULL;
    pthread_mutex_unlock(&run->core->lock);
    for (int i = 0; i < job->nin; i++)
        pin_release(&job->in[i]);
    pin_release(&job->out);
    pin_release(&job->target);
    buf_unref(&job->texts[0]);
    buf_unref(&job->texts[1]);
    free(job);
}

bool
kernel_job_finished(run_t *run, const kernel_job_t *job)
{
    pthread_mutex_lock(&run->core->lock);
    bool finished = job->finished;

    pthread_mutex_unlock(&run->core->lock);
    return finished;
}

void
kernel_job_finish(kernel_job_t *job, int status, const err_t *err)
{
    core_t *core = job->core;

    pthread_mutex_lock(&core->lock);
    job->finished = true;
    job->status = status;
    if (status && err)
        job->err = *err;
    core->counters.kernel_faults += status == FH_KERNEL_FAULT;
    lane_wake(&core->lanes, job->lane);
    pthread_mutex_unlock(&core->lock);
}
