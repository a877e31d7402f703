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
read_dtypes(const int32_t *codes, int count, bool any, dtype_t *ret)
{
    for (int i = 0; i < count; i++) {
        bool known = codes[i] >= 0 && dtype_valid((uint64_t)codes[i]);
        if (!known && !(any && codes[i] == DTYPE_NONE))
            return false;
        ret[i] = (dtype_t)codes[i];
    }
    return true;
}

/* Counts that a kernel of that kind can have. */
static bool
can_be(const runner_description_t *about)
{
    bool array = about->kind == KERNEL_ARRAY, reduction = about->kind == KERNEL_REDUCTION;
    if (!kernel_kind_name(about->kind) || about->nin > KERNEL_MAX_ARGS || about->nout > KERNEL_MAX_OUT)
        return false;
    if (about->nin < 1 && !(array && about->nin == -1))
        return false;
    if (about->nout < !array || (array && about->nout))
        return false;
    return reduction ? about->state_bytes > 0 && about->state_bytes <= KERNEL_MAX_STATE && about->state_bytes % 16 == 0
                     : !about->state_bytes;
}

bool
runner_reply_info(const runner_description_t *about, const char *producer, kernel_info_t *ret)
{
    if (!can_be(about))
        return false;
    *ret = (kernel_info_t){.kind = (kernel_kind_t)about->kind,
                           .nin = about->nin,
                           .nout = about->nout,
                           .state_bytes = about->state_bytes,
                           .has_start = about->has_start != 0,
                           .whole_vectors = about->whole_vectors != 0};
    bool any = ret->kind == KERNEL_ARRAY || ret->kind == KERNEL_GUFUNC;
    if (!read_dtypes(about->in, about->nin, any, ret->in) || !read_dtypes(about->out, about->nout, any, ret->out))
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
