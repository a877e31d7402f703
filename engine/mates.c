/* engine/mates.c */
#include "base/clock.h"
#include "base/log.h"
#include "engine/borrow.h"
#include "engine/lend.h"
#include "engine/mates_private.h"
#include "engine/transfer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 4 * 1024 * 1024 };

static const int64_t UNKNOWN_NS = 5000000000;  /* so long may the broker's news of an engine take */
static const int64_t ASK_AGAIN_NS = 500000000; /* between questions to the broker where an engine is */

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
        mate_close(*self, mate);
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
    mate_close(self, mate);
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

int
mates_send(void *context, oid_t engine, const message_t *message, buf_t *raw, err_t *err)
{
    mates_t *self = context;
    mate_t *mate = mate_of(self, engine);

    if (mate && mate->lost)
        return err_set(err, FH_ENGINE_LOST, "engine %d is gone", mate->number);
    if (!mate)
        return FH_BUSY; /* mates_check ends what waits for ever */
    if (!mate->known) {
        want(self, mate);
        return FH_BUSY;
    }
    return mate_send(self, mate, message, raw, err);
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

void
mate_begin_again(mates_t *self, mate_t *mate, const char *why)
{
    err_t err = {0};

    (void)err_set(&err, FH_IO_ERROR, "%s", why);
    pthread_mutex_lock(&self->core->lock);
    transfers_broken(self->core->transfers, mate->engine, &err);
    borrows_broken(self->core->borrows, mate->engine);
    pthread_mutex_unlock(&self->core->lock);
}

void
mate_handle(mates_t *self, mate_t *mate, const message_t *message)
{
    if (message->code == MSG_PUSH_CREDIT) {
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
    }
}

bool
mates_receive(mates_t *self)
{
    size_t cursor = 0;
    bool more = false;

    for (mate_t *mate; (mate = oid_map_next(&self->by_engine, &cursor));)
        if (mate->link)
            more |= mate_receive(self, mate) || (mate->link && link_ready(mate->link, NULL));
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

void
mates_check(mates_t *self)
{
    size_t cursor = 0;
    int64_t now = clock_now_ns();

    pthread_mutex_lock(&self->core->lock);
    transfers_check(self->core->transfers, is_lost, self);
    pthread_mutex_unlock(&self->core->lock);
    for (mate_t *mate; (mate = oid_map_next(&self->by_engine, &cursor));) {
        mate_see_to_line(self, mate);
        if (mate->known || mate->lost || now - mate->since_ns < UNKNOWN_NS)
            continue;
        mates_lose(self, mate->engine, str_of("the broker does not know it"));
        mate->lost = false; /* it may still come */
        mate->since_ns = now;
    }
}
