/* engine/broker_link_hear.c - what the broker tells an engine. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/broker_link_private.h"
#include "engine/transfer.h"

enum { MESSAGES_A_TURN = 64 };

/* The broker has no memory of us: begin again. */
static void
start_over(broker_link_t *self)
{
    outbox_t *fresh;

    if (self->state != READY)
        return;
    log_line(LOG_WARNING, "ENG-BROKER-FORGOT", "the broker does not know this engine any more; announcing again");
    self->state = STRANGER;
    /* Old news would be told twice otherwise, which does no harm. */
    if (outbox_new(&fresh, NULL) == FH_OK) {
        outbox_destroy(&self->outbox);
        self->outbox = fresh;
    }
    pthread_mutex_lock(&self->core->lock);
    object_table_announce_all(&self->core->objects);
    pthread_mutex_unlock(&self->core->lock);
}

static void
hear_welcome(broker_link_t *self, const message_t *message)
{
    if (self->state == GREETED && message->as.WELCOME.call == self->hello_call)
        broker_link_announce(self, clock_now_ns());
}

static void
hear_ok(broker_link_t *self, const message_t *message)
{
    if (self->state != WELCOME || message->as.OK.call != self->announce_call)
        return;
    self->state = READY;
    self->ever_ready = true;
}

static void
hear_error(broker_link_t *self, const message_t *message)
{
    err_t err;

    message_to_err(&message->as.ERROR, &err);
    if (err.status == FH_STALE_HANDLE && message->as.ERROR.call == 0) {
        start_over(self);
        return;
    }
    log_limited(LOG_WARNING, "ENG-BROKER-SAYS", "%s: %s", status_name(err.status), err.text);
    if (self->state == GREETED || self->state == WELCOME)
        self->refused = err;
}

static void
hear_engine(broker_link_t *self, const message_t *message)
{
    if (oid_equal(message->as.ENGINE.engine, self->core->id)) {
        pthread_mutex_lock(&self->core->lock);
        self->core->number = (int)message->as.ENGINE.number;
        pthread_mutex_unlock(&self->core->lock);
    }
    mates_tell(self->options.mates, &message->as.ENGINE);
    if (!str_is(message->as.ENGINE.state, "ready"))
        peers_engine_lost(self->options.peers, message->as.ENGINE.engine);
}

static void
hear_engine_lost(broker_link_t *self, const message_t *message)
{
    /* If that is us, the broker was wrong: it will say so when we speak to it. */
    if (oid_equal(message->as.ENGINE_LOST.engine, self->core->id))
        return;
    mates_lose(self->options.mates, message->as.ENGINE_LOST.engine, message->as.ENGINE_LOST.reason);
    peers_engine_lost(self->options.peers, message->as.ENGINE_LOST.engine);
}

static void
hear_session_gone(broker_link_t *self, const message_t *message)
{
    peers_end_session(self->options.peers, message->as.SESSION_GONE.session, false);
}

static void
hear_keep(broker_link_t *self, const message_t *message)
{
    const msg_KEEP_t *keep = &message->as.KEEP;

    pthread_mutex_lock(&self->core->lock);
    for (uint32_t i = 0; i < keep->objects.count; i++)
        object_table_keep(&self->core->objects, keep->objects.items[i], keep->keep);
    if (keep->call) {
        (void)outbox_add(self->outbox, &(message_t){.code = MSG_OK, .as.OK.call = keep->call}, NULL, NULL);
        (void)outbox_flush(self->outbox, self->link, NULL, NULL); /* what has no room goes with the news */
    }
    pthread_mutex_unlock(&self->core->lock);
}

static void
hear_ping(broker_link_t *self, const message_t *message)
{
    if (message->as.PING.call)
        (void)broker_link_say_now(self, &(message_t){.code = MSG_PONG, .as.PONG.call = message->as.PING.call});
}

static void
hear_pong(broker_link_t *self, const message_t *message)
{
    pthread_mutex_lock(&self->core->lock);
    core_free_heirs(self->core, message->as.PONG.call, clock_now_ns());
    if (message->as.PONG.call >= self->core->news_ping)
        self->core->news_ping = 0;
    pthread_mutex_unlock(&self->core->lock);
}

static void
hear(broker_link_t *self, const message_t *message)
{
    static const struct {
        msg_code_t code;
        void (*run)(broker_link_t *self, const message_t *message);
    } ROWS[] = {
        {MSG_WELCOME, hear_welcome},
        {MSG_OK, hear_ok},
        {MSG_ERROR, hear_error},
        {MSG_ENGINE, hear_engine},
        {MSG_ENGINE_LOST, hear_engine_lost},
        {MSG_SESSION_GONE, hear_session_gone},
        {MSG_KEEP, hear_keep},
        {MSG_PING, hear_ping},
        {MSG_PONG, hear_pong},
    };

    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (ROWS[i].code == message->code)
            ROWS[i].run(self, message);
}

static void
hear_frame(broker_link_t *self, const link_message_t *frame)
{
    header_reader_t reader;
    message_t message;
    err_t err;
    int status = header_open(&reader, frame->frames[0].data, frame->frames[0].size, &err);

    arena_reset(self->arena);
    while (!status) {
        status = header_next(&reader, self->arena, 'B', 'E', (uint32_t)(frame->count - 1), &message, &err);
        if (!status)
            hear(self, &message);
    }
    if (status != FH_NO_SUCH_OBJECT)
        log_limited(LOG_WARNING, "ENG-BROKER-MESSAGE", "%s", err.text);
}

bool
broker_link_receive(broker_link_t *self)
{
    err_t err;

    for (int n = 0; n < MESSAGES_A_TURN; n++) {
        link_message_t frame;
        int status = link_receive(self->link, &frame, &err);

        if (status == FH_BUSY)
            return false;
        if (status)
            continue;
        self->heard_ns = clock_now_ns();
        hear_frame(self, &frame);
        link_message_release(self->link, &frame);
    }
    return true;
}
