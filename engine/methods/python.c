/* engine/methods/python.c - PY_CALL: a call's way to the session's Python host and back.
 *
 * Hosts belong to the reactor.  The first call of a lane is asked there, and with it those behind it that need nothing
 * but objects that are there already: the host works through them without waiting for us.  Each passes through the lane
 * in its turn all the same; it is finished then, or the lane waits. */
#include "engine/methods.h"
#include "engine/python_host.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { PHASE_BEGIN, PHASE_FINISH, AHEAD_CALLS = 512, NS_PER_MS = 1000000 };

/* ---- asking --------------------------------------------------------------------------------------------------------
 */

/* Under the lock: all Python objects must be there, in this host. */
static int
check_objects(core_t *core, const oids_t *objects, uint64_t host, err_t *err)
{
    char text[OID_TEXT_SIZE];

    for (uint32_t i = 0; i < objects->count; i++) {
        oid_t id = objects->items[i];
        const object_t *object = object_table_find(&core->objects, id);

        if (!object)
            return err_set(err, FH_NO_SUCH_OBJECT, "this engine has no object with the id %s", oid_format(id, text));
        if (object->poison) {
            *err = *(const err_t *)buf_data(object->poison);
            return err->status;
        }
        if (object->type != OBJECT_PYTHON)
            return err_set(err, FH_WRONG_TYPE, "the object %s is of type %s, not python", oid_format(id, text),
                           object_type_name(object->type));
        if (object->host != host)
            return err_set(err, FH_INVALID_ARGUMENT,
                           "the Python object %s is in another Python host: another session's, or that of published "
                           "objects",
                           oid_format(id, text));
    }
    return FH_OK;
}

/* Likewise, and the result's id must be new. */
static int
check_call(core_t *core, const msg_PY_CALL_t *call, uint64_t host, err_t *err)
{
    char text[OID_TEXT_SIZE];
    int status = check_objects(core, &call->objects, host, err);

    if (!status && !oid_is_none(call->result) && object_table_find(&core->objects, call->result))
        status = err_set(err, FH_INVALID_ARGUMENT, "a result cannot get the id %s: an object has it already",
                         oid_format(call->result, text));
    return status;
}

/* Under the lock. */
static int
pin_arrays(core_t *core, const msg_PY_CALL_t *call, pin_t *ret, err_t *err)
{
    int status = FH_OK;

    for (uint32_t i = 0; i < call->arrays.count && !status; i++)
        status = core_pin_locked(core, call->arrays.items[i], ret++, err);
    for (uint32_t i = 0; i < call->buffers.count && !status; i++) {
        status = core_pin_locked(core, call->buffers.items[i], ret, err);
        if (!status && (ret->nd.dtype != DTYPE_UINT8 || !nd_is_c_contiguous(&ret->nd) || ret->nd.shape.ndim != 1))
            status = err_set(err, FH_INVALID_ARGUMENT, "a buffer of a Python call is no row of bytes");
        ret++;
    }
    return status;
}

static int
find_body(const call_t *call, python_request_t *ret, err_t *err)
{
    const msg_PY_CALL_t *message = &call->message.as.PY_CALL;

    ret->body = call->raw ? (const void *)call->raw : message->body.data;
    ret->body_bytes = call->raw ? call->raw_size : message->body.size;
    if (ret->body_bytes > PYHOST_BODY)
        return err_set(err, FH_LIMIT_EXCEEDED, "a pickle of %zu bytes; above %d it is sent as an array",
                       ret->body_bytes, PYHOST_BODY);
    if (ret->body_bytes)
        return FH_OK;
    ret->body = NULL;
    return message->buffers.count ? FH_OK : err_set(err, FH_INVALID_ARGUMENT, "a Python call without a pickle");
}

static void
release_request(python_request_t *request)
{
    for (uint32_t i = 0; request->arrays && i < request->narrays + request->nbuffers; i++)
        pin_release(&request->arrays[i]);
    free(request->arrays);
    request->arrays = NULL;
}

