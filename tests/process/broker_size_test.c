/* Many of everything: what is told, kept, listed and restored is counted. */
#include "base/clock.h"
#include "tests/process/broker_crowd.h"

#include <stdio.h>
#include <stdlib.h>

enum { ENGINES = 100, CLIENTS = 200, OBJECTS = 100000, NAMES = 1000, EACH = OBJECTS / ENGINES };

static crowd_t crowd;
static int64_t began_ns;
static oid_t ids[OBJECTS];

static int
setup(void **state)
{
    (void)state;
    for (int i = 0; i < OBJECTS; i++)
        ids[i] = oid_new();
    began_ns = clock_now_ns();
    crowd_start(&crowd, NULL, ENGINES, CLIENTS);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    crowd_stop(&crowd);
    return 0;
}

static void
tell_all(void)
{
    for (int i = 0; i < ENGINES; i++)
        crowd_tell(&crowd, crowd_engine(&crowd, i), crowd_client(&crowd, i)->peer.id, ids + i * EACH, EACH);
    for (int i = 0; i < ENGINES; i++)
        crowd_settle(&crowd, crowd_engine(&crowd, i));
}

static int64_t
count_objects(member_t *client)
{
    client->rows = 0;
    crowd_send(&crowd, client,
               &(message_t){.code = MSG_OBJECTS, .as.OBJECTS = {.call = ++client->peer.call, .limit = 2 * OBJECTS}});
    crowd_await(&crowd, client, client->peer.call);
    return (int64_t)client->rows;
}

static bool
all_engines_known(void *context)
{
    (void)context;
    for (int i = 0; i < CLIENTS; i++)
        if (crowd_client(&crowd, i)->engines < ENGINES)
            return false;
    return true;
}

static void
test_all_clients_hear_of_all_engines(void **state)
{
    (void)state;
    assert_true(crowd_until(&crowd, all_engines_known, NULL, 30));
}

/* Not with every peer that comes, which would be as many messages as there are engines each time. */
static void
test_engines_are_probed_four_times_a_second(void **state)
{
    int64_t most = (clock_now_ns() - began_ns) / 250000000 + 2;

    (void)state;
    assert_in_range(crowd_engine(&crowd, 0)->peer.pings, 0, most);
}

static bool
has_found(void *context)
{
    const member_t *engine = context;

    return engine->engines == 1;
}

/* The last to come would otherwise cost as many messages as there are engines. */
static void
test_engines_of_a_large_cluster_ask_for_one(void **state)
{
    member_t *last = crowd_engine(&crowd, ENGINES - 1);

    (void)state;
    crowd_settle(&crowd, last);
    assert_in_range(last->engines, 1, 64); /* itself, and those that came in the same moment while there were few */
    last->engines = 0;
    crowd_send(
        &crowd, last,
        &(message_t){.code = MSG_FIND_ENGINE, .as.FIND_ENGINE = {++last->peer.call, crowd_engine(&crowd, 0)->peer.id}});
    assert_true(crowd_until(&crowd, has_found, last, 30));
    last->status = FH_OK;
    crowd_send(&crowd, last, &(message_t){.code = MSG_FIND_ENGINE, .as.FIND_ENGINE = {++last->peer.call, oid_new()}});
    crowd_await(&crowd, last, last->peer.call);
    assert_int_equal(last->status, FH_NO_SUCH_OBJECT);
}

static void
test_objects_counted_in_memory_and_in_the_file(void **state)
{
    member_t *client = crowd_client(&crowd, 7);

    (void)state;
    tell_all();
    assert_int_equal(count_objects(client), OBJECTS);
    assert_int_equal(crowd_number(&crowd, client, "SELECT count(*) FROM objects"), OBJECTS);
    tell_all(); /* once more: nothing new */
    assert_int_equal(crowd_number(&crowd, client, "SELECT count(*) FROM objects"), OBJECTS);
}

