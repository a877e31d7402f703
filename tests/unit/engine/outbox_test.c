/* engine/outbox over the in-memory link: order, raw frames, a peer that takes nothing. */
#include "engine/outbox.h"
#include "tests/support/check.h"

#include <string.h>

enum { LIMIT = 2 }; /* messages that the link holds */

typedef struct {
    link_t *server, *client;
    outbox_t *outbox;
    peer_t peer;
    arena_t *arena;
} bench_t;

static int
start(void **state)
{
    static bench_t bench;
    link_message_t message;
    err_t err;

    memset(&bench, 0, sizeof bench);
    check_ok(link_loop_server(&bench.server, LIMIT, &err), err);
    check_ok(link_loop_client(&bench.client, bench.server, &err), err);
    check_ok(outbox_new(&bench.outbox, &err), err);
    check_ok(arena_new(&bench.arena, 1 << 20, &err), err);
    /* The server learns of its peer by a message. */
    check_ok(link_send(bench.client, NULL, &(link_frame_t){.data = "x", .size = 1}, 1, &err), err);
    check_ok(link_receive(bench.server, &message, &err), err);
    bench.peer = message.peer;
    link_message_release(bench.server, &message);
    *state = &bench;
    return 0;
}

static int
stop(void **state)
{
    bench_t *bench = *state;

    outbox_destroy(&bench->outbox);
    link_destroy(&bench->client);
    link_destroy(&bench->server);
    arena_destroy(&bench->arena);
    return 0;
}

static void
add_data(bench_t *bench, uint64_t call, size_t size)
{
    message_t message = {.code = MSG_DATA, .raw = 1, .as.DATA.call = call};
    buf_t *raw;
    err_t err;

    check_ok(buf_new(&raw, size, 0, &err), err);
    memset(buf_data(raw), (int)call, size);
    check_ok(outbox_add(bench->outbox, &message, &raw, &err), err);
    buf_unref(&raw);
}

static void
add_ok(bench_t *bench, uint64_t call)
{
    err_t err;

    check_ok(outbox_add(bench->outbox, &(message_t){.code = MSG_OK, .as.OK.call = call}, NULL, &err), err);
}

/* Take what has come; every message must have the next number, every raw frame must hold it.  Returns how many frames
 * came. */
static int
take(bench_t *bench, uint64_t *next)
{
    link_message_t frame;
    header_reader_t reader;
    message_t message;
    int frames = 0;
    err_t err;

    while (link_receive(bench->client, &frame, &err) == FH_OK) {
        uint32_t raw = 1;

        frames++;
        check_ok(header_open(&reader, frame.frames[0].data, frame.frames[0].size, &err), err);
        while (header_next(&reader, bench->arena, 'E', 'C', (uint32_t)frame.count - 1, &message, &err) == FH_OK) {
            assert_int_equal(message_call(&message), (*next)++);
            if (message.raw)
                assert_int_equal(frame.frames[raw].data[0], (uint8_t)message_call(&message));
            raw += message.raw;
        }
        assert_int_equal(raw, (uint32_t)frame.count);
        link_message_release(bench->client, &frame);
    }
    return frames;
}

static int
flush(bench_t *bench)
{
    err_t err;

    return outbox_flush(bench->outbox, bench->server, &bench->peer, &err);
}

static void
small_messages_travel_in_one_frame(void **state)
{
    bench_t *bench = *state;
    uint64_t next = 1;

    assert_int_equal(outbox_bytes(bench->outbox), 0);
    assert_int_equal(flush(bench), FH_OK);
    for (uint64_t i = 1; i <= 100; i++)
        add_ok(bench, i);
    assert_int_equal(flush(bench), FH_OK);
    assert_int_equal(outbox_bytes(bench->outbox), 0);
    assert_int_equal(take(bench, &next), 1);
    assert_int_equal(next, 101);
}

static void
raw_frames_follow_their_messages_in_order(void **state)
{
    bench_t *bench = *state;
    uint64_t next = 1;
    int status;

    for (uint64_t i = 1; i <= 200; i++)
        if (i % 3)
            add_data(bench, i, 10);
        else
            add_ok(bench, i);
    do {
        status = flush(bench);
        (void)take(bench, &next);
    } while (status == FH_BUSY);
    assert_int_equal(status, FH_OK);
    assert_int_equal(next, 201);
}