/* A call as a host is asked for it.  Its arrays are pinned; release_request them. */
static int
prepare(core_t *core, const call_t *call, uint64_t host, python_request_t *ret, err_t *err)
{
    const msg_PY_CALL_t *message = &call->message.as.PY_CALL;
    uint32_t pins = message->arrays.count + message->buffers.count;
    int status;

    *ret = (python_request_t){.call = call,
                              .what = message->what,
                              .result = message->result,
                              .objects = message->objects.items,
                              .nobjects = message->objects.count,
                              .narrays = message->arrays.count,
                              .nbuffers = message->buffers.count,
                              .timeout_ns = (int64_t)message->timeout_ms * NS_PER_MS};
    status = find_body(call, ret, err);
    if (!status && pins) {
        ret->arrays = calloc(pins, sizeof *ret->arrays);
        if (!ret->arrays)
            status = err_set(err, FH_NO_MEMORY, "no memory for the arrays of a Python call");
    }
    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    status = check_call(core, message, host, err);
    if (!status)
        status = pin_arrays(core, message, ret->arrays, err);
    pthread_mutex_unlock(&core->lock);
    if (status)
        release_request(ret);
    return status;
}

/* Ask for a call.  It has its job then. */
static int
ask(core_t *core, lane_t *lane, call_t *call, python_host_t *host, err_t *err)
{
    python_request_t request;
    python_job_t *job;
    int status = prepare(core, call, python_host_serial(host), &request, err);

    if (status)
        return status;
    request.lane = lane;
    status = python_host_ask(host, &request, &job, err);
    release_request(&request);
    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    call->state = job;
    call->orphan = python_job_orphan;
    call->phase = PHASE_FINISH;
    pthread_mutex_unlock(&core->lock);
    return FH_OK;
}

/* Could the call be asked now, before those in front of it are through?  Under the lock. */
static bool
can_go_ahead(core_t *core, const call_t *call, const python_host_t *host, bool shared)
{
    const msg_PY_CALL_t *message = &call->message.as.PY_CALL;
    err_t err;

    return call->message.code == MSG_PY_CALL && message->shared == shared && !message->worker && !call->state &&
           !call->refused && !call_cancelled(call) && !message->arrays.count && !message->buffers.count &&
           python_host_has_room(host, call->raw_size + message->body.size) &&
           check_call(core, message, python_host_serial(host), &err) == FH_OK;
}

/* Calls behind the first one.  Nobody else takes them while the lane runs. */
static void
ask_ahead(run_t *run, python_host_t *host)
{
    core_t *core = run->core;
    call_t *call = run->call;
    bool shared = call->message.as.PY_CALL.shared;

    for (int i = 0; i < AHEAD_CALLS; i++) {
        pthread_mutex_lock(&core->lock);
        call = run->lane->gone ? NULL : call->next;
        bool can = call && can_go_ahead(core, call, host, shared);

        pthread_mutex_unlock(&core->lock);
        if (!can || ask(core, run->lane, call, host, NULL))
            return;
    }
}

/* A call for a worker leaves the lane: it is answered when it has been run, in whatever order. */
static int
begin_task(run_t *run, err_t *err)
{
    core_t *core = run->core;
    const call_t *call = run->call;
    const msg_PY_CALL_t *message = &call->message.as.PY_CALL;
    python_request_t request;
    call_t *task = NULL;

    if (message->shared || message->objects.count || message->arrays.count || !oid_is_none(message->result))
        return err_set(err, FH_INVALID_ARGUMENT,
                       "a call for a further Python host names objects or arrays, or keeps its result: those are in "
                       "the session's first one");
    int status = prepare(core, call, 0, &request, err);

    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    status = call_new(&core->lanes, call->batch, &call->message, &task, err);
    pthread_mutex_unlock(&core->lock);
    if (!status) {
        task->connection = call->connection;
        request.call = task;
        status = python_task_ask(core->pythons, run->lane->owner.session, message->worker, &task, &request, err);
    }
    release_request(&request);
    pthread_mutex_lock(&core->lock);
    call_free(&core->lanes, &task);
    pthread_mutex_unlock(&core->lock);
    return status;
}

