/* What an engine tells of kernels: how far they are, what they have done, which there are. */
#include "base/clock.h"
#include "tests/process/kernel_caller.h"

#include <string.h>

static const kernel_wish_t ADD = {.file = "good/numbers", .entry = "add2"},
                           PIECE = {.file = "good/numbers", .entry = "scale", .signature = "float64(float64)"},
                           ENDLESS = {.file = "hostile/endless_loop"};

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

/* A new result; b may be none. */
static oid_t
run(caller_t *caller, oid_t kernel, oid_t a, oid_t b)
{
    operand_t inputs[2] = {{.object = a}, {.object = b}};
    oid_t result = oid_new();

    (void)caller_send(
        caller,
        &(message_t){
            .code = MSG_KERNEL_CALL,
            .as.KERNEL_CALL = {.kernel = kernel, .inputs = {inputs, oid_is_none(b) ? 1 : 2}, .result = result}},
        NULL, 0);
    return result;
}

static void
progress_tells_of_a_kernel_that_runs(void **state)
{
    caller_t caller, other;
    message_t message;
    char entry[32];

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_open(&other, *state, 0, OID_NONE, false);
    int64_t before = caller_stat(&other, "kernel_calls");
    const int64_t number = 1;
    oid_t endless =
        run(&caller, kernel_load(&caller, ENDLESS, NULL), caller_array(&caller, DTYPE_INT64, 1, &number), OID_NONE);
    uint64_t call = caller.call;

    (void)caller_ask(&caller, endless, 8);
    caller_wait_stat(&other, "kernel_calls", before + 1);
    /* The runner may still be about to be given its code. */
    int64_t deadline = clock_deadline(30);

    do {
        (void)caller_send(&caller, &(message_t){.code = MSG_PROGRESS}, NULL, 0);
        caller_expect(&caller, MSG_PROGRESS_INFO, &message);
        assert_int_equal(message.as.PROGRESS_INFO.queued, 1);
    } while (!message.as.PROGRESS_INFO.running && clock_now_ns() < deadline);
    assert_int_equal(message.as.PROGRESS_INFO.running, call);
    assert_string_equal(str_copy(message.as.PROGRESS_INFO.entry, entry, sizeof entry), "kernel");
    (void)caller_send(&caller, &(message_t){.code = MSG_CANCEL}, NULL, 0);
    caller_expect_error(&caller, FH_CANCELLED, NULL);
    (void)caller_send(&caller, &(message_t){.code = MSG_PROGRESS}, NULL, 0);
    caller_expect(&caller, MSG_PROGRESS_INFO, &message);
    assert_int_equal(message.as.PROGRESS_INFO.running, 0);
    assert_int_equal(message.as.PROGRESS_INFO.queued, 0);
    caller_leave(&other);
    caller_leave(&caller);
}

/* CALL a method; RESULT must come. */
static values_t
call_method(caller_t *caller, oid_t object, const char *method, const value_t *arg)
{
    message_t message;

    (void)caller_send(caller,
                      &(message_t){.code = MSG_CALL,
                                   .as.CALL = {.object = object, .method = str_of(method), .args = {arg, arg ? 1 : 0}}},
                      NULL, 0);
    caller_expect(caller, MSG_RESULT, &message);
    return message.as.RESULT.values;
}

static void
kernels_have_methods_of_their_own(void **state)
{
    caller_t caller;
    double got[3];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 3, 1, 1), kernel = kernel_load(&caller, ADD, NULL);

    caller_fetch(&caller, run(&caller, kernel, a, a), got, sizeof got);
    caller_fetch(&caller, run(&caller, kernel, a, a), got, sizeof got);
    values_t values = call_method(&caller, kernel, "stats", NULL);

    assert_int_equal(values.count, 6);
    assert_int_equal(values.items[0].as.i, 2);
    assert_int_equal(values.items[1].as.i, 6);
    assert_int_equal(values.items[4].as.i, 0);
    values = call_method(&caller, kernel, "describe", NULL);
    assert_true(str_is(values.items[3].as.str, "add2"));
    assert_true(str_is(values.items[7].as.str, "float64(float64, float64)"));
    assert_int_equal(call_method(&caller, kernel, "nop", NULL).count, 0);
    assert_int_equal(call_method(&caller, kernel, "methods", NULL).count, 4);
    (void)caller_send(&caller, &(message_t){.code = MSG_CALL, .as.CALL = {.object = kernel, .method = str_of("sum")}},
                      NULL, 0);
    caller_expect_error(&caller, FH_NO_SUCH_METHOD, NULL);
    caller_leave(&caller);
}

static void
engine_lists_kernels_of_all_sessions(void **state)
{
    caller_t caller, other;
    const value_t many = {.kind = VALUE_INT, .as.i = 1000}, wrong = {.kind = VALUE_INT, .as.i = -1};

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_open(&other, *state, 0, OID_NONE, false);
    oid_t ours = kernel_load(&caller, ADD, NULL), theirs = kernel_load(&other, PIECE, NULL);
    values_t values = call_method(&caller, OID_NONE, "kernels", NULL);
    int seen = 0;

    assert_int_equal(values.count % 7, 0);
    for (uint32_t i = 0; i < values.count; i += 7) {
        const value_t *row = &values.items[i];
        bool mine = oid_equal(row[0].as.oid, ours);

        /* Those of a session that has just ended may still be there. */
        if (!mine && !oid_equal(row[0].as.oid, theirs))
            continue;
        assert_true(oid_equal(row[1].as.oid, mine ? caller.session : other.session));
        assert_true(str_is(row[2].as.str, mine ? "add2" : "scale"));
        assert_true(str_is(row[3].as.str, mine ? "ufunc" : "piece"));
        assert_true(str_is(row[4].as.str, mine ? "float64(float64, float64)" : "float64(float64)"));
        assert_in_range(row[5].as.i, 100, 10000);
        assert_int_equal(row[6].as.i, 0);
        seen |= mine ? 1 : 2;
    }
    assert_int_equal(seen, 3);
    assert_int_equal(call_method(&caller, OID_NONE, "kernels", &many).count, 0);
    (void)caller_send(&caller,
                      &(message_t){.code = MSG_CALL, .as.CALL = {.method = str_of("kernels"), .args = {&wrong, 1}}},
                      NULL, 0);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    caller_leave(&other);
    caller_leave(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_tells_of_a_kernel_that_runs),
        cmocka_unit_test(kernels_have_methods_of_their_own),
        cmocka_unit_test(engine_lists_kernels_of_all_sessions),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
