/* proxy/tail_parts.h - what the files of the tail share: its steps, reductions and followers.
 *
 * A session's tails are sent in stages, at most TAIL_STAGES.  A stage is, in this order: steps, reductions of them,
 * joins of their states, followers.  A step that takes what one of these gives belongs to the next stage.  Existing
 * arrays are written after the last stage, so that whatever reads them has read them. */
#ifndef FH_PROXY_TAIL_PARTS_H
#define FH_PROXY_TAIL_PARTS_H

#include "proxy/tail.h"

enum {
    TAIL_STEPS = 16,  /* long enough to be sent */
    TAIL_INPUTS = 16, /* of one expression, as of FUSED */
    TAIL_RESULTS = 8, /* likewise */
    TAIL_VALUES = TAIL_INPUTS + OP_MAX_OUT * TAIL_STEPS,
    TAIL_REDUCTIONS = 4,
    TAIL_STAGES = 2,
    TAIL_FOLLOWERS = 48,
};

typedef struct {
    const op_t *op;
    uint64_t loop_in, loop_out, watch;
    int stage;
    uint32_t sources;        /* inputs that it depends on */
    int argument[OP_MAX_IN]; /* input, or TAIL_INPUTS + OP_MAX_OUT * step + output */
    oid_t result[OP_MAX_OUT];
    bool wanted[OP_MAX_OUT];
    bool target[OP_MAX_OUT]; /* the result is an existing array */
    oid_t root[OP_MAX_OUT];  /* then: whose memory it is */
} tail_step_t;

typedef struct {
    int value, stage;
    msg_REDUCE_t message;
    int64_t axes[SHAPE_MAX_DIMS];
    bool wanted;
    bool used; /* by what comes later */
} tail_reduction_t;

struct tail {
    shape_t shape;
    uint64_t first;
    int ninputs, nsteps, nreductions, ntargets;
    operand_t inputs[TAIL_INPUTS];
    oid_t roots[TAIL_INPUTS]; /* whose memory they are */
    tail_step_t steps[TAIL_STEPS];
    tail_reduction_t reductions[TAIL_REDUCTIONS];
    /* while it is sent: */
    bool made[TAIL_VALUES]; /* values that are arrays by now */
    uint32_t dying;         /* inputs whose handles are gone */
    int uses[TAIL_INPUTS];  /* messages that will take them; counted if any is dying */
};

/* A small call that waits for what reductions give, and follows them. */
typedef struct tail_follower {
    engine_link_t *engine;
    int stage;
    message_t message;
    operand_t operands[OP_MAX_IN];
    oid_t results[OP_MAX_OUT];
    int64_t numbers[2][SHAPE_MAX_DIMS];
} tail_follower_t;

/* The value that is called so, or -1. */
int tail_find_value(const struct tail *self, oid_t id);
tail_reduction_t *tail_find_reduction(struct tail *self, oid_t id);
/* The stage in which an object is made, or changed last, by a reduction, join or follower; 0: by none of these. */
int tail_pending(const engine_link_t *engine, oid_t id);
/* Steps that come later take it: it is made also if its handle is dropped. */
void tail_use(const engine_link_t *engine, oid_t id);
/* The joins that the object is made from, through followers: at most room, the latest first; returns how many. */
int tail_origins(const fh_session *session, oid_t id, struct tail_join **ret, int room);
/* Does a follower take it? */
bool tail_followers_take(const engine_link_t *engine, oid_t id);
/* Part of tail_send: the followers of that stage. */
int tail_send_followers(fh_session *session, int stage, err_t *err);
/* Likewise: the steps and reductions of that stage on one engine; what they take is counted before. */
void tail_prepare(engine_link_t *engine);
int tail_send_stage(engine_link_t *engine, int stage, err_t *err);
/* Likewise: the existing arrays. */
int tail_send_targets(engine_link_t *engine, err_t *err);
/* Likewise: a join. */
int tail_join_send(struct tail_join *self, err_t *err);
/* The same by the client, which keeps the result (kept.h): from n states, or, for a follower, from values that are
 * kept. False: that cannot be done here, or has raised what is watched. */
bool tail_values_join(const struct tail_join *self, const nd_t *states);
bool tail_values_follow(const tail_follower_t *self);
/* A handle has gone: forget joins and followers whose results nobody wants any more. */
void tail_prune(fh_session *session);
/* Likewise: ask for the states of a join that the client brings; then, when all joins have asked, wait for them and
 * send them on.  *ret_error: that of a state, or of asking, which is the value's. */
void tail_join_ask(struct tail_join *self);
int tail_join_send_brought(struct tail_join *self, int *ret_error, err_t *ret_why, err_t *err);

#endif
