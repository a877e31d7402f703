/* engine/mates.h - the other engines of the cluster, and links to those that this one sends arrays to.
 * A link is made when the first array goes there: over ipc without keys when both are on one host, else over tcp with
 * them. Thread rule: owned by the reactor; mates_send and mates_is_near are called under the core's lock (by
 * transfers_pump), the others without it. */
#ifndef FH_ENGINE_MATES_H
#define FH_ENGINE_MATES_H

#include "engine/core.h"

#include <poll.h>

typedef struct mates mates_t;

typedef struct {
    core_t *core;            /* borrowed */
    void *context;           /* ZeroMQ's; borrowed */
    const link_keys_t *keys; /* of the engines; borrowed */
    bool trust_network;      /* arrays need not be sealed on their way */
} mates_options_t;

int mates_new(mates_t **ret, const mates_options_t *options, err_t *err);
void mates_destroy(mates_t **self);

/* An engine of which the broker has to be asked (FIND_ENGINE) before anything can be sent there; each is given once,
 * and again if there is no answer.  False: there is none. */
bool mates_next_wanted(mates_t *self, oid_t *ret);
/* News from the broker. */
void mates_tell(mates_t *self, const msg_ENGINE_t *engine);
/* An engine is gone: transfers from and to it fail. */
void mates_lose(mates_t *self, oid_t engine, str_t reason);

/* For transfer_way_t and borrows; context: a mates_t. */
bool mates_is_near(void *context, oid_t engine);
int mates_send(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err);
/* See to arrays that come over streams. */
void mates_pull(mates_t *self);
/* The engine ends: nothing comes over streams any more.  Before transfers_destroy; mates_pull is not called again. */
void mates_end_pulls(mates_t *self);
/* Handle what has come from all of them.  True: some link has more. */
bool mates_receive(mates_t *self);
/* Descriptors of the links; returns how many there are, of which at most room are filled in. */
int mates_pollfds(const mates_t *self, struct pollfd *ret, int room);
/* Grows whenever mates_pollfds may give another list than before. */
uint64_t mates_pollfds_version(const mates_t *self);
/* Fail transfers whose other engine is gone or unknown, and find out about connections that broke.  Call it a few times
 * a second. */
void mates_check(mates_t *self);

#endif
