#include "base/stream.h"

#include "base/stream_seal.h"
#include "base/stream_socket.h"

#include <endian.h>
#include <lz4.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEAD = 40,          /* bytes of a record on the wire, before its tag */
    HELLO = 4,          /* what a stream begins with, both ways */
    PIECE = 128 * 1024, /* sealed at once: stays in the second-level cache */
    TRIALS = 4,         /* chunks that may fail to shrink before compression pauses */
    PAUSE = 64,         /* chunks that go as they are then */
    WORTH = 8,          /* a chunk must shrink by an eighth */
    MAX_STORED = LZ4_COMPRESSBOUND(STREAM_CHUNK),
};

static const char GREETING[HELLO + 1] = "FHS1";

struct stream {
    int fd;
    stream_options_t options;
    bool client;
    seal_t *out, *in;            /* NULL: plain */
    uint8_t *piece;              /* sealed: PIECE bytes of cipher text */
    uint8_t *stored;             /* compressed bytes, once there are any */
    int useless, pause;          /* chunks that did not shrink; that are to go as they are */
    _Atomic uint64_t wire_bytes; /* others look at it while bytes move */
};

/* ---- tickets -------------------------------------------------------------------------------------------------------
 */

int
stream_ticket_new(stream_ticket_t *ret, err_t *err)
{
    return getrandom(ret, sizeof *ret, 0) == (ssize_t)sizeof *ret
               ? FH_OK
               : err_set(err, FH_IO_ERROR, "the system gives no random bytes");
}

void
stream_ticket_write(const stream_ticket_t *ticket, uint8_t ret[STREAM_TICKET])
{
    memcpy(ret, ticket->token, STREAM_TOKEN);
    memcpy(ret + STREAM_TOKEN, ticket->to_server, STREAM_KEY);
    memcpy(ret + STREAM_TOKEN + STREAM_KEY, ticket->to_client, STREAM_KEY);
}

void
stream_ticket_read(const uint8_t bytes[STREAM_TICKET], stream_ticket_t *ret)
{
    memcpy(ret->token, bytes, STREAM_TOKEN);
    memcpy(ret->to_server, bytes + STREAM_TOKEN, STREAM_KEY);
    memcpy(ret->to_client, bytes + STREAM_TOKEN + STREAM_KEY, STREAM_KEY);
}

/* ---- beginning and end ---------------------------------------------------------------------------------------------
 */

static int
stream_new(stream_t **ret, int fd, int patience_ms, err_t *err)
{
    stream_t *self = calloc(1, sizeof *self);
    if (!self) {
        close(fd);
        return err_set(err, FH_NO_MEMORY, "no memory for a stream");
    }
    self->fd = fd;
    self->options.patience_ms = patience_ms;
    *ret = self;
    return FH_OK;
}

void
stream_destroy(stream_t **self)
{
    if (!*self)
        return;
    close((*self)->fd);
    seal_destroy(&(*self)->out);
    seal_destroy(&(*self)->in);
    free((*self)->piece);
    free((*self)->stored);
    free(*self);
    *self = NULL;
}

void
stream_shut(stream_t *self)
{
    (void)shutdown(self->fd, SHUT_RDWR);
}

/* Take what both sides have agreed on. */
static int
agree(stream_t *self, const stream_ticket_t *ticket, const stream_options_t *options, err_t *err)
{
    self->options = *options;
    if (!options->sealed)
        return FH_OK;
    self->piece = malloc(PIECE + SEAL_TAG);
    if (!self->piece)
        return err_set(err, FH_NO_MEMORY, "no memory for a sealed stream");
    int status = seal_new(&self->out, self->client ? ticket->to_server : ticket->to_client, false, err);
    return status ? status : seal_new(&self->in, self->client ? ticket->to_client : ticket->to_server, true, err);
}

static int
greet(stream_t *self, const void *bytes, size_t size, err_t *err)
{
    char greeting[HELLO + STREAM_TOKEN];
    memcpy(greeting, GREETING, HELLO);
    if (size)
        memcpy(greeting + HELLO, bytes, size);
    return stream_socket_send(self->fd, &(struct iovec){greeting, HELLO + size}, 1, self->options.patience_ms, err);
}

static int
take_greeting(stream_t *self, void *bytes, size_t size, err_t *err)
{
    char greeting[HELLO + STREAM_TOKEN];
    int status = stream_socket_receive(self->fd, greeting, HELLO + size, self->options.patience_ms, err);
    if (status)
        return status;
    if (memcmp(greeting, GREETING, HELLO) != 0)
        return err_set(err, FH_PROTOCOL_ERROR, "what speaks at the other end is no stream of farhand's");
    if (size)
        memcpy(bytes, greeting + HELLO, size);
    return FH_OK;
}

