/* The bytes of many arrays together: FETCH_LIST in one answer, PACK in one array. */
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

static uint64_t
ask(caller_t *caller, const oid_t *ids, uint32_t n, uint64_t size)
{
    return caller_send(
        caller, &(message_t){.code = MSG_FETCH_LIST, .as.FETCH_LIST = {.objects = {ids, n}, .size = size}}, NULL, 0);
}

static void
expect(caller_t *caller, uint64_t call, const void *bytes, size_t size)
{
    message_t message;

    caller_expect(caller, MSG_DATA, &message);
    assert_int_equal(message.as.DATA.call, call);
    assert_int_equal(caller->raw_size[0], size);
    if (size)
        assert_memory_equal(caller->raw[0], bytes, size);
}

static void
arrays_come_one_behind_the_other(void **state)
{
    static const int8_t THREE[] = {1, 2, 3};
    struct __attribute__((packed)) {
        double a[4];
        int8_t b[3];
        double strided[2], again[4];
    } expected = {{1, 2, 3, 4}, {1, 2, 3}, {2, 4}, {1, 2, 3, 4}};
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 4, 1, 1), b = caller_array(&caller, DTYPE_INT8, 3, THREE);
    oid_t ids[] = {a, b, caller_view(&caller, a, 8, 2, 16), a};

    expect(&caller, ask(&caller, ids, 4, sizeof expected), &expected, sizeof expected);
    oid_t none = caller_array(&caller, DTYPE_INT8, 0, NULL);
    expect(&caller, ask(&caller, &none, 1, 0), NULL, 0);
    caller_close(&caller);
}

static void
large_lists_are_computed_elsewhere(void **state)
{
    caller_t caller;
    double *expected = malloc(16 * 8192 * sizeof *expected);
    oid_t ids[16];

    assert_non_null(expected);
    caller_open(&caller, *state, 0, OID_NONE, false);
    for (int i = 0; i < 16; i++) {
        ids[i] = caller_doubles(&caller, 8192, i, 1);
        for (int k = 0; k < 8192; k++)
            expected[i * 8192 + k] = i + k;
    }
    expect(&caller, ask(&caller, ids, 16, 1048576), expected, 1048576);
    free(expected);
    caller_close(&caller);
}

static void
what_cannot_be_read_is_told(void **state)
{
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t ids[] = {caller_doubles(&caller, 4, 1, 1), oid_new()};

    (void)ask(&caller, ids, 2, 64);
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    (void)ask(&caller, ids, 1, 31);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    (void)ask(&caller, ids, 1, 33);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    /* A poisoned one: the error with which it became so. */
    ids[1] = caller_binary(&caller, "add", ids[0], oid_new());
    (void)ask(&caller, ids, 2, 64);
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    expect(&caller, ask(&caller, ids, 1, 32), (double[]){1, 2, 3, 4}, 32);
    caller_close(&caller);
}

static uint64_t
pack(caller_t *caller, const oid_t *ids, uint32_t n, oid_t result, uint64_t size)
{
    return caller_send(caller,
                       &(message_t){.code = MSG_PACK, .as.PACK = {.objects = {ids, n}, .result = result, .size = size}},
                       NULL, 0);
}

static void
packed_arrays_begin_at_multiples_of_16(void **state)
{
    static const int8_t THREE[] = {1, 2, 3};
    struct {
        double a[4];
        int8_t b[3], gap[13];
        double strided[2], again[4];
        int8_t rest[56];
    } expected = {{1, 2, 3, 4}, {1, 2, 3}, {0}, {2, 4}, {1, 2, 3, 4}, {0}}, got;
    message_t message;
    caller_t caller;

    assert_int_equal(sizeof got, 152);
    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t a = caller_doubles(&caller, 4, 1, 1), b = caller_array(&caller, DTYPE_INT8, 3, THREE), result = oid_new();
    oid_t ids[] = {a, b, caller_view(&caller, a, 8, 2, 16), a};

    (void)pack(&caller, ids, 4, result, sizeof expected);
    caller_expect(&caller, MSG_OK, &message);
    caller_fetch(&caller, result, &got, sizeof got);
    memset(got.gap, 0, sizeof got.gap);
    memset(got.rest, 0, sizeof got.rest);
    assert_memory_equal(&got, &expected, sizeof got);
    /* Whatever its size it can be mapped. */
    (void)caller_send(&caller, &(message_t){.code = MSG_MAP, .as.MAP = {.object = result, .result = oid_new()}}, NULL,
                      0);
    caller_expect(&caller, MSG_LOCATED, &message);
    caller_close(&caller);
}

static void
what_cannot_be_packed_is_told_and_makes_nothing(void **state)
{
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t ids[] = {caller_doubles(&caller, 4, 1, 1), oid_new()}, result = oid_new();

    (void)pack(&caller, ids, 2, result, 64);
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    (void)pack(&caller, ids, 1, result, 31);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    (void)pack(&caller, ids, 1, ids[0], 32);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    (void)pack(&caller, ids, 1, OID_NONE, 32);
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    (void)caller_ask(&caller, result, 32);
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    /* The engine has 64 MiB: others' arrays leave no room for eight more. */
    for (int i = 0; i < 15; i++)
        (void)caller_array(&caller, DTYPE_INT8, 4 * 1024 * 1024, NULL);
    (void)pack(&caller, ids, 1, result, 8 * 1024 * 1024);
    caller_expect_error(&caller, FH_NOT_SUPPORTED, NULL);
    caller_close(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_come_one_behind_the_other),
        cmocka_unit_test(large_lists_are_computed_elsewhere),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(packed_arrays_begin_at_multiples_of_16),
        cmocka_unit_test(what_cannot_be_packed_is_told_and_makes_nothing),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
