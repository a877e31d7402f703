/* engine/peers.h - who is connected to this engine: clients with their lanes, and engines that push arrays.
 *
 * A connection begins with HELLO.  Its role follows from its key; where there are no keys (ipc) a peer says in HELLO
 * that it is an engine (PEERS_ENGINE).  Calls of clients go to their lanes; what is small and first in its lane is run
 * here at once. A client whose connection breaks keeps its lane and objects until the broker says that the session is
 * gone; what a client or engine with a numbered line has not got waits until that goes on (codecs/line.h). Thread rule:
 * owned by the reactor, without the core's lock. */
#ifndef FH_ENGINE_PEERS_H
#define FH_ENGINE_PEERS_H

#include "engine/methods.h"

#include <poll.h>

enum {
    PEERS_ENGINE = 1,      /* bit of HELLO.features: I am an engine */
    PEERS_RINGS = 2,       /* bit of HELLO.features and WELCOME.features: RING is understood */
    PEERS_MAX_RINGS = 256, /* clients with rings; others keep their connections */
    PEERS_MAX = 16384,     /* connections; more are refused */
    PEERS_MAX_ENDPOINTS = 2,
};

typedef struct peers peers_t;

typedef struct {
    core_t *core;           /* borrowed */
    crew_t *crew;           /* for what the reactor runs itself; borrowed */
    const char *client_key; /* public keys of the roles, Z85 */
    const char *engine_key;
    const char *cluster;
} peers_options_t;

int peers_new(peers_t **ret, const peers_options_t *options, err_t *err);
/* Forget all connections; the links stay. */
void peers_disconnect(peers_t *self);
/* Close the links.  Everything that came over them must have been released, so the core may be gone: disconnect first.
 */
void peers_destroy(peers_t **self);
/* Listen on one more link (taken, destroyed with the peers). */
void peers_listen(peers_t *self, link_t *link);
int peers_endpoints(const peers_t *self);
link_t *peers_endpoint(const peers_t *self, int i);

/* Has anything been received or sent on endpoint i since this was last asked? */
bool peers_was_used(peers_t *self, int i);
/* Handle what has come on endpoint i, some messages at most.  True: there may be more. */
bool peers_receive(peers_t *self, int i);
/* Handle what has come through rings and send the answers; where calls follow each other quickly stay awake for them.
 * True: there may be more, but the rest of the reactor has waited long enough. */
bool peers_rings_serve_awake(peers_t *self);
/* What is to be polled for rings, at most room into ret; returns how many there are. */
int peers_rings_pollfds(const peers_t *self, struct pollfd *ret, int room);
/* Grows whenever peers_rings_pollfds may give another list than before. */
uint64_t peers_rings_version(const peers_t *self);
/* Announce in all rings that the reactor will poll.  False: there is something in one. */
bool peers_rings_sleep(peers_t *self);
/* After the poll, or instead of one (n 0): fds as peers_rings_pollfds made them.  Serves those that rang.  True: all
 * did because of messages, and the fds are still right. */
bool peers_rings_wake(peers_t *self, const struct pollfd *fds, int n);
/* Give up rings that clients have asked for and not opened. */
void peers_rings_check(peers_t *self, int64_t now_ns);
/* Run what lanes want from the reactor. */
void peers_run_lanes(peers_t *self);
/* Send what waits.  True: some peer does not take its messages now. */
bool peers_flush(peers_t *self);
/* An engine is gone: nothing is kept for it any more. */
void peers_engine_lost(peers_t *self, oid_t engine);
/* A session has ended: its lane, its unpublished objects and its runner go.  said_goodbye: not because the broker said
 * so; then the objects stay until the broker has had time to say which of them are published. */
void peers_end_session(peers_t *self, oid_t session, bool said_goodbye);

#endif
