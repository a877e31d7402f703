#include "engine/runner_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

runner_session_t *
runner_session_new(oid_t id)
{
    runner_session_t *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->id = id;
    self->rest_ns = INT64_MAX;
    return self;
}

static void
destroy_kernel(runner_session_t *self, runner_kernel_t *kernel)
{
    runner_kernel_t **at = &self->kernels;
    while (*at != kernel)
        at = &(*at)->next;
    *at = kernel->next;
    kernel->source->kernels--;
    self->kernel_count--;
    free(kernel);
}

void
runner_session_destroy(runner_session_t **self)
{
    runner_session_t *session = *self;
    if (!session)
        return;
    while (session->kernels)
        destroy_kernel(session, session->kernels);
    while (session->sources) {
        runner_source_t *next = session->sources->next;
        free(session->sources);
        session->sources = next;
    }
    free(session);
    *self = NULL;
}

runner_source_t *
runner_session_source(runner_session_t *self, const uint8_t hash[32])
{
    for (runner_source_t *source = self->sources; source; source = source->next)
        if (!memcmp(source->hash, hash, sizeof source->hash))
            return source;
    return NULL;
}

/* Drop modules that no kernel uses, except those whose deaths must be remembered. */
static void
drop_unused(runner_session_t *self)
{
    for (runner_source_t **at = &self->sources; *at;) {
        runner_source_t *source = *at;
        if (source->kernels || source->deaths) {
            at = &source->next;
            continue;
        }
        *at = source->next;
        self->bitcode_bytes -= source->size;
        free(source);
    }
}

int
runner_session_add_source(runner_session_t *self, const uint8_t hash[32], const void *bytes, size_t size,
                          runner_source_t **ret, err_t *err)
{
    if (size > RUNNER_MAX_BITCODE)
        return err_set(err, FH_BAD_BITCODE, "the module has %zu bytes; kernels may have %d", size, RUNNER_MAX_BITCODE);
    bitcode_form_t form = bitcode_form(bytes, size);
    if (form == BITCODE_OTHER)
        return err_set(err, FH_BAD_BITCODE, "%zu bytes that are neither LLVM bitcode nor textual IR", size);
    if (self->bitcode_bytes + size > SESSION_MAX_BITCODE)
        drop_unused(self);
    if (self->bitcode_bytes + size > SESSION_MAX_BITCODE)
        return err_set(err, FH_LIMIT_EXCEEDED, "the session's kernels would have more than %d bytes of bitcode",
                       SESSION_MAX_BITCODE);
    runner_source_t *source = calloc(1, sizeof *source + size);
    if (!source)
        return err_set(err, FH_NO_MEMORY, "no memory for %zu bytes of bitcode", size);
    memcpy(source->hash, hash, sizeof source->hash);
    memcpy(source->bytes, bytes, size);
    source->size = size;
    if (form == BITCODE_TEXT || bitcode_producer(bytes, size, source->producer, NULL))
        snprintf(source->producer, sizeof source->producer, "%s", form == BITCODE_TEXT ? "textual IR" : "");
    source->next = self->sources;
    self->sources = source;
    self->bitcode_bytes += size;
    *ret = source;
    return FH_OK;
}

runner_kernel_t *
runner_session_kernel(runner_session_t *self, uint32_t id)
{
    for (runner_kernel_t *kernel = self->kernels; kernel; kernel = kernel->next)
        if (kernel->id == id)
            return kernel;
    return NULL;
}

static bool
is_same(const runner_kernel_t *kernel, const runner_source_t *source, const kernel_options_t *options)
{
    return kernel->source == source && kernel->fastmath == options->fastmath && kernel->exact == options->exact &&
           kernel->debug == options->debug && kernel->state_bytes == options->state_bytes &&
           !strcmp(kernel->entry, options->entry) && !strcmp(kernel->signature, options->signature) &&
           !strcmp(kernel->kind, options->kind) && !strcmp(kernel->layout, options->layout);
}

