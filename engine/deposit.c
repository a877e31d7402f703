#include "engine/deposit.h"

#include "base/stream.h"
#include "engine/streams.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MISSING = 0, THERE = 255, MAX_EACH_SESSION = 4096, EVICT_S = 2 };

typedef struct {
    oid_t id, session;
    pin_t pin;
    size_t fresh_from; /* bytes of the segment from here on have no pages yet */
    uint64_t bytes;
    size_t chunks, there;
    uint8_t notes[]; /* MISSING, THERE, or the number of the stream that writes it */
} deposit_t;

struct deposits {
    core_t *core;
    oid_map_t by_id;
    pthread_cond_t released; /* a chunk is no longer being written */
};

int
deposits_new(deposits_t **ret, core_t *core, err_t *err)
{
    deposits_t *self = calloc(1, sizeof *self);
    pthread_condattr_t attributes;

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for arrays that come over streams");
    self->core = core;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->released, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret = self;
    return FH_OK;
}

static void
deposit_free(deposits_t *self, deposit_t *deposit)
{
    oid_map_remove(&self->by_id, deposit->id);
    pin_release(&deposit->pin);
    free(deposit);
}

void
deposits_destroy(deposits_t **self)
{
    size_t cursor = 0;

    if (!*self)
        return;
    for (deposit_t *deposit; (deposit = oid_map_next(&(*self)->by_id, &cursor)); cursor--)
        deposit_free(*self, deposit);
    oid_map_release(&(*self)->by_id);
    pthread_cond_destroy(&(*self)->released);
    free(*self);
    *self = NULL;
}

/* ---- the lanes' side -----------------------------------------------------------------------------------------------
 */

static int
count_of(const deposits_t *self, oid_t session)
{
    size_t cursor = 0;
    int count = 0;

    for (const deposit_t *deposit; (deposit = oid_map_next(&self->by_id, &cursor));)
        count += oid_equal(deposit->session, session);
    return count;
}

static int
add(deposits_t *self, const lane_t *lane, oid_t id, const pin_t *pin, deposit_t **ret, err_t *err)
{
    uint64_t bytes = (uint64_t)shape_bytes(&pin->nd.shape, pin->nd.dtype);
    size_t chunks = (bytes + STREAM_CHUNK - 1) / STREAM_CHUNK;

    if (lane->gone)
        return err_set(err, FH_CANCELLED, "the session has ended");
    if (oid_is_none(id) || oid_map_find(&self->by_id, id))
        return err_set(err, FH_INVALID_ARGUMENT, "the id of the array is in use already");
    if (count_of(self, lane->owner.session) >= MAX_EACH_SESSION)
        return err_set(err, FH_LIMIT_EXCEEDED, "the session has %d arrays under way", (int)MAX_EACH_SESSION);
    deposit_t *deposit = calloc(1, sizeof *deposit + chunks);

    if (!deposit)
        return err_set(err, FH_NO_MEMORY, "no memory for an array that comes over streams");
    deposit->id = id;
    deposit->session = lane->owner.session;
    deposit->bytes = bytes;
    deposit->chunks = chunks;
    int status = oid_map_add(&self->by_id, id, deposit, err);

    if (status)
        free(deposit);
    else
        *ret = deposit;
    return status;
}

int
deposits_open(deposits_t *self, const lane_t *lane, oid_t id, pin_t *pin, err_t *err)
{
    deposit_t *deposit = NULL;
    int status = add(self, lane, id, pin, &deposit, err);

    if (!status) {
        segment_t *segment = pin->segment;

        deposit->fresh_from = segment->fd >= 0 && !segment->huge ? segment->touched : segment->size;
        segment_touch(segment);
        deposit->pin = *pin;
        pin->segment = NULL;
    }
    pin_release(pin);
    return status;
}

