/* engine/transfer_in.c - arrivals: what has come, what is expected, and what nobody wants. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/transfer_private.h"

#include <stdlib.h>
#include <string.h>

enum { EARLY_MAX_BYTES = 1024 * 1024 * 1024 };

static const int64_t ORPHAN_NS = 30000000000;

/* ---- records -------------------------------------------------------------------------------------------------------
 */

int
arrival_new(transfers_t *self, oid_t transfer, oid_t session, oid_t engine, arrival_t **ret, err_t *err)
{
    arrival_t *arrival = calloc(1, sizeof *arrival);

    if (!arrival)
        return err_set(err, FH_NO_MEMORY, "no memory for a transfer");
    int status = oid_map_add(&self->arrivals, transfer, arrival, err);

    if (status) {
        free(arrival);
        return status;
    }
    arrival->transfer = transfer;
    arrival->session = session;
    arrival->engine = engine;
    arrival->since_ns = clock_now_ns();
    *ret = arrival;
    return FH_OK;
}

void
transfer_credit(transfers_t *self, oid_t engine, oid_t transfer, int64_t bytes)
{
    outbox_t *outbox = oid_map_find(&self->core->engine_outboxes, engine);
    message_t message = {.code = MSG_PUSH_CREDIT, .as.PUSH_CREDIT = {transfer, (uint64_t)bytes}};

    if (!outbox || bytes == 0)
        return;
    /* Without memory the sender waits for ever, but its engine and session can still end the transfer. */
    (void)outbox_add(outbox, &message, NULL, NULL);
    core_wake_reactor(self->core);
}

static void
give_credit(transfers_t *self, const arrival_t *arrival, int64_t bytes)
{
    transfer_credit(self, arrival->engine, arrival->transfer, bytes);
}

static void
part_free(transfers_t *self, oid_t session, part_t *part)
{
    usage_t *usage = oid_map_find(&self->usages, session);

    if (usage)
        usage->early_bytes -= (int64_t)part->size;
    pool_unqueue(self->core->pool, (int64_t)part->size);
    batch_unref(&self->core->lanes.batches, &part->batch);
    free(part);
}

static void
drop_parts(transfers_t *self, arrival_t *arrival)
{
    while (arrival->first) {
        part_t *part = arrival->first;

        arrival->first = part->next;
        part_free(self, arrival->session, part);
    }
    arrival->last = NULL;
}

void
arrival_remove(transfers_t *self, arrival_t *arrival)
{
    oid_map_remove(&self->arrivals, arrival->transfer);
    arrival_end_ahead(self, arrival);
    drop_parts(self, arrival);
    pin_release(&arrival->pin);
    free(arrival->failure);
    free(arrival->offer);
    free(arrival);
}

static bool
is_complete(const arrival_t *arrival)
{
    return arrival->begun && arrival->expected && !arrival->taking && arrival->placed == arrival->bytes;
}

void
arrival_wake(transfers_t *self, const arrival_t *arrival)
{
    lane_t *lane = lanes_find(&self->core->lanes, arrival->session);

    if (lane)
        lane_wake(&self->core->lanes, lane);
}

/* Nothing more will come of it: the lane that waits, or the one that will, learns why. */
void
arrival_fail(transfers_t *self, arrival_t *arrival, const err_t *err)
{
    if (arrival->unwanted) {
        arrival_remove(self, arrival);
        return;
    }
    if (!arrival->failure)
        arrival->failure = transfer_keep_error(err);
    drop_parts(self, arrival);
    if (arrival->expected)
        arrival_wake(self, arrival);
}

/* ---- the lanes' side -----------------------------------------------------------------------------------------------
 */

int
arrival_check_expected(const arrival_t *arrival, const lane_t *lane, oid_t engine, dtype_t dtype, const shape_t *shape,
                       err_t *err)
{
    char came[128], wanted[128];

    if (!oid_equal(arrival->session, lane->owner.session) || arrival->expected || arrival->unwanted)
        return err_set(err, FH_INVALID_ARGUMENT, "the id of the transfer is in use already");
    if (!oid_equal(arrival->engine, engine))
        return err_set(err, FH_INVALID_ARGUMENT, "the transfer comes from another engine than was said");
    if (arrival->begun && (arrival->dtype != dtype || !shape_equal(&arrival->shape, shape)))
        return err_set(err, FH_INVALID_ARGUMENT, "an array of shape %s and dtype %s came, %s and %s was expected",
                       shape_format(&arrival->shape, came, sizeof came), dtype_name(arrival->dtype),
                       shape_format(shape, wanted, sizeof wanted), dtype_name(dtype));
    return FH_OK;
}

