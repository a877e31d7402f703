/* engine/methods/kernel_job.c - the life of a kernel's call and its phases. */
#include "engine/methods/kernel_job.h"

#include "base/clock.h"
#include "engine/compute/flags.h"
#include "engine/methods/result.h"
#include "engine/raised.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TIMEOUT_MS = 30000, NS_PER_MS = 1000000 };

/* ---- life ----------------------------------------------------------------------------------------------------------
 */

int
kernel_job_new(run_t *run, int operands, int results, kernel_job_t **ret, err_t *err)
{
    size_t arrays = (size_t)operands * sizeof(runner_array_t), segments = (size_t)operands * sizeof(segment_t *);
    kernel_job_t *job = calloc(1, sizeof *job + arrays + segments + (size_t)results * sizeof(kernel_result_t));

    if (!job)
        return err_set(err, FH_NO_MEMORY, "no memory for the call of a kernel");
    job->core = run->core;
    job->lane = run->lane;
    job->room = operands;
    job->nresults = results;
    job->operands = (runner_array_t *)(job + 1);
    job->segments = (segment_t **)((char *)job->operands + arrays);
    job->results = (kernel_result_t *)((char *)job->segments + segments);
    job->call = (runner_call_t){.operands = job->operands, .axis = -1, .piece = -1};
    pthread_mutex_lock(&run->core->lock);
    run->call->state = job;
    pthread_mutex_unlock(&run->core->lock);
    *ret = job;
    return FH_OK;
}

void
kernel_job_free(run_t *run)
{
    kernel_job_t *job = run->call->state;

    if (!job)
        return;
    pthread_mutex_lock(&run->core->lock);
    run->call->state = NULL;
    pthread_mutex_unlock(&run->core->lock);
    for (int i = 0; i < job->room; i++)
        segment_unref(&job->segments[i]);
    for (int i = 0; i < job->nresults; i++)
        pin_release(&job->results[i].target), pin_release(&job->results[i].place);
    buf_unref(&job->texts[0]);
    buf_unref(&job->texts[1]);
    free(job);
}

bool
kernel_job_finished(run_t *run, const kernel_job_t *job)
{
    pthread_mutex_lock(&run->core->lock);
    bool finished = job->finished;

    pthread_mutex_unlock(&run->core->lock);
    return finished;
}

void
kernel_job_finish(kernel_job_t *job, int status, const err_t *err)
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

uint64_t
kernel_job_ticket(const call_t *call)
{
    const kernel_job_t *job = call->state;

    return job && !job->finished ? job->ticket : 0;
}

/* ---- the kernel ----------------------------------------------------------------------------------------------------
 */

int
kernel_find(core_t *core, oid_t id, kernel_t *ret, err_t *err)
{
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
        status = err_set(err, FH_WRONG_TYPE, "the object %s is of type %s, not a kernel", oid_format(id, text),
                         object_type_name(object->type));
    } else {
        *ret = *(const kernel_t *)object->kernel;
    }
    pthread_mutex_unlock(&core->lock);
    return status;
}

int
kernel_job_find(run_t *run, kernel_job_t *job, oid_t id, unsigned kinds, err_t *err)
{
    static const msg_code_t RUN_BY[KERNEL_KINDS] = {MSG_KERNEL_CALL, MSG_KERNEL_CALL, MSG_KERNEL_MAP, MSG_KERNEL_MAP,
                                                    MSG_KERNEL_FOLD};
    int status = kernel_find(run->core, id, &job->kernel, err);

    if (status)
        return status;
    const kernel_info_t *info = &job->kernel.info;

    if (!oid_equal(job->kernel.session, run->lane->owner.session))
        return err_set(err, FH_KERNEL_ERROR, "the kernel %.200s was loaded by another session; load it in this one",
                       info->entry);
    if (!(kinds >> info->kind & 1))
        return err_set(err, FH_KERNEL_ERROR, "the kernel %.200s is of kind %s, which %s runs, not %s", info->entry,
                       kernel_kind_name((int)info->kind), message_desc(RUN_BY[info->kind])->name,
                       message_desc(run->call->message.code)->name);
    return FH_OK;
}

/* ---- phases --------------------------------------------------------------------------------------------------------
 */

static void
ran(void *context, int status, unsigned raised, const err_t *err)
{
    kernel_job_t *job = context;

    job->raised = raised;
    kernel_job_finish(job, status, err);
}

/* Arrays in files go to the runner as descriptors, those on the heap as they are. */
static int
lend(kernel_job_t *job, err_t *err)
{
    int outputs = job->call.nin + job->call.masked;

    for (int i = 0; i < job->room; i++) {
        runner_array_t *array = &job->operands[i];
        segment_t *segment = job->segments[i];
        int status = FH_OK;

        array->fd = -1;
        if (!segment || segment->fd < 0)
            continue;
        if (i >= outputs && i < outputs + job->call.nout) {
            segment_lend(segment);
            array->fd = segment->fd;
        } else {
            status = segment_read_only_fd(segment, &array->fd, err);
        }
        if (status)
            return status;
        array->segment = segment->number;
        array->fd_size = (int64_t)segment->size;
        array->offset = array->nd.data - segment->data;
    }
    return FH_OK;
}

