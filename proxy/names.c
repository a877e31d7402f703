/* Names of arrays, and handles as bytes. */
#include "proxy/names.h"

#include "base/clock.h"
#include "codecs/dtype_fields.h"
#include "proxy/emit.h"
#include "proxy/error.h"
#include "proxy/placing.h"
#include "proxy/sync.h"
#include "proxy/wait.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_S 0.05

/* ---- an array as a message -----------------------------------------------------------------------------------------
 */

/* The lists of a PUBLISH or NAMED; ours to free. */
typedef struct {
    oid_t *pieces, *engines;
    int64_t *lengths, *strides;
} lists_t;

static void
lists_release(lists_t *self)
{
    free(self->pieces);
    free(self->engines);
    free(self->lengths);
    free(self->strides);
}

static int
lists_init(lists_t *self, const fh_array *array, err_t *err)
{
    size_t n = (size_t)array->n, ndim = (size_t)array->shape.ndim;
    *self = (lists_t){calloc(n, sizeof(oid_t)), calloc(n, sizeof(oid_t)), calloc(n, sizeof(int64_t)),
                      calloc(n * ndim + 1, sizeof(int64_t))};
    if (!self->pieces || !self->engines || !self->lengths || !self->strides) {
        lists_release(self);
        return err_set(err, FH_NO_MEMORY, "no memory to describe %d pieces", array->n);
    }
    int status = FH_OK;
    for (size_t i = 0; i < n && !status; i++) {
        self->pieces[i] = array->parts[i].handle->id;
        self->engines[i] = array->parts[i].handle->engine->id;
        self->lengths[i] = array->cuts[i].length;
        nd_t nd = array_part_nd(array, (int)i);
        memcpy(self->strides + i * ndim, nd.stride, ndim * sizeof(int64_t));
        status = placing_check(array->parts[i].handle, err);
    }
    if (status)
        lists_release(self);
    return status;
}

static msg_NAMED_t
describe(const fh_array *array, const lists_t *lists, const char *name)
{
    uint32_t n = (uint32_t)array->n, ndim = (uint32_t)array->shape.ndim;
    return (msg_NAMED_t){.call = 1,
                         .name = str_of(name),
                         .type = str_of("array"),
                         .dtype = (uint64_t)dtype_wire(array->dtype),
                         .fields = str_of(dtype_fields_text(array->dtype)),
                         .shape = {array->shape.extent, ndim},
                         .axis = array->axis,
                         .pieces = {lists->pieces, n},
                         .engines = {lists->engines, n},
                         .lengths = {lists->lengths, n},
                         .strides = {lists->strides, n * ndim}};
}

/* A NAMED that was checked and copied: it came from outside, and its lists live only as long as the frame. */
typedef struct {
    dtype_t dtype;
    shape_t shape;
    int axis, n;
    lists_t lists;
} description_t;

static bool
makes_sense(const msg_NAMED_t *named, shape_t *shape)
{
    uint32_t n = named->pieces.count;
    int64_t sum = 0;
    bool good = dtype_known(named->dtype) && dtype_wire((dtype_t)named->dtype) == named->dtype &&
                shape->ndim <= SHAPE_MAX_DIMS && n > 0 && n <= LAYOUT_MAX_PARTS && named->engines.count == n &&
                named->strides.count == (uint64_t)n * named->shape.count &&
                (named->axis < 0 ? n == 1 : named->axis < shape->ndim && named->lengths.count == n);
    for (int i = 0; good && i < shape->ndim; i++)
        shape->extent[i] = named->shape.items[i];
    good = good && shape_bytes(shape, (dtype_t)named->dtype) >= 0;
    for (uint32_t i = 0; good && named->axis >= 0 && i < n; i++)
        good = named->lengths.items[i] >= 0 && !__builtin_add_overflow(sum, named->lengths.items[i], &sum);
    return good && (named->axis < 0 || sum == shape->extent[named->axis]);
}

static void *
copy_items(const void *items, size_t count, size_t size)
{
    void *copy = calloc(count + 1, size);
    if (copy && count)
        memcpy(copy, items, count * size);
    return copy;
}

