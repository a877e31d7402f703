/* engine/outbox.h - messages that wait to be sent to one peer.
 * Small messages are gathered into one header frame; raw frames follow it.  What a link refuses with BUSY waits here.
 * The outbox has no bound of its own: who fills it looks at outbox_bytes, and stops. Thread rule: under the core's
 * lock; outbox_flush only on the thread that owns the link. */
#ifndef FH_ENGINE_OUTBOX_H
#define FH_ENGINE_OUTBOX_H

#include "base/link.h"
#include "codecs/message.h"

typedef struct outbox outbox_t;

int outbox_new(outbox_t **ret, err_t *err);
void outbox_destroy(outbox_t **self);
/* Append a message; its message->raw buffers in raws get a reference each.  OK, NO_MEMORY, INVALID_ARGUMENT (a field
 * breaks its bounds).  On failure nothing was appended. */
int outbox_add(outbox_t *self, const message_t *message, buf_t *const raws[], err_t *err);
/* Bytes that wait. */
size_t outbox_bytes(const outbox_t *self);
/* Send what the link takes.  OK: all is out; BUSY: the rest waits; CANNOT_CONNECT: the peer is gone. */
int outbox_flush(outbox_t *self, link_t *link, const peer_t *peer, err_t *err);

#endif
