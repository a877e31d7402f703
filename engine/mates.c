/* engine/mates.c */
#include "engine/mates.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/borrow.h"
#include "engine/lend.h"
#include "engine/peers.h"
#include "engine/pulls.h"
#include "engine/transfer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SEND_LIMIT = 16, LINGER_MS = 200, MESSAGES_A_TURN = 64, ARENA_BYTES = 4 * 1024 * 1024 };

static const int64_t HELLO_AGAIN_NS = 2000000000; /* a HELLO without answer is sent again */
static const int64_t PING_NS = 1000000000;        /* between questions whether the other side still knows us */
static const int64_t UNKNOWN_NS = 5000000000;     /* so long may the broker's news of an engine take */
static const int64_t ASK_AGAIN_NS = 500000000;    /* between questions to the broker where an engine is */

typedef struct {
    oid_t engine;
    bool known;  /* the broker has told of it */
    bool wanted; /* the broker is to be asked */
    bool lost;
    bool welcomed;
    int number;
    char endpoint[256], local[256], host[256], reason[256];
    link_t *link;     /* NULL: nothing has been sent there */
    int64_t hello_ns; /* when HELLO went out; 0: not yet */
    int64_t ping_ns;  /* when PING went out */
    int64_t since_ns;
    int64_t asked_ns; /* when the broker was to be asked last; 0: never */
} mate_t;

struct mates {
    core_t *core;
    void *context;
    const link_keys_t *keys;
    oid_map_t by_engine;
    pulls_t *pulls;
    header_writer_t *writer;
    arena_t *arena;
    size_t nwanted;
    uint64_t changes; /* of the links that there are */
};

int
mates_new(mates_t **ret, const mates_options_t *options, err_t *err)
{
    mates_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the table of engines");
    self->core = options->core;
    self->context = options->context;
    self->keys = options->keys;
    int status = header_writer_new(&self->writer, err);

    if (!status)
        status = arena_new(&self->arena, ARENA_BYTES, err);
    if (!status)
        status = pulls_new(&self->pulls, self->core, options->trust_network, err);
    if (status)
        mates_destroy(&self);
    else
        *ret = self;
    return status;
}

void
mates_destroy(mates_t **self)
{
    size_t cursor = 0;

    if (!*self)
        return;
    pulls_destroy(&(*self)->pulls);
    for (mate_t *mate; (mate = oid_map_next(&(*self)->by_engine, &cursor));) {
        link_destroy(&mate->link);
        free(mate);
    }
    oid_map_release(&(*self)->by_engine);
    header_writer_destroy(&(*self)->writer);
    arena_destroy(&(*self)->arena);
    free(*self);
    *self = NULL;
}

static mate_t *
mate_of(mates_t *self, oid_t engine)
{
    mate_t *mate = oid_map_find(&self->by_engine, engine);

    if (mate)
        return mate;
    mate = calloc(1, sizeof *mate);
    if (!mate || oid_map_add(&self->by_engine, engine, mate, NULL)) {
        free(mate);
        return NULL;
    }
    mate->engine = engine;
    mate->since_ns = clock_now_ns();
    return mate;
}

/* Have the broker asked where it is. */
static void
want(mates_t *self, mate_t *mate)
{
    int64_t now = clock_now_ns();

    if (mate->wanted || (mate->asked_ns && now - mate->asked_ns < ASK_AGAIN_NS))
        return;
    mate->wanted = true;
    mate->asked_ns = now;
    self->nwanted++;
}

bool
mates_next_wanted(mates_t *self, oid_t *ret)
{
    size_t cursor = 0;

    if (self->nwanted == 0)
        return false;
    for (mate_t *mate; (mate = oid_map_next(&self->by_engine, &cursor));)
        if (mate->wanted) {
            mate->wanted = false;
            self->nwanted--;
            *ret = mate->engine;
            return true;
        }
    return false;
}

