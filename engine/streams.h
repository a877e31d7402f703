/* engine/streams.h - the engine's end of streams: tickets, connections, and what comes and goes over them.
 *
 * A thread accepts connections; each that shows a ticket gets a thread of its own, which reads and writes arrays where
 * they lie.  So the reactor and the lanes go on however much is moved, and several streams use several cores.  What one
 * stream takes of memory is two chunks at most.  A peer that moves nothing for ten seconds in the middle of something
 * loses its stream.
 * Thread rule: all functions on any thread.  Lock order: the core's, then the streams' own. */
#ifndef FH_ENGINE_STREAMS_H
#define FH_ENGINE_STREAMS_H

#include "base/stream.h"
#include "engine/core.h"

enum {
    STREAMS_MAX = 250,         /* at a time */
    STREAMS_EACH_SESSION = 32, /* tickets and streams of one */
};

/* host: the address to listen on.  plain: streams that are not sealed are allowed. */
int streams_new(streams_t **ret, core_t *core, const char *host, bool plain, err_t *err);
void streams_destroy(streams_t **self);
int streams_port(const streams_t *self);

/* Issue a ticket for a session.  PERMISSION: plain streams are not allowed.
 * LIMIT_EXCEEDED. */
int streams_issue(streams_t *self, oid_t session, const stream_options_t *wanted, stream_ticket_t *ret, err_t *err);
/* Shut one stream, by the number that deposits_take was given, if it is of that session. */
void streams_shut(streams_t *self, uint8_t stream, oid_t session);
/* Shut all streams of a session, and forget its tickets. */
void streams_session_gone(streams_t *self, oid_t session);

#endif
