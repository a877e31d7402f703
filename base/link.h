/* base/link.h - the seam between farhand and the network.
 *
 * A link moves multi-frame messages between peers.  Three implementations stand behind one interface: ZeroMQ
 * (base/link_zmq*.c, the only files that include <zmq.h> in base), rings in shared memory (base/link_ring.h) and an
 * in-memory twin for tests (base/link_loop.c).
 * Thread rule: a link is used by one thread at a time; link_fd may be polled anywhere.
 *
 * A "server" link (ROUTER) has many peers, each named by a peer_t that the transport makes; a "client" link (DEALER)
 * has one peer, and its peer arguments are ignored.  Nothing is dropped in silence: a message is either accepted, or
 * refused with BUSY (no room now; poll and try again) or CANNOT_CONNECT (no such peer any more). */
#ifndef FH_BASE_LINK_H
#define FH_BASE_LINK_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINK_MAX_FRAMES = 64, LINK_PEER_MAX = 32 };

/* The transport's name of one connection; changes when the peer reconnects. */
typedef struct {
    uint8_t size;
    uint8_t bytes[LINK_PEER_MAX];
} peer_t;

/* A message that was received.  frames[i] are views, valid until link_message_release. */
typedef struct {
    peer_t peer;   /* server links: who sent it */
    char user[48]; /* authenticated public key (Z85), "" where the transport has none (ipc, loop) */
    int count;
    struct {
        const uint8_t *data;
        size_t size;
    } frames[LINK_MAX_FRAMES];
    void *owner[LINK_MAX_FRAMES]; /* private to the link */
} link_message_t;

/* One frame to send.  Either bytes that are copied (buf NULL), or a slice of a buf_t, sent without a copy: the link
 * takes its own reference and drops it when the bytes are out. */
typedef struct {
    const void *data;
    size_t size;
    buf_t *buf;
} link_frame_t;

typedef struct link link_t;

typedef struct {
    int (*send)(link_t *self, const peer_t *peer, const link_frame_t *frames, int count, err_t *err);
    int (*receive)(link_t *self, link_message_t *ret, err_t *err);
    void (*message_release)(link_message_t *message);
    void (*message_drop)(link_message_t *message, int from); /* NULL: it cannot free frames one by one */
    int (*fd)(link_t *self);
    bool (*ready)(link_t *self, bool *ret_can_send);
    void (*destroy)(link_t *self);
} link_ops_t;

struct link {
    const link_ops_t *ops;
};

/* Send all frames as one message without waiting.  OK; BUSY: nothing was sent, try later; CANNOT_CONNECT: the peer is
 * gone. */
int link_send(link_t *self, const peer_t *peer, const link_frame_t *frames, int count, err_t *err);
/* Take one message without waiting.  OK; BUSY: none is there; CANNOT_CONNECT: none will come any more (rings only);
 * PROTOCOL_ERROR: one was there and was thrown away (too many frames).  On OK the caller must
 * link_message_release(ret). */
int link_receive(link_t *self, link_message_t *ret, err_t *err);
void link_message_release(link_t *self, link_message_t *message);
/* Give back the memory of the frames from a number on before the rest is released, where the link can; their data is
 * NULL then, their sizes stay. */
void link_message_drop(link_t *self, link_message_t *message, int from);
/* A file descriptor that turns readable when something may have changed (edge-triggered, as ZMQ_FD): after polling it,
 * call link_receive until BUSY before polling again. */
int link_fd(link_t *self);
/* True if link_receive would give something now; *ret_can_send (may be NULL): a client link could send now. */
bool link_ready(link_t *self, bool *ret_can_send);
/* Close and set *self to NULL.  Idempotent.  Unsent messages linger as its options said. */
void link_destroy(link_t **self);

/* --- ZeroMQ ------------------------------------------------------------------------------------------------------- */

typedef struct {
    char public_key[41]; /* Z85 text */
    char secret_key[41];
} link_keys_t;

typedef struct {
    const link_keys_t *keys;    /* NULL: no encryption (ipc only) */
    const char *server_key;     /* client links: the server's public key, Z85 */
    const char *zap_domain;     /* server links with keys: required; ZAP is enforced */
    int send_limit_messages;    /* high-water mark; 0: 1000 */
    int receive_limit_messages; /* 0: 1000 */
    int64_t max_frame_bytes;    /* refuse larger incoming frames; 0: 4 MiB + 4 KiB */
    int linger_ms;              /* how long destroy may wait for unsent messages */
} link_zmq_options_t;

/* A new ZeroMQ context for a process that has none of CZMQ's.  Exactly one in a process. */
int link_zmq_context_new(void **ret, err_t *err);
void link_zmq_context_destroy(void **context);
/* A ROUTER that binds to endpoint; "tcp://HOST:*" picks a free port.  ret_endpoint (size endpoint_size) gets the real
 * one. */
int link_zmq_bind(link_t **ret, void *context, const char *endpoint, const link_zmq_options_t *options,
                  char *ret_endpoint, size_t endpoint_size, err_t *err);
/* A DEALER that connects to endpoint (returns before the connection stands). */
int link_zmq_connect(link_t **ret, void *context, const char *endpoint, const link_zmq_options_t *options, err_t *err);
/* The raw socket, for CZMQ's pollers at the daemons' edge. */
void *link_zmq_socket(link_t *self);
int link_zmq_keys_new(link_keys_t *ret, err_t *err);
/* Does the server at endpoint keep strangers out?  Connects with a key made for this and waits for the verdict: OK if
 * it was refused, PERMISSION if it was let in, TIMEOUT if there was no verdict within timeout_ms.  Waits; for daemons
 * at their start. */
int link_zmq_self_test(void *context, const char *endpoint, const char *server_key, int timeout_ms, err_t *err);

/* --- the in-memory twin ------------------------------------------------------------------------------------------- */

/* A server link and a way to open client links to it, all in one process; limit: messages queued per direction. */
int link_loop_server(link_t **ret, int limit, err_t *err);
int link_loop_client(link_t **ret, link_t *server, err_t *err);

#endif
