#include "base/stream.h"
#include "base/stream_socket.h"
#include "tests/support/check.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, SHORT_MS = 50 };

/* A server that admits one stream with the ticket that it is given; the other end is the test's. */
typedef struct {
    int listener, port;
    stream_ticket_t ticket;
    stream_options_t options;
    stream_t *server, *client;
    int accepted;
    err_t err;
    pthread_t thread;
} pair_t;

static void *
admit(void *context)
{
    pair_t *self = context;
    uint8_t token[STREAM_TOKEN];
    struct pollfd item = {.fd = self->listener, .events = POLLIN};
    int fd = poll(&item, 1, PATIENCE_MS) == 1 ? accept(self->listener, NULL, NULL) : -1;
    self->accepted = fd < 0 ? FH_TIMEOUT : stream_accept(&self->server, fd, PATIENCE_MS, token, &self->err);
    if (!self->accepted && memcmp(token, self->ticket.token, sizeof token) != 0)
        self->accepted = err_set(&self->err, FH_PERMISSION, "another token");
    if (!self->accepted)
        self->accepted = stream_admit(self->server, &self->ticket, &self->options, &self->err);
    return NULL;
}

static void
begin(pair_t *self, bool sealed, bool compress)
{
    err_t err;
    memset(self, 0, sizeof *self);
    self->options = (stream_options_t){.patience_ms = PATIENCE_MS, .sealed = sealed, .compress = compress};
    check_ok(stream_ticket_new(&self->ticket, &err), err);
    check_ok(stream_listen("127.0.0.1", &self->listener, &self->port, &err), err);
    assert_int_equal(pthread_create(&self->thread, NULL, admit, self), 0);
}

static void
open_pair(pair_t *self, bool sealed, bool compress)
{
    err_t err;
    begin(self, sealed, compress);
    check_ok(stream_connect(&self->client, "127.0.0.1", self->port, &self->ticket, &self->options, &err), err);
    pthread_join(self->thread, NULL);
    check_ok(self->accepted, self->err);
}

static void
close_pair(pair_t *self)
{
    stream_destroy(&self->client);
    stream_destroy(&self->server);
    close(self->listener);
}

static void
fill(char *bytes, size_t size, unsigned seed, bool dull)
{
    uint64_t x = seed * 2654435761U + 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        bytes[i] = dull ? (char)(i / 1000) : (char)(x >> 56);
    }
}

/* One chunk there and back. */
static void
carry(pair_t *pair, uint32_t size, unsigned seed, bool dull)
{
    char *from = malloc(size ? size : 1), *to = calloc(1, size ? size : 1);
    stream_record_t record = {.op = STREAM_PUT, .size = size, .offset = UINT64_C(5) << 32}, got;
    err_t err;
    assert_non_null(from);
    assert_non_null(to);
    fill(from, size, seed, dull);
    memset(record.id, (int)seed, sizeof record.id);
    check_ok(stream_send(pair->client, &record, from, &err), err);
    check_ok(stream_receive(pair->server, &got, -1, &err), err);
    assert_int_equal(got.op, STREAM_PUT);
    assert_int_equal(got.size, size);
    assert_true(got.offset == UINT64_C(5) << 32);
    assert_memory_equal(got.id, record.id, sizeof record.id);
    check_ok(stream_take(pair->server, &got, to, &err), err);
    assert_memory_equal(from, to, size);
    record.op = STREAM_TAKEN;
    check_ok(stream_send(pair->server, &record, NULL, &err), err);
    check_ok(stream_receive(pair->client, &got, PATIENCE_MS, &err), err);
    assert_int_equal(got.op, STREAM_TAKEN);
    free(from);
    free(to);
}

static void
bytes_arrive_as_they_were(void **state)
{
    static const uint32_t sizes[] = {0, 1, 17, 4096, 131071, 131072, 131073, 262144 - 8, 262144};
    (void)state;
    for (int mode = 0; mode < 4; mode++) {
        pair_t pair;
        open_pair(&pair, mode & 1, mode & 2);
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            carry(&pair, sizes[i], i + 1, true);
            carry(&pair, sizes[i], i + 1, false);
        }
        close_pair(&pair);
    }
}

