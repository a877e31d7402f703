/* What is on its way between two engines while their connection is cut again and again: it goes on, and comes once. */
#include "base/clock.h"
#include "tests/process/engine_pair.h"
#include "tests/process/scissors.h"

#include <signal.h>
#include <string.h>

enum { TURNS = 12, LEAST_CUTS = 10, PATIENCE_S = 60 };

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
start_pushing(void **state)
{
    return start_on_two_hosts(state, "--no-streams");
}

static int
start_streaming(void **state)
{
    return start_on_two_hosts(state, "--trust-network");
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

/* Cut what the first engine has opened to the second one. */
static scissors_t
begin_cutting(uint64_t seed)
{
    return (scissors_t){.child = &engines.engines[0].process,
                        .endpoint = engines.engines[1].endpoint,
                        .cutter = {.seed = seed, .least_ms = 5, .most_ms = 250}};
}

/* There have not been enough turns and cuts. */
static bool
goes_on(int turns, scissors_t *scissors, int64_t end_ns)
{
    return (turns < TURNS || cutter_cuts(&scissors->cutter) < LEAST_CUTS) && clock_now_ns() < end_ns;
}

/* Arrays of all sizes, expected before they come and after; every element is right, and each part was sent once. */
static void
arrays_arrive_once(void **state)
{
    static const int64_t SIZES[] = {1, SMALL, LARGE};
    uint64_t seed = check_seed();
    int64_t end_ns = clock_deadline(PATIENCE_S);
    scissors_t scissors = begin_cutting(seed);
    int64_t bytes = 0;
    pair_t pair;

    pair_open(&pair, *state);
    int64_t before = caller_stat(&pair.from, "pushed");

    scissors_begin(&scissors);
    for (int i = 0; goes_on(i, &scissors, end_ns); i++) {
        int64_t n = SIZES[i % 3];
        oid_t transfer = oid_new(), array = pair_make(&pair.from, n, i + 1);

        bool first = check_random(&seed) & 1;

        if (first)
            pair_expect(&pair, transfer, n);
        pair_send(&pair, array, transfer);
        caller_release(&pair.from, array);
        if (check_random(&seed) & 1)
            caller_sync(&pair.from);
        if (!first)
            pair_expect(&pair, transfer, n);
        bytes += n * 8;
        pair_check(&pair.to, transfer, n, i + 1);
        caller_release(&pair.to, transfer);
    }
    cutter_end(&scissors.cutter);
    assert_true(scissors.cutter.cuts >= LEAST_CUTS);
    caller_wait_stat(&pair.from, "pushed", before + bytes);
    caller_wait_stat(&pair.from, "used", 0);
    pair_close(&pair);
}

/* Many at a time, in both directions, so that frames and confirmations of both lines are lost. */
static void
many_small_arrays_arrive_in_both_directions(void **state)
{
    enum { MANY = 64 };
    const int64_t one = 1;
    engine_rig_t *rig = *state;
    uint64_t seed = check_seed();
    int64_t end_ns = clock_deadline(PATIENCE_S);
    scissors_t scissors = begin_cutting(seed);
    caller_t at[2];
    oid_t array[2];
    double got;

    for (int k = 0; k < 2; k++) {
        caller_open(&at[k], rig, k, k ? at[0].session : OID_NONE, false);
        array[k] = caller_doubles(&at[k], 1, 40 + k, 0);
    }
    scissors_begin(&scissors);
    for (int turn = 0; goes_on(turn, &scissors, end_ns); turn++) {
        oid_t transfer[2][MANY];

        for (int i = 0; i < 2 * MANY; i++) {
            int from = i & 1;
            oid_t id = transfer[from][i / 2] = oid_new();

            (void)caller_send(
                &at[from],
                &(message_t){.code = MSG_SEND,
                             .as.SEND = {.object = array[from], .transfer = id, .engine = rig->engines[1 - from].id}},
                NULL, 0);
            (void)caller_send(&at[1 - from],
                              &(message_t){.code = MSG_EXPECT,
                                           .as.EXPECT = {.transfer = id,
                                                         .engine = rig->engines[from].id,
                                                         .dtype = DTYPE_FLOAT64,
                                                         .shape = {&one, 1}}},
                              NULL, 0);
        }
        for (int i = 0; i < 2 * MANY; i++) {
            int from = i & 1;

            caller_fetch(&at[1 - from], transfer[from][i / 2], &got, sizeof got);
            assert_true(got == 40 + from);
            caller_release(&at[1 - from], transfer[from][i / 2]);
        }
    }
    cutter_end(&scissors.cutter);
    assert_true(scissors.cutter.cuts >= LEAST_CUTS);
    caller_leave(&at[1]);
    caller_leave(&at[0]);
}

/* ---- questions between engines of one host -------------------------------------------------------------------------
 */

/* The first engine asks the second one for memory, and gives it back: all of it has come back at the end. */
static void
memory_is_lent_once(void **state)
{
    enum { COUNT = 1 << 18 };
    const int64_t count = COUNT, stride = 8;
    engine_rig_t *rig = *state;
    uint64_t seed = check_seed();
    int64_t end_ns = clock_deadline(PATIENCE_S);
    scissors_t scissors = begin_cutting(seed);
    caller_t home, guest;
    message_t ok;
    double got;

    scissors.endpoint = rig->engines[1].local;
    caller_open(&guest, rig, 0, OID_NONE, false);
    caller_open(&home, rig, 1, guest.session, false);
    scissors_begin(&scissors);
    for (int i = 0; goes_on(i, &scissors, end_ns); i++) {
        oid_t array = caller_array(&home, DTYPE_FLOAT64, COUNT, NULL), seen = oid_new();
        double number = i;

        (void)caller_send(&home, &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = array}}, &number,
                          sizeof number);
        caller_sync(&home);
        (void)caller_send(&guest,
                          &(message_t){.code = MSG_ADOPT,
                                       .as.ADOPT = {.result = seen,
                                                    .engine = rig->engines[1].id,
                                                    .object = array,
                                                    .dtype = DTYPE_FLOAT64,
                                                    .shape = {&count, 1},
                                                    .strides = {&stride, 1}}},
                          NULL, 0);
        caller_expect(&guest, MSG_OK, &ok);
        caller_fetch(&guest, seen, &got, sizeof got);
        assert_true(got == number);
        caller_release(&guest, seen);
        caller_release(&home, array);
    }
    cutter_end(&scissors.cutter);
    assert_true(scissors.cutter.cuts >= LEAST_CUTS);
    caller_sync(&guest);
    caller_wait_stat(&home, "used", 0);
    caller_leave(&guest);
    caller_leave(&home);
}

