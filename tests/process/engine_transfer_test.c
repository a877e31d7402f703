/* Arrays between two engines: SEND on one, EXPECT on the other, in either order; pushed, as between hosts without
 * streams. */
#include "tests/process/engine_pair.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int
start(void **state)
{
    static engine_rig_t rig;

    engine_rig_start(&rig, 1, (const char *[]){"--host", "here", "--no-streams", NULL});
    engine_rig_add(&rig, 1, (const char *[]){"--host", "there", "--no-streams", NULL});
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
array_that_is_expected_first_arrives(void **state)
{
    static const int64_t SIZES[] = {1, SMALL, LARGE};
    pair_t pair;

    pair_open(&pair, *state);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        oid_t transfer = oid_new();

        pair_expect(&pair, transfer, SIZES[i]);
        pair_send(&pair, pair_make(&pair.from, SIZES[i], 5), transfer);
        pair_check(&pair.to, transfer, SIZES[i], 5);
    }
    pair_close(&pair);
}

static void
array_that_comes_before_it_is_expected_waits(void **state)
{
    static const int64_t SIZES[] = {1, SMALL, LARGE};
    pair_t pair;

    pair_open(&pair, *state);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        oid_t transfer = oid_new();
        int64_t before = caller_stat(&pair.from, "pushed"), bytes = SIZES[i] * 8;

        pair_send(&pair, pair_make(&pair.from, SIZES[i], 7), transfer);
        /* All that goes without credit is on its way. */
        caller_wait_stat(&pair.from, "pushed", before + (bytes < 8 << 20 ? bytes : 8 << 20));
        pair_expect(&pair, transfer, SIZES[i]);
        pair_check(&pair.to, transfer, SIZES[i], 7);
        caller_wait_stat(&pair.from, "pushed", before + bytes);
    }
    pair_close(&pair);
}

static void
empty_array_arrives(void **state)
{
    pair_t pair;
    oid_t transfer = oid_new();
    message_t message;

    pair_open(&pair, *state);
    pair_expect(&pair, transfer, 0);
    pair_send(&pair, caller_array(&pair.from, DTYPE_FLOAT64, 0, NULL), transfer);
    (void)caller_send(
        &pair.to, &(message_t){.code = MSG_CALL, .as.CALL = {.object = transfer, .method = str_of("nop")}}, NULL, 0);
    caller_expect(&pair.to, MSG_RESULT, &message);
    pair_close(&pair);
}

static void
strided_view_arrives_in_c_order(void **state)
{
    pair_t pair;
    oid_t transfer = oid_new();
    double got[4];

    pair_open(&pair, *state);
    pair_send(&pair, caller_view(&pair.from, caller_doubles(&pair.from, 10, 0, 1), 72, 4, -16), transfer);
    pair_expect(&pair, transfer, 4);
    caller_fetch(&pair.to, transfer, got, sizeof got);
    for (int i = 0; i < 4; i++)
        assert_true(got[i] == 9 - 2 * i);
    pair_close(&pair);
}

static void
poisoned_array_poisons_what_it_becomes(void **state)
{
    pair_t pair;
    oid_t transfer = oid_new();
    message_t message;
    char origin[128];

    pair_open(&pair, *state);
    oid_t bad =
        caller_binary(&pair.from, "add", caller_doubles(&pair.from, 2, 0, 1), caller_doubles(&pair.from, 3, 0, 1));

    pair_expect(&pair, transfer, 2);
    pair_send(&pair, bad, transfer);
    (void)caller_ask(&pair.to, transfer, 8);
    caller_expect_error(&pair.to, FH_INVALID_ARGUMENT, &message);
    check_contains(str_copy(message.as.ERROR.origin, origin, sizeof origin), "UFUNC add");
    pair_close(&pair);
}

static void
other_shape_than_expected_is_an_error(void **state)
{
    pair_t pair;
    oid_t transfer = oid_new();

    pair_open(&pair, *state);
    pair_expect(&pair, transfer, 99);
    pair_send(&pair, caller_doubles(&pair.from, 100, 0, 1), transfer);
    (void)caller_ask(&pair.to, transfer, 8);
    caller_expect_error(&pair.to, FH_INVALID_ARGUMENT, NULL);
    pair_close(&pair);
}

static void
waiting_lane_stops_nobody_else_and_can_be_cancelled(void **state)
{
    pair_t pair;
    caller_t other;
    oid_t never = oid_new();
    double got;

    pair_open(&pair, *state);
    caller_open(&other, *state, 1, OID_NONE, false);
    pair_expect(&pair, never, SMALL);
    (void)caller_ask(&pair.to, never, 8);
    caller_fetch(&other, caller_doubles(&other, 1, 8, 0), &got, sizeof got);
    assert_true(got == 8);
    (void)caller_send(&pair.to, &(message_t){.code = MSG_CANCEL}, NULL, 0); /* its own number: all before it */
    caller_expect_error(&pair.to, FH_CANCELLED, NULL);
    (void)caller_ask(&pair.to, never, 8);
    caller_expect_error(&pair.to, FH_CANCELLED, NULL);
    caller_leave(&other);
    pair_close(&pair);
}

