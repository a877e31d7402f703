#include "codecs/order.h"
#include "tests/support/check.h"

#include <math.h>

static void
numbers_are_ordered_as_numpy_sorts_them(void **state)
{
    const double rising[] = {(double)-INFINITY, -1.5, 0, 1e-300, 2, (double)INFINITY, (double)NAN};
    const int64_t integers[] = {INT64_MIN, -1, 0, INT64_MAX - 1, INT64_MAX};
    const uint64_t large[] = {0, 1, UINT64_MAX - 1, UINT64_MAX};
    (void)state;
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 7; k++)
            assert_int_equal(order_compare(DTYPE_FLOAT64, true, &rising[i], &rising[k]), (i > k) - (i < k));
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 5; k++)
            assert_int_equal(order_compare(DTYPE_INT64, true, &integers[i], &integers[k]), (i > k) - (i < k));
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++)
            assert_int_equal(order_compare(DTYPE_UINT64, true, &large[i], &large[k]), (i > k) - (i < k));
}

static void
zeros_are_told_apart_if_asked(void **state)
{
    const double minus = -0.0, plus = 0.0;
    (void)state;
    assert_true(order_compare(DTYPE_FLOAT64, true, &minus, &plus) < 0);
    assert_true(order_compare(DTYPE_FLOAT64, true, &plus, &minus) > 0);
    assert_int_equal(order_compare(DTYPE_FLOAT64, false, &plus, &minus), 0);
}

static void
complex_numbers_with_nan_come_last(void **state)
{
    const double nan = (double)NAN;
    /* A complex number lies as its two parts do (C11 6.2.5). */
    const double rising[][2] = {{-1, 5}, {1, -1}, {1, 2}, {0, nan}, {9, nan}, {nan, 1}, {nan, 3}, {nan, nan}};
    (void)state;
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k++) {
            int compare = order_compare(DTYPE_COMPLEX128, true, rising[i], rising[k]);
            assert_int_equal((compare > 0) - (compare < 0), (i > k) - (i < k));
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_ordered_as_numpy_sorts_them),
        cmocka_unit_test(zeros_are_told_apart_if_asked),
        cmocka_unit_test(complex_numbers_with_nan_come_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
