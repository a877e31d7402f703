/* engine/apply/nonzero: where an array is not zero. */
#include "tests/support/check.h"
#include "tests/unit/engine/apply/harness.h"

#include <math.h>
#include <stdlib.h>

static void
indices_come_in_c_order(void **state)
{
    double data[] = {0, 1, 0, NAN, -0.0, 2};
    int64_t base[] = {10, 0};
    static const int64_t WANTED[] = {10, 11, 11, 1, 0, 2};
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, data, DTYPE_FLOAT64, 2, (int64_t[]){2, 3});
    harness_output(&h, DTYPE_INT64);
    h.call.integers = base, h.call.nintegers = 2;
    harness_run(&h, APPLY_NONZERO, FH_OK);
    harness_check_shape(&h, 0, 2, (int64_t[]){2, 3});
    for (int i = 0; i < 6; i++)
        assert_int_equal(((int64_t *)h.out[0].data)[i], WANTED[i]);
    harness_release(&h);
}

static void
many_elements_are_counted_by_all_threads(void **state)
{
    enum { ROWS = 700, COLUMNS = 501, N = ROWS * COLUMNS };
    uint8_t *data = calloc(1, N);
    int64_t count = 0;
    harness_t h;

    (void)state;
    assert_non_null(data);
    for (int i = 0; i < N; i++)
        count += data[i] = i % 7 == 3 || i % 1000 < 50;
    harness_init(&h);
    harness_input(&h, data, DTYPE_BOOL, 2, (int64_t[]){ROWS, COLUMNS});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_NONZERO, FH_OK);
    harness_check_shape(&h, 0, 2, (int64_t[]){2, count});
    const int64_t *rows = (const int64_t *)h.out[0].data, *columns = rows + count;
    int64_t at = 0;

    for (int i = 0; i < N; i++)
        if (data[i]) {
            assert_int_equal(rows[at], i / COLUMNS);
            assert_int_equal(columns[at++], i % COLUMNS);
        }
    harness_release(&h);
    free(data);
}

static void
nothing_is_found_in_nothing(void **state)
{
    double none = 0;
    harness_t h;

    (void)state;
    harness_init(&h);
    harness_input(&h, &none, DTYPE_FLOAT64, 2, (int64_t[]){0, 3});
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_NONZERO, FH_OK);
    harness_check_shape(&h, 0, 2, (int64_t[]){2, 0});
    harness_release(&h);
    harness_init(&h);
    harness_input(&h, &none, DTYPE_FLOAT64, 0, NULL);
    harness_output(&h, DTYPE_INT64);
    harness_run(&h, APPLY_NONZERO, FH_INVALID_ARGUMENT);
    harness_release(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indices_come_in_c_order),
        cmocka_unit_test(many_elements_are_counted_by_all_threads),
        cmocka_unit_test(nothing_is_found_in_nothing),
    };

    return cmocka_run_group_tests_name("engine.apply.nonzero", tests, NULL, NULL);
}