static int
begin(run_t *run, err_t *err)
{
    python_host_t *host;
    oid_t of = run->call->message.as.PY_CALL.shared ? PYTHON_SHARED : run->lane->owner.session;
    int status = python_hosts_open(run->core->pythons, of, &host, err);

    if (!status)
        status = ask(run->core, run->lane, run->call, host, err);
    if (status)
        return status;
    ask_ahead(run, host);
    python_host_push(host);
    return FH_OK;
}

static bool
is_finished(run_t *run, const python_job_t *job)
{
    pthread_mutex_lock(&run->core->lock);
    bool finished = job->finished;

    pthread_mutex_unlock(&run->core->lock);
    return finished;
}

/* On the compute thread: what lies on disk comes back, before the reactor asks the host. */
static int
bring_back(run_t *run, const oids_t *ids, err_t *err)
{
    int status = FH_OK;

    for (uint32_t i = 0; i < ids->count && !status; i++) {
        pin_t pin = {0};

        status = core_pin(run->core, ids->items[i], &pin, err);
        pin_release(&pin);
    }
    return status;
}

static int
run_py_call(run_t *run, err_t *err)
{
    call_t *call = run->call;
    int status = FH_OK;

    if (!run->core->pythons && run->core->no_python[0])
        return err_set(err, FH_PERMISSION, "this engine runs no Python code since it was started: %s",
                       run->core->no_python);
    if (!run->core->pythons)
        return err_set(err, FH_PERMISSION,
                       "this engine runs no Python code: it was started without --python, or farhand was built without "
                       "Python");
    if (call->phase == PHASE_BEGIN && !run->on_reactor) {
        status = bring_back(run, &call->message.as.PY_CALL.arrays, err);
        if (!status)
            status = bring_back(run, &call->message.as.PY_CALL.buffers, err);
        if (!status)
            run->next = NEXT_REACTOR;
        return status;
    }
    if (call->phase == PHASE_BEGIN && call->message.as.PY_CALL.worker)
        return begin_task(run, err);
    if (call->phase == PHASE_BEGIN) {
        status = begin(run, err);
        run->next = status ? NEXT_DONE : NEXT_WAIT;
        return status;
    }
    python_job_t *job = call->state;

    if (!is_finished(run, job)) {
        run->next = NEXT_WAIT;
        return FH_OK;
    }
    pthread_mutex_lock(&run->core->lock);
    status = python_reply(run->core, run->lane, &call->message.as.PY_CALL, job, err);
    call->state = NULL;
    python_job_free(run->core, &job);
    pthread_mutex_unlock(&run->core->lock);
    return status;
}

/* ---- rings ---------------------------------------------------------------------------------------------------------
 * PY_RING asks the host for rings, PY_LOST what has become of one whose rings have hung up.  Either has a job in it. */

/* A host that the client means is there no more.  If all objects are in another one, the call was not run. */
static int
tell_lost(run_t *run, uint64_t host, err_t *err)
{
    const msg_PY_LOST_t *lost = &run->call->message.as.PY_LOST;
    const message_t answer = {.code = MSG_PY_RESULT, .as.PY_RESULT = {.call = lost->call, .claim = 2}};

    pthread_mutex_lock(&run->core->lock);
    int status = check_objects(run->core, &lost->objects, host, err);

    if (!status)
        core_reply(run->core, run->lane, &answer, NULL);
    pthread_mutex_unlock(&run->core->lock);
    return status;
}

