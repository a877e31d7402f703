/* engine/outbox.c - one packet that is being filled, and a line of full ones. */
#include "engine/outbox.h"

#include <stdlib.h>

enum {
    PACKET_HEADER_BYTES = 32 * 1024, /* a packet is full when its header has grown to this */
    PACKET_RAW_BYTES = 1024 * 1024,  /* or its raw frames to this */
};

struct outbox {
    header_writer_t *writer; /* of the packet that is being filled */
    int count;
    size_t raw_bytes;
    buf_t *raws[LINE_MAX_RAW];
    line_t line;
    outbox_sum_t *sum;
    size_t counted; /* there */
};

int
outbox_new(outbox_t **ret, err_t *err)
{
    outbox_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a queue of replies");
    int status = header_writer_new(&self->writer, err);

    if (status)
        free(self);
    else
        *ret = self;
    return status;
}

static size_t
bytes_of(const outbox_t *self)
{
    size_t open = header_writer_count(self->writer) ? header_writer_size(self->writer) + self->raw_bytes : 0;

    return line_bytes(&self->line) + open;
}

static void
count(outbox_t *self, size_t bytes)
{
    if (!self->sum)
        return;
    self->sum->bytes += bytes - self->counted;
    self->sum->busy += (uint32_t)(bytes > 0) - (uint32_t)(self->counted > 0);
    self->counted = bytes;
}

void
outbox_count_in(outbox_t *self, outbox_sum_t *sum)
{
    self->sum = sum;
    count(self, bytes_of(self));
}

const outbox_sum_t *
outbox_sum(const outbox_t *self)
{
    return self->sum;
}

void
outbox_destroy(outbox_t **self)
{
    if (!*self)
        return;
    count(*self, 0);
    line_release(&(*self)->line);
    for (int i = 0; i < (*self)->count; i++)
        buf_unref(&(*self)->raws[i]);
    header_writer_destroy(&(*self)->writer);
    free(*self);
    *self = NULL;
}

static void
begin_packet(outbox_t *self)
{
    header_writer_reset(self->writer);
    self->raw_bytes = 0;
    self->count = 0;
}

/* Put what has been gathered into the line. */
static int
seal(outbox_t *self, err_t *err)
{
    int status = line_add(&self->line, self->writer, self->raws, self->count, err);

    if (!status)
        begin_packet(self);
    return status;
}

static bool
is_full(const outbox_t *self, uint32_t raws)
{
    return header_writer_count(self->writer) > 0 &&
           (self->count + (int)raws > LINE_MAX_RAW || header_writer_size(self->writer) >= PACKET_HEADER_BYTES ||
            self->raw_bytes >= PACKET_RAW_BYTES);
}

int
outbox_add(outbox_t *self, const message_t *message, buf_t *const raws[], err_t *err)
{
    int status = is_full(self, message->raw) ? seal(self, err) : FH_OK;

    if (!status && !header_writer_count(self->writer))
        status = line_open(&self->line, self->writer, err);
    if (!status)
        status = header_writer_add(self->writer, message, err);
    if (status)
        return status;
    for (uint32_t i = 0; i < message->raw; i++) {
        self->raws[self->count++] = buf_ref(raws[i]);
        self->raw_bytes += buf_size(raws[i]);
    }
    count(self, bytes_of(self));
    return FH_OK;
}

size_t
outbox_bytes(const outbox_t *self)
{
    return bytes_of(self);
}

bool
outbox_waits(const outbox_t *self)
{
    return header_writer_count(self->writer) || line_waits(&self->line);
}

/* What was gathered goes as it is, without a copy. */
static int
send_open(outbox_t *self, link_t *link, const peer_t *peer, err_t *err)
{
    link_frame_t frames[LINK_MAX_FRAMES];

    frames[0] = (link_frame_t){.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)};
    for (int i = 0; i < self->count; i++)
        frames[i + 1] =
            (link_frame_t){.data = buf_data(self->raws[i]), .size = buf_size(self->raws[i]), .buf = self->raws[i]};
    int status = link_send(link, peer, frames, self->count + 1, err);

    if (status)
        return status;
    for (int i = 0; i < self->count; i++)
        buf_unref(&self->raws[i]);
    begin_packet(self);
    return FH_OK;
}

static int
send_all(outbox_t *self, link_t *link, const peer_t *peer, err_t *err)
{
    int status = line_send(&self->line, link, peer, err);

    if (status || !header_writer_count(self->writer))
        return status;
    if (!self->line.numbered)
        return send_open(self, link, peer, err);
    if (seal(self, err))
        return FH_BUSY; /* there was no memory for it: it waits */
    return line_send(&self->line, link, peer, err);
}

int
outbox_flush(outbox_t *self, link_t *link, const peer_t *peer, err_t *err)
{
    int status = send_all(self, link, peer, err);

    count(self, bytes_of(self));
    return status;
}

/* ---- numbered lines ------------------------------------------------------------------------------------------------
 */

void
outbox_number(outbox_t *self)
{
    self->line.numbered = true;
}

bool
outbox_is_numbered(const outbox_t *self)
{
    return self->line.numbered;
}

int
outbox_hear(outbox_t *self, const msg_LINE_t *message, size_t bytes)
{
    int status = line_hear(&self->line, message, bytes);

    /* What cannot be told now is told by the next frame. */
    if (!status && line_owes(&self->line) && !header_writer_count(self->writer))
        (void)line_open(&self->line, self->writer, NULL);
    count(self, bytes_of(self));
    return status;
}

uint64_t
outbox_resume(outbox_t *self, uint64_t heard)
{
    line_confirm(&self->line, heard);
    line_again(&self->line);
    count(self, bytes_of(self));
    return self->line.heard;
}
