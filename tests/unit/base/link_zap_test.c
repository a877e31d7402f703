/* The authentication handler, asked as ZeroMQ asks it and as nobody should. */
#include "base/link.h"
#include "base/link_zap.h"
#include "tests/support/check.h"

#include <poll.h>
#include <string.h>

#include <zmq.h>

enum { FRAMES_MAX = 12, KEY_BYTES = 32 };

typedef struct {
    void *context, *socket;
    link_zap_t *zap;
    link_keys_t friend, stranger;
} desk_t;

static int
setup(void **state)
{
    static desk_t desk;
    const char *admitted[1];
    int timeout_ms = 5000, linger = 0;
    err_t err;

    memset(&desk, 0, sizeof desk);
    check_ok(link_zmq_context_new(&desk.context, &err), err);
    check_ok(link_zmq_keys_new(&desk.friend, &err), err);
    check_ok(link_zmq_keys_new(&desk.stranger, &err), err);
    admitted[0] = desk.friend.public_key;
    check_ok(link_zap_start(&desk.zap, desk.context, admitted, 1, "local", &err), err);
    desk.socket = zmq_socket(desk.context, ZMQ_REQ);
    assert_non_null(desk.socket);
    zmq_setsockopt(desk.socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    zmq_setsockopt(desk.socket, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_connect(desk.socket, "inproc://zeromq.zap.01"), 0);
    *state = &desk;
    return 0;
}

static int
teardown(void **state)
{
    desk_t *desk = *state;

    zmq_close(desk->socket);
    link_zap_stop(&desk->zap);
    link_zap_stop(&desk->zap);
    link_zmq_context_destroy(&desk->context);
    return 0;
}

typedef struct {
    char id[64], code[8], user[64];
} reply_t;

static void
receive_text(void *socket, char *ret, size_t size)
{
    int got = zmq_recv(socket, ret, size - 1, 0);

    assert_true(got >= 0 && got < (int)size);
    ret[got] = '\0';
}

/* Ask with these frames; key: the 32 bytes of a Z85 key as the last frame, NULL: no such frame. */
static reply_t
ask(desk_t *desk, const char *const *frames, int count, const char *key)
{
    uint8_t bytes[KEY_BYTES];
    char ignored[64];
    reply_t reply;

    for (int i = 0; i < count; i++)
        assert_true(zmq_send(desk->socket, frames[i], strlen(frames[i]), i + 1 < count || key ? ZMQ_SNDMORE : 0) >= 0);
    if (key) {
        assert_non_null(zmq_z85_decode(bytes, key));
        assert_true(zmq_send(desk->socket, bytes, sizeof bytes, 0) >= 0);
    }
    receive_text(desk->socket, ignored, sizeof ignored);
    assert_string_equal(ignored, "1.0");
    receive_text(desk->socket, reply.id, sizeof reply.id);
    receive_text(desk->socket, reply.code, sizeof reply.code);
    receive_text(desk->socket, ignored, sizeof ignored);
    receive_text(desk->socket, reply.user, sizeof reply.user);
    receive_text(desk->socket, ignored, sizeof ignored);
    return reply;
}

static void
test_zap_listed_key_admitted_with_its_name(void **state)
{
    static const char *const FRAMES[] = {"1.0", "77", "any", "127.0.0.1", "", "CURVE"};
    desk_t *desk = *state;
    reply_t reply = ask(desk, FRAMES, 6, desk->friend.public_key);

    assert_string_equal(reply.code, "200");
    assert_string_equal(reply.id, "77");
    assert_string_equal(reply.user, desk->friend.public_key);
}

static void
test_zap_other_key_refused_without_a_name(void **state)
{
    static const char *const FRAMES[] = {"1.0", "1", "any", "127.0.0.1", "", "CURVE"};
    desk_t *desk = *state;
    reply_t reply = ask(desk, FRAMES, 6, desk->stranger.public_key);

    assert_string_equal(reply.code, "400");
    assert_string_equal(reply.user, "");
}

static void
test_zap_no_key_only_in_the_open_domain(void **state)
{
    static const char *const OPEN[] = {"1.0", "1", "local", "", "", "NULL"}, *const OTHER[] = {"1.0", "1", "broker",
                                                                                               "",    "",  "NULL"};
    static const char *const NONE[] = {"1.0", "1", "", "", "", "NULL"}, *const PREFIX[] = {"1.0", "1", "locale",
                                                                                           "",    "",  "NULL"};
    desk_t *desk = *state;

    assert_string_equal(ask(desk, OPEN, 6, NULL).code, "200");
    assert_string_equal(ask(desk, OTHER, 6, NULL).code, "400");
    assert_string_equal(ask(desk, NONE, 6, NULL).code, "400");
    assert_string_equal(ask(desk, PREFIX, 6, NULL).code, "400");
}

static void
test_zap_malformed_requests_refused_and_survived(void **state)
{
    static const char LONG[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const struct {
        int count;
        const char *frames[FRAMES_MAX];
        bool key;
    } CASES[] = {
        {1, {"1.0"}, false},
        {1, {""}, false},
        {6, {"2.0", "1", "any", "", "", "CURVE"}, true},
        {6, {"1.0", "1", "any", "", "", "CURVE"}, false},
        {7, {"1.0", "1", "any", "", "", "CURVE", "short"}, false},
        {7, {"1.0", "1", "any", "", "", "CURVE", ""}, true},
        {8, {"1.0", "1", "any", "", "", "PLAIN", "user", "password"}, false},
        {7, {"1.0", "1", "any", "", "", "GSSAPI", "x"}, false},
        {6, {"1.0", "1", LONG, "", "", "CURVE"}, true},
        {7, {"1.0", "1", "local", "", "", "NULL", "more"}, false},
        {12, {"1.0", "1", "any", "", "", "CURVE", "a", "b", "c", "d", "e", "f"}, true},
    };
    desk_t *desk = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_string_equal(
            ask(desk, CASES[i].frames, CASES[i].count, CASES[i].key ? desk->friend.public_key : NULL).code, "400");
    test_zap_listed_key_admitted_with_its_name(state);
}

static void
test_zap_wrong_arguments_and_second_handler_refused(void **state)
{
    desk_t *desk = *state;
    const char *many[LINK_ZAP_MAX_KEYS + 1], *bad[] = {"no key"};
    link_zap_t *zap = NULL;
    err_t err;

    for (int i = 0; i <= LINK_ZAP_MAX_KEYS; i++)
        many[i] = desk->friend.public_key;
    check_fails(link_zap_start(&zap, desk->context, bad, 1, NULL, &err), FH_INVALID_ARGUMENT, err);
    check_fails(link_zap_start(&zap, desk->context, many, LINK_ZAP_MAX_KEYS + 1, NULL, &err), FH_INVALID_ARGUMENT, err);
    check_fails(link_zap_start(&zap, desk->context, many, 1, NULL, &err), FH_ALREADY_RUNNING, err);
    assert_null(zap);
}

static void
test_zap_running_handler_has_not_ended(void **state)
{
    desk_t *desk = *state;
    struct pollfd ended = {.fd = link_zap_fd(desk->zap), .events = POLLIN};

    test_zap_listed_key_admitted_with_its_name(state);
    assert_int_equal(poll(&ended, 1, 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_zap_listed_key_admitted_with_its_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zap_other_key_refused_without_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zap_no_key_only_in_the_open_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zap_malformed_requests_refused_and_survived, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zap_wrong_arguments_and_second_handler_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zap_running_handler_has_not_ended, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
