/* engine/methods/kernel_operands.c - the arrays of a kernel's call: pinned, checked, copied, made. */
#include "engine/methods/kernel_job.h"
#include "engine/methods/result.h"
#include "engine/places.h"

static void
put(kernel_job_t *job, int operand, pin_t *pin)
{
    segment_unref(&job->segments[operand]);
    job->segments[operand] = pin->segment;
    job->operands[operand].nd = pin->nd;
}

static int
check_number(const pin_t *pin, err_t *err)
{
    if (dtype_valid((uint64_t)pin->nd.dtype))
        return FH_OK;
    return err_set(err, FH_WRONG_TYPE, "kernels take arrays of numbers, not of %s", dtype_name(pin->nd.dtype));
}

int
kernel_job_pin(run_t *run, kernel_job_t *job, int operand, oid_t id, err_t *err)
{
    pin_t pin = {0};
    int status = run_pin_aligned(run, id, &pin, err);

    if (!status)
        status = check_number(&pin, err);
    if (!status)
        put(job, operand, &pin);
    else
        pin_release(&pin);
    return status;
}

int
kernel_job_input(run_t *run, kernel_job_t *job, int input, const operand_t *from, err_t *err)
{
    pin_t pin = {0};
    int status = oid_is_none(from->object) ? run_operand(run, from, job->constants[input], &pin, err)
                                           : run_pin_aligned(run, from->object, &pin, err);

    if (!status)
        status = check_number(&pin, err);
    if (!status)
        put(job, input, &pin);
    else
        pin_release(&pin);
    return status;
}

int
kernel_job_check_dtype(const kernel_job_t *job, int operand, dtype_t dtype, err_t *err)
{
    dtype_t have = job->operands[operand].nd.dtype;

    if (dtype == DTYPE_NONE || dtype == have)
        return FH_OK;
    return err_set(err, FH_WRONG_TYPE, "input %d of the kernel %.200s is of dtype %s, not %s", operand,
                   job->kernel.info.entry, dtype_name(have), dtype_name(dtype));
}

int
kernel_job_copy(run_t *run, kernel_job_t *job, int operand, err_t *err)
{
    const nd_t *nd = &job->operands[operand].nd;
    pin_t copy = {0};
    int status = core_make(run->core, run->lane, nd->dtype, &nd->shape, false, 0, &copy, err);

    if (!status) {
        segment_touch(copy.segment);
        status = compute_assign(run->crew, &copy.nd, nd, err);
    }
    if (status)
        pin_release(&copy);
    else
        put(job, operand, &copy);
    return status;
}

int
kernel_job_result(run_t *run, kernel_job_t *job, int result, oid_t id, bool exists, err_t *err)
{
    kernel_result_t *self = &job->results[result];
    char text[OID_TEXT_SIZE];

    self->id = id;
    self->exists = exists;
    for (int i = 0; i < result; i++)
        if (oid_equal(job->results[i].id, id))
            return err_set(err, FH_INVALID_ARGUMENT, "results %d and %d have the same id %s", i, result,
                           oid_format(id, text));
    return exists ? run_pin_aligned(run, id, &self->target, err) : core_check_new(run->core, id, err);
}

int
kernel_job_check_target(const kernel_job_t *job, int result, dtype_t dtype, const shape_t *shape, err_t *err)
{
    const kernel_result_t *self = &job->results[result];
    char have[128], need[128];

    if (!self->exists)
        return FH_OK;
    if (self->target.nd.dtype != dtype)
        return err_set(err, FH_WRONG_TYPE, "output %d is of dtype %s; the kernel %.200s writes %s", result,
                       dtype_name(self->target.nd.dtype), job->kernel.info.entry, dtype_name(dtype));
    if (!shape_equal(&self->target.nd.shape, shape))
        return err_set(err, FH_INVALID_ARGUMENT, "an output of shape %s cannot take a result of shape %s",
                       shape_format(&self->target.nd.shape, have, sizeof have), shape_format(shape, need, sizeof need));
    return FH_OK;
}

int
kernel_job_make(run_t *run, kernel_job_t *job, int result, const kernel_room_t *room, err_t *err)
{
    kernel_result_t *self = &job->results[result];
    oid_t id = self->exists ? OID_NONE : self->id;
    pin_t pin = {0};
    int status = room->strided ? core_make_piece(run->core, run->lane, id, room->dtype, room->shape, room->first,
                                                 room->pool_flags, &pin, err)
                               : result_make(run, id, room->dtype, room->shape, room->first, room->pool_flags, &pin,
                                             &self->place, err);

    if (status)
        return status;
    segment_touch(pin.segment);
    put(job, kernel_job_output(job, result), &pin);
    return FH_OK;
}

int
kernel_job_draft(run_t *run, kernel_job_t *job, int result, oid_t id, dtype_t dtype, const shape_t *shape, err_t *err)
{
    pin_t *pin = &job->results[result].target; /* keeps it writable until the job is done */
    char have[128], need[128];
    int status = core_pin(run->core, id, pin, err);

    if (!status && (pin->nd.dtype != dtype || !shape_equal(&pin->nd.shape, shape)))
        status = err_set(err, FH_INVALID_ARGUMENT, "a draft is %s of shape %s, not %s of shape %s",
                         dtype_name(pin->nd.dtype), shape_format(&pin->nd.shape, have, sizeof have), dtype_name(dtype),
                         shape_format(shape, need, sizeof need));
    if (!status && !oid_equal(pin->segment->session, run->lane->owner.session))
        status = err_set(err, FH_PERMISSION, "a draft belongs to another session");
    return status;
}

int
kernel_job_take_draft(run_t *run, kernel_job_t *job, int result, err_t *err)
{
    kernel_result_t *self = &job->results[result];
    pin_t *pin = &self->target, *place = &self->place;
    int status = run_writes(run, pin, err);

    if (status)
        return status;
    (void)places_find(run->lane, self->id, pin->nd.dtype, &pin->nd.shape, &place->segment, &place->nd);
    put(job, kernel_job_output(job, result), &(pin_t){.segment = segment_ref(pin->segment), .nd = pin->nd});
    return FH_OK;
}

int
kernel_job_start_from_target(run_t *run, kernel_job_t *job, int result, err_t *err)
{
    return compute_assign(run->crew, &job->operands[kernel_job_output(job, result)].nd, &job->results[result].target.nd,
                          err);
}

int
kernel_job_output(const kernel_job_t *job, int result)
{
    return job->call.nin + job->call.masked + result;
}

void
kernel_job_touch(int64_t *sum, const shape_t *shape, dtype_t dtype)
{
    int64_t bytes = shape_bytes(shape, dtype);

    if (bytes < 0 || __builtin_add_overflow(*sum, bytes, sum))
        *sum = INT64_MAX;
}
