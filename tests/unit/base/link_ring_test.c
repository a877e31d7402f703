/* base/link_ring: whole messages, parts of large ones, bells, ends; and a peer that writes what it likes. */
#include "base/clock.h"
#include "base/link_ring_private.h"
#include "tests/support/check.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, LARGE = 1024 * 1024 };

static link_t *server, *client;
static link_ring_place_t place;

static int
setup(void **state)
{
    err_t err;

    (void)state;
    check_ok(link_ring_new(&server, &place, &err), err);
    check_ok(link_ring_open(&client, &place, &err), err);
    link_ring_settle(server);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    link_destroy(&client);
    link_destroy(&server);
    return 0;
}

static int
send_bytes(link_t *link, const void *bytes, size_t size, err_t *err)
{
    return link_send(link, NULL, &(link_frame_t){.data = bytes, .size = size}, 1, err);
}

static short
poll_bell(link_t *link, int timeout_ms)
{
    struct pollfd item = {.fd = link_fd(link), .events = POLLIN};

    return poll(&item, 1, timeout_ms) == 1 ? item.revents : 0;
}

static void
frames_come_as_they_were_sent(void **state)
{
    uint64_t random = check_seed();
    uint8_t bytes[LINK_MAX_FRAMES][300];
    link_frame_t frames[LINK_MAX_FRAMES];
    link_message_t message;
    err_t err;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        int count = 1 + (int)(check_random(&random) % LINK_MAX_FRAMES);
        for (int i = 0; i < count; i++) {
            size_t size = check_random(&random) % sizeof bytes[i];
            memset(bytes[i], round + i, size);
            frames[i] = (link_frame_t){.data = bytes[i], .size = size};
        }
        link_t *from = round % 2 ? server : client, *to = round % 2 ? client : server;
        assert_int_equal(link_receive(to, &message, NULL), FH_BUSY);
        assert_false(link_ready(to, NULL));
        check_ok(link_send(from, NULL, frames, count, &err), err);
        assert_true(link_ready(to, NULL) && link_ring_glance(to));
        check_ok(link_receive(to, &message, &err), err);
        assert_int_equal(message.count, count);
        assert_string_equal(message.user, "");
        for (int i = 0; i < count; i++) {
            assert_int_equal(message.frames[i].size, frames[i].size);
            if (frames[i].size)
                assert_memory_equal(message.frames[i].data, bytes[i], frames[i].size);
        }
        link_message_release(to, &message);
    }
}

/* A message of several rings' size: the sender keeps what it needs, the receiver takes it piece by piece. */
static void
large_messages_go_in_parts(void **state)
{
    uint8_t *bytes = malloc(LARGE);
    buf_t *buf;
    link_message_t message;
    int turns = 0, status;
    bool can_send;
    err_t err;

    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    check_ok(buf_new_copy(&buf, bytes, LARGE, &err), err);
    link_frame_t frames[] = {{.data = "header", .size = 6},
                             {.data = buf_data(buf), .size = LARGE, .buf = buf},
                             {.data = "", .size = 0},
                             {.data = bytes, .size = LARGE - 3}};
    check_ok(link_send(client, NULL, frames, 4, &err), err);
    buf_unref(&buf);
    check_fails(send_bytes(client, "x", 1, &err), FH_BUSY, err);
    (void)link_ready(client, &can_send);
    assert_false(can_send);
    while ((status = link_receive(server, &message, NULL)) == FH_BUSY && turns++ < 1000)
        (void)link_ready(client, &can_send);
    assert_int_equal(status, FH_OK);
    assert_true(turns >= LARGE / LINK_RING_BYTES);
    assert_int_equal(message.count, 4);
    assert_memory_equal(message.frames[0].data, "header", 6);
    assert_int_equal(message.frames[1].size, LARGE);
    assert_memory_equal(message.frames[1].data, bytes, LARGE);
    assert_int_equal(message.frames[2].size, 0);
    assert_memory_equal(message.frames[3].data, bytes, LARGE - 3);
    check_ok(send_bytes(client, "x", 1, &err), err);
    link_message_release(server, &message);
    check_ok(link_receive(server, &message, &err), err);
    link_message_release(server, &message);
    check_fails(link_send(client, NULL, &(link_frame_t){.data = bytes, .size = LINK_RING_MAX_FRAME + 1}, 1, &err),
                FH_LIMIT_EXCEEDED, err);
    free(bytes);
}