int
transfers_expect(transfers_t *self, lane_t *lane, oid_t transfer, oid_t engine, pin_t *pin, bool *ret_parts, err_t *err)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, transfer);

    if (lane->gone) {
        pin_release(pin);
        return err_set(err, FH_CANCELLED, "the session has ended");
    }
    int status = arrival ? arrival_check_expected(arrival, lane, engine, pin->nd.dtype, &pin->nd.shape, err)
                         : arrival_new(self, transfer, lane->owner.session, engine, &arrival, err);

    if (!status && arrival->ahead) { /* it was begun a moment ago */
        arrival_end_ahead(self, arrival);
        arrival->expected = true;
    } else if (!status) {
        arrival->expected = true;
        arrival->since_ns = clock_now_ns();
        arrival->dtype = pin->nd.dtype;
        arrival->shape = pin->nd.shape;
        arrival->bytes = shape_bytes(&pin->nd.shape, pin->nd.dtype);
        arrival->pin = *pin;
        pin->segment = NULL;
        *ret_parts = arrival->first != NULL;
    }
    pin_release(pin);
    return status;
}

void
transfers_take_parts(core_t *core, oid_t transfer)
{
    transfers_t *self = core->transfers;
    int64_t bytes = 0;

    pthread_mutex_lock(&core->lock);
    arrival_t *arrival = oid_map_find(&self->arrivals, transfer);
    part_t *parts = arrival ? arrival->first : NULL;

    if (!parts) {
        pthread_mutex_unlock(&core->lock);
        return;
    }
    segment_t *segment = segment_ref(arrival->pin.segment);
    oid_t session = arrival->session;

    arrival->first = arrival->last = NULL;
    pthread_mutex_unlock(&core->lock);
    for (const part_t *part = parts; part; part = part->next) {
        segment_fill(segment, (size_t)part->offset, part->raw, part->size);
        bytes += (int64_t)part->size;
    }
    pthread_mutex_lock(&core->lock);
    while (parts) {
        part_t *part = parts;

        parts = part->next;
        part_free(self, session, part);
    }
    /* The session may have ended meanwhile. */
    arrival = oid_map_find(&self->arrivals, transfer);
    if (arrival) {
        arrival->placed += bytes;
        give_credit(self, arrival, bytes);
    }
    segment_unref(&segment);
    pthread_mutex_unlock(&core->lock);
}

int
transfers_collect(transfers_t *self, oid_t transfer, bool *ret_complete, pin_t *ret, err_t *err)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, transfer);

    *ret_complete = false;
    if (!arrival)
        return err_set(err, FH_CANCELLED, "the transfer has been given up");
    if (arrival->failure) {
        int status = arrival->failure->status;

        if (err)
            *err = *arrival->failure;
        arrival_remove(self, arrival);
        return status;
    }
    if (!is_complete(arrival))
        return FH_OK;
    *ret_complete = true;
    *ret = arrival->pin;
    arrival->pin.segment = NULL;
    arrival_remove(self, arrival);
    return FH_OK;
}

void
transfers_discard(transfers_t *self, oid_t session, oid_t transfer)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, transfer);
    usage_t *usage;

    if (!arrival) {
        /* It may come later.  The session's end removes the note; a session that has ended needs none. */
        const lane_t *lane = lanes_find(&self->core->lanes, session);

        if (lane && !lane->gone && !oid_is_none(transfer) && transfer_usage(self, session, &usage, NULL) == FH_OK &&
            arrival_new(self, transfer, session, OID_NONE, &arrival, NULL) == FH_OK)
            arrival->unwanted = true;
        return;
    }
    if (!oid_equal(arrival->session, session) || arrival->unwanted)
        return;
    bool over = arrival->failure || (arrival->begun && arrival->received == arrival->bytes);

    give_credit(self, arrival, arrival->received - arrival->placed);
    drop_parts(self, arrival);
    arrival_end_ahead(self, arrival);
    pin_release(&arrival->pin);
    arrival->expected = false;
    arrival->unwanted = true;
    if (over)
        arrival_remove(self, arrival);
}

/* ---- the reactor's side --------------------------------------------------------------------------------------------
 */