static void
lost_error(const mate_t *mate, err_t *err)
{
    (void)err_set(err, FH_ENGINE_LOST, "engine %d is gone: %s; what it should have sent is lost", mate->number,
                  mate->reason);
    err_set_origin(err, "engine %d (%.60s)", mate->number, mate->host);
}

static void
lose(mates_t *self, mate_t *mate)
{
    err_t err = {0};

    mate->lost = true;
    mate->welcomed = false;
    mate->hello_ns = 0;
    link_destroy(&mate->link);
    self->changes++;
    lost_error(mate, &err);
    pulls_engine_lost(self->pulls, mate->engine);
    pthread_mutex_lock(&self->core->lock);
    transfers_engine_lost(self->core->transfers, mate->engine, &err);
    borrows_engine_lost(self->core->borrows, mate->engine, &err);
    pthread_mutex_unlock(&self->core->lock);
    lend_engine_lost(self->core, mate->engine);
}

void
mates_tell(mates_t *self, const msg_ENGINE_t *engine)
{
    mate_t *mate = mate_of(self, engine->engine);

    if (!mate)
        return;
    mate->known = true;
    mate->number = (int)engine->number;
    (void)str_copy(engine->endpoint, mate->endpoint, sizeof mate->endpoint);
    (void)str_copy(engine->local, mate->local, sizeof mate->local);
    (void)str_copy(engine->host, mate->host, sizeof mate->host);
    if (str_is(engine->state, "ready")) {
        mate->lost = false; /* it was only silent for too long */
    } else if (!mate->lost) {
        (void)str_copy(engine->state, mate->reason, sizeof mate->reason);
        lose(self, mate);
    }
}

