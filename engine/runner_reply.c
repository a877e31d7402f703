#include "engine/runner_reply.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

void
runner_reply_text(char *ret, size_t size, const char *text)
{
    snprintf(ret, size, "%.*s", (int)size - 1, text);
    for (char *c = ret; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static bool
read_dtypes(const int32_t *codes, int count, dtype_t *ret)
{
    for (int i = 0; i < count; i++) {
        if (codes[i] < 0 || !dtype_valid((uint64_t)codes[i]))
            return false;
        ret[i] = (dtype_t)codes[i];
    }
    return true;
}

bool
runner_reply_info(const runner_reply_t *reply, const char *producer, kernel_info_t *ret)
{
    const runner_description_t *about = &reply->as.compiled.description;
    if (!kernel_kind_name(about->kind) || about->nin < 1 || about->nin > KERNEL_MAX_ARGS || about->nout < 0 ||
        about->nout > KERNEL_MAX_OUT || about->state_bytes < 0 || about->state_bytes > KERNEL_MAX_STATE)
        return false;
    *ret = (kernel_info_t){.kind = (kernel_kind_t)about->kind,
                           .nin = about->nin,
                           .nout = about->nout,
                           .state_bytes = about->state_bytes,
                           .has_start = about->has_start != 0,
                           .whole_vectors = about->whole_vectors != 0,
                           .compile_ns = reply->as.compiled.compile_ns};
    if (!read_dtypes(about->in, about->nin, ret->in) || !read_dtypes(about->out, about->nout, ret->out))
        return false;
    runner_reply_text(ret->entry, sizeof ret->entry, about->entry);
    runner_reply_text(ret->layout, sizeof ret->layout, about->layout);
    runner_reply_text(ret->producer, sizeof ret->producer, producer);
    return true;
}

bool
runner_reply_texts(const runner_reply_t *reply, runner_job_t *job)
{
    size_t ir = reply->as.compiled.ir_bytes, assembly = reply->as.compiled.assembly_bytes,
           half = RUNNER_INSPECT_BYTES / 2;
    if (ir > half || assembly > half)
        return false;
    char *copy = mmap(NULL, RUNNER_INSPECT_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return false;
    memcpy(copy, job->texts, ir);
    memcpy(copy + ir + 1, job->texts + ir, assembly);
    munmap(job->texts, RUNNER_INSPECT_BYTES);
    job->texts = copy;
    job->info.ir = copy;
    job->info.assembly = copy + ir + 1;
    return true;
}
