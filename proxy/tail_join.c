/* Joins of what pieces give, which follow the tails that make it. */
#include "base/clock.h"
#include "proxy/emit.h"
#include "proxy/kept.h"
#include "proxy/tail_parts.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

enum { TAIL_JOINS = 16, BRING_BYTES = 4096 /* of each state that the client brings itself */ };

/* A state that is fetched. */
typedef struct {
    request_t request;
    buf_t *bytes; /* it goes there, to offset */
    int64_t offset, size;
    engine_link_t *engine; /* that was asked, or NULL */
} fetched_t;

/* Those of a join. */
struct tail_fetch {
    int status;
    err_t why;
    fetched_t states[];
};

static dtype_t
dtype_of_states(const tail_join_t *self)
{
    return self->stacks ? self->dtype : reduction_state_dtype(self->dtype);
}

static void
forget(tail_join_t *self)
{
    for (int i = 0; self->fetch && i < self->n; i++) {
        fetched_t *fetched = &self->fetch->states[i];
        if (fetched->engine)
            conn_forget(&fetched->engine->conn, &fetched->request);
        buf_unref(&fetched->bytes);
    }
    free(self->fetch);
    self->fetch = NULL;
}

void
tail_join_release(tail_join_t *self)
{
    forget(self);
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
        status = emit_transfer(there, self->to, dtype_of_states(self), &self->shapes[i], &self->states[i], err);
        handle_unref(&there);
    }
    if (status)
        return status;
    return self->stacks ? emit_stack(self->to, self->states, self->n, self->result, err)
                        : emit_reduce_join(self->to, self->reduce, self->states, self->n, self->cuts, self->dtype,
                                           self->middle, self->watch, self->result, err);
}

/* ---- brought by the client -----------------------------------------------------------------------------------------
 */

static int
take_state(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    fetched_t *self = context;
    if (reply->code != MSG_DATA || nraw != 1 || (int64_t)raw[0].size != self->size)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine sent %lld bytes of a reduction where %lld were asked for",
                       nraw > 0 ? (long long)raw[0].size : 0, (long long)self->size);
    memcpy((char *)buf_data(self->bytes) + self->offset, raw[0].data, raw[0].size);
    return FH_OK;
}

/* Are all states small, and all engines reached through rings? */
static bool
can_bring(const tail_join_t *self)
{
    int64_t all = 0;
    for (int i = 0; i < self->n; i++) {
        int64_t bytes = shape_bytes(&self->shapes[i], dtype_of_states(self));
        if (!self->states[i]->engine->open || !self->states[i]->engine->conn.ring || bytes > BRING_BYTES || bytes == 0)
            return false;
        all += bytes;
    }
    return self->to->open && self->to->conn.ring && (!self->stacks || all <= ENGINE_LINK_CHUNK);
}

/* Memory for state i: of its own, or its place in that of a stack, where all are of one size. */
static int
make_room(tail_join_t *self, int i, err_t *err)
{
    fetched_t *fetched = &self->fetch->states[i];
    size_t size = (size_t)fetched->size;
    if (!self->stacks || i == 0)
        return buf_new(&fetched->bytes, self->stacks ? size * (size_t)self->n : size, 0, err);
    fetched->bytes = buf_ref(self->fetch->states[0].bytes);
    fetched->offset = i * fetched->size;
    return FH_OK;
}

static int
ask(tail_join_t *self, int i, err_t *err)
{
    fetched_t *fetched = &self->fetch->states[i];
    engine_link_t *engine = self->states[i]->engine;
    message_t message = {.code = MSG_FETCH};
    uint64_t call;
    fetched->request = (request_t){.reply = take_state, .context = fetched};
    fetched->size = shape_bytes(&self->shapes[i], dtype_of_states(self));
    message.as.FETCH.object = self->states[i]->id;
    message.as.FETCH.size = (uint64_t)fetched->size;
    int status = make_room(self, i, err);
    if (!status)
        status = engine_link_call(engine, &message, NULL, &call, err);
    if (status)
        return status;
    conn_expect(&engine->conn, &fetched->request, call, 1);
    fetched->engine = engine;
    return FH_OK;
}

