#include "engine/compute/compute.h"
#include "engine/compute/flags.h"
#include "tests/support/check.h"

#include <stdatomic.h>

enum { PARTS = 1000 };

typedef struct {
    atomic_int done[PARTS];
} tally_t;

static void
count_part(void *context, int64_t i)
{
    tally_t *tally = context;
    atomic_fetch_add(&tally->done[i], 1);
}

static void
raise_in_part(void *context, int64_t i)
{
    const unsigned *flags = context;
    flags_raise(flags[i]);
}

static void
callers_get_the_flags_of_all_threads(void **state)
{
    (void)state;
    err_t err;
    unsigned some[64] = {[17] = FLAG_DIVIDE, [40] = FLAG_INVALID, [63] = FLAG_OVERFLOW}, none[64] = {0};
    for (int threads = 1; threads <= 4; threads++) {
        crew_t *crew;
        check_ok(crew_new(&crew, threads, &err), err);
        for (int i = 0; i < 50; i++) {
            flags_clear();
            crew_run(crew, 64, raise_in_part, some);
            assert_int_equal(flags_raised(), FLAG_DIVIDE | FLAG_OVERFLOW | FLAG_INVALID);
            flags_clear();
            crew_run(crew, 64, raise_in_part, none);
            assert_int_equal(flags_raised(), 0);
        }
        crew_destroy(&crew);
    }
    flags_raise(FLAG_UNDERFLOW);
    flags_restore(FLAG_DIVIDE, FLAG_INVALID);
    assert_int_equal(flags_raised(), FLAG_DIVIDE | FLAG_INVALID);
    flags_clear();
}

static void
crew_run_does_every_part_once(void **state)
{
    (void)state;
    err_t err;
    for (int threads = 1; threads <= 8; threads++) {
        crew_t *crew;
        check_ok(crew_new(&crew, threads, &err), err);
        assert_int_equal(crew_threads(crew), threads);
        static tally_t tally;
        for (int64_t parts = 0; parts <= PARTS; parts += parts < 10 ? 1 : 330) {
            for (int i = 0; i < PARTS; i++)
                atomic_store(&tally.done[i], 0);
            crew_run(crew, parts, count_part, &tally);
            for (int i = 0; i < PARTS; i++)
                assert_int_equal(atomic_load(&tally.done[i]), i < parts);
        }
        crew_destroy(&crew);
        assert_null(crew);
        crew_destroy(&crew);
    }
}

static void
add_part(void *context, int64_t i)
{
    atomic_fetch_add((atomic_llong *)context, i);
}

/* Many short loops one after the other: workers that sleep, that still look and that are late must all be met. */
static void
crew_run_again_and_again_loses_nothing(void **state)
{
    (void)state;
    err_t err;
    crew_t *crew;
    check_ok(crew_new(&crew, 4, &err), err);
    atomic_llong sum = 0;
    for (int round = 0; round < 20000; round++)
        crew_run(crew, 3, add_part, &sum);
    assert_int_equal(atomic_load(&sum), 20000 * 3);
    crew_destroy(&crew);
}

static void
work_and_add_part(void *context, int64_t i)
{
    volatile double x = (double)i;
    for (int k = 0; k < 20000; k++)
        x = x * 0.5 + 1;
    atomic_fetch_add((atomic_llong *)context, 1);
}

static void
crew_run_returns_when_the_slowest_part_is_done(void **state)
{
    (void)state;
    err_t err;
    crew_t *crew;
    check_ok(crew_new(&crew, 4, &err), err);
    for (int round = 0; round < 300; round++) {
        atomic_llong done = 0;
        crew_run(crew, 7, work_and_add_part, &done);
        assert_int_equal(atomic_load(&done), 7);
    }
    crew_destroy(&crew);
}

static void
crew_new_of_absurd_size_is_refused(void **state)
{
    (void)state;
    err_t err;
    crew_t *crew;
    check_fails(crew_new(&crew, 0, &err), FH_INVALID_ARGUMENT, err);
    assert_null(crew);
    check_fails(crew_new(&crew, 1 << 20, &err), FH_INVALID_ARGUMENT, err);
    assert_null(crew);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crew_run_does_every_part_once),
        cmocka_unit_test(callers_get_the_flags_of_all_threads),
        cmocka_unit_test(crew_run_again_and_again_loses_nothing),
        cmocka_unit_test(crew_run_returns_when_the_slowest_part_is_done),
        cmocka_unit_test(crew_new_of_absurd_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
