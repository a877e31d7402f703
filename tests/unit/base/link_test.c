/* What every link promises, asked of the three kinds: in memory, ipc, and tcp with CURVE. */
#include "base/clock.h"
#include "base/link.h"
#include "base/link_zap.h"
#include "tests/support/check.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 10, LARGE = 300000 };
#define PATIENCE_S 10.0

typedef struct {
    char folder[PATH_MAX];
    void *context;
    link_zap_t *zap;
    link_keys_t server_keys, client_keys;
    char endpoint[512];
    link_t *server, *client;
} links_t;

/* ---- the three kinds -----------------------------------------------------------------------------------------------
 */

static int
teardown(void **state)
{
    links_t *links = *state;
    link_destroy(&links->client);
    link_destroy(&links->server);
    link_zap_stop(&links->zap);
    link_zmq_context_destroy(&links->context);
    if (links->folder[0])
        check_folder_remove(links->folder);
    free(links);
    return 0;
}

static int
setup_loop(void **state)
{
    err_t err;
    links_t *links = calloc(1, sizeof *links);
    *state = links;
    check_ok(link_loop_server(&links->server, LIMIT, &err), err);
    check_ok(link_loop_client(&links->client, links->server, &err), err);
    return 0;
}

static void
connect_zmq(links_t *links, link_t **ret)
{
    err_t err;
    link_zmq_options_t options = {.send_limit_messages = LIMIT, .receive_limit_messages = LIMIT};
    if (links->zap) {
        options.keys = &links->client_keys;
        options.server_key = links->server_keys.public_key;
    }
    check_ok(link_zmq_connect(ret, links->context, links->endpoint, &options, &err), err);
}

static int
setup_ipc(void **state)
{
    err_t err;
    char wanted[PATH_MAX + 16];
    links_t *links = calloc(1, sizeof *links);
    *state = links;
    check_folder_make(links->folder);
    check_ok(link_zmq_context_new(&links->context, &err), err);
    link_zmq_options_t options = {.send_limit_messages = LIMIT, .receive_limit_messages = LIMIT};
    assert_true(snprintf(wanted, sizeof wanted, "ipc://%s/socket", links->folder) < (int)sizeof wanted);
    check_ok(
        link_zmq_bind(&links->server, links->context, wanted, &options, links->endpoint, sizeof links->endpoint, &err),
        err);
    connect_zmq(links, &links->client);
    return 0;
}

static int
setup_curve(void **state)
{
    err_t err;
    links_t *links = calloc(1, sizeof *links);
    *state = links;
    check_ok(link_zmq_context_new(&links->context, &err), err);
    check_ok(link_zmq_keys_new(&links->server_keys, &err), err);
    check_ok(link_zmq_keys_new(&links->client_keys, &err), err);
    const char *admitted[] = {links->client_keys.public_key};
    check_ok(link_zap_start(&links->zap, links->context, admitted, 1, NULL, &err), err);
    link_zmq_options_t options = {.keys = &links->server_keys,
                                  .zap_domain = "farhand",
                                  .send_limit_messages = LIMIT,
                                  .receive_limit_messages = LIMIT};
    check_ok(link_zmq_bind(&links->server, links->context, "tcp://127.0.0.1:*", &options, links->endpoint,
                           sizeof links->endpoint, &err),
             err);
    connect_zmq(links, &links->client);
    return 0;
}

/* ---- helpers -------------------------------------------------------------------------------------------------------
 */

static int
receive_within(link_t *link, link_message_t *ret, double timeout_s, err_t *err)
{
    int64_t deadline = clock_deadline(timeout_s);
    int status;
    while ((status = link_receive(link, ret, err)) == FH_BUSY && clock_remaining_ms(deadline, 1) > 0)
        (void)poll(&(struct pollfd){.fd = link_fd(link), .events = POLLIN}, 1, clock_remaining_ms(deadline, 50));
    return status;
}

static int
send_within(link_t *link, const peer_t *peer, const link_frame_t *frames, int count, double timeout_s, err_t *err)
{
    int64_t deadline = clock_deadline(timeout_s);
    int status;
    while ((status = link_send(link, peer, frames, count, err)) == FH_BUSY && clock_remaining_ms(deadline, 1) > 0)
        (void)poll(NULL, 0, 2);
    return status;
}

static void
send_text(link_t *link, const peer_t *peer, const char *text)
{
    err_t err;
    check_ok(send_within(link, peer, &(link_frame_t){.data = text, .size = strlen(text)}, 1, PATIENCE_S, &err), err);
}

/* Receives one message, checks that it is this one frame, and gives its peer. */
static peer_t
expect_text(link_t *link, const char *text)
{
    err_t err;
    link_message_t message;
    check_ok(receive_within(link, &message, PATIENCE_S, &err), err);
    peer_t peer = message.peer;
    assert_int_equal(message.count, 1);
    assert_int_equal(message.frames[0].size, strlen(text));
    assert_memory_equal(message.frames[0].data, text, strlen(text));
    link_message_release(link, &message);
    return peer;
}

