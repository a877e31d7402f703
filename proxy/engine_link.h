/* proxy/engine_link.h - one engine as a session sees it: what is known of it, the connection, credit and dropped
 * handles.
 *
 * The connection is made on first use.  If its frames are numbered it survives a cut of the line: the engine keeps what
 * it has not brought to us, we keep what it has not confirmed, and calls do not notice.  At most ENGINE_LINK_CALLS
 * calls and ENGINE_LINK_BYTES of raw bytes may be unacknowledged; the engine's DONE gives them back. Thread rule: that
 * of the session. */
#ifndef FH_PROXY_ENGINE_LINK_H
#define FH_PROXY_ENGINE_LINK_H

#include "proxy/conn.h"

/* Questions beside the lane have call numbers of their own: an engine's DONE does not count them. */
#define ENGINE_LINK_BESIDE (UINT64_C(1) << 63)

enum {
    ENGINE_LINK_CALLS = 8192,
    ENGINE_LINK_BYTES = 16 * 1024 * 1024,
    ENGINE_LINK_CHUNK = 1024 * 1024, /* largest raw frame */
    ENGINE_LINK_RELEASES = 4096,     /* ids in one RELEASE */
};

typedef struct fh_session fh_session;

typedef struct engine_link {
    fh_session *session;
    oid_t id;
    int number;
    char endpoint[256], local[256], host[256];
    int64_t pid, cores, memory, used, objects;
    char llvm[33], cpu[65], sandbox[65], state[17], offers[256];
    bool lost;        /* until the broker says that it is ready again */
    bool dead;        /* its process has ended: lost for good */
    char reason[256]; /* why it is lost */

    uint64_t features;  /* that it has, of those we have */
    bool open;          /* conn stands */
    bool no_rings;      /* they went wrong once */
    int64_t checked_ns; /* when engine_link_check last looked, by the coarse clock */
    uint64_t opened;    /* how often it was made: objects of an earlier one may be gone */
    conn_t conn;
    bool resuming;           /* the line broke, and the engine was asked to go on with it */
    request_t again;         /* then: that HELLO */
    int64_t asked_ns;        /* when it was, or when PING was last sent, by the coarse clock */
    uint64_t resumed_at;     /* how much had come through, both ways, when the line last went on */
    int resumed_in_vain;     /* so often since more has */
    uint64_t questions;      /* that were asked beside the lane */
    uint64_t done;           /* the last call that is through */
    uint64_t unacknowledged; /* raw bytes of calls after done */
    uint32_t *bytes_of_call; /* ENGINE_LINK_CALLS entries, by call modulo their number */

    oid_t *dropped; /* ids for the next RELEASE */
    int ndropped, dropped_room;
    int64_t dropped_bytes, dropped_ns; /* what they hold at most; when the first one came, by the coarse clock */
    bool abandon;                      /* among them are mappings that children of ours may still see */
    struct engine_streams *streams;    /* see streams.h; NULL: none */
    struct python_ring *python;        /* see python_ring.h; NULL: none yet */
    struct placing *placings;          /* of results that nobody was told to make yet, see placing.h; NULL: none */
    bool no_wholes;                    /* it gives no memory for others' pieces */
    struct tail *tail;                 /* operations that were not sent yet, see tail.h; NULL: none yet */
    int64_t live_bytes;                /* of arrays of this session there */
} engine_link_t;

/* From the broker's ENGINE message. */
int engine_link_new(engine_link_t **ret, fh_session *session, const msg_ENGINE_t *info, err_t *err);
void engine_link_update(engine_link_t *self, const msg_ENGINE_t *info);
void engine_link_destroy(engine_link_t **self);

/* Does it run on this host, as far as the host strings say? */
bool engine_link_is_near(const engine_link_t *self);
/* Connect and greet if that has not been done.  ENGINE_LOST, CANNOT_CONNECT, VERSION_MISMATCH, TIMEOUT, INTERRUPTED. */
int engine_link_open(engine_link_t *self, err_t *err);
/* Take over an existing link instead of making one, already greeted: for tests. */
int engine_link_adopt(engine_link_t *self, link_t *link, err_t *err);
/* Close the connection; what waits for it fails with why. */
void engine_link_shut(engine_link_t *self, const err_t *why);
/* The numbered line broke: connect anew and ask the engine to go on where it was. */
void engine_link_resume(engine_link_t *self);
/* What a numbered line needs from time to time while something is waited for: a question whether it still stands, or an
 * end to an attempt to go on. */
void engine_link_see_to_line(engine_link_t *self);
/* The engine is gone: everything that waits for it fails with ENGINE_LOST. */
void engine_link_lose(engine_link_t *self, const char *reason);
/* If that was not done some milliseconds ago: lose the engine if it ran on this host, its connection is down and its
 * process is gone: known before the broker says so, or when there is no broker. */
void engine_link_check(engine_link_t *self);
/* ENGINE_LOST with the engine's name and the reason. */
int engine_link_lost_error(const engine_link_t *self, err_t *err);

/* Collect a call.  Waits while credit is used up.  raw (may be NULL) is referenced.  *ret_call may be NULL. */
int engine_link_call(engine_link_t *self, message_t *message, buf_t *raw, uint64_t *ret_call, err_t *err);
/* Could a call with so many raw bytes be collected without waiting? */
bool engine_link_has_credit(const engine_link_t *self, size_t raw_bytes);
/* An id that is not needed any more; never fails (what cannot be remembered is freed with the session). */
void engine_link_drop(engine_link_t *self, oid_t id, int64_t bytes);
/* Is it among the latest of these?  Take it back: it never came into being. */
bool engine_link_has_dropped(const engine_link_t *self, oid_t id);
bool engine_link_take_back(engine_link_t *self, oid_t id);
/* Add RELEASE for the dropped ids to the batch, as far as there is room. */
void engine_link_add_releases(engine_link_t *self);
/* Add RELEASE for the dropped ids and send the batch, without waiting.  OK or BUSY. */
int engine_link_flush(engine_link_t *self, err_t *err);
/* The same for who waits, as far as the link takes it; but a few ids of little memory, if there is nothing else, ride
 * on what is sent within the next milliseconds: an engine that is woken for them alone costs more than they. */
void engine_link_push(engine_link_t *self);
/* Ask the engine to give up what was sent so far: the calls that make these objects, or (count 0) everything. */
void engine_link_cancel(engine_link_t *self, const oid_t *objects, int count);
/* Likewise the calls with these numbers, of which there are at most 512; unbegun: those that have begun go on. */
void engine_link_cancel_calls(engine_link_t *self, const int64_t *calls, int count, bool unbegun);
/* Take what has arrived. */
bool engine_link_receive(engine_link_t *self);
/* Take what has arrived through the rings: a glance at memory where nothing has. */
bool engine_link_glance(engine_link_t *self);

#endif