static void
a_full_ring_is_busy_and_rings_when_it_has_room(void **state)
{
    static uint8_t bytes[1000];
    link_message_t message;
    int sent = 0;
    err_t err;

    (void)state;
    while (send_bytes(client, bytes, sizeof bytes, &err) == FH_OK && sent < LINK_RING_BYTES)
        sent++;
    assert_int_equal(err.status, FH_BUSY);
    assert_true(sent > LINK_RING_BYTES / 2000);
    assert_true(link_ring_sleep(client));
    for (int i = 0; i < sent; i++) {
        check_ok(link_receive(server, &message, &err), err);
        assert_int_equal(message.frames[0].size, sizeof bytes);
        link_message_release(server, &message);
    }
    assert_int_equal(poll_bell(client, PATIENCE_MS), POLLIN);
    link_ring_wake(client, POLLIN);
    assert_int_equal(poll_bell(client, 0), 0);
    check_ok(send_bytes(client, bytes, sizeof bytes, &err), err);
}

static void
who_announces_sleep_is_rung(void **state)
{
    link_message_t message;
    err_t err;

    (void)state;
    assert_true(link_ring_sleep(server));
    assert_int_equal(poll_bell(server, 0), 0);
    check_ok(send_bytes(client, "x", 1, &err), err);
    check_ok(send_bytes(client, "y", 1, &err), err);
    assert_int_equal(link_ring_rings(client), 1);
    assert_int_equal(poll_bell(server, PATIENCE_MS), POLLIN);
    link_ring_wake(server, POLLIN);
    assert_false(link_ring_sleep(server));
    for (int i = 0; i < 2; i++) {
        check_ok(link_receive(server, &message, &err), err);
        link_message_release(server, &message);
    }
    check_ok(send_bytes(client, "z", 1, &err), err);
    assert_int_equal(link_ring_rings(client), 1);
}

static void
what_was_sent_before_closing_arrives(void **state)
{
    link_message_t message;
    err_t err;

    (void)state;
    check_ok(send_bytes(client, "last", 4, &err), err);
    link_destroy(&client);
    assert_true((poll_bell(server, PATIENCE_MS) & (POLLIN | POLLHUP)) != 0);
    check_ok(link_receive(server, &message, &err), err);
    link_t *before = server;
    check_fails(link_receive(server, &(link_message_t){0}, &err), FH_CANNOT_CONNECT, err);
    check_fails(send_bytes(server, "x", 1, &err), FH_CANNOT_CONNECT, err);
    assert_false(link_ring_hung_up(server));
    assert_null(link_ring_failure(server));
    link_destroy(&server);
    assert_memory_equal(message.frames[0].data, "last", 4); /* it outlives its link */
    link_message_release(before, &message);
}

static void
a_client_that_is_killed_hangs_up(void **state)
{
    err_t err;
    int ready[2];
    char byte;

    (void)state;
    check_ok(link_ring_new(&server, &place, &err), err);
    assert_int_equal(pipe(ready), 0);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        /* As another program: nothing that was inherited stays open. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int fd = 3; fd < 1024; fd++)
            if (fd != ready[1])
                close(fd);
        if (getppid() == parent && link_ring_open(&client, &place, NULL) == FH_OK &&
            send_bytes(client, "hello", 5, NULL) == FH_OK && write(ready[1], "", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    link_ring_settle(server);
    assert_false(link_ring_hung_up(server));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    short revents = poll_bell(server, PATIENCE_MS);
    assert_true(revents & POLLHUP);
    link_ring_wake(server, revents);
    assert_true(link_ring_hung_up(server));
    link_message_t message;
    check_ok(link_receive(server, &message, &err), err);
    link_message_release(server, &message);
    check_fails(link_receive(server, &message, &err), FH_CANNOT_CONNECT, err);
}

static void
what_is_not_the_servers_is_not_opened(void **state)
{
    err_t err;

    (void)state;
    check_ok(link_ring_new(&server, &place, &err), err);
    for (size_t i = 0; i < sizeof place / sizeof(uint64_t); i++) {
        link_ring_place_t wrong = place;
        uint64_t *numbers = &wrong.pid;
        numbers[i] += i ? 1000 : UINT32_MAX / 2;
        check_fails(link_ring_open(&client, &wrong, &err), FH_NOT_SUPPORTED, err);
    }
    link_ring_place_t mixed = place; /* a pipe where the memory should be */
    mixed.memory_fd = place.server_bell_fd;
    mixed.memory_inode = place.server_bell_inode;
    check_fails(link_ring_open(&client, &mixed, &err), FH_NOT_SUPPORTED, err);
    assert_int_equal(ftruncate((int)place.memory_fd, 0), -1);
    check_ok(link_ring_open(&client, &place, &err), err);
}