static void
count_release(void *data, void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
    free(data);
}

static bool
released_once(void *context)
{
    return atomic_load((atomic_int *)context) == 1;
}

static buf_t *
large_buf(atomic_int *releases)
{
    err_t err;
    buf_t *buf;
    unsigned char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    check_ok(buf_new_foreign(&buf, bytes, LARGE, count_release, releases, &err), err);
    return buf;
}

/* ---- what is promised ----------------------------------------------------------------------------------------------
 */

static void
message_of_many_frames_arrives_whole(void **state)
{
    links_t *links = *state;
    err_t err;
    link_message_t message;
    link_frame_t frames[LINK_MAX_FRAMES];
    char bytes[LINK_MAX_FRAMES * 3];
    for (int i = 0; i < (int)sizeof bytes; i++)
        bytes[i] = (char)i;
    for (int i = 0; i < LINK_MAX_FRAMES; i++)
        frames[i] = (link_frame_t){.data = bytes, .size = (size_t)i * 3}; /* the first is empty */
    check_ok(send_within(links->client, NULL, frames, LINK_MAX_FRAMES, PATIENCE_S, &err), err);
    check_ok(receive_within(links->server, &message, PATIENCE_S, &err), err);
    assert_int_equal(message.count, LINK_MAX_FRAMES);
    for (int i = 0; i < LINK_MAX_FRAMES; i++) {
        assert_int_equal(message.frames[i].size, i * 3);
        assert_memory_equal(message.frames[i].data, bytes, (size_t)i * 3);
    }
    assert_string_equal(message.user, links->zap ? links->client_keys.public_key : "");
    link_message_release(links->server, &message);
}

static void
server_answers_the_peer_that_asked(void **state)
{
    links_t *links = *state;
    link_t *other = NULL;
    err_t err;
    if (links->context)
        connect_zmq(links, &other);
    else
        check_ok(link_loop_client(&other, links->server, &err), err);
    send_text(links->client, NULL, "from the first");
    peer_t first = expect_text(links->server, "from the first");
    send_text(other, NULL, "from the second");
    peer_t second = expect_text(links->server, "from the second");
    send_text(links->server, &second, "to the second");
    send_text(links->server, &first, "to the first");
    expect_text(links->client, "to the first");
    expect_text(other, "to the second");
    link_destroy(&other);
    assert_null(other);
    link_destroy(&other);
}

static void
large_frame_arrives_and_is_released_once(void **state)
{
    links_t *links = *state;
    err_t err;
    link_message_t message;
    atomic_int releases = 0;
    buf_t *buf = large_buf(&releases);
    const unsigned char *bytes = buf_data(buf);
    link_frame_t frames[] = {{.data = "head", .size = 4}, {.data = bytes + 1000, .size = LARGE - 1000, .buf = buf}};
    check_ok(send_within(links->client, NULL, frames, 2, PATIENCE_S, &err), err);
    check_ok(receive_within(links->server, &message, PATIENCE_S, &err), err);
    assert_int_equal(message.frames[1].size, LARGE - 1000);
    assert_memory_equal(message.frames[1].data, bytes + 1000, LARGE - 1000);
    assert_int_equal(atomic_load(&releases), 0);
    link_message_release(links->server, &message);
    buf_unref(&buf);
    assert_true(check_until(released_once, &releases, PATIENCE_S));
}

static void
unknown_peer_is_refused_and_its_frames_released(void **state)
{
    links_t *links = *state;
    err_t err;
    atomic_int releases = 0;
    buf_t *buf = large_buf(&releases);
    peer_t nobody = {.size = 5, .bytes = {0, 9, 9, 9, 9}};
    link_frame_t frame = {.data = buf_data(buf), .size = LARGE, .buf = buf};
    check_fails(link_send(links->server, &nobody, &frame, 1, &err), FH_CANNOT_CONNECT, err);
    check_fails(link_send(links->server, NULL, &frame, 1, &err), FH_CANNOT_CONNECT, err);
    buf_unref(&buf);
    assert_true(released_once(&releases));
}

static void
peer_that_went_away_is_refused(void **state)
{
    links_t *links = *state;
    err_t err = {.status = FH_OK};
    send_text(links->client, NULL, "hello");
    peer_t peer = expect_text(links->server, "hello");
    link_destroy(&links->client);
    int64_t deadline = clock_deadline(PATIENCE_S);
    link_frame_t frame = {.data = "x", .size = 1};
    int status;
    do {
        (void)poll(NULL, 0, 2);
        status = link_send(links->server, &peer, &frame, 1, &err);
    } while (status != FH_CANNOT_CONNECT && clock_remaining_ms(deadline, 1) > 0);
    check_fails(status, FH_CANNOT_CONNECT, err);
}

