/* broker/broker.h - what the broker does in a turn of its reactor: one thread, one server link, one store.
 *
 * The caller (reactor.h) calls broker_turn whenever the link or broker_fd is readable and when the time has come that
 * the last turn named. A turn takes what has arrived, ends leases, writes what has changed in one transaction, and only
 * then sends the answers that promise durability.  Nothing in here waits. */
#ifndef FH_BROKER_BROKER_H
#define FH_BROKER_BROKER_H

#include "base/err.h"
#include "base/link.h"
#include "broker/store.h"

#include <stddef.h>
#include <stdint.h>

typedef struct broker broker_t;

/* Times in nanoseconds; 0 takes the default. */
typedef struct {
    const char *cluster;       /* name, for WELCOME; borrowed, as are the keys */
    const char *client_key;    /* who has authenticated with this public key (Z85) is a client, */
    const char *engine_key;    /* with this one an engine; others get no answer */
    int64_t lease_ns;          /* of a client: 15 s */
    int64_t restart_lease_ns;  /* of a client after the broker's restart: 60 s */
    int64_t engine_silence_ns; /* an engine that is silent so long is lost: 1.5 s */
    int64_t engine_return_ns;  /* an engine has so long to come back after the broker's restart: 10 s */
    int64_t query_ns;          /* of processor time that a client's query may compute: 5 s */
} broker_options_t;

/* Reads the store.  Borrows link and store until broker_destroy. */
int broker_new(broker_t **ret, link_t *link, store_t *store, const broker_options_t *options, int64_t now_ns,
               err_t *err);
/* Do what is due; returns when the next turn is due at the latest (INT64_MAX: only when something arrives). */
int64_t broker_turn(broker_t *self, int64_t now_ns);
/* Readable when a turn is due because of a query's rows. */
int broker_fd(const broker_t *self);
/* Before the end: write what has changed, send what waits if there is room.  True: nothing waits any more. */
bool broker_drain(broker_t *self, int64_t now_ns);
void broker_destroy(broker_t **self);

#endif
