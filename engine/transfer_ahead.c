/* engine/transfer_ahead.c - arrays that are read at their senders' before a lane expects them, so that a chain of
 * engines that hand an array on, chunk by chunk, leaves no line idle while a lane is at the chunk before. */
#include "engine/core_spill.h"
#include "engine/transfer_private.h"

#include <stdlib.h>

enum {
    AHEAD_ONE = 16 * 1024 * 1024,  /* an array that is read ahead, at most */
    AHEAD_BYTES = 64 * 1024 * 1024 /* those of one session */
};

void
arrival_note_offer(transfers_t *self, const arrival_t *arrival)
{
    if (arrival->offer->at.pid || arrival->bytes > AHEAD_ONE || self->offered_count == OFFERED_KEPT)
        return;
    self->offered[(self->offered_first + self->offered_count++) % OFFERED_KEPT] = arrival->transfer;
    core_wake_reactor(self->core);
}

void
arrival_end_ahead(transfers_t *self, arrival_t *arrival)
{
    usage_t *usage = arrival->ahead ? oid_map_find(&self->usages, arrival->session) : NULL;

    if (usage)
        usage->ahead_bytes -= arrival->bytes;
    arrival->ahead = false;
}

/* Is it still there, and wanted, and not too much? */
static arrival_t *
find_offered(transfers_t *self, oid_t transfer, usage_t **ret_usage)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, transfer);
    const lane_t *lane = arrival ? lanes_find(&self->core->lanes, arrival->session) : NULL;

    if (!arrival || !arrival->offer || arrival->expected || arrival->failure || arrival->unwanted || !lane ||
        lane->gone || transfer_usage(self, arrival->session, ret_usage, NULL))
        return NULL;
    return (*ret_usage)->ahead_bytes + arrival->bytes <= AHEAD_BYTES ? arrival : NULL;
}

/* Memory that need not be cleared, while a quarter of it is left to others. */
static segment_t *
take_memory(core_t *core, oid_t session, int64_t bytes)
{
    segment_t *segment = NULL;
    pool_stats_t stats;

    pool_stats(core->pool, &stats);
    if (core->spill || stats.used + bytes > stats.limit - stats.limit / 4 ||
        core_take(core, (size_t)bytes, session, POOL_QUICK, &segment, NULL))
        return NULL;
    return segment;
}

/* Under the lock, which it drops meanwhile. */
static void
read_ahead(transfers_t *self, oid_t transfer)
{
    core_t *core = self->core;
    usage_t *usage = NULL;
    transfer_pull_t pull;
    const arrival_t *offered = find_offered(self, transfer, &usage);

    if (!offered)
        return;
    oid_t session = offered->session;
    int64_t bytes = offered->bytes;

    pthread_mutex_unlock(&core->lock);
    segment_t *segment = take_memory(core, session, bytes);

    pthread_mutex_lock(&core->lock);
    arrival_t *arrival = segment ? find_offered(self, transfer, &usage) : NULL;

    if (!arrival) {
        segment_unref(&segment);
        return;
    }
    arrival->pin = (pin_t){.segment = segment};
    nd_init(&arrival->pin.nd, segment->data, arrival->dtype, &arrival->shape);
    arrival->ahead = true;
    usage->ahead_bytes += bytes;
    free(transfer_begin_taking(self, transfer, &pull));
    transfer_queue_pull(self, &pull);
    pin_release(&pull.pin);
}

void
transfers_read_ahead(core_t *core)
{
    transfers_t *self = core->transfers;

    pthread_mutex_lock(&core->lock);
    while (self->offered_count > 0) {
        oid_t transfer = self->offered[self->offered_first++ % OFFERED_KEPT];

        self->offered_count--;
        read_ahead(self, transfer);
    }
    pthread_mutex_unlock(&core->lock);
}

int
transfers_expect_ahead(transfers_t *self, lane_t *lane, oid_t transfer, oid_t engine, dtype_t dtype,
                       const shape_t *shape, bool *ret_ahead, err_t *err)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, transfer);

    *ret_ahead = arrival && arrival->ahead && !lane->gone;
    if (!*ret_ahead)
        return FH_OK;
    int status = arrival_check_expected(arrival, lane, engine, dtype, shape, err);

    if (!status) {
        arrival_end_ahead(self, arrival);
        arrival->expected = true;
    }
    return status;
}
