/* Elements that are not numbers, and elements at odd places: what an engine does with them, and what it refuses. */
#include "tests/process/engine_rig.h"
#include "tests/support/check.h"

#include <stdlib.h>
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

/* A view of n elements, each step bytes behind the other, as another dtype. */
static oid_t
view_as(caller_t *caller, oid_t object, uint64_t dtype, int64_t offset, int64_t n, int64_t step)
{
    oid_t result = oid_new();
    message_t message = {.code = MSG_VIEW};

    message.as.VIEW.object = object;
    message.as.VIEW.result = result;
    message.as.VIEW.dtype = dtype;
    message.as.VIEW.offset = offset;
    message.as.VIEW.shape = (ints_t){&n, 1};
    message.as.VIEW.strides = (ints_t){&step, 1};
    (void)caller_send(caller, &message, NULL, 0);
    return result;
}

static oid_t
ufunc(caller_t *caller, const char *op, oid_t a, oid_t b, uint64_t code_a, uint64_t code_b, uint64_t code_out)
{
    oid_t result = oid_new();
    operand_t in[] = {{.object = a}, {.object = b}};
    message_t message = {.code = MSG_UFUNC};

    message.as.UFUNC.op = str_of(op);
    message.as.UFUNC.inputs = (operands_t){in, 2};
    message.as.UFUNC.results = (oids_t){&result, 1};
    message.as.UFUNC.loop_in = code_a | code_b << 8;
    message.as.UFUNC.loop_out = code_out;
    (void)caller_send(caller, &message, NULL, 0);
    return result;
}

static oid_t
reduce(caller_t *caller, const char *op, oid_t object, dtype_t dtype)
{
    static const int64_t AXIS = 0;
    oid_t result = oid_new();
    message_t message = {.code = MSG_REDUCE};

    message.as.REDUCE.op = str_of(op);
    message.as.REDUCE.object = object;
    message.as.REDUCE.result = result;
    message.as.REDUCE.axes = (ints_t){&AXIS, 1};
    message.as.REDUCE.dtype = dtype;
    (void)caller_send(caller, &message, NULL, 0);
    return result;
}

static oid_t
apply(caller_t *caller, const char *method, const oid_t *in, uint32_t nin, dtype_t dtype, int64_t integer)
{
    static const int64_t FOUND[] = {-1};
    operand_t operands[4] = {{.object = OID_NONE}};
    oid_t result = oid_new();
    int64_t code = (int64_t)dtype;
    message_t message = {.code = MSG_APPLY};

    for (uint32_t i = 0; i < nin; i++)
        operands[i].object = in[i];
    message.as.APPLY.method = str_of(method);
    message.as.APPLY.inputs = (operands_t){operands, nin};
    message.as.APPLY.outputs = (oids_t){&result, 1};
    message.as.APPLY.dtypes = (ints_t){&code, 1};
    message.as.APPLY.shapes = (ints_t){FOUND, 1};
    message.as.APPLY.integers = (ints_t){&integer, 1};
    (void)caller_send(caller, &message, NULL, 0);
    return result;
}

static void
refused(caller_t *caller, oid_t object, int status)
{
    (void)caller_ask(caller, object, 1);
    caller_expect_error(caller, status, NULL);
}

static void
elements_of_any_size_are_stored_and_picked(void **state)
{
    char got[16] = "";
    const int64_t places[] = {2, 0};
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t in[2] = {caller_array(&caller, dtype_from_name("S5"), 3, "abcdeABCDE12345"),
                   caller_array(&caller, DTYPE_INT64, 2, places)};

    caller_fetch(&caller, in[0], got, 15);
    assert_memory_equal(got, "abcdeABCDE12345", 15);
    caller_fetch(&caller, in[0], got, 7); /* a part of an element */
    caller_fetch(&caller, apply(&caller, "take", in, 2, dtype_from_name("S5"), 1), got, 10);
    assert_memory_equal(got, "12345abcde", 10);
    caller_fetch(&caller, apply(&caller, "sort", in, 1, dtype_from_name("S5"), 0), got, 15);
    assert_memory_equal(got, "12345ABCDEabcde", 15);
    caller_fetch(&caller, ufunc(&caller, "less", in[0], in[0], CODE_BYTES, CODE_BYTES, DTYPE_BOOL), got, 3);
    assert_memory_equal(got, "\0\0\0", 3);
    caller_close(&caller);
}

static void
numbers_at_odd_places_are_computed_with(void **state)
{
    enum { N = 5000, ITEM = 9 };
    char *bytes = calloc(N, ITEM);
    double sum = 0, got = 0, pair[2];
    const int64_t places[] = {N - 1, 7};
    caller_t caller;

    assert_non_null(bytes);
    for (int i = 0; i < N; i++) {
        double x = i;

        memcpy(bytes + i * ITEM + 1, &x, sizeof x);
        sum += x;
    }
    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t records = caller_array(&caller, dtype_from_name("V9"), N, bytes);
    oid_t in[2] = {view_as(&caller, records, DTYPE_FLOAT64, 1, N, ITEM), caller_array(&caller, DTYPE_INT64, 2, places)};

    caller_fetch(&caller, reduce(&caller, "sum", in[0], DTYPE_FLOAT64), &got, sizeof got);
    assert_true(got == sum);
    caller_fetch(&caller, reduce(&caller, "sum", caller_binary(&caller, "add", in[0], in[0]), DTYPE_FLOAT64), &got,
                 sizeof got);
    assert_true(got == 2 * sum);
    caller_fetch(&caller, apply(&caller, "take", in, 2, DTYPE_FLOAT64, 1), pair, sizeof pair);
    assert_true(pair[0] == N - 1 && pair[1] == 7);
    caller_close(&caller);
    free(bytes);
}