static int
understand(const msg_NAMED_t *named, const char *type, description_t *ret, err_t *err)
{
    if (!str_is(named->type, type))
        return err_set(err, FH_WRONG_TYPE, "\"%.*s\" is of type %.*s, not %s", (int)named->name.size, named->name.data,
                       (int)named->type.size, named->type.data, type);
    *ret =
        (description_t){.shape.ndim = (int)named->shape.count, .axis = (int)named->axis, .n = (int)named->pieces.count};
    if (!makes_sense(named, &ret->shape))
        return err_set(err, FH_PROTOCOL_ERROR, "the description of an array contradicts itself");
    ret->dtype = (dtype_t)named->dtype;
    if (named->fields.size) {
        int status =
            dtype_fields_find(named->fields.data, named->fields.size, dtype_size(ret->dtype), &ret->dtype, err);
        if (status)
            return status;
    }
    ret->lists = (lists_t){copy_items(named->pieces.items, named->pieces.count, sizeof(oid_t)),
                           copy_items(named->engines.items, named->engines.count, sizeof(oid_t)),
                           copy_items(named->lengths.items, named->lengths.count, sizeof(int64_t)),
                           copy_items(named->strides.items, named->strides.count, sizeof(int64_t))};
    if (ret->lists.pieces && ret->lists.engines && ret->lists.lengths && ret->lists.strides)
        return FH_OK;
    lists_release(&ret->lists);
    ret->lists = (lists_t){0};
    return err_set(err, FH_NO_MEMORY, "no memory for a handle of %d pieces", ret->n);
}

/* A view of our own of a foreign piece, so that the piece's memory lives as long as we need it. */
static int
adopt_piece(fh_array *made, int i, const description_t *from, err_t *err)
{
    engine_link_t *engine = session_engine(made->session, from->lists.engines[i]);
    char text[OID_TEXT_SIZE];
    if (!engine && broker_link_list_engines(made->session, NULL) == FH_OK)
        engine = session_engine(made->session, from->lists.engines[i]);
    if (!engine)
        return err_set(err, FH_ENGINE_LOST, "a piece is on engine %s, which is not in the cluster any more",
                       oid_format(from->lists.engines[i], text));
    if (engine->lost)
        return engine_link_lost_error(engine, err);
    handle_t foreign = {.engine = engine, .id = from->lists.pieces[i], .root = from->lists.pieces[i]};
    nd_t nd = {.data = ARRAY_BASE, .dtype = made->dtype, .shape = array_part_shape(made, i)};
    handle_t *view = NULL;
    size_t ndim = (size_t)made->shape.ndim;
    memcpy(nd.stride, from->lists.strides + (size_t)i * ndim, ndim * sizeof(int64_t));
    int status = emit_view(&foreign, &nd, &view, err);
    if (!status)
        array_put(made, i, view, nd.stride);
    return status;
}

static int
adopt(fh_session *session, const description_t *from, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    int status = array_new(&made, session, from->dtype, &from->shape, from->axis < 0 ? -1 : from->axis, from->n, err);
    if (status)
        return status;
    int64_t start = 0;
    for (int i = 0; i < made->n && made->axis >= 0; i++) {
        made->cuts[i] = (piece_t){start, from->lists.lengths[i]};
        start += from->lists.lengths[i];
    }
    for (int i = 0; i < made->n && !status; i++)
        status = adopt_piece(made, i, from, err);
    return array_finish(made, status, ret, err);
}

/* ---- names ---------------------------------------------------------------------------------------------------------
 */

int
names_check(const char *name, err_t *err)
{
    if (!name || !name[0] || strlen(name) > 255)
        return err_set(err, FH_INVALID_ARGUMENT, "a name has 1 to 255 bytes");
    return FH_OK;
}

static bool
never(const void *context)
{
    (void)context;
    return false;
}

/* A broker that has just restarted waits for its engines to come back. */
static int
pause_for_engines(fh_session *session, err_t *err)
{
    int status = wait_until(session, clock_deadline(RETRY_S), never, NULL, err);
    return status == FH_TIMEOUT ? FH_OK : status;
}

int
names_send(fh_session *session, message_t *publish, err_t *err)
{
    int64_t deadline = session_deadline(session, -1);
    for (;;) {
        int status = broker_link_ask(session, publish, false, NULL, NULL, err);
        if (status != FH_BUSY || clock_remaining_ms(deadline, 1) == 0)
            return status;
        status = pause_for_engines(session, err);
        if (status)
            return status;
    }
}

int
names_publish(fh_array *array, const char *name, const char *type, err_t *err)
{
    lists_t lists;
    int status = names_check(name, err);
    /* The engines must have made the pieces before the broker tells them to keep them. */
    if (!status)
        status = sync_array(array, session_deadline(array->session, -1), err);
    if (!status)
        status = lists_init(&lists, array, err);
    if (status)
        return status;
    msg_NAMED_t named = describe(array, &lists, name);
    message_t message = {.code = MSG_PUBLISH};
    message.as.PUBLISH = (msg_PUBLISH_t){.name = named.name,
                                         .type = str_of(type),
                                         .dtype = named.dtype,
                                         .shape = named.shape,
                                         .axis = named.axis,
                                         .pieces = named.pieces,
                                         .engines = named.engines,
                                         .lengths = named.lengths,
                                         .strides = named.strides,
                                         .fields = named.fields};
    status = names_send(array->session, &message, err);
    lists_release(&lists);
    return status;
}

