/* Looking instead of sleeping: bounded, only where waits are short, ever more seldom where it is in vain. */
#include "base/clock.h"
#include "engine/runner/patience.h"
#include "tests/support/check.h"

#include <sched.h>
#include <stdatomic.h>

static const int64_t LIMIT_NS = 2000000;

static _Atomic uint32_t word;

static void
change_that_is_there_is_seen_at_once(void **state)
{
    (void)state;
    patience_t patience = {.quick = false};
    atomic_store(&word, 2);
    assert_true(patience_look(&patience, &word, 1, -1, LIMIT_NS));
    assert_false(patience_look(&patience, &word, 2, -1, LIMIT_NS));
}

/* Nanoseconds of a look in vain. */
static int64_t
look_in_vain(patience_t *patience)
{
    int64_t began = clock_now_ns();
    assert_false(patience_look(patience, &word, atomic_load(&word), -1, LIMIT_NS));
    return clock_now_ns() - began;
}

static void
only_short_waits_are_worth_a_look(void **state)
{
    (void)state;
    patience_t patience = {.quick = false};
    patience_slept(&patience, 1000000000);
    assert_true(look_in_vain(&patience) < LIMIT_NS);
    patience_slept(&patience, 1000);
    assert_true(look_in_vain(&patience) >= LIMIT_NS);
}

/* It must sleep for the other to run; that is not in vain. */
static void
nobody_looks_at_whom_it_keeps_from_running(void **state)
{
    (void)state;
    patience_t patience = {.quick = true};
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    int cpu = sched_getcpu();
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    int64_t began = clock_now_ns();
    assert_false(patience_look(&patience, &word, atomic_load(&word), cpu, LIMIT_NS));
    assert_true(clock_now_ns() - began < LIMIT_NS && !patience.vain);
    began = clock_now_ns();
    assert_false(patience_look(&patience, &word, atomic_load(&word), cpu + 1, LIMIT_NS));
    assert_true(clock_now_ns() - began >= LIMIT_NS);
    assert_true(patience_look(&patience, &word, atomic_load(&word) + 1, cpu, LIMIT_NS));
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

static void
vain_looks_become_seldom(void **state)
{
    (void)state;
    enum { WAITS = 400 };
    patience_t patience = {.quick = true};
    int looks = 0;
    for (int i = 0; i < WAITS; i++) {
        unsigned before = patience.vain;
        bool may = patience.quick && !patience.pauses;
        look_in_vain(&patience);
        looks += may;
        assert_true(patience.vain >= before);
        patience_slept(&patience, 1000);
    }
    assert_true(looks > 3 && looks < 12);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(change_that_is_there_is_seen_at_once),
        cmocka_unit_test(only_short_waits_are_worth_a_look),
        cmocka_unit_test(nobody_looks_at_whom_it_keeps_from_running),
        cmocka_unit_test(vain_looks_become_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
