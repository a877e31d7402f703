/* How far a call is, as the engine sees it. */
#include "engine/runner/run/progress.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static runner_page_t page;

static void
elements_are_counted_until_the_kernel_speaks(void **state)
{
    (void)state;
    progress_begin(&page, 7, 500);
    progress_add(100);
    progress_add(50);
    assert_int_equal(page.done, 150);
    assert_int_equal(page.total, 500);
    farhand_progress(0.25);
    progress_add(100);
    assert_int_equal(page.done, 250000);
    assert_int_equal(page.total, 1000000);
    progress_end();
    assert_int_equal(page.total, 0);
    progress_begin(&page, 8, 30); /* the next kernel is silent again */
    progress_add(3);
    assert_int_equal(page.done, 3);
    progress_end();
}

static void
any_number_is_taken(void **state)
{
    (void)state;
    const double said[] = {NAN, -NAN, -1, -INFINITY, 0, -0.0, 5e-324, 1, 1.5, INFINITY, 1e300};
    const uint64_t seen[] = {0, 0, 0, 0, 0, 0, 0, 1000000, 1000000, 1000000, 1000000};
    progress_begin(&page, 7, 500);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        farhand_progress(said[i]);
        assert_int_equal(page.done, seen[i]);
    }
    progress_end();
    farhand_progress(0.5); /* nothing runs */
    assert_int_equal(page.done, 0);
}

static void
only_its_own_cancel_stops_a_call(void **state)
{
    (void)state;
    page.cancel = 6;
    progress_begin(&page, 7, 500);
    assert_false(progress_stopped());
    page.cancel = 7;
    assert_true(progress_stopped());
    progress_end();
    assert_false(progress_stopped());
    progress_begin(NULL, 7, 500);
    progress_add(1);
    assert_false(progress_stopped());
    progress_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_counted_until_the_kernel_speaks),
        cmocka_unit_test(any_number_is_taken),
        cmocka_unit_test(only_its_own_cancel_stops_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
