#include "engine/pulls.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stream_group.h"
#include "engine/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 4000, MOST_STREAMS = 4, MOST_ITEMS = 64, FIRST_CALL = 16 /* HELLO has 1 */ };

static const int64_t ASK_AGAIN_NS = 2000000000; /* a question that the line may have swallowed */
static const int64_t STUCK_NS = 10000000000;    /* without a byte */
static const int64_t IDLE_NS = 30000000000;     /* after which the streams are given up */

/* Tells the calls from those of BORROW. */
static const uint64_t CALLS = UINT64_C(1) << 62;

/* What comes from one engine. */
typedef struct {
    oid_t engine;
    stream_group_t *group; /* NULL: none yet */
    transfer_pull_t *waiting, *last;
    transfer_pull_t *moving[MOST_ITEMS]; /* NULL: it is there */
    stream_item_t items[MOST_ITEMS];
    int n; /* of this move; 0: nothing moves */
    bool sealed;
    uint64_t call; /* of the STREAMS that has no answer yet; 0: none */
    int64_t asked_ns, idle_ns;
} source_t;

struct pulls {
    core_t *core;
    bool plain;
    uint64_t calls;
    oid_map_t sources;
};

int
pulls_new(pulls_t **ret, core_t *core, bool plain, err_t *err)
{
    pulls_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for arrays that come over streams");
    self->core = core;
    self->plain = plain;
    self->calls = CALLS + FIRST_CALL;
    *ret = self;
    return FH_OK;
}

/* Is through with one array. */
static void
finish(pulls_t *self, transfer_pull_t *pull, bool taken)
{
    pthread_mutex_lock(&self->core->lock);
    transfers_pulled(self->core->transfers, pull, taken);
    pthread_mutex_unlock(&self->core->lock);
}

static void
finish_moving(pulls_t *self, source_t *source, bool taken)
{
    for (int i = 0; i < source->n; i++)
        if (source->moving[i])
            finish(self, source->moving[i], taken);
    source->n = 0;
}

static void
end_move(pulls_t *self, source_t *source, bool taken)
{
    if (source->n > 0)
        stream_group_end(source->group);
    finish_moving(self, source, taken);
    source->call = 0;
    source->idle_ns = clock_now_ns();
}

static void
end_all(pulls_t *self, source_t *source)
{
    end_move(self, source, false);
    while (source->waiting) {
        transfer_pull_t *pull = source->waiting;

        source->waiting = pull->next;
        finish(self, pull, false);
    }
    stream_group_destroy(&source->group);
}

void
pulls_destroy(pulls_t **self)
{
    size_t cursor = 0;

    if (!*self)
        return;
    for (source_t *source; (source = oid_map_next(&(*self)->sources, &cursor));) {
        end_all(*self, source);
        free(source);
    }
    oid_map_release(&(*self)->sources);
    free(*self);
    *self = NULL;
}

void
pulls_engine_lost(pulls_t *self, oid_t engine)
{
    source_t *source = oid_map_remove(&self->sources, engine);

    if (!source)
        return;
    end_all(self, source);
    free(source);
}

/* ---- tickets -------------------------------------------------------------------------------------------------------
 */

static void
ask(pulls_t *self, source_t *source, int count, const pulls_way_t *way)
{
    message_t message = {.code = MSG_STREAMS};
    int64_t now = clock_now_ns();

    if (source->call && now - source->asked_ns < ASK_AGAIN_NS)
        return;
    message.as.STREAMS.call = ++self->calls;
    message.as.STREAMS.count = (uint64_t)count;
    message.as.STREAMS.plain = !source->sealed;
    if (way->send(way->context, source->engine, &message, NULL, NULL))
        return; /* if not now, then the next time */
    source->call = message.as.STREAMS.call;
    source->asked_ns = now;
}

bool
pulls_tickets(pulls_t *self, oid_t engine, const msg_TICKETS_t *tickets)
{
    source_t *source = oid_map_find(&self->sources, engine);
    stream_ticket_t given[STREAM_GROUP_MAX];
    size_t n = tickets->tickets.size / STREAM_TICKET;

    if (!source || !source->call || source->call != tickets->call)
        return false;
    source->call = 0;
    if (n > STREAM_GROUP_MAX)
        n = STREAM_GROUP_MAX;
    for (size_t i = 0; i < n; i++)
        stream_ticket_read((const uint8_t *)tickets->tickets.data + i * STREAM_TICKET, &given[i]);
    if (source->group)
        stream_group_give(source->group, (int)tickets->port, given, (int)n);
    explicit_bzero(given, sizeof given);
    return true;
}

bool
pulls_refused(pulls_t *self, oid_t engine, uint64_t call, const err_t *why)
{
    source_t *source = oid_map_find(&self->sources, engine);

    if (!source || !source->call || source->call != call)
        return false;
    source->call = 0;
    if (why->status == FH_PERMISSION && !source->sealed) {
        source->sealed = true; /* the other side does not trust the network */
        if (source->n > 0)
            stream_group_end(source->group);
        stream_group_destroy(&source->group);
        for (int i = source->n - 1; i >= 0; i--) {
            if (!source->moving[i])
                continue;
            source->moving[i]->next = source->waiting;
            source->waiting = source->moving[i];
            source->last = source->last ? source->last : source->moving[i];
        }
        source->n = 0;
    } else if (why->status != FH_LIMIT_EXCEEDED && why->status != FH_STALE_HANDLE) {
        end_move(self, source, false);
    }
    return true;
}