static int
begin_beside(run_t *run, err_t *err)
{
    const message_t *message = &run->call->message;
    python_hosts_t *hosts = run->core->pythons;
    oid_t session = run->lane->owner.session;
    python_host_t *now = python_hosts_find(hosts, session), *host = now;
    python_job_t *job;

    run->next = NEXT_DONE;
    if (message->code == MSG_PY_LOST)
        host = python_hosts_find_process(hosts, session, message->as.PY_LOST.pid);
    if (!host && message->code == MSG_PY_LOST)
        return tell_lost(run, now ? python_host_serial(now) : 0, err);
    if (!host)
        return err_set(err, FH_NO_SUCH_OBJECT, "the session has no Python host here");
    int status = message->code == MSG_PY_RING
                     ? python_host_ask_ring(host, run->call, run->lane, &job, err)
                     : python_host_ask_end(host, run->call, run->lane, message->as.PY_LOST.what, &job, err);
    if (status)
        return status;
    pthread_mutex_lock(&run->core->lock);
    run->call->state = job;
    run->call->orphan = python_job_orphan;
    run->call->phase = PHASE_FINISH;
    pthread_mutex_unlock(&run->core->lock);
    python_host_push(host);
    run->next = NEXT_WAIT;
    return FH_OK;
}

/* The engine knows which process it is; the rest the client checks when it opens it. */
static void
reply_place(run_t *run, const python_job_t *job)
{
    const pyhost_place_t *place = &job->place;
    const message_t message = {.code = MSG_RING_PLACE,
                               .as.RING_PLACE = {.call = message_call(&run->call->message),
                                                 .pid = job->pid > 0 ? (uint64_t)job->pid : 1,
                                                 .memory_fd = place->memory_fd & INT32_MAX,
                                                 .memory_inode = place->memory_inode,
                                                 .engine_bell_fd = place->host_bell_fd & INT32_MAX,
                                                 .engine_bell_inode = place->host_bell_inode,
                                                 .client_bell_fd = place->client_bell_fd & INT32_MAX,
                                                 .client_bell_inode = place->client_bell_inode}};

    pthread_mutex_lock(&run->core->lock);
    core_reply(run->core, run->lane, &message, NULL);
    pthread_mutex_unlock(&run->core->lock);
}

static int
run_beside(run_t *run, err_t *err)
{
    call_t *call = run->call;
    python_job_t *job = call->state;
    int status = FH_OK;

    if (!run->core->pythons)
        return err_set(err, FH_PERMISSION, "this engine runs no Python code");
    if (call->phase == PHASE_BEGIN && !run->on_reactor) {
        run->next = NEXT_REACTOR;
        return FH_OK;
    }
    if (call->phase == PHASE_BEGIN)
        return begin_beside(run, err);
    if (!is_finished(run, job)) {
        run->next = NEXT_WAIT;
        return FH_OK;
    }
    if (job->status) {
        *err = job->err;
        status = job->status;
    } else {
        reply_place(run, job);
    }
    pthread_mutex_lock(&run->core->lock);
    call->state = NULL;
    python_job_free(run->core, &job);
    pthread_mutex_unlock(&run->core->lock);
    return status;
}

static int
results_py_call(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.PY_CALL.result;
    return !oid_is_none(ret[0]);
}

static const method_t ROWS[] = {
    {.code = MSG_PY_CALL,
     .flags = METHOD_ANSWERS,
     .detail = offsetof(message_t, as.PY_CALL.what),
     .run = run_py_call,
     .results = results_py_call},
    {.code = MSG_PY_RING, .flags = METHOD_ANSWERS, .run = run_beside},
    {.code = MSG_PY_LOST,
     .flags = METHOD_ANSWERS | METHOD_ALWAYS,
     .detail = offsetof(message_t, as.PY_LOST.what),
     .run = run_beside},
};

const method_table_t METHODS_PYTHON = {ROWS, sizeof ROWS / sizeof *ROWS};
