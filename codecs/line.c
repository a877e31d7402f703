#include "codecs/line.h"

#include <stdlib.h>
#include <string.h>

enum { OWE_FRAMES = 32, OWE_BYTES = 1024 * 1024 };

struct line_frame {
    struct line_frame *next;
    uint64_t number;
    buf_t *header;
    size_t bytes;
    int count;
    buf_t *raws[];
};

static void
drop_first(line_t *self)
{
    struct line_frame *frame = self->first;

    self->first = frame->next;
    if (!self->first)
        self->last = NULL;
    if (self->unsent == frame)
        self->unsent = frame->next;
    self->bytes -= frame->bytes;
    for (int i = 0; i < frame->count; i++)
        buf_unref(&frame->raws[i]);
    buf_unref(&frame->header);
    free(frame);
}

void
line_release(line_t *self)
{
    while (self->first)
        drop_first(self);
    memset(self, 0, sizeof *self);
}

/* ---- out -----------------------------------------------------------------------------------------------------------
 */

int
line_open(line_t *self, header_writer_t *writer, err_t *err)
{
    if (!self->numbered)
        return FH_OK;
    int status = header_writer_add(
        writer, &(message_t){.code = MSG_LINE, .as.LINE = {.number = self->added + 1, .heard = self->heard}}, err);
    if (!status) {
        self->told = self->heard;
        self->untold_bytes = 0;
    }
    return status;
}

int
line_add(line_t *self, const header_writer_t *writer, buf_t *const raws[], int count, err_t *err)
{
    struct line_frame *frame = malloc(sizeof *frame + (size_t)count * sizeof frame->raws[0]);

    if (!frame)
        return err_set(err, FH_NO_MEMORY, "no memory for a frame that waits");
    *frame = (struct line_frame){.number = self->added + 1, .count = count, .bytes = header_writer_size(writer)};
    int status = buf_new_copy(&frame->header, header_writer_data(writer), header_writer_size(writer), err);

    if (status) {
        free(frame);
        return status;
    }
    for (int i = 0; i < count; i++) {
        frame->raws[i] = raws[i];
        frame->bytes += buf_size(raws[i]);
    }
    *(self->last ? &self->last->next : &self->first) = frame;
    self->last = frame;
    if (!self->unsent)
        self->unsent = frame;
    self->bytes += frame->bytes;
    self->added++;
    return FH_OK;
}

static int
send_frame(const struct line_frame *frame, link_t *link, const peer_t *peer, err_t *err)
{
    link_frame_t frames[LINK_MAX_FRAMES];

    frames[0] = (link_frame_t){.data = buf_data(frame->header), .size = buf_size(frame->header), .buf = frame->header};
    for (int i = 0; i < frame->count; i++)
        frames[i + 1] =
            (link_frame_t){.data = buf_data(frame->raws[i]), .size = buf_size(frame->raws[i]), .buf = frame->raws[i]};
    return link_send(link, peer, frames, frame->count + 1, err);
}

int
line_send(line_t *self, link_t *link, const peer_t *peer, err_t *err)
{
    while (self->unsent) {
        int status = send_frame(self->unsent, link, peer, err);

        if (status)
            return status;
        self->unsent = self->unsent->next;
        if (!self->numbered)
            drop_first(self);
    }
    return FH_OK;
}

bool
line_waits(const line_t *self)
{
    return self->unsent != NULL;
}

size_t
line_bytes(const line_t *self)
{
    return self->bytes;
}

/* ---- in ------------------------------------------------------------------------------------------------------------
 */

int
line_hear(line_t *self, const msg_LINE_t *message, size_t bytes)
{
    if (message->number > self->heard + 1)
        return FH_PROTOCOL_ERROR;
    line_confirm(self, message->heard);
    if (message->number <= self->heard)
        return FH_BUSY;
    self->heard++;
    self->untold_bytes += bytes;
    return FH_OK;
}

bool
line_owes(const line_t *self)
{
    return self->heard - self->told >= OWE_FRAMES || self->untold_bytes >= OWE_BYTES;
}

void
line_confirm(line_t *self, uint64_t heard)
{
    while (self->first && self->first != self->unsent && self->first->number <= heard)
        drop_first(self);
}

void
line_again(line_t *self)
{
    self->unsent = self->first;
}
