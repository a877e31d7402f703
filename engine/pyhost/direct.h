/* engine/pyhost/direct.h - the rings between a Python host and its client: calls that need nothing of the engine.
 *
 * One call is under way at a time; behind it there is at most its CANCEL.  Knows nothing of Python.  What the client
 * writes is copied, then decoded; whoever breaks the protocol loses the rings, and the engine's way stays.
 * Thread rule: that of channel.h. */
#ifndef FH_ENGINE_PYHOST_DIRECT_H
#define FH_ENGINE_PYHOST_DIRECT_H

#include "base/link_ring.h"
#include "codecs/message.h"
#include "engine/pyhost/pyhost_wire.h"

enum { DIRECT_BODY = 192 * 1024 /* largest pickle, either way */ };

typedef struct {
    link_t *ring; /* NULL: there are none */
    arena_t *arena;
    header_writer_t *writer;
    link_message_t received; /* what the last call points into */
    bool holds;              /* there is one */
    uint64_t call;           /* that is not answered; 0: none */
    bool settled;            /* the client has opened all */
    int credit;              /* for looks in vain */
} direct_t;

/* A call as it came; views, valid until the next direct_take. */
typedef struct {
    uint64_t call;
    str_t what;
    oids_t objects;
    bin_t body;
} direct_call_t;

/* Make rings; earlier ones are given up. */
int direct_open(direct_t *self, link_ring_place_t *ret, err_t *err);
void direct_close(direct_t *self);
/* In a forked child: let go of the descriptors without a word to the other side. */
void direct_forget(direct_t *self);
/* Is a message there? */
bool direct_glance(const direct_t *self);
/* The next call.  False: there is none (any more). */
bool direct_take(direct_t *self, direct_call_t *ret);
/* Has the client cancelled the call that it sent last? */
bool direct_is_cancelled(const direct_t *self);
/* Wait until there is a message, or the engine's socket has something: looks for some microseconds, where that has
 * paid, then sleeps. */
void direct_wait(direct_t *self, const pyhost_page_t *page, uint32_t heard, int socket);
/* The answer to the call under way.  claim: as PY_RESULT has it.  LIMIT_EXCEEDED: the pickle is too large. */
int direct_answer(direct_t *self, bool raised, unsigned claim, const void *body, size_t size, err_t *err);
/* Likewise: it has not been run to its end. */
int direct_refuse(direct_t *self, const err_t *why, err_t *err);

#endif
