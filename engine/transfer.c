/* engine/transfer.c - what both directions share. */
#include "engine/transfer.h"

#include "engine/transfer_private.h"

#include <stdlib.h>

int
transfers_new(transfers_t **ret, core_t *core, err_t *err)
{
    transfers_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for transfers");
    self->core = core;
    *ret = self;
    return FH_OK;
}

void
transfers_destroy(transfers_t **self)
{
    size_t cursor = 0;

    if (!*self)
        return;
    transfers_out_release(*self);
    transfers_offers_release(*self);
    transfers_in_release(*self);
    for (usage_t *usage; (usage = oid_map_next(&(*self)->usages, &cursor));)
        free(usage);
    oid_map_release(&(*self)->usages);
    free(*self);
    *self = NULL;
}

int
transfer_usage(transfers_t *self, oid_t session, usage_t **ret, err_t *err)
{
    usage_t *usage = oid_map_find(&self->usages, session);

    if (!usage) {
        usage = calloc(1, sizeof *usage);
        if (!usage)
            return err_set(err, FH_NO_MEMORY, "no memory for a session's transfers");
        usage->session = session;
        int status = oid_map_add(&self->usages, session, usage, err);

        if (status) {
            free(usage);
            return status;
        }
    }
    *ret = usage;
    return FH_OK;
}

bool
transfer_session_ended(const transfers_t *self, oid_t session)
{
    unsigned count = self->ended_count < ENDED_KEPT ? self->ended_count : ENDED_KEPT;

    for (unsigned i = 0; i < count; i++)
        if (oid_equal(self->ended[i], session)) {
            const lane_t *lane = lanes_find(&self->core->lanes, session);

            return !lane || lane->gone;
        }
    return false;
}

err_t *
transfer_keep_error(const err_t *err)
{
    err_t *copy = malloc(sizeof *copy);

    if (copy)
        *copy = *err;
    return copy;
}

void
transfers_engine_lost(transfers_t *self, oid_t engine, const err_t *err)
{
    transfers_out_engine_lost(self, engine);
    transfers_in_engine_lost(self, engine, err);
}

void
transfers_session_gone(transfers_t *self, oid_t session)
{
    transfers_out_session_gone(self, session);
    transfers_in_session_gone(self, session);
    free(oid_map_remove(&self->usages, session));
    self->ended[self->ended_count++ % ENDED_KEPT] = session;
}
