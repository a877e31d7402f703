/* From engines to local memory: every engine is asked for many chunks at once, and each chunk goes straight to its
 * place. */
#include "codecs/strided.h"
#include "proxy/array.h"
#include "proxy/error.h"
#include "proxy/kept.h"
#include "proxy/moved.h"
#include "proxy/nearby.h"
#include "proxy/streams.h"
#include "proxy/sync.h"
#include "proxy/tail.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW = 12 /* FETCHes under way on each engine */ };

typedef struct gathering gathering_t;

/* A FETCH that is under way. */
typedef struct {
    request_t request;
    const gathering_t *gathering;
    int part;
    int64_t offset, size;
    bool busy;
} slot_t;

/* The parts of one engine, in order. */
typedef struct {
    engine_link_t *engine;
    int part;       /* the next one to ask for; n: none is left */
    int64_t offset; /* within it */
    slot_t slots[WINDOW];
} stream_t;

struct gathering {
    const fh_array *array;
    nd_t target;
    bool *taken; /* parts that were read in place or over streams */
    stream_t *streams;
    int nstreams;
    int64_t came; /* bytes in messages */
};

static nd_t
target_of(const gathering_t *self, int part)
{
    nd_t nd = self->target;
    int axis = self->array->axis;
    if (axis >= 0) {
        nd.data += self->array->cuts[part].start * nd.stride[axis];
        nd.shape.extent[axis] = self->array->cuts[part].length;
    }
    return nd;
}

static int64_t
part_bytes(const fh_array *array, int part)
{
    shape_t shape = array_part_shape(array, part);
    return shape_bytes(&shape, array->dtype);
}

static int
take_data(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    slot_t *slot = context;
    if (reply->code != MSG_DATA || nraw != 1 || (int64_t)raw[0].size != slot->size)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine sent %lld bytes where %lld were asked for",
                       nraw > 0 ? (long long)raw[0].size : 0, (long long)slot->size);
    nd_t target = target_of(slot->gathering, slot->part);
    strided_unpack(&target, slot->offset, slot->size, raw[0].data);
    return FH_OK;
}

/* The next part of that engine from `part` on. */
static int
next_part(const gathering_t *self, const engine_link_t *engine, int part)
{
    while (part < self->array->n && (self->array->parts[part].handle->engine != engine ||
                                     part_bytes(self->array, part) == 0 || self->taken[part]))
        part++;
    return part;
}

static int
ask(gathering_t *self, stream_t *stream, slot_t *slot, err_t *err)
{
    int64_t left = part_bytes(self->array, stream->part) - stream->offset;
    slot->gathering = self;
    slot->part = stream->part;
    slot->offset = stream->offset;
    slot->size = left < ENGINE_LINK_CHUNK ? left : ENGINE_LINK_CHUNK;
    slot->request = (request_t){.reply = take_data, .context = slot};
    message_t message = {.code = MSG_FETCH};
    message.as.FETCH.object = self->array->parts[stream->part].handle->id;
    message.as.FETCH.offset = (uint64_t)slot->offset;
    message.as.FETCH.size = (uint64_t)slot->size;
    uint64_t call;
    int status = engine_link_call(stream->engine, &message, NULL, &call, err);
    if (status)
        return status;
    conn_expect(&stream->engine->conn, &slot->request, call, 1);
    slot->busy = true;
    stream->offset += slot->size;
    if (slot->size == left) {
        stream->part = next_part(self, stream->engine, stream->part + 1);
        stream->offset = 0;
    }
    return FH_OK;
}

/* Note what has come, and ask for more.  *ret_busy: how many are under way. */
static int
advance(gathering_t *self, int *ret_busy, err_t *err)
{
    *ret_busy = 0;
    for (int i = 0; i < self->nstreams; i++) {
        stream_t *stream = &self->streams[i];
        for (int k = 0; k < WINDOW; k++) {
            slot_t *slot = &stream->slots[k];
            if (slot->busy && slot->request.due == 0) {
                slot->busy = false;
                if (slot->request.status) {
                    if (err)
                        *err = slot->request.err;
                    return slot->request.status;
                }
                self->came += slot->size;
            }
            if (!slot->busy && stream->part < self->array->n) {
                int status = ask(self, stream, slot, err);
                if (status)
                    return status;
            }
            *ret_busy += slot->busy;
        }
    }
    return FH_OK;
}

static bool
some_came(const void *context)
{
    const gathering_t *self = context;
    for (int i = 0; i < self->nstreams; i++)
        for (int k = 0; k < WINDOW; k++)
            if (self->streams[i].slots[k].busy && self->streams[i].slots[k].request.due == 0)
                return true;
    return false;
}

/* Parts on this host whose memory can be reached are copied from where they lie. */
static int
read_in_place(gathering_t *self, int64_t deadline, err_t *err)
{
    const fh_array *array = self->array;
    nearby_t *near = calloc((size_t)array->n, sizeof *near);
    int status = near ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to gather %d pieces", array->n);
    for (int i = 0; i < array->n && !status; i++)
        if (nearby_possible(array->parts[i].handle->engine, part_bytes(array, i)))
            status = nearby_ask(&near[i], array->parts[i].handle, false, err);
    if (!status)
        status = nearby_wait(near, array->n, array->session, deadline, err);
    for (int i = 0; i < array->n && !status; i++) {
        if (!nearby_there(&near[i]))
            continue;
        nd_t remote = array_part_nd(array, i), target = target_of(self, i);
        status = nearby_read(&near[i], array->session, &remote, &target, err);
        self->taken[i] = status == FH_OK;
        if (status == FH_NOT_SUPPORTED)
            status = FH_OK;
    }
    if (near)
        nearby_forget(near, array->n);
    free(near);
    return status;
}

