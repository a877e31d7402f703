/* engine/runner_request.h - what a session's runner is asked: to compile a kernel, to run one. */
#ifndef FH_ENGINE_RUNNER_REQUEST_H
#define FH_ENGINE_RUNNER_REQUEST_H

#include "engine/runner_session.h"

/* Send the job's kernel to be compiled and set the session's deadline.  llvm: the version that the runner named, for
 * messages. KERNEL_POISONED and BITCODE_TOO_NEW without asking; CANNOT_CONNECT if the runner is gone; IO_ERROR. */
int runner_request_compile(runner_session_t *session, runner_job_t *job, const char *llvm, err_t *err);
/* Send code from the disk to be linked, instead. */
int runner_request_load(runner_session_t *session, runner_job_t *job, const cached_code_t *code, err_t *err);
/* Send the job's call, of a kernel that the runner holds. */
int runner_request_run(runner_session_t *session, runner_job_t *job, err_t *err);
/* Let the runner give up all maps that it keeps.  As runner_process_send. */
int runner_request_drop(runner_session_t *session, err_t *err);
/* OK unless the module has killed too many runners of this session. */
int runner_request_allowed(const runner_source_t *source, err_t *err);

#endif
