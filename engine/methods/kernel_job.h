/* engine/methods/kernel_job.h - what KERNEL and KERNEL_CALL share: the phases of a call that needs a runner.
 *
 * Runners belong to the reactor; a call goes through phases:
 *     BEGIN   (anywhere)  check, pin, copy what a runner cannot map
 *     ASK     (reactor)   hand it to the runner host; then the lane waits for the answer
 *     FINISH  (anywhere)  the results appear */
#ifndef FH_ENGINE_METHODS_KERNEL_JOB_H
#define FH_ENGINE_METHODS_KERNEL_JOB_H

#include "engine/methods.h"

enum { PHASE_BEGIN, PHASE_ASK, PHASE_FINISH };

/* What a kernel object holds. */
typedef struct {
    uint32_t number; /* the runner host's */
    oid_t session;
    kernel_info_t info; /* without ir and assembly */
} kernel_t;

/* What a call keeps between its phases. */
typedef struct {
    core_t *core;
    lane_t *lane;
    bool finished; /* under the core's lock */
    int status;
    err_t err;
    uint64_t ticket;
    uint32_t number;
    kernel_info_t info;
    buf_t *texts[2]; /* optimised IR, assembly */
    int nin;
    pin_t in[KERNEL_MAX_ARGS], out, target;
} kernel_job_t;

/* The call's state from now on. */
int kernel_job_new(run_t *run, kernel_job_t **ret, err_t *err);
/* The call has no state any more.  Safe on one that has none. */
void kernel_job_free(run_t *run);
bool kernel_job_finished(run_t *run, const kernel_job_t *job);
/* On the reactor: the runner host has answered; the lane goes on. */
void kernel_job_finish(kernel_job_t *job, int status, const err_t *err);

#endif
