/* broker/stream.c - answers of many rows: a few batches a turn, and only while the peer has room. */
#include "base/clock.h"
#include "broker/state.h"

#include <stdlib.h>
#include <string.h>

enum { STREAMS_MAX = 64, STREAMS_OF_SESSION = 4 };

static const int64_t TURN_NS = 5000000;        /* that all streams together may take of a turn */
static const int64_t STALLED_NS = 30000000000; /* a peer that has no room for so long loses the rest */
static const int64_t QUERY_LIFE_NS = 60000000000;

struct stream {
    stream_t *next;
    session_t *session;
    int kind;
    uint64_t call, left;
    int64_t moved_ns;       /* when it last sent something */
    cursor_t cursor;        /* OBJECTS, NAMES */
    uint64_t rows, objects; /* SQL: it waits until so many rows have left the lists of changes */
    asked_t *asked;         /* SQL: NULL while it waits */
    int64_t began_ns;
    size_t sql_size;
    char sql[];
};

static void
destroy(broker_t *self, stream_t *stream)
{
    stream_t **place = &self->streams;

    while (*place != stream)
        place = &(*place)->next;
    *place = stream->next;
    queries_drop(self->queries, &stream->asked);
    if (stream->kind != STREAM_SQL)
        registry_cursor_close(&self->registry, &stream->cursor);
    stream->session->streams--;
    self->nstreams--;
    free(stream);
}

void
stream_start(broker_t *self, session_t *session, int kind, uint64_t call, uint64_t limit, str_t sql)
{
    const registry_t *registry = &self->registry;
    stream_t *stream = NULL;
    err_t err;

    if (session->streams >= STREAMS_OF_SESSION || self->nstreams >= STREAMS_MAX)
        err_set(&err, FH_BUSY, "%d long answers are under way: wait for their end", self->nstreams);
    else if (!(stream = calloc(1, sizeof *stream + sql.size)))
        err_set(&err, FH_NO_MEMORY, "no memory for a long answer");
    if (!stream) {
        post_error(self, session, call, &err);
        return;
    }
    stream->session = session;
    stream->kind = kind;
    stream->call = call;
    stream->left = limit;
    stream->moved_ns = stream->began_ns = self->now_ns;
    stream->rows = registry->changes.left + registry->changes.count;
    stream->objects = registry->object_changes.left + registry->object_changes.count;
    stream->sql_size = sql.size;
    if (sql.size)
        memcpy(stream->sql, sql.data, sql.size);
    if (kind != STREAM_SQL)
        registry_cursor_open(&self->registry, &stream->cursor);
    stream->next = self->streams;
    self->streams = stream;
    session->streams++;
    self->nstreams++;
}

/* Each of these adds one row: OK; NO_SUCH_OBJECT: there is none; other errors end the answer. */

static int
add_object(broker_t *self, stream_t *stream, err_t *err)
{
    const object_t *object = stream->cursor.object;

    if (!object)
        return FH_NO_SUCH_OBJECT;
    const name_t *name = registry_pinned(&self->registry, object->id, NULL);
    message_t message = {
        .code = MSG_OBJECT,
        .as.OBJECT =
            {
                .call = stream->call,
                .object = object->id,
                .session = object->session,
                .engine = object->engine->id,
                .type = str_of(object_type(object)),
                .dtype = object->dtype,
                .shape = {object->shape, object->ndim},
                .bytes = object->bytes,
                .age_ms = self->now_ns > object->made_ns ? (uint64_t)(self->now_ns - object->made_ns) / 1000000 : 0,
                .name = str_of(name ? name->text : ""),
            },
    };

    stream->cursor.object = object->next;
    return post_add(self, stream->session, &message, err);
}

static int
add_name(broker_t *self, stream_t *stream, err_t *err)
{
    const name_t *name = stream->cursor.name;
    message_t message;

    while (name && name->state == NAME_ADDING)
        name = name->next;
    if (!name)
        return FH_NO_SUCH_OBJECT;
    registry_name_to_message(name, stream->call, &message);
    stream->cursor.name = name->next;
    return post_add(self, stream->session, &message, err);
}

static int (*const ADD[])(broker_t *self, stream_t *stream, err_t *err) = {
    [STREAM_OBJECTS] = add_object,
    [STREAM_NAMES] = add_name,
};

static void
finish(broker_t *self, stream_t *stream, int status, const err_t *err)
{
    session_t *session = stream->session;
    message_t message = {.code = MSG_END, .as.END = {.call = stream->call}};

    if (status && status != FH_NO_SUCH_OBJECT)
        message_from_err(&message, stream->call, err);
    post_add(self, session, &message, NULL);
    post_flush(self, session);
    destroy(self, stream);
}

