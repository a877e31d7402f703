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
    bool begun; /* the first message is out (it may be empty) */
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
    outgoing_t *first, *last;
    oid_map_t flows;
} queue_t;

/* ---- in
 * -------------------------------------------------------------------------------------------------------------- */

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
    bool begun;    /* something came: dtype, shape and bytes are what it said */
    bool expected; /* a lane waits; pin is where the bytes go */
    bool unwanted; /* what comes is thrown away */
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
    int outgoing;
} usage_t;

enum { ENDED_KEPT = 1024 };

struct transfers {
    core_t *core;
    oid_map_t queues;   /* queue_t by engine */
    oid_map_t outgoing; /* outgoing_t by transfer, until all is credited */
    oid_map_t arrivals; /* arrival_t by transfer */
    oid_map_t usages;   /* usage_t by session */
    bool busy;          /* at the last pump some engine took nothing */
    int unsent;         /* outgoing transfers that still read their arrays */
    /* The sessions that ended last: what still comes for them is thrown away. */
    oid_t ended[ENDED_KEPT];
    unsigned ended_count;
};

int transfer_usage(transfers_t *self, oid_t session, usage_t **ret, err_t *err);
err_t *transfer_keep_error(const err_t *err);

void transfers_in_engine_lost(transfers_t *self, oid_t engine, const err_t *err);
void transfers_in_session_gone(transfers_t *self, oid_t session);
void transfers_in_release(transfers_t *self);
void transfers_out_engine_lost(transfers_t *self, oid_t engine);
void transfers_out_session_gone(transfers_t *self, oid_t session);
void transfers_out_release(transfers_t *self);

#endif
