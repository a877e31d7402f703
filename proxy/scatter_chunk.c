#include "proxy/scatter_chunk.h"

#include "codecs/dtype_fields.h"
#include "codecs/strided.h"
#include "proxy/emit.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

enum {
    SENT_BYTES = 512 * 1024,      /* in one message */
    NEAR_BYTES = 4 * 1024 * 1024, /* copied into the engine's memory at a time */
    HUGE_BYTES = 2 * 1024 * 1024,
    ALIGN = 64,
    ARRAYS = 1024 /* of a chunk */
};

struct chunk_desk {
    struct iovec spans[2 * ARRAYS]; /* of all bytes, gaps with them */
    int nspans, nextents;
    int64_t used;
    int places[ARRAYS]; /* in the list */
    fh_array *arrays[ARRAYS];
    handle_t *handles[ARRAYS];
    oid_t results[ARRAYS];
    int64_t dtypes[ARRAYS], dims[ARRAYS], offsets[ARRAYS];
    uint8_t *packed; /* copies of those that are not contiguous, of NEAR_BYTES; NULL: none yet */
    int64_t extents[ARRAYS * SHAPE_MAX_DIMS];
};

int
chunk_desk_new(chunk_desk_t **ret, err_t *err)
{
    chunk_desk_t *self = malloc(sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory to list %d arrays", (int)ARRAYS);
    self->packed = NULL;
    *ret = self;
    return FH_OK;
}

void
chunk_desk_free(chunk_desk_t **self)
{
    if (*self)
        free((*self)->packed);
    free(*self);
    *self = NULL;
}

/* ---- planning ------------------------------------------------------------------------------------------------------
 */

void
chunk_init(chunk_t *self, engine_link_t *engine, int first, int step)
{
    bool near = nearby_possible(engine, NEARBY_BYTES);
    *self = (chunk_t){
        .engine = engine, .first = first, .step = step, .near = near, .limit = near ? NEAR_BYTES : SENT_BYTES};
}

/* Arrays without elements lie somewhere, too. */
static int64_t
padded(int64_t bytes)
{
    return bytes ? (bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
}

bool
chunk_add(chunk_t *self, int64_t bytes)
{
    if (self->n == ARRAYS || self->used + padded(bytes) > self->limit)
        return false;
    self->used += padded(bytes);
    self->n++;
    return true;
}

/* How long the array of bytes is made: whole huge pages where that wastes little. */
static int64_t
rounded(const chunk_t *self)
{
    int64_t pages = (self->used + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    return self->near && pages - self->used <= self->used / 4 ? pages : self->used;
}

int
chunk_ask(chunk_t *self, err_t *err)
{
    shape_t shape = {.ndim = 1, .extent = {rounded(self)}};
    int status = emit_empty(self->engine, DTYPE_UINT8, &shape, NULL, &self->all, err);
    if (status || !self->near || self->used <= SENT_BYTES)
        return status;
    status = nearby_ask(&self->place, self->all, true, err);
    (void)engine_link_flush(self->engine, NULL); /* what does not go now goes while we wait */
    return status;
}

void
chunk_release(chunk_t *self)
{
    nearby_forget(&self->place, 1);
    self->place = (nearby_t){0};
    handle_unref(&self->all);
}

/* ---- the bytes -----------------------------------------------------------------------------------------------------
 */

/* Straight into the engine's memory.  NOT_SUPPORTED: that does not work, and nothing was written. */
static int
write_near(chunk_t *self, const chunk_desk_t *desk, err_t *err)
{
    fh_session *session = self->engine->session;
    int status = nearby_wait(&self->place, 1, session, session_deadline(session, -1), err);
    if (status || !nearby_there(&self->place))
        return status ? status : FH_NOT_SUPPORTED;
    return nearby_fill(&self->place, session, desk->spans, desk->nspans, self->used, rounded(self), err);
}

static int
write_messages(chunk_t *self, const chunk_desk_t *desk, err_t *err)
{
    int status = FH_OK, span = 0;
    size_t taken = 0, used = (size_t)self->used; /* taken: of that span */
    for (size_t at = 0, size; at < used && !status; at += size) {
        buf_t *raw = NULL;
        size = used - at < SENT_BYTES ? used - at : SENT_BYTES;
        status = buf_new(&raw, size, 0, err);
        for (size_t filled = 0; filled < size && !status;) {
            size_t left = desk->spans[span].iov_len - taken, more = left < size - filled ? left : size - filled;
            memcpy((uint8_t *)buf_data(raw) + filled, (const uint8_t *)desk->spans[span].iov_base + taken, more);
            filled += more;
            taken = more < left ? taken + more : 0;
            span += more == left;
        }
        if (!status)
            status = emit_write(self->all, (int64_t)at, raw, err);
        buf_unref(&raw);
    }
    return status;
}

/* A C-ordered copy of the array, in its place among the chunk's bytes. */
static int
pack(chunk_desk_t *desk, const nd_t *source, bool swapped, void **ret, err_t *err)
{
    nd_t target;
    if (!desk->packed && !(desk->packed = malloc(NEAR_BYTES)))
        return err_set(err, FH_NO_MEMORY, "no memory to pack %d bytes of arrays", (int)NEAR_BYTES);
    nd_init(&target, (char *)desk->packed + desk->used, source->dtype, &source->shape);
    if (swapped)
        strided_copy_swapped(&target, source);
    else
        strided_copy(&target, source);
    *ret = target.data;
    return FH_OK;
}

/* ---- one message for all -------------------------------------------------------------------------------------------
 */

/* Array i of the chunk: its bytes, its description, and what it becomes here. */
static int
describe(chunk_desk_t *desk, fh_session *session, engine_link_t *engine, int i, const nd_t *nd, bool swapped,
         err_t *err)
{
    static uint8_t nothing[ALIGN];
    int64_t bytes = shape_bytes(&nd->shape, nd->dtype);
    void *data = nd->data;
    int status = FH_OK;
    if (swapped || !nd_is_c_contiguous(nd))
        status = pack(desk, nd, swapped, &data, err);
    if (!status)
        status = handle_new(&desk->handles[i], engine, OID_NONE, bytes, err);
    if (!status)
        status = array_new(&desk->arrays[i], session, nd->dtype, &nd->shape, -1, 1, err);
    if (status)
        return status;
    if (bytes)
        desk->spans[desk->nspans++] = (struct iovec){data, (size_t)bytes};
    if (padded(bytes) > bytes)
        desk->spans[desk->nspans++] = (struct iovec){nothing, (size_t)(padded(bytes) - bytes)};
    desk->results[i] = desk->handles[i]->id;
    desk->dtypes[i] = (int64_t)dtype_wire(nd->dtype);
    desk->dims[i] = nd->shape.ndim;
    desk->offsets[i] = desk->used;
    memcpy(desk->extents + desk->nextents, nd->shape.extent, (size_t)nd->shape.ndim * sizeof *desk->extents);
    desk->nextents += nd->shape.ndim;
    desk->used += padded(bytes);
    return FH_OK;
}

/* Lay all arrays of the chunk out.  *ret_n: how many have handles. */
static int
lay_out(const chunk_t *self, chunk_desk_t *desk, const fh_local *sources, int *ret_n, err_t *err)
{
    int status = FH_OK;
    desk->nspans = desk->nextents = 0;
    desk->used = 0;
    for (int at = self->first, i = 0; i < self->n && !status; at += self->step) {
        nd_t nd;
        bool swapped;
        status = scatter_local(&sources[at], &nd, &swapped, err);
        if (status || shape_bytes(&nd.shape, nd.dtype) >= CHUNK_ALONE_BYTES)
            continue;
        desk->arrays[i] = NULL;
        desk->handles[i] = NULL;
        desk->places[i] = at;
        *ret_n = i + 1;
        status = describe(desk, self->engine->session, self->engine, i++, &nd, swapped, err);
    }
    return status;
}

static int
send_carve(const chunk_t *self, const chunk_desk_t *desk, err_t *err)
{
    uint32_t n = (uint32_t)self->n;
    message_t message = {.code = MSG_CARVE};
    message.as.CARVE = (msg_CARVE_t){.object = self->all->id,
                                     .results = {desk->results, n},
                                     .dtypes = {desk->dtypes, n},
                                     .dims = {desk->dims, n},
                                     .extents = {desk->extents, (uint32_t)desk->nextents},
                                     .offsets = {desk->offsets, n}};
    return engine_link_call(self->engine, &message, NULL, NULL, err);
}

int
chunk_send(chunk_t *self, chunk_desk_t *desk, const fh_local *sources, fh_array **ret, err_t *err)
{
    int n = 0, status = lay_out(self, desk, sources, &n, err);
    if (!status)
        status = self->place.engine ? write_near(self, desk, err) : FH_NOT_SUPPORTED;
    if (status == FH_NOT_SUPPORTED)
        status = write_messages(self, desk, err);
    if (!status)
        status = send_carve(self, desk, err);
    for (int i = 0; i < n; i++) {
        if (status) {
            handle_discard(&desk->handles[i]);
            fh_array_free(&desk->arrays[i]);
        } else {
            array_put(desk->arrays[i], 0, desk->handles[i], NULL);
            ret[desk->places[i]] = desk->arrays[i];
        }
    }
    return status;
}
