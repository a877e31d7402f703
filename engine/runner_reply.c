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

bool
runner_reply_info(const runner_reply_t *reply, const char *producer, kernel_info_t *ret)
{
    int nin = reply->as.compiled.nin;
    if ((reply->as.compiled.kind != KERNEL_UFUNC && reply->as.compiled.kind != KERNEL_PIECE) || nin < 1 ||
        nin >= KERNEL_MAX_ARGS || reply->as.compiled.out < 0 || !dtype_valid((uint64_t)reply->as.compiled.out))
        return false;
    *ret = (kernel_info_t){.kind = (kernel_kind_t)reply->as.compiled.kind,
                           .nin = nin,
                           .out = (dtype_t)reply->as.compiled.out,
                           .compile_ns = reply->as.compiled.compile_ns};
    for (int i = 0; i < nin; i++) {
        if (reply->as.compiled.in[i] < 0 || !dtype_valid((uint64_t)reply->as.compiled.in[i]))
            return false;
        ret->in[i] = (dtype_t)reply->as.compiled.in[i];
    }
    runner_reply_text(ret->entry, sizeof ret->entry, reply->as.compiled.entry);
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
