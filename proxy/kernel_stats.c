/* What a kernel has done: each engine's counters, added up. */
#include "proxy/error.h"
#include "proxy/kernel.h"
#include "proxy/wait.h"

#include <stdlib.h>

enum { VALUES = 6 }; /* of a kernel's method "stats": calls, elements, run_ns, compile_ns, faults, cached */

typedef struct {
    engine_link_t *engine;
    request_t request;
    bool sent;
    uint64_t values[VALUES];
} place_stats_t;

typedef struct {
    place_stats_t *items;
    int n;
} all_stats_t;

static int
take_stats(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    place_stats_t *self = context;
    const values_t *values = &reply->as.RESULT.values;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_RESULT || values->count < VALUES)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered the call of stats with message %d",
                       (int)reply->code);
    for (int i = 0; i < VALUES; i++) {
        const value_t *value = &values->items[i];
        if (value->kind == VALUE_UINT)
            self->values[i] = value->as.u;
        else if (value->kind == VALUE_BOOL)
            self->values[i] = value->as.boolean;
        else if (value->kind == VALUE_INT && value->as.i >= 0)
            self->values[i] = (uint64_t)value->as.i;
        else
            return err_set(err, FH_PROTOCOL_ERROR, "value %d of a kernel's stats is no count", i);
    }
    return FH_OK;
}

static bool
all_answered(const void *context)
{
    const all_stats_t *self = context;
    for (int i = 0; i < self->n; i++)
        if (self->items[i].sent && self->items[i].request.due)
            return false;
    return true;
}

static int
ask(place_stats_t *self, const kernel_place_t *place, err_t *err)
{
    message_t message = {.code = MSG_CALL};
    uint64_t call;
    message.as.CALL.object = place->handle->id;
    message.as.CALL.method = str_of("stats");
    self->engine = place->handle->engine;
    int status = engine_link_call(self->engine, &message, NULL, &call, err);
    if (status)
        return status;
    self->request = (request_t){.reply = take_stats, .context = self};
    conn_expect(&self->engine->conn, &self->request, call, 1);
    self->sent = true;
    return FH_OK;
}

/* The first failure is ours, except that of an engine that has gone: what it did is lost with it. */
static int
settle(all_stats_t *all, fh_kernel_stats *ret, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < all->n; i++) {
        place_stats_t *item = &all->items[i];
        if (!item->sent)
            continue;
        conn_forget(&item->engine->conn, &item->request);
        if (item->request.status == FH_ENGINE_LOST || item->request.status == FH_STALE_HANDLE)
            continue;
        if (item->request.status && !status) {
            status = item->request.status;
            if (err)
                *err = item->request.err;
        }
        ret->calls += item->values[0];
        ret->elements += item->values[1];
        ret->run_ns += item->values[2];
        ret->compile_ns += item->values[3];
        ret->faults += item->values[4];
        ret->cached += item->values[5] != 0;
        ret->engines++;
    }
    return status;
}

static int
add_stats(kernel_code_t *code, int64_t deadline, fh_kernel_stats *ret, err_t *err)
{
    all_stats_t all = {calloc((size_t)code->nplaces + 1, sizeof *all.items), code->nplaces};
    if (!all.items)
        return err_set(err, FH_NO_MEMORY, "no memory to ask %d engines", code->nplaces);
    int status = FH_OK;
    for (int i = 0; i < all.n && !status; i++)
        if (kernel_place_lives(&code->places[i]))
            status = ask(&all.items[i], &code->places[i], err);
    if (!status)
        status = wait_until(code->session, deadline, all_answered, &all, err);
    int settled = settle(&all, ret, status ? NULL : err);
    free(all.items);
    if (status == FH_INTERRUPTED)
        session_cancel(code->session);
    return status ? status : settled;
}

int
fh_kernel_stats_get(fh_kernel *kernel, fh_kernel_stats *ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_kernel_stats stats = {0}, fold = {0};
    int status = kernel_enter(kernel, err);
    if (status)
        return status;
    int64_t deadline = session_deadline(kernel->session, -1);
    status = add_stats(kernel->code, deadline, &stats, err);
    if (!status && kernel->code->fold)
        status = add_stats(kernel->code->fold, deadline, &fold, err);
    if (status)
        return status;
    /* The same function as a reduction counts as the same kernel. */
    stats.calls += fold.calls;
    stats.elements += fold.elements;
    stats.run_ns += fold.run_ns;
    stats.compile_ns += fold.compile_ns;
    stats.faults += fold.faults;
    *ret = stats;
    return FH_OK;
}
