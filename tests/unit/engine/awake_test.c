/* engine/awake: who waits awake in company, and for how long.  Times are given, so nothing here depends on speed. */
#include "base/clock.h"
#include "engine/awake.h"
#include "tests/support/check.h"

#include <sched.h>

enum { ELSEWHERE = 1 << 20 /* a CPU that is never this one */ };

static const int64_t MICROSECOND = 1000, SECOND = 1000000000;

static awake_t awake;
static int64_t now_ns;

static int
start(void **state)
{
    (void)state;
    awake_init(&awake);
    now_ns = clock_now_ns();
    return 0;
}

/* Messages that come so many microseconds one after the other. */
static void
hear(int count, int64_t every_us, bool rung, bool company)
{
    for (int i = 0; i < count; i++) {
        now_ns += every_us * MICROSECOND;
        awake_note(&awake, ELSEWHERE, rung, company, now_ns);
    }
}

static void
in_company_quick_messages_keep_it_awake(void **state)
{
    (void)state;
    hear(4, 10, true, true);
    assert_true(awake.company);
    assert_true(awake.until_ns > now_ns);
    hear(100, 10, false, true);
    assert_true(awake.until_ns > now_ns);
    assert_true(awake.until_ns <= now_ns + 100 * MICROSECOND);
}

static void
messages_after_rests_do_not(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        hear(1, 2000, true, true);
        assert_int_equal(awake.until_ns, 0);
    }
}

/* What it gains in a quick time is soon used up, where every second message comes after a wait in vain. */
static void
waits_in_vain_end_it(void **state)
{
    int waits = 0;

    (void)state;
    hear(1000, 10, false, true);
    for (; waits < 100 && awake.until_ns; waits++) {
        awake_in_vain(&awake);
        assert_int_equal(awake.until_ns, 0);
        hear(1, 2000, false, true);
    }
    assert_in_range(waits, 1, 64);
}

/* Two turns of the others that took a second, as who computes takes them. */
static void
who_computes_ends_it_for_a_while(void **state)
{
    (void)state;
    hear(20, 10, false, true);
    assert_true(awake.until_ns > now_ns);
    awake_let_others_run(&awake, clock_now_ns() - SECOND);
    assert_true(awake.until_ns > now_ns);
    awake_let_others_run(&awake, clock_now_ns() - SECOND);
    assert_int_equal(awake.until_ns, 0);
    int64_t till_ns = awake.rests_till_ns;
    hear(20, 10, false, true);
    if (now_ns < till_ns)
        assert_int_equal(awake.until_ns, 0);
    now_ns = till_ns;
    hear(20, 10, false, true);
    assert_true(awake.until_ns > now_ns);
}

static void
alone_it_waits_only_for_a_client_that_is_awake(void **state)
{
    (void)state;
    hear(1, 10, true, false);
    assert_int_equal(awake.until_ns, 0);
    hear(20, 10, false, false);
    assert_true(awake.until_ns <= now_ns + 20 * MICROSECOND);
    assert_false(awake.company);
    assert_true(awake.until_ns > now_ns);
}

/* On the client's own CPU it would only be in the way: it moves, if there is another one. */
static void
it_does_not_stay_on_the_clients_cpu(void **state)
{
    cpu_set_t all;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    if (CPU_COUNT(&all) < 2)
        skip();
    for (int i = 0; i < 1000; i++) {
        int cpu = sched_getcpu();

        now_ns += 10 * MICROSECOND;
        awake_note(&awake, cpu, true, true, now_ns);
        if (sched_getcpu() != cpu)
            return;
    }
    fail_msg("it never moved");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(in_company_quick_messages_keep_it_awake, start),
        cmocka_unit_test_setup(messages_after_rests_do_not, start),
        cmocka_unit_test_setup(waits_in_vain_end_it, start),
        cmocka_unit_test_setup(who_computes_ends_it_for_a_while, start),
        cmocka_unit_test_setup(alone_it_waits_only_for_a_client_that_is_awake, start),
        cmocka_unit_test_setup(it_does_not_stay_on_the_clients_cpu, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
