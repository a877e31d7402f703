/* Ids that are not needed any more: kept until a message goes, and sent with it. */
#include "proxy/engine_link.h"
#include "proxy/kept.h"
#include "proxy/session.h"
#include "proxy/tail_parts.h"

#include <stdlib.h>

enum { ALONE_IDS = 1024, ALONE_BYTES = 65536, RECENT = 64 /* ids that are looked through */ };

static const int64_t ALONE_NS = 4000000;

void
engine_link_add_releases(engine_link_t *self)
{
    if (tail_waits(self->session))
        return; /* they may be what it needs */
    while (self->ndropped && engine_link_has_credit(self, 0)) {
        int n = self->ndropped < ENGINE_LINK_RELEASES ? self->ndropped : ENGINE_LINK_RELEASES;
        message_t message = {.code = MSG_RELEASE};
        message.as.RELEASE.objects = (oids_t){self->dropped + self->ndropped - n, (uint32_t)n};
        message.as.RELEASE.abandon = self->abandon;
        uint64_t call;
        if (conn_add(&self->conn, &message, NULL, &call, NULL))
            return; /* the batch is full: they ride on the next */
        self->bytes_of_call[call % ENGINE_LINK_CALLS] = 0;
        self->ndropped -= n;
    }
    if (self->ndropped)
        return;
    self->abandon = false;
    self->dropped_bytes = 0;
}

void
engine_link_drop(engine_link_t *self, oid_t id, int64_t bytes)
{
    if (self->lost || !self->open || kept_drop(self, id) || tail_drop(self, id))
        return;
    if (self->ndropped == self->dropped_room) {
        int room = self->dropped_room ? 2 * self->dropped_room : 64;
        oid_t *grown = realloc(self->dropped, (size_t)room * sizeof *grown);
        if (!grown)
            return;
        self->dropped = grown;
        self->dropped_room = room;
    }
    if (self->ndropped == 0)
        self->dropped_ns = clock_coarse_ns();
    self->dropped[self->ndropped++] = id;
    self->dropped_bytes += bytes;
    if (self->session->njoins)
        tail_prune(self->session);
}

/* Where a recent one stands; -1: not among these. */
static int
place_of(const engine_link_t *self, oid_t id)
{
    for (int i = self->ndropped - 1; i >= 0 && i >= self->ndropped - RECENT; i--)
        if (oid_equal(self->dropped[i], id))
            return i;
    return -1;
}

bool
engine_link_has_dropped(const engine_link_t *self, oid_t id)
{
    return place_of(self, id) >= 0;
}

bool
engine_link_take_back(engine_link_t *self, oid_t id)
{
    int i = place_of(self, id);
    if (i >= 0)
        self->dropped[i] = self->dropped[--self->ndropped];
    return i >= 0;
}

int
engine_link_flush(engine_link_t *self, err_t *err)
{
    if (!self->open)
        return FH_OK;
    engine_link_add_releases(self);
    return conn_flush(&self->conn, err);
}

void
engine_link_push(engine_link_t *self)
{
    if (self->open && self->ndropped && !conn_has_batch(&self->conn) && self->ndropped < ALONE_IDS &&
        self->dropped_bytes < ALONE_BYTES && clock_coarse_ns() - self->dropped_ns < ALONE_NS)
        return;
    (void)engine_link_flush(self, NULL);
}
