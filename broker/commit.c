/* broker/commit.c - one transaction a turn, and the answers that wait for it. */
#include <string.h>

#include "base/log.h"
#include "broker/state.h"

static const int64_t RETRY_NS = 1000000000;

/* KEEP messages to one engine, filled piece by piece. */
typedef struct {
    broker_t *broker;
    session_t *session;
    uint32_t count;
    bool keep;
} keep_t;

static void
keep_send(keep_t *self)
{
    if (self->count)
        post(self->broker, self->session,
             &(message_t){.code = MSG_KEEP, .as.KEEP = {.objects = {self->broker->scratch, self->count}, .keep = self->keep}});
    self->count = 0;
}

/* The pieces of a name on that engine. */
static void
keep_pieces(keep_t *self, const name_t *name)
{
    for (uint32_t i = 0; i < name->npieces; i++) {
        if (!oid_equal(name->engines[i], self->session->id) ||
            (!self->keep && registry_pinned(&self->broker->registry, name->pieces[i], name)))
            continue;
        self->broker->scratch[self->count++] = name->pieces[i];
        if (self->count == KEEP_BATCH)
            keep_send(self);
    }
}

static void
keep_name(broker_t *self, const name_t *name, bool keep)
{
    for (session_t *session = self->sessions.first; session; session = session->next) {
        keep_t engine = {.broker = self, .session = session, .keep = keep};

        if (session->role != 'E' || session->state != STATE_READY)
            continue;
        keep_pieces(&engine, name);
        keep_send(&engine);
    }
}

void
commit_keep_engine(broker_t *self, session_t *session)
{
    keep_t engine = {.broker = self, .session = session, .keep = true};

    for (const name_t *name = self->registry.names; name; name = name->next)
        if (name->state != NAME_ADDING)
            keep_pieces(&engine, name);
    keep_send(&engine);
}

static void
welcome(broker_t *self, session_t *session, const promise_t *promise)
{
    post(self, session,
         &(message_t){.code = MSG_WELCOME,
                      .as.WELCOME = {
                          .call = promise->call,
                          .minor = promise->minor,
                          .incarnation = self->incarnation,
                          .lease_ms = (uint64_t)(session->role == 'E' ? self->options.engine_silence_ns : self->options.lease_ns) / 1000000,
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
    if (promise->kind == PROMISE_PUBLISH) {
        registry_name_list(&self->registry, promise->name);
        keep_name(self, promise->name, true);
    } else if (promise->kind == PROMISE_UNPUBLISH)
        keep_name(self, promise->name, false);
}

static void
answer(broker_t *self, const promise_t *promise, int status, const err_t *err)
{
    session_t *session = session_find(&self->sessions, promise->session);

    if (status)
        undo(self, promise);
    else
        fulfil(self, promise);
    if (!session)
        return;
    if (promise->kind == PROMISE_WELCOME)
        welcome(self, session, promise);
    else if (status)
        post_error(self, session, promise->call, err);
    else
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
tell_owners(broker_t *self)
{
    row_t *next;

    for (row_t *row = self->registry.changes.first; row; row = next) {
        next = row->next;
        if (row->kind == ROW_SESSION)
            session_saved(&self->sessions, row);
        else
            registry_saved(&self->registry, row);
    }
}

bool
commit(broker_t *self)
{
    promise_t promises[PROMISES_MAX];
    int count = self->npromises;
    err_t err;
    int status = store_save(self->store, &self->registry.changes, self->now_ns, &err);

    memcpy(promises, self->promises, (size_t)count * sizeof *promises);
    self->npromises = 0;
    self->save_ns = status ? self->now_ns + RETRY_NS : 0;
    if (status)
        log_limited(LOG_ERROR, "BRK-REGISTRY", "%s", err.text);
    for (int i = 0; i < count; i++)
        answer(self, &promises[i], status, &err);
    if (!status)
        tell_owners(self);
    return status == FH_OK;
}