static int
ask(run_t *run, kernel_job_t *job, err_t *err)
{
    uint64_t timeout_ms = job->timeout_ms ? job->timeout_ms : DEFAULT_TIMEOUT_MS;

    if (call_cancelled(run->call))
        return err_set(err, FH_CANCELLED, "cancelled before the kernel ran");
    int status = lend(job, err);

    if (status)
        return status;
    job->call.watch = (unsigned)(job->watch & FLAGS_ALL);
    job->call.deadline_ns = clock_now_ns() + (int64_t)timeout_ms * NS_PER_MS;
    pthread_mutex_lock(&run->core->lock);
    run->core->counters.kernel_calls++;
    pthread_mutex_unlock(&run->core->lock);
    return runner_host_run(run->core->runners, run->lane->owner.session, job->kernel.number, &job->call, ran, job,
                           &job->ticket, err);
}

static int
publish_new(run_t *run, kernel_job_t *job, err_t *err)
{
    oid_t ids[KERNEL_MAX_OUT];
    pin_t pins[KERNEL_MAX_OUT];
    int n = 0;

    for (int i = 0; i < job->nresults; i++) {
        int output = kernel_job_output(job, i);

        if (job->results[i].exists)
            continue;
        ids[n] = job->results[i].id;
        pins[n++] = (pin_t){.segment = job->segments[output], .nd = job->operands[output].nd};
        job->segments[output] = NULL;
    }
    return core_publish_all(run->core, run->lane, ids, pins, n, err);
}

/* New results that are to lie elsewhere go there. */
static int
settle(run_t *run, kernel_job_t *job, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; i < job->nresults && !status; i++) {
        int output = kernel_job_output(job, i);
        pin_t pin = {.segment = job->segments[output], .nd = job->operands[output].nd};

        status = result_settle(run, &pin, &job->results[i].place, err);
        job->segments[output] = pin.segment;
        job->operands[output].nd = pin.nd;
    }
    return status;
}

/* The client is to hear of floating-point flags that the kernel has raised: under its name, as much as there is room
 * for. */
static void
note_flags(kernel_job_t *job)
{
    str_t entry = str_of(job->kernel.info.entry);

    if (entry.size > RAISED_NAME_MAX)
        entry.size = RAISED_NAME_MAX;
    pthread_mutex_lock(&job->core->lock);
    raised_note(job->lane, job->watch, job->raised, entry);
    pthread_mutex_unlock(&job->core->lock);
}

/* The runner is done: its outputs become the results. */
static int
finish(run_t *run, kernel_job_t *job, err_t *err)
{
    int64_t bytes = 0;
    int status = job->status;

    if (status) {
        *err = job->err;
        return status;
    }
    for (int i = 0; i < job->nresults; i++)
        if (job->results[i].exists || job->results[i].place.segment) {
            const nd_t *nd = &job->operands[kernel_job_output(job, i)].nd;

            kernel_job_touch(&bytes, &nd->shape, nd->dtype);
        }
    if (run_defer(run, bytes))
        return FH_OK;
    /* What can fail comes first. */
    for (int i = 0; i < job->nresults && !status; i++)
        if (job->results[i].exists)
            status = run_writes(run, &job->results[i].target, err);
    if (!status)
        status = settle(run, job, err);
    if (!status)
        status = publish_new(run, job, err);
    for (int i = 0; i < job->nresults && !status; i++)
        if (job->results[i].exists)
            status = compute_assign(run->crew, &job->results[i].target.nd, &job->operands[kernel_job_output(job, i)].nd,
                                    err);
    if (!status && job->raised)
        note_flags(job);
    return status;
}

int
kernel_job_run(run_t *run, int (*begin)(run_t *run, err_t *err), err_t *err)
{
    call_t *call = run->call;
    int status = FH_OK;

    if (call->phase == PHASE_BEGIN) {
        if (!run->core->runners)
            return err_set(err, FH_NOT_SUPPORTED, "this engine has no runner for kernels");
        status = begin(run, err);
        if (!status && !call->state)
            return FH_OK;
        call->phase = status ? PHASE_BEGIN : PHASE_ASK;
    }
    kernel_job_t *job = call->state;

    if (!status && call->phase == PHASE_ASK && !run->on_reactor) {
        run->next = NEXT_REACTOR;
    } else if (!status && call->phase == PHASE_ASK) {
        status = ask(run, job, err);
        call->phase = PHASE_FINISH;
        run->next = NEXT_WAIT;
    } else if (!status && !kernel_job_finished(run, job)) {
        run->next = NEXT_WAIT;
    } else if (!status) {
        status = finish(run, job, err);
    }
    /* What has not begun begins anew when it is put off. */
    if ((status && !run->put_off) || run->next == NEXT_DONE || call->phase == PHASE_BEGIN)
        kernel_job_free(run);
    return status;
}
