/* broker/keeps.c - engines are told which pieces are published, and confirm it before the one who published is
 * answered: what he sends them on his own connection must not come before.
 *
 * A KEEP that is to be confirmed has a number, which rises.  On one connection messages keep their order, so an engine
 * that confirms one number has confirmed all that came before. */
#include "base/log.h"
#include "broker/state.h"

#include <stdlib.h>

/* An engine confirms in its reactor, at once, or it is lost within 1.5 s: longer than this something is broken. */
static const int64_t PATIENCE_NS = 10000000000;

/* Somebody who has published. */
struct keep_wait {
    keep_wait_t *next;
    oid_t session;
    uint64_t call;
    int64_t due_ns;
    uint32_t left; /* engines that have not confirmed */
    bool answered;
};

/* One engine that he waits for; stands in a list of its session. */
struct keep_mark {
    keep_mark_t *next;
    keep_wait_t *wait;
    uint64_t number; /* of the KEEP */
};

/* KEEP messages to one engine, filled piece by piece. */
typedef struct {
    broker_t *broker;
    session_t *session;
    uint32_t count;
    bool keep;
} keep_t;

static void
keep_send(keep_t *self, uint64_t number)
{
    if (self->count)
        post(self->broker, self->session,
             &(message_t){
                 .code = MSG_KEEP,
                 .as.KEEP = {.call = number, .objects = {self->broker->scratch, self->count}, .keep = self->keep}});
    self->count = 0;
}

static void
keep_one(keep_t *self, oid_t object)
{
    if (self->count == KEEP_BATCH)
        keep_send(self, 0);
    self->broker->scratch[self->count++] = object;
}

/* The pieces of a name on that engine. */
static void
keep_pieces(keep_t *self, const name_t *name)
{
    for (uint32_t i = 0; i < name->npieces; i++) {
        if (!oid_equal(name->engines[i], self->session->id) ||
            (!self->keep && registry_pinned(&self->broker->registry, name->pieces[i], name)))
            continue;
        keep_one(self, name->pieces[i]);
    }
}

/* The session of the engine of a piece, once for each name; NULL: it is gone, or has been told.  To one without a
 * connection nothing is sent: it hears of all when it has announced itself again. */
static session_t *
next_engine(broker_t *self, oid_t engine)
{
    session_t *session = session_find(&self->sessions, engine);

    if (!session || session->role != 'E' || session->kept == self->keeping)
        return NULL;
    session->kept = self->keeping;
    return session;
}

/* ---- waiting -------------------------------------------------------------------------------------------------------
 */

static void
forget(broker_t *self, keep_wait_t *wait)
{
    keep_wait_t **place = &self->keep_waits;

    while (*place != wait)
        place = &(*place)->next;
    *place = wait->next;
    if (!*place)
        self->keep_end = place;
    free(wait);
}

static void
answer(broker_t *self, keep_wait_t *wait, const err_t *err)
{
    session_t *session = session_find(&self->sessions, wait->session);

    wait->answered = true;
    if (session && err)
        post_error(self, session, wait->call, err);
    else if (session)
        post_ok(self, session, wait->call);
}

static void
confirm(broker_t *self, keep_wait_t *wait)
{
    if (--wait->left)
        return;
    if (!wait->answered)
        answer(self, wait, NULL);
    forget(self, wait);
}

/* True if the engine stands on the list now; NO_MEMORY else. */
static bool
mark(keep_wait_t *wait, session_t *engine, uint64_t number)
{
    keep_mark_t *mark = malloc(sizeof *mark);

    if (!mark)
        return false;
    *mark = (keep_mark_t){.wait = wait, .number = number};
    if (engine->keep_marks)
        engine->last_keep_mark->next = mark;
    else
        engine->keep_marks = mark;
    engine->last_keep_mark = mark;
    wait->left++;
    return true;
}

void
keeps_confirmed(broker_t *self, session_t *engine, uint64_t number)
{
    while (engine->keep_marks && engine->keep_marks->number <= number) {
        keep_mark_t *first = engine->keep_marks;

        engine->keep_marks = first->next;
        confirm(self, first->wait);
        free(first);
    }
}

int64_t
keeps_check(broker_t *self)
{
    for (keep_wait_t *wait = self->keep_waits; wait; wait = wait->next) {
        err_t err;

        if (wait->answered)
            continue;
        if (wait->due_ns > self->now_ns)
            return wait->due_ns;
        err_set(
            &err, FH_TIMEOUT,
            "%u engines have not confirmed within %lld s that they keep the pieces: the name is given, but they may "
            "be freed with their last handle",
            wait->left, (long long)(PATIENCE_NS / 1000000000));
        log_limited(LOG_WARNING, "BRK-KEEP", "%s", err.text);
        answer(self, wait, &err);
    }
    return INT64_MAX;
}

void
keeps_clear(broker_t *self)
{
    for (keep_wait_t *wait = self->keep_waits; wait; wait = wait->next)
        wait->answered = true; /* nobody is: they will ask the next broker */
    for (session_t *session = self->sessions.first; session; session = session->next)
        keeps_confirmed(self, session, UINT64_MAX);
}

/* ---- names ---------------------------------------------------------------------------------------------------------
 */

void
keeps_release(broker_t *self, const name_t *name)
{
    self->keeping++;
    for (uint32_t i = 0; i < name->npieces; i++) {
        keep_t engine = {.broker = self, .session = next_engine(self, name->engines[i])};

        if (!engine.session)
            continue;
        keep_pieces(&engine, name);
        keep_send(&engine, 0);
    }
}

static keep_wait_t *
wait_new(broker_t *self, oid_t session, uint64_t call)
{
    keep_wait_t *wait = calloc(1, sizeof *wait);

    if (!wait)
        return NULL;
    *wait = (keep_wait_t){.session = session, .call = call, .due_ns = self->now_ns + PATIENCE_NS, .left = 1};
    *self->keep_end = wait;
    self->keep_end = &wait->next;
    return wait;
}

static void
answer_no_memory(broker_t *self, oid_t id, uint64_t call)
{
    session_t *session = session_find(&self->sessions, id);
    err_t err;

    err_set(&err, FH_NO_MEMORY, "no memory to wait for the engines that keep what was published");
    if (session)
        post_error(self, session, call, &err);
}

void
keeps_name(broker_t *self, const name_t *name, oid_t session, uint64_t call)
{
    keep_wait_t *wait = wait_new(self, session, call);
    bool failed = !wait;

    self->keeping++;
    for (uint32_t i = 0; i < name->npieces; i++) {
        keep_t engine = {.broker = self, .session = next_engine(self, name->engines[i]), .keep = true};

        if (!engine.session)
            continue;
        failed = failed || !mark(wait, engine.session, self->keeping);
        keep_pieces(&engine, name);
        keep_send(&engine, self->keeping);
    }
    if (failed)
        answer_no_memory(self, session, call);
    if (wait) {
        wait->answered = failed;
        confirm(self, wait);
    }
}

void
keeps_engine(broker_t *self, session_t *session)
{
    keep_t engine = {.broker = self, .session = session, .keep = true};

    self->keeping++;
    for (const pin_t *pin = registry_engine_pins(&self->registry, session->id); pin; pin = pin->engine_next)
        if (pin->name->state != NAME_ADDING)
            keep_one(&engine, *registry_pin_object(pin));
    if (engine.count)
        keep_send(&engine, session->keep_marks ? self->keeping : 0);
    else
        keeps_confirmed(self, session, UINT64_MAX); /* the names have gone meanwhile */
}
