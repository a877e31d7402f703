/* engine/methods/kernel.c - KERNEL: a runner compiles bitcode for a session. */
#include "engine/methods/kernel_job.h"
#include "engine/methods/kernel_signature.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void
compiled(void *context, int status, const kernel_info_t *info, const err_t *err)
{
    kernel_job_t *job = context;

    if (!status && info) {
        const char *const texts[] = {info->ir, info->assembly};

        job->kernel.info = *info;
        job->kernel.info.ir = job->kernel.info.assembly = NULL;
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
    const struct {
        const char *word;
        bool *option;
    } WORDS[] = {
        {"fastmath", &ret->fastmath}, {"exact", &ret->exact}, {"debug", &ret->debug},
        {"inspect", &ret->inspect},   {"force", &ret->force},
    };

    for (uint32_t i = 0; i < options.size;) {
        uint32_t end = i;
        size_t at = 0, n = sizeof WORDS / sizeof *WORDS;

        while (end < options.size && options.data[end] != ',')
            end++;
        str_t word = {options.data + i, end - i};

        while (at < n && !str_is(word, WORDS[at].word))
            at++;
        if (at == n)
            return err_set(err, FH_INVALID_ARGUMENT, "there is no kernel option \"%.*s\"", (int)word.size, word.data);
        *WORDS[at].option = true;
        i = end + 1;
    }
    return FH_OK;
}

static int
ask_to_compile(run_t *run, err_t *err)
{
    const msg_KERNEL_t *message = &run->call->message.as.KERNEL;
    char entry[KERNEL_NAME_MAX], signature[KERNEL_NAME_MAX], kind[32], layout[KERNEL_LAYOUT_MAX];
    kernel_options_t options = {.entry = str_copy(message->entry, entry, sizeof entry),
                                .signature = str_copy(message->signature, signature, sizeof signature),
                                .kind = str_copy(message->kind, kind, sizeof kind),
                                .layout = str_copy(message->layout, layout, sizeof layout),
                                .state_bytes = (int64_t)message->state};
    kernel_job_t *job;

    if (!run->core->runners)
        return err_set(err, FH_NOT_SUPPORTED, "this engine has no runner for kernels");
    int status = read_options(message->options, &options, err);

    if (!status)
        status = core_check_new(run->core, message->result, err);
    if (!status)
        status = kernel_job_new(run, 0, 0, &job, err);
    if (status)
        return status;
    job->kernel.session = run->lane->owner.session;
    status = runner_host_compile(run->core->runners, job->kernel.session, message->hash.data, run->call->raw,
                                 run->call->raw_size, &options, compiled, job, &job->kernel.number, err);
    if (!status) {
        run->call->phase = PHASE_FINISH;
        run->next = NEXT_WAIT;
    }
    return status;
}

/* KERNEL_INFO; lists and texts are borrowed. */
static void
describe(const run_t *run, const kernel_job_t *job, const char *signature, int64_t in[KERNEL_MAX_ARGS],
         int64_t out[KERNEL_MAX_OUT], message_t *ret)
{
    const kernel_info_t *info = &job->kernel.info;
    int nin = info->nin < 0 ? 0 : info->nin;

    for (int i = 0; i < nin; i++)
        in[i] = info->in[i];
    for (int i = 0; i < info->nout; i++)
        out[i] = info->out[i];
    *ret = (message_t){.code = MSG_KERNEL_INFO,
                       .raw = job->texts[0] && job->texts[1] ? 2 : 0,
                       .as.KERNEL_INFO = {.call = run->call->message.as.KERNEL.call,
                                          .entry = str_of(info->entry),
                                          .signature = str_of(signature),
                                          .kind = str_of(kernel_kind_name((int)info->kind)),
                                          .producer = str_of(info->producer),
                                          .compile_ns = info->compile_ns,
                                          .in = {in, (uint32_t)nin},
                                          .out = {out, (uint32_t)info->nout},
                                          .layout = str_of(info->layout),
                                          .state = (uint64_t)info->state_bytes,
                                          .start = info->has_start,
                                          .cached = info->cached}};
}

static int
publish_kernel(run_t *run, kernel_job_t *job, err_t *err)
{
    core_t *core = run->core;
    kernel_t *kernel = malloc(sizeof *kernel);
    char signature[KERNEL_NAME_MAX];
    int64_t in[KERNEL_MAX_ARGS], out[KERNEL_MAX_OUT];
    message_t info;
    int status;

    if (!kernel)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    *kernel = job->kernel;
    kernel_signature(&job->kernel.info, signature, sizeof signature);
    describe(run, job, signature, in, out, &info);
    pthread_mutex_lock(&core->lock);
    status = run->lane->gone ? err_set(err, FH_CANCELLED, "the session has ended")
                             : object_table_add_kernel(&core->objects, &run->lane->owner,
                                                       run->call->message.as.KERNEL.result, kernel, err);
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
    /* Always: the client that cancels its calls goes on to use what it has loaded before. */
    {.code = MSG_KERNEL,
     .flags = METHOD_ANSWERS | METHOD_ALWAYS,
     .detail = offsetof(message_t, as.KERNEL.entry),
     .run = run_kernel},
};

const method_table_t METHODS_KERNEL = {ROWS, sizeof ROWS / sizeof *ROWS};
