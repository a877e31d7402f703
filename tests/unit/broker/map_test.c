/* The hash map against a plain list, under random operations. */
#include "broker/map.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS = 500, STEPS = 50000 };

typedef struct {
    uint32_t key;
    bool there;
} entry_t;

static void
test_map_random_operations_same_as_list(void **state)
{
    static entry_t entries[KEYS];
    uint64_t seed = check_seed();
    size_t count = 0;
    map_t map;
    err_t err;

    (void)state;
    map_init(&map);
    for (uint32_t i = 0; i < KEYS; i++)
        entries[i] = (entry_t){.key = i * 8};
    for (int step = 0; step < STEPS; step++) {
        entry_t *entry = &entries[check_random(&seed) % KEYS];

        assert_ptr_equal(map_get(&map, &entry->key, sizeof entry->key), entry->there ? entry : NULL);
        if (entry->there)
            assert_ptr_equal(map_remove(&map, &entry->key, sizeof entry->key), entry);
        else
            check_ok(map_put(&map, &entry->key, sizeof entry->key, entry, &err), err);
        entry->there = !entry->there;
        count += entry->there ? 1 : (size_t)-1;
        assert_int_equal(map.count, count);
    }
    for (uint32_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&map, &entries[i].key, sizeof entries[i].key), entries[i].there ? &entries[i] : NULL);
    map_release(&map);
}

static void
test_map_keys_of_other_size_are_others(void **state)
{
    static const char KEY[] = "abcdefghij";
    int first, second;
    map_t map;
    err_t err;

    (void)state;
    map_init(&map);
    check_ok(map_put(&map, KEY, 9, &first, &err), err);
    assert_null(map_get(&map, KEY, 10));
    check_ok(map_put(&map, KEY, 10, &second, &err), err);
    assert_ptr_equal(map_get(&map, KEY, 9), &first);
    assert_ptr_equal(map_remove(&map, KEY, 10), &second);
    assert_null(map_remove(&map, KEY, 10));
    map_release(&map);
}

static void
test_map_replace_takes_the_new_key(void **state)
{
    char first[] = "same", second[] = "same";
    map_t map;
    err_t err;

    (void)state;
    map_init(&map);
    check_ok(map_put(&map, first, 4, first, &err), err);
    map_replace(&map, second, 4, second);
    memset(first, 'x', 4); /* the old key is not looked at any more */
    assert_ptr_equal(map_get(&map, "same", 4), second);
    assert_int_equal(map.count, 1);
    map_release(&map);
}

static void
test_map_emptied_gives_memory_back(void **state)
{
    static uint32_t keys[10000];
    map_t map;
    err_t err;

    (void)state;
    map_init(&map);
    for (uint32_t i = 0; i < 10000; i++) {
        keys[i] = i;
        check_ok(map_put(&map, &keys[i], sizeof keys[i], &keys[i], &err), err);
    }
    for (uint32_t i = 0; i < 10000; i++)
        assert_ptr_equal(map_remove(&map, &keys[i], sizeof keys[i]), &keys[i]);
    assert_true(map.capacity <= 32);
    map_release(&map);
}

static void
test_map_with_room_grows_no_more(void **state)
{
    static uint32_t keys[1000];
    map_t map;
    err_t err;

    (void)state;
    map_init(&map);
    map_reserve(&map, 1000);
    size_t capacity = map.capacity;

    for (uint32_t i = 0; i < 1000; i++) {
        keys[i] = i;
        check_ok(map_put(&map, &keys[i], sizeof keys[i], &keys[i], &err), err);
    }
    assert_int_equal(map.capacity, capacity);
    map_reserve(&map, 10); /* never less */
    assert_int_equal(map.capacity, capacity);
    assert_ptr_equal(map_get(&map, &keys[999], sizeof keys[999]), &keys[999]);
    map_release(&map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_random_operations_same_as_list),
        cmocka_unit_test(test_map_keys_of_other_size_are_others),
        cmocka_unit_test(test_map_replace_takes_the_new_key),
        cmocka_unit_test(test_map_emptied_gives_memory_back),
        cmocka_unit_test(test_map_with_room_grows_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
