/* proxy/tail.h - the short tail of elementwise operations and reductions that were asked for and not sent yet.
 *
 * A session keeps one for each engine.  All operations of a tail have one shape; each may use earlier ones' results. It
 * is sent, as one expression for what is still wanted of it (FUSED), before any other call to any engine, before a
 * wait, when it is long enough, and by fh_tick; results that were dropped before are never made.  Operations may write
 * into existing arrays, whose handles may be dropped meanwhile.  Joins of what pieces give, and small calls that wait
 * for reductions, follow the tails.  While there is a tail no handle is released. Thread rule: that of the session. */
#ifndef FH_PROXY_TAIL_H
#define FH_PROXY_TAIL_H

#include "codecs/message.h"
#include "codecs/op.h"
#include "codecs/reduction.h"
#include "proxy/handle.h"

/* Whose memory (handle_t.root) the operands of a UFUNC are; OID_NONE: constants, and what is new. */
typedef struct {
    oid_t in[OP_MAX_IN], where, out[OP_MAX_OUT];
    bool odd; /* an output is not of the loop's dtype, or has more elements than the inputs */
} tail_memory_t;
/* A UFUNC whose result has that shape: kept, or sent as it is where it cannot be part of an expression. */
int tail_ufunc(engine_link_t *engine, const op_t *op, message_t *message, const tail_memory_t *memory,
               const shape_t *shape, err_t *err);
/* A REDUCE: kept if it reduces a result that was not sent yet, else sent. */
int tail_reduce(engine_link_t *engine, message_t *message, err_t *err);
/* Is that what an operation makes that was not sent yet? */
bool tail_has(const engine_link_t *engine, oid_t id);
/* Part of engine_link_call: does the call wait for what a tail's reductions give?  Then it is kept. */
bool tail_follow(engine_link_t *engine, const message_t *message);
/* Send these when the tails go: first a transfer (SEND, EXPECT) for each of the n states that is not on `to`, then
 * REDUCE_JOIN with their ids.  shapes: n; a reference to each state is taken.  *ret: the result's handle.  What has no
 * states (see codecs/reduction.h) stacks: arrays of one shape and of dtype go one behind the other (STACK), to be
 * reduced by what follows. */
typedef struct tail_join {
    engine_link_t *to;
    reduce_t reduce;
    dtype_t dtype;
    bool middle, stacks;
    int n;
    handle_t **states; /* owned */
    shape_t *shapes;   /* owned */
    int64_t *cuts;     /* owned; n + 1; NULL: it stacks */
    shape_t shape;     /* of the result */
    oid_t result;
    uint64_t watch;
    int stage;    /* see tail_parts.h */
    bool brought; /* by the client, which while the tails are sent has: */
    struct tail_fetch *fetch;
} tail_join_t;
void tail_join_release(tail_join_t *self);
/* The value of this result is asked for next: if it comes from joins that were not sent yet, of small states on
 * engines that are reached through rings, fetch the states from all of them together and send them to the engine that
 * joins.  Two round trips through rings take less than a message from engine to engine for each piece.  Waits.  The
 * error of a state is the value's. */
int tail_join_bring(fh_session *session, const handle_t *result, err_t *err);
/* Takes *join's memory, also on failure. */
int tail_join(tail_join_t *join, handle_t **ret, err_t *err);

/* Nobody wants this object any more.  True: it was never sent, and need not be released. */
bool tail_drop(engine_link_t *engine, oid_t id);
/* Is anything unsent? */
bool tail_waits(const fh_session *session);
/* Send everything.  Does nothing while it is at it. */
int tail_send(fh_session *session, err_t *err);
/* The connection is gone, and what was not sent with it. */
void tail_forget(engine_link_t *engine);
void tail_destroy(engine_link_t *engine);

#endif
