/* engine/broker_link.c - a small state machine: STRANGER -> GREETED -> WELCOME -> READY, and back when the broker
 * forgot us; what is said when. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/broker_link_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_BYTES = 16 * 1024 * 1024, NEWS_BYTES = 1024 * 1024, GONE_A_MESSAGE = 4096 };

static const int64_t BEAT_NS = 250000000, PING_NS = 1000000000, RETRY_NS = 20000000, ANSWER_NS = 2000000000;
/* Objects that are gone again within this time are never mentioned. */
static const int64_t NEWS_PONG_NS = 2000000000, NEWS_NS = 20000000;
/* So many are told at once: who waits until the broker knows of thousands should not wait for all of them at the end.
 */
enum { NEWS_MANY = 512 };

int
broker_link_new(broker_link_t **ret, const broker_link_options_t *options, err_t *err)
{
    broker_link_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the link to the broker");
    self->options = *options;
    self->core = options->core;
    self->heard_ns = clock_now_ns();
    int status = outbox_new(&self->outbox, err);

    if (!status)
        status = arena_new(&self->arena, ARENA_BYTES, err);
    if (status) {
        broker_link_destroy(&self);
        return status;
    }
    self->link = options->link;
    *ret = self;
    return FH_OK;
}

void
broker_link_destroy(broker_link_t **self)
{
    if (!*self)
        return;
    outbox_destroy(&(*self)->outbox);
    arena_destroy(&(*self)->arena);
    link_destroy(&(*self)->link);
    free(*self);
    *self = NULL;
}

link_t *
broker_link_link(const broker_link_t *self)
{
    return self->link;
}

bool
broker_link_ready(const broker_link_t *self)
{
    return self->ever_ready;
}

/* ---- saying --------------------------------------------------------------------------------------------------------
 */

/* Queue a message.  Under the lock. */
static bool
say(broker_link_t *self, const message_t *message)
{
    err_t err = {0};

    if (outbox_add(self->outbox, message, NULL, &err) == FH_OK)
        return true;
    log_limited(LOG_ERROR, "ENG-NEWS-LOST", "%s", err.text);
    return false;
}

bool
broker_link_say_now(broker_link_t *self, const message_t *message)
{
    outbox_t *outbox = NULL;
    bool sent = outbox_new(&outbox, NULL) == FH_OK && outbox_add(outbox, message, NULL, NULL) == FH_OK &&
                outbox_flush(outbox, self->link, NULL, NULL) == FH_OK;

    outbox_destroy(&outbox);
    return sent;
}

static void
greet(broker_link_t *self, int64_t now_ns)
{
    message_t hello = {.code = MSG_HELLO,
                       .as.HELLO = {.call = ++self->call,
                                    .session = self->core->id,
                                    .major = PROTOCOL_MAJOR,
                                    .minor = PROTOCOL_MINOR,
                                    .features = PEERS_ENGINE,
                                    .software = str_of("farhand-engine " FARHAND_VERSION),
                                    .host = str_of(self->core->host),
                                    .pid = (uint64_t)getpid()}};

    if (!broker_link_say_now(self, &hello))
        return;
    self->hello_call = self->call;
    self->state = GREETED;
    self->said_ns = now_ns;
}

void
broker_link_announce(broker_link_t *self, int64_t now_ns)
{
    const runner_host_t *runners = self->core->runners;
    message_t message = {.code = MSG_ANNOUNCE,
                         .as.ANNOUNCE = {.call = ++self->call,
                                         .endpoint = str_of(self->options.endpoint),
                                         .local = str_of(self->options.local),
                                         .cores = (uint64_t)self->options.threads,
                                         .memory = (uint64_t)self->options.memory_bytes,
                                         .llvm = str_of(runners ? runner_host_llvm(runners) : ""),
                                         .cpu = str_of(runners ? runner_host_cpu(runners) : ""),
                                         .sandbox = str_of(runners ? runner_host_sandbox(runners) : ""),
                                         .offers = str_of(self->options.offers ? self->options.offers : "")}};

    if (!broker_link_say_now(self, &message))
        return;
    (void)str_copy(message.as.ANNOUNCE.cpu, self->cpu, sizeof self->cpu);
    self->announce_call = self->call;
    self->said_ns = now_ns;
    self->state = WELCOME;
}