int
arrival_check(arrival_t *arrival, oid_t engine, oid_t session, uint64_t dtype, ints_t extents, err_t *err)
{
    shape_t shape = {.ndim = (int)extents.count};
    bool sound = dtype_known(dtype) && extents.count <= SHAPE_MAX_DIMS;

    for (int i = 0; sound && i < shape.ndim; i++)
        shape.extent[i] = extents.items[i];
    int64_t bytes = sound ? shape_bytes(&shape, (dtype_t)dtype) : -1;

    if (bytes < 0)
        return err_set(err, FH_PROTOCOL_ERROR, "a transfer of an array that cannot be");
    if (!arrival->begun && !arrival->expected) {
        arrival->engine = engine;
        arrival->dtype = (dtype_t)dtype;
        arrival->shape = shape;
        arrival->bytes = bytes;
    }
    if (!oid_equal(arrival->engine, engine) || !oid_equal(arrival->session, session))
        return err_set(err, FH_INVALID_ARGUMENT, "parts of one transfer come from different engines or sessions");
    if (arrival->dtype != (dtype_t)dtype || !shape_equal(&arrival->shape, &shape))
        return err_set(err, FH_INVALID_ARGUMENT, "another array came than was expected: dtype %s, %lld bytes",
                       dtype_name((dtype_t)dtype), (long long)bytes);
    arrival->begun = true;
    return FH_OK;
}

/* Parts must go on where the last one ended. */
static int
check_part(arrival_t *arrival, oid_t engine, const msg_PUSH_t *push, size_t size, err_t *err)
{
    int status = arrival_check(arrival, engine, push->session, push->dtype, push->shape, err);

    if (!status && ((int64_t)push->offset != arrival->received || (int64_t)size > arrival->bytes - arrival->received))
        status = err_set(err, FH_IO_ERROR, "a part of a transfer is missing: byte %lld came, %lld was next",
                         (long long)push->offset, (long long)arrival->received);
    return status;
}

/* Keep a part until the lane expects it. */
static int
keep_part(transfers_t *self, arrival_t *arrival, batch_t *batch, const uint8_t *raw, size_t size, err_t *err)
{
    usage_t *usage = NULL;
    part_t *part;
    int status = transfer_usage(self, arrival->session, &usage, err);

    if (!status && usage->early_bytes + (int64_t)size > EARLY_MAX_BYTES)
        status = err_set(err, FH_LIMIT_EXCEEDED, "more than %d MiB have come before they were expected",
                         EARLY_MAX_BYTES >> 20);
    if (!status)
        status = pool_queue(self->core->pool, (int64_t)size, err);
    if (status)
        return status;
    part = calloc(1, sizeof *part);
    if (!part) {
        pool_unqueue(self->core->pool, (int64_t)size);
        return err_set(err, FH_NO_MEMORY, "no memory for a part of a transfer");
    }
    *part = (part_t){.batch = batch_ref(batch), .raw = raw, .size = size, .offset = arrival->received};
    *(arrival->first ? &arrival->last->next : &arrival->first) = part;
    arrival->last = part;
    usage->early_bytes += (int64_t)size;
    arrival->received += (int64_t)size;
    return FH_OK;
}

/* Copy a part into place; drops the lock meanwhile. */
static void
place_part(transfers_t *self, arrival_t *arrival, const uint8_t *raw, size_t size)
{
    core_t *core = self->core;
    oid_t transfer = arrival->transfer;
    size_t offset = (size_t)arrival->received;
    segment_t *segment = segment_ref(arrival->pin.segment);

    arrival->received += (int64_t)size;
    pthread_mutex_unlock(&core->lock);
    if (size)
        segment_fill(segment, offset, raw, size);
    pthread_mutex_lock(&core->lock);
    segment_unref(&segment);
    arrival = oid_map_find(&self->arrivals, transfer);
    if (!arrival || !arrival->expected)
        return;
    arrival->placed += (int64_t)size;
    give_credit(self, arrival, (int64_t)size);
    if (is_complete(arrival))
        arrival_wake(self, arrival);
}

static void
throw_away(transfers_t *self, arrival_t *arrival, oid_t engine, const msg_PUSH_t *push, size_t size)
{
    shape_t shape = {.ndim = (int)push->shape.count};

    for (int i = 0; i < shape.ndim; i++)
        shape.extent[i] = push->shape.items[i];
    arrival->engine = engine;
    give_credit(self, arrival, (int64_t)size);
    if (!dtype_known(push->dtype) || (int64_t)(push->offset + size) >= shape_bytes(&shape, (dtype_t)push->dtype))
        arrival_remove(self, arrival);
}

