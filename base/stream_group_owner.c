/* base/stream_group_owner.c - what the owner of a group sees and says. */
#include "base/clock.h"
#include "base/stream_group_private.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK = 256 * 1024 };

static bool
wants_ticket(const worker_t *self, int64_t now)
{
    return self->runs && !self->stream && !self->connecting && now >= self->pause_ns;
}

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
    int number = pthread_create(&worker->thread, &attributes, stream_group_work, worker);
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
stream_group_begin(stream_group_t *self, stream_item_t *items, int n, bool to_server, err_t *err)
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
    for (int i = 0; i < n; i++) {
        items[i].moved = 0;
        self->progress.bytes += items[i].bytes;
    }
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
    return FH_OK;
}

void
stream_group_go_on(stream_group_t *self, int n)
{
    pthread_mutex_lock(&self->lock);
    for (; self->items && self->n < n; self->n++) {
        self->items[self->n].moved = 0;
        self->progress.bytes += self->items[self->n].bytes;
    }
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
}

bool
stream_group_moved(stream_group_t *self, int i)
{
    pthread_mutex_lock(&self->lock);
    bool moved = self->items && self->items[i].moved == self->items[i].bytes;
    pthread_mutex_unlock(&self->lock);
    return moved;
}

int
stream_group_wants(stream_group_t *self)
{
    int64_t now = clock_now_ns();
    int wanted = 0;
    pthread_mutex_lock(&self->lock);
    if (stream_group_has_chunks(self))
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
    bool ended = self->items && !stream_group_moves(self);
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
    if (self->status || stream_group_moves(self))
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
