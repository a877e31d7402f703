/* engine/peers_private.h - connections, and messages on their way, for peers*.c; nobody else includes it. */
#ifndef FH_ENGINE_PEERS_PRIVATE_H
#define FH_ENGINE_PEERS_PRIVATE_H

#include "engine/awake.h"
#include "engine/peers.h"

/* One connection. */
typedef struct {
    oid_t key; /* endpoint and the transport's name, packed */
    int endpoint;
    peer_t peer;
    char role;             /* 'C' or 'E' */
    bool closing;          /* goes as soon as all is sent */
    bool away;             /* the connection broke: what it has not got waits until its numbered line goes on */
    oid_t id;              /* session or engine */
    lane_t *lane;          /* clients: NULL once the session has ended */
    outbox_t *outbox;      /* under the core's lock */
    link_t *ring;          /* clients of this host, or NULL */
    bool ring_ready;       /* the client has opened it: everything goes through it */
    int64_t ring_until_ns; /* until then it must be */
} caller_t;

struct peers {
    core_t *core;
    crew_t *crew;
    char client_key[41], engine_key[41], cluster[65];
    int endpoints;
    link_t *links[PEERS_MAX_ENDPOINTS];
    bool used[PEERS_MAX_ENDPOINTS]; /* see peers_was_used */
    oid_map_t callers;              /* by key */
    caller_t *heard;                /* whom the last message came from, while messages are taken; NULL: nobody known */
    int rings;
    uint64_t ring_changes; /* of the list of ringers */
    awake_t awake;
    caller_t *ringers[PEERS_MAX_RINGS]; /* callers with rings */
};

/* A message that is being handled. */
typedef struct {
    peers_t *peers;
    int endpoint;
    caller_t *caller; /* NULL before HELLO */
    batch_t *batch;
    message_t message;
    const uint8_t *raw;
    size_t raw_size;
    size_t header_bytes; /* of this message */
    bool refused;        /* there was no memory to keep the raw frames: they are gone */
} arrival_t;

/* Endpoint and name of a connection in one key.  False: the name is longer than any that our peers have. */
bool caller_key(int endpoint, const peer_t *peer, oid_t *ret);
/* A connection that has not said who it is.  PROTOCOL_ERROR, LIMIT_EXCEEDED, NO_MEMORY. */
int caller_new(peers_t *peers, int endpoint, const peer_t *peer, caller_t **ret, err_t *err);
void caller_remove(peers_t *peers, caller_t *caller);
/* Close its rings, if it has any. */
void caller_drop_ring(peers_t *peers, caller_t *caller);
/* Send what waits for it.  BUSY: it does not take it now; else it may have been removed. */
int caller_flush(peers_t *peers, caller_t *caller);
/* It speaks for a session ('C') or an engine ('E') from now on, and no other connection does.  numbered: by a line of
 * its own. */
int caller_attach(peers_t *peers, caller_t *caller, char role, oid_t id, bool numbered, err_t *err);
/* It speaks for a session or engine whose numbered line broke, and goes on with it: *ret_heard is the last frame that
 * came, and what came after frame `heard` is sent again.  False: there is no such line. */
bool caller_resume(peers_t *peers, caller_t *caller, char role, const msg_HELLO_t *hello, uint64_t *ret_heard);
/* Queue a message for it. */
void caller_answer(peers_t *peers, caller_t *caller, const message_t *message);
/* To somebody who has no connection record; what cannot be sent now is dropped, the peer will try again. */
void caller_answer_stranger(peers_t *peers, int endpoint, const peer_t *peer, const message_t *message);

/* Take and handle one message of an endpoint, or of a caller's ring.  OK; BUSY: there is none; else it was thrown away,
 * or (CANNOT_CONNECT) the ring has ended. */
int peers_receive_one(peers_t *peers, int endpoint, caller_t *ringer);
/* Answer with ERROR, also somebody who has not said HELLO. */
void arrival_error(arrival_t *at, uint64_t call, const err_t *err);
void arrival_hello(arrival_t *at);
/* RING and RING_READY. */
void arrival_ring(arrival_t *at);
void arrival_ring_ready(arrival_t *at);
/* Run the call at once if its lane is idle, else queue it.  BUSY: too much waits there. */
int arrival_enter_lane(arrival_t *at, err_t *err);
/* LINE.  False: the rest of the frame was taken before, or is not to be taken now. */
bool arrival_line(arrival_t *at);
/* CANCEL and PROGRESS, which do not wait for the lane that they are about. */
void arrival_cancel(arrival_t *at);
void arrival_progress(arrival_t *at);
/* STREAMS. */
void arrival_streams(arrival_t *at);
void arrival_flags(arrival_t *at);

#endif
