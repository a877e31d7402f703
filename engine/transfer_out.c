/* engine/transfer_out.c - a queue for each engine, windows for each transfer and session. */
#include "codecs/strided.h"
#include "engine/raised.h"
#include "engine/transfer_private.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_A_PUMP = 8 };

/* ---- records -------------------------------------------------------------------------------------------------------
 */

int
transfer_queue_of(transfers_t *self, oid_t engine, queue_t **ret, err_t *err)
{
    queue_t *queue = oid_map_find(&self->queues, engine);

    if (!queue) {
        queue = calloc(1, sizeof *queue);
        if (!queue)
            return err_set(err, FH_NO_MEMORY, "no memory for a queue of transfers");
        queue->engine = engine;
        int status = oid_map_add(&self->queues, engine, queue, err);

        if (status) {
            free(queue);
            return status;
        }
    }
    *ret = queue;
    return FH_OK;
}

static int
flow_of(queue_t *queue, oid_t session, flow_t **ret)
{
    flow_t *flow = oid_map_find(&queue->flows, session);

    if (!flow) {
        flow = calloc(1, sizeof *flow);
        if (!flow || oid_map_add(&queue->flows, session, flow, NULL)) {
            free(flow);
            return FH_NO_MEMORY;
        }
        flow->session = session;
    }
    *ret = flow;
    return FH_OK;
}

void
transfer_enqueue(queue_t *queue, outgoing_t *outgoing)
{
    outgoing->next = NULL;
    outgoing->queued = true;
    *(queue->first ? &queue->last->next : &queue->first) = outgoing;
    queue->last = outgoing;
}

static void
dequeue(queue_t *queue, outgoing_t *outgoing)
{
    outgoing_t *previous = NULL;

    for (outgoing_t *at = queue->first; at; previous = at, at = at->next) {
        if (at != outgoing)
            continue;
        *(previous ? &previous->next : &queue->first) = at->next;
        if (queue->last == at)
            queue->last = previous;
        break;
    }
    outgoing->queued = false;
}

/* It does not read its array any more. */
static void
let_go(transfers_t *self, outgoing_t *outgoing)
{
    if (outgoing->pin.segment && outgoing->offered)
        core_offer_end(&outgoing->pin, outgoing->credited == outgoing->bytes);
    else if (outgoing->pin.segment)
        self->unsent--;
    pin_release(&outgoing->pin);
}

static void
finish(transfers_t *self, outgoing_t *outgoing)
{
    usage_t *usage = oid_map_find(&self->usages, outgoing->session);
    queue_t *queue = oid_map_find(&self->queues, outgoing->engine);
    flow_t *flow = queue ? oid_map_find(&queue->flows, outgoing->session) : NULL;

    if (usage)
        usage->outgoing--;
    if (flow && !outgoing->offered)
        flow->in_flight -= outgoing->sent - outgoing->credited;
    if (queue && outgoing->queued)
        dequeue(queue, outgoing);
    oid_map_remove(&self->outgoing, outgoing->transfer);
    let_go(self, outgoing);
    free(outgoing->failure);
    free(outgoing);
}

static int
add(transfers_t *self, oid_t session, oid_t transfer, oid_t engine, outgoing_t **ret, err_t *err)
{
    queue_t *queue = NULL;
    usage_t *usage = NULL;
    outgoing_t *outgoing;

    if (oid_is_none(transfer) || oid_map_find(&self->outgoing, transfer))
        return err_set(err, FH_INVALID_ARGUMENT, "a transfer with that id is under way");
    int status = transfer_queue_of(self, engine, &queue, err);

    if (!status)
        status = transfer_usage(self, session, &usage, err);
    if (!status && usage->outgoing >= TRANSFER_MAX_OUT)
        status = err_set(err, FH_LIMIT_EXCEEDED, "the session has %d transfers under way", usage->outgoing);
    if (status)
        return status;
    outgoing = calloc(1, sizeof *outgoing);
    if (!outgoing)
        return err_set(err, FH_NO_MEMORY, "no memory for a transfer");
    status = oid_map_add(&self->outgoing, transfer, outgoing, err);
    if (status) {
        free(outgoing);
        return status;
    }
    outgoing->transfer = transfer;
    outgoing->session = session;
    outgoing->engine = engine;
    usage->outgoing++;
    transfer_enqueue(queue, outgoing);
    *ret = outgoing;
    return FH_OK;
}

