/* proxy/streams.h - large pieces to and from engines of other hosts, over connections of their own.
 *
 * Each engine link has a group of streams, made on first use and kept: see base/stream_group.h.  Tickets are asked for
 * over the link.  A move ends when every byte is in its place at the receiver.  A broken stream costs a new
 * connection and what was under way on it; the move ends with an error only if nothing has moved for the session's time
 * limit, if the engine is lost, or if the user wishes.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_STREAMS_H
#define FH_PROXY_STREAMS_H

#include "codecs/shape.h"
#include "proxy/handle.h"

enum { STREAMS_BYTES = 2 * 1024 * 1024 /* smaller pieces are not worth the round trips */ };

/* Whether a piece of so many bytes should go over streams to or from this engine.  Connects to it if need be; what goes
 * wrong there comes up later. */
bool streams_possible(engine_link_t *engine, int64_t bytes);
/* A handle for an array whose bytes come over streams.  The engine's answer comes with the request, which stays where
 * it is until streams_deposited has returned or conn_forget was called: ask for all pieces, then wait. */
int streams_deposit(engine_link_t *engine, dtype_t dtype, const shape_t *shape, request_t *request, handle_t **ret,
                    err_t *err);
/* There is room for the bytes, or the reason why not. */
int streams_deposited(engine_link_t *engine, request_t *request, err_t *err);
/* It is whole. */
int streams_complete(handle_t *deposit, err_t *err);

/* A piece that is to be moved. */
typedef struct {
    handle_t *handle;
    nd_t local;   /* where its bytes are, or are to be, here */
    bool swapped; /* to engines: each element's bytes are reversed on the way */
} streams_part_t;

/* Move all parts to their deposits (to_engines) or from their arrays.  Waits.  ENGINE_LOST, TIMEOUT, INTERRUPTED,
 * PERMISSION (streams without encryption are not allowed), or what is the matter with an array. */
int streams_move(fh_session *session, const streams_part_t *parts, int n, bool to_engines, err_t *err);

/* The engine is gone, or the session: its streams are of no use any more.  They outlive a link that breaks. */
void streams_forget(engine_link_t *engine);

#endif
