/* Rings in shared memory, from raw clients: they serve calls as the connection does, and whatever is written into them
 * harms nobody but who wrote it. */
#include "base/clock.h"
#include "base/link_ring_private.h"
#include "tests/process/engine_rig.h"

#include <poll.h>
#include <unistd.h>

enum { ROUNDS = 150, PATIENCE_S = 10 };

static int
start(void **state)
{
    static engine_rig_t rig;

    engine_rig_start(&rig, 1, NULL);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

static void
must_work(engine_rig_t *rig)
{
    caller_t caller;
    double got;

    caller_open(&caller, rig, 0, OID_NONE, false);
    caller_fetch(&caller, caller_doubles(&caller, 1, 6, 0), &got, sizeof got);
    assert_true(got == 6);
    caller_leave(&caller);
}

static link_ring_place_t
ask_for_rings(caller_t *caller)
{
    message_t message;

    (void)caller_send(caller, &(message_t){.code = MSG_RING}, NULL, 0);
    caller_expect(caller, MSG_RING_PLACE, &message);
    const msg_RING_PLACE_t *place = &message.as.RING_PLACE;
    return (link_ring_place_t){place->pid,
                               place->memory_fd,
                               place->memory_inode,
                               place->engine_bell_fd,
                               place->engine_bell_inode,
                               place->client_bell_fd,
                               place->client_bell_inode};
}

static void
send_header(link_t *ring, const message_t *message)
{
    header_writer_t *writer;
    err_t err;

    check_ok(header_writer_new(&writer, &err), err);
    check_ok(header_writer_add(writer, message, &err), err);
    link_frame_t frame = {.data = header_writer_data(writer), .size = header_writer_size(writer)};
    check_ok(link_send(ring, NULL, &frame, 1, &err), err);
    header_writer_destroy(&writer);
}

/* Until a message comes or the ring ends; its first message in *ret (may be NULL), without lists. */
static int
receive(link_t *ring, message_t *ret)
{
    int64_t deadline = clock_deadline(PATIENCE_S);
    link_message_t frames;
    header_reader_t reader;
    arena_t *arena;
    err_t err;
    int status;

    while ((status = link_receive(ring, &frames, NULL)) == FH_BUSY && clock_now_ns() < deadline) {
        struct pollfd item = {.fd = link_fd(ring), .events = POLLIN};
        bool woken = link_ring_sleep(ring) && poll(&item, 1, 100) == 1;
        link_ring_wake(ring, woken ? item.revents : 0);
    }
    if (status)
        return status;
    check_ok(arena_new(&arena, 1 << 20, &err), err);
    if (ret) {
        check_ok(header_open(&reader, frames.frames[0].data, frames.frames[0].size, &err), err);
        check_ok(header_next(&reader, arena, 'E', 'C', (uint32_t)frames.count - 1, ret, &err), err);
    }
    arena_destroy(&arena);
    link_message_release(ring, &frames);
    return FH_OK;
}

/* Rings that are ready to be used. */
static link_t *
open_rings(caller_t *caller)
{
    link_ring_place_t place = ask_for_rings(caller);
    message_t answer;
    link_t *ring;
    err_t err;

    check_ok(link_ring_open(&ring, &place, &err), err);
    send_header(ring, &(message_t){.code = MSG_RING_READY, .as.RING_READY.call = ++caller->call});
    assert_int_equal(receive(ring, &answer), FH_OK);
    assert_int_equal(answer.code, MSG_OK);
    assert_int_equal(answer.as.OK.call, caller->call);
    return ring;
}

static void
calls_go_through_rings(void **state)
{
    caller_t caller;
    message_t answer;

    caller_open(&caller, *state, 0, OID_NONE, false);
    link_t *ring = open_rings(&caller);
    for (int i = 0; i < 1000; i++) {
        send_header(ring, &(message_t){.code = MSG_CALL, .as.CALL = {.call = ++caller.call, .method = str_of("nop")}});
        do
            assert_int_equal(receive(ring, &answer), FH_OK);
        while (answer.code == MSG_DONE);
        assert_int_equal(answer.code, MSG_RESULT);
        assert_int_equal(answer.as.RESULT.call, caller.call);
    }
    link_destroy(&ring);
    caller_close(&caller);
    must_work(*state);
}

static void
rings_can_be_given_up(void **state)
{
    caller_t caller;
    message_t answer;
    double got;

    caller_open(&caller, *state, 0, OID_NONE, false);
    for (int i = 0; i < 3; i++) {
        (void)ask_for_rings(&caller);
        (void)caller_send(&caller, &(message_t){.code = MSG_RING}, NULL, 0);
        caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL); /* there are some */
        (void)caller_send(&caller, &(message_t){.code = MSG_RING_READY}, NULL, 0);
        caller_expect(&caller, MSG_OK, &answer);
        caller_fetch(&caller, caller_doubles(&caller, 1, 6, 0), &got, sizeof got);
        assert_true(got == 6);
    }
    caller_leave(&caller);
}

