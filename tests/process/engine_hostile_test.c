/* What no client of ours would send: every message gets an answer or is passed over, and the engine goes on. */
#include "tests/process/engine_rig.h"

#include <stdio.h>
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

/* A result that must be poisoned with this status. */
static void
check_poisoned(caller_t *caller, oid_t result, int status)
{
    (void)caller_ask(caller, result, 0);
    caller_expect_error(caller, status, NULL);
}

static void
must_work(caller_t *caller)
{
    double got;

    caller_fetch(caller, caller_doubles(caller, 1, 6, 0), &got, sizeof got);
    assert_true(got == 6);
}

static void
shapes_that_cannot_be_are_refused(void **state)
{
    static const int64_t NEGATIVE[] = {-1}, HUGE_PRODUCT[] = {INT64_C(1) << 40, INT64_C(1) << 40};
    caller_t caller;
    oid_t id = oid_new();

    caller_open(&caller, *state, 0, OID_NONE, false);
    (void)caller_send(
        &caller,
        &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = id, .dtype = DTYPE_INT8, .shape = {NEGATIVE, 1}}}, NULL,
        0);
    check_poisoned(&caller, id, FH_INVALID_ARGUMENT);
    id = oid_new();
    (void)caller_send(
        &caller,
        &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = id, .dtype = DTYPE_INT8, .shape = {HUGE_PRODUCT, 2}}},
        NULL, 0);
    check_poisoned(&caller, id, FH_OVERFLOW);
    id = oid_new();
    (void)caller_send(&caller, &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = id, .dtype = 200}}, NULL, 0);
    check_poisoned(&caller, id, FH_INVALID_ARGUMENT);
    id = oid_new();
    (void)caller_send(&caller, &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.result = id, .dtype = DTYPE_FLOAT64}},
                      "abc", 3);
    check_poisoned(&caller, id, FH_INVALID_ARGUMENT);
    must_work(&caller);
    caller_leave(&caller);
}

static void
result_without_an_id_is_refused(void **state)
{
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    (void)caller_send(&caller, &(message_t){.code = MSG_EMPTY, .as.EMPTY = {.dtype = DTYPE_FLOAT64}}, NULL, 0);
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    caller_leave(&caller);
}

static void
loops_that_an_operation_has_not_are_refused(void **state)
{
    static const struct {
        const char *op;
        uint64_t in, out;
        uint32_t inputs;
        int status;
    } CASES[] = {
        {"add", DTYPE_FLOAT64 | DTYPE_FLOAT64 << 8, DTYPE_INT8, 2, FH_WRONG_TYPE},
        {"add", DTYPE_FLOAT64 | DTYPE_INT8 << 8, DTYPE_FLOAT64, 2, FH_WRONG_TYPE},
        {"add", DTYPE_FLOAT64, DTYPE_FLOAT64, 2, FH_INVALID_ARGUMENT},
        {"add", DTYPE_FLOAT64, DTYPE_FLOAT64, 1, FH_INVALID_ARGUMENT},
        {"add", 0xffff, 0xff, 2, FH_INVALID_ARGUMENT},
        {"fly", DTYPE_FLOAT64 | DTYPE_FLOAT64 << 8, DTYPE_FLOAT64, 2, FH_NO_SUCH_METHOD},
    };
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 4, 1, 1);
    operand_t inputs[2] = {{.object = a}, {.object = a}};

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        oid_t id = oid_new();

        (void)caller_send(&caller,
                          &(message_t){.code = MSG_UFUNC,
                                       .as.UFUNC = {.op = str_of(CASES[i].op),
                                                    .inputs = {inputs, CASES[i].inputs},
                                                    .results = {&id, 1},
                                                    .loop_in = CASES[i].in,
                                                    .loop_out = CASES[i].out}},
                          NULL, 0);
        check_poisoned(&caller, id, CASES[i].status);
    }
    must_work(&caller);
    caller_leave(&caller);
}

