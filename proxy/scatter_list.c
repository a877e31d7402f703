/* Many local arrays at once: those of one engine are sent as one array of bytes, and cut out of it there by one
 * message.  On this host they are copied once, straight into the engine's memory. */
#include "codecs/dtype_fields.h"
#include "codecs/strided.h"
#include "proxy/emit.h"
#include "proxy/error.h"
#include "proxy/nearby.h"
#include "proxy/scatter.h"

#include <stdlib.h>
#include <string.h>

enum {
    SENT_BYTES = 512 * 1024,      /* in one message */
    NEAR_BYTES = 4 * 1024 * 1024, /* copied into the engine's memory at a time */
    ALONE_BYTES = 256 * 1024,     /* arrays from here on go by themselves */
    HUGE_BYTES = 2 * 1024 * 1024,
    ALIGN = 64,
    CHUNK_ARRAYS = 1024 /* in one message */
};

/* The arrays that go to one engine, laid one behind the other. */
typedef struct {
    fh_session *session;
    engine_link_t *engine;
    bool near;          /* its memory may be reached */
    uint8_t *packed;    /* copies of those that are not contiguous, of NEAR_BYTES; NULL: none yet */
    size_t used, limit; /* bytes of all, and how many there may be */
    int n, nextents, nspans;
    struct iovec spans[2 * CHUNK_ARRAYS]; /* of all bytes, gaps with them */
    fh_array **places[CHUNK_ARRAYS];      /* where the handles go */
    nd_t *sources;                        /* CHUNK_ARRAYS: shapes and dtypes */
    int64_t offsets[CHUNK_ARRAYS];
} chunk_t;

static void
chunk_release(chunk_t **self)
{
    if (!*self)
        return;
    free((*self)->packed);
    free((*self)->sources);
    free(*self);
    *self = NULL;
}

static int
chunk_new(chunk_t **ret, fh_session *session, err_t *err)
{
    chunk_t *self = malloc(sizeof *self);
    nd_t *sources = malloc(CHUNK_ARRAYS * sizeof *sources);
    if (!self || !sources) {
        free(self);
        free(sources);
        return err_set(err, FH_NO_MEMORY, "no memory to list %d arrays", (int)CHUNK_ARRAYS);
    }
    self->session = session;
    self->packed = NULL;
    self->sources = sources;
    self->n = self->nextents = self->nspans = 0;
    self->used = 0;
    *ret = self;
    return FH_OK;
}

static void
chunk_turn_to(chunk_t *self, engine_link_t *engine)
{
    self->engine = engine;
    self->near = nearby_possible(engine, NEARBY_BYTES);
    self->limit = self->near ? NEAR_BYTES : SENT_BYTES;
}

/* ---- the bytes -----------------------------------------------------------------------------------------------------
 */

