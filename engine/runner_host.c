#include "engine/runner_host.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process_memory.h"
#include "engine/runner_answer.h"
#include "engine/runner_call.h"
#include "engine/runner_dispatch.h"
#include "engine/runner_request.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS = 64, CACHE_BYTES = 256 << 20 };

static const int64_t START_NS = 10000000000; /* a runner must be ready after so long */

/* Kernels work without it. */
static void
open_cache(runner_host_t *self, const runner_host_options_t *options)
{
    err_t err = {0};
    if (options->cache_folder && kernel_cache_new(&self->cache, options->cache_folder,
                                                  options->cache_bytes ? options->cache_bytes : CACHE_BYTES, &err))
        log_line(LOG_WARNING, "ENG-NO-CODE-CACHE", "machine code is not kept: %s", err.text);
}

int
runner_host_new(runner_host_t **ret, const runner_host_options_t *options, err_t *err)
{
    runner_host_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a runner host");
    int status = FH_OK;
    self->options = *options;
    self->want_spare = options->start_spare;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
    if (self->epoll < 0 || self->wake < 0 || epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->wake, &event)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "no descriptors for a runner host");
        goto done;
    }
    if (options->program) {
        self->program = strdup(options->program);
        self->options.program = self->program;
        if (!self->program) {
            status = err_set(err, FH_NO_MEMORY, "no memory for the path of the runner");
            goto done;
        }
    }
    open_cache(self, options);
    runner_dispatch_spare(self);
done:
    if (status)
        runner_host_destroy(&self);
    *ret = self;
    return status;
}

void
runner_host_destroy(runner_host_t **self)
{
    runner_host_t *host = *self;
    if (!host)
        return;
    err_t err = {0};
    err_set(&err, FH_CANCELLED, "the engine ends");
    while (host->sessions) {
        runner_session_t *session = host->sessions;
        session->closing = true;
        runner_process_destroy(&session->runner);
        runner_job_t *job = session->active;
        session->active = NULL;
        if (job)
            runner_dispatch_finish(host, session, job, FH_CANCELLED, &err);
        runner_dispatch_forget(host, session);
    }
    runner_process_destroy(&host->spare);
    for (runner_process_t *each; (each = host->retired);) {
        host->retired = each->next;
        runner_process_destroy(&each);
    }
    runner_dispatch_callbacks(host);
    kernel_cache_destroy(&host->cache);
    if (host->epoll >= 0)
        close(host->epoll);
    if (host->wake >= 0)
        close(host->wake);
    free(host->program);
    free(host);
    *self = NULL;
}

static runner_session_t *
find_session(const runner_host_t *self, oid_t id)
{
    for (runner_session_t *session = self->sessions; session; session = session->next)
        if (!session->closing && oid_equal(session->id, id))
            return session;
    return NULL;
}

static runner_session_t *
make_session(runner_host_t *self, oid_t id)
{
    runner_session_t *session = find_session(self, id);
    if (session)
        return session;
    session = runner_session_new(id);
    if (session) {
        session->next = self->sessions;
        self->sessions = session;
    }
    return session;
}

static int
find_source(runner_session_t *session, const uint8_t hash[32], const void *bitcode, size_t size, bool force,
            runner_source_t **ret, err_t *err)
{
    *ret = runner_session_source(session, hash);
    if (!*ret && !bitcode)
        return err_set(err, FH_NO_SUCH_OBJECT, "no bitcode of that hash is here: send it");
    int status = *ret ? FH_OK : runner_session_add_source(session, hash, bitcode, size, ret, err);
    if (!status && force)
        (*ret)->deaths = 0;
    return status ? status : runner_request_allowed(*ret, err);
}

int
runner_host_compile(runner_host_t *self, oid_t session_id, const uint8_t hash[32], const void *bitcode, size_t size,
                    const kernel_options_t *options, runner_compiled_fn compiled, void *context, uint32_t *ret_kernel,
                    err_t *err)
{
    runner_session_t *session = make_session(self, session_id);
    if (!session)
        return err_set(err, FH_NO_MEMORY, "no memory for a session's kernels");
    runner_source_t *source = NULL;
    runner_kernel_t *kernel = NULL;
    int status = find_source(session, hash, bitcode, size, options->force, &source, err);
    if (!status)
        status = runner_session_add_kernel(session, source, options, self->kernel + 1, &kernel, err);
    if (status)
        return status;
    if (kernel->id == self->kernel + 1)
        self->kernel++;
    runner_job_t *job = runner_job_new(kernel);
    if (!job)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    job->compiled = compiled;
    job->context = context;
    job->inspect = options->inspect;
    *ret_kernel = kernel->id;
    status = runner_session_push(session, job, err);
    if (status) {
        runner_job_detach(session, job);
        runner_job_destroy(&job);
        return status;
    }
    runner_dispatch_pump(self, session);
    return FH_OK;
}

