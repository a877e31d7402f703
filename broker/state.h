/* broker/state.h - what the files of the reactor share: its state, its handlers, its ways to send.  Only they include
 * it. */
#ifndef FH_BROKER_STATE_H
#define FH_BROKER_STATE_H

#include "broker/broker.h"
#include "broker/queries.h"
#include "broker/registry.h"
#include "broker/session.h"
#include "broker/store.h"
#include "codecs/message.h"

#include <stdbool.h>

enum { PROMISES_MAX = 256, BATCH_BYTES = 32768, KEEP_BATCH = 4096, NEWS_BUNDLES = 2 };

/* An answer that waits until the changes of this turn are in the file. */
typedef struct {
    /* PUBLISHED: it is there already. */
    enum { PROMISE_WELCOME, PROMISE_PUBLISH, PROMISE_UNPUBLISH, PROMISE_PUBLISHED } kind;
    oid_t session;
    uint64_t call, minor;
    name_t *name; /* but for WELCOME */
} promise_t;

/* What is to be told to all of one role. */
typedef struct {
    header_writer_t *writer;
    oid_t about; /* of the last message: who needs not hear it */
} news_t;

typedef struct stream stream_t;
typedef struct keep_wait keep_wait_t;

struct broker {
    link_t *link;
    store_t *store;
    queries_t *queries;
    broker_options_t options;
    registry_t registry;
    sessions_t sessions;
    header_writer_t *writer;
    arena_t *arena;
    news_t news[NEWS_BUNDLES];
    oid_t incarnation;   /* of this process */
    int64_t now_ns;      /* of this turn */
    int64_t tick_ns;     /* when leases are to be looked at again */
    int64_t probe_ns;    /* when connected engines are to be probed again */
    int64_t save_ns;     /* when changes are to be written, if there are any; 0: not set */
    bool save_failed;    /* the last time */
    bool saves_late;     /* more objects wait than one portion: they are written when save_ns says so, and only then */
    int64_t promised_ns; /* when the last turn asked to be called again */
    bool some_unreachable; /* sessions are marked so */
    bool some_waiting;     /* outboxes hold something */
    bool some_left;        /* the link may have more */
    int npromises;
    promise_t promises[PROMISES_MAX];
    stream_t *streams;
    int nstreams;
    uint64_t keeping;          /* counts names whose engines were told to keep or release pieces */
    keep_wait_t *keep_waits;   /* in the order in which they came */
    keep_wait_t **keep_end;    /* where the next one goes */
    oid_t scratch[KEEP_BATCH]; /* ids of one message */
};

/* ---- handlers: tables of one row a message, ended by a row without run ----------------------------------------------
 */

typedef struct {
    msg_code_t code;
    void (*run)(broker_t *self, session_t *session, const message_t *message);
} handler_t;

extern const handler_t CLIENT_HANDLERS[], ENGINE_HANDLERS[];

/* Engines are told of all others, unasked, in clusters of up to so many: with more they ask for those that they need,
 * or each that comes would cost as many messages as there are. */
enum { TOLD_MAX = 64 };

/* ENGINES, for clients and engines alike; ENGINE news about one, to clients and, in a small cluster, to engines; ENGINE
 * into the frame that is being built. */
void clients_engines(broker_t *self, session_t *session, const message_t *message);
void clients_tell_engine(broker_t *self, const engine_t *engine);
void clients_engine(broker_t *self, session_t *session, const engine_t *engine, uint64_t call);

/* MEMORY (memory.c). */
void memory_tell(broker_t *self, session_t *session, const message_t *message);

/* ---- sending (post.c) ----------------------------------------------------------------------------------------------
 */

/* Add a message to the frame that is being built; one that does not fit goes into another frame.  Between the first
 * post_add and post_flush nothing else is sent.  Errors of encoding are those of header_writer_add. */
