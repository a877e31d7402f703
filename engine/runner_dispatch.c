#include "engine/runner_dispatch.h"

#include "base/clock.h"
#include "engine/runner_code.h"
#include "engine/runner_request.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const int64_t STOP_NS = 50000000; /* that a call may take to end itself */
enum { MAX_CALLS = 10000, MAX_COMPILES = 2000, MAX_GROWTH = 512 << 20 };

static const int64_t BACKOFF_NS = 100000000; /* before a spare is tried again, doubled each time ... */
static const int MAX_BACKOFF = 6;            /* ... so often at most */

/* ---- outcomes -----------------------------------------------------------------------------------------------------
 */

/* Callbacks do not run here but from runner_host_handle, where they may call us again. */
void
runner_dispatch_finish(runner_host_t *self, runner_session_t *session, runner_job_t *job, int status, const err_t *err)
{
    job->status = status;
    if (status && err)
        job->err = *err;
    runner_job_detach(session, job);
    job->next = NULL;
    if (self->finished_last)
        self->finished_last->next = job;
    else
        self->finished = job;
    self->finished_last = job;
    uint64_t one = 1;
    if (self->handling || self->awake)
        return;
    self->awake = true;
    if (write(self->wake, &one, sizeof one) < 0)
        return; /* the counter is full, so the descriptor is readable already */
}

void
runner_dispatch_callbacks(runner_host_t *self)
{
    uint64_t count;
    if (self->awake && read(self->wake, &count, sizeof count) < 0 && errno != EAGAIN)
        return;
    self->awake = self->handling = false; /* what callbacks bring is for the next turn, or for this loop */
    for (runner_job_t *job; (job = self->finished);) {
        self->finished = job->next;
        if (!self->finished)
            self->finished_last = NULL;
        if (job->compiled)
            job->compiled(job->context, job->status, job->status ? NULL : &job->info, job->status ? &job->err : NULL);
        else
            job->done(job->context, job->status, job->status ? 0 : job->raised, job->status ? &job->err : NULL);
        runner_job_destroy(&job);
    }
}

void
runner_dispatch_fail_waiting(runner_host_t *self, runner_session_t *session, const err_t *err)
{
    for (runner_job_t *job; (job = runner_session_pop(session));)
        runner_dispatch_finish(self, session, job, err->status, err);
}

/* ---- processes ----------------------------------------------------------------------------------------------------
 */

/* Events carry the serial of the runner they are about, doubled, odd for its pidfd; 0 is the eventfd. */
static int
watch(runner_host_t *self, const runner_process_t *process, err_t *err)
{
    struct epoll_event socket = {.events = EPOLLIN, .data.u64 = process->serial * 2};
    struct epoll_event pidfd = {.events = EPOLLIN, .data.u64 = process->serial * 2 + 1};
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, process->child.socket, &socket) ||
        epoll_ctl(self->epoll, EPOLL_CTL_ADD, process->child.pidfd, &pidfd))
        return err_set_errno(err, FH_IO_ERROR, errno, "a runner cannot be watched");
    return FH_OK;
}

static int
start_process(runner_host_t *self, runner_process_t **ret, err_t *err)
{
    int status = runner_process_start(ret, &self->options, ++self->serial, err);
    if (!status)
        status = watch(self, *ret, err);
    if (status)
        runner_process_destroy(ret);
    return status;
}

void
runner_dispatch_put_off_spare(runner_host_t *self)
{
    self->spare_after_ns =
        clock_now_ns() + (BACKOFF_NS << (self->spare_failures < MAX_BACKOFF ? self->spare_failures : MAX_BACKOFF));
    self->spare_failures++;
}

void
runner_dispatch_spare(runner_host_t *self)
{
    if (!self->want_spare || self->spare || clock_now_ns() < self->spare_after_ns)
        return;
    if (start_process(self, &self->spare, &self->start_error))
        runner_dispatch_put_off_spare(self);
}

