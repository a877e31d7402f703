#include "proxy/scatter.h"

#include "codecs/strided.h"
#include "proxy/emit.h"
#include "proxy/error.h"
#include "proxy/moved.h"
#include "proxy/nearby.h"
#include "proxy/shared.h"
#include "proxy/streams.h"
#include "proxy/wait.h"
#include "proxy/whole.h"

#include <stdlib.h>
#include <string.h>

enum { INLINE_BYTES = 64 * 1024 };

int
scatter_local(const fh_local *local, nd_t *ret, bool *ret_swapped, err_t *err)
{
    shape_t shape = {.ndim = local->ndim};
    if (!dtype_known((uint64_t)local->dtype))
        return err_set(err, FH_WRONG_TYPE, "%u is not a dtype", (unsigned)local->dtype);
    if (local->swapped && dtype_is_items((dtype_t)local->dtype))
        return err_set(err, FH_NOT_SUPPORTED, "elements of %s are taken in native byte order only",
                       dtype_name((dtype_t)local->dtype));
    if (local->ndim < 0 || local->ndim > FH_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "%d dimensions: at most %d are possible", local->ndim,
                       (int)FH_MAX_DIMS);
    if (local->ndim)
        memcpy(shape.extent, local->shape, (size_t)local->ndim * sizeof shape.extent[0]);
    if (shape_bytes(&shape, (dtype_t)local->dtype) < 0)
        return err_set(err, FH_INVALID_ARGUMENT, "the shape has a negative extent or too many bytes");
    nd_init(ret, local->data, (dtype_t)local->dtype, &shape);
    if (local->strides)
        memcpy(ret->stride, local->strides, (size_t)local->ndim * sizeof ret->stride[0]);
    if (!local->data && shape_count(&shape) > 0)
        return err_set(err, FH_INVALID_ARGUMENT, "data is NULL, but the array has elements");
    *ret_swapped = local->swapped && dtype_size(ret->dtype) > 1;
    return FH_OK;
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

/* A scatter under way: how much of each part's C-order image has been handed to its engine. */
typedef struct {
    const nd_t *source;
    const layout_t *layout;
    fh_array *array;
    int64_t *sent;
    bool *streamed;      /* parts that go over streams */
    request_t *deposits; /* for each of those, until there is room for it */
    bool swapped;
} sending_t;

static nd_t
part_of(const sending_t *self, int i)
{
    nd_t nd = *self->source;
    if (self->layout->axis >= 0) {
        nd.data += self->layout->cuts[i].start * nd.stride[self->layout->axis];
        nd.shape.extent[self->layout->axis] = self->layout->cuts[i].length;
    }
    return nd;
}

/* Elements of packed bytes, each reversed. */
static int
swap_bytes(buf_t **packed, dtype_t dtype, err_t *err)
{
    buf_t *swapped = NULL;
    shape_t shape = {.ndim = 1, .extent = {(int64_t)(buf_size(*packed) / dtype_size(dtype))}};
    nd_t from, to;
    int status = buf_new(&swapped, buf_size(*packed), 0, err);
    if (status)
        return status;
    nd_init(&from, buf_data(*packed), dtype, &shape);
    nd_init(&to, buf_data(swapped), dtype, &shape);
    strided_copy_swapped(&to, &from);
    buf_unref(packed);
    *packed = swapped;
    return FH_OK;
}

/* Pack the bytes [offset, offset+size) of part i. */
static int
pack(const sending_t *self, int i, int64_t offset, int64_t size, buf_t **ret, err_t *err)
{
    nd_t part = part_of(self, i);
    buf_t *packed = NULL;
    int status = buf_new(&packed, (size_t)size, 0, err);
    if (status)
        return status;
    strided_pack(&part, offset, size, buf_data(packed));
    if (self->swapped)
        status = swap_bytes(&packed, part.dtype, err);
    if (status)
        buf_unref(&packed);
    else
        *ret = packed;
    return status;
}

static int64_t
part_bytes(const sending_t *self, int i)
{
    shape_t shape = array_part_shape(self->array, i);
    return shape_bytes(&shape, self->array->dtype);
}

/* Make part i; small parts travel inside. */
static int
begin_part(sending_t *self, int i, err_t *err)
{
    int64_t bytes = part_bytes(self, i);
    shape_t shape = array_part_shape(self->array, i);
    buf_t *inside = NULL;
    handle_t *handle = NULL;
    int status = FH_OK;
    if (bytes > 0 && bytes <= INLINE_BYTES) {
        status = pack(self, i, 0, bytes, &inside, err);
        self->sent[i] = bytes;
    }
    self->streamed[i] = streams_possible(self->layout->engines[i], bytes);
    if (!status && self->streamed[i])
        status =
            streams_deposit(self->layout->engines[i], self->array->dtype, &shape, &self->deposits[i], &handle, err);
    else if (!status)
        status = emit_empty_part(self->array, i, self->layout->engines[i], inside, &handle, err);
    buf_unref(&inside);
    if (!status)
        array_put(self->array, i, handle, NULL);
    return status;
}

static bool
is_packed(const fh_array *array, int i)
{
    nd_t nd = array_part_nd(array, i);
    return nd_is_c_contiguous(&nd);
}

/* Engines make room for all parts that go over streams at the same time. */
static int
await_deposits(sending_t *self, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->layout->n && !status; i++)
        if (self->streamed[i])
            status = streams_deposited(self->layout->engines[i], &self->deposits[i], err);
    return status;
}

