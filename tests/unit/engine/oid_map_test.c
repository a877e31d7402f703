/* engine/oid_map against a plain list. */
#include "engine/oid_map.h"
#include "tests/support/check.h"

#include <string.h>

enum { IDS = 500, STEPS = 20000 };

static oid_t
id_of(uint64_t number)
{
    oid_t id = {{0}};

    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static void
random_adds_and_removes_agree_with_a_list(void **state)
{
    static int values[IDS];
    bool there[IDS] = {false};
    uint64_t seed = check_seed();
    oid_map_t map = {0};
    size_t count = 0;
    err_t err;

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        size_t i = check_random(&seed) % IDS;
        oid_t id = id_of(i + 1);

        assert_ptr_equal(oid_map_find(&map, id), there[i] ? &values[i] : NULL);
        if (there[i])
            assert_ptr_equal(oid_map_remove(&map, id), &values[i]);
        else
            check_ok(oid_map_add(&map, id, &values[i], &err), err);
        there[i] = !there[i];
        count += there[i] ? 1 : (size_t)-1;
        assert_int_equal(map.count, count);
    }
    oid_map_release(&map);
}

static void
removing_while_visiting_meets_every_value(void **state)
{
    static int values[IDS];
    oid_map_t map = {0};
    size_t cursor = 0;
    int met = 0;
    err_t err;

    (void)state;
    for (size_t i = 0; i < IDS; i++)
        check_ok(oid_map_add(&map, id_of(i + 1), &values[i], &err), err);
    for (int *value; (value = oid_map_next(&map, &cursor));) {
        met++;
        assert_ptr_equal(oid_map_remove(&map, id_of((uint64_t)(value - values) + 1)), value);
        cursor--;
    }
    assert_int_equal(met, IDS);
    assert_int_equal(map.count, 0);
    oid_map_release(&map);
}

static void
empty_map_finds_nothing(void **state)
{
    oid_map_t map = {0};
    size_t cursor = 0;

    (void)state;
    assert_null(oid_map_find(&map, id_of(1)));
    assert_null(oid_map_remove(&map, id_of(1)));
    assert_null(oid_map_next(&map, &cursor));
    oid_map_release(&map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_adds_and_removes_agree_with_a_list),
        cmocka_unit_test(removing_while_visiting_meets_every_value),
        cmocka_unit_test(empty_map_finds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