int
deposits_complete(deposits_t *self, oid_t session, oid_t id, pin_t *ret, err_t *err)
{
    deposit_t *deposit = oid_map_find(&self->by_id, id);

    if (!deposit || !oid_equal(deposit->session, session))
        return err_set(err, FH_NO_SUCH_OBJECT, "no array with that id comes over streams");
    size_t missing = deposit->chunks - deposit->there;

    if (missing == 0) {
        *ret = deposit->pin;
        deposit->pin.segment = NULL;
    }
    deposit_free(self, deposit);
    return missing == 0 ? FH_OK : err_set(err, FH_IO_ERROR, "%zu MiB of an array have not come", missing);
}

void
deposits_drop(deposits_t *self, oid_t session, oid_t id)
{
    deposit_t *deposit = oid_map_find(&self->by_id, id);

    if (deposit && oid_equal(deposit->session, session))
        deposit_free(self, deposit);
}

void
deposits_session_gone(deposits_t *self, oid_t session)
{
    size_t cursor = 0;

    for (deposit_t *deposit; (deposit = oid_map_next(&self->by_id, &cursor));) {
        if (!oid_equal(deposit->session, session))
            continue;
        deposit_free(self, deposit);
        cursor--;
    }
}

/* ---- a stream's thread ---------------------------------------------------------------------------------------------
 */

static int
find(deposits_t *self, oid_t session, oid_t id, uint64_t offset, uint32_t size, deposit_t **ret, err_t *err)
{
    deposit_t *deposit = oid_map_find(&self->by_id, id);

    if (!deposit || !oid_equal(deposit->session, session))
        return err_set(err, FH_NO_SUCH_OBJECT, "no array with that id comes over streams");
    if (offset > deposit->bytes || size > deposit->bytes - offset)
        return err_set(err, FH_BAD_INDEX, "bytes %llu to %llu of an array of %llu", (unsigned long long)offset,
                       (unsigned long long)offset + size, (unsigned long long)deposit->bytes);
    uint64_t left = deposit->bytes - offset;

    if (offset % STREAM_CHUNK || size == 0 || size != (left < STREAM_CHUNK ? left : STREAM_CHUNK))
        return err_set(err, FH_INVALID_ARGUMENT, "%u bytes at %llu are not one of the array's chunks", size,
                       (unsigned long long)offset);
    *ret = deposit;
    return FH_OK;
}

int
deposits_take(core_t *core, oid_t session, oid_t id, uint64_t offset, uint32_t size, uint8_t stream, chunk_place_t *ret,
              err_t *err)
{
    deposits_t *self = core->deposits;
    struct timespec until;
    deposit_t *deposit = NULL;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += EVICT_S;
    pthread_mutex_lock(&core->lock);
    int status = find(self, session, id, offset, size, &deposit, err);

    while (!status && deposit->notes[offset / STREAM_CHUNK] != MISSING &&
           deposit->notes[offset / STREAM_CHUNK] != THERE) {
        streams_shut(core->streams, deposit->notes[offset / STREAM_CHUNK], session);
        if (pthread_cond_timedwait(&self->released, &core->lock, &until))
            status = err_set(err, FH_BUSY, "another stream is still writing those bytes");
        else
            status = find(self, session, id, offset, size, &deposit, err); /* it may be gone by now */
    }
    *ret = (chunk_place_t){.id = id, .offset = (size_t)offset};
    if (!status && deposit->notes[offset / STREAM_CHUNK] == MISSING) {
        deposit->notes[offset / STREAM_CHUNK] = stream;
        ret->segment = segment_ref(deposit->pin.segment);
        ret->fresh = offset >= deposit->fresh_from;
    }
    pthread_mutex_unlock(&core->lock);
    return status;
}

void
deposits_took(core_t *core, chunk_place_t *place, uint8_t stream, bool whole)
{
    deposits_t *self = core->deposits;
    size_t chunk = place->offset / STREAM_CHUNK;

    if (!place->segment)
        return;
    pthread_mutex_lock(&core->lock);
    deposit_t *deposit = oid_map_find(&self->by_id, place->id);

    if (deposit && deposit->pin.segment == place->segment && deposit->notes[chunk] == stream) {
        deposit->notes[chunk] = whole ? THERE : MISSING;
        deposit->there += whole;
        pthread_cond_broadcast(&self->released);
    }
    pthread_mutex_unlock(&core->lock);
    segment_unref(&place->segment);
}