/* ---- moves ---------------------------------------------------------------------------------------------------------
 */

static int
group_of(pulls_t *self, source_t *source, const pulls_way_t *way, err_t *err)
{
    const stream_options_t options = {.patience_ms = PATIENCE_MS, .sealed = source->sealed};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const char *endpoint = way->endpoint(way->context, source->engine);
    char host[256];

    if (source->group)
        return FH_OK;
    if (!endpoint)
        return err_set(err, FH_CANNOT_CONNECT, "the engine that has it is not known");
    stream_host_of(endpoint, host, sizeof host);
    return stream_group_new(&source->group, host,
                            cores / 2 < 1              ? 1
                            : cores / 2 > MOST_STREAMS ? MOST_STREAMS
                                                       : (int)(cores / 2),
                            &options, self->core->wake_fd, err);
}

/* What waits goes behind what moves. */
static void
add_items(source_t *source)
{
    for (; source->waiting && source->n < MOST_ITEMS; source->n++) {
        transfer_pull_t *pull = source->waiting;
        stream_item_t *item = &source->items[source->n];

        source->waiting = pull->next;
        source->moving[source->n] = pull;
        *item =
            (stream_item_t){.bytes = shape_bytes(&pull->pin.nd.shape, pull->pin.nd.dtype), .data = pull->pin.nd.data};
        memcpy(item->id, pull->transfer.bytes, sizeof item->id);
    }
    source->last = source->waiting ? source->last : NULL;
}

static void
begin_move(pulls_t *self, source_t *source, const pulls_way_t *way)
{
    err_t err;
    int status = group_of(self, source, way, &err);

    add_items(source);
    if (!status)
        status = stream_group_begin(source->group, source->items, source->n, false, &err);
    if (!status)
        return;
    log_limited(LOG_WARNING, "ENG-PULL", "%s: arrays are pushed instead", err.text);
    finish_moving(self, source, false);
}

/* What has come is handed over, though the rest still moves. */
static void
take_moved(pulls_t *self, source_t *source)
{
    for (int i = 0; i < source->n; i++)
        if (source->moving[i] && stream_group_moved(source->group, i)) {
            finish(self, source->moving[i], true);
            source->moving[i] = NULL;
        }
}

static void
see_to_move(pulls_t *self, source_t *source, const pulls_way_t *way)
{
    stream_progress_t progress;
    int status;
    err_t err = {0};

    take_moved(self, source);
    if (source->waiting && source->n < MOST_ITEMS) {
        add_items(source);
        stream_group_go_on(source->group, source->n);
    }
    if (stream_group_ended(source->group, &status, &err)) {
        if (status)
            log_limited(LOG_WARNING, "ENG-PULL", "%s: arrays are pushed instead", err.text);
        end_move(self, source, status == FH_OK);
        return;
    }
    stream_group_progress(source->group, &progress);
    if (clock_now_ns() - progress.moved_ns > STUCK_NS) {
        (void)stream_group_trouble(source->group, &err);
        log_limited(LOG_WARNING, "ENG-PULL", "no bytes come over streams%s%s: arrays are pushed instead",
                    err.text[0] ? ": " : "", err.text);
        end_move(self, source, false);
        return;
    }
    int wanted = stream_group_wants(source->group);

    if (wanted > 0)
        ask(self, source, wanted, way);
}

/* What lanes expect now, or soon. */
static void
collect(pulls_t *self)
{
    for (;;) {
        pthread_mutex_lock(&self->core->lock);
        transfer_pull_t *pull = transfers_next_pull(self->core->transfers);

        pthread_mutex_unlock(&self->core->lock);
        if (!pull)
            return;
        source_t *source = oid_map_find(&self->sources, pull->engine);

        if (!source) {
            source = calloc(1, sizeof *source);
            if (source && oid_map_add(&self->sources, pull->engine, source, NULL)) {
                free(source);
                source = NULL;
            }
            if (!source) {
                finish(self, pull, false);
                continue;
            }
            source->engine = pull->engine;
            source->sealed = !self->plain;
        }
        *(source->waiting ? &source->last->next : &source->waiting) = pull;
        source->last = pull;
    }
}

void
pulls_pump(pulls_t *self, const pulls_way_t *way)
{
    size_t cursor = 0;

    transfers_read_ahead(self->core);
    collect(self);
    for (source_t *source; (source = oid_map_next(&self->sources, &cursor));) {
        if (source->n > 0)
            see_to_move(self, source, way);
        if (source->n == 0 && source->waiting) {
            begin_move(self, source, way);
            if (source->n > 0)
                see_to_move(self, source, way);
        }
        if (source->n == 0 && source->group && clock_now_ns() - source->idle_ns > IDLE_NS)
            stream_group_destroy(&source->group);
    }
}
