/* tests/process/wire_peer.h - a peer that may send anything to a broker or an engine, and never waits for long. */
#ifndef FH_TESTS_PROCESS_WIRE_PEER_H
#define FH_TESTS_PROCESS_WIRE_PEER_H

#include "base/link.h"
#include "codecs/message.h"

/* Where to connect, and as whom. */
typedef struct {
    void *context;
    const char *endpoint;
    const link_keys_t *keys; /* NULL: none (ipc) */
    const char *server_key;
    char role, server; /* ours and theirs: 'C', 'B', 'E' */
} wire_target_t;

typedef struct {
    const wire_target_t *target;
    link_t *link;
    header_writer_t *writer;
    arena_t *arena;
    oid_t id;
    uint64_t call, received; /* last call used; frames that came */
} wire_peer_t;

/* A connection with a fresh session id; no HELLO yet. */
void wire_peer_open(wire_peer_t *self, const wire_target_t *target);
void wire_peer_close(wire_peer_t *self);
/* All frames as one message.  What comes meanwhile is thrown away.  False if there was no room for a second: we are cut
 * off. */
bool wire_peer_send(wire_peer_t *self, const link_frame_t *frames, int count);
/* The message, with raw frames of raw_bytes each. */
bool wire_peer_send_message(wire_peer_t *self, const message_t *message, size_t raw_bytes);
/* Send a message and wait for this code or ERROR with the same call; everything else that comes is passed over.  The
 * code that came; 0 at the deadline.  *ret (may be NULL) is valid until the next call. */
int wire_peer_ask(wire_peer_t *self, const message_t *message, msg_code_t answer, message_t *ret, double timeout_s);
/* HELLO; MSG_WELCOME, MSG_ERROR or 0 as above. */
int wire_peer_hello(wire_peer_t *self, double timeout_s);

#endif
