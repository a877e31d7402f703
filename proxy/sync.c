#include "proxy/sync.h"

#include "proxy/error.h"
#include "proxy/wait.h"

#include <stdlib.h>

typedef struct {
    engine_link_t *engine;
    request_t request;
    bool sent;
} sync_t;

typedef struct {
    sync_t *items;
    int n;
} syncs_t;

static bool
all_done(const void *context)
{
    const syncs_t *self = context;
    for (int i = 0; i < self->n; i++)
        if (self->items[i].sent && self->items[i].request.due)
            return false;
    return true;
}

static int
start(sync_t *self, engine_link_t *engine, oid_t object, err_t *err)
{
    message_t message = {.code = MSG_SYNC};
    message.as.SYNC.object = object;
    uint64_t call;
    self->engine = engine;
    int status = engine_link_call(engine, &message, NULL, &call, err);
    if (status)
        return status;
    conn_expect(&engine->conn, &self->request, call, 1);
    self->sent = true;
    return FH_OK;
}

/* Wait for all that were started; forgets them in every case. */
static int
finish(fh_session *session, syncs_t *syncs, int status, int64_t deadline_ns, err_t *err)
{
    if (!status)
        status = wait_until(session, deadline_ns, all_done, syncs, err);
    for (int i = 0; i < syncs->n; i++) {
        sync_t *sync = &syncs->items[i];
        if (!sync->sent)
            continue;
        conn_forget(&sync->engine->conn, &sync->request);
        if (!status && sync->request.status) {
            status = sync->request.status;
            if (err)
                *err = sync->request.err;
        }
    }
    free(syncs->items);
    if (status == FH_INTERRUPTED)
        session_cancel(session);
    return status;
}

static int
begin(syncs_t *ret, int n, err_t *err)
{
    *ret = (syncs_t){calloc((size_t)n, sizeof *ret->items), n};
    return ret->items ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to wait for %d pieces", n);
}

int
sync_array(const fh_array *array, int64_t deadline_ns, err_t *err)
{
    syncs_t syncs;
    int status = begin(&syncs, array->n, err);
    if (status)
        return status;
    for (int i = 0; i < array->n && !status; i++)
        status = start(&syncs.items[i], array->parts[i].handle->engine, array->parts[i].handle->id, err);
    return finish(array->session, &syncs, status, deadline_ns, err);
}

int
fh_wait(fh_array *array, double timeout_s, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(array, err);
    return status ? status : sync_array(array, session_deadline(array->session, timeout_s), err);
}

int
fh_array_cancel(fh_array *array, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(array, err);
    for (int i = 0; !status && i < array->n; i++) {
        handle_t *handle = array->parts[i].handle;
        const oid_t objects[] = {handle->id, handle->root};
        engine_link_cancel(handle->engine, objects, 2);
    }
    return status;
}

int
fh_cancel(fh_session *session, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (!status)
        session_cancel(session);
    return status;
}

int
fh_sync(fh_session *session, double timeout_s, fh_error *error)
{
    err_t *err = error_start(error);
    syncs_t syncs;
    int status = session_enter(session, err);
    if (status || session->nengines == 0)
        return status;
    int64_t deadline = session_deadline(session, timeout_s);
    status = begin(&syncs, session->nengines, err);
    if (status)
        return status;
    for (int i = 0; i < syncs.n && !status; i++)
        if (session->engines[i]->open)
            status = start(&syncs.items[i], session->engines[i], OID_NONE, err);
    return finish(session, &syncs, status, deadline, err);
}
