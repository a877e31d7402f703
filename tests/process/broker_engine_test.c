/* Engines come and go, sessions end, leases run out: who is told what, and when. */
#include "base/clock.h"
#include "tests/process/broker_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static rig_t rig;

static int
setup(void **state)
{
    static const char *const OPTIONS[] = {"--lease", "0.5", NULL};

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

/* Receive until the message comes; the engine stays alive meanwhile. */
static bool
await(rig_peer_t *peer, rig_peer_t *engine, msg_code_t code, message_t *ret, double timeout_s)
{
    int64_t deadline = clock_deadline(timeout_s);

    while (clock_remaining_ms(deadline, 1) > 0) {
        if (engine)
            rig_beat(engine);
        if (rig_receive(peer, ret, 0.1) && ret->code == code)
            return true;
    }
    return false;
}

static void
test_announcement_told_to_all(void **state)
{
    rig_peer_t client, first, second;
    message_t message;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &first);
    rig_expect(&client, MSG_ENGINE, &message);
    assert_true(oid_equal(message.as.ENGINE.engine, first.id));
    assert_true(str_is(message.as.ENGINE.state, "ready"));
    assert_true(str_is(message.as.ENGINE.host, "here/boot"));
    rig_expect(&first, MSG_ENGINE, &message); /* who it is itself */
    assert_true(oid_equal(message.as.ENGINE.engine, first.id));
    rig_engine(&rig, &second);
    rig_expect(&first, MSG_ENGINE, &message);
    assert_true(oid_equal(message.as.ENGINE.engine, second.id));
    rig_expect(&second, MSG_ENGINE, &message);
    assert_true(oid_equal(message.as.ENGINE.engine, second.id));
    rig_expect(&second, MSG_ENGINE, &message);
    assert_true(oid_equal(message.as.ENGINE.engine, first.id));
    rig_disconnect(&second);
    rig_disconnect(&first);
    rig_disconnect(&client);
}

static void
test_engine_that_dies_told_within_two_seconds(void **state)
{
    rig_peer_t client, engine, other;
    message_t message;
    oid_t dead;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_engine(&rig, &other);
    dead = engine.id;
    int64_t start_ns = clock_now_ns();

    rig_disconnect(&engine);
    assert_true(await(&client, &other, MSG_ENGINE_LOST, &message, 5));
    assert_true(oid_equal(message.as.ENGINE_LOST.engine, dead));
    assert_true(clock_now_ns() - start_ns < INT64_C(2000000000));
    assert_true(await(&other, &other, MSG_ENGINE_LOST, &message, 5));
    rig_disconnect(&other);
    rig_disconnect(&client);
}

