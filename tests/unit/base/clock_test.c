#include "base/clock.h"
#include "tests/support/check.h"

#include <math.h>

static void
time_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_now_ns();
    for (int i = 0; i < 100000; i++) {
        int64_t now = clock_now_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void
deadline_is_as_far_away_as_was_asked(void **state)
{
    (void)state;
    int64_t before = clock_now_ns(), deadline = clock_deadline(2.5), after = clock_now_ns();
    assert_true(deadline >= before + 2500000000 && deadline <= after + 2500000000);
    assert_in_range(clock_remaining_ms(deadline, 10000), 2000, 2500);
    assert_int_equal(clock_remaining_ms(deadline, 100), 100);
}

static void
timeouts_without_end_are_never(void **state)
{
    (void)state;
    const double endless[] = {-1, -0.001, INFINITY, -INFINITY, NAN, 1e10, 1e300};
    for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
        assert_true(clock_deadline(endless[i]) == INT64_MAX);
        assert_int_equal(clock_remaining_ms(INT64_MAX, 1234), 1234);
    }
    assert_true(clock_deadline(9e9) < INT64_MAX);
}

static void
past_deadline_leaves_nothing_and_a_near_one_at_least_one_ms(void **state)
{
    (void)state;
    assert_int_equal(clock_remaining_ms(clock_now_ns() - 1, 1000), 0);
    assert_int_equal(clock_remaining_ms(INT64_MIN, 1000), 0);
    assert_int_equal(clock_remaining_ms(clock_deadline(0), 1000), 0);
    assert_in_range(clock_remaining_ms(clock_now_ns() + 900000000, 10000), 1, 900);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(deadline_is_as_far_away_as_was_asked),
        cmocka_unit_test(timeouts_without_end_are_never),
        cmocka_unit_test(past_deadline_leaves_nothing_and_a_near_one_at_least_one_ms),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