/* ---- the lanes' side -----------------------------------------------------------------------------------------------
 */

int
transfers_send(transfers_t *self, oid_t session, oid_t transfer, oid_t engine, pin_t *pin, err_t *err)
{
    outgoing_t *outgoing;
    int status = add(self, session, transfer, engine, &outgoing, err);

    if (!status) {
        outgoing->pin = *pin;
        outgoing->bytes = shape_bytes(&pin->nd.shape, pin->nd.dtype);
        pin->segment = NULL;
        self->unsent++;
    }
    pin_release(pin);
    return status;
}

void
transfers_send_failure(transfers_t *self, oid_t session, oid_t transfer, oid_t engine, const err_t *failure)
{
    outgoing_t *outgoing;

    if (add(self, session, transfer, engine, &outgoing, NULL))
        return;
    outgoing->failure = transfer_keep_error(failure);
    if (!outgoing->failure)
        finish(self, outgoing);
}

/* A transfer that still has to read from this segment. */
static outgoing_t *
find_reader(const transfers_t *self, const segment_t *segment)
{
    size_t cursor = 0;
    outgoing_t *outgoing = NULL;

    if (!self->unsent)
        return NULL;
    while ((outgoing = oid_map_next(&self->outgoing, &cursor)))
        if (outgoing->pin.segment == segment && !outgoing->copying && !outgoing->offered)
            break;
    return outgoing;
}