/* Last: it ends the second engine while the line to it cannot be made again. */
static void
what_is_on_its_way_from_an_engine_that_dies_is_lost(void **state)
{
    scissors_t scissors = begin_cutting(check_seed());
    engine_rig_t *rig = *state;
    pair_t pair;
    oid_t transfer = oid_new();

    scissors.cutter.least_ms = scissors.cutter.most_ms = 1;
    pair_open(&pair, rig);
    oid_t array = pair_make(&pair.from, LARGE, 0);

    caller_sync(&pair.from);
    scissors_begin(&scissors);
    pair_send(&pair, array, transfer);
    caller_sync(&pair.from);
    pair_expect(&pair, transfer, LARGE);
    int64_t since = clock_now_ns();

    proc_signal(&rig->engines[0].process, SIGSTOP); /* the broker hears nothing of it */
    (void)caller_ask(&pair.to, transfer, 8);
    caller_expect_error(&pair.to, FH_ENGINE_LOST, NULL);
    print_message("lost after %.1f s\n", (double)(clock_now_ns() - since) / 1e9);
    cutter_end(&scissors.cutter);
    proc_signal(&rig->engines[0].process, SIGCONT);
    caller_leave(&pair.to);
    caller_leave(&pair.from);
}

int
main(void)
{
    const struct CMUnitTest pushing[] = {
        cmocka_unit_test(arrays_arrive_once),
        cmocka_unit_test(many_small_arrays_arrive_in_both_directions),
        cmocka_unit_test(what_is_on_its_way_from_an_engine_that_dies_is_lost),
    };
    const struct CMUnitTest streaming[] = {
        cmocka_unit_test(arrays_arrive_once),
    };
    const struct CMUnitTest near[] = {
        cmocka_unit_test(memory_is_lent_once),
    };

    return cmocka_run_group_tests(pushing, start_pushing, stop) +
           cmocka_run_group_tests(streaming, start_streaming, stop) + cmocka_run_group_tests(near, start_near, stop);
}