int
runner_session_add_kernel(runner_session_t *self, runner_source_t *source, const kernel_options_t *options, uint32_t id,
                          runner_kernel_t **ret, err_t *err)
{
    for (runner_kernel_t *kernel = self->kernels; kernel; kernel = kernel->next)
        if (is_same(kernel, source, options)) {
            *ret = kernel;
            return FH_OK;
        }
    if (strlen(options->entry) >= RUNNER_NAME_MAX || strlen(options->signature) >= RUNNER_NAME_MAX ||
        strlen(options->kind) >= sizeof(*ret)->kind || strlen(options->layout) >= KERNEL_LAYOUT_MAX)
        return err_set(err, FH_INVALID_ARGUMENT, "entry, signature, kind or layout of a kernel is too long");
    if (self->kernel_count >= SESSION_MAX_KERNELS)
        return err_set(err, FH_LIMIT_EXCEEDED, "a session may have %d kernels", SESSION_MAX_KERNELS);
    runner_kernel_t *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    kernel->id = id;
    kernel->source = source;
    kernel->fastmath = options->fastmath;
    kernel->exact = options->exact;
    kernel->debug = options->debug;
    kernel->state_bytes = options->state_bytes;
    snprintf(kernel->entry, sizeof kernel->entry, "%s", options->entry);
    snprintf(kernel->signature, sizeof kernel->signature, "%s", options->signature);
    snprintf(kernel->kind, sizeof kernel->kind, "%s", options->kind);
    snprintf(kernel->layout, sizeof kernel->layout, "%s", options->layout);
    kernel->next = self->kernels;
    self->kernels = kernel;
    self->kernel_count++;
    source->kernels++;
    *ret = kernel;
    return FH_OK;
}

double
runner_job_limit(const runner_job_t *job)
{
    return (double)((job->limit_ns + 999999) / 1000000) / 1e3; /* less what has passed since */
}

runner_job_t *
runner_job_new(runner_kernel_t *kernel)
{
    runner_job_t *job = calloc(1, sizeof *job);
    if (job) {
        job->kernel = kernel;
        job->deadline_ns = INT64_MAX;
        job->object = -1;
        kernel->jobs++;
    }
    return job;
}

void
runner_job_detach(runner_session_t *session, runner_job_t *job)
{
    runner_kernel_t *kernel = job->kernel;
    job->kernel = NULL;
    if (!--kernel->jobs && !kernel->known)
        destroy_kernel(session, kernel);
}

void
runner_job_destroy(runner_job_t **self)
{
    runner_job_t *job = *self;
    if (!job)
        return;
    if (job->texts)
        munmap(job->texts, RUNNER_INSPECT_BYTES);
    if (job->object >= 0)
        close(job->object);
    free(job->request);
    free(job);
    *self = NULL;
}

int
runner_session_push(runner_session_t *self, runner_job_t *job, err_t *err)
{
    if (self->queued >= SESSION_MAX_JOBS)
        return err_set(err, FH_BUSY, "%d kernel calls of the session wait already", self->queued);
    job->next = NULL;
    if (self->last)
        self->last->next = job;
    else
        self->first = job;
    self->last = job;
    self->queued++;
    return FH_OK;
}

void
runner_session_push_front(runner_session_t *self, runner_job_t *job)
{
    job->next = self->first;
    self->first = job;
    if (!self->last)
        self->last = job;
    self->queued++;
}

runner_job_t *
runner_session_pop(runner_session_t *self)
{
    runner_job_t *job = self->first;
    if (job)
        runner_session_take(self, job);
    return job;
}

bool
runner_session_take(runner_session_t *self, runner_job_t *job)
{
    runner_job_t *before = NULL;
    for (runner_job_t **at = &self->first; *at; before = *at, at = &(*at)->next) {
        if (*at != job)
            continue;
        *at = job->next;
        if (self->last == job)
            self->last = before;
        job->next = NULL;
        self->queued--;
        return true;
    }
    return false;
}