int
runner_host_run(runner_host_t *self, oid_t session_id, uint32_t kernel_id, const runner_call_t *call,
                runner_done_fn done, void *context, uint64_t *ret_ticket, err_t *err)
{
    runner_session_t *session = find_session(self, session_id);
    runner_kernel_t *kernel = session ? runner_session_kernel(session, kernel_id) : NULL;
    if (!kernel || !kernel->known)
        return err_set(err, FH_NO_SUCH_OBJECT, "the session has no kernel %u", kernel_id);
    runner_job_t *job = runner_job_new(kernel);
    if (!job)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel call");
    job->done = done;
    job->context = context;
    job->ticket = ++self->ticket;
    int status = runner_call_fill(job, &kernel->info, call, err);
    if (!status)
        status = runner_session_push(session, job, err);
    if (status) {
        runner_job_detach(session, job);
        runner_job_destroy(&job);
        return status;
    }
    *ret_ticket = job->ticket;
    runner_dispatch_pump(self, session);
    return FH_OK;
}

void
runner_host_cancel(runner_host_t *self, uint64_t ticket)
{
    for (runner_session_t *session = self->sessions; session; session = session->next) {
        if (session->active && session->active->ticket == ticket && session->active->done) {
            if (session->loading)
                runner_dispatch_condemn(session, FH_CANCELLED, NULL);
            else
                runner_dispatch_stop(session, FH_CANCELLED);
            return;
        }
        for (runner_job_t *job = session->first; job; job = job->next) {
            if (job->ticket != ticket || !job->done)
                continue;
            err_t err = {0};
            err_set(&err, FH_CANCELLED, "kernel %.200s: cancelled", job->kernel->info.entry);
            runner_session_take(session, job);
            runner_dispatch_finish(self, session, job, FH_CANCELLED, &err);
            return;
        }
    }
}

void
runner_host_forget(runner_host_t *self, oid_t id)
{
    runner_session_t *session = find_session(self, id);
    if (!session)
        return;
    session->closing = true;
    if (session->runner)
        runner_dispatch_condemn(session, FH_CANCELLED, "the session has ended");
    else
        runner_dispatch_forget(self, session);
}

bool
runner_host_stats(const runner_host_t *self, oid_t session_id, uint32_t kernel_id, kernel_stats_t *ret)
{
    runner_session_t *session = find_session(self, session_id);
    const runner_kernel_t *kernel = session ? runner_session_kernel(session, kernel_id) : NULL;
    if (kernel) {
        *ret = kernel->stats;
        ret->bitcode = kernel->source->size;
    }
    return kernel != NULL;
}

static int64_t
memory_of(const runner_process_t *runner, int *processes)
{
    process_memory_t memory;
    if (!runner || !runner->child.pid || !process_memory(runner->child.pid, &memory))
        return 0;
    ++*processes;
    return memory.anonymous + memory.file;
}

int64_t
runner_host_memory(const runner_host_t *self,
                   void (*visit)(void *context, oid_t session, int64_t bytes, int64_t modules), void *context,
                   int *ret_processes)
{
    *ret_processes = 0;
    int64_t bytes = memory_of(self->spare, ret_processes);
    for (const runner_session_t *session = self->sessions; session; session = session->next) {
        int64_t modules = 0;
        for (const runner_source_t *source = session->sources; source; source = source->next)
            modules++;
        if (modules)
            visit(context, session->id, (int64_t)session->bitcode_bytes, modules);
        bytes += memory_of(session->runner, ret_processes);
    }
    return bytes;
}

bool
runner_host_progress(const runner_host_t *self, oid_t session_id, runner_progress_t *ret)
{
    const runner_session_t *session = find_session(self, session_id);
    *ret = (runner_progress_t){.ticket = 0};
    if (!session || !session->active || session->loading || !session->runner)
        return session != NULL;
    runner_page_t *page = session->runner->page;
    *ret = (runner_progress_t){.ticket = session->active->ticket,
                               .entry = session->active->kernel->info.entry,
                               .done = atomic_load_explicit(&page->done, memory_order_relaxed),
                               .total = atomic_load_explicit(&page->total, memory_order_relaxed),
                               .started_ns = session->active->started_ns};
    return true;
}

