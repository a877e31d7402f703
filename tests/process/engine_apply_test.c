/* Array methods as a client sees them: their outputs appear with the shape that was found, or are poisoned. */
#include "tests/process/engine_rig.h"

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

/* An APPLY with one new output and one integer. */
static oid_t
apply(caller_t *caller, const char *method, const oid_t *in, uint32_t nin, dtype_t dtype, ints_t shape, int64_t integer)
{
    operand_t operands[4] = {{.object = OID_NONE}};
    oid_t result = oid_new();
    int64_t code = dtype;
    message_t message = {.code = MSG_APPLY};

    for (uint32_t i = 0; i < nin; i++)
        operands[i].object = in[i];
    message.as.APPLY.method = str_of(method);
    message.as.APPLY.inputs = (operands_t){operands, nin};
    message.as.APPLY.outputs = (oids_t){&result, 1};
    message.as.APPLY.dtypes = (ints_t){&code, 1};
    message.as.APPLY.shapes = shape;
    message.as.APPLY.integers = (ints_t){&integer, 1};
    (void)caller_send(caller, &message, NULL, 0);
    return result;
}

static const int64_t FOUND[] = {-1};

static void
ask_shape(caller_t *caller, oid_t object)
{
    message_t message = {.code = MSG_CALL};

    message.as.CALL.object = object;
    message.as.CALL.method = str_of("shape");
    (void)caller_send(caller, &message, NULL, 0);
}

static void
shape_that_was_found_is_told(void **state)
{
    double values[] = {0, 3, 0, 5, 7};
    int64_t got[3];
    caller_t caller;
    message_t reply;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t x = caller_array(&caller, DTYPE_FLOAT64, 5, values);
    oid_t where = apply(&caller, "nonzero", &x, 1, DTYPE_INT64, (ints_t){FOUND, 1}, 100);

    ask_shape(&caller, where);
    caller_expect(&caller, MSG_RESULT, &reply);
    assert_int_equal(reply.as.RESULT.values.count, 2);
    assert_int_equal(reply.as.RESULT.values.items[0].as.i, 1);
    assert_int_equal(reply.as.RESULT.values.items[1].as.i, 3);
    caller_fetch(&caller, where, got, sizeof got);
    assert_true(got[0] == 101 && got[1] == 103 && got[2] == 104);
    caller_close(&caller);
}

static void
bad_index_comes_up_where_the_value_is_asked_for(void **state)
{
    double values[] = {1, 2, 3}, got[2];
    int64_t good[] = {2, 0}, bad[] = {0, 7}, shape[] = {1, 2};
    caller_t caller;
    message_t reply;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t in[] = {caller_array(&caller, DTYPE_FLOAT64, 3, values), caller_array(&caller, DTYPE_INT64, 2, good)};

    caller_fetch(&caller, apply(&caller, "take", in, 2, DTYPE_FLOAT64, (ints_t){shape, 2}, 1), got, sizeof got);
    assert_true(got[0] == 3 && got[1] == 1);
    in[1] = caller_array(&caller, DTYPE_INT64, 2, bad);
    ask_shape(&caller, apply(&caller, "take", in, 2, DTYPE_FLOAT64, (ints_t){shape, 2}, 1));
    caller_expect_error(&caller, FH_BAD_INDEX, &reply);
    assert_non_null(strstr(reply.as.ERROR.text.data, "index 7 is out of bounds"));
    caller_sync(&caller);
    caller_close(&caller);
}

static void
what_is_wrong_in_the_message_is_refused(void **state)
{
    static const int64_t SHORT[] = {2, 3}, MANY[] = {33}, NEGATIVE[] = {1, -5}, LARGE[] = {2, INT64_MAX, 2},
                         BELOW[] = {-2}, OTHER[] = {1, 3};
    static const struct {
        const int64_t *items;
        uint32_t count;
        int status;
    } SHAPES[] = {{SHORT, 2, FH_INVALID_ARGUMENT}, {MANY, 1, FH_INVALID_ARGUMENT},  {NEGATIVE, 2, FH_INVALID_ARGUMENT},
                  {LARGE, 3, FH_OVERFLOW},         {BELOW, 1, FH_INVALID_ARGUMENT}, {OTHER, 2, FH_INVALID_ARGUMENT}};
    int64_t indices[] = {0, 1};
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t in[] = {caller_doubles(&caller, 3, 0, 1), caller_array(&caller, DTYPE_INT64, 2, indices)};

    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        ask_shape(&caller, apply(&caller, "take", in, 2, DTYPE_FLOAT64, (ints_t){SHAPES[i].items, SHAPES[i].count}, 1));
        caller_expect_error(&caller, SHAPES[i].status, NULL);
    }
    ask_shape(&caller, apply(&caller, "take", in, 2, (dtype_t)200, (ints_t){FOUND, 1}, 1));
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    ask_shape(&caller, apply(&caller, "take", in, 2, DTYPE_INT8, (ints_t){FOUND, 1}, 1));
    caller_expect_error(&caller, FH_WRONG_TYPE, NULL);
    ask_shape(&caller, apply(&caller, "take", in, 1, DTYPE_FLOAT64, (ints_t){FOUND, 1}, 1));
    caller_expect_error(&caller, FH_INVALID_ARGUMENT, NULL);
    ask_shape(&caller, apply(&caller, "frobnicate", in, 2, DTYPE_FLOAT64, (ints_t){FOUND, 1}, 1));
    caller_expect_error(&caller, FH_NO_SUCH_METHOD, NULL);
    in[1] = oid_new();
    ask_shape(&caller, apply(&caller, "take", in, 2, DTYPE_FLOAT64, (ints_t){FOUND, 1}, 1));
    caller_expect_error(&caller, FH_NO_SUCH_OBJECT, NULL);
    caller_sync(&caller);
    caller_close(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_that_was_found_is_told),
        cmocka_unit_test(bad_index_comes_up_where_the_value_is_asked_for),
        cmocka_unit_test(what_is_wrong_in_the_message_is_refused),
    };

    return cmocka_run_group_tests_name("process.engine_apply", tests, start, stop);
}
