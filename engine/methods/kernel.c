/* engine/methods/kernel.c - KERNEL: a runner compiles bitcode for a session. */
#include "engine/methods/kernel_job.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
compiled(void *context, int status, const kernel_info_t *info, const err_t *err)
{
    kernel_job_t *job = context;

    if (!status && info) {
        const char *const texts[] = {info->ir, info->assembly};

        job->info = *info;
        job->info.ir = job->info.assembly = NULL;
        for (int i = 0; i < 2 && !status; i++)
            if (texts[i])
                status = buf_new_copy(&job->texts[i], texts[i], strlen(texts[i]), &job->err);
        if (status)
            err = &job->err;
    }
    kernel_job_finish(job, status, err);
}

static int
read_options(str_t options, kernel_options_t *ret, err_t *err)
{
    for (uint32_t i = 0; i < options.size;) {
        uint32_t end = i;

        while (end < options.size && options.data[end] != ',')
            end++;
        str_t word = {options.data + i, end - i};

        if (str_is(word, "fastmath"))
            ret->fastmath = true;
        else if (str_is(word, "inspect"))
            ret->inspect = true;
        else if (word.size)
            return err_set(err, FH_INVALID_ARGUMENT, "there is no kernel option %.*s", (int)word.size, word.data);
        i = end + 1;
    }
    return FH_OK;
}

static int
ask_to_compile(run_t *run, err_t *err)
{
    const msg_KERNEL_t *kernel = &run->call->message.as.KERNEL;
    char entry[256], signature[256], kind[32];
    kernel_options_t options = {.entry = str_copy(kernel->entry, entry, sizeof entry),
                                .signature = str_copy(kernel->signature, signature, sizeof signature),
                                .kind = str_copy(kernel->kind, kind, sizeof kind),
                                .layout = ""};
    kernel_job_t *job;

    if (!run->core->runners)
        return err_set(err, FH_NOT_SUPPORTED, "this engine has no runner for kernels");
    int status = read_options(kernel->options, &options, err);

    if (!status)
        status = core_check_new(run->core, kernel->result, err);
    if (!status)
        status = kernel_job_new(run, &job, err);
    if (status)
        return status;
    status = runner_host_compile(run->core->runners, run->lane->owner.session, kernel->hash.data, run->call->raw,
                                 run->call->raw_size, &options, compiled, job, &job->number, err);
    if (!status) {
        run->call->phase = PHASE_FINISH;
        run->next = NEXT_WAIT;
    }
    return status;
}

/* "float64(float64, int32)" */
static void
write_signature(const kernel_info_t *info, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s(", dtype_name(info->out[0]));

    for (int i = 0; i < info->nin && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", dtype_name(info->in[i]));
    if (used < size)
        (void)snprintf(text + used, size - used, ")");
}

static int
publish_kernel(run_t *run, kernel_job_t *job, err_t *err)
{
    const msg_KERNEL_t *message = &run->call->message.as.KERNEL;
    core_t *core = run->core;
    kernel_t *kernel = calloc(1, sizeof *kernel);
    char signature[256];
    int status;

    if (!kernel)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    *kernel = (kernel_t){.number = job->number, .session = run->lane->owner.session, .info = job->info};
    write_signature(&job->info, signature, sizeof signature);
    int64_t in[KERNEL_MAX_ARGS], out[KERNEL_MAX_OUT];
    for (int i = 0; i < job->info.nin; i++)
        in[i] = job->info.in[i];
    for (int i = 0; i < job->info.nout; i++)
        out[i] = job->info.out[i];
    message_t info = {.code = MSG_KERNEL_INFO,
                      .raw = job->texts[0] && job->texts[1] ? 2 : 0,
                      .as.KERNEL_INFO = {.call = message->call,
                                         .entry = str_of(job->info.entry),
                                         .signature = str_of(signature),
                                         .kind = str_of(kernel_kind_name(job->info.kind)),
                                         .producer = str_of(job->info.producer),
                                         .compile_ns = job->info.compile_ns,
                                         .in = {in, (uint32_t)job->info.nin},
                                         .out = {out, (uint32_t)job->info.nout}}};

    pthread_mutex_lock(&core->lock);
    status = run->lane->gone ? err_set(err, FH_CANCELLED, "the session has ended")
                             : object_table_add_kernel(&core->objects, &run->lane->owner, message->result, kernel, err);
    if (!status) {
        core->counters.kernels++;
        core_reply(core, run->lane, &info, job->texts);
    }
    pthread_mutex_unlock(&core->lock);
    if (status)
        free(kernel);
    return status;
}

static int
run_kernel(run_t *run, err_t *err)
{
    kernel_job_t *job = run->call->state;
    int status;

    if (run->call->phase != PHASE_FINISH) {
        if (!run->on_reactor) {
            run->next = NEXT_REACTOR;
            return FH_OK;
        }
        status = ask_to_compile(run, err);
    } else if (!kernel_job_finished(run, job)) {
        run->next = NEXT_WAIT;
        return FH_OK;
    } else {
        status = job->status;
        if (status)
            *err = job->err;
        else
            status = publish_kernel(run, job, err);
    }
    if (status || run->next == NEXT_DONE)
        kernel_job_free(run);
    return status;
}

static const method_t ROWS[] = {
    {.code = MSG_KERNEL, .flags = METHOD_ANSWERS, .detail = offsetof(message_t, as.KERNEL.entry), .run = run_kernel},
};

const method_table_t METHODS_KERNEL = {ROWS, sizeof ROWS / sizeof *ROWS};
