/* An engine's arrays as a client sees them: made, seen, written, read, computed, released. */
#include "tests/process/engine_rig.h"

#include <stdlib.h>
#include <string.h>

static int
start(void **state)
{
    static engine_rig_t rig;
    static const char *const OPTIONS[] = {"--memory", "64M", NULL};

    engine_rig_start(&rig, 1, OPTIONS);
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
array_fetched_has_the_bytes_that_were_sent(void **state)
{
    caller_t caller;
    double got[100];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t id = caller_doubles(&caller, 100, 1, 0.5);

    caller_fetch(&caller, id, got, sizeof got);
    for (int i = 0; i < 100; i++)
        assert_true(got[i] == 1 + 0.5 * i);
    caller_close(&caller);
}

static void
client_over_tcp_with_its_key_is_served(void **state)
{
    caller_t caller;
    double got[3];

    caller_open(&caller, *state, 0, OID_NONE, true);
    caller_fetch(&caller, caller_doubles(&caller, 3, 7, 1), got, sizeof got);
    assert_true(got[2] == 9);
    caller_close(&caller);
}

static void
large_array_in_parts_is_whole_again(void **state)
{
    enum { N = 500000, PART = 1024 * 1024 };
    const size_t bytes = N * sizeof(double);
    caller_t caller;
    message_t message;
    double *values = malloc(bytes), *got = malloc(bytes);

    assert_non_null(values);
    assert_non_null(got);
    for (int i = 0; i < N; i++)
        values[i] = i * 0.25;
    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t id = caller_array(&caller, DTYPE_FLOAT64, N, NULL);

    for (size_t at = 0; at < bytes; at += PART)
        (void)caller_send(&caller, &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = id, .offset = at}},
                          (const char *)values + at, bytes - at < PART ? bytes - at : PART);
    for (size_t at = 0; at < bytes; at += PART) {
        size_t size = bytes - at < PART ? bytes - at : PART;

        (void)caller_send(
            &caller, &(message_t){.code = MSG_FETCH, .as.FETCH = {.object = id, .offset = at, .size = size}}, NULL, 0);
        caller_expect(&caller, MSG_DATA, &message);
        memcpy((char *)got + at, caller.raw[0], size);
    }
    assert_memory_equal(values, got, bytes);
    caller_release(&caller, id);
    caller_close(&caller);
    free(values);
    free(got);
}

static void
ufunc_of_two_arrays_is_their_sum(void **state)
{
    caller_t caller;
    double got[1000];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 1000, 0, 1), b = caller_doubles(&caller, 1000, 5, 2);

    caller_fetch(&caller, caller_binary(&caller, "add", a, b), got, sizeof got);
    for (int i = 0; i < 1000; i++)
        assert_true(got[i] == 5 + 3.0 * i);
    caller_close(&caller);
}

static void
ufunc_with_a_constant_in_place_changes_the_array(void **state)
{
    caller_t caller;
    double ten = 10, got[4];
    operand_t inputs[2] = {{.dtype = DTYPE_FLOAT64}, {.dtype = 0}};

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 4, 1, 1);

    memcpy(inputs[0].scalar, &ten, sizeof ten);
    inputs[1].object = a;
    (void)caller_send(&caller,
                      &(message_t){.code = MSG_UFUNC,
                                   .as.UFUNC = {.op = str_of("subtract"),
                                                .inputs = {inputs, 2},
                                                .results = {&a, 1},
                                                .outs = 1,
                                                .loop_in = DTYPE_FLOAT64 | DTYPE_FLOAT64 << 8,
                                                .loop_out = DTYPE_FLOAT64}},
                      NULL, 0);
    caller_fetch(&caller, a, got, sizeof got);
    for (int i = 0; i < 4; i++)
        assert_true(got[i] == 9.0 - i);
    caller_close(&caller);
}

static void
ufunc_onto_its_own_shifted_view_reads_the_old_values(void **state)
{
    caller_t caller;
    double got[6];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 6, 1, 1);
    oid_t low = caller_view(&caller, a, 0, 5, 8), high = caller_view(&caller, a, 8, 5, 8);
    operand_t inputs[2] = {{.object = low}, {.object = low}};

    (void)caller_send(&caller,
                      &(message_t){.code = MSG_UFUNC,
                                   .as.UFUNC = {.op = str_of("add"),
                                                .inputs = {inputs, 2},
                                                .results = {&high, 1},
                                                .outs = 1,
                                                .loop_in = DTYPE_FLOAT64 | DTYPE_FLOAT64 << 8,
                                                .loop_out = DTYPE_FLOAT64}},
                      NULL, 0);
    caller_fetch(&caller, a, got, sizeof got);
    for (int i = 0; i < 6; i++)
        assert_true(got[i] == (i ? 2.0 * i : 1.0));
    caller_close(&caller);
}

