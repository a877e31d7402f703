/* engine/pyhost/direct: calls through a client's rings, and what a client must not send. */
#include "base/ring.h"
#include "engine/pyhost/direct.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    direct_t host;
    link_t *client;
    header_writer_t *writer;
    arena_t *arena;
    link_message_t received;
    pyhost_page_t page;
    int sockets[2];
} pair_t;

static int
start(void **state)
{
    pair_t *pair = calloc(1, sizeof *pair);
    link_ring_place_t place;
    err_t err;

    check_ok(direct_open(&pair->host, &place, &err), err);
    check_ok(link_ring_open(&pair->client, &place, &err), err);
    check_ok(header_writer_new(&pair->writer, &err), err);
    check_ok(arena_new(&pair->arena, 1 << 20, &err), err);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair->sockets), 0);
    *state = pair;
    return 0;
}

static int
stop(void **state)
{
    pair_t *pair = *state;

    if (pair->received.count)
        link_message_release(pair->client, &pair->received);
    direct_close(&pair->host);
    link_destroy(&pair->client);
    header_writer_destroy(&pair->writer);
    arena_destroy(&pair->arena);
    close(pair->sockets[0]);
    close(pair->sockets[1]);
    free(pair);
    return 0;
}

static void
send_message(pair_t *pair, const message_t *message, const void *raw, size_t size)
{
    err_t err;

    header_writer_reset(pair->writer);
    check_ok(header_writer_add(pair->writer, message, &err), err);
    const link_frame_t frames[2] = {
        {.data = header_writer_data(pair->writer), .size = header_writer_size(pair->writer)},
        {.data = raw, .size = size}};

    check_ok(link_send(pair->client, NULL, frames, raw ? 2 : 1, &err), err);
}

static message_t
call_of(uint64_t number, const oid_t *object)
{
    message_t message = {.code = MSG_PY_CALL};

    message.as.PY_CALL.call = number;
    message.as.PY_CALL.what = str_of("Worker.fill");
    message.as.PY_CALL.objects = (oids_t){object, 1};
    message.as.PY_CALL.body = (bin_t){(const uint8_t *)"pickle", 6};
    return message;
}

static void
hear(pair_t *pair, message_t *ret)
{
    header_reader_t reader;
    err_t err;

    if (pair->received.count)
        link_message_release(pair->client, &pair->received);
    check_ok(link_receive(pair->client, &pair->received, &err), err);
    arena_reset(pair->arena);
    check_ok(header_open(&reader, pair->received.frames[0].data, pair->received.frames[0].size, &err), err);
    check_ok(header_next(&reader, pair->arena, 'E', 'C', (uint32_t)pair->received.count - 1, ret, &err), err);
}

static void
direct_takes_calls_and_answers_them(void **state)
{
    pair_t *pair = *state;
    oid_t object = oid_new();
    direct_call_t call;
    message_t message = call_of(1, &object), answer;
    char large[20000] = "large";
    err_t err;

    assert_false(direct_glance(&pair->host));
    assert_false(direct_take(&pair->host, &call));
    send_message(pair, &message, NULL, 0);
    assert_true(direct_glance(&pair->host));
    assert_true(direct_take(&pair->host, &call));
    assert_int_equal(call.call, 1);
    assert_memory_equal(call.what.data, "Worker.fill", call.what.size);
    assert_true(oid_equal(call.objects.items[0], object));
    assert_memory_equal(call.body.data, "pickle", 6);
    assert_false(direct_is_cancelled(&pair->host));
    check_ok(direct_answer(&pair->host, true, 0, "result", 6, &err), err);
    hear(pair, &answer);
    assert_int_equal(answer.code, MSG_PY_RESULT);
    assert_int_equal(answer.as.PY_RESULT.call, 1);
    assert_true(answer.as.PY_RESULT.raised);
    assert_memory_equal(answer.as.PY_RESULT.body.data, "result", 6);

    message = call_of(2, &object);
    message.as.PY_CALL.body = (bin_t){NULL, 0};
    message.raw = 1;
    send_message(pair, &message, large, sizeof large);
    assert_true(direct_take(&pair->host, &call));
    assert_int_equal(call.body.size, sizeof large);
    assert_int_equal(direct_answer(&pair->host, false, 0, large, DIRECT_BODY + 1, &err), FH_LIMIT_EXCEEDED);
    check_ok(direct_answer(&pair->host, false, 1, large, sizeof large, &err), err);
    hear(pair, &answer);
    assert_int_equal(answer.as.PY_RESULT.claim, 1);
    assert_int_equal(pair->received.frames[1].size, sizeof large);
}