int
fh_publish(fh_array *array, const char *name, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(array, err);
    return status ? status : names_publish(array, name, "array", err);
}

int
fh_unpublish(fh_session *session, const char *name, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    if (!status)
        status = names_check(name, err);
    if (status)
        return status;
    message_t message = {.code = MSG_UNPUBLISH};
    message.as.UNPUBLISH.name = str_of(name);
    return broker_link_ask(session, &message, false, NULL, NULL, err);
}

typedef struct {
    const char *type; /* that is wanted */
    description_t description;
} lookup_t;

static int
take_named(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    lookup_t *self = context;
    (void)raw;
    (void)nraw;
    if (reply->code != MSG_NAMED)
        return err_set(err, FH_PROTOCOL_ERROR, "the broker answered LOOKUP with message %d", (int)reply->code);
    return understand(&reply->as.NAMED, self->type, &self->description, err);
}

int
names_get(fh_session *session, const char *name, const char *type, fh_array **ret, err_t *err)
{
    lookup_t lookup = {.type = type};
    message_t message = {.code = MSG_LOOKUP};
    int status = names_check(name, err);
    if (status)
        return status;
    message.as.LOOKUP.name = str_of(name);
    status = broker_link_ask(session, &message, false, take_named, &lookup, err);
    if (!status)
        status = adopt(session, &lookup.description, ret, err);
    lists_release(&lookup.description.lists);
    return status;
}

int
fh_get(fh_session *session, const char *name, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    int status = session_enter(session, err);
    return status ? status : names_get(session, name, "array", ret, err);
}

typedef struct {
    int (*visit)(void *context, const char *name);
    void *context;
    bool stopped;
} names_visit_t;

static int
visit_name(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    names_visit_t *self = context;
    char name[256];
    (void)raw;
    (void)nraw;
    (void)err;
    if (reply->code == MSG_NAMED && !self->stopped)
        self->stopped = self->visit(self->context, str_copy(reply->as.NAMED.name, name, sizeof name)) != 0;
    return FH_OK;
}

int
fh_names(fh_session *session, int (*visit)(void *context, const char *name), void *context, fh_error *error)
{
    err_t *err = error_start(error);
    names_visit_t visiting = {visit, context, false};
    int status = session_enter(session, err);
    message_t message = {.code = MSG_NAMES};
    return status ? status : broker_link_ask(session, &message, true, visit_name, &visiting, err);
}

/* ---- handles as bytes: a header frame with one NAMED in it ---------------------------------------------------------
 */

int
fh_array_export(fh_array *array, void *ret, size_t room, size_t *ret_size, fh_error *error)
{
    err_t *err = error_start(error);
    lists_t lists;
    header_writer_t *writer = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = lists_init(&lists, array, err);
    if (status)
        return status;
    message_t message = {.code = MSG_NAMED};
    message.as.NAMED = describe(array, &lists, "handle");
    status = header_writer_new(&writer, err);
    if (!status)
        status = header_writer_add(writer, &message, err);
    if (!status) {
        *ret_size = header_writer_size(writer);
        if (ret && room >= *ret_size)
            memcpy(ret, header_writer_data(writer), *ret_size);
        else if (ret)
            status = err_set(err, FH_LIMIT_EXCEEDED, "the handle takes %zu bytes, but there is room for %zu", *ret_size,
                             room);
    }
    header_writer_destroy(&writer);
    lists_release(&lists);
    return status;
}

int
fh_array_import(fh_session *session, const void *bytes, size_t size, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    arena_t *arena = NULL;
    header_reader_t reader;
    message_t message;
    description_t description = {0};
    int status = session_enter(session, err);
    if (!status)
        status = header_open(&reader, bytes, size, err);
    if (!status)
        status = arena_new(&arena, 64 * 1024 * 1024, err);
    if (!status)
        status = header_next(&reader, arena, 'B', 'C', 0, &message, err);
    if (!status && message.code != MSG_NAMED)
        status = err_set(err, FH_PROTOCOL_ERROR, "these bytes are not an array's handle");
    if (!status)
        status = understand(&message.as.NAMED, "array", &description, err);
    arena_destroy(&arena);
    if (status == FH_NO_SUCH_OBJECT)
        status = err_set(err, FH_PROTOCOL_ERROR, "these bytes hold no handle");
    if (!status)
        status = adopt(session, &description, ret, err);
    lists_release(&description.lists);
    return status;
}
