/* Leases: pure arithmetic of times. */
#include "broker/lease.h"
#include "tests/support/check.h"

static void
test_lease_runs_out_exactly_at_its_term(void **state)
{
    lease_t lease = lease_begin(1000, 500);

    (void)state;
    assert_false(lease_overdue(&lease, 1499));
    assert_true(lease_overdue(&lease, 1500));
}

static void
test_lease_renewed_counts_from_the_sign_of_life(void **state)
{
    lease_t lease = lease_begin(1000, 500);

    (void)state;
    lease_renew(&lease, 1400, 500);
    assert_false(lease_overdue(&lease, 1899));
    assert_true(lease_overdue(&lease, 1900));
}

static void
test_lease_renewed_with_a_shorter_term_not_shortened(void **state)
{
    lease_t lease = lease_begin(0, 60000);

    (void)state;
    lease_renew(&lease, 100, 15000);
    assert_false(lease_overdue(&lease, 59999));
    assert_true(lease_overdue(&lease, 60000));
}

static void
test_lease_away_small_delay_is_none(void **state)
{
    (void)state;
    assert_int_equal(lease_away(1000, 900, 100), 0);
    assert_int_equal(lease_away(1000, 1100, 100), 0);
    assert_int_equal(lease_away(1000, 1101, 100), 101);
    assert_int_equal(lease_away(INT64_MAX, 1101, 100), 0);
}

static void
test_lease_far_future_does_not_overflow(void **state)
{
    lease_t lease = lease_begin(INT64_MAX - 10, INT64_MAX);

    (void)state;
    lease_renew(&lease, INT64_MAX - 5, INT64_MAX);
    assert_int_equal(lease.due_ns, INT64_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lease_runs_out_exactly_at_its_term),
        cmocka_unit_test(test_lease_renewed_counts_from_the_sign_of_life),
        cmocka_unit_test(test_lease_renewed_with_a_shorter_term_not_shortened),
        cmocka_unit_test(test_lease_away_small_delay_is_none),
        cmocka_unit_test(test_lease_far_future_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