static int
give_runner(runner_host_t *self, runner_session_t *session, err_t *err)
{
    session->verdict = FH_OK;
    self->want_spare = true;
    if (!self->spare)
        return start_process(self, &session->runner, err);
    session->runner = self->spare;
    self->spare = NULL;
    runner_dispatch_spare(self);
    return FH_OK;
}

/* Long lives gather what nobody wants: fragments, code that nobody calls. */
static bool
is_worn(const runner_process_t *process)
{
    return process->calls >= MAX_CALLS || process->compiles >= MAX_COMPILES ||
           runner_process_resident(process) > process->ready_bytes + MAX_GROWTH;
}

void
runner_dispatch_rest(runner_host_t *self, runner_session_t *session)
{
    runner_process_t *old = session->runner;
    session->rest_ns = INT64_MAX;
    if (session->closing || session->active || session->first || !old || !old->ready || session->verdict)
        return;
    runner_request_drop(session, NULL);
    if (!self->spare || !self->spare->ready || !is_worn(old))
        return;
    session->runner = self->spare;
    self->spare = NULL;
    old->next = self->retired;
    self->retired = old;
    child_process_kill(&old->child);
    runner_dispatch_spare(self);
}

void
runner_dispatch_condemn(runner_session_t *session, int verdict, const char *text)
{
    if (!session->verdict) {
        session->verdict = verdict;
        session->verdict_text = text;
    }
    child_process_kill(&session->runner->child);
}

void
runner_dispatch_stop(runner_session_t *session, int verdict)
{
    if (session->stopping || session->verdict)
        return;
    session->stopping = verdict;
    session->active_deadline = clock_now_ns() + STOP_NS;
    atomic_store_explicit(&session->runner->page->cancel, session->active->request->serial, memory_order_release);
}

/* ---- dispatch -----------------------------------------------------------------------------------------------------
 */

void
runner_dispatch_retreat(runner_session_t *session, runner_job_t *job)
{
    session->active = NULL;
    runner_session_push_front(session, job);
    runner_dispatch_condemn(session, FH_CANCELLED, "its runner ended");
}

/* A call of a kernel that is refused needs no runner. */
static bool
refuse_first(runner_host_t *self, runner_session_t *session)
{
    err_t err = {0};
    int status = runner_request_allowed(session->first->kernel->source, &err);
    if (status)
        runner_dispatch_finish(self, session, runner_session_pop(session), status, &err);
    return status != FH_OK;
}

void
runner_dispatch_pump(runner_host_t *self, runner_session_t *session)
{
    while (!session->closing && !session->active && session->first) {
        if (refuse_first(self, session))
            continue;
        err_t err = {0};
        int status = session->runner ? FH_OK : give_runner(self, session, &err);
        if (status) {
            runner_dispatch_fail_waiting(self, session, &err);
            return;
        }
        if (!session->runner->ready || session->verdict)
            return;
        runner_job_t *job = runner_session_pop(session);
        bool loaded = job->kernel->known && job->kernel->loaded_in == session->runner->serial;
        if (job->compiled && loaded && !job->inspect) {
            job->info = job->kernel->info;
            runner_dispatch_finish(self, session, job, FH_OK, NULL);
            continue;
        }
        session->active = job;
        status =
            job->done && loaded ? runner_request_run(session, job, &err) : runner_code_ask(self, session, job, &err);
        if (!status)
            return;
        if (status == FH_CANNOT_CONNECT) {
            runner_dispatch_retreat(session, job);
            return;
        }
        session->active = NULL;
        runner_dispatch_finish(self, session, job, status, &err);
    }
}

void
runner_dispatch_forget(runner_host_t *self, runner_session_t *session)
{
    err_t err = {0};
    err_set(&err, FH_CANCELLED, "the session has ended");
    runner_dispatch_fail_waiting(self, session, &err);
    runner_session_t **at = &self->sessions;
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    runner_session_destroy(&session);
}