static void
full_queue_is_busy_and_loses_nothing(void **state)
{
    links_t *links = *state;
    err_t err;
    link_message_t message;
    uint32_t sent = 0, received = 0;
    static char bytes[60000]; /* large, so that the kernel's buffers fill up soon */
    link_frame_t frames[] = {{.data = &sent, .size = sizeof sent}, {.data = bytes, .size = sizeof bytes}};
    int status = send_within(links->client, NULL, frames, 2, PATIENCE_S, &err);
    for (; status == FH_OK && sent < 100000; status = send_within(links->client, NULL, frames, 2, 0.3, &err))
        sent++;
    check_fails(status, FH_BUSY, err);
    while (received < sent) {
        check_ok(receive_within(links->server, &message, PATIENCE_S, &err), err);
        assert_memory_equal(message.frames[0].data, &received, sizeof received);
        link_message_release(links->server, &message);
        received++;
    }
    check_fails(link_receive(links->server, &message, &err), FH_BUSY, err);
    check_ok(send_within(links->client, NULL, frames, 2, PATIENCE_S, &err), err);
}

static void
descriptor_turns_readable_when_a_message_comes(void **state)
{
    links_t *links = *state;
    err_t err;
    link_message_t message;
    send_text(links->client, NULL, "first"); /* from here on the connection stands */
    expect_text(links->server, "first");
    check_fails(link_receive(links->server, &message, &err), FH_BUSY, err);
    send_text(links->client, NULL, "second");
    struct pollfd wait = {.fd = link_fd(links->server), .events = POLLIN};
    assert_int_equal(poll(&wait, 1, (int)(PATIENCE_S * 1000)), 1);
    expect_text(links->server, "second");
    bool can_send = false;
    assert_false(link_ready(links->server, NULL));
    assert_false(link_ready(links->client, &can_send));
    assert_true(can_send);
}

static void
message_without_frames_or_with_too_many_is_not_sent(void **state)
{
    links_t *links = *state;
    err_t err;
    static const link_frame_t frames[LINK_MAX_FRAMES + 1];
    check_fails(link_send(links->client, NULL, frames, 0, &err), FH_LIMIT_EXCEEDED, err);
    check_fails(link_send(links->client, NULL, frames, LINK_MAX_FRAMES + 1, &err), FH_LIMIT_EXCEEDED, err);
}

/* ---- only in memory: several threads -------------------------------------------------------------------------------
 */

enum { THREADS = 3, MESSAGES = 400 };

static void *
send_many(void *context)
{
    err_t err;
    for (uint32_t i = 0; i < MESSAGES; i++)
        if (send_within(context, NULL, &(link_frame_t){.data = &i, .size = sizeof i}, 1, PATIENCE_S, &err))
            return "failed";
    return NULL;
}

static void
clients_in_threads_lose_nothing(void **state)
{
    links_t *links = *state;
    err_t err;
    pthread_t threads[THREADS];
    link_t *clients[THREADS];
    uint32_t next[THREADS + 2] = {0}; /* by the client's number, which begins at 1 and was taken once by the fixture */
    for (int i = 0; i < THREADS; i++) {
        check_ok(link_loop_client(&clients[i], links->server, &err), err);
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, clients[i]), 0);
    }
    for (int i = 0; i < THREADS * MESSAGES; i++) {
        link_message_t message;
        uint32_t value, from;
        check_ok(receive_within(links->server, &message, PATIENCE_S, &err), err);
        memcpy(&value, message.frames[0].data, sizeof value);
        memcpy(&from, message.peer.bytes, sizeof from);
        assert_in_range(from, 2, THREADS + 1);
        assert_int_equal(value, next[from]++);
        link_message_release(links->server, &message);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = "failed";
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
        link_destroy(&clients[i]);
    }
}

static void
client_of_a_closed_server_is_told(void **state)
{
    links_t *links = *state;
    err_t err;
    link_destroy(&links->server);
    check_fails(link_send(links->client, NULL, &(link_frame_t){.data = "x", .size = 1}, 1, &err), FH_CANNOT_CONNECT,
                err);
}

#define PROMISES(kind)                                                                                                 \
    PROMISE(message_of_many_frames_arrives_whole, kind), PROMISE(server_answers_the_peer_that_asked, kind),            \
        PROMISE(large_frame_arrives_and_is_released_once, kind),                                                       \
        PROMISE(unknown_peer_is_refused_and_its_frames_released, kind), PROMISE(peer_that_went_away_is_refused, kind), \
        PROMISE(full_queue_is_busy_and_loses_nothing, kind),                                                           \
        PROMISE(descriptor_turns_readable_when_a_message_comes, kind),                                                 \
        PROMISE(message_without_frames_or_with_too_many_is_not_sent, kind)
#define PROMISE(test, kind) {#kind "_" #test, test, setup_##kind, teardown, NULL}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISES(loop),
        PROMISES(ipc),
        PROMISES(curve),
        PROMISE(clients_in_threads_lose_nothing, loop),
        PROMISE(client_of_a_closed_server_is_told, loop),
    };
    return cmocka_run_group_tests_name("base/link", tests, NULL, NULL);
}
