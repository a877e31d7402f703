#include "engine/runner_code.h"

#include "base/log.h"
#include "engine/runner_reply.h"
#include "engine/runner_request.h"

#include <string.h>
#include <unistd.h>

enum { MAX_FAILURES = 3 }; /* to write a file, in a row; then we stop trying */

/* Code with checks in it is for finding faults, not for keeping. */
static bool
is_kept(const runner_host_t *self, const runner_job_t *job)
{
    return self->cache && !job->kernel->debug;
}

static void
find_key(const kernel_maker_t *maker, const runner_kernel_t *kernel, uint8_t ret[KERNEL_KEY_SIZE])
{
    const kernel_options_t options = {.entry = kernel->entry,
                                      .signature = kernel->signature,
                                      .kind = kernel->kind,
                                      .layout = kernel->layout,
                                      .state_bytes = kernel->state_bytes,
                                      .fastmath = kernel->fastmath,
                                      .exact = kernel->exact,
                                      .debug = kernel->debug};
    kernel_cache_key(maker, kernel->source->hash, &options, ret);
}

int
runner_code_ask(runner_host_t *self, runner_session_t *session, runner_job_t *job, err_t *err)
{
    const runner_kernel_t *kernel = job->kernel;
    uint8_t key[KERNEL_KEY_SIZE];
    cached_code_t code;
    kernel_info_t info;
    session->from_disk = false;
    if (!is_kept(self, job) || job->inspect || kernel->rejected)
        return runner_request_compile(session, job, self->llvm, err);
    find_key(&session->runner->maker, kernel, key);
    if (!kernel_cache_find(self->cache, key, &code))
        return runner_request_compile(session, job, self->llvm, err);
    session->from_disk = runner_reply_info(&code.about, kernel->source->producer, &info);
    int status = session->from_disk ? runner_request_load(session, job, &code, err)
                                    : runner_request_compile(session, job, self->llvm, err);
    close(code.fd);
    return status;
}

void
runner_code_keep(runner_host_t *self, const runner_session_t *session, runner_job_t *job, const runner_reply_t *reply)
{
    uint8_t key[KERNEL_KEY_SIZE];
    err_t err = {0};
    if (!is_kept(self, job) || session->from_disk || !reply->as.compiled.object_bytes ||
        reply->as.compiled.object_bytes > RUNNER_MAX_OBJECT)
        return;
    cached_code_t code = {
        .fd = job->object, .size = reply->as.compiled.object_bytes, .about = reply->as.compiled.description};
    memcpy(code.symbol, job->symbol, sizeof code.symbol);
    find_key(&session->runner->maker, job->kernel, key);
    self->cache_failures =
        kernel_cache_keep(self->cache, key, &code, &err) == FH_IO_ERROR ? self->cache_failures + 1 : 0;
    if (self->cache_failures < MAX_FAILURES)
        return;
    log_line(LOG_WARNING, "ENG-NO-CODE-CACHE", "machine code is not kept any more: %s", err.text);
    kernel_cache_destroy(&self->cache);
}

void
runner_code_reject(runner_host_t *self, const kernel_maker_t *maker, runner_job_t *job)
{
    uint8_t key[KERNEL_KEY_SIZE];
    job->kernel->rejected = true;
    if (!self->cache)
        return;
    find_key(maker, job->kernel, key);
    kernel_cache_drop(self->cache, key);
}
