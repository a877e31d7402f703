/* What the session's kernels do now. */
#include "proxy/error.h"
#include "proxy/session.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

static const double PATIENCE_S = 1.0;

typedef struct {
    engine_link_t *engine;
    request_t request;
    bool sent;
    fh_progress progress;
} asked_t;

typedef struct {
    asked_t *items;
    int n;
} all_asked_t;

static int
take_progress(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    asked_t *self = context;
    const msg_PROGRESS_INFO_t *info = &reply->as.PROGRESS_INFO;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_PROGRESS_INFO)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered PROGRESS with message %d", (int)reply->code);
    self->progress = (fh_progress){.engine = self->engine->number,
                                   .done = info->done,
                                   .total = info->total,
                                   .seconds = (double)info->elapsed_ms / 1e3,
                                   .queued = info->queued};
    if (info->running)
        str_copy(info->entry, self->progress.entry, sizeof self->progress.entry);
    return FH_OK;
}

static bool
all_answered(const void *context)
{
    const all_asked_t *self = context;
    for (int i = 0; i < self->n; i++)
        if (self->items[i].sent && self->items[i].request.due)
            return false;
    return true;
}

/* Does the engine have anything to do for us, as far as it has told? */
static bool
is_busy(const engine_link_t *engine)
{
    return engine->open && !engine->lost && engine->conn.last_call > engine->done;
}

static int
ask(asked_t *self, engine_link_t *engine, err_t *err)
{
    message_t message = {.code = MSG_PROGRESS};
    uint64_t call = ENGINE_LINK_BESIDE | ++engine->questions;
    message.as.PROGRESS.call = call;
    int status = conn_add_as_is(&engine->conn, &message, err);
    if (status == FH_BUSY) {
        /* The batch is full: it goes now, or the link has no room at all. */
        status = engine_link_flush(engine, err);
        if (!status)
            status = conn_add_as_is(&engine->conn, &message, err);
    }
    if (status)
        return status;
    self->engine = engine;
    self->request = (request_t){.reply = take_progress, .context = self};
    conn_expect(&engine->conn, &self->request, call, 1);
    self->sent = true;
    return FH_OK;
}

static int
ask_all(fh_session *session, all_asked_t *all, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < all->n && !status; i++)
        if (is_busy(session->engines[i])) {
            err_t failure = {0};
            status = ask(&all->items[i], session->engines[i], &failure);
            if (status == FH_BUSY)
                status = FH_OK; /* an engine that takes nothing now says nothing */
            else if (status && err)
                *err = failure;
        }
    if (!status)
        status = wait_until(session, clock_deadline(PATIENCE_S), all_answered, all, err);
    for (int i = 0; i < all->n; i++)
        if (all->items[i].sent)
            conn_forget(&all->items[i].engine->conn, &all->items[i].request);
    if (status != FH_TIMEOUT)
        return status;
    err_clear(err); /* those that have not answered are passed over */
    return FH_OK;
}

int
fh_session_progress(fh_session *session, void (*visit)(void *context, const fh_progress *progress), void *context,
                    fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (status)
        return status;
    if (!visit)
        return err_set(err, FH_INVALID_ARGUMENT, "no function to visit was given");
    session_pump(session);
    all_asked_t all = {calloc((size_t)session->nengines + 1, sizeof *all.items), session->nengines};
    if (!all.items)
        return err_set(err, FH_NO_MEMORY, "no memory to ask %d engines", session->nengines);
    status = ask_all(session, &all, err);
    for (int i = 0; i < all.n && !status; i++) {
        const asked_t *asked = &all.items[i];
        if (asked->sent && !asked->request.due && !asked->request.status &&
            (asked->progress.entry[0] || asked->progress.queued))
            visit(context, &asked->progress);
    }
    free(all.items);
    return status;
}
