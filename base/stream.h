/* base/stream.h - connections of TCP that carry nothing but array bytes, beside the links.
 *
 * A client asks over its link for tickets: one-time tokens with keys.  Each opens one stream.  On it the client sends
 * GET and PUT records, and the server answers each in its order with DATA, TAKEN or FAILED.  Bytes go from and to
 * where they lie, without a copy on the way.  A stream is sealed (AES-256-GCM, keys of the ticket, a counter as nonce)
 * or, where both sides are told to trust the network, plain.  Bytes may be compressed (LZ4); a sender that sees that
 * it is of no use stops.
 * Nothing waits for ever: a peer that moves no byte for the stream's patience is a TIMEOUT.  After any failure of
 * stream_send, stream_receive or stream_take the stream is of no use any more.
 * Thread rule: one thread at a time; stream_shut may be called from any. */
#ifndef FH_BASE_STREAM_H
#define FH_BASE_STREAM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STREAM_CHUNK = 1024 * 1024, /* array bytes in one record, at most */
    STREAM_TEXT = 511,          /* of FAILED, at most */
    STREAM_ID = 16,
    STREAM_TOKEN = 16,
    STREAM_KEY = 32,
    STREAM_TICKET = STREAM_TOKEN + 2 * STREAM_KEY, /* on the wire: token, key to the server, key to the client */
};

typedef struct {
    uint8_t token[STREAM_TOKEN];
    uint8_t to_server[STREAM_KEY], to_client[STREAM_KEY];
} stream_ticket_t;

typedef enum {
    STREAM_GET = 1, /* client: send me these bytes */
    STREAM_PUT,     /* client: take these bytes; they follow */
    STREAM_DATA,    /* server: they follow */
    STREAM_TAKEN,   /* server: they are in their place */
    STREAM_FAILED,  /* server: why not, as text that follows */
} stream_op_t;

/* What stands before the bytes. */
typedef struct {
    stream_op_t op;
    uint32_t size;   /* of array bytes, or of the text of FAILED */
    uint32_t status; /* of FAILED */
    uint64_t offset; /* within the array's C-order image */
    uint8_t id[STREAM_ID];
    uint32_t stored; /* received records: bytes that follow on the wire */
    bool compressed; /* received records: what follows has to be expanded */
} stream_record_t;

typedef struct {
    int patience_ms; /* without a byte moved */
    bool sealed;
    bool compress;
} stream_options_t;

typedef struct stream stream_t;

/* A ticket of random bytes.  IO_ERROR: the system gives none. */
int stream_ticket_new(stream_ticket_t *ret, err_t *err);
void stream_ticket_write(const stream_ticket_t *ticket, uint8_t ret[STREAM_TICKET]);
void stream_ticket_read(const uint8_t bytes[STREAM_TICKET], stream_ticket_t *ret);

/* The host in "tcp://HOST:PORT" or "tcp://[HOST]:PORT", cut to size. */
void stream_host_of(const char *endpoint, char *ret, size_t size);
/* Listen on host (a name or a number) at any port; *ret_port is the one.  Non-blocking. */
int stream_listen(const char *host, int *ret_fd, int *ret_port, err_t *err);
/* Connect, show the ticket, and wait to be admitted.  CANNOT_CONNECT, TIMEOUT, IO_ERROR, NO_MEMORY. */
int stream_connect(stream_t **ret, const char *host, int port, const stream_ticket_t *ticket,
                   const stream_options_t *options, err_t *err);
/* The server's side of that: takes fd, also on failure.  First read the token that the client shows, then admit it with
 * what was issued under that. */
int stream_accept(stream_t **ret, int fd, int patience_ms, uint8_t ret_token[STREAM_TOKEN], err_t *err);
int stream_admit(stream_t *self, const stream_ticket_t *ticket, const stream_options_t *options, err_t *err);
/* End it from any thread: whoever waits in it fails at once. */
void stream_shut(stream_t *self);
void stream_destroy(stream_t **self);

/* Send a record with its bytes (NULL where size means bytes that are asked for, or were taken). */
int stream_send(stream_t *self, const stream_record_t *record, const void *bytes, err_t *err);
/* Receive the next record; bytes may follow, for stream_take.  patience_ms < 0: wait as long as the connection stands.
 * PROTOCOL_ERROR, PERMISSION (it was changed on its way), TIMEOUT, IO_ERROR; CANCELLED: the other side has closed. */
int stream_receive(stream_t *self, stream_record_t *ret, int patience_ms, err_t *err);
/* The bytes of the record that was received, record->size of them, to their place. */
int stream_take(stream_t *self, const stream_record_t *record, void *place, err_t *err);
/* Bytes that went through the socket, for who wants to know what compression gains. */
uint64_t stream_wire_bytes(const stream_t *self);

#endif
