/* codecs/line.h - what one side of a connection has sent and may have to send again.
 *
 * Frames (a header frame and its raw frames) wait here until the link takes them.  On a numbered line each begins with
 * LINE: its number, and the number of the last frame of the other side that was taken.  A frame then stays here until
 * the other side has said that it has it, so that a new connection can go on where the old one broke (line_again).
 * Nothing is bounded here: who adds looks at line_bytes.  Thread rule: that of the owner; line_send on the thread that
 * owns the link. */
#ifndef FH_CODECS_LINE_H
#define FH_CODECS_LINE_H

#include "base/link.h"
#include "codecs/message.h"

enum { LINE_MAX_RAW = LINK_MAX_FRAMES - 1 };

struct line_frame;

/* All-zero memory is an empty line that is not numbered. */
typedef struct {
    bool numbered;
    struct line_frame *first, *last; /* first those that were sent, then those that were not */
    struct line_frame *unsent;       /* the first of these; NULL: all were sent */
    size_t bytes;
    uint64_t added; /* the number of the last frame that was added */
    uint64_t heard; /* the number of the last frame that was taken */
    uint64_t told;  /* what the other side was last told of that */
    size_t untold_bytes;
} line_t;

/* Empty it; all-zero again. */
void line_release(line_t *self);
/* The first message of a frame that is being written; none on a line that is not numbered.  As header_writer_add. */
int line_open(line_t *self, header_writer_t *writer, err_t *err);
/* Copy what the writer holds and take over the references to the raw frames, LINE_MAX_RAW at most.  On failure
 * (NO_MEMORY) nothing was taken. */
int line_add(line_t *self, const header_writer_t *writer, buf_t *const raws[], int count, err_t *err);
/* Send what was not sent.  OK: all is out; else what link_send said, and the rest waits. */
int line_send(line_t *self, link_t *link, const peer_t *peer, err_t *err);
bool line_waits(const line_t *self);
size_t line_bytes(const line_t *self);

/* A frame of so many bytes has come that begins with this message.  OK: take the rest of it, and what the other side
 * has was dropped here; BUSY: it was taken before; PROTOCOL_ERROR: the ones before it are missing. */
int line_hear(line_t *self, const msg_LINE_t *message, size_t bytes);
/* Has so much come since the other side was last told that it should be told? */
bool line_owes(const line_t *self);
/* The other side has the frames up to this one. */
void line_confirm(line_t *self, uint64_t heard);
/* The connection is another one: all that was not confirmed is to be sent (again). */
void line_again(line_t *self);

#endif