static void
test_default_listing_is_bounded(void **state)
{
    member_t *client = crowd_client(&crowd, 8);

    (void)state;
    client->rows = 0;
    crowd_send(&crowd, client, &(message_t){.code = MSG_OBJECTS, .as.OBJECTS.call = ++client->peer.call});
    crowd_await(&crowd, client, client->peer.call);
    assert_int_equal(client->rows, 10000);
}

static bool
all_kept(void *context)
{
    const size_t *wanted = context;
    size_t kept = 0;

    for (int i = 0; i < ENGINES; i++)
        kept += crowd_engine(&crowd, i)->kept;
    return kept >= *wanted;
}

static void
test_names_kept_by_their_engines(void **state)
{
    size_t wanted = NAMES;
    char name[40];

    (void)state;
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "name/%d", i);
        crowd_publish(&crowd, crowd_client(&crowd, i % CLIENTS), name, ids[i * (OBJECTS / NAMES)],
                      crowd_engine(&crowd, i / (NAMES / ENGINES)));
    }
    for (int i = 0; i < CLIENTS; i++) {
        crowd_await(&crowd, crowd_client(&crowd, i), crowd_client(&crowd, i)->peer.call);
        assert_int_equal(crowd_client(&crowd, i)->status, FH_OK);
    }
    assert_true(crowd_until(&crowd, all_kept, &wanted, 30));
    for (int i = 0; i < ENGINES; i++)
        assert_int_equal(crowd_engine(&crowd, i)->kept, NAMES / ENGINES);
}

/* Names are durable, and told to engines that come back; objects are announced again. */
static void
test_restart_loses_nothing(void **state)
{
    size_t wanted = NAMES;
    member_t *client = crowd_client(&crowd, 3);

    (void)state;
    crowd_restart(&crowd);
    assert_true(crowd_until(&crowd, all_kept, &wanted, 30));
    tell_all();
    assert_int_equal(count_objects(client), OBJECTS);
    assert_int_equal(crowd_number(&crowd, client, "SELECT count(*) FROM names"), NAMES);
    assert_int_equal(crowd_number(&crowd, client, "SELECT count(*) FROM objects"), OBJECTS);
    assert_int_equal(crowd_number(&crowd, client, "SELECT count(*) FROM engines WHERE state = 'ready'"), ENGINES);
}

static bool
all_heard_of_the_end(void *context)
{
    (void)context;
    for (int i = 0; i < ENGINES; i++)
        if (crowd_engine(&crowd, i)->sessions_gone < CLIENTS / 2)
            return false;
    return true;
}

static void
test_many_ends_told_to_all_engines(void **state)
{
    member_t *client = crowd_client(&crowd, 3);

    (void)state;
    for (int i = CLIENTS / 2; i < CLIENTS; i++)
        crowd_send(&crowd, crowd_client(&crowd, i),
                   &(message_t){.code = MSG_GOODBYE, .as.GOODBYE.call = ++crowd_client(&crowd, i)->peer.call});
    assert_true(crowd_until(&crowd, all_heard_of_the_end, NULL, 30));
    for (int i = 0; i < ENGINES; i++)
        crowd_tell_gone(&crowd, crowd_engine(&crowd, i), ids + i * EACH, EACH / 2);
    for (int i = 0; i < ENGINES; i++)
        crowd_settle(&crowd, crowd_engine(&crowd, i));
    assert_int_equal(count_objects(client), OBJECTS / 2);
    assert_int_equal(crowd_number(&crowd, client, "SELECT count(*) FROM objects"), OBJECTS / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_clients_hear_of_all_engines),
        cmocka_unit_test(test_engines_are_probed_four_times_a_second),
        cmocka_unit_test(test_engines_of_a_large_cluster_ask_for_one),
        cmocka_unit_test(test_objects_counted_in_memory_and_in_the_file),
        cmocka_unit_test(test_default_listing_is_bounded),
        cmocka_unit_test(test_names_kept_by_their_engines),
        cmocka_unit_test(test_restart_loses_nothing),
        cmocka_unit_test(test_many_ends_told_to_all_engines),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
