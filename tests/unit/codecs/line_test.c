/* codecs/line between two ends whose connection breaks at random moments: every frame comes once, in its order. */
#include "codecs/line.h"
#include "tests/support/check.h"

#include <string.h>

enum { ROUNDS = 2000, LIMIT = 1000, ARENA = 1 << 16 };

/* One end, with the link of the connection that stands. */
typedef struct {
    line_t line;
    link_t *link;
    peer_t peer;
    header_writer_t *writer;
    arena_t *arena;
    char role;
    uint64_t said, taken; /* the last numbers */
} end_t;

static int
start_end(end_t *self, char role)
{
    err_t err;
    memset(self, 0, sizeof *self);
    self->role = role;
    self->line.numbered = true;
    check_ok(header_writer_new(&self->writer, &err), err);
    check_ok(arena_new(&self->arena, ARENA, &err), err);
    return 0;
}

static void
stop_end(end_t *self)
{
    line_release(&self->line);
    header_writer_destroy(&self->writer);
    arena_destroy(&self->arena);
    if (self->link)
        link_destroy(&self->link);
}

/* A new connection; what the old one carried and nobody took is gone. */
static void
connect_ends(end_t *client, end_t *server)
{
    link_message_t message;
    err_t err;
    if (client->link)
        link_destroy(&client->link);
    if (server->link)
        link_destroy(&server->link);
    check_ok(link_loop_server(&server->link, LIMIT, &err), err);
    check_ok(link_loop_client(&client->link, server->link, &err), err);
    check_ok(link_send(client->link, NULL, &(link_frame_t){.data = "x", .size = 1}, 1, &err), err);
    check_ok(link_receive(server->link, &message, &err), err);
    server->peer = message.peer;
    link_message_release(server->link, &message);
}

/* One more frame, with the next number as a call and as a raw frame. */
static void
say(end_t *self)
{
    message_t message = {.code = MSG_PONG, .as.PONG.call = ++self->said};
    buf_t *raw = NULL;
    err_t err;
    check_ok(line_open(&self->line, self->writer, &err), err);
    check_ok(header_writer_add(self->writer, &message, &err), err);
    check_ok(buf_new_copy(&raw, &self->said, sizeof self->said, &err), err);
    check_ok(line_add(&self->line, self->writer, &raw, 1, &err), err);
    header_writer_reset(self->writer);
}

/* Take at most so many of the frames that have come. */
static void
take(end_t *self, uint64_t most)
{
    link_message_t frame;
    while (most-- && link_receive(self->link, &frame, NULL) == FH_OK) {
        header_reader_t reader;
        message_t message;
        err_t err;
        check_ok(header_open(&reader, frame.frames[0].data, frame.frames[0].size, &err), err);
        check_ok(header_next(&reader, self->arena, self->role, self->role == 'E' ? 'C' : 'E', 1, &message, &err), err);
        assert_int_equal(message.code, MSG_LINE);
        assert_int_equal(line_hear(&self->line, &message.as.LINE, frame.frames[0].size), FH_OK);
        check_ok(header_next(&reader, self->arena, self->role, self->role == 'E' ? 'C' : 'E', 1, &message, &err), err);
        assert_int_equal(message.as.PONG.call, self->taken + 1);
        self->taken++;
        assert_memory_equal(frame.frames[1].data, &self->taken, sizeof self->taken);
        link_message_release(self->link, &frame);
    }
}

static void
frames_come_once_over_connections_that_break(void **state)
{
    uint64_t seed = check_seed();
    end_t client, server;
    (void)state;
    start_end(&client, 'E'); /* the role of the other side */
    start_end(&server, 'C');
    connect_ends(&client, &server);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t dice = check_random(&seed);
        if (dice % 3)
            say(&client);
        if (dice % 5)
            say(&server);
        (void)line_send(&client.line, client.link, NULL, NULL);
        (void)line_send(&server.line, server.link, &server.peer, NULL);
        take(&server, dice / 16 % 4);
        take(&client, dice / 64 % 4);
        if (dice / 256 % 10 == 0) { /* the two tell each other what came, and go on */
            connect_ends(&client, &server);
            line_confirm(&client.line, server.line.heard);
            line_confirm(&server.line, client.line.heard);
            line_again(&client.line);
            line_again(&server.line);
        }
    }
    (void)line_send(&client.line, client.link, NULL, NULL);
    (void)line_send(&server.line, server.link, &server.peer, NULL);
    take(&server, UINT64_MAX);
    take(&client, UINT64_MAX);
    assert_int_equal(server.taken, client.said);
    assert_int_equal(client.taken, server.said);
    stop_end(&client);
    stop_end(&server);
}

static void
what_is_confirmed_is_dropped_and_what_was_not_sent_is_not(void **state)
{
    end_t client, server;
    (void)state;
    start_end(&client, 'E');
    start_end(&server, 'C');
    connect_ends(&client, &server);
    say(&client);
    say(&client);
    size_t both = line_bytes(&client.line);
    line_confirm(&client.line, UINT64_MAX); /* a peer can claim what it likes */
    assert_int_equal(line_bytes(&client.line), both);
    assert_int_equal(line_send(&client.line, client.link, NULL, NULL), FH_OK);
    assert_false(line_waits(&client.line));
    line_confirm(&client.line, 1);
    assert_true(line_bytes(&client.line) < both && line_bytes(&client.line) > 0);
    line_confirm(&client.line, UINT64_MAX);
    assert_int_equal(line_bytes(&client.line), 0);
    stop_end(&client);
    stop_end(&server);
}

static void
repeated_and_missing_frames_are_known(void **state)
{
    line_t line = {.numbered = true};
    (void)state;
    assert_int_equal(line_hear(&line, &(msg_LINE_t){.number = 2}, 10), FH_PROTOCOL_ERROR);
    assert_int_equal(line_hear(&line, &(msg_LINE_t){.number = 1}, 10), FH_OK);
    assert_int_equal(line_hear(&line, &(msg_LINE_t){.number = 1}, 10), FH_BUSY);
    assert_int_equal(line_hear(&line, &(msg_LINE_t){.number = UINT64_MAX}, 10), FH_PROTOCOL_ERROR);
    assert_int_equal(line.heard, 1);
    assert_false(line_owes(&line));
    assert_int_equal(line_hear(&line, &(msg_LINE_t){.number = 2}, 2 << 20), FH_OK);
    assert_true(line_owes(&line));
    line_release(&line);
}

static void
a_line_without_numbers_keeps_nothing(void **state)
{
    end_t client, server;
    (void)state;
    start_end(&client, 'E');
    start_end(&server, 'C');
    client.line.numbered = false;
    connect_ends(&client, &server);
    say(&client);
    assert_true(line_bytes(&client.line) > 0 && line_waits(&client.line));
    assert_int_equal(line_send(&client.line, client.link, NULL, NULL), FH_OK);
    assert_int_equal(line_bytes(&client.line), 0);
    stop_end(&client);
    stop_end(&server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_once_over_connections_that_break),
        cmocka_unit_test(what_is_confirmed_is_dropped_and_what_was_not_sent_is_not),
        cmocka_unit_test(repeated_and_missing_frames_are_known),
        cmocka_unit_test(a_line_without_numbers_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