int
stream_connect(stream_t **ret, const char *host, int port, const stream_ticket_t *ticket,
               const stream_options_t *options, err_t *err)
{
    stream_t *self = NULL;
    int fd = -1, status = stream_socket_connect(&fd, host, port, options->patience_ms, err);
    if (!status)
        status = stream_new(&self, fd, options->patience_ms, err);
    if (status)
        return status;
    self->client = true;
    status = greet(self, ticket->token, STREAM_TOKEN, err);
    if (!status)
        status = take_greeting(self, NULL, 0, err);
    if (!status)
        status = agree(self, ticket, options, err);
    if (status)
        stream_destroy(&self);
    else
        *ret = self;
    return status;
}

int
stream_accept(stream_t **ret, int fd, int patience_ms, uint8_t ret_token[STREAM_TOKEN], err_t *err)
{
    stream_t *self = NULL;
    stream_socket_tune(fd, patience_ms);
    int status = stream_new(&self, fd, patience_ms, err);
    if (status)
        return status;
    status = take_greeting(self, ret_token, STREAM_TOKEN, err);
    if (status)
        stream_destroy(&self);
    else
        *ret = self;
    return status;
}

int
stream_admit(stream_t *self, const stream_ticket_t *ticket, const stream_options_t *options, err_t *err)
{
    stream_socket_tune(self->fd, options->patience_ms);
    int status = agree(self, ticket, options, err);
    return status ? status : greet(self, NULL, 0, err);
}

