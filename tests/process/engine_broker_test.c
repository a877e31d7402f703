/* An engine and its broker: news of objects, published ones, sessions that end, a broker that is killed. */
#include "tests/process/engine_rig.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

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

/* What the broker is asked for. */
typedef struct {
    rig_peer_t *peer;
    oid_t object;
    bool there;
} wanted_t;

/* Does the broker list the object, or not, as wanted? */
static bool
is_listed(void *context)
{
    const wanted_t *wanted = context;
    message_t message;
    bool found = false;

    rig_send(wanted->peer, &(message_t){.code = MSG_OBJECTS, .as.OBJECTS.call = ++wanted->peer->call});
    for (;;) {
        if (!rig_receive(wanted->peer, &message, 10))
            fail_msg("the broker does not list its objects");
        if (message.code == MSG_END)
            return found == wanted->there;
        found = found || (message.code == MSG_OBJECT && oid_equal(message.as.OBJECT.object, wanted->object));
    }
}

static void
wait_listed(rig_peer_t *peer, oid_t object, bool there)
{
    wanted_t wanted = {peer, object, there};

    if (!check_until(is_listed, &wanted, 10))
        fail_msg("the broker %s the object", there ? "does not list" : "still lists");
}

/* A session with the broker and the engine. */
static void
open_session(engine_rig_t *rig, rig_peer_t *peer, caller_t *caller)
{
    rig_client(&rig->broker, peer);
    caller_open(caller, rig, 0, peer->id, false);
}

static void
publish(engine_rig_t *rig, rig_peer_t *peer, const char *name, oid_t object)
{
    const int64_t extent = 3;
    message_t message;

    rig_send(peer, &(message_t){.code = MSG_PUBLISH,
                                .as.PUBLISH = {.call = ++peer->call,
                                               .name = str_of(name),
                                               .type = str_of("array"),
                                               .dtype = DTYPE_FLOAT64,
                                               .shape = {&extent, 1},
                                               .axis = -1,
                                               .pieces = {&object, 1},
                                               .engines = {&rig->engines[0].id, 1}}});
    rig_expect(peer, MSG_OK, &message);
}

static void
broker_hears_of_objects_that_come_and_go(void **state)
{
    rig_peer_t peer;
    caller_t caller;

    open_session(*state, &peer, &caller);
    oid_t a = caller_doubles(&caller, 3, 1, 1);

    wait_listed(&peer, a, true);
    caller_release(&caller, a);
    wait_listed(&peer, a, false);
    caller_leave(&caller);
    rig_disconnect(&peer);
}

static void
published_array_outlives_its_session(void **state)
{
    engine_rig_t *rig = *state;
    rig_peer_t peer, other;
    caller_t caller, reader;
    message_t message;
    double got[3];

    open_session(rig, &peer, &caller);
    oid_t a = caller_doubles(&caller, 3, 1, 1), b = caller_doubles(&caller, 3, 1, 1);

    caller_sync(&caller);
    publish(rig, &peer, "kept", a);
    wait_listed(&peer, b, true);
    rig_send(&peer, &(message_t){.code = MSG_GOODBYE, .as.GOODBYE.call = ++peer.call});
    rig_expect(&peer, MSG_OK, &message);
    caller_close(&caller);
    rig_disconnect(&peer);

    open_session(rig, &other, &reader);
    wait_listed(&other, b, false); /* the broker told the engine that the session is gone */
    caller_fetch(&reader, a, got, sizeof got);
    assert_true(got[2] == 3);
    rig_send(&other,
             &(message_t){.code = MSG_UNPUBLISH, .as.UNPUBLISH = {.call = ++other.call, .name = str_of("kept")}});
    rig_expect(&other, MSG_OK, &message);
    caller_wait_stat(&reader, "objects", 0);
    caller_leave(&reader);
    rig_disconnect(&other);
}

