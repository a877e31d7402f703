/* What only ZeroMQ links have: keys, admission, limits on what comes in. */
#include "base/clock.h"
#include "base/link.h"
#include "base/link_zap.h"
#include "tests/support/check.h"

#include <poll.h>
#include <string.h>

#include <zmq.h>

#define PATIENCE_S 10.0

typedef struct {
    void *context;
    link_keys_t server, client, stranger;
    char endpoint[128];
} net_t;

static net_t net;

static int
setup(void **state)
{
    err_t err;
    (void)state;
    check_ok(link_zmq_context_new(&net.context, &err), err);
    check_ok(link_zmq_keys_new(&net.server, &err), err);
    check_ok(link_zmq_keys_new(&net.client, &err), err);
    check_ok(link_zmq_keys_new(&net.stranger, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    link_zmq_context_destroy(&net.context);
    return 0;
}

static link_t *
serve(int64_t max_frame_bytes)
{
    err_t err;
    link_t *server;
    link_zmq_options_t options = {.keys = &net.server, .zap_domain = "farhand", .max_frame_bytes = max_frame_bytes};
    check_ok(
        link_zmq_bind(&server, net.context, "tcp://127.0.0.1:*", &options, net.endpoint, sizeof net.endpoint, &err),
        err);
    return server;
}

static link_zap_t *
admit_client(void)
{
    err_t err;
    link_zap_t *zap;
    const char *admitted[] = {net.client.public_key};
    check_ok(link_zap_start(&zap, net.context, admitted, 1, NULL, &err), err);
    return zap;
}

static link_t *
connect_as(const link_keys_t *keys)
{
    err_t err;
    link_t *client;
    link_zmq_options_t options = {.keys = keys, .server_key = net.server.public_key};
    check_ok(link_zmq_connect(&client, net.context, net.endpoint, &options, &err), err);
    return client;
}

static bool
can_send(void *context)
{
    bool can = false;
    (void)link_ready(context, &can);
    return can;
}

static int
receive_within(link_t *link, link_message_t *ret, double timeout_s, err_t *err)
{
    int64_t deadline = clock_deadline(timeout_s);
    int status;
    while ((status = link_receive(link, ret, err)) == FH_BUSY && clock_remaining_ms(deadline, 1) > 0)
        (void)poll(&(struct pollfd){.fd = link_fd(link), .events = POLLIN}, 1, clock_remaining_ms(deadline, 50));
    return status;
}

static void
key_that_is_not_admitted_cannot_connect(void **state)
{
    (void)state;
    link_zap_t *zap = admit_client();
    link_t *server = serve(0), *client = connect_as(&net.client), *stranger = connect_as(&net.stranger);
    assert_true(check_until(can_send, client, PATIENCE_S));
    assert_false(check_until(can_send, stranger, 0.5));
    link_destroy(&stranger);
    link_destroy(&client);
    link_destroy(&server);
    link_zap_stop(&zap);
}

static void
nobody_connects_while_no_handler_stands(void **state)
{
    (void)state;
    err_t err;
    link_t *server = serve(0), *client = connect_as(&net.client);
    assert_false(check_until(can_send, client, 0.5));
    check_fails(link_zmq_self_test(net.context, net.endpoint, net.server.public_key, 300, &err), FH_TIMEOUT, err);
    link_destroy(&client);
    link_destroy(&server);
}

static void
self_test_of_a_guarded_server_is_ok(void **state)
{
    (void)state;
    err_t err;
    link_zap_t *zap = admit_client();
    link_t *server = serve(0);
    check_ok(link_zmq_self_test(net.context, net.endpoint, net.server.public_key, 5000, &err), err);
    link_destroy(&server);
    link_zap_stop(&zap);
}

static void
self_test_of_an_open_server_is_permission(void **state)
{
    (void)state;
    err_t err;
    size_t size = sizeof net.endpoint;
    void *open = zmq_socket(net.context, ZMQ_ROUTER); /* CURVE, but nobody asks who comes */
    assert_non_null(open);
    assert_int_equal(zmq_setsockopt(open, ZMQ_CURVE_SERVER, &(int){1}, sizeof(int)), 0);
    assert_int_equal(zmq_setsockopt(open, ZMQ_CURVE_SECRETKEY, net.server.secret_key, 41), 0);
    assert_int_equal(zmq_bind(open, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(open, ZMQ_LAST_ENDPOINT, net.endpoint, &size), 0);
    check_fails(link_zmq_self_test(net.context, net.endpoint, net.server.public_key, 5000, &err), FH_PERMISSION, err);
    zmq_close(open);
}

static void
wrong_keys_and_endpoints_are_refused(void **state)
{
    (void)state;
    err_t err;
    link_t *link = NULL;
    link_keys_t bad = net.client;
    bad.secret_key[3] = '\0';
    link_zmq_options_t no_keys = {.keys = NULL}, no_domain = {.keys = &net.server},
                       bad_keys = {.keys = &bad, .server_key = net.server.public_key},
                       good = {.keys = &net.client, .server_key = net.server.public_key};
    char place[128];
    check_fails(link_zmq_bind(&link, net.context, "tcp://127.0.0.1:*", &no_keys, place, sizeof place, &err),
                FH_INVALID_ARGUMENT, err);
    check_fails(link_zmq_bind(&link, net.context, "tcp://127.0.0.1:*", &no_domain, place, sizeof place, &err),
                FH_INVALID_ARGUMENT, err);
    check_fails(link_zmq_connect(&link, net.context, "tcp://127.0.0.1:1", &no_keys, &err), FH_INVALID_ARGUMENT, err);
    check_fails(link_zmq_connect(&link, net.context, "tcp://127.0.0.1:1", &bad_keys, &err), FH_INVALID_ARGUMENT, err);
    check_fails(link_zmq_connect(&link, net.context, "tcp://", &good, &err), FH_CANNOT_CONNECT, err);
    assert_null(link);
}

static void
port_in_use_is_cannot_connect_and_names_it(void **state)
{
    (void)state;
    err_t err;
    link_t *server = serve(0), *second = NULL;
    link_zmq_options_t options = {.keys = &net.server, .zap_domain = "farhand"};
    check_fails(link_zmq_bind(&second, net.context, net.endpoint, &options, NULL, 0, &err), FH_CANNOT_CONNECT, err);
    check_contains(err.text, net.endpoint);
    link_destroy(&server);
}

/* A peer that speaks ZeroMQ but not as our links do. */
static void *
raw_dealer(const char *name)
{
    void *raw = zmq_socket(net.context, ZMQ_DEALER);
    assert_non_null(raw);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_LINGER, &(int){0}, sizeof(int)), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, net.server.public_key, 41), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, net.client.public_key, 41), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, net.client.secret_key, 41), 0);
    if (name)
        assert_int_equal(zmq_setsockopt(raw, ZMQ_ROUTING_ID, name, strlen(name)), 0);
    assert_int_equal(zmq_connect(raw, net.endpoint), 0);
    return raw;
}

