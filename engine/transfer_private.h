/* engine/transfer_private.h - the records of transfer_in.c and transfer_out.c; nobody else includes it. */
#ifndef FH_ENGINE_TRANSFER_PRIVATE_H
#define FH_ENGINE_TRANSFER_PRIVATE_H

#include "engine/transfer.h"

/* ---- out
 * ------------------------------------------------------------------------------------------------------------- */

typedef struct outgoing {
    oid_t transfer, session, engine;
    pin_t pin; /* released once all is sent */
    int64_t bytes, sent, credited;
    bool begun;   /* the first message is out (it may be empty) */
    bool offered; /* the other engine reads it where it lies; then sent is all, and no part of any flow */
    bool refused; /* it could not */
    bool queued;
    bool copying;   /* somebody makes a copy of what is left: hands off */
    err_t *failure; /* tell this instead */
    struct outgoing *next;
} outgoing_t;

/* What one session has in flight to one engine. */
typedef struct {
    oid_t session;
    int64_t in_flight;
} flow_t;

/* Transfers to one engine that are not wholly sent, in order. */
typedef struct {
    oid_t engine;
    bool refuses; /* it cannot reach our memory */
    outgoing_t *first, *last;
    oid_map_t flows;
} queue_t;

/* ---- in
 * -------------------------------------------------------------------------------------------------------------- */

/* Where an array lies that is to be read at its sender's. */
typedef struct {
    nd_t nd; /* dtype, shape, strides */
    msg_OFFER_t at;
} offer_t;

/* A part that came before its EXPECT. */
typedef struct part {
    struct part *next;
    batch_t *batch;
    const uint8_t *raw;
    size_t size;
    int64_t offset;
} part_t;

typedef struct {
    oid_t transfer, session, engine;
    bool begun;     /* something came: dtype, shape and bytes are what it said */
    bool expected;  /* a lane waits; pin is where the bytes go */
    bool unwanted;  /* what comes is thrown away */
    offer_t *offer; /* not taken yet; then received is all */
    bool taking;    /* what was offered is being read; received and placed are all */
    bool ahead;     /* that, or it was read, before its lane expected it; pin is where it is */
    dtype_t dtype;
    shape_t shape;
    int64_t bytes, received, placed;
    pin_t pin;
    part_t *first, *last;
    err_t *failure;
    int64_t since_ns;
} arrival_t;

/* What a session uses. */
typedef struct {
    oid_t session;
    int64_t early_bytes;
    int64_t ahead_bytes; /* of arrays that are read ahead */
    int outgoing;
} usage_t;

enum { ENDED_KEPT = 1024, OFFERED_KEPT = 64 };

struct transfers {
    core_t *core;
    oid_map_t queues;                   /* queue_t by engine */
    oid_map_t outgoing;                 /* outgoing_t by transfer, until all is credited */
    oid_map_t arrivals;                 /* arrival_t by transfer */
    oid_map_t usages;                   /* usage_t by session */
    transfer_pull_t *pulls, *last_pull; /* to be begun */
    oid_t offered[OFFERED_KEPT];        /* arrays that could be read ahead, from first on, around */
    unsigned offered_first, offered_count;
    bool busy;  /* at the last pump some engine took nothing */
    int unsent; /* outgoing transfers that still read their arrays */
    /* The sessions that ended last: what still comes for them is thrown away. */
    oid_t ended[ENDED_KEPT];
    unsigned ended_count;
};

int transfer_usage(transfers_t *self, oid_t session, usage_t **ret, err_t *err);
err_t *transfer_keep_error(const err_t *err);

/* Of transfer_out.c. */
int transfer_queue_of(transfers_t *self, oid_t engine, queue_t **ret, err_t *err);
void transfer_enqueue(queue_t *queue, outgoing_t *outgoing);
/* Of transfer_in.c. */
int arrival_new(transfers_t *self, oid_t transfer, oid_t session, oid_t engine, arrival_t **ret, err_t *err);
void arrival_remove(transfers_t *self, arrival_t *arrival);
void arrival_fail(transfers_t *self, arrival_t *arrival, const err_t *err);
void arrival_wake(transfers_t *self, const arrival_t *arrival);
/* What comes is this, from that engine; the first that comes says so. */
int arrival_check(arrival_t *arrival, oid_t engine, oid_t session, uint64_t dtype, ints_t extents, err_t *err);
/* Is what came what the lane expects? */
int arrival_check_expected(const arrival_t *arrival, const lane_t *lane, oid_t engine, dtype_t dtype,
                           const shape_t *shape, err_t *err);
bool transfer_session_ended(const transfers_t *self, oid_t session);
void transfer_credit(transfers_t *self, oid_t engine, oid_t transfer, int64_t bytes);
/* Of transfer_offer.c: offer what has not begun.  NOT_SUPPORTED: it has to be pushed. */
int transfer_offer(outgoing_t *outgoing, bool near, const transfer_way_t *way);

offer_t *transfer_begin_taking(transfers_t *self, oid_t transfer, transfer_pull_t *ret);
/* Have the reactor get it over streams. */
void transfer_queue_pull(transfers_t *self, transfer_pull_t *pull);
/* Of transfer_ahead.c.  It may be read before its lane expects it. */
void arrival_note_offer(transfers_t *self, const arrival_t *arrival);
/* It counts as read ahead no more. */
void arrival_end_ahead(transfers_t *self, arrival_t *arrival);

void transfers_in_engine_lost(transfers_t *self, oid_t engine, const err_t *err);
void transfers_in_session_gone(transfers_t *self, oid_t session);
void transfers_in_release(transfers_t *self);
void transfers_offers_release(transfers_t *self);
void transfers_out_engine_lost(transfers_t *self, oid_t engine);
void transfers_out_session_gone(transfers_t *self, oid_t session);
void transfers_out_release(transfers_t *self);

#endif
