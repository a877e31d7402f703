/* tests/process/engine_rig.h - real engines beside a real broker, and raw clients that talk to them message by message.
 * Functions fail the running test when they cannot do their work. */
#ifndef FH_TESTS_PROCESS_ENGINE_RIG_H
#define FH_TESTS_PROCESS_ENGINE_RIG_H

#include "codecs/dtype.h"
#include "tests/process/broker_rig.h"

enum { ENGINES_MAX = 3 };

typedef struct {
    proc_t process;
    oid_t id;
    char endpoint[256], local[256];
} rig_engine_t;

typedef struct {
    rig_t broker;
    rig_peer_t watcher; /* a client of the broker */
    int count;
    rig_engine_t engines[ENGINES_MAX];
    int clients; /* connected */
} engine_rig_t;

/* A broker and count engines, all ready.  options: more arguments of the engines, ended by NULL; may be NULL. */
void engine_rig_start(engine_rig_t *self, int count, const char *const *options);
/* More of them. */
void engine_rig_add(engine_rig_t *self, int count, const char *const *options);
/* SIGTERM to all; each must end with status 0 in time. */
void engine_rig_stop(engine_rig_t *self);

/* One client's connection to one engine. */
typedef struct {
    engine_rig_t *rig;
    link_t *link;
    header_writer_t *writer;
    arena_t *arena;
    link_message_t frame;
    bool held;
    header_reader_t reader;
    oid_t session;
    uint64_t call; /* the last that was used */
    uint64_t done; /* the last DONE */
    bool numbered;
    uint64_t line, heard; /* of a numbered line: the last frame that was sent, that came */
    const void *raw[2];   /* of the last message */
    size_t raw_size[2];
} caller_t;

/* Connect over ipc (or tcp with a client's key) and say HELLO; session OID_NONE: a fresh one. */
void caller_open(caller_t *self, engine_rig_t *rig, int engine, oid_t session, bool tcp);
/* The same over ipc with numbered frames; resume: the session's line goes on, of which `heard` frames have come here.
 * caller_send numbers its frames; LINE of the engine's is noted in `heard` and passed over. */
void caller_open_numbered(caller_t *self, engine_rig_t *rig, oid_t session, bool resume, uint64_t heard,
                          message_t *ret_welcome);
void caller_close(caller_t *self);
/* GOODBYE, its answer, and close: the session's objects are gone. */
void caller_leave(caller_t *self);
/* Send a request; the first field of its struct, call, is filled in.  Returns the number. */
uint64_t caller_send(caller_t *self, const message_t *message, const void *raw, size_t size);
/* Send a header frame as it is. */
void caller_send_bytes(caller_t *self, const void *bytes, size_t size);
/* The next message; DONE is noted in done and passed over.  False at the deadline. */
bool caller_receive(caller_t *self, message_t *ret, double timeout_s);
/* The next message must have this code. */
void caller_expect(caller_t *self, msg_code_t code, message_t *ret);
/* The next message must be an ERROR with this status; *ret may be NULL. */
void caller_expect_error(caller_t *self, int status, message_t *ret);

/* EMPTY of one dimension, with bytes unless data is NULL. */
oid_t caller_array(caller_t *self, dtype_t dtype, int64_t n, const void *data);
oid_t caller_doubles(caller_t *self, int64_t n, double start, double step);
/* Fetch size bytes from the start. */
void caller_fetch(caller_t *self, oid_t object, void *ret, size_t size);
/* Send a FETCH of size bytes only. */
uint64_t caller_ask(caller_t *self, oid_t object, size_t size);
/* out = op(a, b) on float64. */
oid_t caller_binary(caller_t *self, const char *op, oid_t a, oid_t b);
oid_t caller_view(caller_t *self, oid_t object, int64_t offset, int64_t n, int64_t stride);
void caller_release(caller_t *self, oid_t object);
/* SYNC; OK must come. */
void caller_sync(caller_t *self);
/* A number of the engine's "stats". */
int64_t caller_stat(caller_t *self, const char *name);
/* Wait until a number of the stats has this value. */
void caller_wait_stat(caller_t *self, const char *name, int64_t value);

#endif
