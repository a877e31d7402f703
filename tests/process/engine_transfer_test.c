/* Arrays between two engines: SEND on one, EXPECT on the other, in either order.  First as if they were on different
 * hosts, where arrays are pushed; then on one, where large ones are offered. */
#include "tests/process/engine_rig.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1000, LARGE = 3 * 1024 * 1024 }; /* doubles: 8 kB, and 24 MiB: three times the credit */

static int
start_far(void **state)
{
    static engine_rig_t rig;

    engine_rig_start(&rig, 1, (const char *[]){"--host", "here", NULL});
    engine_rig_add(&rig, 1, (const char *[]){"--host", "there", NULL});
    *state = &rig;
    return 0;
}

static int
start_near(void **state)
{
    static engine_rig_t rig;

    engine_rig_start(&rig, 2, NULL);
    *state = &rig;
    return 0;
}

static int
stop(void **state)
{
    engine_rig_stop(*state);
    return 0;
}

/* One session on both engines. */
typedef struct {
    engine_rig_t *rig;
    caller_t from, to;
} pair_t;

static void
pair_open(pair_t *self, engine_rig_t *rig)
{
    self->rig = rig;
    caller_open(&self->from, rig, 0, OID_NONE, false);
    caller_open(&self->to, rig, 1, self->from.session, false);
}

static void
pair_close(pair_t *self)
{
    caller_leave(&self->from);
    caller_leave(&self->to);
}

static void
send_array(pair_t *self, oid_t object, oid_t transfer)
{
    message_t message = {.code = MSG_SEND,
                         .as.SEND = {.object = object, .transfer = transfer, .engine = self->rig->engines[1].id}};

    (void)caller_send(&self->from, &message, NULL, 0);
}

static void
expect_array(pair_t *self, oid_t transfer, int64_t n)
{
    message_t message = {
        .code = MSG_EXPECT,
        .as.EXPECT = {
            .transfer = transfer, .engine = self->rig->engines[0].id, .dtype = DTYPE_FLOAT64, .shape = {&n, 1}}};

    (void)caller_send(&self->to, &message, NULL, 0);
}

/* Element i is start + i. */
static void
check_values(caller_t *caller, oid_t object, int64_t n, double first)
{
    oid_t ends[2] = {caller_view(caller, object, 0, 1, 8), caller_view(caller, object, (n - 1) * 8, 1, 8)};
    int64_t axis = 0;
    oid_t sum = oid_new();
    double got;

    caller_fetch(caller, ends[0], &got, sizeof got);
    assert_true(got == first);
    caller_fetch(caller, ends[1], &got, sizeof got);
    assert_true(got == first + (double)(n - 1));
    (void)caller_send(caller,
                      &(message_t){.code = MSG_REDUCE,
                                   .as.REDUCE = {.op = str_of("sum"),
                                                 .object = object,
                                                 .result = sum,
                                                 .axes = {&axis, 1},
                                                 .dtype = DTYPE_FLOAT64}},
                      NULL, 0);
    caller_fetch(caller, sum, &got, sizeof got);
    double wanted = (double)n * first + (double)n * (double)(n - 1) / 2;

    assert_true(got > wanted * (1 - 1e-12) && got < wanted * (1 + 1e-12));
}

static oid_t
make_large(caller_t *caller, int64_t n, double first)
{
    enum { PART = 128 * 1024 };
    double *values = malloc(PART * sizeof *values);
    oid_t id = caller_array(caller, DTYPE_FLOAT64, n, NULL);

    assert_non_null(values);
    for (int64_t at = 0; at < n; at += PART) {
        int64_t count = n - at < PART ? n - at : PART;

        for (int64_t i = 0; i < count; i++)
            values[i] = first + (double)(at + i);
        (void)caller_send(caller,
                          &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = id, .offset = (uint64_t)at * 8}},
                          values, (size_t)count * 8);
    }
    free(values);
    return id;
}

