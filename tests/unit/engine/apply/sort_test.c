/* engine/apply/sort: sorting, and what sorted pieces are asked. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <string.h>

/* One call over a vector of float64; the harness is the caller's to release. */
static void
run(harness_t *h, apply_code_t code, double *data, int64_t n, dtype_t out, const int64_t *integers, int nintegers,
    int status)
{
    harness_init(h);
    h->call.integers = integers;
    h->call.nintegers = nintegers;
    harness_input(h, data, DTYPE_FLOAT64, 1, &n);
    harness_output(h, out);
    harness_run(h, code, status);
}

static void
vectors_are_sorted(void **state)
{
    double data[] = {3, 1, 2, 1};
    harness_t h;

    (void)state;
    run(&h, APPLY_SORT, data, 4, DTYPE_FLOAT64, (int64_t[]){0}, 1, FH_OK);
    assert_memory_equal(h.out[0].data, ((double[]){1, 1, 2, 3}), 32);
    harness_release(&h);
    run(&h, APPLY_ARGSORT, data, 4, DTYPE_INT64, (int64_t[]){0}, 1, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){1, 3, 2, 0}), 32);
    harness_release(&h);
}

static void
values_come_with_their_places(void **state)
{
    double data[] = {3, -0.0, 2, 0.0};
    char texts[] = {'b', 'a', 'c'};
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, data, DTYPE_FLOAT64, 1, (int64_t[]){4});
    harness_output(&h, DTYPE_FLOAT64);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_SORT_PLACES, FH_OK);
    assert_memory_equal(h.out[0].data, ((double[]){0, 0, 2, 3}), 32);
    assert_memory_equal(h.out[1].data, ((int64_t[]){1, 3, 2, 0}), 32);
    harness_release(&h);
    harness_init(&h);
    harness_input(&h, texts, dtype_items(CODE_BYTES, 1), 1, (int64_t[]){3});
    harness_output(&h, dtype_items(CODE_BYTES, 1));
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_SORT_PLACES, FH_OK);
    assert_memory_equal(h.out[0].data, "abc", 3);
    assert_memory_equal(h.out[1].data, ((int64_t[]){1, 0, 2}), 24);
    harness_release(&h);
    harness_init(&h);
    harness_input(&h, data, DTYPE_FLOAT64, 2, (int64_t[]){2, 2});
    harness_output(&h, DTYPE_FLOAT64);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_SORT_PLACES, FH_INVALID_ARGUMENT);
    harness_release(&h);
    harness_init(&h);
    harness_input(&h, data, DTYPE_FLOAT64, 1, (int64_t[]){4});
    harness_output(&h, DTYPE_FLOAT64);
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_SORT_PLACES, FH_WRONG_TYPE);
    harness_release(&h);
}

static void
runs_are_merged(void **state)
{
    double data[] = {1, 5, 2, 5, 0};
    int64_t places[] = {0, 1, 1, 0, 0};
    harness_t h;

    (void)state;
    run(&h, APPLY_MERGE, data, 5, DTYPE_FLOAT64, (int64_t[]){0, 2, 4}, 3, FH_OK);
    assert_memory_equal(h.out[0].data, ((double[]){0, 1, 2, 5, 5}), 40);
    harness_release(&h);
    harness_init(&h);
    h.call.integers = (int64_t[]){0, 0, 2, 10, 4, 20};
    h.call.nintegers = 6;
    harness_input(&h, data, DTYPE_FLOAT64, 1, (int64_t[]){5});
    harness_input(&h, places, DTYPE_INT64, 1, (int64_t[]){5});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_MERGE_ORDER, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){20, 0, 11, 1, 10}), 40);
    harness_release(&h);
}

static void
samples_are_elements_at_steps(void **state)
{
    double data[] = {0, 1, 2, 3, 4, 5, 6};
    harness_t h;

    (void)state;
    run(&h, APPLY_SAMPLE, data, 7, DTYPE_FLOAT64, (int64_t[]){1, 2, 3, 0, 1, 0, 6, 9, 1}, 9, FH_OK);
    assert_memory_equal(h.out[0].data, ((double[]){1, 3, 5, 6}), 32);
    harness_check_shape(&h, 0, 1, (int64_t[]){4});
    harness_release(&h);
}

static void
wrong_parameters_are_refused(void **state)
{
    static const struct {
        apply_code_t code;
        dtype_t out;
        int64_t integers[3];
        int n, status;
    } WRONG[] = {
        {APPLY_SORT, DTYPE_FLOAT64, {1}, 1, FH_BAD_INDEX},
        {APPLY_SORT, DTYPE_FLOAT64, {-1}, 1, FH_BAD_INDEX},
        {APPLY_SORT, DTYPE_FLOAT64, {0}, 0, FH_INVALID_ARGUMENT},
        {APPLY_SORT, DTYPE_INT64, {0}, 1, FH_WRONG_TYPE},
        {APPLY_ARGSORT, DTYPE_FLOAT64, {0}, 1, FH_WRONG_TYPE},
        {APPLY_MERGE, DTYPE_FLOAT64, {0}, 0, FH_INVALID_ARGUMENT},
        {APPLY_MERGE, DTYPE_FLOAT64, {1, 2}, 2, FH_INVALID_ARGUMENT},
        {APPLY_MERGE, DTYPE_FLOAT64, {0, 4}, 2, FH_INVALID_ARGUMENT},
        {APPLY_MERGE, DTYPE_FLOAT64, {0, 2, 1}, 3, FH_INVALID_ARGUMENT},
        {APPLY_MERGE, DTYPE_INT64, {0}, 1, FH_WRONG_TYPE},
        {APPLY_SAMPLE, DTYPE_FLOAT64, {0, 1}, 2, FH_INVALID_ARGUMENT},
        {APPLY_SAMPLE, DTYPE_FLOAT64, {0, 1, 4}, 3, FH_BAD_INDEX},
        {APPLY_SAMPLE, DTYPE_FLOAT64, {2, INT64_MAX, 2}, 3, FH_BAD_INDEX},
        {APPLY_SAMPLE, DTYPE_FLOAT64, {-1, 1, 1}, 3, FH_BAD_INDEX},
        {APPLY_SAMPLE, DTYPE_FLOAT64, {0, 0, 1}, 3, FH_BAD_INDEX},
        {APPLY_SAMPLE, DTYPE_FLOAT64, {0, 1, -1}, 3, FH_BAD_INDEX},
    };
    double data[] = {3, 1, 2};

    (void)state;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        harness_t h;

        run(&h, WRONG[i].code, data, 3, WRONG[i].out, WRONG[i].integers, WRONG[i].n, WRONG[i].status);
        harness_release(&h);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_sorted),
        cmocka_unit_test(values_come_with_their_places),
        cmocka_unit_test(runs_are_merged),
        cmocka_unit_test(samples_are_elements_at_steps),
        cmocka_unit_test(wrong_parameters_are_refused),
    };

    return cmocka_run_group_tests_name("engine.apply.sort", tests, NULL, NULL);
}