static void
releases_among_cancelled_calls_still_count(void **state)
{
    pair_t pair;
    oid_t never = oid_new();

    pair_open(&pair, *state);
    int64_t before = caller_stat(&pair.to, "objects");
    oid_t a = caller_doubles(&pair.to, 3, 0, 1);

    pair_expect(&pair, never, SMALL);
    oid_t sum = caller_binary(&pair.to, "add", a, never);

    caller_release(&pair.to, a);
    caller_release(&pair.to, never);
    caller_release(&pair.to, sum);
    (void)caller_send(&pair.to, &(message_t){.code = MSG_CANCEL}, NULL, 0);
    caller_wait_stat(&pair.to, "objects", before);
    pair_close(&pair);
}

static bool
is_there_again(void *context)
{
    pair_t *pair = context;
    oid_t transfer = oid_new();
    message_t message;

    pair_expect(pair, transfer, 3);
    pair_send(pair, caller_doubles(&pair->from, 3, 0, 1), transfer);
    (void)caller_ask(&pair->to, transfer, 24);
    assert_true(caller_receive(&pair->to, &message, 20));
    return message.code == MSG_DATA;
}

static void
engine_that_was_taken_for_dead_sends_again(void **state)
{
    engine_rig_t *rig = *state;
    pair_t pair;
    oid_t transfer = oid_new();

    pair_open(&pair, rig);
    pair_expect(&pair, transfer, 3);
    (void)caller_ask(&pair.to, transfer, 24);
    proc_signal(&rig->engines[0].process, SIGSTOP);
    caller_expect_error(&pair.to, FH_ENGINE_LOST, NULL);
    proc_signal(&rig->engines[0].process, SIGCONT);
    /* Our connection has broken, too, or will: no pings were answered. */
    caller_close(&pair.from);
    caller_open(&pair.from, rig, 0, pair.to.session, false);
    assert_true(check_until(is_there_again, &pair, 20));
    pair_close(&pair);
}

/* Last: it kills engine 0. */
static void
lost_engine_fails_what_is_expected_from_it(void **state)
{
    engine_rig_t *rig = *state;
    pair_t pair;
    oid_t transfer = oid_new();
    message_t message;
    char text[512];

    pair_open(&pair, rig);
    pair_expect(&pair, transfer, SMALL);
    (void)caller_ask(&pair.to, transfer, 8);
    proc_signal(&rig->engines[0].process, SIGKILL);
    proc_end(&rig->engines[0].process);
    caller_expect_error(&pair.to, FH_ENGINE_LOST, &message);
    check_contains(str_copy(message.as.ERROR.text, text, sizeof text), "engine 0");
    /* What is expected from it later fails as well. */
    transfer = oid_new();
    pair_expect(&pair, transfer, SMALL);
    (void)caller_ask(&pair.to, transfer, 8);
    caller_expect_error(&pair.to, FH_ENGINE_LOST, NULL);
    caller_close(&pair.from);
    caller_close(&pair.to);
}

/* Among many engines nobody is told of all others: who is to send asks. */
static void
arrays_move_in_a_large_cluster(void **state)
{
    enum { OTHERS = 70 };
    static engine_rig_t large;
    static rig_peer_t others[OTHERS];
    pair_t pair;

    (void)state;
    engine_rig_start(&large, 0, NULL);
    for (int i = 0; i < OTHERS; i++) {
        rig_engine(&large.broker, &others[i]);
        for (int k = 0; i % 10 == 9 && k <= i; k++)
            rig_beat(&others[k]);
    }
    engine_rig_add(&large, 2, NULL);
    pair_open(&pair, &large);
    oid_t object = caller_doubles(&pair.from, SMALL, 7, 1), transfer = oid_new();

    pair_expect(&pair, transfer, SMALL);
    pair_send(&pair, object, transfer);
    pair_check(&pair.to, transfer, SMALL, 7);
    pair_close(&pair);
    for (int i = 0; i < OTHERS; i++)
        rig_disconnect(&others[i]);
    engine_rig_stop(&large);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(array_that_is_expected_first_arrives),
        cmocka_unit_test(array_that_comes_before_it_is_expected_waits),
        cmocka_unit_test(empty_array_arrives),
        cmocka_unit_test(strided_view_arrives_in_c_order),
        cmocka_unit_test(array_is_sent_as_it_was_at_its_send),
        cmocka_unit_test(poisoned_array_poisons_what_it_becomes),
        cmocka_unit_test(other_shape_than_expected_is_an_error),
        cmocka_unit_test(waiting_lane_stops_nobody_else_and_can_be_cancelled),
        cmocka_unit_test(releases_among_cancelled_calls_still_count),
        cmocka_unit_test(all_memory_comes_back_when_the_sessions_end),
        cmocka_unit_test(engine_that_was_taken_for_dead_sends_again),
        cmocka_unit_test(lost_engine_fails_what_is_expected_from_it),
        cmocka_unit_test(arrays_move_in_a_large_cluster),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
