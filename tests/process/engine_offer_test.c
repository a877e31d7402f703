/* Large arrays between two engines are offered, and read where they lie: over streams between hosts, in memory on one.
 */
#include "tests/process/engine_pair.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static engine_rig_t engines;

static int
start_on_two_hosts(void **state, const char *option)
{
    engine_rig_start(&engines, 1, (const char *[]){"--host", "here", option, NULL});
    engine_rig_add(&engines, 1, (const char *[]){"--host", "there", option, NULL});
    *state = &engines;
    return 0;
}

static int
start_streaming(void **state)
{
    return start_on_two_hosts(state, "--trust-network");
}

static int
start_sealed(void **state)
{
    return start_on_two_hosts(state, NULL);
}

static int
start_near(void **state)
{
    engine_rig_start(&engines, 2, NULL);
    *state = &engines;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

static void
large_array_is_read_where_it_lies(void **state)
{
    pair_t pair;

    pair_open(&pair, *state);
    for (int early = 0; early < 2; early++) {
        oid_t transfer = oid_new(), a = pair_make(&pair.from, LARGE, 7);
        int64_t before = caller_stat(&pair.from, "pushed");

        if (!early)
            pair_expect(&pair, transfer, LARGE);
        pair_send(&pair, a, transfer);
        caller_sync(&pair.from);
        if (early)
            pair_expect(&pair, transfer, LARGE);
        pair_check(&pair.to, transfer, LARGE, 7);
        caller_wait_stat(&pair.from, "pushed", before + LARGE * 8);
        caller_release(&pair.from, a);
        caller_wait_stat(&pair.from, "used", 0);
    }
    pair_close(&pair);
}

static void
large_strided_view_arrives_in_c_order(void **state)
{
    enum { STEP = 3, COUNT = LARGE / STEP };
    pair_t pair;
    oid_t transfer = oid_new();
    double first, last;

    pair_open(&pair, *state);
    oid_t a = pair_make(&pair.from, LARGE, 0);
    pair_expect(&pair, transfer, COUNT);
    pair_send(&pair, caller_view(&pair.from, a, (LARGE - 1) * 8, COUNT, -8 * STEP), transfer);
    caller_fetch(&pair.to, caller_view(&pair.to, transfer, 0, 1, 8), &first, 8);
    caller_fetch(&pair.to, caller_view(&pair.to, transfer, (COUNT - 1) * 8, 1, 8), &last, 8);
    assert_true(first == LARGE - 1 && last == LARGE - 1 - (double)STEP * (COUNT - 1));
    pair_close(&pair);
}

/* Credit comes before anybody expects it: it has been read. */
static void
array_is_read_before_it_is_expected(void **state)
{
    enum { AHEAD = 512 * 1024 /* doubles: 4 MiB */, ARRAYS = 6 };
    pair_t pair;
    oid_t transfers[ARRAYS], wrong = oid_new();
    int64_t one = 1;

    pair_open(&pair, *state);
    int64_t before = caller_stat(&pair.from, "pushed");

    caller_sync(&pair.to);
    for (int i = 0; i < ARRAYS; i++) {
        oid_t array = pair_make(&pair.from, AHEAD, 5 + i);

        transfers[i] = oid_new();
        pair_send(&pair, array, transfers[i]);
        caller_release(&pair.from, array);
    }
    pair_send(&pair, pair_make(&pair.from, AHEAD, 0), wrong);
    caller_wait_stat(&pair.from, "pushed", before + (ARRAYS + 1) * AHEAD * 8);
    for (int i = ARRAYS - 1; i >= 0; i--) {
        pair_expect(&pair, transfers[i], AHEAD);
        pair_check(&pair.to, transfers[i], AHEAD, 5 + i);
    }
    pair_expect(&pair, wrong, one);
    (void)caller_ask(&pair.to, wrong, 8);
    caller_expect_error(&pair.to, FH_INVALID_ARGUMENT, NULL);
    pair_close(&pair);
    caller_open(&pair.to, *state, 1, OID_NONE, false);
    caller_wait_stat(&pair.to, "used", 0);
    caller_leave(&pair.to);
}

static void
offer_that_nobody_wants_is_let_go(void **state)
{
    pair_t pair;
    oid_t transfer = oid_new();

    pair_open(&pair, *state);
    oid_t a = pair_make(&pair.from, LARGE, 0);
    int64_t before = caller_stat(&pair.from, "pushed");
    pair_expect(&pair, transfer, SMALL);
    (void)caller_send(&pair.to, &(message_t){.code = MSG_CANCEL}, NULL, 0);
    (void)caller_ask(&pair.to, transfer, 8);
    caller_expect_error(&pair.to, FH_CANCELLED, NULL);
    pair_send(&pair, a, transfer);
    caller_wait_stat(&pair.from, "pushed", before + LARGE * 8); /* credited: the sender waits for nobody */
    caller_release(&pair.from, a);
    caller_wait_stat(&pair.from, "used", 0);
    pair_close(&pair);
}

/* Last: it ends engine 1 while an array is on its way there from an engine that stands still. */
static void
engine_ends_well_while_an_array_is_on_its_way(void **state)
{
    engine_rig_t *rig = *state;
    pair_t pair;
    oid_t large = oid_new(), small = oid_new();
    double got;
    caller_t watcher;
    int status = -1;

    pair_open(&pair, rig);
    caller_open(&watcher, rig, 1, OID_NONE, false);
    pair_send(&pair, pair_make(&pair.from, LARGE, 0), large);
    pair_expect(&pair, small, 1);
    pair_send(&pair, caller_doubles(&pair.from, 1, 5, 0), small);
    caller_fetch(&pair.to, small, &got, sizeof got); /* so the offer, which went before, has come */
    int64_t used = caller_stat(&watcher, "used");

    proc_signal(&rig->engines[0].process, SIGSTOP);
    pair_expect(&pair, large, LARGE);
    (void)caller_ask(&pair.to, large, 8);
    caller_wait_stat(&watcher, "used", used + LARGE * 8); /* the lane waits for it now */
    proc_signal(&rig->engines[1].process, SIGTERM);
    assert_true(proc_wait(&rig->engines[1].process, &status, 20));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    proc_end(&rig->engines[1].process);
    proc_signal(&rig->engines[0].process, SIGCONT);
    caller_close(&watcher);
    caller_close(&pair.from);
    caller_close(&pair.to);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_array_is_read_where_it_lies),
        cmocka_unit_test(large_strided_view_arrives_in_c_order),
        cmocka_unit_test(array_is_sent_as_it_was_at_its_send),
        cmocka_unit_test(offer_that_nobody_wants_is_let_go),
        cmocka_unit_test(all_memory_comes_back_when_the_sessions_end),
        cmocka_unit_test(engine_ends_well_while_an_array_is_on_its_way),
    };
    const struct CMUnitTest ahead[] = {
        cmocka_unit_test(array_is_read_before_it_is_expected),
    };
    int failed = cmocka_run_group_tests_name("plain streams", tests, start_streaming, stop);

    failed += cmocka_run_group_tests_name("reading ahead", ahead, start_streaming, stop);
    failed += cmocka_run_group_tests_name("sealed streams", tests, start_sealed, stop);
    return failed + cmocka_run_group_tests_name("memory", tests, start_near, stop);
}