void
transfers_pushed(core_t *core, oid_t engine, const msg_PUSH_t *push, batch_t *batch, const uint8_t *raw, size_t size)
{
    transfers_t *self = core->transfers;
    err_t err = {0};
    int status = FH_OK;

    pthread_mutex_lock(&core->lock);
    arrival_t *arrival = oid_map_find(&self->arrivals, push->transfer);
    /* The rest of something that has been given up, or something for a session that is gone. */
    bool stray = !arrival && (push->offset > 0 || transfer_session_ended(self, push->session));

    if (stray) {
        transfer_credit(self, engine, push->transfer, (int64_t)size);
    } else if (!arrival && arrival_new(self, push->transfer, push->session, engine, &arrival, &err)) {
        log_limited(LOG_ERROR, "ENG-NO-MEMORY", "a part of an array is lost: %s", err.text);
    }
    if (arrival && arrival->unwanted) {
        throw_away(self, arrival, engine, push, size);
    } else if (arrival && !arrival->failure) {
        status = check_part(arrival, engine, push, size, &err);
        if (!status && !arrival->expected)
            status = keep_part(self, arrival, batch, raw, size, &err);
        else if (!status)
            place_part(self, arrival, raw, size);
        if (status)
            arrival_fail(self, arrival, &err);
    } else if (arrival) {
        give_credit(self, arrival, (int64_t)size);
    }
    pthread_mutex_unlock(&core->lock);
}

void
transfers_push_failed(transfers_t *self, oid_t engine, const msg_PUSH_FAILED_t *failure)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, failure->transfer);
    err_t err = {0};

    if (!arrival && (transfer_session_ended(self, failure->session) ||
                     arrival_new(self, failure->transfer, failure->session, engine, &arrival, NULL)))
        return;
    if (!arrival->unwanted && !oid_equal(arrival->engine, engine))
        return;
    err.status = (int)failure->status;
    (void)str_copy(failure->text, err.text, sizeof err.text);
    (void)str_copy(failure->origin, err.origin, sizeof err.origin);
    arrival_fail(self, arrival, &err);
}

/* A session may send here before it speaks to us; if it never does, it has ended. */
static bool
is_orphan(const transfers_t *self, const arrival_t *arrival)
{
    return !arrival->expected && clock_now_ns() - arrival->since_ns > ORPHAN_NS &&
           !lanes_find(&self->core->lanes, arrival->session);
}

void
transfers_check(transfers_t *self, bool (*lost)(void *context, oid_t engine, int64_t since_ns, err_t *err),
                void *context)
{
    size_t cursor = 0;

    for (arrival_t *arrival; (arrival = oid_map_next(&self->arrivals, &cursor));) {
        err_t err = {0};

        if (is_orphan(self, arrival)) {
            give_credit(self, arrival, arrival->received - arrival->placed);
            arrival_remove(self, arrival);
            cursor--;
            continue;
        }
        if (arrival->expected && !arrival->failure && !is_complete(arrival) &&
            lost(context, arrival->engine, arrival->since_ns, &err))
            arrival_fail(self, arrival, &err);
    }
}

void
transfers_in_engine_lost(transfers_t *self, oid_t engine, const err_t *err)
{
    size_t cursor = 0;

    for (arrival_t *arrival; (arrival = oid_map_next(&self->arrivals, &cursor));) {
        if (!oid_equal(arrival->engine, engine) || is_complete(arrival) ||
            (arrival->begun && !arrival->offer && !arrival->taking && arrival->received == arrival->bytes))
            continue;
        bool removed = arrival->unwanted;

        arrival_fail(self, arrival, err);
        cursor -= removed;
    }
}

void
transfers_in_session_gone(transfers_t *self, oid_t session)
{
    size_t cursor = 0;

    for (arrival_t *arrival; (arrival = oid_map_next(&self->arrivals, &cursor));) {
        if (!oid_equal(arrival->session, session))
            continue;
        give_credit(self, arrival, arrival->received - arrival->placed);
        arrival_remove(self, arrival);
        cursor--;
    }
}

void
transfers_in_release(transfers_t *self)
{
    size_t cursor = 0;

    for (arrival_t *arrival; (arrival = oid_map_next(&self->arrivals, &cursor));) {
        arrival_remove(self, arrival);
        cursor--;
    }
    oid_map_release(&self->arrivals);
}
