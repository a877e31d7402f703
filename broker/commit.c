/* broker/commit.c - one transaction a turn, and the answers that wait for it. */
#include "base/clock.h"
#include "base/log.h"
#include "broker/state.h"

#include <string.h>

enum {
    SAVE_OBJECTS = 500, /* of one transaction: some 3 ms, in which messages wait */
    SAVE_WAITED = 4000, /* the same while somebody waits for them to be saved */
    SAVE_SHARE = 4      /* of the time goes into objects */
};

static const int64_t RETRY_NS = 1000000000;
static const int64_t NEXT_NS = 5000000; /* until the next portion at least, so that messages are not kept waiting */

static void
welcome(broker_t *self, session_t *session, const promise_t *promise)
{
    post(self, session,
         &(message_t){.code = MSG_WELCOME,
                      .as.WELCOME = {
                          .call = promise->call,
                          .minor = promise->minor,
                          .incarnation = self->incarnation,
                          .lease_ms = (uint64_t)(session->role == 'E' ? self->options.engine_silence_ns
                                                                      : self->options.lease_ns) /
                                      1000000,
                          .software = str_of("farhand-broker " FARHAND_VERSION),
                          .cluster = str_of(self->options.cluster),
                      }});
}

/* The file has not changed: take the change of the table back. */
static void
undo(broker_t *self, const promise_t *promise)
{
    if (promise->kind == PROMISE_PUBLISH)
        registry_name_drop(&self->registry, promise->name);
    else if (promise->kind == PROMISE_UNPUBLISH)
        registry_name_list(&self->registry, promise->name);
}

static void
fulfil(broker_t *self, const promise_t *promise)
{
    if (promise->kind == PROMISE_PUBLISH)
        registry_name_list(&self->registry, promise->name);
    else if (promise->kind == PROMISE_UNPUBLISH)
        keeps_release(self, promise->name);
}

static void
answer(broker_t *self, const promise_t *promise, int status, const err_t *err)
{
    session_t *session = session_find(&self->sessions, promise->session);

    if (status)
        undo(self, promise);
    else
        fulfil(self, promise);
    if (!status && (promise->kind == PROMISE_PUBLISH || promise->kind == PROMISE_PUBLISHED))
        keeps_name(self, promise->name, promise->session, promise->call);
    if (!session)
        return;
    if (promise->kind == PROMISE_WELCOME)
        welcome(self, session, promise);
    else if (status)
        post_error(self, session, promise->call, err);
    else if (promise->kind == PROMISE_UNPUBLISH)
        post_ok(self, session, promise->call);
}

void
commit_promise(broker_t *self, promise_t promise)
{
    if (self->npromises == PROMISES_MAX)
        commit(self);
    self->promises[self->npromises++] = promise;
}

static void
tell_owners(broker_t *self, size_t objects)
{
    for (size_t i = 0; i < objects && self->registry.object_changes.first; i++)
        registry_saved(&self->registry, self->registry.object_changes.first);
    while (self->registry.changes.first)
        if (self->registry.changes.first->kind == ROW_SESSION)
            session_saved(&self->sessions, self->registry.changes.first);
        else
            registry_saved(&self->registry, self->registry.changes.first);
}

/* When the next portion of objects is due: writing them takes a share of the time, unless somebody waits for them. */
static void
plan(broker_t *self, int status, int64_t took_ns)
{
    int64_t rest_ns = stream_waits(self) ? NEXT_NS : took_ns * (SAVE_SHARE - 1);

    self->saves_late = self->registry.object_changes.first != NULL;
    if (status)
        self->save_ns = self->now_ns + RETRY_NS;
    else if (!self->saves_late)
        self->save_ns = 0;
    else
        self->save_ns = self->now_ns + took_ns + (rest_ns > NEXT_NS ? rest_ns : NEXT_NS);
}

bool
commit(broker_t *self)
{
    promise_t promises[PROMISES_MAX];
    int count = self->npromises;
    int64_t began_ns = clock_now_ns();
    bool due = !self->saves_late || self->now_ns >= self->save_ns;
    size_t objects = !due ? 0 : stream_waits(self) ? SAVE_WAITED : SAVE_OBJECTS;
    err_t err;
    int status = store_save(self->store, &self->registry, objects, self->now_ns, &err);

    memcpy(promises, self->promises, (size_t)count * sizeof *promises);
    self->npromises = 0;
    self->save_failed = status != FH_OK;
    if (status)
        log_limited(LOG_ERROR, "BRK-REGISTRY", "%s", err.text);
    for (int i = 0; i < count; i++)
        answer(self, &promises[i], status, &err);
    if (!status)
        tell_owners(self, objects);
    if (status || due)
        plan(self, status, clock_now_ns() - began_ns);
    return status == FH_OK;
}
