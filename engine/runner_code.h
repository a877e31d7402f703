/* engine/runner_code.h - inside a runner host: where a kernel's machine code comes from - a file, or the compiler.
 * Thread rule: owned by the engine's reactor thread. */
#ifndef FH_ENGINE_RUNNER_CODE_H
#define FH_ENGINE_RUNNER_CODE_H

#include "engine/runner_dispatch.h"

/* Ask the session's runner to get the code of the active job's kernel.  Errors as runner_request_compile. */
int runner_code_ask(runner_host_t *self, runner_session_t *session, runner_job_t *job, err_t *err);
/* The runner has compiled it: keep the code for others. */
void runner_code_keep(runner_host_t *self, const runner_session_t *session, runner_job_t *job,
                      const runner_reply_t *reply);
/* What lay on the disk was of no use: forget it, and compile from now on. */
void runner_code_reject(runner_host_t *self, const kernel_maker_t *maker, runner_job_t *job);

#endif
