/* tests/process/broker_rig.h - a real broker in a folder of its own, and raw peers that talk to it message by message.
 * Functions fail the running test when they cannot do their work. */
#ifndef FH_TESTS_PROCESS_BROKER_RIG_H
#define FH_TESTS_PROCESS_BROKER_RIG_H

#include "base/link.h"
#include "codecs/connection_file.h"
#include "codecs/message.h"
#include "tests/support/check.h"
#include "tests/support/proc.h"

typedef struct {
    char folder[PATH_MAX];
    link_keys_t broker_keys, client_keys, engine_keys;
    void *context; /* of the peers */
    proc_t broker;
    char endpoint[256];
    const char *options[8]; /* more arguments, ended by NULL */
    int peers;              /* connections that are open: a failed test leaves some, and the context with them */
} rig_t;

/* Make keys and files, start the broker and wait until it is ready.  options: as rig->options; may be NULL. */
void rig_start(rig_t *self, const char *const *options);
/* kill -9 and start again in the same folder. */
void rig_restart(rig_t *self);
void rig_start_again(rig_t *self);
/* SIGTERM; the broker must end with status 0 in time. */
void rig_stop(rig_t *self);

/* One connection to the broker. */
typedef struct {
    rig_t *rig;
    link_t *link;
    header_writer_t *writer;
    arena_t *arena;
    link_message_t frame; /* that the last message came in */
    bool held;            /* frame is to be released */
    header_reader_t reader;
    oid_t id;
    char role;     /* 'C' or 'E' */
    uint64_t call; /* the last that was used */
    size_t pings;  /* that came */
} rig_peer_t;

/* Connect as 'C' or 'E', or with other keys; no HELLO yet. */
void rig_connect(rig_t *self, rig_peer_t *peer, char role);
void rig_connect_keys(rig_t *self, rig_peer_t *peer, char role, const link_keys_t *keys);
void rig_disconnect(rig_peer_t *peer);
void rig_send(rig_peer_t *peer, const message_t *message);
/* Any bytes, as one frame. */
void rig_send_bytes(rig_peer_t *peer, const void *bytes, size_t size);
/* The next message, valid until the next call; PINGs are passed over.  False at the deadline. */
bool rig_receive(rig_peer_t *peer, message_t *ret, double timeout_s);
/* The next message, which must have this code; others fail the test, but news that nobody waits for is passed over. */
void rig_expect(rig_peer_t *peer, msg_code_t code, message_t *ret);
/* The next message must be an ERROR with this status. */
void rig_expect_error(rig_peer_t *peer, int status, message_t *ret);
/* HELLO with peer->id (a fresh one if that is none) and WELCOME. */
void rig_hello(rig_peer_t *peer, message_t *ret_welcome);
/* Connect, HELLO and, for engines, ANNOUNCE. */
void rig_client(rig_t *self, rig_peer_t *peer);
void rig_engine(rig_t *self, rig_peer_t *peer);
/* HEARTBEAT: an engine that is silent for 1.5 s is lost. */
void rig_beat(rig_peer_t *engine);
/* OBJECT news for an object of a session. */
void rig_tell_object(rig_peer_t *engine, oid_t object, oid_t session);
/* PUBLISH of one piece on one engine, whose answer is waited for elsewhere. */
void rig_ask_publish(rig_peer_t *client, const char *name, oid_t object, const rig_peer_t *engine);
/* KEEP of one object, which must be the next that is no news; returns its call. */
uint64_t rig_expect_keep(rig_peer_t *engine, oid_t object);
/* PUBLISH; the engine confirms it, and the client gets OK. */
void rig_publish(rig_peer_t *client, const char *name, oid_t object, rig_peer_t *engine);

#endif
