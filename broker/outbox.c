/* broker/outbox.c - a bounded queue of frames. */
#include "broker/outbox.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct outbox_frame {
    outbox_frame_t *next;
    size_t size;
    uint8_t data[];
};

int
outbox_put(outbox_t *self, const void *frame, size_t size, err_t *err)
{
    if (self->first && self->bytes + size > OUTBOX_MAX_BYTES)
        return err_set(err, FH_LIMIT_EXCEEDED, "the peer does not read: %zu bytes wait for it", self->bytes);
    outbox_frame_t *entry = malloc(sizeof *entry + size);

    if (!entry)
        return err_set(err, FH_NO_MEMORY, "no memory to keep %zu bytes for a peer", size);
    entry->next = NULL;
    entry->size = size;
    memcpy(entry->data, frame, size);
    if (self->last)
        self->last->next = entry;
    else
        self->first = entry;
    self->last = entry;
    self->bytes += size;
    return FH_OK;
}

static void
drop_first(outbox_t *self)
{
    outbox_frame_t *entry = self->first;

    self->first = entry->next;
    if (!self->first)
        self->last = NULL;
    self->bytes -= entry->size;
    free(entry);
}

int
outbox_flush(outbox_t *self, link_t *link, const peer_t *peer, err_t *err)
{
    while (self->first) {
        link_frame_t frame = {.data = self->first->data, .size = self->first->size};
        int status = link_send(link, peer, &frame, 1, err);

        if (status)
            return status;
        drop_first(self);
    }
    return FH_OK;
}

void
outbox_release(outbox_t *self)
{
    while (self->first)
        drop_first(self);
}
