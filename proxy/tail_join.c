/* Joins of what pieces give, which follow the tails that make it. */
#include "proxy/emit.h"
#include "proxy/tail.h"

#include <stdlib.h>

enum { TAIL_JOINS = 16 };

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

int
tail_join(tail_join_t *join, handle_t **ret, err_t *err)
{
    fh_session *session = join->to->session;
    dtype_t own = join->middle ? reduction_state_dtype(join->dtype) : join->dtype;
    handle_t *made = NULL;
    int status = engine_link_open(join->to, err);
    if (!status && session->njoins == TAIL_JOINS)
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
    bool unsent = false;
    for (int i = 0; i < join->n; i++)
        unsent |= tail_has(join->states[i]->engine, join->states[i]->id);
    if (unsent) {
        session->joins[session->njoins++] = *join;
    } else {
        status = tail_join_send(join, err);
        tail_join_release(join);
    }
    if (status)
        handle_discard(&made);
    *ret = made;
    return status;
}