int
transfers_detach(core_t *core, segment_t *segment, const lane_t *lane, err_t *err)
{
    transfers_t *self = core->transfers;
    outgoing_t *outgoing;
    int status = FH_OK;

    pthread_mutex_lock(&core->lock);
    while (!status && (outgoing = find_reader(self, segment))) {
        oid_t transfer = outgoing->transfer;
        pin_t from = outgoing->pin, copy = {0};

        outgoing->copying = true;
        segment_ref(segment);
        pthread_mutex_unlock(&core->lock);
        status = core_make(core, lane, from.nd.dtype, &from.nd.shape, false, 0, &copy, err);
        if (!status) {
            segment_touch(copy.segment);
            strided_copy(&copy.nd, &from.nd);
        }
        pthread_mutex_lock(&core->lock);
        outgoing = oid_map_find(&self->outgoing, transfer);
        if (outgoing && outgoing->copying) {
            outgoing->copying = false;
            if (!status) {
                pin_release(&outgoing->pin);
                outgoing->pin = copy;
                copy.segment = NULL;
            }
        }
        pin_release(&copy);
        pin_release(&from);
    }
    pthread_mutex_unlock(&core->lock);
    return status;
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

static int
send_failed(outgoing_t *outgoing, const transfer_way_t *way)
{
    const err_t *failure = outgoing->failure;
    message_t message = {.code = MSG_PUSH_FAILED,
                         .as.PUSH_FAILED = {.transfer = outgoing->transfer,
                                            .session = outgoing->session,
                                            .status = (uint64_t)failure->status,
                                            .text = str_of(failure->text),
                                            .origin = str_of(failure->origin)}};

    return way->send(way->context, outgoing->engine, &message, NULL, NULL);
}

static int
send_part(transfers_t *self, outgoing_t *outgoing, int64_t size, const transfer_way_t *way)
{
    const nd_t *nd = &outgoing->pin.nd;
    message_t message = {.code = MSG_PUSH,
                         .raw = size > 0,
                         .as.PUSH = {.transfer = outgoing->transfer,
                                     .session = outgoing->session,
                                     .dtype = nd->dtype,
                                     .shape = {nd->shape.extent, (uint32_t)nd->shape.ndim},
                                     .offset = (uint64_t)outgoing->sent}};
    buf_t *part = NULL;
    int status = size ? buf_new(&part, (size_t)size, 0, NULL) : FH_OK;

    if (!status && size)
        strided_pack(nd, outgoing->sent, size, buf_data(part));
    if (!status)
        status = way->send(way->context, outgoing->engine, &message, part, NULL);
    buf_unref(&part);
    if (!status) {
        outgoing->begun = true;
        outgoing->sent += size;
        self->core->counters.pushed += (uint64_t)size;
    }
    return status == FH_NO_MEMORY ? FH_BUSY : status;
}

static int64_t
part_size(const outgoing_t *outgoing)
{
    int64_t left = outgoing->bytes - outgoing->sent;
    int64_t part = TRANSFER_PART_BYTES; /* a multiple of every itemsize */

    return left < part ? left : part;
}

static bool
may_offer(const transfers_t *self, const queue_t *queue, const outgoing_t *outgoing, bool near)
{
    if (outgoing->refused || queue->refuses)
        return false;
    return near ? outgoing->bytes >= TRANSFER_OFFER_BYTES
                : outgoing->bytes >= TRANSFER_STREAM_BYTES && self->core->streams;
}

/* Send parts of one transfer.  OK: go on with the next one, this one may be freed; BUSY: stop with this engine; else it
 * cannot be sent. */
static int
pump_one(transfers_t *self, queue_t *queue, outgoing_t *outgoing, int *budget, const transfer_way_t *way)
{
    flow_t *flow;
    int status = FH_OK;

    if (outgoing->copying)
        return FH_OK;
    if (outgoing->failure) {
        status = send_failed(outgoing, way);
        if (!status)
            finish(self, outgoing);
        return status;
    }
    if (!outgoing->begun)
        status = raised_forward(self->core, outgoing->session, outgoing->engine, way);
    if (status)
        return status;
    bool near = !outgoing->begun && way->is_near(way->context, outgoing->engine);

    if (!outgoing->begun && may_offer(self, queue, outgoing, near)) {
        status = transfer_offer(outgoing, near, way);
        if (!status) {
            self->unsent--;
            dequeue(queue, outgoing);
        }
        if (status != FH_NOT_SUPPORTED)
            return status;
    }
    if (flow_of(queue, outgoing->session, &flow))
        return FH_BUSY;
    while (*budget > 0 && (outgoing->sent < outgoing->bytes || !outgoing->begun)) {
        int64_t size = part_size(outgoing);

        if (outgoing->sent - outgoing->credited + size > TRANSFER_CREDIT_BYTES ||
            flow->in_flight + size > TRANSFER_SESSION_BYTES)
            return FH_OK;
        status = send_part(self, outgoing, size, way);
        if (status)
            return status;
        flow->in_flight += size;
        --*budget;
    }
    if (outgoing->begun && outgoing->sent == outgoing->bytes) {
        dequeue(queue, outgoing);
        let_go(self, outgoing);
        if (outgoing->credited == outgoing->bytes)
            finish(self, outgoing);
    }
    return FH_OK;
}

bool
transfers_pump(transfers_t *self, const transfer_way_t *way)
{
    size_t cursor = 0;
    int budget = PARTS_A_PUMP;

    self->busy = false;
    for (queue_t *queue; budget > 0 && (queue = oid_map_next(&self->queues, &cursor));) {
        outgoing_t *outgoing = queue->first;

        while (outgoing && budget > 0) {
            outgoing_t *next = outgoing->next;

            int status = pump_one(self, queue, outgoing, &budget, way);

            self->busy |= status == FH_BUSY;
            if (status == FH_BUSY)
                break;
            if (status)
                finish(self, outgoing);
            outgoing = next;
        }
    }
    return budget == 0;
}

bool
transfers_waiting(const transfers_t *self)
{
    return self->busy;
}

void
transfers_credited(transfers_t *self, const msg_PUSH_CREDIT_t *credit)
{
    outgoing_t *outgoing = oid_map_find(&self->outgoing, credit->transfer);

    if (!outgoing || credit->bytes > (uint64_t)(outgoing->sent - outgoing->credited))
        return;
    queue_t *queue = oid_map_find(&self->queues, outgoing->engine);
    flow_t *flow = queue ? oid_map_find(&queue->flows, outgoing->session) : NULL;

    if (flow && !outgoing->offered)
        flow->in_flight -= (int64_t)credit->bytes;
    if (outgoing->offered)
        self->core->counters.pushed += credit->bytes;
    outgoing->credited += (int64_t)credit->bytes;
    if (!outgoing->queued && outgoing->credited == outgoing->bytes)
        finish(self, outgoing);
}

bool
transfers_uncredited(const transfers_t *self, oid_t engine)
{
    size_t cursor = 0;

    for (const outgoing_t *outgoing; (outgoing = oid_map_next(&self->outgoing, &cursor));)
        if (oid_equal(outgoing->engine, engine) && outgoing->sent > outgoing->credited)
            return true;
    return false;
}

/* ---- ends ----------------------------------------------------------------------------------------------------------
 */

static void
finish_all(transfers_t *self, bool (*match)(const outgoing_t *outgoing, oid_t id), oid_t id)
{
    size_t cursor = 0;

    for (outgoing_t *outgoing; (outgoing = oid_map_next(&self->outgoing, &cursor));) {
        if (!match(outgoing, id))
            continue;
        finish(self, outgoing);
        cursor--;
    }
}

static bool
goes_to(const outgoing_t *outgoing, oid_t engine)
{
    return oid_equal(outgoing->engine, engine);
}

static bool
is_of(const outgoing_t *outgoing, oid_t session)
{
    return oid_equal(outgoing->session, session);
}

static void
queue_free(queue_t *queue)
{
    size_t cursor = 0;

    for (flow_t *flow; (flow = oid_map_next(&queue->flows, &cursor));)
        free(flow);
    oid_map_release(&queue->flows);
    free(queue);
}

void
transfers_out_engine_lost(transfers_t *self, oid_t engine)
{
    finish_all(self, goes_to, engine);
    queue_t *queue = oid_map_remove(&self->queues, engine);

    if (queue)
        queue_free(queue);
}

void
transfers_out_session_gone(transfers_t *self, oid_t session)
{
    size_t cursor = 0;

    finish_all(self, is_of, session);
    for (queue_t *queue; (queue = oid_map_next(&self->queues, &cursor));)
        free(oid_map_remove(&queue->flows, session));
}

void
transfers_broken(transfers_t *self, oid_t engine, const err_t *err)
{
    size_t cursor = 0;
    queue_t *queue = oid_map_find(&self->queues, engine);

    if (!queue)
        return;
    for (outgoing_t *outgoing; (outgoing = oid_map_next(&self->outgoing, &cursor));) {
        if (!goes_to(outgoing, engine) || !outgoing->begun || outgoing->failure || outgoing->copying)
            continue;
        outgoing->failure = transfer_keep_error(err);
        if (!outgoing->queued)
            transfer_enqueue(queue, outgoing);
    }
}

void
transfers_out_release(transfers_t *self)
{
    size_t cursor = 0;

    for (outgoing_t *outgoing; (outgoing = oid_map_next(&self->outgoing, &cursor));) {
        let_go(self, outgoing);
        free(outgoing->failure);
        free(outgoing);
    }
    oid_map_release(&self->outgoing);
    cursor = 0;
    for (queue_t *queue; (queue = oid_map_next(&self->queues, &cursor));)
        queue_free(queue);
    oid_map_release(&self->queues);
}