static void
views_stay_in_their_segment(void **state)
{
    double got;
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t x = caller_array(&caller, dtype_from_name("S9"), 8000, NULL); /* fills its pages */

    caller_fetch(&caller, view_as(&caller, x, DTYPE_FLOAT64, 1, 1, 9), &got, sizeof got);
    refused(&caller, view_as(&caller, x, DTYPE_FLOAT64, -1, 1, 8), FH_BAD_INDEX);
    refused(&caller, view_as(&caller, x, DTYPE_FLOAT64, 0, INT64_MAX / 8, 8), FH_BAD_INDEX);
    refused(&caller, view_as(&caller, x, DTYPE_FLOAT64, INT64_MAX, 2, INT64_MAX), FH_OVERFLOW);
    refused(&caller, view_as(&caller, x, (uint64_t)dtype_from_name("V8388607"), 0, 1, 1), FH_BAD_INDEX);
    refused(&caller, view_as(&caller, x, CODE_BYTES, 0, 1, 1), FH_INVALID_ARGUMENT);
    refused(&caller, view_as(&caller, x, CODE_STR | 6 << 8, 0, 1, 1), FH_INVALID_ARGUMENT);
    refused(&caller, view_as(&caller, x, CODE_FIELDS, 0, 1, 1), FH_INVALID_ARGUMENT);
    refused(&caller, view_as(&caller, x, CODE_DATETIME64, 0, 1, 1), FH_INVALID_ARGUMENT);
    refused(&caller, view_as(&caller, x, CODE_DATETIME64 | 15 << 8 | 1 << 12, 0, 1, 1), FH_INVALID_ARGUMENT);
    caller_sync(&caller);
    caller_close(&caller);
}

static void
what_is_for_numbers_refuses_others(void **state)
{
    static const char *const METHODS[] = {"nonzero",   "matmul",    "accumulate", "interp", "bincount",
                                          "histogram", "correlate", "ravel",      "split",  "fft"};
    char bytes[64] = "";
    caller_t caller;

    caller_open(&caller, *state, 0, OID_NONE, false);
    oid_t text = caller_array(&caller, dtype_from_name("S8"), 8, bytes);
    oid_t dates = caller_array(&caller, dtype_from_name("M8[ns]"), 8, bytes);
    oid_t number = caller_array(&caller, DTYPE_INT64, 8, bytes);
    oid_t in[] = {text, text, text, text};

    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        for (uint32_t nin = 1; nin <= 3; nin++) {
            (void)caller_ask(&caller, apply(&caller, METHODS[i], in, nin, DTYPE_FLOAT64, 0), 1);
            message_t reply;

            caller_expect(&caller, MSG_ERROR, &reply);
            assert_true(reply.as.ERROR.status == FH_WRONG_TYPE || reply.as.ERROR.status == FH_INVALID_ARGUMENT);
        }
    refused(&caller, apply(&caller, "sort", &dates, 1, dtype_from_name("M8[ns]"), 0), FH_WRONG_TYPE);
    refused(&caller, apply(&caller, "searchsorted", (oid_t[]){dates, number}, 2, DTYPE_INT64, 0), FH_WRONG_TYPE);
    refused(&caller, apply(&caller, "isin", (oid_t[]){text, number}, 2, DTYPE_BOOL, 0), FH_WRONG_TYPE);
    refused(&caller, reduce(&caller, "max", text, DTYPE_INT64), FH_WRONG_TYPE);
    refused(&caller, reduce(&caller, "max", dates, DTYPE_INT64), FH_WRONG_TYPE);
    refused(&caller, ufunc(&caller, "add", text, text, CODE_BYTES, CODE_BYTES, CODE_BYTES), FH_WRONG_TYPE);
    refused(&caller, ufunc(&caller, "less", text, number, CODE_BYTES, CODE_BYTES, DTYPE_BOOL), FH_WRONG_TYPE);
    refused(&caller, ufunc(&caller, "less", number, text, DTYPE_INT64, CODE_BYTES, DTYPE_BOOL), FH_WRONG_TYPE);
    refused(&caller, ufunc(&caller, "less", text, text, CODE_BYTES, 77, DTYPE_BOOL), FH_INVALID_ARGUMENT);
    refused(&caller, ufunc(&caller, "less", text, text, DTYPE_INT64, DTYPE_INT64, DTYPE_BOOL), FH_WRONG_TYPE);
    refused(&caller, ufunc(&caller, "add", dates, dates, DTYPE_INT64, DTYPE_INT64, DTYPE_INT64), FH_WRONG_TYPE);
    caller_sync(&caller);
    caller_close(&caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_of_any_size_are_stored_and_picked),
        cmocka_unit_test(numbers_at_odd_places_are_computed_with),
        cmocka_unit_test(views_stay_in_their_segment),
        cmocka_unit_test(what_is_for_numbers_refuses_others),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
