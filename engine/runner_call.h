/* engine/runner_call.h - a call of a kernel on its way to a runner: checked against what the kernel is, written down as
 * a request, its small arrays carried to and fro.  Pure memory.  Thread rule: owned by the engine's reactor thread. */
#ifndef FH_ENGINE_RUNNER_CALL_H
#define FH_ENGINE_RUNNER_CALL_H

#include "engine/runner_session.h"

/* Fill the job's request.  KERNEL_ERROR for arrays that do not fit the kernel or the kind of call, LIMIT_EXCEEDED if
 * the small ones do not fit the mailbox together, NO_MEMORY. */
int runner_call_fill(runner_job_t *job, const kernel_info_t *info, const runner_call_t *call, err_t *err);
/* Copy the arrays that lie on the heap into the mailbox. */
void runner_call_put(const runner_job_t *job, char *mailbox);
/* Copy the outputs among them back. */
void runner_call_take(const runner_job_t *job, const char *mailbox);

#endif