/* Is all in the file that was known when the query came?  A full disk is not waited for: then it reads what was written
 * before. */
static bool
is_current(const broker_t *self, const stream_t *stream)
{
    const registry_t *registry = &self->registry;

    return self->save_failed ||
           (registry->changes.left >= stream->rows && registry->object_changes.left >= stream->objects);
}

/* These send rows until there is no room, the time is over or (NO_SUCH_OBJECT) there are no more; BUSY: not yet. */

static int
send_rows(broker_t *self, stream_t *stream, int64_t until_ns, err_t *err)
{
    int status = FH_OK;

    while (!status && !stream->session->outbox.first && clock_now_ns() < until_ns) {
        status = stream->left ? ADD[stream->kind](self, stream, err) : FH_NO_SUCH_OBJECT;
        if (!status)
            stream->left--;
    }
    if (!status)
        post_flush(self, stream->session);
    return status;
}

static int
ask(broker_t *self, stream_t *stream, err_t *err)
{
    const question_t question = {.session = stream->session->id,
                                 .call = stream->call,
                                 .limit = stream->left,
                                 .sql = {stream->sql, (uint32_t)stream->sql_size}};

    return is_current(self, stream) ? queries_ask(self->queries, &question, &stream->asked, err) : FH_BUSY;
}

static int
send_frames(broker_t *self, stream_t *stream, int64_t until_ns, err_t *err)
{
    int status = stream->asked ? FH_OK : ask(self, stream, err);

    while (!status && !stream->session->outbox.first && !stream->session->unreachable && clock_now_ns() < until_ns) {
        buf_t *frame = NULL;

        status = queries_take(self->queries, stream->asked, &frame, err);
        if (frame)
            post_frame(self, stream->session, frame);
        buf_unref(&frame);
    }
    return status;
}

/* Why an answer that is not at its end must end; a query that is read slowly keeps the file's log from being emptied.
 */
static int
check_time(const broker_t *self, const stream_t *stream, err_t *err)
{
    if (self->now_ns - stream->moved_ns > STALLED_NS)
        return err_set(err, FH_TIMEOUT, "the rows were not read for %lld s", (long long)(STALLED_NS / 1000000000));
    if (stream->asked && self->now_ns - stream->began_ns > QUERY_LIFE_NS)
        return err_set(err, FH_TIMEOUT, "the query was not at its end after %lld s",
                       (long long)(QUERY_LIFE_NS / 1000000000));
    return FH_OK;
}

/* Send rows of one stream.  False: it has no room, nothing yet, or is at its end. */
static bool
pump(broker_t *self, stream_t *stream, int64_t until_ns)
{
    session_t *session = stream->session;
    int status;
    err_t err;

    if (session->unreachable)
        return false;
    if (!session->outbox.first)
        stream->moved_ns = self->now_ns;
    status = check_time(self, stream, &err);
    if (!status && session->outbox.first)
        return false;
    if (!status)
        status = stream->kind == STREAM_SQL ? send_frames(self, stream, until_ns, &err)
                                            : send_rows(self, stream, until_ns, &err);
    if (status == FH_BUSY)
        return false;
    if (status) {
        finish(self, stream, status, &err);
        return false;
    }
    return !session->outbox.first && !session->unreachable;
}

bool
stream_waits(const broker_t *self)
{
    for (const stream_t *stream = self->streams; stream; stream = stream->next)
        if (stream->kind == STREAM_SQL && !stream->asked)
            return true;
    return false;
}

/* The first stream goes to the end of the list. */
static void
rotate(broker_t *self)
{
    stream_t *first = self->streams, **end = &first->next;

    while (*end)
        end = &(*end)->next;
    *end = first;
    self->streams = first->next;
    first->next = NULL;
}

bool
stream_pump(broker_t *self)
{
    int64_t start_ns = clock_now_ns();
    int count = self->nstreams, done = 0;
    bool more = false;

    queries_rest(self->queries);
    for (; done < count && clock_now_ns() - start_ns < TURN_NS; done++) {
        stream_t *stream = self->streams;

        rotate(self);
        more |= pump(self, stream, clock_now_ns() + TURN_NS / count);
    }
    return more || done < count;
}

void
stream_drop(broker_t *self, const session_t *session)
{
    stream_t *next;

    for (stream_t *stream = self->streams; stream; stream = next) {
        next = stream->next;
        if (!session || stream->session == session)
            destroy(self, stream);
    }
}
