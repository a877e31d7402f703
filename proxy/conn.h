/* proxy/conn.h - one connection of a session: messages out in batches, replies in by call number.
 *
 * Messages are collected with conn_add and leave together with conn_flush, as one header frame and their raw frames.  A
 * request_t stands for a run of calls whose replies somebody waits for; it lives where the waiter lives (often on its
 * stack) and must be removed with conn_forget before that goes.  Replies that nobody waits for are passed over. Thread
 * rule: that of the session, one thread at a time.
 *
 * A connection to an engine may be numbered (codecs/line.h): frames are kept until the engine has confirmed them, and
 * when the link breaks the connection goes on over another one (conn_relink, conn_resume); calls and requests do not
 * notice.
 *
 * A connection to an engine on this host may get a second link, its rings (proxy/ring_link.h).  Then everything goes
 * through them; the first link stays and tells whether the engine is there. */
#ifndef FH_PROXY_CONN_H
#define FH_PROXY_CONN_H

#include "codecs/line.h"

enum {
    CONN_MAX_RAW = 16,                  /* raw frames in one batch */
    CONN_BATCH_BYTES = 48 * 1024,       /* a header frame of this size should leave */
    CONN_KEPT_BYTES = 32 * 1024 * 1024, /* of frames that the other side has not confirmed: no more leaves then */
};

typedef struct request request_t;

/* A reply has come; raw frames are valid during the call.  A non-zero status fails the request with err. */
typedef int (*request_reply_fn)(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err);

struct request {
    uint64_t first, count;  /* calls first .. first+count-1 */
    uint64_t due;           /* final replies that have not come yet; 0: done */
    bool rows;              /* any number of replies, then END */
    request_reply_fn reply; /* NULL: nothing but the status is wanted */
    void *context;
    int status; /* the first failure, else FH_OK */
    err_t err;
    request_t *next;
};

/* Counters of a session; conns add to them. */
typedef struct {
    uint64_t messages_sent, messages_received;
    uint64_t bytes_sent, bytes_received; /* of raw frames */
    uint64_t ring_messages;              /* sent through rings */
    uint64_t rings_failed;               /* connections whose rings were given up */
    uint64_t python_ring_calls;          /* through rings to Python hosts */
} conn_stats_t;

typedef struct {
    link_t *link;
    link_t *ring; /* in shared memory, or NULL: everything is sent through it then */
    header_writer_t *writer;
    line_t line;               /* numbered or not */
    header_writer_t *greeting; /* HELLO over a new link that was not sent yet, or NULL */
    bool holding;              /* nothing else leaves before WELCOME */
    int64_t heard_ns;          /* when something last came, by the coarse clock */
    arena_t *arena;
    buf_t *raw[CONN_MAX_RAW];
    int nraw;
    char peer;          /* role of the other side: 'B' or 'E' */
    uint64_t last_call; /* number of the last call that was added */
    request_t *requests, *last_request;
    bool touched;            /* link was used since it was last found empty: its descriptor may be mute */
    uint64_t rings_answered; /* how often the other side had been rung when something last came through the rings */
    bool ring_over;          /* nothing will come through the rings any more */
    bool stale;          /* engines: the other side does not know our session (any more); nothing is answered then */
    conn_stats_t *stats; /* borrowed */
} conn_t;

/* Takes link over, also on failure.  peer is the role of the other side. */
int conn_init(conn_t *self, link_t *link, char peer, conn_stats_t *stats, err_t *err);
/* Close; requests that still wait fail with status and text of why.  Idempotent. */
void conn_release(conn_t *self, const err_t *why);

/* Add a message to the batch; its call field becomes the next number (also in *ret_call, may be NULL).
 * raw (may be NULL) is referenced, not taken.  BUSY: the batch is full, flush and try again; then nothing was added. */
int conn_add(conn_t *self, message_t *message, buf_t *raw, uint64_t *ret_call, err_t *err);
/* Add a message whose call field is already what it should be (PING 0, PONG, CANCEL). */
int conn_add_as_is(conn_t *self, const message_t *message, err_t *err);
bool conn_has_batch(const conn_t *self);
/* Send the batch without waiting.  OK (also when there is none); BUSY: still there.  While a numbered connection is
 * being made again it is kept for later, as far as there is room: OK. */
int conn_flush(conn_t *self, err_t *err);

/* As an initializer with these fields, without clearing room for texts of errors: for calls made one by one. */
static inline void
request_init(request_t *self, request_reply_fn reply, void *context)
{
    self->first = self->count = self->due = 0;
    self->rows = false;
    self->reply = reply;
    self->context = context;
    self->status = FH_OK;
    err_clear(&self->err);
    self->next = NULL;
}

/* Wait for count replies from call first on. */
void conn_expect(conn_t *self, request_t *request, uint64_t first, uint64_t count);
/* The same for requests of which there are many at a time, answered in their order: they are looked for oldest first,
 * after all others. */
void conn_expect_in_order(conn_t *self, request_t *request, uint64_t first, uint64_t count);
void conn_forget(conn_t *self, request_t *request);
/* Fail all requests. */
void conn_fail(conn_t *self, const err_t *why);

/* News: a message that answers no request (call 0, DONE, an ERROR nobody waits for). */
typedef void (*conn_news_fn)(void *context, const message_t *news);
/* Take everything that has arrived.  *ret_any (may be NULL): something had. */
void conn_receive(conn_t *self, conn_news_fn news, void *context, bool *ret_any);
/* Only what has come through the rings: cheap where nothing has. */
void conn_receive_ring(conn_t *self, conn_news_fn news, void *context, bool *ret_any);
/* From now on frames are numbered, both ways.  A batch is sent before, or dropped. */
void conn_number(conn_t *self);
/* Send a message alone and without a number, now or not at all. */
void conn_say(conn_t *self, const message_t *message);
/* Take over another link to the same engine in place of the one that broke.  Nothing but this HELLO leaves over it
 * before conn_resume.  On failure (NO_MEMORY) nothing has changed, and link is still the caller's. */
int conn_relink(conn_t *self, link_t *link, const message_t *hello, err_t *err);
/* WELCOME has come: the engine has had the frames up to heard; the rest is sent again. */
void conn_resume(conn_t *self, uint64_t heard);
/* Is everything that was flushed out of our hands? */
bool conn_is_sent(const conn_t *self);

#endif
