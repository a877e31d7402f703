/* engine/lane.h - the calls of each session, in their order.
 *
 * A call points into the message it came in; such a batch is kept until its last call is through.  A lane is a queue of
 * calls and a state; whoever runs its first call (the compute thread or the reactor) has the lane to itself until it
 * settles it.
 *
 *     IDLE      no call                              RUNNING   somebody works on the first call
 *     RUNNABLE  in the ring of the compute thread    WAITING   for lane_wake
 *     REACTOR   the reactor must go on with it       BLOCKED   its peer does not take replies: for lane_unblock
 *
 * Thread rule: under the core's lock. */
#ifndef FH_ENGINE_LANE_H
#define FH_ENGINE_LANE_H

#include "base/link.h"
#include "codecs/message.h"
#include "engine/object_table.h"
#include "engine/outbox.h"

/* ---- messages that calls point into
 * ---------------------------------------------------------------------------------- */

typedef struct batch {
    link_t *link; /* where it came from */
    link_message_t message;
    arena_t *arena; /* its lists */
    int references;
    int64_t counted;    /* bytes of raw frames, in the pool */
    struct batch *next; /* free or retired ones */
} batch_t;

/* Recycles batches.  Those that are not needed any more are retired, since only the thread of the link may release
 * them. */
typedef struct {
    batch_t *spare, *retired;
    int spare_count;
    pool_t *pool; /* counts what batches hold; NULL: nobody does.  Borrowed */
} batches_t;

/* One reference, no message. */
int batch_new(batches_t *pool, batch_t **ret, err_t *err);
/* The batch has a message: count the bytes of its raw frames until it is retired.  LIMIT_EXCEEDED, from pool_queue. */
int batch_count(batches_t *pool, batch_t *self, err_t *err);
batch_t *batch_ref(batch_t *self);
void batch_unref(batches_t *pool, batch_t **self);
/* On the thread of the links: release the messages of retired batches. */
void batches_sweep(batches_t *self);
/* All batches must be retired. */
void batches_release(batches_t *self);

/* ---- calls
 * ----------------------------------------------------------------------------------------------------------- */

typedef struct call {
    struct call *next;
    batch_t *batch;
    message_t message;  /* views into the batch */
    const uint8_t *raw; /* its first raw frame, or NULL */
    size_t raw_size;
    bool refused;        /* there was no memory to keep its raw frame: it fails when its turn comes */
    size_t charged;      /* bytes that it counts in its lane */
    uint32_t connection; /* of the lane, when it came: its number counts there only */
    int phase;           /* for methods that are run more than once: 0 the first time */
    bool woken;          /* lane_wake came before the lane waited */
    bool cancelled;      /* atomic: what it waits for should end; see call_cancelled */
    void *state;         /* a method's own, between its phases; the method runs until it has freed it */
    /* The call goes without the method having run to its end (the session has gone): what becomes of state.  NULL: only
     * first calls of lanes have state, and those always run. */
    void (*orphan)(void *state);
} call_t;

/* ---- lanes
 * ----------------------------------------------------------------------------------------------------------- */

typedef enum { LANE_IDLE, LANE_RUNNABLE, LANE_RUNNING, LANE_WAITING, LANE_REACTOR, LANE_BLOCKED } lane_state_t;

enum {
    LANES_MAX = 65536,
    LANE_MAX_BYTES = 64 * 1024 * 1024,
    /* Replies that clients do not take: of one; in sum, and what each may have all the same when that is exceeded, if
     * an equal share is less. */
    LANE_MAX_REPLY_BYTES = 32 * 1024 * 1024,
    LANES_REPLY_BYTES = 128 * 1024 * 1024,
    LANE_LEAST_REPLY_BYTES = 4 * 1024 * 1024
};

