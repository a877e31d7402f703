/* The bounded queue of a peer without room. */
#include "broker/outbox.h"
#include "tests/support/check.h"

#include <string.h>

static char big[OUTBOX_MAX_BYTES + 1];

static void
test_outbox_flush_keeps_order_and_waits_for_room(void **state)
{
    link_t *server, *client;
    link_message_t message;
    outbox_t outbox = {0};
    link_frame_t hello = {.data = "hello", .size = 5};
    peer_t peer;
    err_t err;
    int received = 0;

    (void)state;
    check_ok(link_loop_server(&server, 2, &err), err);
    check_ok(link_loop_client(&client, server, &err), err);
    check_ok(link_send(client, NULL, &hello, 1, &err), err);
    check_ok(link_receive(server, &message, &err), err);
    peer = message.peer;
    link_message_release(server, &message);
    for (uint8_t i = 0; i < 5; i++)
        check_ok(outbox_put(&outbox, &i, 1, &err), err);
    assert_int_equal(outbox_flush(&outbox, server, &peer, &err), FH_BUSY);
    assert_int_equal(outbox.bytes, 3);
    while (received < 5) {
        while (link_receive(client, &message, &err) == FH_OK) {
            assert_int_equal(message.frames[0].data[0], received);
            received++;
            link_message_release(client, &message);
        }
        outbox_flush(&outbox, server, &peer, &err);
    }
    assert_int_equal(outbox.bytes, 0);
    check_ok(outbox_flush(&outbox, server, &peer, &err), err);
    link_destroy(&client);
    check_ok(outbox_put(&outbox, "x", 1, &err), err);
    check_fails(outbox_flush(&outbox, server, &peer, &err), FH_CANNOT_CONNECT, err);
    outbox_release(&outbox);
    link_destroy(&server);
}

static void
test_outbox_bounded_but_one_large_frame_possible(void **state)
{
    outbox_t outbox = {0};
    err_t err;

    (void)state;
    check_ok(outbox_put(&outbox, big, sizeof big, &err), err);
    check_fails(outbox_put(&outbox, "x", 1, &err), FH_LIMIT_EXCEEDED, err);
    outbox_release(&outbox);
    check_ok(outbox_put(&outbox, "x", 1, &err), err);
    check_fails(outbox_put(&outbox, big, sizeof big, &err), FH_LIMIT_EXCEEDED, err);
    assert_int_equal(outbox.bytes, 1);
    outbox_release(&outbox);
    assert_null(outbox.first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outbox_flush_keeps_order_and_waits_for_room),
        cmocka_unit_test(test_outbox_bounded_but_one_large_frame_possible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
