/* broker/session.h - the peers of the broker: clients' sessions and engines, their connections, leases and states.
 *
 * What may happen when is the table broker/session.def.  This module knows no sockets and no messages: the reactor
 * turns what it hears into events and does the actions.  Thread rule: one thread at a time. */
#ifndef FH_BROKER_SESSION_H
#define FH_BROKER_SESSION_H

#include "base/err.h"
#include "base/link.h"
#include "base/oid.h"
#include "broker/lease.h"
#include "broker/map.h"
#include "broker/outbox.h"
#include "broker/row.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { STATE_AWAY, STATE_GREETED, STATE_READY, STATE_ENDED, STATE_COUNT } session_state_t;
typedef enum {
    EVENT_HELLO,
    EVENT_ANNOUNCE,
    EVENT_MESSAGE,
    EVENT_GOODBYE,
    EVENT_OVERDUE,
    EVENT_UNREACHABLE,
    EVENT_COUNT
} session_event_t;
/* NOTHING; WELCOME: attach the connection and answer; ADMIT: take the announcement; RENEW the lease; PROBE the
 * connection; DETACH: forget the connection; EXPIRE, LEAVE: end it and tell the others. */
typedef enum {
    ACTION_NOTHING,
    ACTION_WELCOME,
    ACTION_ADMIT,
    ACTION_RENEW,
    ACTION_PROBE,
    ACTION_DETACH,
    ACTION_EXPIRE,
    ACTION_LEAVE
} session_action_t;

typedef struct keep_mark keep_mark_t;
typedef struct session session_t;
struct session {
    row_t row; /* clients' rows are kept in the file */
    oid_t id;  /* of the session, or of the engine */
    char role; /* 'C' or 'E' */
    session_state_t state;
    bool connected;   /* peer is valid */
    bool unreachable; /* the link refused it as gone: to be told at the end of the turn */
    peer_t peer;
    lease_t lease;
    uint64_t pid;
    int64_t since_ms; /* wall clock, milliseconds since 1970: only to be shown */
    char host[256], software[65];
    uint64_t kept;                            /* the last name whose pieces it was told of, as the broker counts them */
    keep_mark_t *keep_marks, *last_keep_mark; /* engines: what they have not confirmed (broker/keeps.c) */
    int streams;                              /* answers of many rows under way */
    outbox_t outbox;
    session_t *next, *previous;
};

enum { SESSIONS_MAX = 20000, SESSIONS_ENDED_MAX = 256 };

typedef struct {
    session_t *first;
    size_t count, connected, engines;
    map_t by_id, by_peer;
    rows_t *changes;                 /* borrowed: the registry's */
    oid_t ended[SESSIONS_ENDED_MAX]; /* the last clients that ended, in a ring */
    unsigned ended_next;
} sessions_t;

void sessions_init(sessions_t *self, rows_t *changes);
void sessions_release(sessions_t *self);

/* The state machine: set the new state and return what is to be done. */
session_action_t session_step(session_t *session, session_event_t event);

session_t *session_find(const sessions_t *self, oid_t id);
session_t *session_of_peer(const sessions_t *self, const peer_t *peer);
/* A new one in state AWAY.  LIMIT_EXCEEDED, NO_MEMORY. */
int session_add(sessions_t *self, oid_t id, char role, lease_t lease, session_t **ret, err_t *err);
/* This connection is the session's now; an older one is forgotten.  NO_MEMORY. */
int session_attach(sessions_t *self, session_t *session, const peer_t *peer, err_t *err);
void session_detach(sessions_t *self, session_t *session);
/* Forget it (its row is deleted with the next save).  session is invalid afterwards. */
void session_remove(sessions_t *self, session_t *session);
/* Did a session of this id end not long ago? */
bool session_has_ended(const sessions_t *self, oid_t id);
/* Its row is in the file as it is now. */
void session_saved(sessions_t *self, row_t *row);

#endif