static bool
knows_more(const broker_link_t *self)
{
    const runner_host_t *runners = self->core->runners;

    return runners && strncmp(runner_host_cpu(runners), self->cpu, sizeof self->cpu - 1) != 0;
}

/* After an announcement the broker wants to hear of every object again. */
static void
announce_again(broker_link_t *self, int64_t now_ns)
{
    pthread_mutex_lock(&self->core->lock);
    object_table_announce_all(&self->core->objects);
    pthread_mutex_unlock(&self->core->lock);
    broker_link_announce(self, now_ns);
}

/* ---- news of objects -----------------------------------------------------------------------------------------------
 */

static void
tell_new(broker_link_t *self, const object_t *object)
{
    message_t message = {.code = MSG_OBJECT,
                         .as.OBJECT = {.object = object->id,
                                       .session = object->session,
                                       .type = str_of(object_type_name(object->type)),
                                       .dtype = object->dtype,
                                       .shape = {object->dims, (uint32_t)object->ndim},
                                       .bytes = (uint64_t)object_bytes(object)}};

    (void)say(self, &message);
}

static void
tell_gone(broker_link_t *self)
{
    object_table_t *objects = &self->core->objects;
    size_t told = 0;

    while (told < objects->gone_count) {
        size_t left = objects->gone_count - told;
        uint32_t count = (uint32_t)(left < GONE_A_MESSAGE ? left : GONE_A_MESSAGE);

        (void)say(self,
                  &(message_t){.code = MSG_OBJECTS_GONE, .as.OBJECTS_GONE.objects = {objects->gone + told, count}});
        told += count;
    }
    objects->gone_count = 0;
}

static bool
has_news(const object_table_t *objects)
{
    return objects->news_first || objects->gone_count;
}

/* Queue news, as much as the outbox should hold, and send.  Behind the last goes a PING: an answer through a ring may
 * be with its client before the broker has read them, the PONG says that it has.  Under the lock. */
static void
tell_news(broker_link_t *self, int64_t now_ns)
{
    object_table_t *objects = &self->core->objects;
    const object_t *object;

    while (has_news(objects) && outbox_bytes(self->outbox) < NEWS_BYTES) {
        while (outbox_bytes(self->outbox) < NEWS_BYTES && (object = object_table_next_new(objects)))
            tell_new(self, object);
        if (outbox_bytes(self->outbox) < NEWS_BYTES)
            tell_gone(self);
        if (!has_news(objects) && say(self, &(message_t){.code = MSG_PING, .as.PING.call = ++self->call})) {
            self->core->news_ping = self->call;
            self->core->news_until_ns = now_ns + NEWS_PONG_NS;
        }
        (void)outbox_flush(self->outbox, self->link, NULL, NULL);
    }
    (void)outbox_flush(self->outbox, self->link, NULL, NULL);
}

static void
beat(broker_link_t *self)
{
    pool_stats_t stats;

    pool_stats(self->core->pool, &stats);
    pthread_mutex_lock(&self->core->lock);
    size_t objects = self->core->objects.map.count;

    pthread_mutex_unlock(&self->core->lock);
    (void)broker_link_say_now(self,
                              &(message_t){.code = MSG_HEARTBEAT, .as.HEARTBEAT = {(uint64_t)stats.used, objects}});
}

/* ---- time ----------------------------------------------------------------------------------------------------------
 */

