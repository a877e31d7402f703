/* engine/outbox.c - one packet that is being filled, and a queue of full ones. */
#include "engine/outbox.h"

#include <stdlib.h>

enum {
    PACKET_RAWS = LINK_MAX_FRAMES - 1,
    PACKET_HEADER_BYTES = 32 * 1024, /* a packet is full when its header has grown to this */
    PACKET_RAW_BYTES = 1024 * 1024,  /* or its raw frames to this */
};

typedef struct packet {
    struct packet *next;
    buf_t *header;
    size_t bytes;
    int count;
    buf_t *raws[PACKET_RAWS];
} packet_t;

struct outbox {
    header_writer_t *writer; /* of the packet that is being filled */
    int count;
    size_t raw_bytes;
    buf_t *raws[PACKET_RAWS];
    packet_t *first, *last;
    size_t packet_bytes;
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

static void
drop_raws(buf_t *raws[], int *count)
{
    for (int i = 0; i < *count; i++)
        buf_unref(&raws[i]);
    *count = 0;
}

static void
drop_first(outbox_t *self)
{
    packet_t *packet = self->first;

    self->first = packet->next;
    if (!self->first)
        self->last = NULL;
    self->packet_bytes -= packet->bytes;
    drop_raws(packet->raws, &packet->count);
    buf_unref(&packet->header);
    free(packet);
}

void
outbox_destroy(outbox_t **self)
{
    if (!*self)
        return;
    while ((*self)->first)
        drop_first(*self);
    drop_raws((*self)->raws, &(*self)->count);
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

/* Put what has been gathered into the queue of packets. */
static int
seal(outbox_t *self, err_t *err)
{
    packet_t *packet = malloc(sizeof *packet);

    if (!packet)
        return err_set(err, FH_NO_MEMORY, "no memory for a reply");
    int status = buf_new_copy(&packet->header, header_writer_data(self->writer), header_writer_size(self->writer), err);

    if (status) {
        free(packet);
        return status;
    }
    packet->next = NULL;
    packet->bytes = header_writer_size(self->writer) + self->raw_bytes;
    packet->count = self->count;
    for (int i = 0; i < self->count; i++)
        packet->raws[i] = self->raws[i];
    *(self->last ? &self->last->next : &self->first) = packet;
    self->last = packet;
    self->packet_bytes += packet->bytes;
    begin_packet(self);
    return FH_OK;
}

static bool
is_full(const outbox_t *self, uint32_t raws)
{
    return header_writer_count(self->writer) > 0 &&
           (self->count + (int)raws > PACKET_RAWS || header_writer_size(self->writer) >= PACKET_HEADER_BYTES ||
            self->raw_bytes >= PACKET_RAW_BYTES);
}

int
outbox_add(outbox_t *self, const message_t *message, buf_t *const raws[], err_t *err)
{
    int status = is_full(self, message->raw) ? seal(self, err) : FH_OK;

    if (!status)
        status = header_writer_add(self->writer, message, err);
    if (status)
        return status;
    for (uint32_t i = 0; i < message->raw; i++) {
        self->raws[self->count++] = buf_ref(raws[i]);
        self->raw_bytes += buf_size(raws[i]);
    }
    return FH_OK;
}

size_t
outbox_bytes(const outbox_t *self)
{
    size_t open = header_writer_count(self->writer) ? header_writer_size(self->writer) + self->raw_bytes : 0;

    return self->packet_bytes + open;
}

static int
send_packet(link_t *link, const peer_t *peer, const link_frame_t *header, buf_t *const raws[], int count, err_t *err)
{
    link_frame_t frames[LINK_MAX_FRAMES];

    frames[0] = *header;
    for (int i = 0; i < count; i++)
        frames[i + 1] = (link_frame_t){.data = buf_data(raws[i]), .size = buf_size(raws[i]), .buf = raws[i]};
    return link_send(link, peer, frames, count + 1, err);
}

int
outbox_flush(outbox_t *self, link_t *link, const peer_t *peer, err_t *err)
{
    while (self->first) {
        packet_t *packet = self->first;
        link_frame_t header = {
            .data = buf_data(packet->header), .size = buf_size(packet->header), .buf = packet->header};
        int status = send_packet(link, peer, &header, packet->raws, packet->count, err);

        if (status)
            return status;
        drop_first(self);
    }
    if (!header_writer_count(self->writer))
        return FH_OK;
    link_frame_t header = {.data = header_writer_data(self->writer), .size = header_writer_size(self->writer)};
    int status = send_packet(link, peer, &header, self->raws, self->count, err);

    if (status)
        return status;
    drop_raws(self->raws, &self->count);
    begin_packet(self);
    return FH_OK;
}
