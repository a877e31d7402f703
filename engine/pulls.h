/* engine/pulls.h - arrays that engines of other hosts have offered, on their way here over streams (decision 0019).
 *
 * For each engine that sends there is one group of streams, which moves what lanes expect from there, and what is
 * offered before (engine/transfer_ahead.c), one array behind the other without a pause.  An array that cannot be had
 * that way is refused, so that it is pushed. Thread rule: the reactor's, without the core's lock. */
#ifndef FH_ENGINE_PULLS_H
#define FH_ENGINE_PULLS_H

#include "engine/core.h"

typedef struct pulls pulls_t;

/* How engines are reached. */
typedef struct {
    /* OK; BUSY: not now; else it cannot be reached. */
    int (*send)(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err);
    /* "tcp://HOST:PORT", or NULL: it is not known. */
    const char *(*endpoint)(const void *context, oid_t engine);
    void *context;
} pulls_way_t;

/* plain: ask for streams that are not sealed first. */
int pulls_new(pulls_t **ret, core_t *core, bool plain, err_t *err);
void pulls_destroy(pulls_t **self);

/* Begin what can begin, and see to what is under way. */
void pulls_pump(pulls_t *self, const pulls_way_t *way);
/* Answers to STREAMS.  False: nothing was asked. */
bool pulls_tickets(pulls_t *self, oid_t engine, const msg_TICKETS_t *tickets);
bool pulls_refused(pulls_t *self, oid_t engine, uint64_t call, const err_t *why);
/* What was to come from there will not. */
void pulls_engine_lost(pulls_t *self, oid_t engine);

#endif