uint64_t
stream_wire_bytes(const stream_t *self)
{
    return atomic_load_explicit(&self->wire_bytes, memory_order_relaxed);
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

static bool
has_bytes(const stream_record_t *record)
{
    return record->op == STREAM_PUT || record->op == STREAM_DATA || record->op == STREAM_FAILED;
}

/* Compressed bytes, if that makes them enough fewer; 0: send them as they are. */
static uint32_t
compress(stream_t *self, const stream_record_t *record, const void *bytes)
{
    if (!self->options.compress || record->op == STREAM_FAILED || record->size < PIECE)
        return 0;
    if (self->pause > 0) {
        self->pause--;
        return 0;
    }
    if (!self->stored)
        self->stored = malloc(MAX_STORED);
    if (!self->stored)
        return 0;
    int limit = (int)(record->size - record->size / WORTH);
    int made = LZ4_compress_fast(bytes, (char *)self->stored, (int)record->size, limit, 1);
    if (made > 0) {
        self->useless = 0;
        return (uint32_t)made;
    }
    if (++self->useless >= TRIALS)
        self->pause = PAUSE;
    return 0;
}

static void
write_head(const stream_record_t *record, uint32_t stored, bool compressed, uint8_t head[HEAD])
{
    const uint32_t words[] = {htole32(record->size), htole32(stored), htole32(record->status)};
    const uint64_t offset = htole64(record->offset);
    head[0] = (uint8_t)record->op;
    head[1] = compressed;
    head[2] = head[3] = 0;
    memcpy(head + 4, words, sizeof words);
    memcpy(head + 16, &offset, sizeof offset);
    memcpy(head + 24, record->id, STREAM_ID);
}

/* Encrypt and send piece by piece, the tag with the last one; what is to go before them goes with the first. */
static int
send_sealed(stream_t *self, const uint8_t *bytes, size_t size, struct iovec before, err_t *err)
{
    int status = seal_begin(self->out, err);
    for (size_t done = 0; done < size && !status;) {
        size_t piece = size - done < PIECE ? size - done : PIECE;
        struct iovec pieces[2] = {before, {self->piece, piece}};
        status = seal_pass(self->out, bytes + done, piece, self->piece, err);
        done += piece;
        if (!status && done == size) {
            status = seal_end(self->out, self->piece + piece, err);
            pieces[1].iov_len += SEAL_TAG;
        }
        if (!status)
            status = stream_socket_send(self->fd, before.iov_len ? pieces : pieces + 1, before.iov_len ? 2 : 1,
                                        self->options.patience_ms, err);
        before.iov_len = 0;
    }
    return status;
}

static int
seal_head(stream_t *self, const uint8_t head[HEAD], uint8_t ret[HEAD + SEAL_TAG], err_t *err)
{
    int status = seal_begin(self->out, err);
    if (!status)
        status = seal_pass(self->out, head, HEAD, ret, err);
    return status ? status : seal_end(self->out, ret + HEAD, err);
}

int
stream_send(stream_t *self, const stream_record_t *record, const void *bytes, err_t *err)
{
    uint8_t head[HEAD], sealed[HEAD + SEAL_TAG];
    bool with_bytes = has_bytes(record) && record->size > 0;
    uint32_t packed = with_bytes ? compress(self, record, bytes) : 0;
    uint32_t stored = packed ? packed : with_bytes ? record->size : 0;
    union {
        const void *given;
        void *taken;
    } from = {.given = packed ? self->stored : bytes}; /* only read, but iovec does not say so */
    write_head(record, stored, packed > 0, head);
    atomic_fetch_add_explicit(&self->wire_bytes, stored + HEAD, memory_order_relaxed);
    if (!self->out) {
        struct iovec pieces[2] = {{head, HEAD}, {from.taken, stored}};
        return stream_socket_send(self->fd, pieces, stored ? 2 : 1, self->options.patience_ms, err);
    }
    int status = seal_head(self, head, sealed, err);
    struct iovec before = {sealed, sizeof sealed};
    if (status)
        return status;
    return stored ? send_sealed(self, from.given, stored, before, err)
                  : stream_socket_send(self->fd, &before, 1, self->options.patience_ms, err);
}

/* ---- receiving -----------------------------------------------------------------------------------------------------
 */

static int
read_head(const uint8_t head[HEAD], stream_record_t *ret, err_t *err)
{
    uint32_t words[3];
    uint64_t offset;
    memcpy(words, head + 4, sizeof words);
    memcpy(&offset, head + 16, sizeof offset);
    *ret = (stream_record_t){.op = head[0],
                             .size = le32toh(words[0]),
                             .status = le32toh(words[2]),
                             .offset = le64toh(offset),
                             .stored = le32toh(words[1]),
                             .compressed = head[1] == 1};
    memcpy(ret->id, head + 24, STREAM_ID);
    bool sound = ret->op >= STREAM_GET && ret->op <= STREAM_FAILED && head[1] <= 1 && !head[2] && !head[3] &&
                 ret->size <= (ret->op == STREAM_FAILED ? (uint32_t)STREAM_TEXT : (uint32_t)STREAM_CHUNK);
    if (sound && !has_bytes(ret))
        sound = ret->stored == 0 && !ret->compressed;
    else if (sound)
        sound = ret->compressed ? ret->stored < ret->size && ret->op != STREAM_FAILED : ret->stored == ret->size;
    return sound ? FH_OK : err_set(err, FH_PROTOCOL_ERROR, "a record of a stream that cannot be");
}

int
stream_receive(stream_t *self, stream_record_t *ret, int patience_ms, err_t *err)
{
    uint8_t head[HEAD + SEAL_TAG];
    int status = stream_socket_receive(self->fd, head, self->in ? sizeof head : (size_t)HEAD, patience_ms, err);
    if (!status && self->in) {
        status = seal_begin(self->in, err);
        if (!status)
            status = seal_pass(self->in, head, HEAD, head, err);
        if (!status)
            status = seal_end(self->in, head + HEAD, err);
    }
    return status ? status : read_head(head, ret, err);
}

static int
take_sealed(stream_t *self, uint8_t *place, size_t size, err_t *err)
{
    int status = seal_begin(self->in, err);
    for (size_t done = 0; done < size && !status;) {
        size_t piece = size - done < PIECE ? size - done : PIECE;
        bool last = done + piece == size;
        status =
            stream_socket_receive(self->fd, self->piece, piece + (last ? SEAL_TAG : 0), self->options.patience_ms, err);
        if (!status)
            status = seal_pass(self->in, self->piece, piece, place + done, err);
        if (!status && last)
            status = seal_end(self->in, self->piece + piece, err);
        done += piece;
    }
    return status;
}

static int
take_stored(stream_t *self, void *place, size_t size, err_t *err)
{
    if (self->in)
        return take_sealed(self, place, size, err);
    return stream_socket_receive(self->fd, place, size, self->options.patience_ms, err);
}

int
stream_take(stream_t *self, const stream_record_t *record, void *place, err_t *err)
{
    int status = FH_OK;
    atomic_fetch_add_explicit(&self->wire_bytes, record->stored + HEAD, memory_order_relaxed);
    if (!record->stored)
        return FH_OK;
    if (!record->compressed) {
        status = take_stored(self, place, record->stored, err);
    } else {
        if (!self->stored)
            self->stored = malloc(MAX_STORED);
        if (!self->stored)
            return err_set(err, FH_NO_MEMORY, "no memory to expand %u bytes", record->size);
        status = take_stored(self, self->stored, record->stored, err);
        if (!status && LZ4_decompress_safe((const char *)self->stored, place, (int)record->stored, (int)record->size) !=
                           (int)record->size)
            status = err_set(err, FH_PROTOCOL_ERROR, "compressed bytes of a stream cannot be expanded");
    }
    /* In the middle of a record an end is no orderly one. */
    return status == FH_CANCELLED ? err_set(err, FH_IO_ERROR, "a stream ended in the middle of a record") : status;
}
