/* engine/transfer_offer.c - arrays between engines of one host: the receiver reads them at the sender's. */
#include "base/log.h"
#include "engine/compute/compute.h"
#include "engine/transfer_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- out -----------------------------------------------------------------------------------------------------------
 */

int
transfer_offer(outgoing_t *outgoing, bool near, const transfer_way_t *way)
{
    const nd_t *nd = &outgoing->pin.nd;
    const segment_t *segment = outgoing->pin.segment;
    struct stat file;
    err_t err;

    if (segment->fd < 0 || fstat(segment->fd, &file) || core_offer(&outgoing->pin, &err))
        return FH_NOT_SUPPORTED;
    message_t message = {.code = MSG_OFFER,
                         .as.OFFER = {.transfer = outgoing->transfer,
                                      .session = outgoing->session,
                                      .dtype = nd->dtype,
                                      .shape = {nd->shape.extent, (uint32_t)nd->shape.ndim}}};
    msg_OFFER_t *offer = &message.as.OFFER;

    if (near) {
        offer->strides = (ints_t){nd->stride, (uint32_t)nd->shape.ndim};
        offer->pid = (uint64_t)getpid();
        offer->fd = (uint64_t)segment->fd;
        offer->inode = file.st_ino;
        offer->device = file.st_dev;
        offer->size = segment->size;
        offer->offset = (uint64_t)(nd->data - segment->data);
    }
    int status = way->send(way->context, outgoing->engine, &message, NULL, NULL);

    if (status) {
        core_offer_end(&outgoing->pin, true); /* nobody has heard of it */
        return status;
    }
    outgoing->begun = outgoing->offered = true;
    outgoing->sent = outgoing->bytes;
    return FH_OK;
}

void
transfers_offer_refused(transfers_t *self, oid_t engine, const msg_OFFER_REFUSED_t *refused)
{
    outgoing_t *outgoing = oid_map_find(&self->outgoing, refused->transfer);
    queue_t *queue;

    if (!outgoing || !outgoing->offered || outgoing->failure || !oid_equal(outgoing->engine, engine) ||
        transfer_queue_of(self, engine, &queue, NULL))
        return;
    core_offer_end(&outgoing->pin, true);
    outgoing->offered = outgoing->begun = false;
    outgoing->refused = queue->refuses = true;
    outgoing->sent = 0;
    self->unsent++;
    transfer_enqueue(queue, outgoing);
}

bool
transfers_pin_offered(core_t *core, oid_t engine, oid_t transfer, pin_t *ret)
{
    pthread_mutex_lock(&core->lock);
    const outgoing_t *outgoing = oid_map_find(&core->transfers->outgoing, transfer);
    bool found = outgoing && outgoing->offered && !outgoing->failure && oid_equal(outgoing->engine, engine);

    if (found)
        *ret = (pin_t){.segment = segment_ref(outgoing->pin.segment), .nd = outgoing->pin.nd};
    pthread_mutex_unlock(&core->lock);
    return found;
}

/* ---- in ------------------------------------------------------------------------------------------------------------
 */

/* What is offered in memory lies within its file. */
static int
check_place(const msg_OFFER_t *offer, nd_t *nd, err_t *err)
{
    int64_t low, high;

    if (offer->strides.count != offer->shape.count)
        return err_set(err, FH_PROTOCOL_ERROR, "an array is offered with %u extents and %u strides", offer->shape.count,
                       offer->strides.count);
    for (int i = 0; i < nd->shape.ndim; i++)
        nd->stride[i] = offer->strides.items[i];
    if (nd_extent(nd, &low, &high) || offer->size > INT64_MAX / 2 || offer->offset > offer->size ||
        (int64_t)offer->offset + low < 0 || high > (int64_t)(offer->size - offer->offset))
        return err_set(err, FH_PROTOCOL_ERROR, "an array is offered that lies outside its file");
    return FH_OK;
}

