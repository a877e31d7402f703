/* Numbered lines as an engine keeps them: what goes on, what is repeated, what cannot go on. */
#include "tests/process/engine_rig.h"

#include <string.h>

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

/* An array of one number, and the question for it: two numbered frames.  Returns its id. */
static oid_t
make_and_ask(caller_t *caller, double number)
{
    oid_t id = oid_new();
    static const int64_t ONE[] = {1};

    (void)caller_send(
        caller, &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = id, .dtype = DTYPE_FLOAT64, .shape = {ONE, 1}}},
        &number, sizeof number);
    (void)caller_send(caller, &(message_t){.code = MSG_FETCH, .as.FETCH = {.object = id, .size = sizeof number}}, NULL,
                      0);
    return id;
}

/* The next DATA, and the number of the frame that it comes in. */
static uint64_t
take_data(caller_t *caller, double wanted)
{
    message_t message;

    caller_expect(caller, MSG_DATA, &message);
    assert_memory_equal(caller->raw[0], &wanted, sizeof wanted);
    return caller->heard;
}

static void
answers_come_again_until_they_are_confirmed(void **state)
{
    caller_t first, second;
    message_t welcome;
    oid_t session = oid_new();

    caller_open_numbered(&first, *state, session, false, 0, &welcome);
    assert_true(welcome.as.WELCOME.features & FEATURE_LINE);
    assert_false(welcome.as.WELCOME.resumed);
    (void)make_and_ask(&first, 7);
    uint64_t number = take_data(&first, 7);

    caller_close(&first);
    for (int i = 0; i < 3; i++) { /* nothing was confirmed: as often as one likes */
        caller_open_numbered(&second, *state, session, true, number - 1, &welcome);
        assert_true(welcome.as.WELCOME.resumed);
        assert_int_equal(welcome.as.WELCOME.heard, 2);
        assert_int_equal(take_data(&second, 7), number);
        if (i < 2)
            caller_close(&second);
    }
    second.line = 2; /* it goes on where the first was */
    (void)make_and_ask(&second, 8);
    assert_true(take_data(&second, 8) > number);
    caller_leave(&second);
}

static void
frames_that_came_already_are_passed_over(void **state)
{
    caller_t caller;
    message_t message;

    caller_open_numbered(&caller, *state, OID_NONE, false, 0, &message);
    (void)make_and_ask(&caller, 1);
    (void)take_data(&caller, 1);
    caller.line = 0;
    (void)make_and_ask(&caller, 2); /* the numbers 1 and 2 again */
    (void)make_and_ask(&caller, 3);
    (void)take_data(&caller, 3);
    caller_leave(&caller);
}

static void
a_gap_is_told_and_nothing_behind_it_is_done(void **state)
{
    caller_t caller;
    message_t message;

    caller_open_numbered(&caller, *state, OID_NONE, false, 0, &message);
    caller.line = 5;
    (void)make_and_ask(&caller, 1);
    caller_expect_error(&caller, FH_STALE_HANDLE, &message);
    assert_int_equal(message.as.ERROR.call, 0);
    caller_close(&caller);
}

static void
what_was_forgotten_does_not_go_on(void **state)
{
    caller_t caller;
    message_t welcome;
    double got;

    caller_open_numbered(&caller, *state, oid_new(), true, 9, &welcome);
    assert_false(welcome.as.WELCOME.resumed);
    caller_fetch(&caller, caller_doubles(&caller, 1, 6, 0), &got, sizeof got);
    assert_true(got == 6);
    caller_leave(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_again_until_they_are_confirmed),
        cmocka_unit_test(frames_that_came_already_are_passed_over),
        cmocka_unit_test(a_gap_is_told_and_nothing_behind_it_is_done),
        cmocka_unit_test(what_was_forgotten_does_not_go_on),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
