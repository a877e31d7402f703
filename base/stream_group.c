/* base/stream_group.c - the threads of a group: chunks, and what becomes of them when a stream breaks. */
#include "base/clock.h"
#include "base/stream_group_private.h"

#include <string.h>
#include <unistd.h>

enum {
    TELL_BYTES = 32 << 20 /* the owner is woken after so much */,
    PAUSE_MS = 50 /* between two attempts to connect */
};

static void
wake(const stream_group_t *self)
{
    uint64_t one = 1;
    if (write(self->wake_fd, &one, sizeof one) < 0)
        return; /* the counter is at its top: the owner will wake all the same */
}

/* ---- chunks; under the lock ----------------------------------------------------------------------------------------
 */

bool
stream_group_moves(const stream_group_t *self)
{
    return self->items && !self->status && self->progress.moved < self->progress.bytes;
}

static bool
next_chunk(stream_group_t *self, chunk_t *ret)
{
    if (!stream_group_moves(self) || self->stop)
        return false;
    if (self->nagain > 0) {
        *ret = self->again[--self->nagain];
        return true;
    }
    while (self->item < self->n && self->offset >= self->items[self->item].bytes) {
        self->item++;
        self->offset = 0;
    }
    if (self->item == self->n)
        return false;
    int64_t left = self->items[self->item].bytes - self->offset;
    *ret = (chunk_t){self->item, self->offset, (uint32_t)(left < STREAM_CHUNK ? left : STREAM_CHUNK)};
    self->offset += ret->size;
    return true;
}

bool
stream_group_has_chunks(const stream_group_t *self)
{
    if (!stream_group_moves(self))
        return false;
    if (self->nagain > 0)
        return true;
    for (int i = self->item; i < self->n; i++)
        if (self->items[i].bytes > (i == self->item ? self->offset : 0))
            return true;
    return false;
}

static void
count(stream_group_t *self, const chunk_t *chunk)
{
    stream_item_t *item = &self->items[chunk->item];
    item->moved += chunk->size;
    self->progress.moved += chunk->size;
    self->progress.moved_ns = clock_now_ns();
    if (item->moved == item->bytes || self->progress.moved - self->told >= TELL_BYTES) {
        self->told = self->progress.moved;
        wake(self);
    }
}

static void
fail(stream_group_t *self, int status, const err_t *err)
{
    if (!self->status && self->items) {
        self->status = status;
        self->err = *err;
    }
    wake(self);
}

/* ---- one stream's thread -------------------------------------------------------------------------------------------
 */

/* Ask for a chunk, or send one.  Without the lock. */
static int
start_chunk(worker_t *self, const stream_item_t *item, const chunk_t *chunk, bool to_server, err_t *err)
{
    stream_record_t record = {
        .op = to_server ? STREAM_PUT : STREAM_GET, .size = chunk->size, .offset = (uint64_t)chunk->offset};
    memcpy(record.id, item->id, STREAM_ID);
    const char *bytes = NULL;
    if (to_server && item->data) {
        bytes = item->data + chunk->offset;
    } else if (to_server) {
        item->convert(item->context, chunk->offset, chunk->size, self->scratch);
        bytes = self->scratch;
    }
    return stream_send(self->stream, &record, bytes, err);
}

/* The server says why it cannot: that ends the move, not the stream. */
static int
take_failure(worker_t *self, const stream_record_t *record, int *ret_failure, err_t *ret, err_t *err)
{
    char text[STREAM_TEXT + 1] = "";
    int status = stream_take(self->stream, record, text, err);
    if (status)
        return status;
    *ret_failure = record->status > 0 && record->status < 65536 ? (int)record->status : FH_PROTOCOL_ERROR;
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    err_set(ret, *ret_failure, "%s", text);
    return FH_OK;
}