static void
message_of_too_many_frames_is_thrown_away_whole(void **state)
{
    (void)state;
    err_t err;
    link_message_t message;
    link_zap_t *zap = admit_client();
    link_t *server = serve(0);
    void *raw = raw_dealer(NULL);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(zmq_send(raw, "x", 1, i < 999 ? ZMQ_SNDMORE : 0), 1);
    assert_int_equal(zmq_send(raw, "good", 4, 0), 4);
    check_fails(receive_within(server, &message, PATIENCE_S, &err), FH_PROTOCOL_ERROR, err);
    check_ok(receive_within(server, &message, PATIENCE_S, &err), err);
    assert_int_equal(message.count, 1);
    assert_int_equal(message.frames[0].size, 4);
    link_message_release(server, &message);
    zmq_close(raw);
    link_destroy(&server);
    link_zap_stop(&zap);
}

static void
peer_with_a_long_name_is_thrown_away(void **state)
{
    (void)state;
    err_t err;
    link_message_t message;
    link_zap_t *zap = admit_client();
    link_t *server = serve(0);
    void *raw = raw_dealer("a name of more bytes than a peer_t holds");
    assert_int_equal(zmq_send(raw, "x", 1, 0), 1);
    check_fails(receive_within(server, &message, PATIENCE_S, &err), FH_PROTOCOL_ERROR, err);
    check_fails(link_receive(server, &message, &err), FH_BUSY, err);
    zmq_close(raw);
    link_destroy(&server);
    link_zap_stop(&zap);
}

static void
frame_above_the_limit_never_arrives(void **state)
{
    (void)state;
    err_t err;
    link_message_t message;
    static char bytes[4097];
    link_zap_t *zap = admit_client();
    link_t *server = serve(4096), *client = connect_as(&net.client);
    assert_true(check_until(can_send, client, PATIENCE_S));
    check_ok(link_send(client, NULL, &(link_frame_t){.data = bytes, .size = sizeof bytes}, 1, &err), err);
    check_fails(receive_within(server, &message, 0.3, &err), FH_BUSY, err);
    assert_true(check_until(can_send, client, PATIENCE_S)); /* it reconnects by itself */
    check_ok(link_send(client, NULL, &(link_frame_t){.data = bytes, .size = 4000}, 1, &err), err);
    check_ok(receive_within(server, &message, PATIENCE_S, &err), err);
    assert_int_equal(message.frames[0].size, 4000);
    link_message_release(server, &message);
    link_destroy(&client);
    link_destroy(&server);
    link_zap_stop(&zap);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(key_that_is_not_admitted_cannot_connect, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_connects_while_no_handler_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(self_test_of_a_guarded_server_is_ok, setup, teardown),
        cmocka_unit_test_setup_teardown(self_test_of_an_open_server_is_permission, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_keys_and_endpoints_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(port_in_use_is_cannot_connect_and_names_it, setup, teardown),
        cmocka_unit_test_setup_teardown(message_of_too_many_frames_is_thrown_away_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(peer_with_a_long_name_is_thrown_away, setup, teardown),
        cmocka_unit_test_setup_teardown(frame_above_the_limit_never_arrives, setup, teardown),
    };
    return cmocka_run_group_tests_name("base/link_zmq", tests, NULL, NULL);
}