int post_add(broker_t *self, session_t *session, const message_t *message, err_t *err);
/* Send the frame.  What has no room is kept; a peer that is gone, or for which too much waits, is marked unreachable.
 */
void post_flush(broker_t *self, session_t *session);
/* One message in a frame of its own; if it cannot be encoded, an ERROR for its call. */
void post(broker_t *self, session_t *session, const message_t *message);
void post_ok(broker_t *self, session_t *session, uint64_t call);
void post_error(broker_t *self, session_t *session, uint64_t call, const err_t *err);
/* To somebody who has no session (yet); dropped if there is no room. */
void post_stranger(broker_t *self, const peer_t *peer, const message_t *message);
/* A whole frame that others get too. */
void post_frame(broker_t *self, session_t *session, buf_t *frame);
/* Try again what waits. */
void post_waiting(broker_t *self);

/* ---- news (news.c)
 * ---------------------------------------------------------------------------------------------------
 */

int news_init(broker_t *self, err_t *err);
void news_release(broker_t *self);
/* For all that are ready at the end of the turn and have one of the roles.  Whom it is about is left out where that is
 * simple: everybody must bear to hear of himself. */
void news_add(broker_t *self, const char *roles, oid_t about, const message_t *message);
void news_send(broker_t *self);

/* ---- lives of peers (peers.c) --------------------------------------------------------------------------------------
 */

/* A HELLO, of a stranger or of somebody known. */
void peers_hello(broker_t *self, const peer_t *peer, char role, const msg_HELLO_t *hello);
/* Something happened to a session; it may be gone afterwards.  Returns what the state machine said. */
session_action_t peers_event(broker_t *self, session_t *session, session_event_t event, const char *reason);
/* Leases and probes. */
void peers_tick(broker_t *self);
/* Tell the state machine of those that were marked unreachable. */
void peers_sweep(broker_t *self);
/* A fresh term for all: we could hear nobody for a while. */
void peers_renew(broker_t *self);
/* Sessions of engines that were in the file. */
int peers_restore(broker_t *self, err_t *err);

/* ---- durability (commit.c) -----------------------------------------------------------------------------------------
 */

/* Answer once the changes are in the file. */
void commit_promise(broker_t *self, promise_t promise);
/* Write changes, of objects a portion if that is due, and answer what was promised.  False: they could not be written
 * (promises got the error). */
bool commit(broker_t *self);

/* ---- what engines keep (keeps.c) -----------------------------------------------------------------------------------
 */

/* KEEP to the engines of a name's pieces; the call of that session is answered once they have confirmed it, or are
 * gone. */
void keeps_name(broker_t *self, const name_t *name, oid_t session, uint64_t call);
/* They need not keep it any more. */
void keeps_release(broker_t *self, const name_t *name);
/* KEEP to the engine of this session, which has announced itself, for everything published there. */
void keeps_engine(broker_t *self, session_t *session);
/* It has confirmed all up to this number; UINT64_MAX: it is gone. */
void keeps_confirmed(broker_t *self, session_t *engine, uint64_t number);
/* Answer those who have waited too long; returns when to look again. */
int64_t keeps_check(broker_t *self);
/* Forget all that wait: the end. */
void keeps_clear(broker_t *self);

/* ---- answers of many rows (stream.c) -------------------------------------------------------------------------------
 */

enum { STREAM_OBJECTS, STREAM_NAMES, STREAM_SQL };
/* Begin; errors are sent.  sql: the query (copied), empty for the others; it runs once all that is known by now has
 * been written. limit: rows at most. */
void stream_start(broker_t *self, session_t *session, int kind, uint64_t call, uint64_t limit, str_t sql);
/* Send rows for a while.  True: there is more to send and room for it. */
bool stream_pump(broker_t *self);
/* Does a query wait for what is to be written? */
bool stream_waits(const broker_t *self);
/* Drop the streams of a session; NULL: all. */
void stream_drop(broker_t *self, const session_t *session);

#endif
