/* engine/lane: order, turns, waiting, cancelling, ends. */
#include "engine/lane.h"
#include "tests/support/check.h"

#include <string.h>

static lanes_t lanes;

static int
start(void **state)
{
    (void)state;
    memset(&lanes, 0, sizeof lanes);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    lanes_release(&lanes);
    return 0;
}

static lane_t *
make(void)
{
    lane_t *lane;
    err_t err;

    check_ok(lanes_open(&lanes, oid_new(), &lane, &err), err);
    return lane;
}

static call_t *
make_call(uint64_t number)
{
    message_t message = {.code = MSG_SYNC, .as.SYNC.call = number};
    batch_t *batch;
    call_t *call;
    err_t err;

    check_ok(batch_new(&lanes.batches, &batch, &err), err);
    check_ok(call_new(&lanes, batch, &message, &call, &err), err);
    batch_unref(&lanes.batches, &batch);
    return call;
}

static void
push(lane_t *lane, uint64_t number)
{
    call_t *call = make_call(number);
    err_t err;

    check_ok(lane_push(&lanes, lane, &call, &err), err);
    assert_null(call);
}

static uint64_t
first_of(const lane_t *lane)
{
    return message_call(&lane->first->message);
}

static void
calls_of_a_lane_keep_their_order(void **state)
{
    lane_t *lane = make();

    (void)state;
    for (uint64_t i = 1; i <= 100; i++)
        push(lane, i);
    for (uint64_t i = 1; i <= 100; i++) {
        assert_ptr_equal(lanes_take(&lanes), lane);
        assert_null(lanes_take(&lanes));
        assert_int_equal(first_of(lane), i);
        assert_int_equal(lane_settle(&lanes, lane, NEXT_DONE), i < 100);
    }
    assert_int_equal(lane->state, LANE_IDLE);
    assert_int_equal(lane->bytes, 0);
}

static void
lanes_take_turns(void **state)
{
    lane_t *a = make(), *b = make();

    (void)state;
    for (uint64_t i = 1; i <= 3; i++)
        push(a, i);
    for (uint64_t i = 1; i <= 3; i++)
        push(b, i);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_ptr_equal(lanes_take(&lanes), a);
        (void)lane_settle(&lanes, a, NEXT_DONE);
        assert_ptr_equal(lanes_take(&lanes), b);
        (void)lane_settle(&lanes, b, NEXT_DONE);
    }
}

static void
waiting_lane_stops_nobody_and_goes_on_when_woken(void **state)
{
    lane_t *a = make(), *b = make();

    (void)state;
    push(a, 1);
    push(a, 2);
    push(b, 1);
    assert_ptr_equal(lanes_take(&lanes), a);
    assert_false(lane_settle(&lanes, a, NEXT_WAIT));
    assert_ptr_equal(lanes_take(&lanes), b);
    (void)lane_settle(&lanes, b, NEXT_DONE);
    assert_null(lanes_take(&lanes));
    lane_wake(&lanes, a);
    assert_ptr_equal(lanes_take_reactor(&lanes), a);
    assert_int_equal(first_of(a), 1);
    assert_true(lane_settle(&lanes, a, NEXT_DONE));
    assert_int_equal(first_of(a), 2);
}

static void
wake_that_comes_before_the_wait_is_not_lost(void **state)
{
    lane_t *lane = make();

    (void)state;
    push(lane, 1);
    (void)lanes_take(&lanes);
    lane_wake(&lanes, lane);
    (void)lane_settle(&lanes, lane, NEXT_WAIT);
    assert_ptr_equal(lanes_take_reactor(&lanes), lane);
    assert_false(lane_settle(&lanes, lane, NEXT_WAIT));
    assert_null(lanes_take_reactor(&lanes));
}

static void
idle_lane_is_claimed_and_busy_one_is_not(void **state)
{
    lane_t *lane = make();
    call_t *first = make_call(1), *second = make_call(2);

    (void)state;
    assert_true(lane_claim(lane, &first));
    assert_null(first);
    assert_false(lane_claim(lane, &second));
    assert_non_null(second);
    push(lane, 3);
    assert_null(lanes_take(&lanes)); /* somebody runs the first */
    assert_true(lane_settle(&lanes, lane, NEXT_DONE));
    assert_int_equal(first_of(lane), 3);
    call_free(&lanes, &second);
}