static void
test_engine_that_is_silent_is_lost_and_must_begin_anew(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    int64_t start_ns;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    start_ns = clock_now_ns();
    assert_true(await(&client, NULL, MSG_ENGINE_LOST, &message, 5));
    assert_true(clock_now_ns() - start_ns < INT64_C(2500000000));
    rig_beat(&engine);
    rig_expect_error(&engine, FH_STALE_HANDLE, &message);
    rig_hello(&engine, &message);
    rig_send(&engine,
             &(message_t){.code = MSG_ANNOUNCE,
                          .as.ANNOUNCE = {.call = ++engine.call, .endpoint = str_of("tcp://127.0.0.1:1"), .cores = 1}});
    rig_expect(&engine, MSG_OK, &message);
    assert_true(await(&client, &engine, MSG_ENGINE, &message, 5));
    assert_true(str_is(message.as.ENGINE.state, "ready"));
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_engine_goodbye_is_stopped(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    bool seen = false;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_send(&engine, &(message_t){.code = MSG_GOODBYE, .as.GOODBYE = {.call = 9}});
    rig_expect(&engine, MSG_OK, &message);
    assert_true(await(&client, NULL, MSG_ENGINE_LOST, &message, 5));
    rig_send(&client, &(message_t){.code = MSG_ENGINES, .as.ENGINES = {.call = 2}});
    do {
        assert_true(rig_receive(&client, &message, 5));
        if (message.code == MSG_ENGINE && oid_equal(message.as.ENGINE.engine, engine.id))
            seen = str_is(message.as.ENGINE.state, "stopped");
    } while (message.code != MSG_END);
    assert_true(seen);
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_name_of_lost_engine_answers_engine_lost(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    oid_t object = oid_new();

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_tell_object(&engine, object, client.id);
    rig_publish(&client, "mortal", object, &engine);
    rig_disconnect(&engine);
    assert_true(await(&client, NULL, MSG_ENGINE_LOST, &message, 5));
    rig_send(&client, &(message_t){.code = MSG_LOOKUP, .as.LOOKUP = {.call = ++client.call, .name = str_of("mortal")}});
    rig_expect_error(&client, FH_ENGINE_LOST, &message);
    rig_send(&client,
             &(message_t){.code = MSG_UNPUBLISH, .as.UNPUBLISH = {.call = ++client.call, .name = str_of("mortal")}});
    rig_expect(&client, MSG_OK, &message);
    rig_send(&client, &(message_t){.code = MSG_LOOKUP, .as.LOOKUP = {.call = ++client.call, .name = str_of("mortal")}});
    rig_expect_error(&client, FH_NO_SUCH_NAME, &message);
    rig_disconnect(&client);
}

static void
test_name_taken_unless_the_same_pieces(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    oid_t object = oid_new(), other = oid_new();

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_publish(&client, "once", object, &engine);
    rig_publish(&client, "once", object, &engine);
    rig_send(&client, &(message_t){.code = MSG_PUBLISH,
                                   .as.PUBLISH = {.call = ++client.call,
                                                  .name = str_of("once"),
                                                  .type = str_of("array"),
                                                  .axis = -1,
                                                  .pieces = {&other, 1},
                                                  .engines = {&engine.id, 1}}});
    rig_expect_error(&client, FH_NAME_TAKEN, &message);
    rig_publish(&client, "twice", object, &engine); /* two names, one object */
    rig_send(&client,
             &(message_t){.code = MSG_UNPUBLISH, .as.UNPUBLISH = {.call = ++client.call, .name = str_of("once")}});
    rig_expect(&client, MSG_OK, &message);
    rig_send(&client,
             &(message_t){.code = MSG_UNPUBLISH, .as.UNPUBLISH = {.call = ++client.call, .name = str_of("twice")}});
    rig_expect(&client, MSG_OK, &message);
    rig_expect(&engine, MSG_KEEP, &message);
    assert_false(message.as.KEEP.keep); /* only when the last name was taken back */
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
settle(rig_peer_t *client)
{
    message_t message;

    rig_send(client, &(message_t){.code = MSG_PING, .as.PING.call = ++client->call});
    rig_expect(client, MSG_PONG, &message); /* and nothing that is no news */
}

/* The publisher may drop its handles once it has the answer: by another connection, which must not be faster. */
static void
test_publish_answered_once_the_engine_keeps_it(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    oid_t object = oid_new();

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_ask_publish(&client, "kept", object, &engine);
    uint64_t publish = client.call, keep = rig_expect_keep(&engine, object);

    assert_int_not_equal(keep, 0);
    settle(&client);
    rig_send(&engine, &(message_t){.code = MSG_OK, .as.OK.call = keep});
    rig_expect(&client, MSG_OK, &message);
    assert_int_equal(message.as.OK.call, publish);
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_publish_answered_when_its_engine_is_lost(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    oid_t object = oid_new();

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_ask_publish(&client, "nearly kept", object, &engine);
    uint64_t publish = client.call;

    (void)rig_expect_keep(&engine, object);
    settle(&client);
    rig_disconnect(&engine);
    rig_expect(&client, MSG_OK, &message);
    assert_int_equal(message.as.OK.call, publish);
    rig_disconnect(&client);
}

static void
test_session_that_says_goodbye_ends_at_once(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    oid_t id;

    (void)state;
    rig_engine(&rig, &engine);
    rig_client(&rig, &client);
    id = client.id;
    rig_send(&client, &(message_t){.code = MSG_GOODBYE, .as.GOODBYE = {.call = 0}});
    assert_true(await(&engine, &engine, MSG_SESSION_GONE, &message, 0.4));
    assert_true(oid_equal(message.as.SESSION_GONE.session, id));
    rig_disconnect(&client);
    rig_disconnect(&engine);
}

static void
test_client_that_vanished_expires_with_its_lease(void **state)
{
    rig_peer_t client, engine;
    message_t message;
    oid_t id;

    (void)state;
    rig_engine(&rig, &engine);
    rig_client(&rig, &client);
    id = client.id;
    int64_t start_ns = clock_now_ns();

    rig_disconnect(&client);
    do
        assert_true(await(&engine, &engine, MSG_SESSION_GONE, &message, 5));
    while (!oid_equal(message.as.SESSION_GONE.session, id));
    assert_true(clock_now_ns() - start_ns > INT64_C(300000000));
    assert_true(clock_now_ns() - start_ns < INT64_C(2000000000));
    rig_disconnect(&engine);
}

static void
test_silent_client_with_a_connection_is_kept(void **state)
{
    rig_peer_t client, engine;
    message_t message;

    (void)state;
    rig_engine(&rig, &engine);
    rig_client(&rig, &client);
    while (await(&engine, &engine, MSG_SESSION_GONE, &message, 1.6)) /* three leases long */
        assert_false(oid_equal(message.as.SESSION_GONE.session, client.id));
    rig_send(&client, &(message_t){.code = MSG_PING, .as.PING = {.call = 3}});
    rig_expect(&client, MSG_PONG, &message);
    rig_disconnect(&client);
    rig_disconnect(&engine);
}

static void
test_session_reconnects_with_its_id(void **state)
{
    rig_peer_t client, again, engine;
    message_t message;

    (void)state;
    rig_engine(&rig, &engine);
    rig_client(&rig, &client);
    rig_connect(&rig, &again, 'C');
    again.id = client.id;
    rig_hello(&again, &message);
    rig_send(&client, &(message_t){.code = MSG_PING, .as.PING = {.call = 3}});
    rig_expect_error(&client, FH_STALE_HANDLE, &message); /* the older connection is forgotten */
    rig_disconnect(&client);
    while (await(&engine, &engine, MSG_SESSION_GONE, &message, 1.2))
        assert_false(oid_equal(message.as.SESSION_GONE.session, again.id));
    rig_disconnect(&again);
    rig_disconnect(&engine);
}

static void
test_place_emptiest_first_and_stable(void **state)
{
    rig_peer_t client, first, second;
    message_t message;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &first);
    rig_engine(&rig, &second);
    rig_send(&first, &(message_t){.code = MSG_HEARTBEAT, .as.HEARTBEAT = {.used = 1000, .objects = 1}});
    rig_send(&first, &(message_t){.code = MSG_PING, .as.PING = {.call = 99}});
    rig_expect(&first, MSG_PONG, &message);
    rig_send(&client, &(message_t){.code = MSG_PLACE, .as.PLACE = {.call = ++client.call, .pieces = 2, .bytes = 100}});
    rig_expect(&client, MSG_PLACEMENT, &message);
    assert_int_equal(message.as.PLACEMENT.engines.count, 2);
    assert_true(oid_equal(message.as.PLACEMENT.engines.items[0], first.id));
    rig_send(&first, &(message_t){.code = MSG_HEARTBEAT, .as.HEARTBEAT = {.used = 1 << 29, .objects = 1}});
    rig_send(&first, &(message_t){.code = MSG_PING, .as.PING = {.call = 99}});
    rig_expect(&first, MSG_PONG, &message);
    rig_send(&client, &(message_t){.code = MSG_PLACE, .as.PLACE = {.call = ++client.call, .pieces = 1}});
    rig_expect(&client, MSG_PLACEMENT, &message);
    assert_int_equal(message.as.PLACEMENT.engines.count, 1);
    assert_true(oid_equal(message.as.PLACEMENT.engines.items[0], second.id));
    rig_disconnect(&second);
    rig_disconnect(&first);
    rig_disconnect(&client);
}

static int
count_objects(rig_peer_t *client)
{
    message_t message;
    int count = 0;

    rig_send(client, &(message_t){.code = MSG_OBJECTS, .as.OBJECTS = {.call = ++client->call}});
    do {
        assert_true(rig_receive(client, &message, 10));
        count += message.code == MSG_OBJECT;
    } while (message.code != MSG_END);
    return count;
}

/* All that the engine has said is heard. */

static void
test_objects_gone_only_by_their_engine(void **state)
{
    rig_peer_t client, engine, other;
    oid_t objects[] = {oid_new(), oid_new(), oid_new()};
    const oid_t unknown = oid_new();

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_engine(&rig, &other);
    for (int i = 0; i < 3; i++)
        rig_tell_object(&engine, objects[i], client.id);
    settle(&engine);
    assert_int_equal(count_objects(&client), 3);
    rig_send(&other, &(message_t){.code = MSG_OBJECTS_GONE, .as.OBJECTS_GONE = {.objects = {objects, 3}}});
    settle(&other);
    assert_int_equal(count_objects(&client), 3);
    rig_send(&engine, &(message_t){.code = MSG_OBJECTS_GONE, .as.OBJECTS_GONE = {.objects = {objects, 2}}});
    rig_send(&engine, &(message_t){.code = MSG_OBJECTS_GONE, .as.OBJECTS_GONE = {.objects = {&unknown, 1}}});
    settle(&engine);
    assert_int_equal(count_objects(&client), 1);
    rig_disconnect(&other);
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_nothing_counts_before_the_announcement(void **state)
{
    rig_peer_t client, engine;
    message_t message;

    (void)state;
    rig_client(&rig, &client);
    rig_connect(&rig, &engine, 'E');
    rig_hello(&engine, &message);
    rig_tell_object(&engine, oid_new(), client.id);
    rig_beat(&engine);
    rig_send(&engine,
             &(message_t){.code = MSG_ANNOUNCE,
                          .as.ANNOUNCE = {.call = ++engine.call, .endpoint = str_of("tcp://127.0.0.1:1"), .cores = 1}});
    rig_expect(&engine, MSG_OK, &message);
    assert_int_equal(count_objects(&client), 0);
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

static void
test_heartbeats_show_in_engines(void **state)
{
    rig_peer_t client, engine;
    message_t message;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    rig_send(&engine, &(message_t){.code = MSG_HEARTBEAT, .as.HEARTBEAT = {.used = 12345, .objects = 67}});
    settle(&engine);
    rig_send(&client, &(message_t){.code = MSG_ENGINES, .as.ENGINES = {.call = 8}});
    do
        rig_receive(&client, &message, 10);
    while (message.code != MSG_ENGINE || message.as.ENGINE.call != 8);
    assert_int_equal(message.as.ENGINE.used, 12345);
    assert_int_equal(message.as.ENGINE.objects, 67);
    rig_expect(&client, MSG_END, &message);
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

/* A broker that was stopped for a while could hear nobody: that is nobody's death. */
static void
test_broker_that_was_stopped_loses_no_engine(void **state)
{
    rig_peer_t client, engine;
    message_t message;

    (void)state;
    rig_client(&rig, &client);
    rig_engine(&rig, &engine);
    proc_signal(&rig.broker, SIGSTOP);
    for (int64_t end = clock_deadline(2.0); clock_remaining_ms(end, 1) > 0;)
        rig_receive(&client, &message, 2.0);
    proc_signal(&rig.broker, SIGCONT);
    assert_false(await(&client, &engine, MSG_ENGINE_LOST, &message, 1.0));
    rig_disconnect(&engine);
    rig_disconnect(&client);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_announcement_told_to_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_that_dies_told_within_two_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_that_is_silent_is_lost_and_must_begin_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_goodbye_is_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_name_of_lost_engine_answers_engine_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_name_taken_unless_the_same_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_that_says_goodbye_ends_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_that_vanished_expires_with_its_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(test_publish_answered_once_the_engine_keeps_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_publish_answered_when_its_engine_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_client_with_a_connection_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_reconnects_with_its_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_place_emptiest_first_and_stable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_objects_gone_only_by_their_engine, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_counts_before_the_announcement, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heartbeats_show_in_engines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broker_that_was_stopped_loses_no_engine, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
