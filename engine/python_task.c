/* engine/python_task.c - calls that have left their lane for a worker: what becomes of them. */
#include "engine/python_host_private.h"

#include <stdlib.h>

struct python_task {
    oid_t session;
    call_t *call; /* of no lane; holds the batch that the request lay in */
};

int
python_task_ask(python_hosts_t *self, oid_t session, uint64_t worker, call_t **call, python_request_t *request,
                err_t *err)
{
    python_host_t *host;
    python_job_t *job;
    python_task_t *task = calloc(1, sizeof *task);
    int status = task ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for a Python call");

    if (!status)
        status = worker > 1 ? python_hosts_open_worker(self, session, worker - 1, &host, err)
                            : python_hosts_open(self, session, &host, err);
    if (!status && !python_host_has_room(host, request->body_bytes))
        status = err_set(err, FH_LIMIT_EXCEEDED, "too many calls wait for this Python host: wait for answers");
    if (!status)
        status = python_host_ask(host, request, &job, err);
    if (status) {
        free(task);
        return status;
    }
    *task = (python_task_t){session, *call};
    *call = NULL;
    job->task = task;
    python_host_push(host);
    return FH_OK;
}

bool
python_task_is_wanted(const python_job_t *job, const msg_CANCEL_t *cancel)
{
    uint64_t number = job->task ? message_call(&job->task->call->message) : 0;

    if (!job->task || cancel->objects.count || number > cancel->call)
        return false;
    for (uint32_t i = 0; i < cancel->calls.count; i++)
        if ((uint64_t)cancel->calls.items[i] == number)
            return true;
    return !cancel->calls.count;
}

void
python_task_cancel(python_job_t *job)
{
    __atomic_store_n(&job->task->call->cancelled, true, __ATOMIC_RELAXED);
}

/* The session, or its connection, may be another one by now: then nobody waits for the answer. */
static void
answer(core_t *core, const python_task_t *task, python_job_t *job)
{
    const msg_PY_CALL_t *message = &task->call->message.as.PY_CALL;
    lane_t *lane = lanes_find(&core->lanes, task->session);
    err_t err = {0};

    if (!lane || lane->gone || lane->connection != task->call->connection ||
        !python_reply(core, lane, message, job, &err))
        return;
    err_set_origin(&err, "engine %d (%s), PY_CALL %.40s", core->number, core->host_name, job->what);
    core_reply_error(core, lane, message->call, &err);
}

void
python_task_finish(core_t *core, python_job_t *job)
{
    python_task_t *task = job->task;

    answer(core, task, job);
    python_job_free(core, &job);
    call_free(&core->lanes, &task->call);
    free(task);
}
