/* engine/streams_serve.c - GET and PUT. */
#include "codecs/strided.h"
#include "engine/deposit.h"
#include "engine/streams_private.h"
#include "engine/transfer.h"

#include <string.h>
#include <unistd.h>

static oid_t
id_of(const stream_record_t *record)
{
    oid_t id;

    memcpy(id.bytes, record->id, sizeof id.bytes);
    return id;
}

static int
answer_failure(served_t *self, const stream_record_t *record, const err_t *failure, err_t *err)
{
    stream_record_t answer = {.op = STREAM_FAILED,
                              .size = (uint32_t)strnlen(failure->text, STREAM_TEXT),
                              .status = (uint32_t)failure->status,
                              .offset = record->offset};

    memcpy(answer.id, record->id, sizeof answer.id);
    return stream_send(self->stream, &answer, failure->text, err);
}

/* ---- to the peer ---------------------------------------------------------------------------------------------------
 */

/* Any array, as with FETCH; for an engine what was offered to it. */
static int
find_array(served_t *self, const stream_record_t *record, pin_t *ret, err_t *err)
{
    int status = transfers_pin_offered(self->core, self->session, id_of(record), ret)
                     ? FH_OK
                     : core_pin(self->core, id_of(record), ret, err);

    if (status)
        return status;
    uint64_t item = dtype_grain(ret->nd.dtype), bytes = (uint64_t)shape_bytes(&ret->nd.shape, ret->nd.dtype);

    if (record->offset > bytes || record->size > bytes - record->offset)
        return err_set(err, FH_BAD_INDEX, "bytes %llu to %llu of an array of %llu", (unsigned long long)record->offset,
                       (unsigned long long)record->offset + record->size, (unsigned long long)bytes);
    if (record->offset % item || record->size % item)
        return err_set(err, FH_INVALID_ARGUMENT, "offset %llu and size %u are not multiples of the itemsize %llu",
                       (unsigned long long)record->offset, record->size, (unsigned long long)item);
    return FH_OK;
}

static int
serve_get(served_t *self, const stream_record_t *record, err_t *err)
{
    stream_record_t answer = {.op = STREAM_DATA, .size = record->size, .offset = record->offset};
    const char *bytes = self->scratch;
    err_t failure = {0};
    pin_t pin = {0};
    int status = find_array(self, record, &pin, &failure);

    if (status) {
        pin_release(&pin);
        return answer_failure(self, record, &failure, err);
    }
    memcpy(answer.id, record->id, sizeof answer.id);
    if (nd_is_c_contiguous(&pin.nd))
        bytes = pin.nd.data + record->offset;
    else
        strided_pack(&pin.nd, (int64_t)record->offset, record->size, self->scratch);
    status = stream_send(self->stream, &answer, bytes, err);
    pin_release(&pin);
    pthread_mutex_lock(&self->core->lock);
    self->core->counters.bytes_out += record->size;
    pthread_mutex_unlock(&self->core->lock);
    return status;
}

/* ---- from the peer -------------------------------------------------------------------------------------------------
 */

static int
take_chunk(served_t *self, const stream_record_t *record, const chunk_place_t *place, err_t *err)
{
    char *data = place->segment ? place->segment->data + place->offset : self->scratch;
    int status = stream_take(self->stream, record, place->fresh ? self->scratch : data, err);

    if (status || !place->fresh || !place->segment)
        return status;
    if (pwrite(place->segment->fd, self->scratch, record->size, (off_t)place->offset) != (ssize_t)record->size)
        memcpy(data, self->scratch, record->size);
    return FH_OK;
}

static int
serve_put(served_t *self, const stream_record_t *record, err_t *err)
{
    stream_record_t answer = {.op = STREAM_TAKEN, .size = record->size, .offset = record->offset};
    chunk_place_t place = {.segment = NULL};
    err_t failure = {0};
    int refused = deposits_take(self->core, self->session, id_of(record), record->offset, record->size, self->number,
                                &place, &failure);
    int status = take_chunk(self, record, &place, err);

    deposits_took(self->core, &place, self->number, status == FH_OK);
    if (status)
        return status;
    if (refused)
        return answer_failure(self, record, &failure, err);
    memcpy(answer.id, record->id, sizeof answer.id);
    pthread_mutex_lock(&self->core->lock);
    self->core->counters.bytes_in += record->size;
    pthread_mutex_unlock(&self->core->lock);
    return stream_send(self->stream, &answer, NULL, err);
}

void
streams_serve(served_t *self)
{
    err_t err;

    for (int status = FH_OK; !status;) {
        stream_record_t record;

        status = stream_receive(self->stream, &record, -1, &err);
        if (!status && record.op == STREAM_GET)
            status = serve_get(self, &record, &err);
        else if (!status && record.op == STREAM_PUT)
            status = serve_put(self, &record, &err);
        else if (!status)
            status = err_set(&err, FH_PROTOCOL_ERROR, "a client sent what only an engine may send");
    }
}
