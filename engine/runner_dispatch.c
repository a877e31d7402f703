#include "engine/runner_dispatch.h"

#include "base/clock.h"
#include "engine/runner_call.h"
#include "engine/runner_reply.h"
#include "engine/runner_request.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const int64_t STOP_NS = 50000000;     /* that a call may take to end itself */
static const int64_t BACKOFF_NS = 100000000; /* before a spare is tried again, doubled each time ... */
static const int MAX_BACKOFF = 6;            /* ... so often at most */
static const int MAX_STILLBORN = 3;          /* runners that may end unready before a session hears of it */

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
    if (write(self->wake, &one, sizeof one) < 0)
        return; /* the counter is full, so the descriptor is readable already */
}

void
runner_dispatch_callbacks(runner_host_t *self)
{
    uint64_t count;
    if (self->finished && read(self->wake, &count, sizeof count) < 0 && errno != EAGAIN)
        return;
    for (runner_job_t *job; (job = self->finished);) {
        self->finished = job->next;
        if (!self->finished)
            self->finished_last = NULL;
        if (job->compiled)
            job->compiled(job->context, job->status, job->status ? NULL : &job->info, job->status ? &job->err : NULL);
        else
            job->done(job->context, job->status, job->status ? &job->err : NULL);
        runner_job_destroy(&job);
    }
}

static void
fail_waiting(runner_host_t *self, runner_session_t *session, const err_t *err)
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
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, process->socket, &socket) ||
        epoll_ctl(self->epoll, EPOLL_CTL_ADD, process->pidfd, &pidfd))
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

static void
put_off_spare(runner_host_t *self)
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
        put_off_spare(self);
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

