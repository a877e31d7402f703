/* engine/pool_memory: what is resident is counted to whom it belongs. */
#include "engine/pool.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

enum { MIB = 1024 * 1024, PAGE = 4096 };

static segment_t *
take(pool_t *pool, size_t size, oid_t session)
{
    segment_t *segment;
    err_t err;

    check_ok(pool_take(pool, size, session, 0, &segment, &err), err);
    return segment;
}

static pool_memory_t
measure(pool_t *pool, pool_owner_t **ret_owners)
{
    pool_memory_t memory;
    err_t err;

    check_ok(pool_measure(pool, &memory, ret_owners, &err), err);
    return memory;
}

static pool_owner_t
owner_of(const pool_owner_t *owners, const pool_memory_t *memory, oid_t session)
{
    for (size_t i = 0; i < memory->owners; i++)
        if (oid_equal(owners[i].session, session))
            return owners[i];
    return (pool_owner_t){.segments = 0};
}

static void
pages_count_to_the_session_once_they_are_written(void **state)
{
    pool_t *pool;
    pool_owner_t *owners;
    err_t err;
    oid_t one = oid_new(), two = oid_new();

    (void)state;
    check_ok(pool_new(&pool, 64 * MIB, &err), err);
    segment_t *large = take(pool, 8 * MIB, one), *small = take(pool, 1000, one), *other = take(pool, MIB, two);

    large->arrays = small->arrays = other->arrays = 1;
    memset(large->data, 1, 3 * MIB);
    pool_memory_t memory = measure(pool, &owners);

    assert_int_equal(memory.owners, 2);
    assert_int_equal(owner_of(owners, &memory, one).pages, 3 * MIB);
    assert_int_equal(owner_of(owners, &memory, one).segments, 2);
    assert_in_range(owner_of(owners, &memory, one).heap, 1000, 1000 + PAGE);
    assert_int_equal(owner_of(owners, &memory, two).pages, 0);
    free(owners);
    segment_unref(&small);
    segment_unref(&large);
    memory = measure(pool, &owners);
    assert_int_equal(memory.owners, 1);
    assert_int_equal(memory.cached, 3 * MIB);
    assert_int_equal(memory.cached_count, 1);
    assert_int_equal(memory.heap, 0);
    free(owners);
    segment_unref(&other);
    pool_destroy(&pool);
}

static void
what_has_no_array_is_mapped_or_in_flight(void **state)
{
    pool_t *pool;
    pool_owner_t *owners;
    err_t err;

    (void)state;
    check_ok(pool_new(&pool, 64 * MIB, &err), err);
    segment_t *mapped = take(pool, MIB, oid_new()), *result = take(pool, 2 * MIB, oid_new());

    mapped->maps = 1;
    memset(mapped->data, 1, MIB);
    memset(result->data, 1, 2 * MIB);
    check_ok(pool_queue(pool, 12345, &err), err);
    pool_memory_t memory = measure(pool, &owners);

    assert_int_equal(memory.mapped, MIB);
    assert_int_equal(memory.mapped_count, 1);
    assert_int_equal(memory.in_flight, 2 * MIB);
    assert_int_equal(memory.in_flight_count, 1);
    assert_int_equal(memory.queued, 12345);
    free(owners);
    pool_unqueue(pool, 12345);
    segment_unref(&mapped);
    segment_unref(&result);
    pool_destroy(&pool);
}

/* Files come and go in any order; what is left of the list is whole. */
static void
many_files_are_found(void **state)
{
    enum { FILES = 300 };
    pool_t *pool;
    pool_owner_t *owners;
    segment_t *files[FILES];
    err_t err;
    oid_t session = oid_new();

    (void)state;
    check_ok(pool_new(&pool, 512 * MIB, &err), err);
    for (int i = 0; i < FILES; i++) {
        files[i] = take(pool, 128 * 1024, session);
        files[i]->arrays = 1;
        memset(files[i]->data, 1, PAGE);
    }
    for (int i = 0; i < FILES; i += 3) {
        files[i]->abandoned = true; /* not kept */
        segment_unref(&files[i]);
    }
    pool_reap(pool);
    pool_memory_t memory = measure(pool, &owners);

    assert_int_equal(owner_of(owners, &memory, session).segments, FILES - FILES / 3);
    assert_int_equal(owner_of(owners, &memory, session).pages, (FILES - FILES / 3) * PAGE);
    free(owners);
    for (int i = 0; i < FILES; i++)
        segment_unref(&files[i]);
    memory = measure(pool, &owners);
    assert_int_equal(memory.owners, 0);
    assert_int_equal(memory.cached, (FILES - FILES / 3) * PAGE);
    free(owners);
    pool_destroy(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_count_to_the_session_once_they_are_written),
        cmocka_unit_test(what_has_no_array_is_mapped_or_in_flight),
        cmocka_unit_test(many_files_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