static void
array_that_is_expected_first_arrives(void **state)
{
    static const int64_t SIZES[] = {1, SMALL, LARGE};
    pair_t pair;

    pair_open(&pair, *state);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        oid_t transfer = oid_new();

        expect_array(&pair, transfer, SIZES[i]);
        send_array(&pair, make_large(&pair.from, SIZES[i], 5), transfer);
        check_values(&pair.to, transfer, SIZES[i], 5);
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

        send_array(&pair, make_large(&pair.from, SIZES[i], 7), transfer);
        /* All that goes without credit is on its way. */
        caller_wait_stat(&pair.from, "pushed", before + (bytes < 8 << 20 ? bytes : 8 << 20));
        expect_array(&pair, transfer, SIZES[i]);
        check_values(&pair.to, transfer, SIZES[i], 7);
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
    expect_array(&pair, transfer, 0);
    send_array(&pair, caller_array(&pair.from, DTYPE_FLOAT64, 0, NULL), transfer);
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
    send_array(&pair, caller_view(&pair.from, caller_doubles(&pair.from, 10, 0, 1), 72, 4, -16), transfer);
    expect_array(&pair, transfer, 4);
    caller_fetch(&pair.to, transfer, got, sizeof got);
    for (int i = 0; i < 4; i++)
        assert_true(got[i] == 9 - 2 * i);
    pair_close(&pair);
}

static void
array_is_sent_as_it_was_at_its_send(void **state)
{
    pair_t pair;
    oid_t transfer = oid_new();
    double zero = 0;
    operand_t source = {.dtype = DTYPE_FLOAT64};

    pair_open(&pair, *state);
    oid_t a = make_large(&pair.from, LARGE, 3);

    send_array(&pair, a, transfer); /* stops at its credit */
    memcpy(source.scalar, &zero, sizeof zero);
    (void)caller_send(&pair.from, &(message_t){.code = MSG_ASSIGN, .as.ASSIGN = {.target = a, .source = {&source, 1}}},
                      NULL, 0);
    caller_sync(&pair.from);
    expect_array(&pair, transfer, LARGE);
    check_values(&pair.to, transfer, LARGE, 3);
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

    expect_array(&pair, transfer, 2);
    send_array(&pair, bad, transfer);
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
    expect_array(&pair, transfer, 99);
    send_array(&pair, caller_doubles(&pair.from, 100, 0, 1), transfer);
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
    expect_array(&pair, never, SMALL);
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

    expect_array(&pair, never, SMALL);
    oid_t sum = caller_binary(&pair.to, "add", a, never);

    caller_release(&pair.to, a);
    caller_release(&pair.to, never);
    caller_release(&pair.to, sum);
    (void)caller_send(&pair.to, &(message_t){.code = MSG_CANCEL}, NULL, 0);
    caller_wait_stat(&pair.to, "objects", before);
    pair_close(&pair);
}

static void
all_memory_comes_back_when_the_sessions_end(void **state)
{
    pair_t pair;
    caller_t watcher[2];

    for (int i = 0; i < 2; i++)
        caller_open(&watcher[i], *state, i, OID_NONE, false);
    pair_open(&pair, *state);
    send_array(&pair, make_large(&pair.from, LARGE, 0), oid_new()); /* never expected */
    caller_sync(&pair.from);
    pair_close(&pair);
    for (int i = 0; i < 2; i++) {
        caller_wait_stat(&watcher[i], "used", 0);
        caller_wait_stat(&watcher[i], "objects", 0);
        caller_close(&watcher[i]);
    }
}


