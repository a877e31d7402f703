#include "engine/runner_answer.h"

#include "base/clock.h"
#include "engine/runner_call.h"
#include "engine/runner_code.h"
#include "engine/runner_reply.h"
#include "engine/runner_request.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

static const int64_t REST_NS = 1000000000; /* of idleness before a runner may be replaced */
static const int MAX_STILLBORN = 3;        /* runners that may end unready before a session hears of it */

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
        snprintf(limit, sizeof limit, "it ran past its time limit of %g s and was ended", runner_job_limit(job));
    err_set(ret, verdict, "kernel %.200s%s: %s", entry_of(job), piece, text ? text : limit);
}

/* ---- replies ------------------------------------------------------------------------------------------------------
 */

static void
note_maker(runner_process_t *process, const runner_reply_t *reply)
{
    runner_reply_text(process->maker.llvm, sizeof process->maker.llvm, reply->as.ready.llvm);
    runner_reply_text(process->maker.cpu, sizeof process->maker.cpu, reply->as.ready.cpu);
    memcpy(process->maker.features, reply->as.ready.features, sizeof process->maker.features);
}

static void
on_ready(runner_host_t *self, runner_session_t *session, runner_process_t *process, const runner_reply_t *reply)
{
    if (reply->status) {
        err_set(&self->start_error, reply->status == FH_PERMISSION ? FH_PERMISSION : FH_IO_ERROR,
                "the runner does not start: %.400s", reply->text);
        child_process_kill(&process->child);
        return;
    }
    process->ready = true;
    process->ready_bytes = runner_process_resident(process);
    process->llvm_major = reply->as.ready.llvm_major;
    note_maker(process, reply);
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

static void
finish_active(runner_host_t *self, runner_session_t *session, int status, const err_t *err)
{
    runner_job_t *job = session->active;
    session->active = NULL;
    session->stopping = FH_OK;
    session->rest_ns = clock_now_ns() + REST_NS;
    runner_dispatch_finish(self, session, job, status, err);
}

/* The active job has been asked for, or not. */
static void
settle(runner_host_t *self, runner_session_t *session, int status, const err_t *err)
{
    if (status == FH_CANNOT_CONNECT)
        runner_dispatch_retreat(session, session->active);
    else if (status)
        finish_active(self, session, status, err);
}

static void
on_not_compiled(runner_host_t *self, runner_session_t *session, const runner_reply_t *reply)
{
    bool blames = reply->status == FH_BAD_BITCODE || reply->status == FH_KERNEL_ERROR ||
                  reply->status == FH_LIMIT_EXCEEDED || reply->status == FH_NO_MEMORY;
    char text[ERR_TEXT_MAX];
    err_t err = {0};
    if (session->from_disk) {
        runner_code_reject(self, &session->runner->maker, session->active);
        settle(self, session, runner_code_ask(self, session, session->active, &err), &err);
        return;
    }
    runner_reply_text(text, sizeof text, reply->text);
    err_set(&err, blames ? reply->status : FH_INTERNAL, "%s", text);
    finish_active(self, session, err.status, &err);
}

static bool
on_compiled(runner_host_t *self, runner_session_t *session, const runner_reply_t *reply)
{
    runner_job_t *job = session->active;
    runner_kernel_t *kernel = job->kernel;
    err_t err = {0};
    if (!runner_reply_info(&reply->as.compiled.description, kernel->source->producer, &job->info))
        return false;
    job->info.cached = session->from_disk;
    job->info.compile_ns = session->from_disk ? 0 : reply->as.compiled.compile_ns;
    kernel->stats.compile_ns += job->info.compile_ns;
    kernel->stats.cached = session->from_disk;
    session->runner->compiles++;
    if (!kernel->known)
        kernel->info = job->info;
    kernel->info.compile_ns = 0;
    kernel->known = true;
    kernel->loaded_in = session->runner->serial;
    runner_code_keep(self, session, job, reply);
    if (job->compiled && job->inspect && !runner_reply_texts(reply, job))
        return false;
    if (job->done)
        settle(self, session, runner_request_run(session, job, &err), &err);
    else
        finish_active(self, session, FH_OK, NULL);
    return true;
}

static void
on_done(runner_host_t *self, runner_session_t *session, const runner_reply_t *reply)
{
    runner_job_t *job = session->active;
    kernel_stats_t *stats = &job->kernel->stats;
    err_t err = {0};
    stats->calls++;
    session->runner->calls++;
    runner_maps_there(&session->runner->maps, reply->as.done.kept, clock_now_ns());
    stats->run_ns += reply->as.done.run_ns;
    if (!reply->status) {
        stats->elements += reply->as.done.elements;
        job->raised = reply->as.done.raised & job->request->watch;
        runner_call_take(job, session->runner->mailbox);
    } else if (session->stopping && reply->status == FH_CANCELLED) {
        describe_stop(job, session->stopping, NULL, &err);
    } else {
        char text[ERR_TEXT_MAX];
        runner_reply_text(text, sizeof text, reply->text);
        err_set(&err, reply->status == FH_NO_MEMORY ? FH_NO_MEMORY : FH_KERNEL_ERROR, "%s", text);
    }
    finish_active(self, session, err.status, &err);
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
        if (reply->status)
            on_not_compiled(self, session, reply);
        else if (!on_compiled(self, session, reply))
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
    if (session->loading && process->child.exit_signal != SIGKILL) { /* that one comes from outside */
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
    runner_dispatch_fail_waiting(self, session, &self->start_error);
    self->start_error = (err_t){0};
    session->stillborn = 0;
}

static void
on_session_death(runner_host_t *self, runner_session_t *session, const runner_process_t *process)
{
    runner_job_t *job = session->active;
    err_t err = {0};
    if (job && session->loading && session->from_disk && !session->verdict) {
        runner_code_reject(self, &process->maker, job);
        session->active = NULL;
        runner_session_push_front(session, job);
    } else if (job) {
        describe_death(session, process, &err);
        bool outside = process->child.exit_signal == SIGKILL && !session->verdict;
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
    } else if (process != self->spare) {
        runner_process_t **at = &self->retired;
        while (*at != process)
            at = &(*at)->next;
        *at = process->next;
    } else {
        self->spare = NULL;
        if (!process->ready)
            runner_dispatch_put_off_spare(self);
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
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, process->child.socket,
                  NULL); /* it would stay readable until the process is gone */
        if (status != FH_CANNOT_CONNECT && session && session->active)
            runner_dispatch_condemn(session, FH_KERNEL_FAULT, "its runner said what no runner says");
        else if (process->ready || status != FH_CANNOT_CONNECT)
            child_process_kill(&process->child);
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
    for (runner_process_t *each = self->retired; each; each = each->next)
        if (each->serial == serial)
            return each;
    return NULL;
}

void
runner_answer_event(runner_host_t *self, uint64_t data)
{
    runner_session_t *session;
    runner_process_t *process = find_process(self, data / 2, &session);
    if (!process)
        return;
    on_socket(self, session, process);
    if (data % 2 && child_process_bury(&process->child))
        on_death(self, session, process);
}
