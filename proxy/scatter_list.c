/* Many local arrays at once: those of one engine are packed side by side, sent as one array of bytes, and cut out of it
 * there by one message. */
#include "codecs/strided.h"
#include "proxy/error.h"
#include "proxy/scatter.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_BYTES = 512 * 1024, /* goes in one message, and is what one survivor keeps from being given back */
    ALONE_BYTES = 256 * 1024, /* arrays from here on go by themselves */
    ALIGN = 64,
    CHUNK_ARRAYS = 1024 /* in one message */
};

/* The arrays that go to one engine, packed. */
typedef struct {
    fh_session *session;
    engine_link_t *engine;
    uint8_t *bytes; /* CHUNK_BYTES of them */
    size_t used;
    int n, nextents;
    fh_array **places[CHUNK_ARRAYS]; /* where the handles go */
    nd_t *sources;                   /* CHUNK_ARRAYS: shapes and dtypes */
    int64_t offsets[CHUNK_ARRAYS];
} chunk_t;

static void
chunk_release(chunk_t **self)
{
    if (!*self)
        return;
    free((*self)->bytes);
    free((*self)->sources);
    free(*self);
    *self = NULL;
}

static int
chunk_new(chunk_t **ret, fh_session *session, err_t *err)
{
    chunk_t *self = calloc(1, sizeof *self);
    if (self) {
        self->session = session;
        self->bytes = malloc(CHUNK_BYTES);
        self->sources = malloc(CHUNK_ARRAYS * sizeof *self->sources);
        if (self->bytes && self->sources) {
            *ret = self;
            return FH_OK;
        }
    }
    chunk_release(&self);
    return err_set(err, FH_NO_MEMORY, "no memory to pack %d bytes of arrays", (int)CHUNK_BYTES);
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
send_carve(chunk_t *self, const fh_array *packed, lists_t *lists, err_t *err)
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
        lists->dtypes[i] = (int64_t)nd->dtype;
        lists->dims[i] = nd->shape.ndim;
        memcpy(lists->extents + extent, nd->shape.extent, (size_t)nd->shape.ndim * sizeof *lists->extents);
        extent += (uint32_t)nd->shape.ndim;
    }
    message.as.CARVE = (msg_CARVE_t){.object = packed->parts[0].handle->id,
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

/* Send what is packed, and begin anew. */
static int
chunk_send(chunk_t *self, err_t *err)
{
    fh_array *packed = NULL;
    layout_t layout;
    lists_t lists;
    nd_t nd;
    shape_t shape = {.ndim = 1, .extent = {(int64_t)self->used}};
    if (!self->n)
        return FH_OK;
    nd_init(&nd, (char *)self->bytes, DTYPE_UINT8, &shape);
    int status = layout_single(&layout, self->engine, err);
    if (status)
        return status;
    status = scatter_to(self->session, &nd, false, &layout, &packed, err);
    layout_release(&layout);
    if (status)
        return status;
    status = lists_init(&lists, (size_t)self->n, (size_t)self->nextents, err);
    bool sent = false;
    if (!status) {
        status = send_carve(self, packed, &lists, err);
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
    fh_array_free(&packed);
    self->used = 0;
    self->n = self->nextents = 0;
    return status;
}

/* ---- packing -------------------------------------------------------------------------------------------------------
 */

static int
chunk_add(chunk_t *self, const nd_t *source, bool swapped, fh_array **place, err_t *err)
{
    size_t bytes = (size_t)shape_bytes(&source->shape, source->dtype);
    if (self->n == CHUNK_ARRAYS || self->used + bytes > CHUNK_BYTES) {
        int status = chunk_send(self, err);
        if (status)
            return status;
    }
    nd_t target;
    nd_init(&target, (char *)self->bytes + self->used, source->dtype, &source->shape);
    if (!swapped && nd_is_c_contiguous(source))
        memcpy(target.data, source->data, bytes);
    else if (swapped)
        strided_copy_swapped(&target, source);
    else
        strided_copy(&target, source);
    self->sources[self->n] = target;
    self->offsets[self->n] = (int64_t)self->used;
    self->places[self->n++] = place;
    self->nextents += source->shape.ndim;
    self->used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (!bytes)
        self->used += ALIGN; /* arrays without elements lie somewhere, too */
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
        chunk->engine = layout.engines[i];
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
