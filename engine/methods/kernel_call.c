/* engine/methods/kernel_call.c - KERNEL_CALL: a runner computes over mapped segments. */
#include "base/clock.h"
#include "engine/methods/kernel_job.h"

#include <stddef.h>

enum { DEFAULT_TIMEOUT_MS = 30000, NS_PER_MS = 1000000 };

static void
ran(void *context, int status, const err_t *err)
{
    kernel_job_finish(context, status, err);
}

/* Copy the kernel's record, so that it may be released meanwhile. */
static int
find_kernel(run_t *run, oid_t id, kernel_job_t *job, err_t *err)
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
make_mappable(run_t *run, const kernel_job_t *job, pin_t *pin, err_t *err)
{
    bool mappable =
        pin->segment && pin->segment->fd >= 0 && (job->info.kind == KERNEL_UFUNC || nd_is_c_contiguous(&pin->nd));
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
take_inputs(run_t *run, kernel_job_t *job, uint8_t scalars[KERNEL_MAX_ARGS][16], err_t *err)
{
    const operands_t inputs = run->call->message.as.KERNEL_CALL.inputs;
    int status = FH_OK;

    if ((int)inputs.count != job->info.nin)
        return err_set(err, FH_INVALID_ARGUMENT, "the kernel %s takes %d inputs, %u were given", job->info.entry,
                       job->info.nin, inputs.count);
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
find_shape(run_t *run, const kernel_job_t *job, shape_t *ret, err_t *err)
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
        status = run_shape(job->info.out[0], message->shape, &dtype, ret, err);
    if (!status && message->in_place && !shape_equal(ret, &job->target.nd.shape))
        status = err_set(err, FH_INVALID_ARGUMENT, "an output of shape %s cannot take a result of shape %s",
                         shape_format(&job->target.nd.shape, have, sizeof have), shape_format(ret, need, sizeof need));
    return status;
}

/* Bytes that are copied or made. */
static int64_t
touched_bytes(const kernel_job_t *job, const shape_t *shape)
{
    int64_t bytes = shape_bytes(shape, job->info.out[0]);

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
    kernel_job_t *job;
    int status = kernel_job_new(run, &job, err);

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
    if (!status && run_defer(run, touched_bytes(job, &shape))) {
        kernel_job_free(run);
        return FH_OK;
    }
    for (int i = 0; i < job->nin && !status; i++)
        status = make_mappable(run, job, &job->in[i], err);
    if (!status)
        status = core_make(run->core, run->lane, job->info.out[0], &shape, false, POOL_MEMFD, &job->out, err);
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
ask_to_run(run_t *run, kernel_job_t *job, err_t *err)
{
    uint64_t timeout_ms = run->call->message.as.KERNEL_CALL.timeout_ms;
    runner_array_t operands[KERNEL_MAX_ARGS + 1];
    int status = FH_OK;

    if (call_cancelled(run->call))
        return err_set(err, FH_CANCELLED, "cancelled before the kernel ran");
    for (int i = 0; i < job->nin && !status; i++) {
        int fd = -1;

        status = segment_read_only_fd(job->in[i].segment, &fd, err);
        describe_array(&job->in[i], fd, &operands[i]);
    }
    if (status)
        return status;
    segment_lend(job->out.segment);
    describe_array(&job->out, job->out.segment->fd, &operands[job->nin]);
    pthread_mutex_lock(&run->core->lock);
    run->core->counters.kernel_calls++;
    pthread_mutex_unlock(&run->core->lock);
    const runner_call_t call = {.operands = operands,
                                .nin = job->nin,
                                .nout = 1,
                                .axis = -1,
                                .piece = -1,
                                .deadline_ns = clock_now_ns() +
                                               (int64_t)(timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS) * NS_PER_MS};
    return runner_host_run(run->core->runners, run->lane->owner.session, job->number, &call, ran, job, &job->ticket,
                           err);
}

/* The runner is done: its output becomes the result. */
static int
finish_call(run_t *run, kernel_job_t *job, err_t *err)
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
    kernel_job_t *job = run->call->state;

    if (!status && run->call->phase == PHASE_ASK && !run->on_reactor) {
        run->next = NEXT_REACTOR;
    } else if (!status && run->call->phase == PHASE_ASK) {
        status = ask_to_run(run, job, err);
        run->call->phase = PHASE_FINISH;
        run->next = NEXT_WAIT;
    } else if (!status && run->call->phase == PHASE_FINISH && !kernel_job_finished(run, job)) {
        run->next = NEXT_WAIT;
    } else if (!status && run->call->phase == PHASE_FINISH) {
        status = finish_call(run, job, err);
    }
    if (status || run->next == NEXT_DONE)
        kernel_job_free(run);
    return status;
}

static uint64_t
ticket_of(const call_t *call)
{
    const kernel_job_t *job = call->state;

    return job && !job->finished ? job->ticket : 0;
}

static int
results_kernel_call(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.KERNEL_CALL.result;
    return !message->as.KERNEL_CALL.in_place;
}

static const method_t ROWS[] = {
    {.code = MSG_KERNEL_CALL, .run = run_kernel_call, .results = results_kernel_call, .ticket = ticket_of},
};

const method_table_t METHODS_KERNEL_CALL = {ROWS, sizeof ROWS / sizeof *ROWS};