static void
reduction_over_an_axis_gives_its_sums(void **state)
{
    caller_t caller;
    int64_t shape[2] = {2, 3}, axis = 1, values[6] = {1, 2, 3, 4, 5, 6}, got[2];
    oid_t a = oid_new(), sum = oid_new();

    caller_open(&caller, *state, 0, OID_NONE, false);
    (void)caller_send(
        &caller, &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = a, .dtype = DTYPE_INT64, .shape = {shape, 2}}},
        values, sizeof values);
    (void)caller_send(
        &caller,
        &(message_t){
            .code = MSG_REDUCE,
            .as.REDUCE = {.op = str_of("sum"), .object = a, .result = sum, .axes = {&axis, 1}, .dtype = DTYPE_INT64}},
        NULL, 0);
    caller_fetch(&caller, sum, got, sizeof got);
    assert_int_equal(got[0], 6);
    assert_int_equal(got[1], 15);
    caller_close(&caller);
}

static void
view_backwards_reads_backwards(void **state)
{
    caller_t caller;
    double got[5];

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_fetch(&caller, caller_view(&caller, caller_doubles(&caller, 10, 0, 1), 72, 5, -16), got, sizeof got);
    for (int i = 0; i < 5; i++)
        assert_true(got[i] == 9.0 - 2 * i);
    caller_close(&caller);
}

static void
view_out_of_bounds_is_poisoned(void **state)
{
    static const struct {
        int64_t offset, n, stride;
        int status;
    } CASES[] = {
        {0, 11, 8, FH_BAD_INDEX}, {8, 10, 8, FH_BAD_INDEX},       {-8, 1, 8, FH_BAD_INDEX},
        {0, 2, -8, FH_BAD_INDEX}, {0, 2, INT64_MAX, FH_OVERFLOW}, {INT64_MAX, 2, 8, FH_OVERFLOW},
        {4, 10, 8, FH_BAD_INDEX}, {3, 11, 7, FH_BAD_INDEX},
    };
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 10, 0, 1);

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        (void)caller_ask(&caller, caller_view(&caller, a, CASES[i].offset, CASES[i].n, CASES[i].stride), 8);
        caller_expect_error(&caller, CASES[i].status, NULL);
    }
    caller_close(&caller);
}

static void
failed_call_poisons_all_that_follows_with_its_origin(void **state)
{
    caller_t caller;
    message_t message;
    char origin[128], text[512];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 3, 0, 1), b = caller_doubles(&caller, 4, 0, 1);
    oid_t bad = caller_binary(&caller, "add", a, b);
    oid_t worse = caller_binary(&caller, "multiply", bad, a);

    (void)caller_ask(&caller, caller_view(&caller, worse, 0, 1, 8), 8);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, &message);
    check_contains(str_copy(message.as.ERROR.origin, origin, sizeof origin), "UFUNC add");
    check_contains(str_copy(message.as.ERROR.text, text, sizeof text), "(3");
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC, .as.SYNC.object = worse}, NULL, 0);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    caller_sync(&caller);
    caller_close(&caller);
}

static void
failure_without_a_result_is_told_once(void **state)
{
    caller_t caller;
    double nine = 9;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 3, 0, 1);

    (void)caller_send(&caller, &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = a, .offset = 24}}, &nine,
                      sizeof nine);
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_BAD_INDEX, NULL);
    caller_sync(&caller);
    caller_close(&caller);
}

/* Half an array is not taken for a whole one; what others made stays as it is. */
static void
failure_to_fill_a_part_poisons_the_whole(void **state)
{
    caller_t caller, other;

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_open(&other, *state, 0, OID_NONE, false);
    oid_t theirs = caller_doubles(&other, 4, 1, 1), wholes[] = {caller_doubles(&caller, 4, 0, 0), theirs};
    const operand_t missing = {.object = oid_new()};

    caller_sync(&other);
    for (int i = 0; i < 2; i++)
        (void)caller_send(&caller,
                          &(message_t){.code = MSG_ASSIGN,
                                       .as.ASSIGN = {.target = wholes[i], .source = {&missing, 1}, .whole = wholes[i]}},
                          NULL, 0);
    (void)caller_ask(&caller, wholes[0], 4 * sizeof(double));
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    double got[4];

    caller_fetch(&other, theirs, got, sizeof got);
    assert_true(got[3] == 4);
    caller_leave(&caller);
    caller_close(&other);
}

static void
result_id_that_exists_is_refused_and_kept(void **state)
{
    caller_t caller;
    double got;
    int64_t one = 1;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 1, 42, 0);

    (void)caller_send(
        &caller, &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = a, .dtype = DTYPE_FLOAT64, .shape = {&one, 1}}},
        NULL, 0);
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    caller_fetch(&caller, a, &got, sizeof got);
    assert_true(got == 42);
    caller_close(&caller);
}