static void
large_array_is_read_where_it_lies(void **state)
{
    pair_t pair;

    pair_open(&pair, *state);
    for (int early = 0; early < 2; early++) {
        oid_t transfer = oid_new(), a = make_large(&pair.from, LARGE, 7);
        int64_t before = caller_stat(&pair.from, "pushed");

        if (!early)
            expect_array(&pair, transfer, LARGE);
        send_array(&pair, a, transfer);
        caller_sync(&pair.from);
        if (early)
            expect_array(&pair, transfer, LARGE);
        check_values(&pair.to, transfer, LARGE, 7);
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
    oid_t a = make_large(&pair.from, LARGE, 0);
    expect_array(&pair, transfer, COUNT);
    send_array(&pair, caller_view(&pair.from, a, (LARGE - 1) * 8, COUNT, -8 * STEP), transfer);
    caller_fetch(&pair.to, caller_view(&pair.to, transfer, 0, 1, 8), &first, 8);
    caller_fetch(&pair.to, caller_view(&pair.to, transfer, (COUNT - 1) * 8, 1, 8), &last, 8);
    assert_true(first == LARGE - 1 && last == LARGE - 1 - (double)STEP * (COUNT - 1));
    pair_close(&pair);
}

static void
offer_that_nobody_wants_is_let_go(void **state)
{
    pair_t pair;
    oid_t transfer = oid_new();

    pair_open(&pair, *state);
    oid_t a = make_large(&pair.from, LARGE, 0);
    int64_t before = caller_stat(&pair.from, "pushed");
    expect_array(&pair, transfer, SMALL);
    (void)caller_send(&pair.to, &(message_t){.code = MSG_CANCEL}, NULL, 0);
    (void)caller_ask(&pair.to, transfer, 8);
    caller_expect_error(&pair.to, FH_CANCELLED, NULL);
    send_array(&pair, a, transfer);
    caller_wait_stat(&pair.from, "pushed", before + LARGE * 8); /* credited: the sender waits for nobody */
    caller_release(&pair.from, a);
    caller_wait_stat(&pair.from, "used", 0);
    pair_close(&pair);
}

static bool
is_there_again(void *context)
{
    pair_t *pair = context;
    oid_t transfer = oid_new();
    message_t message;

    expect_array(pair, transfer, 3);
    send_array(pair, caller_doubles(&pair->from, 3, 0, 1), transfer);
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
    expect_array(&pair, transfer, 3);
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
    expect_array(&pair, transfer, SMALL);
    (void)caller_ask(&pair.to, transfer, 8);
    proc_signal(&rig->engines[0].process, SIGKILL);
    proc_end(&rig->engines[0].process);
    caller_expect_error(&pair.to, FH_ENGINE_LOST, &message);
    check_contains(str_copy(message.as.ERROR.text, text, sizeof text), "engine 0");
    /* What is expected from it later fails as well. */
    transfer = oid_new();
    expect_array(&pair, transfer, SMALL);
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
    static engine_rig_t rig;
    static rig_peer_t others[OTHERS];
    pair_t pair;

    (void)state;
    engine_rig_start(&rig, 0, NULL);
    for (int i = 0; i < OTHERS; i++) {
        rig_engine(&rig.broker, &others[i]);
        for (int k = 0; i % 10 == 9 && k <= i; k++)
            rig_beat(&others[k]);
    }
    engine_rig_add(&rig, 2, NULL);
    pair_open(&pair, &rig);
    oid_t object = caller_doubles(&pair.from, SMALL, 7, 1), transfer = oid_new();

    expect_array(&pair, transfer, SMALL);
    send_array(&pair, object, transfer);
    check_values(&pair.to, transfer, SMALL, 7);
    pair_close(&pair);
    for (int i = 0; i < OTHERS; i++)
        rig_disconnect(&others[i]);
    engine_rig_stop(&rig);
}

int
main(void)
{
    const struct CMUnitTest far[] = {
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
    const struct CMUnitTest near[] = {
        cmocka_unit_test(array_that_is_expected_first_arrives),
        cmocka_unit_test(large_array_is_read_where_it_lies),
        cmocka_unit_test(large_strided_view_arrives_in_c_order),
        cmocka_unit_test(array_is_sent_as_it_was_at_its_send),
        cmocka_unit_test(offer_that_nobody_wants_is_let_go),
        cmocka_unit_test(all_memory_comes_back_when_the_sessions_end),
        cmocka_unit_test(lost_engine_fails_what_is_expected_from_it),
    };
    int failed = cmocka_run_group_tests(far, start_far, stop);

    return failed + cmocka_run_group_tests(near, start_near, stop);
}