static void
reductions_over_wrong_axes_are_refused(void **state)
{
    static const struct {
        const char *op;
        int64_t axes[3];
        uint32_t n;
        uint64_t dtype;
        int status;
    } CASES[] = {
        {"sum", {1}, 1, DTYPE_FLOAT64, FH_BAD_INDEX},           {"sum", {-1}, 1, DTYPE_FLOAT64, FH_BAD_INDEX},
        {"sum", {0, 0}, 2, DTYPE_FLOAT64, FH_INVALID_ARGUMENT}, {"argmin", {0}, 0, DTYPE_INT64, FH_INVALID_ARGUMENT},
        {"argmin", {0}, 1, DTYPE_FLOAT64, FH_WRONG_TYPE},       {"median", {0}, 1, DTYPE_FLOAT64, FH_NO_SUCH_METHOD},
    };
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 4, 1, 1);

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        oid_t id = oid_new();

        (void)caller_send(&caller,
                          &(message_t){.code = MSG_REDUCE,
                                       .as.REDUCE = {.op = str_of(CASES[i].op),
                                                     .object = a,
                                                     .result = id,
                                                     .axes = {CASES[i].axes, CASES[i].n},
                                                     .dtype = CASES[i].dtype}},
                          NULL, 0);
        check_poisoned(&caller, id, CASES[i].status);
    }
    caller_leave(&caller);
}

static void
bytes_outside_of_the_array_are_neither_read_nor_written(void **state)
{
    static const struct {
        uint64_t offset, size;
        int status;
    } CASES[] = {
        {32, 8, FH_BAD_INDEX},       {0, 40, FH_BAD_INDEX},       {INT64_MAX, 8, FH_BAD_INDEX},
        {4, 8, FH_INVALID_ARGUMENT}, {0, 4, FH_INVALID_ARGUMENT},
    };
    const char zeros[40] = {0};
    caller_t caller;
    double got[4];

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 4, 1, 1);

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        message_t fetch = {.code = MSG_FETCH,
                           .as.FETCH = {.object = a, .offset = CASES[i].offset, .size = CASES[i].size}};
        message_t write = {.code = MSG_WRITE, .as.WRITE = {.object = a, .offset = CASES[i].offset}};

        (void)caller_send(&caller, &fetch, NULL, 0);
        caller_expect_error(&caller, CASES[i].status, NULL);
        (void)caller_send(&caller, &write, zeros, CASES[i].size);
        (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
        caller_expect_error(&caller, CASES[i].status, NULL);
    }
    (void)caller_send(&caller, &(message_t){.code = MSG_WRITE, .as.WRITE = {.object = a}}, NULL, 0);
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    caller_fetch(&caller, a, got, sizeof got);
    assert_true(got[0] == 1 && got[3] == 4);
    caller_leave(&caller);
}

static void
others_objects_are_not_released(void **state)
{
    caller_t caller, other;
    double got;

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_open(&other, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 1, 5, 0);

    caller_sync(&caller);
    caller_release(&other, a);
    caller_sync(&other);
    caller_fetch(&caller, a, &got, sizeof got);
    assert_true(got == 5);
    caller_leave(&other);
    caller_leave(&caller);
}

static void
frames_of_nonsense_are_answered_and_survived(void **state)
{
    uint64_t seed = check_seed();
    char bytes[200] = {'F', 'H', PROTOCOL_MAJOR, PROTOCOL_MINOR};
    caller_t caller;
    message_t message;

    caller_open(&caller, *state, 0, OID_NONE, false);
    caller_send_bytes(&caller, "", 0);
    caller_expect_error(&caller, FH_PROTOCOL_ERROR, NULL);
    caller_send_bytes(&caller, "GET / HTTP/1.1\r\n\r\n", 18);
    caller_expect_error(&caller, FH_PROTOCOL_ERROR, NULL);
    caller_send_bytes(&caller, "FH\x63\0", 4);
    caller_expect_error(&caller, FH_VERSION_MISMATCH, NULL);
    for (int i = 0; i < 2000; i++) {
        size_t size = 5 + check_random(&seed) % (sizeof bytes - 5);

        for (size_t k = 4; k < size; k++)
            bytes[k] = (char)check_random(&seed);
        caller_send_bytes(&caller, bytes, size);
    }
    /* A message that only an engine or the broker may send. */
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    do
        assert_true(caller_receive(&caller, &message, 20));
    while (message.code == MSG_ERROR);
    assert_int_equal(message.code, MSG_OK);
    must_work(&caller);
    caller_leave(&caller);
}

