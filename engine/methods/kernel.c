/* engine/methods/kernel.c - KERNEL and KERNEL_CALL: what runners do for a lane.
 *
 * Runners belong to the reactor; a call goes through phases:
 *     begin     (anywhere)  check, pin, copy what a runner cannot map
 *     ask       (reactor)   hand it to the runner host
 *     wait      the lane waits for the host's answer
 *     finish    (anywhere)  the results appear */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/methods.h"

enum { PHASE_BEGIN, PHASE_ASK, PHASE_FINISH };

enum { DEFAULT_TIMEOUT_MS = 30000, NS_PER_MS = 1000000 };

/* What a kernel object holds. */
typedef struct {
    uint32_t number;       /* the runner host's */
    oid_t session;
    kernel_info_t info;    /* without ir and assembly */
} kernel_t;

/* What a call keeps between its phases. */
typedef struct {
    core_t *core;
    lane_t *lane;
    bool finished;         /* under the core's lock */
    int status;
    err_t err;
    uint64_t ticket;
    uint32_t number;
    kernel_info_t info;
    buf_t *texts[2];       /* optimised IR, assembly */
    int nin;
    pin_t in[KERNEL_MAX_ARGS], out, target;
} job_t;

static int
job_new(run_t *run, job_t **ret, err_t *err)
{
    job_t *job = calloc(1, sizeof *job);

    if (!job)
        return err_set(err, FH_NO_MEMORY, "no memory for the call of a kernel");
    job->core = run->core;
    job->lane = run->lane;
    pthread_mutex_lock(&run->core->lock);
    run->call->state = job;
    pthread_mutex_unlock(&run->core->lock);
    *ret = job;
    return FH_OK;
}

static void
job_free(run_t *run)
{
    job_t *job = run->call->state;

    if (!job)
        return;
    pthread_mutex_lock(&run->core->lock);
    run->call->state = NULL;
    pthread_mutex_unlock(&run->core->lock);
    for (int i = 0; i < job->nin; i++)
        pin_release(&job->in[i]);
    pin_release(&job->out);
    pin_release(&job->target);
    buf_unref(&job->texts[0]);
    buf_unref(&job->texts[1]);
    free(job);
}

static bool
is_finished(run_t *run, const job_t *job)
{
    pthread_mutex_lock(&run->core->lock);
    bool finished = job->finished;

    pthread_mutex_unlock(&run->core->lock);
    return finished;
}

/* The runner host has answered. */
static void
finish(job_t *job, int status, const err_t *err)
{
    core_t *core = job->core;

    pthread_mutex_lock(&core->lock);
    job->finished = true;
    job->status = status;
    if (status && err)
        job->err = *err;
    core->counters.kernel_faults += status == FH_KERNEL_FAULT;
    lane_wake(&core->lanes, job->lane);
    pthread_mutex_unlock(&core->lock);
}

static void
compiled(void *context, int status, const kernel_info_t *info, const err_t *err)
{
    job_t *job = context;

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
    finish(job, status, err);
}

static void
ran(void *context, int status, const err_t *err)
{
    finish(context, status, err);
}

/* ---- KERNEL -------------------------------------------------------------------------------------------------------- */

