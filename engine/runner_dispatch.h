/* engine/runner_dispatch.h - inside a runner host: which runner does what, and what comes of it.
 * For runner_host.c only.  Thread rule: owned by the engine's reactor thread. */
#ifndef FH_ENGINE_RUNNER_DISPATCH_H
#define FH_ENGINE_RUNNER_DISPATCH_H

#include "engine/kernel_cache.h"
#include "engine/runner_host.h"
#include "engine/runner_session.h"

#include <stdbool.h>

struct runner_host {
    runner_host_options_t options;
    char *program;
    int epoll, wake; /* wake: an eventfd that is readable while callbacks are due ... */
    bool awake;      /* ... if this is set: not where runner_host_handle is about to run them */
    bool handling;
    runner_session_t *sessions;
    runner_process_t *spare;
    runner_process_t *retired; /* killed, but not gone yet */
    bool want_spare;
    int64_t spare_after_ns; /* do not start one earlier */
    int spare_failures;
    uint64_t serial, ticket;
    uint32_t kernel;
    runner_job_t *finished, *finished_last;
    kernel_cache_t *cache; /* NULL: there is none */
    int cache_failures;
    err_t start_error; /* why the last runner did not start */
    char llvm[32], cpu[64], sandbox[64];
};

/* The outcome of a job that is neither waiting nor active any more.  Its callback runs in runner_dispatch_callbacks. */
void runner_dispatch_finish(runner_host_t *self, runner_session_t *session, runner_job_t *job, int status,
                            const err_t *err);
/* Run all callbacks that are due; they may call the host again. */
void runner_dispatch_callbacks(runner_host_t *self);
/* Start the spare if there should be one. */
void runner_dispatch_spare(runner_host_t *self);
/* Give the session's runner its next job if it can take one. */
void runner_dispatch_pump(runner_host_t *self, runner_session_t *session);
/* End what a session's runner does; its outcome comes when the process is really gone, so that nobody writes to the
 * arrays of the call any more. */
void runner_dispatch_condemn(runner_session_t *session, int verdict, const char *text);
/* The session's runner has been idle for a moment: if it has done very much or has grown, a fresh one takes its place.
 */
void runner_dispatch_rest(runner_host_t *self, runner_session_t *session);
/* Ask the call that runs to end itself; its runner is condemned if it has not done so soon. */
void runner_dispatch_stop(runner_session_t *session, int verdict);
/* The session's runner is gone: cancel what waits and forget the session. */
void runner_dispatch_forget(runner_host_t *self, runner_session_t *session);
/* All jobs that wait fail with this. */
void runner_dispatch_fail_waiting(runner_host_t *self, runner_session_t *session, const err_t *err);
/* A spare has ended unready: the next one starts later, and ever later. */
void runner_dispatch_put_off_spare(runner_host_t *self);
/* The runner is gone but its end is not here yet: the job waits for the next one. */
void runner_dispatch_retreat(runner_session_t *session, runner_job_t *job);

#endif
