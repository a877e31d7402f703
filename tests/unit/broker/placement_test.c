/* Placement: emptiest first, but not for small differences. */
#include "broker/placement.h"
#include "tests/support/check.h"

static place_t
place_of(uint32_t number, uint64_t memory, uint64_t used)
{
    return (place_t){.id = oid_new(), .number = number, .memory = memory, .used = used};
}

static void
test_placement_emptiest_first(void **state)
{
    place_t places[] = {place_of(0, 1600, 1500), place_of(1, 1600, 100), place_of(2, 1600, 800)};

    (void)state;
    placement_sort(places, 3);
    assert_int_equal(places[0].number, 1);
    assert_int_equal(places[1].number, 2);
    assert_int_equal(places[2].number, 0);
}

static void
test_placement_alike_by_number(void **state)
{
    place_t places[] = {place_of(2, 1600, 99), place_of(1, 1600, 0), place_of(0, 1600, 50)};

    (void)state;
    placement_sort(places, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(places[i].number, i);
}

static void
test_placement_counts_relative_to_memory(void **state)
{
    place_t places[] = {place_of(0, 1600, 400), place_of(1, 16000, 800)};

    (void)state;
    placement_sort(places, 2);
    assert_int_equal(places[0].number, 1);
}

static void
test_placement_full_is_last_and_unknown_memory_is_possible(void **state)
{
    place_t places[] = {place_of(0, 1600, 1600), place_of(1, 0, 1 << 20), place_of(2, 3, 2)};

    (void)state;
    placement_sort(places, 3);
    assert_int_equal(places[0].number, 1);
    assert_int_equal(places[1].number, 2);
    assert_true(placement_step(&places[2]) >= PLACEMENT_STEPS);
    placement_sort(places, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_placement_emptiest_first),
        cmocka_unit_test(test_placement_alike_by_number),
        cmocka_unit_test(test_placement_counts_relative_to_memory),
        cmocka_unit_test(test_placement_full_is_last_and_unknown_memory_is_possible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