/* Tell the news if it is time; returns when it will be.  Under the lock. */
static int64_t
tick_news(broker_link_t *self, int64_t now_ns)
{
    object_table_t *objects = &self->core->objects;

    if (objects->gone_lost)
        object_table_announce_all(objects);
    bool waiting = has_news(objects) || outbox_bytes(self->outbox);

    if (waiting && !self->news_ns)
        self->news_ns = now_ns + NEWS_NS;
    bool many = objects->news_count + objects->gone_count >= NEWS_MANY;

    if (waiting && (self->core->news_now || many || now_ns >= self->news_ns)) {
        tell_news(self, now_ns);
        waiting = has_news(objects) || outbox_bytes(self->outbox);
        self->news_ns = waiting ? now_ns + NEWS_NS : 0;
    }
    /* What is left, since the link takes no more, is told before anybody hears that all was done. */
    __atomic_store_n(&self->core->news_now, self->core->news_now && has_news(objects), __ATOMIC_RELAXED);
    if (now_ns >= self->core->news_until_ns)
        self->core->news_ping = 0;
    int64_t due_ns = waiting ? self->news_ns : INT64_MAX;

    return self->core->news_ping && self->core->news_until_ns < due_ns ? self->core->news_until_ns : due_ns;
}

/* Ask for the PONG behind which the broker has told what is published.  Under the lock. */
static void
tick_heirs(broker_link_t *self, int64_t now_ns)
{
    core_free_heirs(self->core, 0, now_ns);
    for (heirs_t *heirs = self->core->heirs; heirs; heirs = heirs->next)
        if (!heirs->ping && broker_link_say_now(self, &(message_t){.code = MSG_PING, .as.PING.call = ++self->call}))
            heirs->ping = self->call;
}

/* Where are the engines that something is to go to? */
static void
ask_for_mates(broker_link_t *self)
{
    oid_t engine;

    while (mates_next_wanted(self->options.mates, &engine))
        (void)broker_link_say_now(self,
                                  &(message_t){.code = MSG_FIND_ENGINE, .as.FIND_ENGINE = {++self->call, engine}});
}

static int64_t
tick_ready(broker_link_t *self, int64_t now_ns)
{
    ask_for_mates(self);
    if (now_ns >= self->beat_ns) {
        beat(self);
        self->beat_ns = now_ns + BEAT_NS;
    }
    if (now_ns >= self->ping_ns) {
        (void)broker_link_say_now(self, &(message_t){.code = MSG_PING, .as.PING.call = ++self->call});
        self->ping_ns = now_ns + PING_NS;
    }
    pthread_mutex_lock(&self->core->lock);
    int64_t news_ns = tick_news(self, now_ns);

    tick_heirs(self, now_ns);

    pthread_mutex_unlock(&self->core->lock);
    return news_ns < self->beat_ns ? news_ns : self->beat_ns;
}

int64_t
broker_link_tick(broker_link_t *self, int64_t now_ns)
{
    if (self->state == READY && knows_more(self))
        announce_again(self, now_ns);
    if (self->state == READY)
        return tick_ready(self, now_ns);
    pthread_mutex_lock(&self->core->lock);
    core_free_heirs(self->core, 0, now_ns);
    if (self->state != WELCOME) { /* nobody is there to be told; after an announcement there is in a moment */
        __atomic_store_n(&self->core->news_now, false, __ATOMIC_RELAXED);
        self->core->news_ping = 0;
    }
    pthread_mutex_unlock(&self->core->lock);
    if (self->state == STRANGER || now_ns - self->said_ns > ANSWER_NS)
        greet(self, now_ns);
    return now_ns + RETRY_NS;
}

int
broker_link_failure(const broker_link_t *self, int64_t now_ns, err_t *err)
{
    if (self->refused.status) {
        *err = self->refused;
        err_prefix(err, "the broker refuses this engine");
        return err->status;
    }
    if (now_ns - self->heard_ns > self->options.orphan_ns)
        return err_set(err, FH_BROKER_LOST, "the broker has been silent for %lld s",
                       (long long)((now_ns - self->heard_ns) / 1000000000));
    return FH_OK;
}

void
broker_link_leave(broker_link_t *self)
{
    (void)broker_link_say_now(self, &(message_t){.code = MSG_GOODBYE});
}
