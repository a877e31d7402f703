#include "base/time_slice.h"
#include "tests/support/check.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The slice that the kernel says the calling thread has; 0: the system's own. */
static uint64_t
slice_now(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } now = {0};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &now, sizeof now, 0), 0);
    return now.runtime;
}

static void
slice_is_set_and_taken_back(void **state)
{
    (void)state;
    uint64_t before = slice_now();
    if (!time_slice_set(100000)) {
        assert_true(slice_now() == before);
        skip();
    }
    if (slice_now() == before)
        skip(); /* the kernel took it and has no slices: before 6.12 */
    assert_true(slice_now() == 100000);
    assert_true(time_slice_set(0));
    assert_true(slice_now() != 100000);
}

static void
niceness_and_policy_stay(void **state)
{
    int before = getpriority(PRIO_PROCESS, 0), nice = before < 19 ? before + 1 : 19; /* who is no root may only go up */
    (void)state;
    assert_int_equal(setpriority(PRIO_PROCESS, 0, nice), 0);
    (void)time_slice_set(200000);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), nice);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
    (void)time_slice_set(0);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), nice);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slice_is_set_and_taken_back),
        cmocka_unit_test(niceness_and_policy_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
