#include "base/stream_group.h"

#include "base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOW = 4,            /* chunks under way on each stream */
    TELL_BYTES = 32 << 20, /* the owner is woken after so much */
    STACK = 256 * 1024,
    PAUSE_MS = 50, /* between two attempts to connect */
};

typedef struct {
    int item;
    int64_t offset;
    uint32_t size;
} chunk_t;

typedef struct {
    stream_group_t *group;
    pthread_t thread;
    bool runs;
    stream_t *stream;      /* NULL: not connected */
    bool connecting, busy; /* busy: works on chunks of the move */
    int64_t pause_ns;      /* no new connection before this */
    uint64_t wire_bytes;   /* of streams that are gone */
    chunk_t way[WINDOW];   /* under way, oldest first */
    int under_way;
    char *scratch; /* STREAM_CHUNK bytes, for items that are not in one piece */
} worker_t;

struct stream_group {
    pthread_mutex_t lock;
    pthread_cond_t work, idle; /* something to do; nobody is busy any more */
    char host[256];
    stream_options_t options;
    int wake_fd, streams;
    bool stop;
    worker_t workers[STREAM_GROUP_MAX];

    stream_ticket_t tickets[STREAM_GROUP_MAX];
    int ntickets, port;

    /* the move */
    const stream_item_t *items;
    int n;
    bool to_server;
    int item; /* the next chunk that nobody has had */
    int64_t offset;
    chunk_t again[STREAM_GROUP_MAX * WINDOW]; /* chunks that came back */
    int nagain;
    stream_progress_t progress;
    int64_t told; /* moved when the owner was last woken */
    int status;   /* not FH_OK: the move has failed */
    err_t err;
    int trouble; /* why a stream broke last */
    err_t trouble_err;
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

static bool
is_moving(const stream_group_t *self)
{
    return self->items && !self->status && self->progress.moved < self->progress.bytes;
}

static bool
next_chunk(stream_group_t *self, chunk_t *ret)
{
    if (!is_moving(self) || self->stop)
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

static bool
has_chunks(const stream_group_t *self)
{
    if (!is_moving(self))
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
    self->progress.moved += chunk->size;
    self->progress.moved_ns = clock_now_ns();
    if (self->progress.moved == self->progress.bytes || self->progress.moved - self->told >= TELL_BYTES) {
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
        else
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
wants_ticket(const worker_t *self, int64_t now)
{
    return self->runs && !self->stream && !self->connecting && now >= self->pause_ns;
}

static bool
can_work(const worker_t *self)
{
    const stream_group_t *group = self->group;
    return has_chunks(group) && (self->stream || group->ntickets > 0);
}

static void *
work(void *context)
{
    worker_t *self = context;
    stream_group_t *group = self->group;
    pthread_mutex_lock(&group->lock);
    while (!group->stop) {
        if (!can_work(self)) {
            if (has_chunks(group))
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

/* ---- the owner's side ----------------------------------------------------------------------------------------------
 */

int
stream_group_new(stream_group_t **ret, const char *host, int streams, const stream_options_t *options, int wake_fd,
                 err_t *err)
{
    stream_group_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for streams");
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->work, NULL);
    pthread_cond_init(&self->idle, NULL);
    (void)snprintf(self->host, sizeof self->host, "%s", host);
    self->options = *options;
    self->wake_fd = wake_fd;
    self->streams = streams < 1 ? 1 : streams > STREAM_GROUP_MAX ? STREAM_GROUP_MAX : streams;
    *ret = self;
    return FH_OK;
}

static int
start_worker(stream_group_t *self, worker_t *worker)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    worker->group = self;
    worker->scratch = malloc(STREAM_CHUNK);
    if (!worker->scratch)
        return FH_NO_MEMORY;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int number = pthread_create(&worker->thread, &attributes, work, worker);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    worker->runs = number == 0;
    if (!number)
        return FH_OK;
    free(worker->scratch);
    worker->scratch = NULL;
    return FH_LIMIT_EXCEEDED;
}

int
stream_group_begin(stream_group_t *self, const stream_item_t *items, int n, bool to_server, err_t *err)
{
    int running = 0;
    pthread_mutex_lock(&self->lock);
    for (int i = 0; i < self->streams; i++) {
        if (!self->workers[i].runs)
            (void)start_worker(self, &self->workers[i]); /* the others do its work */
        running += self->workers[i].runs;
    }
    if (running == 0) {
        pthread_mutex_unlock(&self->lock);
        return err_set(err, FH_LIMIT_EXCEEDED, "no thread can be started to move arrays");
    }
    self->items = items;
    self->n = n;
    self->to_server = to_server;
    self->item = 0;
    self->offset = 0;
    self->nagain = 0;
    self->status = FH_OK;
    self->trouble = FH_OK;
    self->told = 0;
    self->progress.bytes = self->progress.moved = 0;
    self->progress.moved_ns = clock_now_ns();
    for (int i = 0; i < n; i++)
        self->progress.bytes += items[i].bytes;
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
    return FH_OK;
}

int
stream_group_wants(stream_group_t *self)
{
    int64_t now = clock_now_ns();
    int wanted = 0;
    pthread_mutex_lock(&self->lock);
    if (has_chunks(self))
        for (int i = 0; i < self->streams; i++)
            wanted += wants_ticket(&self->workers[i], now);
    wanted -= self->ntickets;
    pthread_mutex_unlock(&self->lock);
    return wanted > 0 ? wanted : 0;
}

void
stream_group_give(stream_group_t *self, int port, const stream_ticket_t *tickets, int n)
{
    pthread_mutex_lock(&self->lock);
    self->port = port;
    for (int i = 0; i < n && self->ntickets < STREAM_GROUP_MAX; i++)
        self->tickets[self->ntickets++] = tickets[i];
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
}

bool
stream_group_ended(stream_group_t *self, int *ret_status, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    bool ended = self->items && !is_moving(self);
    *ret_status = self->status;
    if (ended && self->status && err)
        *err = self->err;
    pthread_mutex_unlock(&self->lock);
    return ended;
}

void
stream_group_progress(stream_group_t *self, stream_progress_t *ret)
{
    pthread_mutex_lock(&self->lock);
    *ret = self->progress;
    for (int i = 0; i < self->streams; i++)
        ret->wire_bytes +=
            self->workers[i].wire_bytes + (self->workers[i].stream ? stream_wire_bytes(self->workers[i].stream) : 0);
    pthread_mutex_unlock(&self->lock);
}

bool
stream_group_trouble(stream_group_t *self, err_t *ret)
{
    pthread_mutex_lock(&self->lock);
    bool trouble = self->trouble != FH_OK;
    if (trouble)
        *ret = self->trouble_err;
    pthread_mutex_unlock(&self->lock);
    return trouble;
}

static bool
any_busy(const stream_group_t *self)
{
    bool busy = false;
    for (int i = 0; i < self->streams; i++)
        busy |= self->workers[i].busy;
    return busy;
}

void
stream_group_end(stream_group_t *self)
{
    pthread_mutex_lock(&self->lock);
    if (self->status || is_moving(self))
        for (int i = 0; i < self->streams; i++)
            if (self->workers[i].busy)
                stream_shut(self->workers[i].stream);
    self->items = NULL;
    while (any_busy(self))
        pthread_cond_wait(&self->idle, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

void
stream_group_destroy(stream_group_t **group)
{
    stream_group_t *self = *group;
    if (!self)
        return;
    stream_group_end(self);
    pthread_mutex_lock(&self->lock);
    self->stop = true;
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
    for (int i = 0; i < self->streams; i++) {
        if (self->workers[i].runs)
            pthread_join(self->workers[i].thread, NULL);
        stream_destroy(&self->workers[i].stream);
        free(self->workers[i].scratch);
    }
    explicit_bzero(self->tickets, sizeof self->tickets);
    pthread_cond_destroy(&self->work);
    pthread_cond_destroy(&self->idle);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *group = NULL;
}
