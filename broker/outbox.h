/* broker/outbox.h - frames that a peer had no room for, in their order, up to a bound.
 * Thread rule: one thread at a time. */
#ifndef FH_BROKER_OUTBOX_H
#define FH_BROKER_OUTBOX_H

#include "base/err.h"
#include "base/link.h"

#include <stddef.h>

enum { OUTBOX_MAX_BYTES = 1 << 20 };

typedef struct outbox_frame outbox_frame_t;

typedef struct {
    outbox_frame_t *first, *last;
    size_t bytes;
} outbox_t;

/* Keep a copy of one frame.  LIMIT_EXCEEDED when more than OUTBOX_MAX_BYTES would wait (one frame alone may be larger),
 * NO_MEMORY; nothing was kept then. */
int outbox_put(outbox_t *self, const void *frame, size_t size, err_t *err);
/* Send what waits.  OK: nothing waits any more; BUSY: no room yet; CANNOT_CONNECT: the peer is gone. */
int outbox_flush(outbox_t *self, link_t *link, const peer_t *peer, err_t *err);
/* Throw away what waits. */
void outbox_release(outbox_t *self);

#endif