void
runner_dispatch_condemn(runner_session_t *session, int verdict, const char *text)
{
    if (!session->verdict) {
        session->verdict = verdict;
        session->verdict_text = text;
    }
    runner_process_kill(session->runner);
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

/* The runner is gone but its end is not here yet: the job waits for the next one. */
static void
retreat(runner_session_t *session, runner_job_t *job)
{
    session->active = NULL;
    runner_session_push_front(session, job);
    runner_dispatch_condemn(session, FH_CANCELLED, "its runner ended");
}

void
runner_dispatch_pump(runner_host_t *self, runner_session_t *session)
{
    while (!session->closing && !session->active && session->first) {
        err_t err = {0};
        int status = session->runner ? FH_OK : give_runner(self, session, &err);
        if (status) {
            fail_waiting(self, session, &err);
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
        status = job->done && loaded ? runner_request_run(session, job, &err)
                                     : runner_request_compile(session, job, self->llvm, &err);
        if (!status)
            return;
        if (status == FH_CANNOT_CONNECT) {
            retreat(session, job);
            return;
        }
        session->active = NULL;
        runner_dispatch_finish(self, session, job, status, &err);
    }
}

/* ---- words --------------------------------------------------------------------------------------------------------
 */

static const char *
entry_of(const runner_job_t *job)
{
    const runner_kernel_t *kernel = job->kernel;
    return kernel->known ? kernel->info.entry : *kernel->entry ? kernel->entry : "(unnamed)";
}

/* Why we ended a call; text: NULL for what the verdict says. */
static void
describe_stop(const runner_job_t *job, int verdict, const char *text, err_t *ret)
{
    char piece[40] = "", limit[80] = "cancelled";
    if (job->done && job->piece >= 0)
        snprintf(piece, sizeof piece, ", piece %lld", (long long)job->piece);
    if (verdict == FH_KERNEL_TIMEOUT)
        snprintf(limit, sizeof limit, "it ran past its time limit of %g s and was ended",
                 (double)(job->limit_ns / 1000000) / 1e3);
    err_set(ret, verdict, "kernel %.200s%s: %s", entry_of(job), piece, text ? text : limit);
}

/* ---- replies ------------------------------------------------------------------------------------------------------
 */

static void
on_ready(runner_host_t *self, runner_session_t *session, runner_process_t *process, const runner_reply_t *reply)
{
    if (reply->status) {
        err_set(&self->start_error, reply->status == FH_PERMISSION ? FH_PERMISSION : FH_IO_ERROR,
                "the runner does not start: %.400s", reply->text);
        runner_process_kill(process);
        return;
    }
    process->ready = true;
    process->llvm_major = reply->as.ready.llvm_major;
    runner_reply_text(self->llvm, sizeof self->llvm, reply->as.ready.llvm);
    runner_reply_text(self->cpu, sizeof self->cpu, reply->as.ready.cpu);
    runner_reply_text(self->sandbox, sizeof self->sandbox, reply->as.ready.sandbox);
    self->start_error = (err_t){0};
    self->spare_failures = 0;
    if (session) {
        session->stillborn = 0;
        runner_dispatch_pump(self, session);
    }
}

static bool
on_compiled(runner_host_t *self, runner_session_t *session, const runner_reply_t *reply)
{
    runner_job_t *job = session->active;
    runner_kernel_t *kernel = job->kernel;
    err_t err = {0};
    if (reply->status) {
        bool blames = reply->status == FH_BAD_BITCODE || reply->status == FH_KERNEL_ERROR ||
                      reply->status == FH_LIMIT_EXCEEDED || reply->status == FH_NO_MEMORY;
        err_set(&err, blames ? reply->status : FH_INTERNAL, "%.511s", reply->text);
        session->active = NULL;
        runner_dispatch_finish(self, session, job, err.status, &err);
        return true;
    }
    if (!runner_reply_info(&reply->as.compiled.description, kernel->source->producer, &job->info))
        return false;
    job->info.compile_ns = kernel->stats.compile_ns = reply->as.compiled.compile_ns;
    if (!kernel->known)
        kernel->info = job->info;
    kernel->info.compile_ns = 0;
    kernel->known = true;
    kernel->loaded_in = session->runner->serial;
    if (job->compiled && job->inspect && !runner_reply_texts(reply, job))
        return false;
    if (job->done) {
        int status = runner_request_run(session, job, &err);
        if (status == FH_CANNOT_CONNECT)
            retreat(session, job);
        if (!status || status == FH_CANNOT_CONNECT)
            return true;
        session->active = NULL;
        runner_dispatch_finish(self, session, job, status, &err);
        return true;
    }
    session->active = NULL;
    runner_dispatch_finish(self, session, job, FH_OK, NULL);
    return true;
}

static void
on_done(runner_host_t *self, runner_session_t *session, const runner_reply_t *reply)
{
    runner_job_t *job = session->active;
    kernel_stats_t *stats = &job->kernel->stats;
    err_t err = {0};
    stats->calls++;
    stats->run_ns += reply->as.done.run_ns;
    if (!reply->status) {
        stats->elements += reply->as.done.elements;
        runner_call_take(job, session->runner->mailbox);
    } else if (session->stopping && reply->status == FH_CANCELLED) {
        describe_stop(job, session->stopping, NULL, &err);
    } else {
        char text[ERR_TEXT_MAX];
        runner_reply_text(text, sizeof text, reply->text);
        err_set(&err, reply->status == FH_NO_MEMORY ? FH_NO_MEMORY : FH_KERNEL_ERROR, "%s", text);
    }
    session->active = NULL;
    session->stopping = FH_OK;
    runner_dispatch_finish(self, session, job, err.status, &err);
}

static bool
on_reply(runner_host_t *self, runner_session_t *session, runner_process_t *process, const runner_reply_t *reply)
{
    if (reply->code == RUNNER_READY && !process->ready) {
        on_ready(self, session, process, reply);
        return true;
    }
    if (!session || !session->active || reply->kernel != session->active->kernel->id)
        return false;
    if (session->verdict)
        return true; /* too late: it is dying */
    if (reply->code == RUNNER_COMPILED && session->loading) {
        if (!on_compiled(self, session, reply))
            return false;
    } else if (reply->code == RUNNER_DONE && !session->loading) {
        on_done(self, session, reply);
    } else {
        return false;
    }
    runner_dispatch_pump(self, session);
    return true;
}

/* ---- deaths -------------------------------------------------------------------------------------------------------
 */

static void
describe_death(const runner_session_t *session, const runner_process_t *process, err_t *ret)
{
    const runner_job_t *job = session->active;
    char doing[RUNNER_NAME_MAX + 40];
    if (session->verdict) {
        describe_stop(job, session->verdict, session->verdict_text, ret);
        return;
    }
    snprintf(doing, sizeof doing, session->loading ? "while compiling kernel %s" : "in kernel %s", entry_of(job));
    runner_process_fault(process, doing, session->loading ? -1 : job->piece, ret);
    if (session->loading && process->exit_signal != SIGKILL) { /* that one comes from outside */
        err_t fault = *ret;
        err_set(ret, FH_BAD_BITCODE, "the compiler did not survive the module: %.400s", fault.text);
    }
}

/* A runner that says why it cannot start is believed; one that just ends is tried again a few times. */
static void
on_stillborn(runner_host_t *self, runner_session_t *session, const runner_process_t *process)
{
    err_t err = {0};
    if (!self->start_error.status && ++session->stillborn < MAX_STILLBORN)
        return;
    if (!self->start_error.status) {
        runner_process_fault(process, "while starting", -1, &err);
        err_set(&self->start_error, FH_IO_ERROR, "the runner does not start: %.400s", err.text);
    }
    fail_waiting(self, session, &self->start_error);
    self->start_error = (err_t){0};
    session->stillborn = 0;
}

static void
on_session_death(runner_host_t *self, runner_session_t *session, const runner_process_t *process)
{
    runner_job_t *job = session->active;
    err_t err = {0};
    if (job) {
        describe_death(session, process, &err);
        bool outside = process->exit_signal == SIGKILL && !session->verdict;
        bool checked = job->kernel->debug && process->page->checked; /* it ended itself, and says why */
        if (!outside && !checked && (err.status == FH_KERNEL_FAULT || err.status == FH_BAD_BITCODE))
            job->kernel->source->deaths++;
        job->kernel->stats.faults += err.status == FH_KERNEL_FAULT;
        session->active = NULL;
        runner_dispatch_finish(self, session, job, err.status, &err);
    } else if (!process->ready && !session->closing) {
        on_stillborn(self, session, process);
    }
    session->verdict = session->stopping = FH_OK;
}

void
runner_dispatch_forget(runner_host_t *self, runner_session_t *session)
{
    err_t err = {0};
    err_set(&err, FH_CANCELLED, "the session has ended");
    fail_waiting(self, session, &err);
    runner_session_t **at = &self->sessions;
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    runner_session_destroy(&session);
}

static void
on_death(runner_host_t *self, runner_session_t *session, runner_process_t *process)
{
    if (session) {
        session->runner = NULL;
        on_session_death(self, session, process);
        if (session->closing)
            runner_dispatch_forget(self, session);
        else
            runner_dispatch_pump(self, session);
    } else {
        self->spare = NULL;
        if (!process->ready)
            put_off_spare(self);
    }
    runner_process_destroy(&process);
}

/* Read all that a runner has said. */
static void
on_socket(runner_host_t *self, runner_session_t *session, runner_process_t *process)
{
    runner_reply_t reply;
    for (;;) {
        int status = runner_process_receive(process, &reply, NULL);
        if (status == FH_BUSY)
            return;
        if (!status && on_reply(self, session, process, &reply))
            continue;
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, process->socket,
                  NULL); /* it would stay readable until the process is gone */
        if (status != FH_CANNOT_CONNECT && session && session->active)
            runner_dispatch_condemn(session, FH_KERNEL_FAULT, "its runner said what no runner says");
        else if (process->ready || status != FH_CANNOT_CONNECT)
            runner_process_kill(process);
        return;
    }
}

static runner_process_t *
find_process(runner_host_t *self, uint64_t serial, runner_session_t **ret_session)
{
    *ret_session = NULL;
    if (self->spare && self->spare->serial == serial)
        return self->spare;
    for (runner_session_t *session = self->sessions; session; session = session->next)
        if (session->runner && session->runner->serial == serial) {
            *ret_session = session;
            return session->runner;
        }
    return NULL;
}

void
runner_dispatch_event(runner_host_t *self, uint64_t data)
{
    runner_session_t *session;
    runner_process_t *process = find_process(self, data / 2, &session);
    if (!process)
        return;
    on_socket(self, session, process);
    if (data % 2 && runner_process_bury(process))
        on_death(self, session, process);
}