static void
rings_are_for_greeted_clients_on_this_host(void **state)
{
    caller_t caller;
    message_t answer;

    caller_open(&caller, *state, 0, OID_NONE, true);
    (void)caller_send(&caller, &(message_t){.code = MSG_RING}, NULL, 0);
    caller_expect_error(&caller, FH_NOT_SUPPORTED, NULL);
    caller_close(&caller);
    caller_open(&caller, *state, 0, OID_NONE, false);
    link_t *ring = open_rings(&caller);
    send_header(ring, &(message_t){.code = MSG_HELLO,
                                   .as.HELLO = {.call = ++caller.call, .session = oid_new(), .major = PROTOCOL_MAJOR}});
    assert_int_equal(receive(ring, &answer), FH_OK);
    assert_int_equal(answer.code, MSG_ERROR);
    link_destroy(&ring);
    caller_close(&caller);
}

/* Frames of garbage, positions of garbage, and both in the middle of proper messages. */
/* Frames of garbage, positions of garbage, and both in the middle of proper messages. */
static void
spoil(ring_link_t *raw, int round, uint64_t *random)
{
    uint8_t *memory = raw->map;
    size_t size = round % 3 ? sizeof(link_ring_memory_t) : raw->map_size;

    for (int i = 1 + (int)(check_random(random) % 60); i > 0; i--)
        memory[check_random(random) % size] ^= (uint8_t)(1 + check_random(random) % 255);
    if (round % 2) {
        uint32_t words[] = {(uint32_t)check_random(random) % 70, (uint32_t)check_random(random)};
        ring_put(&raw->out, words, sizeof words);
        (void)ring_publish(&raw->out);
    }
    assert_int_equal(write(raw->other_bell, "", 1), 1);
}

static void
garbage_ends_the_ring_and_nothing_else(void **state)
{
    uint64_t random = check_seed();

    for (int round = 0; round < ROUNDS; round++) {
        caller_t caller;
        caller_open(&caller, *state, 0, OID_NONE, false);
        link_t *ring = open_rings(&caller);
        for (int i = (int)(check_random(&random) % 4); i > 0; i--)
            send_header(ring,
                        &(message_t){.code = MSG_CALL, .as.CALL = {.call = ++caller.call, .method = str_of("nop")}});
        spoil((ring_link_t *)ring, round, &random);
        if (round % 10 == 9)
            must_work(*state);
        link_destroy(&ring);
        caller_close(&caller);
    }
    must_work(*state);
}

/* What can never be right is noticed: the engine closes the ring, and the client sees it. */
static void
a_broken_ring_is_closed(void **state)
{
    caller_t caller;
    int status;

    caller_open(&caller, *state, 0, OID_NONE, false);
    link_t *ring = open_rings(&caller);
    ring_link_t *raw = (ring_link_t *)ring;
    ring_put(&raw->out, (uint32_t[]){LINK_MAX_FRAMES + 1, 4}, 8);
    (void)ring_publish(&raw->out);
    assert_int_equal(write(raw->other_bell, "", 1), 1);
    while ((status = receive(ring, NULL)) == FH_OK)
        continue;
    assert_int_equal(status, FH_CANNOT_CONNECT);
    assert_false(link_ring_hung_up(ring));
    link_destroy(&ring);
    caller_close(&caller);
    must_work(*state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_go_through_rings),
        cmocka_unit_test(rings_can_be_given_up),
        cmocka_unit_test(rings_are_for_greeted_clients_on_this_host),
        cmocka_unit_test(garbage_ends_the_ring_and_nothing_else),
        cmocka_unit_test(a_broken_ring_is_closed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