int
runner_host_pollfds(runner_host_t *self, struct pollfd *ret, int room)
{
    if (room > 0)
        *ret = (struct pollfd){.fd = self->epoll, .events = POLLIN};
    return 1;
}

/* When a session needs attention if nothing happens. */
static int64_t
session_deadline(const runner_session_t *session)
{
    int64_t deadline = INT64_MAX;
    if (session->runner && !session->runner->ready)
        deadline = session->runner->child.started_ns + START_NS;
    if (session->active && session->active_deadline < deadline)
        deadline = session->active_deadline;
    for (const runner_job_t *job = session->first; job; job = job->next)
        if (job->deadline_ns < deadline)
            deadline = job->deadline_ns;
    if (!session->active && !session->first && session->rest_ns < deadline)
        deadline = session->rest_ns;
    return session->verdict ? INT64_MAX : deadline;
}

int64_t
runner_host_next_deadline(runner_host_t *self)
{
    int64_t deadline = INT64_MAX;
    if (self->want_spare && !self->spare)
        deadline = self->spare_after_ns;
    if (self->spare && !self->spare->ready)
        deadline = self->spare->child.started_ns + START_NS;
    for (const runner_session_t *session = self->sessions; session; session = session->next)
        if (session_deadline(session) < deadline)
            deadline = session_deadline(session);
    return deadline;
}

bool
runner_host_asked(const runner_host_t *self)
{
    for (const runner_session_t *session = self->sessions; session; session = session->next)
        if (session->active && !session->loading)
            return true;
    return false;
}

bool
runner_host_linger(runner_host_t *self)
{
    for (runner_session_t *session = self->sessions; session; session = session->next)
        if (session->active && !session->loading && session->runner && !session->runner->looked)
            return runner_process_look(session->runner);
    return self->finished != NULL;
}

static void
enforce_active(runner_session_t *session, int64_t now)
{
    if (session->stopping)
        runner_dispatch_condemn(session, session->stopping, NULL);
    else if (!session->loading)
        runner_dispatch_stop(session, FH_KERNEL_TIMEOUT);
    else if (now >= session->active->deadline_ns)
        runner_dispatch_condemn(session, FH_KERNEL_TIMEOUT, NULL);
    else
        runner_dispatch_condemn(session, FH_BAD_BITCODE, "compiling it took longer than 10 seconds and was ended");
}

static void
enforce(runner_host_t *self, runner_session_t *session, int64_t now)
{
    if (session->runner && !session->runner->ready && now >= session->runner->child.started_ns + START_NS) {
        err_set(&self->start_error, FH_IO_ERROR, "a runner was not ready after 10 seconds");
        child_process_kill(&session->runner->child);
    }
    if (session->active && now >= session->active_deadline)
        enforce_active(session, now);
    for (runner_job_t *job = session->first, *next; job; job = next) {
        next = job->next;
        if (now < job->deadline_ns)
            continue;
        err_t err = {0};
        err_set(&err, FH_KERNEL_TIMEOUT, "kernel %.200s: its time limit of %g s passed before its turn came",
                job->kernel->info.entry, runner_job_limit(job));
        runner_session_take(session, job);
        runner_dispatch_finish(self, session, job, FH_KERNEL_TIMEOUT, &err);
    }
    if (now >= session->rest_ns)
        runner_dispatch_rest(self, session);
}

void
runner_host_handle(runner_host_t *self)
{
    struct epoll_event events[EVENTS];
    self->handling = true;
    int count = epoll_wait(self->epoll, events, EVENTS, 0);
    for (int i = 0; i < count; i++)
        if (events[i].data.u64)
            runner_answer_event(self, events[i].data.u64);
    int64_t now = clock_now_ns();
    for (runner_session_t *session = self->sessions; session; session = session->next)
        if (session_deadline(session) <= now)
            enforce(self, session, now);
    if (self->spare && !self->spare->ready && now >= self->spare->child.started_ns + START_NS)
        child_process_kill(&self->spare->child);
    runner_dispatch_spare(self);
    runner_dispatch_callbacks(self);
}

const char *
runner_host_llvm(const runner_host_t *self)
{
    return self->llvm[0] ? self->llvm : FARHAND_LLVM_VERSION;
}

const char *
runner_host_cpu(const runner_host_t *self)
{
    return self->cpu;
}

const char *
runner_host_sandbox(const runner_host_t *self)
{
    return self->sandbox;
}