static void
compression_shrinks_and_gives_up(void **state)
{
    pair_t pair;
    uint64_t before;
    (void)state;
    open_pair(&pair, true, true);
    carry(&pair, 262144, 1, true);
    assert_true(stream_wire_bytes(pair.client) < 262144 / 4);
    for (int i = 0; i < 4; i++)
        carry(&pair, 262144, 2, false);
    before = stream_wire_bytes(pair.client);
    carry(&pair, 262144, 1, true); /* it has stopped trying */
    assert_true(stream_wire_bytes(pair.client) - before >= 262144);
    close_pair(&pair);
}

static void
wrong_tickets_are_not_admitted(void **state)
{
    pair_t pair;
    err_t err;
    (void)state;
    begin(&pair, true, false);
    stream_ticket_t other = pair.ticket;
    other.token[3] ^= 1;
    /* The server says nothing to a stranger: it closes. */
    pair.options.patience_ms = SHORT_MS;
    int status = stream_connect(&pair.client, "127.0.0.1", pair.port, &other, &pair.options, &err);
    assert_int_not_equal(status, FH_OK);
    pthread_join(pair.thread, NULL);
    assert_int_equal(pair.accepted, FH_PERMISSION);
    close_pair(&pair);
}

static void
wrong_keys_open_nothing(void **state)
{
    pair_t pair;
    err_t err;
    stream_record_t record = {.op = STREAM_GET, .size = 8}, got;
    (void)state;
    begin(&pair, true, false);
    stream_ticket_t other = pair.ticket;
    other.to_server[0] ^= 1; /* who has seen the token on the wire lacks the keys */
    check_ok(stream_connect(&pair.client, "127.0.0.1", pair.port, &other, &pair.options, &err), err);
    pthread_join(pair.thread, NULL);
    check_ok(stream_send(pair.client, &record, NULL, &err), err);
    check_fails(stream_receive(pair.server, &got, PATIENCE_MS, &err), FH_PERMISSION, err);
    close_pair(&pair);
}

/* A raw socket where the server expects a stream. */
static int
raw_client(pair_t *pair, bool sealed)
{
    err_t err;
    int fd;
    char greeting[4 + STREAM_TOKEN] = "FHS1", answer[4];
    begin(pair, sealed, false);
    memcpy(greeting + 4, pair->ticket.token, STREAM_TOKEN);
    check_ok(stream_socket_connect(&fd, "127.0.0.1", pair->port, PATIENCE_MS, &err), err);
    assert_int_equal(write(fd, greeting, sizeof greeting), sizeof greeting);
    check_ok(stream_socket_receive(fd, answer, sizeof answer, PATIENCE_MS, &err), err);
    pthread_join(pair->thread, NULL);
    check_ok(pair->accepted, pair->err);
    return fd;
}

