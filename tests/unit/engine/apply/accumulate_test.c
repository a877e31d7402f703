/* engine/apply/accumulate: running results. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <stdlib.h>

enum { ADD = 0, MULTIPLY = 1, MAXIMUM = 2, LCM = 16, LARGE = 300001 };

static void
start(harness_t *h, void *data, dtype_t dtype, int ndim, const int64_t *shape, const int64_t *integers)
{
    harness_init(h);
    h->call.integers = integers;
    h->call.nintegers = 2;
    harness_input(h, data, dtype, ndim, shape);
}

static void
sums_run_along_any_axis(void **state)
{
    int8_t data[] = {1, 2, 3, 100, 100, 100};
    int64_t carry[] = {10, 20, 30}, shape[] = {2, 3};
    harness_t h;

    (void)state;
    start(&h, data, DTYPE_INT8, 2, shape, (int64_t[]){0, ADD});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_ACCUMULATE, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){1, 2, 3, 101, 102, 103}), 48);
    harness_release(&h);
    start(&h, data, DTYPE_INT8, 2, shape, (int64_t[]){0, ADD});
    harness_input(&h, carry, DTYPE_INT64, 1, (int64_t[]){3});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_ACCUMULATE, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){11, 22, 33, 111, 122, 133}), 48);
    harness_release(&h);
    start(&h, data, DTYPE_INT8, 2, shape, (int64_t[]){1, MULTIPLY});
    harness_input(&h, carry, DTYPE_INT64, 2, (int64_t[]){2, 1});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_ACCUMULATE, FH_OK);
    assert_memory_equal(h.out[0].data, ((int64_t[]){10, 20, 60, 2000, 200000, 20000000}), 48);
    harness_release(&h);
}

/* A long line is cut into blocks where that makes no difference, and not where it does. */
static void
long_lines_have_the_same_bits(void **state)
{
    uint64_t random = check_seed();
    int64_t *integers = malloc(LARGE * sizeof *integers), n = LARGE, sum = 7;
    double *numbers = malloc(LARGE * sizeof *numbers), total = 0, most = -1;
    harness_t h;

    (void)state;
    assert_true(integers && numbers);
    for (int64_t i = 0; i < n; i++) {
        integers[i] = (int64_t)check_random(&random);
        numbers[i] = (double)(check_random(&random) >> 11) / 9007199254740992.0;
    }
    start(&h, integers, DTYPE_INT64, 1, &n, (int64_t[]){0, ADD});
    harness_input(&h, &sum, DTYPE_INT64, 0, NULL);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_ACCUMULATE, FH_OK);
    for (int64_t i = 0; i < n; i++) {
        sum = (int64_t)((uint64_t)sum + (uint64_t)integers[i]);
        assert_true(((int64_t *)(void *)h.out[0].data)[i] == sum);
    }
    harness_release(&h);
    start(&h, numbers, DTYPE_FLOAT64, 1, &n, (int64_t[]){0, ADD});
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_ACCUMULATE, FH_OK);
    for (int64_t i = 0; i < n; i++) {
        total += numbers[i];
        assert_true(((double *)(void *)h.out[0].data)[i] == total);
    }
    harness_release(&h);
    start(&h, numbers, DTYPE_FLOAT64, 1, &n, (int64_t[]){0, MAXIMUM});
    harness_output(&h, DTYPE_FLOAT64);
    harness_run(&h, APPLY_ACCUMULATE, FH_OK);
    for (int64_t i = 0; i < n; i++) {
        most = numbers[i] > most ? numbers[i] : most;
        assert_true(((double *)(void *)h.out[0].data)[i] == most);
    }
    harness_release(&h);
    free(integers);
    free(numbers);
}

/* Multiples that wrap depend on the order: they are not cut into blocks. */
static void
least_common_multiples_run_in_order(void **state)
{
    uint64_t random = check_seed(), a = 0;
    uint32_t *numbers = malloc(LARGE * sizeof *numbers);
    int64_t n = LARGE;
    harness_t h;

    (void)state;
    assert_non_null(numbers);
    for (int64_t i = 0; i < n; i++) /* odd ones, else it would soon be 0 for good */
        numbers[i] = (uint32_t)check_random(&random) | 1;
    start(&h, numbers, DTYPE_UINT32, 1, &n, (int64_t[]){0, LCM});
    harness_output(&h, DTYPE_UINT32);
    harness_run(&h, APPLY_ACCUMULATE, FH_OK);
    for (int64_t i = 0; i < n; i++) {
        uint32_t x = (uint32_t)a, y = numbers[i];
        while (i > 0 && y != 0) {
            uint32_t rest = x % y;
            x = y;
            y = rest;
        }
        a = i == 0 ? numbers[0] : (uint32_t)a / x * numbers[i];
        a = (uint32_t)a;
        assert_int_equal(((uint32_t *)(void *)h.out[0].data)[i], a);
    }
    harness_release(&h);
    free(numbers);
}

static void
wrong_parameters_are_refused(void **state)
{
    static const struct {
        int64_t integers[2];
        dtype_t out;
        int64_t before; /* elements that go before; 0: none */
        int status;
    } WRONG[] = {
        {{1, ADD}, DTYPE_FLOAT64, 0, FH_BAD_INDEX},       {{-1, ADD}, DTYPE_FLOAT64, 0, FH_BAD_INDEX},
        {{0, 1000}, DTYPE_FLOAT64, 0, FH_NO_SUCH_METHOD}, {{0, -1}, DTYPE_FLOAT64, 0, FH_NO_SUCH_METHOD},
        {{0, 9}, DTYPE_FLOAT64, 0, FH_WRONG_TYPE},        {{0, ADD}, DTYPE_FLOAT64, 2, FH_INVALID_ARGUMENT},
    };
    double data[] = {1, 2, 3};

    (void)state;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        harness_t h;

        start(&h, data, DTYPE_FLOAT64, 1, (int64_t[]){3}, WRONG[i].integers);
        if (WRONG[i].before)
            harness_input(&h, data, DTYPE_FLOAT64, 1, &WRONG[i].before);
        harness_output(&h, WRONG[i].out);
        harness_run(&h, APPLY_ACCUMULATE, WRONG[i].status);
        harness_release(&h);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_run_along_any_axis),
        cmocka_unit_test(long_lines_have_the_same_bits),
        cmocka_unit_test(least_common_multiples_run_in_order),
        cmocka_unit_test(wrong_parameters_are_refused),
    };

    return cmocka_run_group_tests_name("engine.apply.accumulate", tests, NULL, NULL);
}
