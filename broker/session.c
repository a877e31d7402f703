/* broker/session.c - the table of peers and its state machine. */
#include "broker/session.h"

#include <stdlib.h>
#include <string.h>

enum { ROLE_C, ROLE_E, ROLE_COUNT };

typedef struct {
    bool listed;
    session_action_t action;
    session_state_t next;
} rule_t;

static const rule_t RULES[ROLE_COUNT][STATE_COUNT][EVENT_COUNT] = {
#define ON(ROLE, STATE, EVENT, ACTION, NEXT)                                                                           \
    [ROLE_##ROLE][STATE_##STATE][EVENT_##EVENT] = {true, ACTION_##ACTION, STATE_##NEXT},
#include "broker/session.def"
#undef ON
};

session_action_t
session_step(session_t *session, session_event_t event)
{
    const rule_t *rule = &RULES[session->role == 'E' ? ROLE_E : ROLE_C][session->state][event];

    if (!rule->listed)
        return ACTION_NOTHING;
    session->state = rule->next;
    return rule->action;
}

void
sessions_init(sessions_t *self, rows_t *changes)
{
    memset(self, 0, sizeof *self);
    map_init(&self->by_id);
    map_init(&self->by_peer);
    self->changes = changes;
}

void
sessions_release(sessions_t *self)
{
    row_t *next;

    while (self->first)
        session_remove(self, self->first);
    for (row_t *row = self->changes->first; row; row = next) {
        next = row->next;
        if (row->kind == ROW_SESSION)
            session_saved(self, row);
    }
    map_release(&self->by_id);
    map_release(&self->by_peer);
}

session_t *
session_find(const sessions_t *self, oid_t id)
{
    return map_get(&self->by_id, id.bytes, sizeof id.bytes);
}

session_t *
session_of_peer(const sessions_t *self, const peer_t *peer)
{
    return map_get(&self->by_peer, peer->bytes, peer->size);
}

int
session_add(sessions_t *self, oid_t id, char role, lease_t lease, session_t **ret, err_t *err)
{
    if (self->count >= SESSIONS_MAX)
        return err_set(err, FH_LIMIT_EXCEEDED, "the broker serves %zu sessions already; no more are possible",
                       self->count);
    session_t *session = calloc(1, sizeof *session);

    if (!session)
        return err_set(err, FH_NO_MEMORY, "no memory for a session");
    session->row.kind = ROW_SESSION;
    session->id = id;
    session->role = role;
    session->lease = lease;
    int status = map_put(&self->by_id, session->id.bytes, sizeof session->id.bytes, session, err);

    if (status) {
        free(session);
        return status;
    }
    session->next = self->first;
    if (self->first)
        self->first->previous = session;
    self->first = session;
    self->count++;
    self->engines += role == 'E';
    if (role == 'C')
        rows_touch(self->changes, &session->row);
    *ret = session;
    return FH_OK;
}

void
session_detach(sessions_t *self, session_t *session)
{
    if (!session->connected)
        return;
    map_remove(&self->by_peer, session->peer.bytes, session->peer.size);
    session->connected = session->unreachable = false;
    self->connected--;
    outbox_release(&session->outbox);
}

int
session_attach(sessions_t *self, session_t *session, const peer_t *peer, err_t *err)
{
    if (session->connected && session->peer.size == peer->size &&
        memcmp(session->peer.bytes, peer->bytes, peer->size) == 0)
        return FH_OK;
    session_detach(self, session);
    session->peer = *peer;
    int status = map_put(&self->by_peer, session->peer.bytes, session->peer.size, session, err);

    if (status)
        return status;
    session->connected = true;
    self->connected++;
    return FH_OK;
}

void
session_remove(sessions_t *self, session_t *session)
{
    session_detach(self, session);
    map_remove(&self->by_id, session->id.bytes, sizeof session->id.bytes);
    if (session->previous)
        session->previous->next = session->next;
    else
        self->first = session->next;
    if (session->next)
        session->next->previous = session->previous;
    self->count--;
    self->engines -= session->role == 'E';
    if (session->role == 'C')
        self->ended[self->ended_next++ % SESSIONS_ENDED_MAX] = session->id;
    if (session->row.saved) {
        session->row.gone = true;
        rows_touch(self->changes, &session->row);
    } else {
        rows_untouch(self->changes, &session->row);
        free(session);
    }
}

bool
session_has_ended(const sessions_t *self, oid_t id)
{
    for (unsigned i = 0; i < SESSIONS_ENDED_MAX; i++)
        if (oid_equal(self->ended[i], id))
            return true;
    return false;
}

void
session_saved(sessions_t *self, row_t *row)
{
    rows_untouch(self->changes, row);
    row->saved = !row->gone;
    if (row->gone)
        free(row);
}