static void
sending_release(sending_t *self)
{
    for (int i = 0; i < self->layout->n && self->streamed && self->deposits; i++)
        if (self->streamed[i])
            conn_forget(&self->layout->engines[i]->conn, &self->deposits[i]);
    free(self->sent);
    free(self->streamed);
    free(self->deposits);
}

/* All parts on this host at once, into memory that they share. */
static int
write_whole(sending_t *self, err_t *err)
{
    fh_array *array = self->array;
    const layout_t *layout = self->layout;
    whole_t whole;
    int status = whole_begin(array, layout, &whole, err);
    if (!status) {
        nd_t source = *self->source;
        source.data += layout->cuts[whole.first].start * source.stride[layout->axis];
        source.shape = whole.nd.shape;
        int written = nearby_write(&whole.near, array->session, &whole.nd, &source, self->swapped, err);
        status = written && written != FH_NOT_SUPPORTED ? written : whole_end(&whole, err);
        for (int i = whole.first; i < whole.first + whole.n && !status && !written; i++)
            self->sent[i] = part_bytes(self, i);
    }
    whole_release(&whole);
    /* Without that memory they are made apart; where only the writing failed, bytes come over the wire. */
    return status == FH_NOT_SUPPORTED ? FH_OK : status;
}

/* Parts on this host are written straight into their engine's memory. */
static int
write_in_place(sending_t *self, err_t *err)
{
    const fh_array *array = self->array;
    fh_session *session = array->session;
    nearby_t *near = calloc((size_t)array->n, sizeof *near);
    int status = near ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to scatter %d pieces", array->n);
    for (int i = 0; i < array->n && !status; i++)
        if (self->sent[i] == 0 && nearby_possible(array->parts[i].handle->engine, part_bytes(self, i)) &&
            is_packed(array, i))
            status = nearby_ask(&near[i], array->parts[i].handle, true, err);
    if (!status)
        status = nearby_wait(near, array->n, session, session_deadline(session, -1), err);
    for (int i = 0; i < array->n && !status; i++) {
        if (!nearby_there(&near[i]))
            continue;
        nd_t remote = array_part_nd(array, i), part = part_of(self, i);
        status = nearby_write(&near[i], session, &remote, &part, self->swapped, err);
        if (!status)
            self->sent[i] = part_bytes(self, i);
        else if (status == FH_NOT_SUPPORTED)
            status = FH_OK;
    }
    if (near)
        nearby_forget(near, array->n);
    free(near);
    return status;
}

static int64_t
chunk_size(const sending_t *self, int i)
{
    int64_t left = part_bytes(self, i) - self->sent[i];
    return left < ENGINE_LINK_CHUNK ? left : ENGINE_LINK_CHUNK;
}

static int
send_chunk(sending_t *self, int i, err_t *err)
{
    int64_t size = chunk_size(self, i);
    buf_t *chunk = NULL;
    int status = pack(self, i, self->sent[i], size, &chunk, err);
    if (!status)
        status = emit_write(self->array->parts[i].handle, self->sent[i], chunk, err);
    buf_unref(&chunk);
    self->sent[i] += size;
    return status;
}

static bool
can_send(const sending_t *self, int i)
{
    const engine_link_t *engine = self->layout->engines[i];
    return engine->lost || engine_link_has_credit(engine, (size_t)chunk_size(self, i));
}

static bool
any_can_send(const void *context)
{
    const sending_t *self = context;
    for (int i = 0; i < self->layout->n; i++)
        if (chunk_size(self, i) > 0 && can_send(self, i))
            return true;
    return false;
}

/* Parts that go in messages: one chunk to each engine in turn, so that all links are busy; wait when none takes more.
 */
static int
send_parts(sending_t *self, err_t *err)
{
    fh_session *session = self->array->session;
    int64_t all = array_bytes(self->array), gone = 0;
    moved_begin(session);
    for (bool left = true; left;) {
        bool sent = false;
        left = false;
        gone = 0;
        for (int i = 0; i < self->layout->n; i++) {
            gone += self->sent[i];
            if (chunk_size(self, i) == 0)
                continue;
            left = true;
            if (!can_send(self, i))
                continue;
            int status = send_chunk(self, i, err);
            if (status)
                return status;
            sent = true;
        }
        if (left && !sent) {
            int status = wait_until(session, session_deadline(session, -1), any_can_send, self, err);
            if (status)
                return status;
        } else if (left) {
            session_pump(session);
        }
        moved_tell(session, gone, all);
    }
    return FH_OK;
}