static void
next_call_is_kept_by_who_runs_the_lane(void **state)
{
    lane_t *lane = make();

    (void)state;
    for (uint64_t i = 1; i <= 3; i++)
        push(lane, i);
    assert_int_equal(lane->count, 3);
    assert_ptr_equal(lanes_take(&lanes), lane);
    assert_true(lane_next(&lanes, lane));
    assert_int_equal(first_of(lane), 2);
    assert_int_equal(lane->count, 2);
    assert_null(lanes_take(&lanes));
    assert_true(lane_next(&lanes, lane));
    assert_false(lane_next(&lanes, lane)); /* the last is not freed */
    assert_int_equal(first_of(lane), 3);
    push(lane, 4);
    lane_end(&lanes, lane);
    assert_false(lane_next(&lanes, lane));
    assert_int_equal(lane->count, 1);
    assert_false(lane_settle(&lanes, lane, NEXT_DONE));
    assert_int_equal(lanes.by_session.count, 0);
}

static void
too_many_bytes_are_busy(void **state)
{
    lane_t *lane = make();
    call_t *call = make_call(1);
    err_t err;

    (void)state;
    call->charged = LANE_MAX_BYTES;
    check_ok(lane_push(&lanes, lane, &call, &err), err);
    call = make_call(2);
    check_fails(lane_push(&lanes, lane, &call, &err), FH_BUSY, err);
    assert_null(call);
    assert_int_equal(lane->bytes, LANE_MAX_BYTES);
}

static void
cancel_marks_calls_up_to_a_number_and_wakes_the_lane(void **state)
{
    lane_t *lane = make();

    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        push(lane, i);
    (void)lanes_take(&lanes);
    (void)lane_settle(&lanes, lane, NEXT_WAIT);
    lane_cancel(&lanes, lane, 3, NULL, NULL);
    assert_ptr_equal(lanes_take_reactor(&lanes), lane);
    for (uint64_t i = 1; i <= 5; i++) {
        assert_int_equal(first_of(lane), i);
        assert_int_equal(call_cancelled(lane->first), i <= 3);
        (void)lane_settle(&lanes, lane, NEXT_DONE);
        if (i < 5)
            assert_ptr_equal(lanes_take(&lanes), lane);
    }
}

static void
ended_lane_is_freed_when_its_last_run_is_settled(void **state)
{
    lane_t *lane = make();
    oid_t session = lane->owner.session;

    (void)state;
    push(lane, 1);
    push(lane, 2);
    (void)lanes_take(&lanes);
    lane_end(&lanes, lane);
    assert_ptr_equal(lanes_find(&lanes, session), lane);
    assert_false(lane_settle(&lanes, lane, NEXT_DONE));
    assert_null(lanes_find(&lanes, session));
    assert_null(lanes_take(&lanes));
}

static void
ended_lane_waits_for_what_its_call_still_holds(void **state)
{
    lane_t *lane = make();
    oid_t session = lane->owner.session;
    int held;

    (void)state;
    push(lane, 1);
    (void)lanes_take(&lanes);
    lane->first->state = &held;
    (void)lane_settle(&lanes, lane, NEXT_WAIT);
    lane_end(&lanes, lane);
    assert_ptr_equal(lanes_take_reactor(&lanes), lane);
    assert_true(call_cancelled(lane->first));
    (void)lane_settle(&lanes, lane, NEXT_WAIT); /* not yet */
    lane_wake(&lanes, lane);
    assert_ptr_equal(lanes_take_reactor(&lanes), lane);
    lane->first->state = NULL;
    (void)lane_settle(&lanes, lane, NEXT_DONE);
    assert_null(lanes_find(&lanes, session));
}