static void
direct_hears_of_a_cancellation_in_time_or_too_late(void **state)
{
    pair_t *pair = *state;
    oid_t object = oid_new();
    direct_call_t call;
    message_t message = call_of(1, &object), answer, cancel = {.code = MSG_CANCEL, .as.CANCEL.call = 1};
    err_t err, why;

    send_message(pair, &message, NULL, 0);
    send_message(pair, &cancel, NULL, 0);
    assert_true(direct_take(&pair->host, &call));
    assert_true(direct_is_cancelled(&pair->host));
    (void)err_set(&why, FH_CANCELLED, "the call was cancelled");
    check_ok(direct_refuse(&pair->host, &why, &err), err);
    hear(pair, &answer);
    assert_int_equal(answer.code, MSG_ERROR);
    assert_int_equal(answer.as.ERROR.status, FH_CANCELLED);
    assert_false(direct_take(&pair->host, &call)); /* the CANCEL */
    message = call_of(2, &object);
    send_message(pair, &message, NULL, 0);
    assert_true(direct_take(&pair->host, &call));
    assert_int_equal(call.call, 2);
}

static void
refuses(pair_t *pair, const message_t *message)
{
    direct_call_t call;

    send_message(pair, message, NULL, 0);
    assert_false(direct_take(&pair->host, &call));
    assert_null(pair->host.ring);
}

static void
direct_refuses_calls_that_need_the_engine(void **state)
{
    oid_t object = oid_new();
    message_t message = call_of(1, &object);

    message.as.PY_CALL.arrays = (oids_t){&object, 1};
    refuses(*state, &message);
}

static void
direct_refuses_results_that_stay(void **state)
{
    oid_t object = oid_new();
    message_t message = call_of(1, &object);

    message.as.PY_CALL.result = object;
    refuses(*state, &message);
}

static void
direct_refuses_a_second_call_at_a_time(void **state)
{
    pair_t *pair = *state;
    oid_t object = oid_new();
    direct_call_t call;
    message_t message = call_of(1, &object);

    send_message(pair, &message, NULL, 0);
    assert_true(direct_take(&pair->host, &call));
    refuses(pair, &message);
}

static void
direct_refuses_other_messages(void **state)
{
    message_t message = {.code = MSG_SYNC, .as.SYNC.call = 1};

    refuses(*state, &message);
}

/* Whatever lies in a frame: the rings are given up, or nothing happens. */
static void
direct_survives_any_bytes(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    (void)state;

    print_message("seed %u\n", seed);
    srandom(seed);
    for (int round = 0; round < 300; round++) {
        void *made;
        uint8_t bytes[200];
        direct_call_t call;

        assert_int_equal(start(&made), 0);
        pair_t *pair = made;
        oid_t object = oid_new();
        message_t message = call_of(1, &object);

        header_writer_reset(pair->writer);
        assert_int_equal(header_writer_add(pair->writer, &message, NULL), FH_OK);
        size_t size = header_writer_size(pair->writer);

        assert_true(size <= sizeof bytes);
        memcpy(bytes, header_writer_data(pair->writer), size);
        for (int i = 0; i < 1 + round % 4; i++)
            bytes[(size_t)random() % size] = (uint8_t)random();
        assert_int_equal(
            link_send(pair->client, NULL, &(link_frame_t){.data = bytes, .size = size - (size_t)(round % 3)}, 1, NULL),
            FH_OK);
        if (!direct_take(&pair->host, &call))
            assert_null(pair->host.ring);
        (void)stop(&made);
    }
}

static void
direct_waits_for_either_way(void **state)
{
    pair_t *pair = *state;
    oid_t object = oid_new();
    message_t message = call_of(1, &object);

    assert_int_equal(send(pair->sockets[0], "x", 1, 0), 1);
    direct_wait(&pair->host, &pair->page, 0, pair->sockets[1]); /* returns */
    assert_false(direct_glance(&pair->host));
    char byte;

    assert_int_equal(recv(pair->sockets[1], &byte, 1, 0), 1);
    send_message(pair, &message, NULL, 0);
    direct_wait(&pair->host, &pair->page, 0, pair->sockets[1]);
    assert_true(direct_glance(&pair->host));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(direct_takes_calls_and_answers_them, start, stop),
        cmocka_unit_test_setup_teardown(direct_hears_of_a_cancellation_in_time_or_too_late, start, stop),
        cmocka_unit_test_setup_teardown(direct_refuses_calls_that_need_the_engine, start, stop),
        cmocka_unit_test_setup_teardown(direct_refuses_results_that_stay, start, stop),
        cmocka_unit_test_setup_teardown(direct_refuses_a_second_call_at_a_time, start, stop),
        cmocka_unit_test_setup_teardown(direct_refuses_other_messages, start, stop),
        cmocka_unit_test(direct_survives_any_bytes),
        cmocka_unit_test_setup_teardown(direct_waits_for_either_way, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
