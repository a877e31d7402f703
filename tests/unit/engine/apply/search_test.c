/* engine/apply/search, interp: places in sorted vectors, and between points. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <math.h>

static void
start(harness_t *h, void *sorted, int64_t n, void *wanted, dtype_t dtype, int64_t m, const int64_t *integer)
{
    harness_init(h);
    h->call.integers = integer;
    h->call.nintegers = 1;
    harness_input(h, sorted, DTYPE_FLOAT64, 1, &n);
    harness_input(h, wanted, dtype, 1, &m);
}

static void
places_are_before_or_behind_equal_elements(void **state)
{
    double sorted[] = {1, 2, 2, 3, NAN}, wanted[] = {2, 0, NAN, 9, 2};
    int32_t integers[] = {2, 3};
    harness_t h;

    (void)state;
    start(&h, sorted, 5, wanted, DTYPE_FLOAT64, 5, &(int64_t){0});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_SEARCHSORTED, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){1, 0, 4, 4, 1}), 40);
    harness_release(&h);
    start(&h, sorted, 5, wanted, DTYPE_FLOAT64, 5, &(int64_t){1});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_SEARCHSORTED, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){3, 0, 5, 4, 3}), 40);
    harness_release(&h);
    start(&h, sorted, 5, integers, DTYPE_INT32, 2, &(int64_t){0});
    harness_output(&h, DTYPE_BOOL);
    harness_run(&h, APPLY_ISIN, FH_OK);
    assert_memory_equal(h.out[0].data, ((uint8_t[]){1, 1}), 2);
    harness_release(&h);
}

static void
a_sorter_must_hold_places(void **state)
{
    double data[] = {3, 1, 2}, wanted[] = {2.5};
    static const struct {
        int64_t sorter[3], n;
        int status;
    } SORTERS[] = {
        {{1, 2, 0}, 3, FH_OK},
        {{1, 2, 3}, 3, FH_INVALID_ARGUMENT},
        {{1, 2, -1}, 3, FH_INVALID_ARGUMENT},
        {{1, 2, 0}, 2, FH_INVALID_ARGUMENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof SORTERS / sizeof *SORTERS; i++) {
        int64_t sorter[] = {SORTERS[i].sorter[0], SORTERS[i].sorter[1], SORTERS[i].sorter[2]};
        harness_t h;

        start(&h, data, 3, wanted, DTYPE_FLOAT64, 1, &(int64_t){0});
        harness_input(&h, sorter, DTYPE_INT64, 1, &SORTERS[i].n);
        harness_output(&h, DTYPE_INT64);
        harness_run(&h, APPLY_SEARCHSORTED, SORTERS[i].status);
        if (!SORTERS[i].status)
            assert_int_equal(*(int64_t *)(void *)h.out[0].data, 2);
        harness_release(&h);
    }
}

static void
numbers_lie_between_points(void **state)
{
    double x[] = {-1, 0, 0.5, 2, 3, NAN}, xp[] = {0, 1, 2}, fp[] = {10, 20, 40};
    harness_t h;

    (void)state;
    harness_init(&h);
    h.call.reals = (double[]){-5, 5};
    h.call.nreals = 2;
    harness_input(&h, x, DTYPE_FLOAT64, 1, (int64_t[]){6});
    harness_input(&h, xp, DTYPE_FLOAT64, 1, (int64_t[]){3});
    harness_input(&h, fp, DTYPE_FLOAT64, 1, (int64_t[]){3});
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_INTERP, FH_OK);
    assert_memory_equal(h.out[0].data, ((double[]){-5, 10, 15, 40, 5}), 40);
    assert_true(isnan(((double *)(void *)h.out[0].data)[5]));
    harness_release(&h);
    harness_init(&h);
    h.call.reals = (double[]){0, 0};
    h.call.nreals = 2;
    harness_input(&h, x, DTYPE_FLOAT64, 1, (int64_t[]){6});
    harness_input(&h, xp, DTYPE_FLOAT64, 1, (int64_t[]){0});
    harness_input(&h, fp, DTYPE_FLOAT64, 1, (int64_t[]){0});
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_INTERP, FH_INVALID_ARGUMENT);
    harness_release(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_before_or_behind_equal_elements),
        cmocka_unit_test(a_sorter_must_hold_places),
        cmocka_unit_test(numbers_lie_between_points),
    };

    return cmocka_run_group_tests_name("engine.apply.search", tests, NULL, NULL);
}