static int
offer_new(const msg_OFFER_t *offer, const arrival_t *arrival, offer_t **ret, err_t *err)
{
    nd_t nd;

    nd_init(&nd, NULL, arrival->dtype, &arrival->shape);
    int status = offer->pid ? check_place(offer, &nd, err) : FH_OK;

    if (status)
        return status;
    offer_t *kept = malloc(sizeof *kept);

    if (!kept)
        return err_set(err, FH_NO_MEMORY, "no memory for a transfer");
    *kept = (offer_t){.nd = nd, .at = *offer};
    kept->at.shape = kept->at.strides = (ints_t){NULL, 0}; /* they lie in the message */
    *ret = kept;
    return FH_OK;
}

void
transfers_offered(transfers_t *self, oid_t engine, const msg_OFFER_t *offer)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, offer->transfer);
    shape_t shape = {.ndim = (int)offer->shape.count};
    err_t err = {0};

    for (int i = 0; i < shape.ndim; i++)
        shape.extent[i] = offer->shape.items[i];
    int64_t bytes = dtype_known(offer->dtype) ? shape_bytes(&shape, (dtype_t)offer->dtype) : -1;
    bool ended = !arrival && transfer_session_ended(self, offer->session);
    int status = ended || arrival ? FH_OK : arrival_new(self, offer->transfer, offer->session, engine, &arrival, &err);

    if (status)
        log_limited(LOG_ERROR, "ENG-NO-MEMORY", "an array is lost: %s", err.text);
    if (!arrival || arrival->unwanted || arrival->failure) {
        if (bytes > 0)
            transfer_credit(self, engine, offer->transfer, bytes);
        if (arrival && arrival->unwanted)
            arrival_remove(self, arrival);
        return;
    }
    if (arrival->begun)
        status = err_set(&err, FH_INVALID_ARGUMENT, "an array is offered that is coming already");
    if (!status)
        status = arrival_check(arrival, engine, offer->session, offer->dtype, offer->shape, &err);
    if (!status)
        status = offer_new(offer, arrival, &arrival->offer, &err);
    if (status) {
        if (bytes > 0)
            transfer_credit(self, engine, offer->transfer, bytes);
        arrival_fail(self, arrival, &err);
        return;
    }
    arrival->received = arrival->bytes;
    if (arrival->expected)
        arrival_wake(self, arrival);
    else
        arrival_note_offer(self, arrival);
}

bool
transfers_has_offer(transfers_t *self, oid_t transfer)
{
    const arrival_t *arrival = oid_map_find(&self->arrivals, transfer);

    return arrival && arrival->offer && !arrival->failure;
}

static int
open_offered(const msg_OFFER_t *at, int *ret)
{
    char path[64];
    struct stat file;

    (void)snprintf(path, sizeof path, "/proc/%llu/fd/%llu", (unsigned long long)at->pid, (unsigned long long)at->fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &file) == 0 && file.st_ino == at->inode && file.st_dev == at->device &&
        file.st_size >= (off_t)at->size) {
        *ret = fd;
        return FH_OK;
    }
    if (fd >= 0)
        close(fd);
    return FH_NOT_SUPPORTED;
}

/* Only the pages that the array lies on. */
static int
copy_offered(const offer_t *offer, crew_t *crew, const nd_t *target, err_t *err)
{
    const int64_t page = sysconf(_SC_PAGESIZE);
    nd_t source = offer->nd;
    int64_t low, high;
    int fd = -1;
    int status = nd_extent(&source, &low, &high);

    if (status || open_offered(&offer->at, &fd))
        return err_set(err, FH_NOT_SUPPORTED, "another engine's memory cannot be reached");
    int64_t start = (int64_t)offer->at.offset + low, from = start - start % page,
            length = (int64_t)offer->at.offset + high - from;
    char *map = mmap(NULL, (size_t)length, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, (off_t)from);

    close(fd);
    if (map == MAP_FAILED)
        return err_set_errno(err, FH_NOT_SUPPORTED, errno, "another engine's memory cannot be mapped");
    source.data = map + ((int64_t)offer->at.offset - from);
    status = compute_assign(crew, target, &source, err);
    munmap(map, (size_t)length);
    return status;
}

