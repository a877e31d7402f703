#include "codecs/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
arena_alloc_many_are_cleared_aligned_and_apart(void **state)
{
    (void)state;
    arena_t *arena;
    assert_int_equal(arena_new(&arena, 1 << 20, NULL), FH_OK);
    for (int round = 0; round < 3; round++) {
        uint8_t *previous = NULL;
        size_t previous_size = 0;
        for (size_t size = 1; size < 3000; size += 97) {
            void *bytes;
            assert_int_equal(arena_alloc(arena, size, &bytes, NULL), FH_OK);
            assert_int_equal((uintptr_t)bytes % 16, 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(((uint8_t *)bytes)[i], 0);
            memset(bytes, 0xff, size);
            if (previous)
                assert_true((uint8_t *)bytes >= previous + previous_size || (uint8_t *)bytes + size <= previous);
            previous = bytes;
            previous_size = size;
        }
        arena_reset(arena);
    }
    arena_destroy(&arena);
    assert_null(arena);
    arena_destroy(&arena);
}

static void
arena_alloc_beyond_maximum_is_limit_exceeded(void **state)
{
    (void)state;
    arena_t *arena;
    void *bytes;
    err_t err;
    assert_int_equal(arena_new(&arena, 1000, NULL), FH_OK);
    assert_int_equal(arena_alloc(arena, 1001, &bytes, &err), FH_LIMIT_EXCEEDED);
    assert_int_equal(arena_alloc(arena, SIZE_MAX, &bytes, &err), FH_LIMIT_EXCEEDED);
    assert_int_equal(arena_alloc(arena, 600, &bytes, &err), FH_OK);
    assert_int_equal(arena_alloc(arena, 600, &bytes, &err), FH_LIMIT_EXCEEDED);
    assert_int_equal(err.status, FH_LIMIT_EXCEEDED);
    arena_reset(arena);
    assert_int_equal(arena_alloc(arena, 600, &bytes, &err), FH_OK);
    arena_destroy(&arena);
}

static void
arena_reset_after_growth_still_gives_its_maximum(void **state)
{
    (void)state;
    arena_t *arena;
    void *bytes;
    size_t max = 1 << 16;
    assert_int_equal(arena_new(&arena, max, NULL), FH_OK);
    for (int round = 0; round < 10; round++) {
        for (size_t used = 0; used < max / 2; used += 1024)
            assert_int_equal(arena_alloc(arena, 1024, &bytes, NULL), FH_OK);
        arena_reset(arena);
    }
    assert_int_equal(arena_alloc(arena, 0, &bytes, NULL), FH_OK);
    assert_non_null(bytes);
    arena_destroy(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_alloc_many_are_cleared_aligned_and_apart),
        cmocka_unit_test(arena_alloc_beyond_maximum_is_limit_exceeded),
        cmocka_unit_test(arena_reset_after_growth_still_gives_its_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