static void
ended_lane_that_nobody_runs_goes_at_once(void **state)
{
    lane_t *runnable = make(), *idle = make(), *waiting = make(), *stays = make();

    (void)state;
    push(waiting, 1);
    assert_ptr_equal(lanes_take(&lanes), waiting);
    (void)lane_settle(&lanes, waiting, NEXT_WAIT);
    push(runnable, 1);
    push(stays, 1);
    lane_end(&lanes, runnable);
    lane_end(&lanes, idle);
    lane_end(&lanes, waiting);
    assert_int_equal(lanes.by_session.count, 1);
    assert_null(lanes_take_reactor(&lanes));
    assert_ptr_equal(lanes_take(&lanes), stays);
    assert_null(lanes_take(&lanes));
}

/* What a client has not taken. */
static void
leave_unread(lane_t *lane, size_t bytes)
{
    message_t message = {.code = MSG_DATA, .raw = 1, .as.DATA.call = 1};
    buf_t *raw;
    err_t err;

    if (!lane->outbox) {
        check_ok(outbox_new(&lane->outbox, &err), err);
        outbox_count_in(lane->outbox, &lanes.replies);
    }
    check_ok(buf_new(&raw, bytes, 0, &err), err);
    check_ok(outbox_add(lane->outbox, &message, &raw, &err), err);
    buf_unref(&raw);
}

static bool
may_go_on(lane_t *lane)
{
    push(lane, 1);
    return lane->state == LANE_RUNNABLE;
}

static void
what_is_unread_is_bounded_in_sum_and_shared_out(void **state)
{
    enum { STALLED = 5, LITTLE = 64 * 1024, MUCH = 30 * 1024 * 1024 };
    lane_t *stalled[STALLED], *reader = make(), *greedy = make();

    (void)state;
    for (int i = 0; i < STALLED; i++) {
        stalled[i] = make();
        leave_unread(stalled[i], i + 1 < STALLED ? MUCH : LITTLE);
    }
    leave_unread(greedy, LITTLE);
    assert_true(lanes.replies.bytes < LANES_REPLY_BYTES);
    assert_int_equal(lanes.replies.busy, STALLED + 1);
    leave_unread(greedy, MUCH);
    assert_true(lanes.replies.bytes > LANES_REPLY_BYTES);
    /* Each has less than it may have alone, but together it is too much: those above their share wait. */
    assert_false(may_go_on(stalled[0]));
    assert_false(may_go_on(greedy));
    assert_true(may_go_on(stalled[STALLED - 1]));
    assert_true(may_go_on(reader));
    outbox_destroy(&greedy->outbox);
    outbox_destroy(&stalled[1]->outbox);
    assert_int_equal(lanes.replies.busy, STALLED - 1);
    assert_true(lane_unblock(&lanes, stalled[0]));
    for (int i = 0; i < STALLED; i++)
        outbox_destroy(&stalled[i]->outbox);
    assert_int_equal(lanes.replies.bytes, 0);
    assert_int_equal(lanes.replies.busy, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_of_a_lane_keep_their_order, start, stop),
        cmocka_unit_test_setup_teardown(what_is_unread_is_bounded_in_sum_and_shared_out, start, stop),
        cmocka_unit_test_setup_teardown(lanes_take_turns, start, stop),
        cmocka_unit_test_setup_teardown(waiting_lane_stops_nobody_and_goes_on_when_woken, start, stop),
        cmocka_unit_test_setup_teardown(wake_that_comes_before_the_wait_is_not_lost, start, stop),
        cmocka_unit_test_setup_teardown(idle_lane_is_claimed_and_busy_one_is_not, start, stop),
        cmocka_unit_test_setup_teardown(next_call_is_kept_by_who_runs_the_lane, start, stop),
        cmocka_unit_test_setup_teardown(too_many_bytes_are_busy, start, stop),
        cmocka_unit_test_setup_teardown(cancel_marks_calls_up_to_a_number_and_wakes_the_lane, start, stop),
        cmocka_unit_test_setup_teardown(ended_lane_is_freed_when_its_last_run_is_settled, start, stop),
        cmocka_unit_test_setup_teardown(ended_lane_waits_for_what_its_call_still_holds, start, stop),
        cmocka_unit_test_setup_teardown(ended_lane_that_nobody_runs_goes_at_once, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