/* Large parts of other hosts come over streams, once they are computed. */
static int
read_streamed(gathering_t *self, int64_t deadline, err_t *err)
{
    const fh_array *array = self->array;
    streams_part_t *parts = calloc((size_t)array->n, sizeof *parts);
    int n = 0, status = parts ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to gather %d pieces", array->n);
    for (int i = 0; i < array->n && !status; i++)
        if (!self->taken[i] && streams_possible(array->parts[i].handle->engine, part_bytes(array, i))) {
            parts[n++] = (streams_part_t){.handle = array->parts[i].handle, .local = target_of(self, i)};
            self->taken[i] = true;
        }
    if (!status && n > 0)
        status = sync_array(array, deadline, err);
    if (!status)
        status = streams_move(array->session, parts, n, false, err);
    free(parts);
    return status;
}

static int
make_streams(gathering_t *self, err_t *err)
{
    const fh_array *array = self->array;
    self->streams = calloc((size_t)(array->n < array->session->nengines ? array->n : array->session->nengines),
                           sizeof *self->streams);
    if (!self->streams)
        return err_set(err, FH_NO_MEMORY, "no memory to gather %d pieces", array->n);
    for (int i = 0; i < array->n; i++) {
        int known = 0;
        if (self->taken[i])
            continue;
        while (known < self->nstreams && self->streams[known].engine != array->parts[i].handle->engine)
            known++;
        if (known == self->nstreams) {
            self->streams[known].engine = array->parts[i].handle->engine;
            self->streams[known].part = next_part(self, self->streams[known].engine, i);
            self->nstreams++;
        }
    }
    return FH_OK;
}

static void
forget_all(gathering_t *self)
{
    for (int i = 0; i < self->nstreams; i++)
        for (int k = 0; k < WINDOW; k++)
            if (self->streams[i].slots[k].busy)
                conn_forget(&self->streams[i].engine->conn, &self->streams[i].slots[k].request);
    free(self->streams);
}

/* Wait until something can be done: more asked for, or, when all has been, until everything is there. */
static int
wait_for_parts(gathering_t *self, err_t *err)
{
    fh_session *session = self->array->session;
    bool all = true;
    int status = FH_OK;
    for (int i = 0; i < self->nstreams; i++)
        all &= self->streams[i].part >= self->array->n;
    /* The limit is for each part of the answer: large arrays take long, but something always comes. */
    if (!all)
        return wait_until(session, session_deadline(session, -1), some_came, self, err);
    session_push(session); /* all engines are at work before one is waited for */
    for (int i = 0; i < self->nstreams && !status; i++)
        for (int k = 0; k < WINDOW && !status; k++)
            if (self->streams[i].slots[k].busy)
                status = wait_reply(session, &self->streams[i].engine->conn, &self->streams[i].slots[k].request,
                                    session_deadline(session, -1), err);
    return status;
}

/* One that is here already, see kept.h, if nothing that waits may write it. */
static bool
take_kept(const fh_array *array, const nd_t *target)
{
    const handle_t *handle = array->parts[0].handle;
    bool possible = array->session->nkept && array->n == 1 && !tail_waits(array->session);
    const kept_t *kept = possible ? kept_find(handle->engine, handle->id) : NULL;
    nd_t part = kept ? array_part_nd(array, 0) : (nd_t){0};
    if (!kept || kept->nd.dtype != array->dtype || !shape_equal(&kept->nd.shape, &array->shape) ||
        !nd_is_c_contiguous(&part))
        return false;
    strided_unpack(target, 0, shape_bytes(&array->shape, array->dtype), kept->nd.data);
    return true;
}

static int
gather(const fh_array *array, void *ret, const int64_t *strides, err_t *err)
{
    gathering_t gathering = {.array = array};
    int busy = 0;
    nd_init(&gathering.target, ret, array->dtype, &array->shape);
    if (strides)
        memcpy(gathering.target.stride, strides, (size_t)array->shape.ndim * sizeof *strides);
    int status = tail_join_bring(array->session, array->parts[0].handle, err);
    if (!status && take_kept(array, &gathering.target))
        return FH_OK;
    gathering.taken = calloc((size_t)array->n, sizeof *gathering.taken);
    if (!status && !gathering.taken)
        status = err_set(err, FH_NO_MEMORY, "no memory to gather %d pieces", array->n);
    if (!status)
        status = read_in_place(&gathering, session_deadline(array->session, -1), err);
    if (!status)
        status = read_streamed(&gathering, session_deadline(array->session, -1), err);
    if (!status)
        status = make_streams(&gathering, err);
    moved_begin(array->session);
    while (!status) {
        status = advance(&gathering, &busy, err);
        if (status || busy == 0)
            break;
        moved_tell(array->session, gathering.came, array_bytes(array));
        status = wait_for_parts(&gathering, err);
    }
    forget_all(&gathering);
    moved_end(array->session, !status, array_bytes(array));
    if (status == FH_INTERRUPTED)
        session_cancel(array->session);
    free(gathering.taken);
    return status;
}

int
fh_gather(fh_array *array, void *ret, const int64_t *strides, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(array, err);
    if (status)
        return status;
    if (shape_count(&array->shape) == 0)
        return sync_array(array, session_deadline(array->session, -1), err);
    if (!ret)
        return err_set(err, FH_INVALID_ARGUMENT, "there is no memory to gather into");
    return gather(array, ret, strides, err);
}