void
tail_join_ask(tail_join_t *self)
{
    self->fetch = calloc(1, sizeof *self->fetch + (size_t)self->n * sizeof self->fetch->states[0]);
    for (int i = 0; self->fetch && i < self->n && !self->fetch->status; i++)
        self->fetch->status = ask(self, i, &self->fetch->why);
}

static int
wait_for_all(const tail_join_t *self, err_t *err)
{
    fh_session *session = self->to->session;
    int status = FH_OK;
    session_push(session); /* all are at work before one is waited for */
    for (int i = 0; i < self->n && !status; i++) {
        const fetched_t *fetched = &self->fetch->states[i];
        if (!fetched->engine)
            continue;
        status = wait_reply(session, &fetched->engine->conn, &fetched->request, session_deadline(session, -1), err);
        if (!status && fetched->request.status) {
            status = fetched->request.status;
            if (err)
                *err = fetched->request.err;
        }
    }
    return status;
}

/* Make a state that has come on the engine that joins. */
static int
move(tail_join_t *self, int i, err_t *err)
{
    handle_t *here = NULL;
    int status =
        emit_empty(self->to, dtype_of_states(self), &self->shapes[i], self->fetch->states[i].bytes, &here, err);
    if (status)
        return status;
    handle_unref(&self->states[i]);
    self->states[i] = here;
    return FH_OK;
}

/* The states in hand go to the engine; a stack is one array, and done. */
static int
give(tail_join_t *self, err_t *err)
{
    int status = FH_OK;
    if (self->stacks)
        return emit_empty_as(self->to, self->result, self->dtype, &self->shape, self->fetch->states[0].bytes, err);
    for (int i = 0; i < self->n && !status; i++)
        if (self->fetch->states[i].engine != self->to)
            status = move(self, i, err);
    return status;
}

static int
bring(tail_join_t *self, err_t *err)
{
    if (!self->fetch)
        return err_set(err, FH_NO_MEMORY, "no memory to join %d states", self->n);
    if (!self->fetch->status)
        return wait_for_all(self, err);
    if (err)
        *err = self->fetch->why;
    return self->fetch->status;
}

/* Here, for whoever reads it; false: the engine is to do it. */
static bool
complete(const tail_join_t *self)
{
    nd_t *states;
    kept_t stack;
    if (self->stacks)
        return !kept_init(&stack, self->to, self->result, self->dtype, &self->shape, self->fetch->states[0].bytes,
                          NULL) &&
               kept_put(&stack);
    states = calloc((size_t)self->n, sizeof *states);
    for (int i = 0; states && i < self->n; i++)
        nd_init(&states[i], buf_data(self->fetch->states[i].bytes), dtype_of_states(self), &self->shapes[i]);
    bool done = states && tail_values_join(self, states);
    free(states);
    return done;
}

int
tail_join_send_brought(tail_join_t *self, int *ret_error, err_t *ret_why, err_t *err)
{
    *ret_error = bring(self, ret_why);
    bool done = !*ret_error && complete(self);
    if (!*ret_error && !done)
        *ret_error = give(self, ret_why);
    forget(self);
    if (done || (self->stacks && !*ret_error))
        return FH_OK;
    /* Also after a failure: the result is there then, and holds the error. */
    int status = tail_join_send(self, *ret_error ? NULL : err);
    return *ret_error ? FH_OK : status;
}

int
tail_join_bring(fh_session *session, const handle_t *result, err_t *err)
{
    tail_join_t *joins[TAIL_JOINS];
    int n = tail_origins(session, result->id, joins, TAIL_JOINS);
    bool any = false;
    for (int i = 0; i < n; i++)
        if (joins[i]->stage == session->stage && can_bring(joins[i]))
            any = joins[i]->brought = true;
    return any ? tail_send(session, err) : FH_OK;
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
    dtype_t own = join->middle ? dtype_of_states(join) : join->dtype;
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
