/* engine/broker_link.h - this engine's life with the broker: HELLO, ANNOUNCE, signs of life, news of objects.
 * The engine goes on serving without a broker; when one answers that it does not know us, everything is told again.
 * Thread rule: owned by the reactor, without the core's lock. */
#ifndef FH_ENGINE_BROKER_LINK_H
#define FH_ENGINE_BROKER_LINK_H

#include "engine/mates.h"
#include "engine/peers.h"

typedef struct broker_link broker_link_t;

typedef struct {
    core_t *core;         /* borrowed */
    mates_t *mates;       /* borrowed */
    peers_t *peers;       /* borrowed */
    link_t *link;         /* to the broker; taken on success */
    const char *endpoint; /* where we listen, CURVE */
    const char *local;    /* the same over ipc */
    int threads;
    const char *offers; /* tags and resources; borrowed; NULL: none */
    int64_t memory_bytes;
    int64_t orphan_ns; /* INT64_MAX: never */
} broker_link_options_t;

int broker_link_new(broker_link_t **ret, const broker_link_options_t *options, err_t *err);
void broker_link_destroy(broker_link_t **self);

link_t *broker_link_link(const broker_link_t *self);
/* Handle what has come.  True: there may be more. */
bool broker_link_receive(broker_link_t *self);
/* Send what is due at this time: HELLO, heartbeats, news.  Returns when it wants to be called again. */
int64_t broker_link_tick(broker_link_t *self, int64_t now_ns);
/* Has the broker accepted the announcement, ever? */
bool broker_link_ready(const broker_link_t *self);
/* Why the engine must end: refused by the broker, or without one for too long.  FH_OK: it need not. */
int broker_link_failure(const broker_link_t *self, int64_t now_ns, err_t *err);
/* Say GOODBYE. */
void broker_link_leave(broker_link_t *self);

#endif
