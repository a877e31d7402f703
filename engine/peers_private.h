/* engine/peers_private.h - connections, and messages on their way, for peers*.c; nobody else includes it. */
#ifndef FH_ENGINE_PEERS_PRIVATE_H
#define FH_ENGINE_PEERS_PRIVATE_H

#include "engine/peers.h"

/* One connection. */
typedef struct {
    oid_t key; /* endpoint and the transport's name, packed */
    int endpoint;
    peer_t peer;
    char role;        /* 'C' or 'E' */
    bool closing;     /* goes as soon as all is sent */
    oid_t id;         /* session or engine */
    lane_t *lane;     /* clients: NULL once the session has ended */
    outbox_t *outbox; /* under the core's lock */
} caller_t;

struct peers {
    core_t *core;
    crew_t *crew;
    char client_key[41], engine_key[41], cluster[65];
    int endpoints;
    link_t *links[PEERS_MAX_ENDPOINTS];
    bool used[PEERS_MAX_ENDPOINTS]; /* see peers_was_used */
    oid_map_t callers;              /* by key */
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
/* It speaks for a session ('C') or an engine ('E') from now on, and no other connection does. */
int caller_attach(peers_t *peers, caller_t *caller, char role, oid_t id, err_t *err);
/* Queue a message for it. */
void caller_answer(peers_t *peers, caller_t *caller, const message_t *message);
/* To somebody who has no connection record; what cannot be sent now is dropped, the peer will try again. */
void caller_answer_stranger(peers_t *peers, int endpoint, const peer_t *peer, const message_t *message);

/* Run the call at once if its lane is idle, else queue it.  BUSY: too much waits there. */
int arrival_enter_lane(arrival_t *at, err_t *err);
/* CANCEL and PROGRESS, which do not wait for the lane that they are about. */
void arrival_cancel(arrival_t *at);
void arrival_progress(arrival_t *at);

#endif