static void
messages_of_other_roles_are_refused(void **state)
{
    caller_t caller;
    const int64_t extent = 1;
    oid_t id = oid_new();

    caller_open(&caller, *state, 0, OID_NONE, false);
    message_t push = {
        .code = MSG_PUSH,
        .as.PUSH = {.transfer = id, .session = caller.session, .dtype = DTYPE_INT8, .shape = {&extent, 1}}};
    err_t err;

    header_writer_reset(caller.writer);
    check_ok(header_writer_add(caller.writer, &push, &err), err);
    caller_send_bytes(&caller, header_writer_data(caller.writer), header_writer_size(caller.writer));
    caller_expect_error(&caller, FH_PROTOCOL_ERROR, NULL);
    message_t gone = {.code = MSG_SESSION_GONE, .as.SESSION_GONE.session = caller.session};

    header_writer_reset(caller.writer);
    check_ok(header_writer_add(caller.writer, &gone, &err), err);
    caller_send_bytes(&caller, header_writer_data(caller.writer), header_writer_size(caller.writer));
    caller_expect_error(&caller, FH_PROTOCOL_ERROR, NULL);
    must_work(&caller);
    caller_leave(&caller);
}

static void
stranger_is_told_to_say_hello(void **state)
{
    engine_rig_t *rig = *state;
    caller_t caller;
    message_t message;

    caller_open(&caller, rig, 0, OID_NONE, false);
    (void)caller_send(&caller, &(message_t){.code = MSG_GOODBYE}, NULL, 0);
    caller_expect(&caller, MSG_OK, &message);
    (void)caller_send(&caller, &(message_t){.code = MSG_SYNC}, NULL, 0);
    caller_expect_error(&caller, FH_STALE_HANDLE, &message);
    assert_int_equal(message.as.ERROR.call, 0);
    /* An engine whose connection broke goes on with what only engines say. */
    (void)caller_send(&caller,
                      &(message_t){.code = MSG_PUSH,
                                   .as.PUSH = {.transfer = oid_new(), .session = oid_new(), .dtype = DTYPE_FLOAT64}},
                      NULL, 0);
    caller_expect_error(&caller, FH_STALE_HANDLE, NULL);
    caller_close(&caller);
}

static void
session_that_floods_its_lane_is_refused(void **state)
{
    enum { PART = 1024 * 1024 };
    engine_rig_t *rig = *state;
    static char bytes[PART];
    caller_t caller, other;
    message_t message;
    bool refused = false;

    caller_open(&caller, rig, 0, OID_NONE, false);
    caller_open(&other, rig, 0, OID_NONE, false);
    oid_t a = caller_array(&caller, DTYPE_UINT8, PART, NULL);
    const int64_t extent = 1;

    /* The lane waits for a transfer that never comes. */
    (void)caller_send(
        &caller,
        &(message_t){
            .code = MSG_EXPECT,
            .as.EXPECT = {.transfer = oid_new(), .engine = rig->engines[0].id, .dtype = 1, .shape = {&extent, 1}}},
        NULL, 0);
    for (int i = 0; i < 80 && !refused; i++) {
        (void)caller_send(&caller, &(message_t){.code = MSG_WRITE, .as.WRITE.object = a}, bytes, PART);
        refused = caller_receive(&caller, &message, 0);
    }
    if (!refused)
        assert_true(caller_receive(&caller, &message, 10));
    assert_int_equal(message.code, MSG_ERROR);
    assert_int_equal(message.as.ERROR.status, FH_BUSY);
    must_work(&other);
    caller_close(&caller);
    caller_leave(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_that_cannot_be_are_refused),
        cmocka_unit_test(result_without_an_id_is_refused),
        cmocka_unit_test(loops_that_an_operation_has_not_are_refused),
        cmocka_unit_test(reductions_over_wrong_axes_are_refused),
        cmocka_unit_test(bytes_outside_of_the_array_are_neither_read_nor_written),
        cmocka_unit_test(others_objects_are_not_released),
        cmocka_unit_test(frames_of_nonsense_are_answered_and_survived),
        cmocka_unit_test(messages_of_other_roles_are_refused),
        cmocka_unit_test(stranger_is_told_to_say_hello),
        cmocka_unit_test(session_that_floods_its_lane_is_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
