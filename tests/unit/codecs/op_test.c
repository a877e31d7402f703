#include "codecs/op.h"
#include "tests/support/check.h"

#include <string.h>

/* Comparison with NumPy's own rules, for every dtype pair: tests/python/test_op_rules.py. */

static const op_t *
find(const char *name)
{
    const op_t *op = op_find(name, strlen(name));
    assert_non_null(op);
    return op;
}

static op_input_t
array_of(dtype_t dtype)
{
    return (op_input_t){dtype, WEAK_NO};
}

static void
op_table_rows_are_whole(void **state)
{
    (void)state;
    int n = 0;
    for (const op_t *op; (op = op_at(n)) != NULL; n++) {
        assert_int_equal(op->code, n);
        assert_true(op->nin >= 1 && op->nin <= OP_MAX_IN && op->nout >= 1 && op->nout <= OP_MAX_OUT);
        assert_true(strlen(op->doc) > 3);
        assert_ptr_equal(find(op->name), op);
        assert_true(op->reduce == -1 || strcmp(reduce_name((reduce_t)op->reduce), "unknown") != 0);
    }
    assert_int_equal(n, OP_COUNT);
    assert_null(op_at(-1));
}

static void
op_find_knows_aliases_and_whole_names_only(void **state)
{
    (void)state;
    assert_ptr_equal(find("divide"), find("true_divide"));
    assert_ptr_equal(find("abs"), find("absolute"));
    assert_ptr_equal(find("atan2"), find("arctan2"));
    assert_ptr_equal(find("bitwise_left_shift"), find("left_shift"));
    assert_ptr_equal(op_find("addition", 3), find("add"));
    assert_null(op_find("addition", 8));
    assert_null(op_find("ad", 2));
    assert_null(op_find("", 0));
    assert_null(op_find("add\0x", 5));
}

/* Whatever the inputs: the loop's inputs hold them, and resolving the loop's own inputs gives the same loop. */
static void
op_resolve_loops_hold_their_inputs(void **state)
{
    (void)state;
    err_t err;
    int found = 0;
    const op_t *op;
    for (int i = 0; (op = op_at(i)) != NULL; i++)
        for (int a = 1; a < DTYPE_COUNT; a++)
            for (int b = 1; b < DTYPE_COUNT; b++) {
                op_input_t inputs[OP_MAX_IN] = {array_of((dtype_t)a), array_of((dtype_t)b), array_of((dtype_t)b)};
                op_loop_t loop, again;
                int status = op_resolve(op, inputs, DTYPE_NONE, CASTING_SAME_KIND, &loop, &err);
                if (status != FH_OK) {
                    assert_int_equal(status, FH_WRONG_TYPE);
                    check_contains(err.text, op->name);
                    continue;
                }
                found++;
                for (int k = 0; k < op->nin; k++) {
                    assert_true(dtype_can_cast(inputs[k].dtype, loop.in[k], CASTING_SAFE) ||
                                (op->code == OP_WHERE && k == 0));
                    inputs[k].dtype = loop.in[k];
                }
                check_ok(op_resolve(op, inputs, DTYPE_NONE, CASTING_SAME_KIND, &again, &err), err);
                assert_memory_equal(&again, &loop, sizeof loop);
            }
    assert_true(found > 5000);
}

static void
op_resolve_refuses_bools_where_numpy_does(void **state)
{
    (void)state;
    err_t err;
    op_loop_t loop;
    const op_input_t bools[OP_MAX_IN] = {array_of(DTYPE_BOOL), array_of(DTYPE_BOOL)};
    static const char *const NAMES[] = {"subtract", "negative", "positive", "sign", "gcd", "lcm"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        check_fails(op_resolve(find(NAMES[i]), bools, DTYPE_NONE, CASTING_SAME_KIND, &loop, &err), FH_WRONG_TYPE, err);
    check_ok(op_resolve(find("subtract"), bools, DTYPE_INT8, CASTING_SAME_KIND, &loop, &err), err);
}

static void
op_resolve_without_dtypes_is_refused(void **state)
{
    (void)state;
    err_t err;
    op_loop_t loop;
    const op_input_t nothing[OP_MAX_IN] = {{DTYPE_NONE, WEAK_NO}, {DTYPE_NONE, WEAK_NO}};
    check_fails(op_resolve(find("add"), nothing, DTYPE_NONE, CASTING_SAME_KIND, &loop, &err), FH_WRONG_TYPE, err);
}

static void
reduce_names_find_their_reduction(void **state)
{
    (void)state;
    for (int i = REDUCE_SUM; i <= REDUCE_COUNT; i++)
        assert_int_equal(reduce_find(reduce_name((reduce_t)i), strlen(reduce_name((reduce_t)i))), i);
    assert_int_equal(reduce_find("su", 2), -1);
    assert_int_equal(reduce_find("median", 6), -1);
    assert_string_equal(reduce_name((reduce_t)77), "unknown");
}

static void
reduce_resolve_widens_small_integers(void **state)
{
    (void)state;
    err_t err;
    dtype_t dtype;
    check_ok(reduce_resolve(REDUCE_SUM, DTYPE_INT8, DTYPE_NONE, &dtype, &err), err);
    assert_int_equal(dtype, DTYPE_INT64);
    check_ok(reduce_resolve(REDUCE_PROD, DTYPE_UINT16, DTYPE_NONE, &dtype, &err), err);
    assert_int_equal(dtype, DTYPE_UINT64);
    check_ok(reduce_resolve(REDUCE_SUM, DTYPE_FLOAT16, DTYPE_NONE, &dtype, &err), err);
    assert_int_equal(dtype, DTYPE_FLOAT16);
    check_ok(reduce_resolve(REDUCE_SUM, DTYPE_INT8, DTYPE_INT8, &dtype, &err), err);
    assert_int_equal(dtype, DTYPE_INT8);
    check_ok(reduce_resolve(REDUCE_ARGMAX, DTYPE_COMPLEX64, DTYPE_NONE, &dtype, &err), err);
    assert_int_equal(dtype, DTYPE_INT64);
    check_fails(reduce_resolve(REDUCE_BIT_AND, DTYPE_FLOAT32, DTYPE_NONE, &dtype, &err), FH_WRONG_TYPE, err);
    check_fails(reduce_resolve(REDUCE_ANY, DTYPE_INT32, DTYPE_INT32, &dtype, &err), FH_WRONG_TYPE, err);
    check_fails(reduce_resolve((reduce_t)50, DTYPE_INT32, DTYPE_NONE, &dtype, &err), FH_WRONG_TYPE, err);
    check_fails(reduce_resolve(REDUCE_SUM, (dtype_t)200, DTYPE_NONE, &dtype, &err), FH_WRONG_TYPE, err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(op_table_rows_are_whole),
        cmocka_unit_test(op_find_knows_aliases_and_whole_names_only),
        cmocka_unit_test(op_resolve_loops_hold_their_inputs),
        cmocka_unit_test(op_resolve_refuses_bools_where_numpy_does),
        cmocka_unit_test(op_resolve_without_dtypes_is_refused),
        cmocka_unit_test(reduce_names_find_their_reduction),
        cmocka_unit_test(reduce_resolve_widens_small_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