static int
send_streamed(sending_t *self, err_t *err)
{
    const fh_array *array = self->array;
    streams_part_t *parts = calloc((size_t)array->n, sizeof *parts);
    int n = 0, status = parts ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to scatter %d pieces", array->n);
    for (int i = 0; i < array->n && !status; i++)
        if (self->streamed[i]) {
            parts[n++] = (streams_part_t){array->parts[i].handle, part_of(self, i), self->swapped};
            self->sent[i] = part_bytes(self, i);
        }
    if (!status)
        status = streams_move(array->session, parts, n, true, err);
    for (int i = 0; i < n && !status; i++)
        status = streams_complete(parts[i].handle, err);
    free(parts);
    return status;
}

int
scatter_to(fh_session *session, const nd_t *source, bool swapped, const layout_t *layout, fh_array **ret, err_t *err)
{
    sending_t sending = {.source = source, .layout = layout, .swapped = swapped};
    int status = array_new_as(&sending.array, session, source->dtype, &source->shape, layout, err);
    if (status)
        return status;
    sending.sent = calloc((size_t)layout->n, sizeof *sending.sent);
    sending.streamed = calloc((size_t)layout->n, sizeof *sending.streamed);
    sending.deposits = calloc((size_t)layout->n, sizeof *sending.deposits);
    if (!sending.sent || !sending.streamed || !sending.deposits)
        status = err_set(err, FH_NO_MEMORY, "no memory to scatter %d pieces", layout->n);
    if (!status)
        status = write_whole(&sending, err);
    for (int i = 0; i < layout->n && !status; i++)
        if (!sending.array->parts[i].handle)
            status = begin_part(&sending, i, err);
    if (!status)
        status = write_in_place(&sending, err);
    if (!status)
        status = await_deposits(&sending, err);
    if (!status)
        status = send_streamed(&sending, err);
    if (!status)
        status = send_parts(&sending, err);
    moved_end(session, !status, array_bytes(sending.array));
    sending_release(&sending);
    return array_give(sending.array, status, ret);
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

int
fh_scatter(fh_session *session, const fh_local *source, const fh_scatter_options *options, fh_array **ret,
           fh_error *error)
{
    err_t *err = error_start(error);
    nd_t nd;
    bool swapped;
    layout_t layout;
    fh_array *array = NULL;
    int status = session_enter(session, err);
    if (!status)
        status = scatter_local(source, &nd, &swapped, err);
    if (!status)
        status = scatter_layout(session, &nd.shape, options, &layout, err);
    if (status)
        return status;
    const fh_mapping *shared = swapped ? NULL : shared_find(session, &nd);
    status = shared ? shared_scatter(session, shared, &nd, &layout, &array, err)
                    : scatter_to(session, &nd, swapped, &layout, &array, err);
    layout_release(&layout);
    if (!status)
        status = session_flush(session, err);
    if (status)
        fh_array_free(&array);
    else
        *ret = array;
    return status;
}

static int
make_empty(fh_session *session, dtype_t dtype, const shape_t *shape, const layout_t *layout, fh_array **ret, err_t *err)
{
    fh_array *array = NULL;
    whole_t whole;
    int status = array_new_as(&array, session, dtype, shape, layout, err);
    if (status)
        return status;
    status = whole_begin(array, layout, &whole, err);
    if (!status)
        status = whole_end(&whole, err);
    whole_release(&whole);
    if (status == FH_NOT_SUPPORTED)
        status = FH_OK;
    for (int i = 0; i < layout->n && !status; i++) {
        if (array->parts[i].handle)
            continue;
        handle_t *handle = NULL;
        status = emit_empty_part(array, i, layout->engines[i], NULL, &handle, err);
        if (!status)
            array_put(array, i, handle, NULL);
    }
    return array_finish(array, status, ret, err);
}

int
fh_empty(fh_session *session, fh_dtype dtype, int ndim, const int64_t *shape, const fh_scatter_options *options,
         fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    static char nothing[1];
    fh_local local = {.data = nothing, .dtype = dtype, .ndim = ndim, .shape = shape};
    nd_t nd;
    bool swapped;
    layout_t layout;
    int status = session_enter(session, err);
    if (!status)
        status = scatter_local(&local, &nd, &swapped, err);
    if (!status)
        status = scatter_layout(session, &nd.shape, options, &layout, err);
    if (status)
        return status;
    status = make_empty(session, nd.dtype, &nd.shape, &layout, ret, err);
    layout_release(&layout);
    return status;
}