static int
read_options(str_t options, bool *ret_fastmath, bool *ret_inspect, err_t *err)
{
    *ret_fastmath = *ret_inspect = false;
    for (uint32_t i = 0; i < options.size;) {
        uint32_t end = i;

        while (end < options.size && options.data[end] != ',')
            end++;
        str_t word = {options.data + i, end - i};

        if (str_is(word, "fastmath"))
            *ret_fastmath = true;
        else if (str_is(word, "inspect"))
            *ret_inspect = true;
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
    bool fastmath, inspect;
    job_t *job;

    if (!run->core->runners)
        return err_set(err, FH_NOT_SUPPORTED, "this engine has no runner for kernels");
    int status = read_options(kernel->options, &fastmath, &inspect, err);

    if (!status)
        status = core_check_new(run->core, kernel->result, err);
    if (!status)
        status = job_new(run, &job, err);
    if (status)
        return status;
    status = runner_host_compile(run->core->runners, run->lane->owner.session, kernel->hash.data, run->call->raw,
                                 run->call->raw_size, str_copy(kernel->entry, entry, sizeof entry),
                                 str_copy(kernel->signature, signature, sizeof signature),
                                 str_copy(kernel->kind, kind, sizeof kind), inspect, fastmath, compiled, job, &job->number, err);
    if (!status) {
        run->call->phase = PHASE_FINISH;
        run->next = NEXT_WAIT;
    }
    return status;
}

static const char *
kind_name(kernel_kind_t kind)
{
    return kind == KERNEL_UFUNC ? "ufunc" : "piece";
}

/* "float64(float64, int32)" */
static void
write_signature(const kernel_info_t *info, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s(", dtype_name(info->out));

    for (int i = 0; i < info->nin && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", dtype_name(info->in[i]));
    if (used < size)
        (void)snprintf(text + used, size - used, ")");
}

static int
publish_kernel(run_t *run, job_t *job, err_t *err)
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
    message_t info = {.code = MSG_KERNEL_INFO,
                      .raw = job->texts[0] && job->texts[1] ? 2 : 0,
                      .as.KERNEL_INFO = {.call = message->call,
                                         .entry = str_of(job->info.entry),
                                         .signature = str_of(signature),
                                         .kind = str_of(kind_name(job->info.kind)),
                                         .producer = str_of(job->info.producer),
                                         .compile_ns = job->info.compile_ns}};

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
    job_t *job = run->call->state;
    int status;

    if (run->call->phase != PHASE_FINISH) {
        if (!run->on_reactor) {
            run->next = NEXT_REACTOR;
            return FH_OK;
        }
        status = ask_to_compile(run, err);
    } else if (!is_finished(run, job)) {
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
        job_free(run);
    return status;
}

/* ---- KERNEL_CALL --------------------------------------------------------------------------------------------------- */

/* Copy the kernel's record, so that it may be released meanwhile. */
static int
find_kernel(run_t *run, oid_t id, job_t *job, err_t *err)
{
    core_t *core = run->core;
    char text[OID_TEXT_SIZE];
    int status = FH_OK;

    pthread_mutex_lock(&core->lock);
    const object_t *object = object_table_find(&core->objects, id);

    if (!object) {
        status = err_set(err, FH_NO_SUCH_OBJECT, "this engine has no kernel with the id %s", oid_format(id, text));
    } else if (object->poison) {
        *err = *(const err_t *)buf_data(object->poison);
        status = err->status;
    } else if (object->type != OBJECT_KERNEL) {
        status = err_set(err, FH_WRONG_TYPE, "the object %s is an array, not a kernel", oid_format(id, text));
    } else {
        const kernel_t *kernel = object->kernel;

        job->number = kernel->number;
        job->info = kernel->info;
        if (!oid_equal(kernel->session, run->lane->owner.session))
            status = err_set(err, FH_KERNEL_ERROR, "the kernel was loaded by another session; load it in this one");
    }
    pthread_mutex_unlock(&core->lock);
    return status;
}

/* The runner maps memfds only, and piece kernels see contiguous memory only: copy what is neither. */
static int
make_mappable(run_t *run, const job_t *job, pin_t *pin, err_t *err)
{
    bool mappable = pin->segment && pin->segment->fd >= 0 && (job->info.kind == KERNEL_UFUNC || nd_is_c_contiguous(&pin->nd));
    pin_t copy = {0};

    if (mappable)
        return FH_OK;
    int status = core_make(run->core, run->lane, pin->nd.dtype, &pin->nd.shape, false, POOL_MEMFD, &copy, err);

    if (!status) {
        segment_touch(copy.segment);
        status = compute_assign(run->crew, &copy.nd, &pin->nd, err);
    }
    if (status) {
        pin_release(&copy);
        return status;
    }
    pin_release(pin);
    *pin = copy;
    return FH_OK;
}

static int
take_inputs(run_t *run, job_t *job, uint8_t scalars[KERNEL_MAX_ARGS][16], err_t *err)
{
    const operands_t inputs = run->call->message.as.KERNEL_CALL.inputs;
    int status = FH_OK;

    if ((int)inputs.count != job->info.nin)
        return err_set(err, FH_INVALID_ARGUMENT, "the kernel %s takes %d inputs, %u were given", job->info.entry, job->info.nin,
                       inputs.count);
    for (int i = 0; i < job->info.nin && !status; i++) {
        status = run_operand(run, &inputs.items[i], scalars[i], &job->in[i], err);
        job->nin = i + 1;
        if (!status && job->in[i].nd.dtype != job->info.in[i])
            status = err_set(err, FH_WRONG_TYPE, "input %d of the kernel %s is of dtype %s, not %s", i, job->info.entry,
                             dtype_name(job->info.in[i]), dtype_name(job->in[i].nd.dtype));
    }
    return status;
}

static int
find_shape(run_t *run, const job_t *job, shape_t *ret, err_t *err)
{
    const msg_KERNEL_CALL_t *message = &run->call->message.as.KERNEL_CALL;
    const shape_t *shapes[KERNEL_MAX_ARGS];
    dtype_t dtype;
    char have[128], need[128];
    int status = FH_OK;

    for (int i = 0; i < job->nin; i++)
        shapes[i] = &job->in[i].nd.shape;
    if (job->info.kind == KERNEL_UFUNC)
        status = shape_broadcast(shapes, job->nin, ret, err);
    else if (message->in_place)
        *ret = job->target.nd.shape;
    else
        status = run_shape(job->info.out, message->shape, &dtype, ret, err);
    if (!status && message->in_place && !shape_equal(ret, &job->target.nd.shape))
        status = err_set(err, FH_INVALID_ARGUMENT, "an output of shape %s cannot take a result of shape %s",
                         shape_format(&job->target.nd.shape, have, sizeof have), shape_format(ret, need, sizeof need));
    return status;
}

static int64_t
copied_bytes(const job_t *job)
{
    int64_t bytes = 0;

    for (int i = 0; i < job->nin; i++)
        if (!nd_is_c_contiguous(&job->in[i].nd))
            bytes += shape_bytes(&job->in[i].nd.shape, job->in[i].nd.dtype);
    return bytes;
}

/* Everything that can be done without the runner. */
static int
begin_call(run_t *run, err_t *err)
{
    const msg_KERNEL_CALL_t *message = &run->call->message.as.KERNEL_CALL;
    _Alignas(16) uint8_t scalars[KERNEL_MAX_ARGS][16];
    shape_t shape;
    job_t *job;
    int status = job_new(run, &job, err);

    if (status)
        return status;
    status = find_kernel(run, message->kernel, job, err);
    if (!status)
        status = message->in_place ? core_pin(run->core, message->result, &job->target, err)
                                   : core_check_new(run->core, message->result, err);
    if (!status)
        status = take_inputs(run, job, scalars, err);
    if (!status)
        status = find_shape(run, job, &shape, err);
    if (!status && run_defer(run, copied_bytes(job))) {
        job_free(run);
        return FH_OK;
    }
    for (int i = 0; i < job->nin && !status; i++)
        status = make_mappable(run, job, &job->in[i], err);
    if (!status)
        status = core_make(run->core, run->lane, job->info.out, &shape, false, POOL_MEMFD, &job->out, err);
    if (!status)
        run->call->phase = PHASE_ASK;
    return status;
}

static void
describe_array(const pin_t *pin, int fd, runner_array_t *ret)
{
    *ret = (runner_array_t){
        .fd = fd, .fd_size = (int64_t)pin->segment->size, .offset = pin->nd.data - pin->segment->data, .nd = pin->nd};
}

static int
ask_to_run(run_t *run, job_t *job, err_t *err)
{
    uint64_t timeout_ms = run->call->message.as.KERNEL_CALL.timeout_ms;
    runner_array_t in[KERNEL_MAX_ARGS], out;
    int status = FH_OK;

    if (call_cancelled(run->call))
        return err_set(err, FH_CANCELLED, "cancelled before the kernel ran");
    for (int i = 0; i < job->nin && !status; i++) {
        int fd = -1;

        status = segment_read_only_fd(job->in[i].segment, &fd, err);
        describe_array(&job->in[i], fd, &in[i]);
    }
    if (status)
        return status;
    segment_lend(job->out.segment);
    describe_array(&job->out, job->out.segment->fd, &out);
    pthread_mutex_lock(&run->core->lock);
    run->core->counters.kernel_calls++;
    pthread_mutex_unlock(&run->core->lock);
    return runner_host_run(run->core->runners, run->lane->owner.session, job->number, in, job->nin, &out,
                           clock_now_ns() + (int64_t)(timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS) * NS_PER_MS, ran, job,
                           &job->ticket, err);
}

/* The runner is done: its output becomes the result. */
static int
finish_call(run_t *run, job_t *job, err_t *err)
{
    const msg_KERNEL_CALL_t *message = &run->call->message.as.KERNEL_CALL;
    int status = job->status;

    if (status) {
        *err = job->err;
        return status;
    }
    if (!message->in_place)
        return core_publish(run->core, run->lane, message->result, &job->out, false, err);
    if (run_defer(run, shape_bytes(&job->target.nd.shape, job->target.nd.dtype)))
        return FH_OK;
    status = run_writes(run, &job->target, err);
    return status ? status : compute_assign(run->crew, &job->target.nd, &job->out.nd, err);
}

static int
run_kernel_call(run_t *run, err_t *err)
{
    int status = FH_OK;

    if (run->call->phase == PHASE_BEGIN)
        status = begin_call(run, err);
    job_t *job = run->call->state;

    if (!status && run->call->phase == PHASE_ASK && !run->on_reactor) {
        run->next = NEXT_REACTOR;
    } else if (!status && run->call->phase == PHASE_ASK) {
        status = ask_to_run(run, job, err);
        run->call->phase = PHASE_FINISH;
        run->next = NEXT_WAIT;
    } else if (!status && run->call->phase == PHASE_FINISH && !is_finished(run, job)) {
        run->next = NEXT_WAIT;
    } else if (!status && run->call->phase == PHASE_FINISH) {
        status = finish_call(run, job, err);
    }
    if (status || run->next == NEXT_DONE)
        job_free(run);
    return status;
}

static uint64_t
ticket_of(const call_t *call)
{
    const job_t *job = call->state;

    return job && !job->finished ? job->ticket : 0;
}

static int
results_kernel_call(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.KERNEL_CALL.result;
    return !message->as.KERNEL_CALL.in_place;
}

static const method_t ROWS[] = {
    {.code = MSG_KERNEL, .flags = METHOD_ANSWERS, .detail = offsetof(message_t, as.KERNEL.entry), .run = run_kernel},
    {.code = MSG_KERNEL_CALL, .run = run_kernel_call, .results = results_kernel_call, .ticket = ticket_of},
};

const method_table_t METHODS_KERNEL = {ROWS, sizeof ROWS / sizeof *ROWS};