/* How long the array of bytes is made: whole huge pages where that wastes little. */
static int64_t
rounded(const chunk_t *self)
{
    size_t pages = (self->used + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    return (int64_t)(self->near && pages - self->used <= self->used / 4 ? pages : self->used);
}

/* Straight into the engine's memory.  NOT_SUPPORTED: that does not work, and nothing was written. */
static int
write_near(chunk_t *self, const handle_t *handle, err_t *err)
{
    nearby_t near = {0};
    int status = nearby_ask(&near, handle, true, err);
    if (!status)
        status = nearby_wait(&near, 1, self->session, session_deadline(self->session, -1), err);
    if (!status)
        status = nearby_there(&near) ? nearby_fill(&near, self->session, self->spans, self->nspans, (int64_t)self->used,
                                                   rounded(self), err)
                                     : FH_NOT_SUPPORTED;
    nearby_forget(&near, 1);
    return status;
}

static int
write_messages(chunk_t *self, handle_t *handle, err_t *err)
{
    int status = FH_OK, span = 0;
    size_t taken = 0; /* of that span */
    for (size_t at = 0, size; at < self->used && !status; at += size) {
        buf_t *raw = NULL;
        size = self->used - at < SENT_BYTES ? self->used - at : SENT_BYTES;
        status = buf_new(&raw, size, 0, err);
        for (size_t filled = 0; filled < size && !status;) {
            size_t left = self->spans[span].iov_len - taken, more = left < size - filled ? left : size - filled;
            memcpy((uint8_t *)buf_data(raw) + filled, (const uint8_t *)self->spans[span].iov_base + taken, more);
            filled += more;
            taken = more < left ? taken + more : 0;
            span += more == left;
        }
        if (!status)
            status = emit_write(handle, (int64_t)at, raw, err);
        buf_unref(&raw);
    }
    return status;
}

/* All in one array of bytes on the engine. */
static int
write_all(chunk_t *self, handle_t **ret, err_t *err)
{
    shape_t shape = {.ndim = 1, .extent = {rounded(self)}};
    int status = emit_empty(self->engine, DTYPE_UINT8, &shape, NULL, ret, err);
    if (status)
        return status;
    status = self->near && self->used > SENT_BYTES ? write_near(self, *ret, err) : FH_NOT_SUPPORTED;
    if (status == FH_NOT_SUPPORTED)
        status = write_messages(self, *ret, err);
    if (status)
        handle_unref(ret);
    return status;
}

/* ---- one message for all -------------------------------------------------------------------------------------------
 */

typedef struct {
    oid_t *results;
    int64_t *dtypes, *dims, *extents;
    handle_t **handles;
} lists_t;

static void
lists_release(lists_t *self)
{
    free(self->results);
    free(self->dtypes);
    free(self->dims);
    free(self->extents);
    free(self->handles);
}

static int
lists_init(lists_t *self, size_t n, size_t nextents, err_t *err)
{
    *self = (lists_t){calloc(n, sizeof(oid_t)), calloc(n, sizeof(int64_t)), calloc(n, sizeof(int64_t)),
                      calloc(nextents + 1, sizeof(int64_t)), calloc(n, sizeof(handle_t *))};
    return self->results && self->dtypes && self->dims && self->extents && self->handles
               ? FH_OK
               : err_set(err, FH_NO_MEMORY, "no memory to describe %zu arrays", n);
}

static int
send_carve(chunk_t *self, const handle_t *all, lists_t *lists, err_t *err)
{
    message_t message = {.code = MSG_CARVE};
    uint32_t n = (uint32_t)self->n, extent = 0;
    int status = FH_OK;
    for (uint32_t i = 0; i < n && !status; i++) {
        const nd_t *nd = &self->sources[i];
        status = handle_new(&lists->handles[i], self->engine, OID_NONE, shape_bytes(&nd->shape, nd->dtype), err);
        if (status)
            break;
        lists->results[i] = lists->handles[i]->id;
        lists->dtypes[i] = (int64_t)dtype_wire(nd->dtype);
        lists->dims[i] = nd->shape.ndim;
        memcpy(lists->extents + extent, nd->shape.extent, (size_t)nd->shape.ndim * sizeof *lists->extents);
        extent += (uint32_t)nd->shape.ndim;
    }
    message.as.CARVE = (msg_CARVE_t){.object = all->id,
                                     .results = {lists->results, n},
                                     .dtypes = {lists->dtypes, n},
                                     .dims = {lists->dims, n},
                                     .extents = {lists->extents, extent},
                                     .offsets = {self->offsets, n}};
    return status ? status : engine_link_call(self->engine, &message, NULL, NULL, err);
}

/* The handles become arrays. */
static int
deliver(chunk_t *self, lists_t *lists, err_t *err)
{
    for (int i = 0; i < self->n; i++) {
        fh_array *array = NULL;
        int status = array_new(&array, self->session, self->sources[i].dtype, &self->sources[i].shape, -1, 1, err);
        if (status)
            return status;
        array_put(array, 0, lists->handles[i], NULL);
        lists->handles[i] = NULL;
        *self->places[i] = array;
    }
    return FH_OK;
}

/* Send what there is, and begin anew. */
static int
chunk_send(chunk_t *self, err_t *err)
{
    handle_t *all = NULL;
    lists_t lists;
    if (!self->n)
        return FH_OK;
    int status = write_all(self, &all, err);
    if (status)
        return status;
    status = lists_init(&lists, (size_t)self->n, (size_t)self->nextents, err);
    bool sent = false;
    if (!status) {
        status = send_carve(self, all, &lists, err);
        sent = !status;
    }
    if (!status)
        status = deliver(self, &lists, err);
    for (int i = 0; i < self->n && lists.handles; i++) {
        if (sent)
            handle_unref(&lists.handles[i]);
        else
            handle_discard(&lists.handles[i]);
    }
    lists_release(&lists);
    handle_unref(&all);
    self->used = 0;
    self->n = self->nextents = self->nspans = 0;
    return status;
}

/* ---- packing -------------------------------------------------------------------------------------------------------
 */

/* A C-ordered copy of the array, in its place among the chunk's bytes. */
static int
pack(chunk_t *self, const nd_t *source, bool swapped, void **ret, err_t *err)
{
    nd_t target;
    if (!self->packed && !(self->packed = malloc(NEAR_BYTES)))
        return err_set(err, FH_NO_MEMORY, "no memory to pack %d bytes of arrays", (int)NEAR_BYTES);
    nd_init(&target, (char *)self->packed + self->used, source->dtype, &source->shape);
    if (swapped)
        strided_copy_swapped(&target, source);
    else
        strided_copy(&target, source);
    *ret = target.data;
    return FH_OK;
}

static int
chunk_add(chunk_t *self, const nd_t *source, bool swapped, fh_array **place, err_t *err)
{
    static uint8_t nothing[ALIGN];
    size_t bytes = (size_t)shape_bytes(&source->shape, source->dtype);
    /* Arrays without elements lie somewhere, too. */
    size_t padded = bytes ? (bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    void *data = source->data;
    int status = FH_OK;
    if (self->n == CHUNK_ARRAYS || self->used + padded > self->limit)
        status = chunk_send(self, err);
    if (!status && (swapped || !nd_is_c_contiguous(source)))
        status = pack(self, source, swapped, &data, err);
    if (status)
        return status;
    if (bytes)
        self->spans[self->nspans++] = (struct iovec){data, bytes};
    if (padded > bytes)
        self->spans[self->nspans++] = (struct iovec){nothing, padded - bytes};
    nd_t *made = &self->sources[self->n];
    made->dtype = source->dtype;
    made->shape.ndim = source->shape.ndim;
    memcpy(made->shape.extent, source->shape.extent, (size_t)source->shape.ndim * sizeof *source->shape.extent);
    self->offsets[self->n] = (int64_t)self->used;
    self->places[self->n++] = place;
    self->nextents += source->shape.ndim;
    self->used += padded;
    return FH_OK;
}

static int
send_alone(chunk_t *chunk, const nd_t *source, bool swapped, fh_array **ret, err_t *err)
{
    layout_t layout;
    int status = layout_single(&layout, chunk->engine, err);
    if (status)
        return status;
    status = scatter_to(chunk->session, source, swapped, &layout, ret, err);
    layout_release(&layout);
    return status;
}

/* All that go to one engine: every step-th, beginning with the first. */
static int
send_to(chunk_t *chunk, const fh_local *sources, int n, int first, int step, fh_array **ret, err_t *err)
{
    int status = FH_OK;
    for (int i = first; i < n && !status; i += step) {
        nd_t nd;
        bool swapped;
        status = scatter_local(&sources[i], &nd, &swapped, err);
        if (status)
            break;
        status = shape_bytes(&nd.shape, nd.dtype) >= ALONE_BYTES ? send_alone(chunk, &nd, swapped, &ret[i], err)
                                                                 : chunk_add(chunk, &nd, swapped, &ret[i], err);
    }
    return status ? status : chunk_send(chunk, err);
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

/* The engines as scatter would take them for pieces, one each; NULL where that fails. */
static int
find_engines(fh_session *session, const fh_id *engines, int nengines, int n, layout_t *ret, err_t *err)
{
    int count = engines ? nengines : session_ready_engines(session, NULL, 0);
    shape_t shape = {.ndim = 1, .extent = {count < n ? count : n}};
    fh_scatter_options options = {.axis = 0, .engines = engines, .nengines = nengines};
    return scatter_layout(session, &shape, &options, ret, err);
}

int
fh_scatter_list(fh_session *session, const fh_local *sources, int n, const fh_id *engines, int nengines, fh_array **ret,
                fh_error *error)
{
    err_t *err = error_start(error);
    chunk_t *chunk = NULL;
    layout_t layout;
    int status = session_enter(session, err);
    if (status || n <= 0)
        return status;
    if (!sources || !ret || (engines && nengines < 1))
        return err_set(err, FH_INVALID_ARGUMENT, "no arrays, no room for handles, or an empty list of engines");
    status = find_engines(session, engines, nengines, n, &layout, err);
    if (status)
        return status;
    fh_array **made = calloc((size_t)n, sizeof(fh_array *));
    status = made ? chunk_new(&chunk, session, err) : err_set(err, FH_NO_MEMORY, "no memory for %d handles", n);
    for (int i = 0; i < layout.n && !status; i++) {
        chunk_turn_to(chunk, layout.engines[i]);
        status = send_to(chunk, sources, n, i, layout.n, made, err);
    }
    if (!status)
        status = session_flush(session, err);
    for (int i = 0; i < n && made; i++) {
        if (status)
            fh_array_free(&made[i]);
        else
            ret[i] = made[i];
    }
    free(made);
    chunk_release(&chunk);
    layout_release(&layout);
    return status;
}