static void
records_that_cannot_be_are_refused(void **state)
{
    /* op, compressed, reserved, size, stored */
    static const struct {
        uint8_t op, compressed, reserved;
        uint32_t size, stored;
    } bad[] = {{0, 0, 0, 8, 0},         {9, 0, 0, 8, 0},    {1, 0, 1, 8, 0},
               {1, 2, 0, 8, 0},         {1, 0, 0, 8, 8},    {1, 1, 0, 8, 0},
               {2, 0, 0, 8, 7},         {2, 1, 0, 8, 8},    {2, 0, 0, STREAM_CHUNK + 1, STREAM_CHUNK + 1},
               {5, 0, 0, 512, 512},     {5, 1, 0, 100, 50}, {2, 1, 0, UINT32_MAX, UINT32_MAX - 1},
               {4, 0, 0, 1, UINT32_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pair_t pair;
        stream_record_t got;
        err_t err;
        uint8_t head[40] = {bad[i].op, bad[i].compressed, bad[i].reserved};
        int fd = raw_client(&pair, false);
        memcpy(head + 4, &bad[i].size, 4);
        memcpy(head + 8, &bad[i].stored, 4);
        assert_int_equal(write(fd, head, sizeof head), sizeof head);
        check_fails(stream_receive(pair.server, &got, PATIENCE_MS, &err), FH_PROTOCOL_ERROR, err);
        close(fd);
        close_pair(&pair);
    }
}

static void
compressed_rubbish_is_refused(void **state)
{
    pair_t pair;
    stream_record_t got;
    err_t err;
    char *place = malloc(STREAM_CHUNK);
    const uint32_t size = STREAM_CHUNK, stored = 1000;
    uint8_t message[40 + 1000] = {STREAM_PUT, 1};
    (void)state;
    assert_non_null(place);
    int fd = raw_client(&pair, false);
    memcpy(message + 4, &size, 4);
    memcpy(message + 8, &stored, 4);
    fill((char *)message + 40, stored, 7, false);
    assert_int_equal(write(fd, message, sizeof message), sizeof message);
    check_ok(stream_receive(pair.server, &got, PATIENCE_MS, &err), err);
    check_fails(stream_take(pair.server, &got, place, &err), FH_PROTOCOL_ERROR, err);
    close(fd);
    close_pair(&pair);
    free(place);
}

static void
a_silent_or_gone_peer_does_not_hold_us(void **state)
{
    pair_t pair;
    stream_record_t got, record = {.op = STREAM_PUT, .size = 4096};
    char bytes[4096] = "";
    err_t err;
    (void)state;
    open_pair(&pair, true, false);
    check_fails(stream_receive(pair.client, &got, SHORT_MS, &err), FH_TIMEOUT, err);
    close_pair(&pair);

    open_pair(&pair, true, false);
    check_ok(stream_send(pair.client, &record, bytes, &err), err);
    stream_destroy(&pair.client);
    check_ok(stream_receive(pair.server, &got, -1, &err), err);
    check_ok(stream_take(pair.server, &got, bytes, &err), err);
    check_fails(stream_receive(pair.server, &got, -1, &err), FH_CANCELLED, err);
    close_pair(&pair);

    int fd = raw_client(&pair, false);
    assert_int_equal(write(fd, bytes, 10), 10); /* a part of a record */
    close(fd);
    check_fails(stream_receive(pair.server, &got, -1, &err), FH_IO_ERROR, err);
    close_pair(&pair);
}

/* Who does not read costs his socket's buffer and the sender's patience. */
static void
a_peer_that_does_not_read_is_left(void **state)
{
    pair_t pair;
    stream_record_t record = {.op = STREAM_DATA, .size = STREAM_CHUNK};
    char *bytes = calloc(1, STREAM_CHUNK);
    err_t err;
    int status = FH_OK, sent = 0;
    (void)state;
    assert_non_null(bytes);
    begin(&pair, false, false);
    pair.options.patience_ms = SHORT_MS;
    check_ok(stream_connect(&pair.client, "127.0.0.1", pair.port, &pair.ticket, &pair.options, &err), err);
    pthread_join(pair.thread, NULL);
    for (; !status && sent < 1000; sent++)
        status = stream_send(pair.client, &record, bytes, &err);
    assert_int_equal(status, FH_TIMEOUT);
    assert_true(sent < 1000);
    close_pair(&pair);
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_as_they_were),
        cmocka_unit_test(compression_shrinks_and_gives_up),
        cmocka_unit_test(wrong_tickets_are_not_admitted),
        cmocka_unit_test(wrong_keys_open_nothing),
        cmocka_unit_test(records_that_cannot_be_are_refused),
        cmocka_unit_test(compressed_rubbish_is_refused),
        cmocka_unit_test(a_silent_or_gone_peer_does_not_hold_us),
        cmocka_unit_test(a_peer_that_does_not_read_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
