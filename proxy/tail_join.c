/* Joins of what pieces give, which follow the tails that make it. */
#include "base/clock.h"
#include "proxy/emit.h"
#include "proxy/tail_parts.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

enum { TAIL_JOINS = 16, BRING_BYTES = 4096 /* of each state that the client brings itself */ };

void
tail_join_release(tail_join_t *self)
{
    for (int i = 0; self->states && i < self->n; i++)
        handle_unref(&self->states[i]);
    free(self->states);
    free(self->shapes);
    free(self->cuts);
}

int
tail_join_send(tail_join_t *self, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->n && !status; i++) {
        handle_t *there = self->states[i];
        if (there->engine == self->to)
            continue;
        self->states[i] = NULL;
        status =
            emit_transfer(there, self->to, reduction_state_dtype(self->dtype), &self->shapes[i], &self->states[i], err);
        handle_unref(&there);
    }
    return status ? status
                  : emit_reduce_join(self->to, self->reduce, self->states, self->n, self->cuts, self->dtype,
                                     self->middle, self->watch, self->result, err);
}

/* ---- brought by the client -----------------------------------------------------------------------------------------
 */

/* A state that is fetched. */
typedef struct {
    request_t request;
    int64_t size;
    buf_t *bytes;
    engine_link_t *engine; /* that was asked, or NULL */
} fetched_t;

static int
take_state(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    fetched_t *self = context;
    if (reply->code != MSG_DATA || nraw != 1 || (int64_t)raw[0].size != self->size)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine sent %lld bytes of a reduction where %lld were asked for",
                       nraw > 0 ? (long long)raw[0].size : 0, (long long)self->size);
    return buf_new_copy(&self->bytes, raw[0].data, raw[0].size, err);
}

/* Are all states small, and all engines reached through rings? */
static bool
can_bring(const tail_join_t *self)
{
    dtype_t dtype = reduction_state_dtype(self->dtype);
    for (int i = 0; i < self->n; i++)
        if (!self->states[i]->engine->open || !self->states[i]->engine->conn.ring ||
            shape_bytes(&self->shapes[i], dtype) > BRING_BYTES)
            return false;
    return self->to->open && self->to->conn.ring;
}

static int
ask(fetched_t *self, const handle_t *state, const shape_t *shape, dtype_t dtype, err_t *err)
{
    message_t message = {.code = MSG_FETCH};
    uint64_t call;
    self->request = (request_t){.reply = take_state, .context = self};
    self->size = shape_bytes(shape, dtype);
    message.as.FETCH.object = state->id;
    message.as.FETCH.size = (uint64_t)self->size;
    int status = engine_link_call(state->engine, &message, NULL, &call, err);
    if (status)
        return status;
    conn_expect(&state->engine->conn, &self->request, call, 1);
    self->engine = state->engine;
    return FH_OK;
}

static int
wait_for_all(fh_session *session, const fetched_t *fetched, int n, err_t *err)
{
    int status = FH_OK;
    session_push(session); /* all are at work before one is waited for */
    for (int i = 0; i < n && !status; i++) {
        if (!fetched[i].engine)
            continue;
        status = wait_reply(session, &fetched[i].engine->conn, &fetched[i].request, session_deadline(session, -1), err);
        if (!status && fetched[i].request.status) {
            status = fetched[i].request.status;
            if (err)
                *err = fetched[i].request.err;
        }
    }
    return status;
}

/* Make a state that has come on the engine that joins. */
static int
move(tail_join_t *self, const fetched_t *fetched, int i, err_t *err)
{
    handle_t *here = NULL;
    int status = emit_empty(self->to, reduction_state_dtype(self->dtype), &self->shapes[i], fetched->bytes, &here, err);
    if (status)
        return status;
    handle_unref(&self->states[i]);
    self->states[i] = here;
    return FH_OK;
}

static int
bring(tail_join_t *self, err_t *err)
{
    fetched_t *fetched = calloc((size_t)self->n, sizeof *fetched);
    int status = fetched ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to join %d states", self->n);
    for (int i = 0; i < self->n && !status; i++)
        if (self->states[i]->engine != self->to)
            status = ask(&fetched[i], self->states[i], &self->shapes[i], reduction_state_dtype(self->dtype), err);
    if (!status)
        status = wait_for_all(self->to->session, fetched, self->n, err);
    for (int i = 0; i < self->n && !status; i++)
        if (fetched[i].engine)
            status = move(self, &fetched[i], i, err);
    for (int i = 0; fetched && i < self->n; i++) {
        if (fetched[i].engine)
            conn_forget(&fetched[i].engine->conn, &fetched[i].request);
        buf_unref(&fetched[i].bytes);
    }
    free(fetched);
    return status;
}

int
tail_join_send_brought(tail_join_t *self, int *ret_error, err_t *ret_why, err_t *err)
{
    *ret_error = bring(self, ret_why);
    /* Also after a failure: the result is there then, and holds the error. */
    return tail_join_send(self, *ret_error ? NULL : err);
}

int
tail_join_bring(fh_session *session, const handle_t *result, err_t *err)
{
    tail_join_t *join = tail_origin(session, result->id);
    if (!join || join->stage != session->stage || !can_bring(join))
        return FH_OK;
    join->brought = true;
    return tail_send(session, err);
}

/* ---- keeping -------------------------------------------------------------------------------------------------------
 */

/* Should it wait?  For tails that make its states, or since its value may be asked for next. */
static bool
is_kept(const tail_join_t *self)
{
    for (int i = 0; i < self->n; i++)
        if (tail_has(self->states[i]->engine, self->states[i]->id))
            return true;
    return self->to->session->fusion && can_bring(self);
}

int
tail_join(tail_join_t *join, handle_t **ret, err_t *err)
{
    fh_session *session = join->to->session;
    dtype_t own = join->middle ? reduction_state_dtype(join->dtype) : join->dtype;
    handle_t *made = NULL;
    int status = engine_link_open(join->to, err);
    bool follows = false;
    for (int i = 0; i < join->n; i++)
        follows |= tail_pending(join->states[i]->engine, join->states[i]->id) &&
                   !tail_has(join->states[i]->engine, join->states[i]->id);
    if (!status && (session->njoins == TAIL_JOINS || follows))
        status = tail_send(session, err);
    if (!status && !session->joins) {
        session->joins = calloc(TAIL_JOINS, sizeof *session->joins);
        status = session->joins ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for reductions that wait");
    }
    if (!status)
        status = handle_new(&made, join->to, OID_NONE, shape_bytes(&join->shape, own), err);
    if (status) {
        tail_join_release(join);
        return status;
    }
    join->result = made->id;
    join->watch = session->watch;
    if (is_kept(join)) {
        session->stage += session->stage == 0;
        join->stage = session->stage;
        for (int i = 0; i < join->n; i++)
            tail_use(join->states[i]->engine, join->states[i]->id);
        session->joins[session->njoins++] = *join;
        session->tails_ns = clock_now_ns();
    } else {
        status = tail_join_send(join, err);
        tail_join_release(join);
    }
    if (status)
        handle_discard(&made);
    *ret = made;
    return status;
}
