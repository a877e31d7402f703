/* engine/apply/histogram, correlate: counts, sums of weights, sums of products. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <math.h>
#include <stdlib.h>

enum { LARGE = 1000003 };

static void
start(harness_t *h, void *data, dtype_t dtype, int64_t n, const int64_t *integers, int nintegers)
{
    harness_init(h);
    h->call.integers = integers;
    h->call.nintegers = nintegers;
    harness_input(h, data, dtype, 1, &n);
}

static void
numbers_and_weights_are_counted(void **state)
{
    uint8_t data[] = {1, 3, 1};
    double weights[] = {0.5, 2, 4}, before[] = {1, 1, 1, 1};
    harness_t h;

    (void)state;
    start(&h, data, DTYPE_UINT8, 3, (int64_t[]){4}, 1);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_BINCOUNT, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){0, 2, 0, 1}), 32);
    harness_release(&h);
    start(&h, data, DTYPE_UINT8, 3, (int64_t[]){4}, 1);
    harness_input(&h, weights, DTYPE_FLOAT64, 1, (int64_t[]){3});
    harness_input(&h, before, DTYPE_FLOAT64, 1, (int64_t[]){4});
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_BINCOUNT, FH_OK);
    assert_memory_equal(h.out[0].data, ((double[]){1, 5.5, 1, 3}), 32);
    harness_release(&h);
    start(&h, data, DTYPE_UINT8, 3, (int64_t[]){3}, 1);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_BINCOUNT, FH_INVALID_ARGUMENT); /* 3 has no bin */
    harness_release(&h);
    start(&h, weights, DTYPE_FLOAT64, 3, (int64_t[]){3}, 1);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_BINCOUNT, FH_WRONG_TYPE);
    harness_release(&h);
}

static void
bins_have_their_left_edge_and_the_last_one_both(void **state)
{
    double data[] = {0, 1, 1.5, 3, NAN, -1, 3.5, 2.999}, even[] = {0, 1, 2, 3}, uneven[] = {0, 1, 1.25, 3};
    harness_t h;

    (void)state;
    start(&h, data, DTYPE_FLOAT64, 8, (int64_t[]){1}, 1);
    harness_input(&h, even, DTYPE_FLOAT64, 1, (int64_t[]){4});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_HISTOGRAM, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){1, 2, 2}), 24);
    harness_release(&h);
    start(&h, data, DTYPE_FLOAT64, 8, (int64_t[]){0}, 1);
    harness_input(&h, uneven, DTYPE_FLOAT64, 1, (int64_t[]){4});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_HISTOGRAM, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){1, 1, 3}), 24);
    harness_release(&h);
    start(&h, data, DTYPE_FLOAT64, 8, (int64_t[]){0}, 1);
    harness_input(&h, uneven, DTYPE_FLOAT64, 1, (int64_t[]){1});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_HISTOGRAM, FH_INVALID_ARGUMENT);
    harness_release(&h);
}

/* Many threads count what one by one gives; edges that are said to be even but are not do no harm. */
static void
many_numbers_are_counted_by_all_threads(void **state)
{
    uint64_t random = check_seed();
    double *data = malloc(LARGE * sizeof *data), edges[101];
    int64_t wanted[100] = {0};
    harness_t h;

    (void)state;
    assert_non_null(data);
    for (int k = 0; k < 101; k++)
        edges[k] = -1 + k * 0.02;
    for (int64_t i = 0; i < LARGE; i++) {
        data[i] = (double)(int64_t)check_random(&random) / 9e18;
        for (int k = 0; k < 100; k++)
            wanted[k] += data[i] >= edges[k] && (k < 99 ? data[i] < edges[k + 1] : data[i] <= edges[100]);
    }
    for (int64_t is_even = 0; is_even < 2; is_even++) {
        start(&h, data, DTYPE_FLOAT64, LARGE, &is_even, 1);
        harness_input(&h, edges, DTYPE_FLOAT64, 1, (int64_t[]){101});
        harness_output(&h, DTYPE_INT64);
        harness_run(&h, APPLY_HISTOGRAM, FH_OK);
        assert_memory_equal(h.out[0].data, wanted, sizeof wanted);
        harness_release(&h);
    }
    edges[3] = NAN;
    edges[50] = 7;
    edges[60] = -INFINITY;
    start(&h, data, DTYPE_FLOAT64, LARGE, (int64_t[]){1}, 1);
    harness_input(&h, edges, DTYPE_FLOAT64, 1, (int64_t[]){101});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_HISTOGRAM, FH_OK);
    harness_release(&h);
    free(data);
}

static void
products_slide(void **state)
{
    static const struct {
        int64_t integers[2];
        int status;
        double wanted[6];
    } CASES[] = {
        {{0, 3}, FH_OK, {21, 32, 43}},
        {{-1, 5}, FH_OK, {10, 21, 32, 43, 4}},
        {{-2, 6}, FH_OK, {0, 10, 21, 32, 43, 4}},
        {{-3, 2}, FH_INVALID_ARGUMENT, {0}},
        {{5, 2}, FH_INVALID_ARGUMENT, {0}},
        {{0, 7}, FH_INVALID_ARGUMENT, {0}},
        {{0, -1}, FH_INVALID_ARGUMENT, {0}},
    };
    int32_t a[] = {1, 2, 3, 4};
    double v[] = {1, 10};

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        harness_t h;

        start(&h, a, DTYPE_INT32, 4, CASES[i].integers, 2);
        harness_input(&h, v, DTYPE_FLOAT64, 1, (int64_t[]){2});
        harness_output(&h, DTYPE_FLOAT64);
        harness_run(&h, APPLY_CORRELATE, CASES[i].status);
        for (int64_t k = 0; !CASES[i].status && k < CASES[i].integers[1]; k++)
            assert_true(((double *)(void *)h.out[0].data)[k] == CASES[i].wanted[k]);
        harness_release(&h);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_weights_are_counted),
        cmocka_unit_test(bins_have_their_left_edge_and_the_last_one_both),
        cmocka_unit_test(many_numbers_are_counted_by_all_threads),
        cmocka_unit_test(products_slide),
    };

    return cmocka_run_group_tests_name("engine.apply.histogram", tests, NULL, NULL);
}