void
mates_lose(mates_t *self, oid_t engine, str_t reason)
{
    mate_t *mate = mate_of(self, engine);

    if (!mate || mate->lost)
        return;
    (void)str_copy(reason, mate->reason, sizeof mate->reason);
    lose(self, mate);
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

static int
connect_link(mates_t *self, mate_t *mate, err_t *err)
{
    link_zmq_options_t options = {.send_limit_messages = SEND_LIMIT, .linger_ms = LINGER_MS};

    self->changes++;
    if (mates_is_near(self, mate->engine))
        return link_zmq_connect(&mate->link, self->context, mate->local, &options, err);
    options.keys = self->keys;
    options.server_key = self->keys->public_key;
    return link_zmq_connect(&mate->link, self->context, mate->endpoint, &options, err);
}

static int
send_message(mates_t *self, mate_t *mate, const message_t *message, buf_t *raw, err_t *err)
{
    link_frame_t frames[2] = {{0}};

    header_writer_reset(self->writer);
    int status = header_writer_add(self->writer, message, err);

    if (status)
        return status;
    frames[0].data = header_writer_data(self->writer);
    frames[0].size = header_writer_size(self->writer);
    if (raw)
        frames[1] = (link_frame_t){.data = buf_data(raw), .size = buf_size(raw), .buf = raw};
    return link_send(mate->link, NULL, frames, raw ? 2 : 1, err);
}

static int
say_hello(mates_t *self, mate_t *mate, err_t *err)
{
    int64_t now = clock_now_ns();
    message_t hello = {.code = MSG_HELLO,
                       .as.HELLO = {.call = 1,
                                    .session = self->core->id,
                                    .major = PROTOCOL_MAJOR,
                                    .minor = PROTOCOL_MINOR,
                                    .features = PEERS_ENGINE,
                                    .software = str_of("farhand-engine " FARHAND_VERSION),
                                    .host = str_of(self->core->host)}};

    if (mate->hello_ns && now - mate->hello_ns < HELLO_AGAIN_NS)
        return FH_BUSY;
    if (send_message(self, mate, &hello, NULL, err) == FH_OK)
        mate->hello_ns = now;
    return FH_BUSY;
}

int
mates_send(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err)
{
    mates_t *self = context;
    mate_t *mate = mate_of(self, engine);
    int status = FH_OK;

    if (mate && mate->lost)
        return err_set(err, FH_ENGINE_LOST, "engine %d is gone", mate->number);
    if (!mate)
        return FH_BUSY; /* mates_check ends what waits for ever */
    if (!mate->known) {
        want(self, mate);
        return FH_BUSY;
    }
    if (!mate->link)
        status = connect_link(self, mate, err);
    if (status) {
        log_limited(LOG_WARNING, "ENG-MATE", "engine=%d %s", mate->number, err ? err->text : "cannot connect");
        return FH_BUSY;
    }
    return mate->welcomed ? send_message(self, mate, message, raw, err) : say_hello(self, mate, err);
}

bool
mates_is_near(void *context, oid_t engine)
{
    const mates_t *self = context;
    const mate_t *mate = oid_map_find(&self->by_engine, engine);

    return mate && mate->known && !mate->lost && mate->local[0] && strcmp(mate->host, self->core->host) == 0;
}

static const char *
endpoint_of(const void *context, oid_t engine)
{
    const mates_t *self = context;
    const mate_t *mate = oid_map_find(&self->by_engine, engine);

    return mate && mate->known && !mate->lost ? mate->endpoint : NULL;
}

void
mates_pull(mates_t *self)
{
    pulls_pump(self->pulls, &(pulls_way_t){mates_send, endpoint_of, self});
}

void
mates_end_pulls(mates_t *self)
{
    pulls_destroy(&self->pulls);
}

/* ---- receiving -----------------------------------------------------------------------------------------------------
 */

/* The other side does not know us any more: what was under way has lost parts. */
static void
begin_again(mates_t *self, mate_t *mate)
{
    err_t err = {0};

    (void)err_set(&err, FH_IO_ERROR, "the connection between two engines broke while an array was under way");
    mate->welcomed = false;
    mate->hello_ns = 0;
    pthread_mutex_lock(&self->core->lock);
    transfers_broken(self->core->transfers, mate->engine, &err);
    borrows_broken(self->core->borrows, mate->engine);
    pthread_mutex_unlock(&self->core->lock);
}

static void
handle(mates_t *self, mate_t *mate, const message_t *message)
{
    if (message->code == MSG_WELCOME) {
        mate->welcomed = true;
    } else if (message->code == MSG_PUSH_CREDIT) {
        pthread_mutex_lock(&self->core->lock);
        transfers_credited(self->core->transfers, &message->as.PUSH_CREDIT);
        pthread_mutex_unlock(&self->core->lock);
    } else if (message->code == MSG_OFFER_REFUSED) {
        pthread_mutex_lock(&self->core->lock);
        transfers_offer_refused(self->core->transfers, mate->engine, &message->as.OFFER_REFUSED);
        pthread_mutex_unlock(&self->core->lock);
    } else if (message->code == MSG_TICKETS) {
        (void)pulls_tickets(self->pulls, mate->engine, &message->as.TICKETS); /* perhaps nobody asks any more */
    } else if (message->code == MSG_LENT) {
        pthread_mutex_lock(&self->core->lock);
        borrows_lent(self->core->borrows, mate->engine, &message->as.LENT);
        pthread_mutex_unlock(&self->core->lock);
    } else if (message->code == MSG_OK) {
        borrows_acknowledged(self->core->borrows, mate->engine, message->as.OK.call);
    } else if (message->code == MSG_ERROR) {
        err_t err;

        message_to_err(&message->as.ERROR, &err);
        if (pulls_refused(self->pulls, mate->engine, message->as.ERROR.call, &err))
            return;
        pthread_mutex_lock(&self->core->lock);
        bool expected = borrows_refused(self->core->borrows, mate->engine, message->as.ERROR.call, &err);

        pthread_mutex_unlock(&self->core->lock);
        if (expected)
            return;
        log_limited(LOG_WARNING, "ENG-MATE", "engine=%d says: %s", mate->number, err.text);
        if (err.status == FH_STALE_HANDLE && mate->welcomed)
            begin_again(self, mate);
    }
}

static bool
receive_from(mates_t *self, mate_t *mate)
{
    err_t err;

    for (int n = 0; n < MESSAGES_A_TURN; n++) {
        link_message_t frame;
        header_reader_t reader;
        message_t message;
        int status = link_receive(mate->link, &frame, &err);

        if (status == FH_BUSY)
            return false;
        if (status)
            continue;
        arena_reset(self->arena);
        status = header_open(&reader, frame.frames[0].data, frame.frames[0].size, &err);
        while (!status) {
            status = header_next(&reader, self->arena, 'E', 'E', (uint32_t)(frame.count - 1), &message, &err);
            if (!status)
                handle(self, mate, &message);
        }
        link_message_release(mate->link, &frame);
    }
    return true;
}

bool
mates_receive(mates_t *self)
{
    size_t cursor = 0;
    bool more = false;

    for (mate_t *mate; (mate = oid_map_next(&self->by_engine, &cursor));)
        if (mate->link)
            more |= receive_from(self, mate) || link_ready(mate->link, NULL);
    return more;
}

int
mates_pollfds(const mates_t *self, struct pollfd *ret, int room)
{
    size_t cursor = 0;
    int count = 0;

    for (const mate_t *mate; (mate = oid_map_next(&self->by_engine, &cursor));) {
        if (!mate->link)
            continue;
        if (count < room)
            ret[count] = (struct pollfd){.fd = link_fd(mate->link), .events = POLLIN};
        count++;
    }
    return count;
}

uint64_t
mates_pollfds_version(const mates_t *self)
{
    return self->changes;
}

/* ---- ends ----------------------------------------------------------------------------------------------------------
 */

/* For transfers_check: will nothing come from there any more? */
static bool
is_lost(void *context, oid_t engine, int64_t since_ns, err_t *err)
{
    mates_t *self = context;
    const mate_t *mate = oid_map_find(&self->by_engine, engine);
    char text[OID_TEXT_SIZE];

    if (mate && mate->lost) {
        lost_error(mate, err);
        return true;
    }
    if ((mate && mate->known) || clock_now_ns() - since_ns < UNKNOWN_NS)
        return false;
    (void)err_set(err, FH_ENGINE_LOST, "the engine %s that should send an array is not known",
                  oid_format(engine, text));
    return true;
}

/* What a connection that broke took with it would be missed only when something else is sent.  So ask while credit is
 * outstanding: to a PING an engine that does not know us any more answers STALE_HANDLE. */
static void
ask_for_missing(mates_t *self, mate_t *mate, int64_t now)
{
    const message_t ping = {.code = MSG_PING};

    if (!mate->welcomed || !mate->link || now - mate->ping_ns < PING_NS)
        return;
    mate->ping_ns = now;
    pthread_mutex_lock(&self->core->lock);
    bool waits = transfers_uncredited(self->core->transfers, mate->engine);

    pthread_mutex_unlock(&self->core->lock);
    if (waits)
        (void)send_message(self, mate, &ping, NULL, NULL); /* if not now, then the next time */
}

void
mates_check(mates_t *self)
{
    size_t cursor = 0;
    int64_t now = clock_now_ns();

    pthread_mutex_lock(&self->core->lock);
    transfers_check(self->core->transfers, is_lost, self);
    pthread_mutex_unlock(&self->core->lock);
    for (mate_t *mate; (mate = oid_map_next(&self->by_engine, &cursor));) {
        ask_for_missing(self, mate, now);
        if (mate->known || mate->lost || now - mate->since_ns < UNKNOWN_NS)
            continue;
        mates_lose(self, mate->engine, str_of("the broker does not know it"));
        mate->lost = false; /* it may still come */
        mate->since_ns = now;
    }
}
