/* engine/outbox.h - messages that wait to be sent to one peer.
 * Small messages are gathered into one header frame; raw frames follow it.  What a link refuses with BUSY waits here.
 * The outbox has no bound of its own: who fills it looks at outbox_bytes, and stops. Thread rule: under the core's
 * lock; outbox_flush only on the thread that owns the link. */
#ifndef FH_ENGINE_OUTBOX_H
#define FH_ENGINE_OUTBOX_H

#include "codecs/line.h"

typedef struct outbox outbox_t;

/* What waits in several. */
typedef struct {
    size_t bytes;
    uint32_t busy; /* of them, in how many something waits */
} outbox_sum_t;

int outbox_new(outbox_t **ret, err_t *err);
void outbox_destroy(outbox_t **self);
/* From now on sum counts what waits here; it is borrowed. */
void outbox_count_in(outbox_t *self, outbox_sum_t *sum);
/* Append a message; its message->raw buffers in raws get a reference each.  OK, NO_MEMORY, INVALID_ARGUMENT (a field
 * breaks its bounds).  On failure nothing was appended. */
int outbox_add(outbox_t *self, const message_t *message, buf_t *const raws[], err_t *err);
/* Bytes that wait, or that were sent over a numbered line and may have to be sent again. */
size_t outbox_bytes(const outbox_t *self);
/* What this one is counted in; NULL: nothing. */
const outbox_sum_t *outbox_sum(const outbox_t *self);
/* Is there something to send? */
bool outbox_waits(const outbox_t *self);
/* Send what the link takes.  OK: all is out; BUSY: the rest waits; CANNOT_CONNECT: the peer is gone. */
int outbox_flush(outbox_t *self, link_t *link, const peer_t *peer, err_t *err);

/* From now on the line is numbered; nothing may wait. */
void outbox_number(outbox_t *self);
bool outbox_is_numbered(const outbox_t *self);
/* line_hear of the line; a frame of LINE alone is queued if the peer must be told of what has come. */
int outbox_hear(outbox_t *self, const msg_LINE_t *message, size_t bytes);
/* The peer has come back over another connection, and has all up to this frame.  Returns the last frame of it that came
 * here. */
uint64_t outbox_resume(outbox_t *self, uint64_t heard);

#endif