/* Take the answer to the oldest chunk under way. */
static int
finish_chunk(worker_t *self, const stream_item_t *item, const chunk_t *chunk, bool to_server, int *ret_failure,
             err_t *failure, err_t *err)
{
    stream_record_t record;
    int status = stream_receive(self->stream, &record, self->group->options.patience_ms, err);
    if (status)
        return status;
    if (memcmp(record.id, item->id, STREAM_ID) != 0 || record.offset != (uint64_t)chunk->offset)
        return err_set(err, FH_PROTOCOL_ERROR, "a stream answers what was not asked");
    if (record.op == STREAM_FAILED)
        return take_failure(self, &record, ret_failure, failure, err);
    if (record.op != (to_server ? STREAM_TAKEN : STREAM_DATA) || record.size != chunk->size)
        return err_set(err, FH_PROTOCOL_ERROR, "a stream answers something else than was asked");
    if (to_server)
        return FH_OK;
    char *place = item->data ? item->data + chunk->offset : self->scratch;
    status = stream_take(self->stream, &record, place, err);
    if (!status && !item->data)
        item->convert(item->context, chunk->offset, chunk->size, place);
    return status;
}

/* Under the lock: move chunks as long as there are any.  What goes wrong with the stream is returned. */
static int
move(worker_t *self, err_t *err)
{
    stream_group_t *group = self->group;
    const bool to_server = group->to_server;
    int status = FH_OK;
    while (!status && group->items) {
        chunk_t chunk;
        bool more = self->under_way < WINDOW && next_chunk(group, &chunk);
        if (!more && self->under_way == 0)
            break;
        if (more)
            self->way[self->under_way++] = chunk;
        else
            chunk = self->way[0];
        const stream_item_t *item = &group->items[chunk.item];
        int failure = FH_OK;
        err_t why = {0};
        pthread_mutex_unlock(&group->lock);
        status = more ? start_chunk(self, item, &chunk, to_server, err)
                      : finish_chunk(self, item, &chunk, to_server, &failure, &why, err);
        pthread_mutex_lock(&group->lock);
        if (status || more)
            continue;
        if (failure)
            fail(group, failure, &why);
        else if (group->items) /* else it was given up meanwhile */
            count(group, &chunk);
        memmove(self->way, self->way + 1, sizeof self->way - sizeof self->way[0]);
        self->under_way--;
    }
    return status;
}

/* Under the lock: give back what was under way, and the stream. */
static void
lose_stream(worker_t *self, int status, const err_t *why)
{
    stream_group_t *group = self->group;
    for (int i = 0; i < self->under_way; i++)
        group->again[group->nagain++] = self->way[i];
    self->under_way = 0;
    if (self->stream) {
        self->wire_bytes += stream_wire_bytes(self->stream);
        group->progress.broken++;
    }
    stream_destroy(&self->stream);
    group->trouble = status;
    group->trouble_err = *why;
    self->pause_ns = clock_now_ns() + (int64_t)PAUSE_MS * 1000000;
}

/* Under the lock. */
static void
connect_worker(worker_t *self)
{
    stream_group_t *group = self->group;
    stream_ticket_t ticket = group->tickets[--group->ntickets];
    int port = group->port;
    stream_t *stream = NULL;
    err_t err = {0};
    self->connecting = true;
    pthread_mutex_unlock(&group->lock);
    int status = stream_connect(&stream, group->host, port, &ticket, &group->options, &err);
    explicit_bzero(&ticket, sizeof ticket);
    pthread_mutex_lock(&group->lock);
    self->connecting = false;
    if (status) {
        group->trouble = status;
        group->trouble_err = err;
        self->pause_ns = clock_now_ns() + (int64_t)PAUSE_MS * 1000000;
        wake(group);
    }
    self->stream = stream;
}

static bool
can_work(const worker_t *self)
{
    const stream_group_t *group = self->group;
    return stream_group_has_chunks(group) && (self->stream || group->ntickets > 0);
}

void *
stream_group_work(void *context)
{
    worker_t *self = context;
    stream_group_t *group = self->group;
    pthread_mutex_lock(&group->lock);
    while (!group->stop) {
        if (!can_work(self)) {
            if (stream_group_has_chunks(group))
                wake(group); /* a ticket is wanted */
            pthread_cond_wait(&group->work, &group->lock);
            continue;
        }
        if (!self->stream) {
            connect_worker(self);
            continue;
        }
        err_t err = {0};
        self->busy = true;
        int status = move(self, &err);
        if (status || self->under_way > 0)
            lose_stream(self, status ? status : FH_CANCELLED, &err);
        self->busy = false;
        pthread_cond_broadcast(&group->idle);
    }
    pthread_mutex_unlock(&group->lock);
    return NULL;
}