/* ---- a hostile peer ------------------------------------------------------------------------------------------------
 */

/* Receive and send until nothing goes any more, or for some turns. */
static void
use(link_t *link)
{
    link_message_t message;
    err_t err;

    for (int i = 0; i < 40; i++) {
        int status = link_receive(link, &message, &err);
        if (status == FH_OK) {
            assert_in_range(message.count, 1, LINK_MAX_FRAMES);
            volatile uint8_t sum = 0;
            for (int k = 0; k < message.count; k++)
                for (size_t at = 0; at < message.frames[k].size; at++)
                    sum = (uint8_t)(sum + message.frames[k].data[at]);
            link_message_release(link, &message);
        } else {
            assert_true(status == FH_BUSY || status == FH_CANNOT_CONNECT);
        }
        (void)send_bytes(link, "answer", 6, &err);
        (void)link_ring_sleep(link);
        link_ring_wake(link, 0);
    }
}

static void
send_three(link_t *link)
{
    static const uint8_t bytes[100];
    link_frame_t frames[] = {{.data = bytes, .size = 30}, {.data = bytes, .size = 100}};
    err_t err;

    for (int i = 0; i < 3; i++)
        check_ok(link_send(link, NULL, frames, 2, &err), err);
}

/* Every byte of positions, flags and messages, one after the other, on either side. */
static void
any_byte_may_be_wrong(void **state)
{
    enum { BYTES = 600 };

    for (size_t i = 0; i < 2 * (sizeof(link_ring_memory_t) + BYTES); i++) {
        setup(state);
        ring_link_t *victim = (ring_link_t *)(i % 2 ? client : server);
        size_t at = i / 2;
        send_three(client);
        send_three(server);
        uint8_t *byte = at < sizeof(link_ring_memory_t) ? (uint8_t *)victim->map + at
                                                        : victim->in.data + at - sizeof(link_ring_memory_t);
        *byte ^= (uint8_t)(1u << i % 7 | 0x80u);
        use(&victim->link);
        teardown(state);
    }
}

static void
a_corrupt_ring_is_given_up(void **state)
{
    static const struct {
        uint32_t count, size;
        const char *failure;
    } ROWS[] = {{0, 8, "number of frames"},          {LINK_MAX_FRAMES + 1, 8, "number of frames"},
                {UINT32_MAX, 8, "number of frames"}, {1, LINK_RING_MAX_FRAME + 1, "larger"},
                {1, UINT32_MAX, "larger"},           {9, 8, "not all of it"}};

    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        link_message_t message;
        err_t err;
        setup(state);
        ring_end_t *out = &((ring_link_t *)client)->out;
        ring_put(out, (uint32_t[]){ROWS[i].count, ROWS[i].size}, 8);
        (void)ring_publish(out);
        check_fails(link_receive(server, &message, &err), FH_CANNOT_CONNECT, err);
        check_contains(err.text, ROWS[i].failure);
        check_contains(link_ring_failure(server), ROWS[i].failure);
        check_fails(send_bytes(server, "x", 1, &err), FH_CANNOT_CONNECT, err);
        check_fails(link_receive(server, &message, &err), FH_CANNOT_CONNECT, err);
        link_destroy(&server);
        check_fails(link_receive(client, &message, &err), FH_CANNOT_CONNECT, err); /* it learns of it */
        teardown(state);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_come_as_they_were_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(large_messages_go_in_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_ring_is_busy_and_rings_when_it_has_room, setup, teardown),
        cmocka_unit_test_setup_teardown(who_announces_sleep_is_rung, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_sent_before_closing_arrives, setup, teardown),
        cmocka_unit_test_teardown(a_client_that_is_killed_hangs_up, teardown),
        cmocka_unit_test_teardown(what_is_not_the_servers_is_not_opened, teardown),
        cmocka_unit_test(any_byte_may_be_wrong),
        cmocka_unit_test(a_corrupt_ring_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
