/* engine/methods/kernel_call.c - KERNEL_CALL: ufunc and piece kernels. */
#include "engine/methods/kernel_job.h"

#include <stddef.h>

enum { KINDS = 1 << KERNEL_UFUNC | 1 << KERNEL_PIECE };

static int
take_operands(run_t *run, kernel_job_t *job, err_t *err)
{
    const msg_KERNEL_CALL_t *message = &run->call->message.as.KERNEL_CALL;
    const kernel_info_t *info = &job->kernel.info;
    bool masked = job->call.masked;
    int status = FH_OK;

    if (job->call.nin != info->nin)
        return err_set(err, FH_INVALID_ARGUMENT, "the kernel %.200s takes %d inputs, %d were given", info->entry,
                       info->nin, job->call.nin);
    if (info->nout != 1)
        return err_set(err, FH_KERNEL_ERROR, "the kernel %.200s has %d outputs; KERNEL_CALL makes one result",
                       info->entry, info->nout);
    if (masked && info->kind != KERNEL_UFUNC)
        return err_set(err, FH_INVALID_ARGUMENT, "the kernel %.200s is no ufunc: it cannot be told where to compute",
                       info->entry);
    for (int i = 0; i < job->call.nin && !status; i++) {
        status = kernel_job_input(run, job, i, &message->inputs.items[i], err);
        if (!status)
            status = kernel_job_check_dtype(job, i, info->in[i], err);
    }
    if (!status && masked)
        status = kernel_job_pin(run, job, job->call.nin, message->where, err);
    if (!status && masked && job->operands[job->call.nin].nd.dtype != DTYPE_BOOL)
        status = err_set(err, FH_WRONG_TYPE, "where is of dtype %s, not bool",
                         dtype_name(job->operands[job->call.nin].nd.dtype));
    return status;
}

/* Ufuncs broadcast to the result that exists or is announced, which must not be smaller than what they give. */
static int
find_shape(run_t *run, const kernel_job_t *job, shape_t *ret, err_t *err)
{
    const msg_KERNEL_CALL_t *message = &run->call->message.as.KERNEL_CALL;
    const shape_t *shapes[KERNEL_MAX_ARGS + 2];
    shape_t announced;
    dtype_t dtype;
    char have[128], need[128];
    int n = 0, status = FH_OK;

    if (message->in_place)
        announced = job->results[0].target.nd.shape;
    else
        status = run_shape(job->kernel.info.out[0], message->shape, &dtype, &announced, err);
    if (status || job->kernel.info.kind == KERNEL_PIECE) {
        *ret = announced;
        return status;
    }
    for (; n < job->call.nin + job->call.masked; n++)
        shapes[n] = &job->operands[n].nd.shape;
    shapes[n++] = &announced;
    status = shape_broadcast(shapes, n, ret, err);
    if (!status && (message->in_place || message->shape.count) && !shape_equal(ret, &announced))
        status = err_set(err, FH_INVALID_ARGUMENT, "an output of shape %s cannot take a result of shape %s",
                         shape_format(&announced, have, sizeof have), shape_format(ret, need, sizeof need));
    return status;
}

/* Bytes that are copied or made. */
static int64_t
touched_bytes(const kernel_job_t *job, const shape_t *shape)
{
    int64_t bytes = 0;

    kernel_job_touch(&bytes, shape, job->kernel.info.out[0]);
    for (int i = 0; i < job->call.nin && job->kernel.info.kind == KERNEL_PIECE; i++)
        if (!nd_is_c_contiguous(&job->operands[i].nd))
            kernel_job_touch(&bytes, &job->operands[i].nd.shape, job->operands[i].nd.dtype);
    return bytes;
}

/* Piece kernels see contiguous memory only.  Where a mask leaves elements out, they are what they were, or zero. */
static int
prepare(run_t *run, kernel_job_t *job, const shape_t *shape, err_t *err)
{
    bool exists = job->results[0].exists, masked = job->call.masked;
    /* Fresh memory is zero where a mask leaves elements out; memory that others have a part in may not be. */
    const kernel_room_t room = {.dtype = job->kernel.info.out[0],
                                .shape = shape,
                                .first = run->call->message.as.KERNEL_CALL.first,
                                .pool_flags = masked && !exists ? POOL_CLEARED : 0,
                                .strided = job->kernel.info.kind == KERNEL_UFUNC && !masked};
    int status = FH_OK;

    for (int i = 0; i < job->call.nin && job->kernel.info.kind == KERNEL_PIECE && !status; i++)
        if (!nd_is_c_contiguous(&job->operands[i].nd))
            status = kernel_job_copy(run, job, i, err);
    if (!status)
        status = kernel_job_make(run, job, 0, &room, err);
    if (!status && masked && exists)
        status = kernel_job_start_from_target(run, job, 0, err);
    return status;
}

static int
begin_call(run_t *run, err_t *err)
{
    const msg_KERNEL_CALL_t *message = &run->call->message.as.KERNEL_CALL;
    bool masked = !oid_is_none(message->where);
    kernel_job_t *job;
    shape_t shape;
    int status = kernel_job_new(run, (int)message->inputs.count + masked + 1, 1, &job, err);

    if (status)
        return status;
    job->call.nin = (int)message->inputs.count;
    job->call.masked = masked;
    job->call.nout = 1;
    job->call.piece = (int64_t)message->piece - 1;
    job->timeout_ms = message->timeout_ms;
    job->watch = message->watch;
    status = kernel_job_find(run, job, message->kernel, KINDS, err);
    if (!status)
        status = take_operands(run, job, err);
    if (!status)
        status = kernel_job_result(run, job, 0, message->result, message->in_place, err);
    if (!status)
        status = find_shape(run, job, &shape, err);
    if (!status)
        status = kernel_job_check_target(job, 0, job->kernel.info.out[0], &shape, err);
    if (!status && run_defer(run, touched_bytes(job, &shape)))
        kernel_job_free(run);
    else if (!status)
        status = prepare(run, job, &shape, err);
    return status;
}

static int
run_kernel_call(run_t *run, err_t *err)
{
    return kernel_job_run(run, begin_call, err);
}

static int
results_kernel_call(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.KERNEL_CALL.result;
    return !message->as.KERNEL_CALL.in_place;
}

static const method_t ROWS[] = {
    {.code = MSG_KERNEL_CALL, .run = run_kernel_call, .results = results_kernel_call, .ticket = kernel_job_ticket},
};

const method_table_t METHODS_KERNEL_CALL = {ROWS, sizeof ROWS / sizeof *ROWS};