static void
what_a_busy_peer_does_not_take_waits_in_order(void **state)
{
    enum { BYTES = 600 * 1024 };
    bench_t *bench = *state;
    uint64_t next = 1;

    for (uint64_t i = 1; i <= 20; i++)
        add_data(bench, i, BYTES);
    assert_int_equal(flush(bench), FH_BUSY);
    assert_true(outbox_bytes(bench->outbox) > 10 * BYTES);
    add_ok(bench, 21);
    for (int turn = 0; turn < 20 && next <= 21; turn++) {
        assert_true(take(bench, &next) <= LIMIT);
        (void)flush(bench);
    }
    assert_int_equal(next, 22);
    assert_int_equal(outbox_bytes(bench->outbox), 0);
}

static void
message_that_breaks_its_bounds_is_not_appended(void **state)
{
    bench_t *bench = *state;
    uint64_t next = 1;
    err_t err;

    add_ok(bench, 1);
    check_fails(outbox_add(bench->outbox, &(message_t){.code = MSG_OK}, NULL, &err), FH_INVALID_ARGUMENT, err);
    add_ok(bench, 2);
    assert_int_equal(flush(bench), FH_OK);
    assert_int_equal(take(bench, &next), 1);
    assert_int_equal(next, 3);
}

static void
peer_that_is_gone_is_told(void **state)
{
    bench_t *bench = *state;

    link_destroy(&bench->client);
    add_ok(bench, 1);
    assert_int_equal(flush(bench), FH_CANNOT_CONNECT);
}

/* Frames of a numbered line stay until the peer has them; another connection gets those that it has not. */
static void
numbered_frames_stay_until_they_are_confirmed(void **state)
{
    bench_t *bench = *state;
    link_message_t frame;
    outbox_sum_t sum = {0};
    err_t err;

    outbox_count_in(bench->outbox, &sum);
    outbox_number(bench->outbox);
    add_data(bench, 1, 1000);
    assert_int_equal(flush(bench), FH_OK);
    assert_false(outbox_waits(bench->outbox));
    size_t one = outbox_bytes(bench->outbox);

    assert_true(one > 1000);
    assert_int_equal(sum.bytes, one);
    assert_int_equal(sum.busy, 1);
    add_data(bench, 2, 1000);
    assert_int_equal(flush(bench), FH_OK);
    for (int i = 0; i < 2; i++) {
        check_ok(link_receive(bench->client, &frame, &err), err);
        assert_int_equal(frame.count, 2);
        link_message_release(bench->client, &frame);
    }
    assert_int_equal(outbox_resume(bench->outbox, 1), 0);
    assert_true(outbox_waits(bench->outbox));
    assert_true(outbox_bytes(bench->outbox) <= one + 8);
    assert_int_equal(flush(bench), FH_OK);
    check_ok(link_receive(bench->client, &frame, &err), err);
    assert_int_equal(frame.frames[1].data[0], 2);
    link_message_release(bench->client, &frame);
    assert_int_equal(outbox_hear(bench->outbox, &(msg_LINE_t){.number = 1, .heard = 2}, 10), FH_OK);
    assert_int_equal(outbox_bytes(bench->outbox), 0);
    assert_int_equal(sum.bytes, 0);
    /* What has come is told at the latest after a number of frames. */
    for (uint64_t i = 2; i < 100; i++)
        assert_int_equal(outbox_hear(bench->outbox, &(msg_LINE_t){.number = i, .heard = 2}, 10), FH_OK);
    assert_true(outbox_waits(bench->outbox));
    outbox_destroy(&bench->outbox);
    assert_int_equal(sum.busy, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_messages_travel_in_one_frame, start, stop),
        cmocka_unit_test_setup_teardown(raw_frames_follow_their_messages_in_order, start, stop),
        cmocka_unit_test_setup_teardown(what_a_busy_peer_does_not_take_waits_in_order, start, stop),
        cmocka_unit_test_setup_teardown(message_that_breaks_its_bounds_is_not_appended, start, stop),
        cmocka_unit_test_setup_teardown(peer_that_is_gone_is_told, start, stop),
        cmocka_unit_test_setup_teardown(numbered_frames_stay_until_they_are_confirmed, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
