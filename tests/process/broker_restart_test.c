/* kill -9 and start again: what is kept, who comes back, who does not. */
#include "base/clock.h"
#include "tests/process/broker_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { NAMES = 100 };

static rig_t rig;

static int
setup(void **state)
{
    (void)state;
    rig_start(&rig, NULL);
    return 0;
}

/* For those that wait until engines are given up. */
static int
setup_short_return(void **state)
{
    static const char *const OPTIONS[] = {"--engine-return", "1", NULL};

    (void)state;
    rig_start(&rig, OPTIONS);
    return 0;
}

/* For those that wait until sessions are. */
static int
setup_short_lease(void **state)
{
    static const char *const OPTIONS[] = {"--restart-lease", "1.5", NULL};

    (void)state;
    rig_start(&rig, OPTIONS);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static void
publish_many(rig_peer_t *client, rig_peer_t *engine, oid_t *objects)
{
    for (int i = 0; i < NAMES; i++) {
        char name[32];

        snprintf(name, sizeof name, "name %d", i);
        objects[i] = oid_new();
        rig_tell_object(engine, objects[i], client->id);
        rig_publish(client, name, objects[i], engine);
        rig_beat(engine);
    }
}

/* Names are listed as often as there are, each once. */
static int
count_names(rig_peer_t *client, const oid_t *objects)
{
    message_t message;
    int count = 0;

    rig_send(client, &(message_t){.code = MSG_NAMES, .as.NAMES = {.call = ++client->call}});
    for (;;) {
        assert_true(rig_receive(client, &message, 10));
        if (message.code == MSG_END)
            return count;
        if (message.code != MSG_NAMED)
            continue;
        for (int i = 0; i < NAMES; i++)
            count += oid_equal(message.as.NAMED.pieces.items[0], objects[i]);
        assert_int_equal(message.as.NAMED.shape.count, 2);
        assert_int_equal(message.as.NAMED.shape.items[1], 4);
        assert_int_equal(message.as.NAMED.dtype, 12);
        assert_int_equal(message.as.NAMED.axis, -1);
    }
}

static int
count_objects(rig_peer_t *client)
{
    message_t message;
    int count = 0;

    rig_send(client, &(message_t){.code = MSG_OBJECTS, .as.OBJECTS = {.call = ++client->call}});
    for (;;) {
        assert_true(rig_receive(client, &message, 10));
        if (message.code == MSG_END)
            return count;
        if (message.code != MSG_OBJECT)
            continue;
        assert_true(str_is(message.as.OBJECT.type, "array"));
        assert_int_equal(message.as.OBJECT.bytes, 96);
        assert_true(message.as.OBJECT.name.size > 0);
        count++;
    }
}

static void
announce(rig_peer_t *engine)
{
    message_t message;

    rig_hello(engine, &message);
    rig_send(engine, &(message_t){
                         .code = MSG_ANNOUNCE,
                         .as.ANNOUNCE = {.call = ++engine->call, .endpoint = str_of("tcp://127.0.0.1:1"), .cores = 2}});
    rig_expect(engine, MSG_OK, &message);
}

/* What an engine does whose broker has gone: the link connects again by itself. */
static void
come_back(rig_peer_t *engine)
{
    message_t message;

    rig_beat(engine);
    do
        assert_true(rig_receive(engine, &message, 10));
    while (message.code != MSG_ERROR);
    assert_int_equal(message.as.ERROR.status, FH_STALE_HANDLE);
    assert_int_equal(message.as.ERROR.call, 0);
    announce(engine);
}

static void
test_restart_keeps_names_objects_sessions_and_port(void **state)
{
    static oid_t objects[NAMES];
    rig_peer_t client, engine;
    message_t message;
    char before[256];

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    publish_many(&client, &engine, objects);
    snprintf(before, sizeof before, "%s", rig.endpoint);
    rig_restart(&rig);
    assert_string_equal(before, rig.endpoint);
    rig_send(&client, &(message_t){.code = MSG_NAMES, .as.NAMES = {.call = ++client.call}});
    rig_expect_error(&client, FH_STALE_HANDLE, &message);
    rig_hello(&client, &message);
    assert_int_equal(count_names(&client, objects), NAMES);
    assert_int_equal(count_objects(&client), NAMES);
    come_back(&engine);
    rig_expect(&engine, MSG_KEEP, &message);
    assert_int_equal(message.as.KEEP.objects.count, NAMES);
    rig_send(&client,
             &(message_t){.code = MSG_LOOKUP, .as.LOOKUP = {.call = ++client.call, .name = str_of("name 42")}});
    do
        assert_true(rig_receive(&client, &message, 10));
    while (message.code != MSG_NAMED);
    assert_true(oid_equal(message.as.NAMED.pieces.items[0], objects[42]));
    assert_true(oid_equal(message.as.NAMED.engines.items[0], engine.id));
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_engine_that_does_not_return_is_lost_and_names_stay(void **state)
{
    static oid_t objects[NAMES];
    rig_peer_t client, engine;
    message_t message;
    oid_t gone;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    publish_many(&client, &engine, objects);
    gone = engine.id;
    rig_disconnect(&engine);
    rig_restart(&rig);
    rig_send(&client, &(message_t){.code = MSG_PING, .as.PING = {.call = 1}});
    rig_expect_error(&client, FH_STALE_HANDLE, &message);
    rig_hello(&client, &message);
    do
        assert_true(rig_receive(&client, &message, 20));
    while (message.code != MSG_ENGINE_LOST);
    assert_true(oid_equal(message.as.ENGINE_LOST.engine, gone));
    assert_int_equal(count_names(&client, objects), NAMES);
    assert_int_equal(count_objects(&client), 0);
    rig_send(&client, &(message_t){.code = MSG_LOOKUP, .as.LOOKUP = {.call = ++client.call, .name = str_of("name 7")}});
    rig_expect_error(&client, FH_ENGINE_LOST, &message);
    rig_disconnect(&client);
}

static void
test_session_that_does_not_return_expires(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    oid_t id;

    (void)state;
    rig_client(&rig, &client);
    id = client.id;
    rig_disconnect(&client);
    rig_restart(&rig);
    rig_engine(&rig, &engine);
    int64_t deadline = clock_deadline(20);

    do {
        assert_true(clock_remaining_ms(deadline, 1) > 0);
        rig_beat(&engine);
        message.code = MSG_PING;
        rig_receive(&engine, &message, 0.1);
    } while (message.code != MSG_SESSION_GONE);
    assert_true(oid_equal(message.as.SESSION_GONE.session, id));
    rig_disconnect(&engine);
}

static void
test_objects_of_an_unknown_session_end_after_the_restart_lease(void **state)
{
    rig_peer_t engine;
    message_t message;
    oid_t id = oid_new();

    (void)state;
    rig_engine(&rig, &engine);
    rig_tell_object(&engine, oid_new(), id);
    int64_t deadline = clock_deadline(20);

    do {
        assert_true(clock_remaining_ms(deadline, 1) > 0);
        rig_beat(&engine);
        message.code = MSG_PING;
        rig_receive(&engine, &message, 0.1);
    } while (message.code != MSG_SESSION_GONE);
    assert_true(oid_equal(message.as.SESSION_GONE.session, id));
    rig_disconnect(&engine);
}

/* Whatever was answered with OK is there after a kill at any moment. */
static void
test_names_that_were_acknowledged_survive_any_kill(void **state)
{
    enum { ROUNDS = 12, AT_ONCE = 40 };
    uint64_t seed = check_seed();
    rig_peer_t client, engine;
    message_t message;
    oid_t object = oid_new();
    char name[32], acknowledged[ROUNDS][AT_ONCE] = {0};

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t wanted = check_random(&seed) % AT_ONCE, seen = 0;

        for (uint64_t i = 0; i < AT_ONCE; i++) {
            snprintf(name, sizeof name, "%d %d", round, (int)i);
            rig_send(&client, &(message_t){.code = MSG_PUBLISH,
                                           .as.PUBLISH = {.call = i + 1,
                                                          .name = str_of(name),
                                                          .type = str_of("array"),
                                                          .axis = -1,
                                                          .pieces = {&object, 1},
                                                          .engines = {&engine.id, 1}}});
        }
        for (; seen < wanted; seen++) {
            rig_send(&engine, &(message_t){.code = MSG_OK, .as.OK.call = rig_expect_keep(&engine, object)});
            rig_expect(&client, MSG_OK, &message);
            acknowledged[round][message.as.OK.call - 1] = 1;
        }
        rig_restart(&rig);
        rig_disconnect(&client);
        rig_client(&rig, &client);
        rig_disconnect(&engine);
        rig_connect(&rig, &engine, 'E');
        engine.id = oid_new();
        announce(&engine);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < AT_ONCE; i++) {
            if (!acknowledged[round][i])
                continue;
            snprintf(name, sizeof name, "%d %d", round, i);
            rig_send(&client,
                     &(message_t){.code = MSG_UNPUBLISH, .as.UNPUBLISH = {.call = 1000, .name = str_of(name)}});
            rig_expect(&client, MSG_OK, &message);
        }
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_objects_are_written_before_an_orderly_end(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    int count = 0;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    for (int i = 0; i < 10; i++)
        rig_tell_object(&engine, oid_new(), client.id);
    rig_send(&engine, &(message_t){.code = MSG_PING, .as.PING = {.call = 99}});
    rig_expect(&engine, MSG_PONG, &message);
    proc_signal(&rig.broker, SIGTERM);
    assert_true(proc_wait(&rig.broker, NULL, 10));
    proc_end(&rig.broker);
    rig_start_again(&rig);
    rig_send(&client, &(message_t){.code = MSG_PING, .as.PING = {.call = 1}});
    rig_expect_error(&client, FH_STALE_HANDLE, &message);
    rig_hello(&client, &message);
    rig_send(&client, &(message_t){.code = MSG_OBJECTS, .as.OBJECTS = {.call = 50}});
    do {
        assert_true(rig_receive(&client, &message, 10));
        count += message.code == MSG_OBJECT;
    } while (message.code != MSG_END);
    assert_int_equal(count, 10);
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

/* An engine that was away hears at its announcement which sessions have ended since. */
static void
test_engine_that_comes_back_hears_of_ended_sessions(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    oid_t id;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_restart(&rig);
    rig_send(&client, &(message_t){.code = MSG_PING, .as.PING = {.call = 1}});
    rig_expect_error(&client, FH_STALE_HANDLE, &message);
    rig_hello(&client, &message);
    id = client.id;
    rig_send(&client, &(message_t){.code = MSG_GOODBYE, .as.GOODBYE = {.call = 2}});
    rig_expect(&client, MSG_OK, &message);
    come_back(&engine);
    rig_expect(&engine, MSG_SESSION_GONE, &message);
    assert_true(oid_equal(message.as.SESSION_GONE.session, id));
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_incarnation_changes_with_each_start(void **state)
{
    rig_peer_t client;
    message_t message;

    (void)state;
    rig_connect(&rig, &client, 'C');
    rig_hello(&client, &message);
    oid_t before = message.as.WELCOME.incarnation;

    rig_restart(&rig);
    rig_send(&client, &(message_t){.code = MSG_PING, .as.PING = {.call = 1}});
    rig_expect_error(&client, FH_STALE_HANDLE, &message);
    rig_hello(&client, &message);
    assert_false(oid_equal(before, message.as.WELCOME.incarnation));
    rig_disconnect(&client);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_restart_keeps_names_objects_sessions_and_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_that_does_not_return_is_lost_and_names_stay, setup_short_return,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_session_that_does_not_return_expires, setup_short_lease, teardown),
        cmocka_unit_test_setup_teardown(test_objects_of_an_unknown_session_end_after_the_restart_lease,
                                        setup_short_lease, teardown),
        cmocka_unit_test_setup_teardown(test_names_that_were_acknowledged_survive_any_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_objects_are_written_before_an_orderly_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_that_comes_back_hears_of_ended_sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_incarnation_changes_with_each_start, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