static void
releasing_gives_memory_back(void **state)
{
    enum { N = 1024 * 1024 };
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    int64_t before = caller_stat(&caller, "used");
    oid_t a = caller_array(&caller, DTYPE_FLOAT64, N, NULL), v = caller_view(&caller, a, 0, 10, 8);

    assert_int_equal(caller_stat(&caller, "used") - before, N * 8);
    caller_release(&caller, a);
    assert_int_equal(caller_stat(&caller, "used") - before, N * 8);
    caller_release(&caller, v);
    assert_int_equal(caller_stat(&caller, "used"), before);
    caller_close(&caller);
}

static void
more_than_the_limit_is_an_error_and_the_engine_goes_on(void **state)
{
    caller_t caller;
    message_t message;
    char text[512];
    double got;

    caller_open(&caller, *state, 0, OID_NONE, false);
    (void)caller_ask(&caller, caller_array(&caller, DTYPE_FLOAT64, 16 * 1024 * 1024, NULL), 8);
    caller_expect_error(&caller, FH_LIMIT_EXCEEDED, &message);
    check_contains(str_copy(message.as.ERROR.text, text, sizeof text), "134217728");
    (void)caller_ask(&caller, caller_array(&caller, DTYPE_FLOAT64, INT64_MAX / 4, NULL), 8);
    caller_expect_error(&caller, FH_OVERFLOW, NULL);
    caller_fetch(&caller, caller_doubles(&caller, 1, 3, 0), &got, sizeof got);
    assert_true(got == 3);
    caller_close(&caller);
}

static void
goodbye_frees_what_the_session_made(void **state)
{
    caller_t watcher, caller;
    message_t message;

    caller_open(&watcher, *state, 0, OID_NONE, false);
    int64_t before = caller_stat(&watcher, "objects");

    caller_open(&caller, *state, 0, OID_NONE, false);
    for (int i = 0; i < 10; i++)
        (void)caller_doubles(&caller, 10, i, 1);
    caller_sync(&caller);
    assert_int_equal(caller_stat(&watcher, "objects"), before + 10);
    (void)caller_send(&caller, &(message_t){.code = MSG_GOODBYE}, NULL, 0);
    caller_expect(&caller, MSG_OK, &message);
    caller_wait_stat(&watcher, "objects", before);
    caller_close(&caller);
    caller_close(&watcher);
}

static void
ten_thousand_calls_at_once_are_all_done(void **state)
{
    caller_t caller;
    message_t message;

    caller_open(&caller, *state, 0, OID_NONE, false);
    for (int i = 0; i < 10000; i++)
        (void)caller_send(&caller, &(message_t){.code = MSG_CALL, .as.CALL.method = str_of("nop")}, NULL, 0);
    for (int i = 0; i < 10000; i++) {
        caller_expect(&caller, MSG_RESULT, &message);
        assert_int_equal(message.as.RESULT.call, 2 + i);
    }
    caller_sync(&caller);
    assert_true(caller.done + 1 >= caller.call - 1);
    caller_close(&caller);
}

static void
methods_describe_the_array(void **state)
{
    caller_t caller;
    message_t message;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 3, 0, 1);

    (void)caller_send(&caller, &(message_t){.code = MSG_CALL, .as.CALL = {.object = a, .method = str_of("describe")}},
                      NULL, 0);
    caller_expect(&caller, MSG_RESULT, &message);
    assert_true(str_is(message.as.RESULT.values.items[3].as.str, "float64"));
    (void)caller_send(&caller, &(message_t){.code = MSG_CALL, .as.CALL = {.object = a, .method = str_of("fly")}}, NULL,
                      0);
    caller_expect_error(&caller, FH_NO_SUCH_METHOD, NULL);
    caller_close(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(array_fetched_has_the_bytes_that_were_sent),
        cmocka_unit_test(client_over_tcp_with_its_key_is_served),
        cmocka_unit_test(large_array_in_parts_is_whole_again),
        cmocka_unit_test(ufunc_of_two_arrays_is_their_sum),
        cmocka_unit_test(ufunc_with_a_constant_in_place_changes_the_array),
        cmocka_unit_test(ufunc_onto_its_own_shifted_view_reads_the_old_values),
        cmocka_unit_test(reduction_over_an_axis_gives_its_sums),
        cmocka_unit_test(view_backwards_reads_backwards),
        cmocka_unit_test(view_out_of_bounds_is_poisoned),
        cmocka_unit_test(failed_call_poisons_all_that_follows_with_its_origin),
        cmocka_unit_test(failure_without_a_result_is_told_once),
        cmocka_unit_test(failure_to_fill_a_part_poisons_the_whole),
        cmocka_unit_test(result_id_that_exists_is_refused_and_kept),
        cmocka_unit_test(releasing_gives_memory_back),
        cmocka_unit_test(more_than_the_limit_is_an_error_and_the_engine_goes_on),
        cmocka_unit_test(goodbye_frees_what_the_session_made),
        cmocka_unit_test(ten_thousand_calls_at_once_are_all_done),
        cmocka_unit_test(methods_describe_the_array),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