typedef struct lane {
    owner_t owner; /* first: the session's objects */
    lane_state_t state;
    call_t *first, *last;
    size_t bytes;          /* of queued calls */
    uint32_t count;        /* of queued calls, the one that runs among them */
    bool gone;             /* the session has ended: nothing more comes, what runs is the last */
    struct place *places;  /* where new arrays are to lie (engine/places.h); NULL: nothing was said */
    struct raised *raised; /* floating-point flags that the client is to be told of (engine/raised.h); NULL: none yet */
    err_t *error;          /* the first failure of a call that had no result to poison; NULL: none */
    uint32_t connection;   /* counts those that the session has had; each numbers its calls from 1 */
    uint64_t done;         /* the last call of this one that is through */
    uint64_t done_told;    /* the last DONE */
    uint32_t done_calls;   /* since then */
    size_t done_bytes;
    bool synced;       /* its replies through rings wait until the broker has heard of all objects */
    outbox_t *outbox;  /* replies to the session's connection, or NULL: nobody to tell */
    struct lane *next; /* in the ring, or the reactor's list */
} lane_t;

typedef struct {
    oid_map_t by_session;
    lane_t *ring_first, *ring_last;       /* runnable */
    lane_t *reactor_first, *reactor_last; /* for the reactor */
    batches_t batches;
    outbox_sum_t replies; /* that wait; outboxes of lanes are counted in it */
    call_t *spare_calls;
    int spare_count;
} lanes_t;

/* What the first call of a lane has come to. */
typedef enum {
    NEXT_DONE,    /* it is through */
    NEXT_WAIT,    /* it waits for lane_wake; then it is run again */
    NEXT_REACTOR, /* it must be run again on the reactor */
    NEXT_COMPUTE, /* it must be run again on the compute thread */
} next_t;

/* All-zero memory is no lanes.  All calls and lanes are freed. */
void lanes_release(lanes_t *self);
lane_t *lanes_find(const lanes_t *self, oid_t session);
/* The lane of a session, made if there is none.  LIMIT_EXCEEDED when there are LANES_MAX. */
int lanes_open(lanes_t *self, oid_t session, lane_t **ret, err_t *err);

/* A call of the batch (a reference is taken), not in a lane yet. */
int call_new(lanes_t *self, batch_t *batch, const message_t *message, call_t **ret, err_t *err);
void call_free(lanes_t *self, call_t **call);
/* Should it end?  Without the lock, for whoever runs it. */
bool call_cancelled(const call_t *self);

/* Put a call at the end; takes *call.  BUSY when more than LANE_MAX_BYTES wait: the call is freed. */
int lane_push(lanes_t *self, lane_t *lane, call_t **call, err_t *err);
/* If the lane has nothing to do, claim it (RUNNING) for a call that is run at once and is its first now; takes *call.
 * False: the lane is busy or its peer does not take replies, *call is untouched. */
bool lane_claim(lane_t *lane, call_t **call);
/* Nothing waits in it, nothing belongs to it, nothing is to be told. */
bool lane_is_empty(const lane_t *lane);
/* The next runnable lane in turn, RUNNING from now on; NULL: none. */
lane_t *lanes_take(lanes_t *self);
/* The next lane for the reactor, RUNNING from now on; NULL: none. */
lane_t *lanes_take_reactor(lanes_t *self);
/* Give back a RUNNING lane.  With NEXT_DONE the first call is freed.  A lane that is gone and is through with all is
 * freed: do not touch it afterwards.  True: the compute thread has something to do. */
bool lane_settle(lanes_t *self, lane_t *lane, next_t next);
/* Of a RUNNING lane, instead of lane_settle with NEXT_DONE: if there is another call, free the first and stay RUNNING
 * for the next, which its caller runs at once.  False: nothing has changed. */
bool lane_next(lanes_t *self, lane_t *lane);
/* On the reactor: what the first call waits for has come; the reactor is to run the call again. */
void lane_wake(lanes_t *self, lane_t *lane);
/* The peer takes replies again, or others do: if the lane may go on, it does.  True as above. */
bool lane_unblock(lanes_t *self, lane_t *lane);
/* CANCEL, on the reactor: mark the wanted calls (NULL: all) up to this number as cancelled (they still pass through the
 * lane, in their order), and wake the first one if it waits. */
void lane_cancel(lanes_t *self, lane_t *lane, uint64_t upto, bool (*wanted)(const call_t *call, void *context),
                 void *context);
/* The session has ended: calls that wait are dropped.  The lane is freed as soon as nobody uses it: do not touch it
 * afterwards. Its objects must have been disowned, and what its first call waits for must be about to end. */
void lane_end(lanes_t *self, lane_t *lane);

#endif