/* Under the lock: the offer, which nobody else takes then.  What ends the arrival from now on gives no credit. */
offer_t *
transfer_begin_taking(transfers_t *self, oid_t transfer, transfer_pull_t *ret)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, transfer);
    offer_t *offer = arrival && !arrival->failure ? arrival->offer : NULL;

    if (!offer)
        return NULL;
    arrival->offer = NULL;
    arrival->taking = true;
    arrival->placed = arrival->bytes;
    *ret = (transfer_pull_t){.transfer = transfer, .engine = arrival->engine, .pin = arrival->pin};
    (void)segment_ref(ret->pin.segment);
    return offer;
}

/* Under the lock. */
static void
end_taking(transfers_t *self, const transfer_pull_t *pull, bool taken)
{
    arrival_t *arrival = oid_map_find(&self->arrivals, pull->transfer);
    outbox_t *outbox = oid_map_find(&self->core->engine_outboxes, pull->engine);
    const message_t refused = {.code = MSG_OFFER_REFUSED, .as.OFFER_REFUSED.transfer = pull->transfer};

    if (arrival)
        arrival->taking = false;
    if (taken || !arrival || arrival->unwanted || !outbox) {
        transfer_credit(self, pull->engine, pull->transfer, shape_bytes(&pull->pin.nd.shape, pull->pin.nd.dtype));
        return;
    }
    arrival->begun = false;
    arrival->received = arrival->placed = 0;
    if (arrival->ahead)
        pin_release(&arrival->pin);
    arrival_end_ahead(self, arrival);
    (void)outbox_add(outbox, &refused, NULL, NULL);
    core_wake_reactor(self->core);
}

void
transfer_queue_pull(transfers_t *self, transfer_pull_t *pull)
{
    transfer_pull_t *queued = malloc(sizeof *queued);

    if (!queued) {
        end_taking(self, pull, false);
        return;
    }
    *queued = *pull;
    queued->next = NULL;
    *(self->pulls ? &self->last_pull->next : &self->pulls) = queued;
    self->last_pull = queued;
    pull->pin.segment = NULL;
    core_wake_reactor(self->core);
}

void
transfers_take_offer(core_t *core, crew_t *crew, oid_t transfer)
{
    transfers_t *self = core->transfers;
    transfer_pull_t pull;
    err_t err;

    pthread_mutex_lock(&core->lock);
    offer_t *offer = transfer_begin_taking(self, transfer, &pull);

    if (offer && !offer->at.pid)
        transfer_queue_pull(self, &pull);
    pthread_mutex_unlock(&core->lock);
    if (!offer)
        return;
    if (offer->at.pid) {
        segment_touch(pull.pin.segment);
        int status = copy_offered(offer, crew, &pull.pin.nd, &err);

        if (status)
            log_limited(LOG_WARNING, "ENG-OFFER", "%s: arrays are pushed instead", err.text);
        pthread_mutex_lock(&core->lock);
        end_taking(self, &pull, !status);
        pthread_mutex_unlock(&core->lock);
    }
    pin_release(&pull.pin);
    free(offer);
}

transfer_pull_t *
transfers_next_pull(transfers_t *self)
{
    transfer_pull_t *pull = self->pulls;

    if (!pull)
        return NULL;
    self->pulls = pull->next;
    pull->next = NULL;
    return pull;
}

void
transfers_pulled(transfers_t *self, transfer_pull_t *pull, bool taken)
{
    end_taking(self, pull, taken);
    const arrival_t *arrival = oid_map_find(&self->arrivals, pull->transfer);

    if (taken) {
        segment_touch(pull->pin.segment);
        if (arrival && arrival->expected)
            arrival_wake(self, arrival);
    }
    pin_release(&pull->pin);
    free(pull);
}

void
transfers_offers_release(transfers_t *self)
{
    for (transfer_pull_t *pull; (pull = transfers_next_pull(self));) {
        pin_release(&pull->pin);
        free(pull);
    }
}