static void
killed_broker_is_told_everything_again(void **state)
{
    engine_rig_t *rig = *state;
    rig_peer_t peer;
    caller_t caller;
    double got[3];

    open_session(rig, &peer, &caller);
    oid_t a = caller_doubles(&caller, 3, 1, 1);

    wait_listed(&peer, a, true);
    rig_disconnect(&peer);
    proc_signal(&rig->broker.broker, SIGKILL);
    proc_end(&rig->broker.broker);
    /* Without a broker the engine goes on. */
    oid_t b = caller_binary(&caller, "add", a, a);

    caller_fetch(&caller, b, got, sizeof got);
    assert_true(got[2] == 6);
    caller_release(&caller, a);
    caller_sync(&caller);
    rig_start_again(&rig->broker);
    rig_connect(&rig->broker, &peer, 'C');
    peer.id = caller.session;
    rig_hello(&peer, &(message_t){.code = MSG_WELCOME});
    wait_listed(&peer, b, true);
    wait_listed(&peer, a, false);
    caller_leave(&caller);
    rig_disconnect(&peer);
}

static void
published_array_outlives_a_killed_broker_and_its_session(void **state)
{
    engine_rig_t *rig = *state;
    rig_peer_t peer, other;
    caller_t caller, reader;
    message_t message;
    double got[3];

    open_session(rig, &peer, &caller);
    oid_t a = caller_doubles(&caller, 3, 7, 1), b = caller_doubles(&caller, 3, 1, 1);

    caller_sync(&caller);
    publish(rig, &peer, "durable", a);
    wait_listed(&peer, b, true);
    rig_disconnect(&peer);
    rig_restart(&rig->broker);
    rig_connect(&rig->broker, &peer, 'C');
    peer.id = caller.session;
    rig_hello(&peer, &message);
    wait_listed(&peer, b, true);
    caller_close(&caller);
    rig_send(&peer, &(message_t){.code = MSG_GOODBYE, .as.GOODBYE.call = ++peer.call});
    rig_expect(&peer, MSG_OK, &message);
    rig_disconnect(&peer);

    open_session(rig, &other, &reader);
    wait_listed(&other, b, false);
    caller_fetch(&reader, a, got, sizeof got);
    assert_true(got[2] == 9);
    rig_send(&other,
             &(message_t){.code = MSG_UNPUBLISH, .as.UNPUBLISH = {.call = ++other.call, .name = str_of("durable")}});
    rig_expect(&other, MSG_OK, &message);
    caller_wait_stat(&reader, "objects", 0);
    caller_leave(&reader);
    rig_disconnect(&other);
}

static void
engine_that_was_frozen_is_there_again(void **state)
{
    engine_rig_t *rig = *state;
    rig_peer_t peer;
    caller_t caller;
    double got[3];

    open_session(rig, &peer, &caller);
    oid_t a = caller_doubles(&caller, 3, 1, 1);

    wait_listed(&peer, a, true);
    proc_signal(&rig->engines[0].process, SIGSTOP);
    wait_listed(&peer, a, false); /* the broker takes it for dead */
    proc_signal(&rig->engines[0].process, SIGCONT);
    wait_listed(&peer, a, true);
    /* Connections to a frozen process are given up; the session goes on over a new one. */
    caller_close(&caller);
    caller_open(&caller, rig, 0, peer.id, false);
    caller_fetch(&caller, a, got, sizeof got);
    assert_true(got[2] == 3);
    caller_leave(&caller);
    rig_disconnect(&peer);
}

static void
engine_without_a_broker_for_too_long_ends(void **state)
{
    static const char *const OPTIONS[] = {"--orphan-timeout", "1", NULL};
    engine_rig_t rig;
    int status = 0;

    (void)state;
    engine_rig_start(&rig, 1, OPTIONS);
    proc_signal(&rig.broker.broker, SIGKILL);
    proc_end(&rig.broker.broker);
    assert_true(proc_wait(&rig.engines[0].process, &status, 20));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    proc_end(&rig.engines[0].process);
    rig_start_again(&rig.broker);
    engine_rig_stop(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broker_hears_of_objects_that_come_and_go),
        cmocka_unit_test(published_array_outlives_its_session),
        cmocka_unit_test(killed_broker_is_told_everything_again),
        cmocka_unit_test(published_array_outlives_a_killed_broker_and_its_session),
        cmocka_unit_test(engine_that_was_frozen_is_there_again),
        cmocka_unit_test(engine_without_a_broker_for_too_long_ends),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
