/* engine/pool: accounts, limits, recycling, and what sessions may see of each other; on small pages
 * and, where they can be had, on huge ones. */
#include "base/clock.h"
#include "engine/pool.h"
#include "tests/support/check.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1024 * 1024 };

static huge_pages_t *pages; /* of all pools; NULL: they use memfds */

static pool_t *
make(int64_t limit)
{
    pool_t *pool;
    err_t err;

    check_ok(pool_new(&pool, limit, &err), err);
    pool_use_huge_pages(pool, pages);
    return pool;
}

static segment_t *
take(pool_t *pool, size_t size, oid_t session, unsigned flags)
{
    segment_t *segment;
    err_t err;

    check_ok(pool_take(pool, size, session, flags, &segment, &err), err);
    return segment;
}

static pool_stats_t
stats_of(pool_t *pool)
{
    pool_stats_t stats;

    pool_stats(pool, &stats);
    return stats;
}

static void
small_segment_is_on_the_heap_and_aligned(void **state)
{
    pool_t *pool = make(MIB);
    segment_t *segment = take(pool, 1000, OID_NONE, 0), *empty = take(pool, 0, OID_NONE, 0);

    (void)state;
    assert_int_equal(segment->fd, -1);
    assert_int_equal((uintptr_t)segment->data % 64, 0);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(segment->data[i], 0);
    assert_int_equal(stats_of(pool).segments, 2);
    segment_unref(&segment);
    segment_unref(&empty);
    assert_null(segment);
    assert_int_equal(stats_of(pool).used, 0);
    pool_destroy(&pool);
}

static void
memory_goes_with_the_last_reference(void **state)
{
    pool_t *pool = make(8 * MIB);
    segment_t *segment = take(pool, MIB, OID_NONE, 0), *pin = segment_ref(segment);

    (void)state;
    assert_int_equal(stats_of(pool).used, MIB);
    segment_unref(&segment);
    assert_int_equal(stats_of(pool).used, MIB);
    segment_unref(&pin);
    assert_int_equal(stats_of(pool).used, 0);
    assert_int_equal(stats_of(pool).cached, MIB);
    pool_destroy(&pool);
}

static void
freed_segment_is_used_again_by_its_session(void **state)
{
    pool_t *pool = make(8 * MIB);
    oid_t session = oid_new();
    segment_t *segment = take(pool, MIB, session, 0);
    const char *data = segment->data;

    (void)state;
    segment->data[77] = 5;
    segment_touch(segment);
    segment_unref(&segment);
    segment = take(pool, MIB - 100, session, 0); /* the same class */
    assert_ptr_equal(segment->data, data);
    assert_int_equal(segment->data[77], 5);
    assert_int_equal(stats_of(pool).recycled, 1);
    segment_unref(&segment);
    segment = take(pool, MIB, session, POOL_CLEARED);
    assert_int_equal(segment->data[77], 0);
    segment_unref(&segment);
    pool_destroy(&pool);
}

static void
another_session_sees_nothing_of_the_last_one(void **state)
{
    pool_t *pool = make(8 * MIB);
    segment_t *segment = take(pool, MIB, oid_new(), 0);
    const char *data = segment->data;

    (void)state;
    memset(segment->data, 9, MIB);
    segment_unref(&segment);
    segment = take(pool, MIB, oid_new(), 0);
    assert_ptr_equal(segment->data, data);
    for (size_t i = 0; i < MIB; i++)
        assert_int_equal(segment->data[i], 0);
    segment_unref(&segment);
    pool_destroy(&pool);
}

static void
lent_segment_never_changes_hands(void **state)
{
    pool_t *pool = make(8 * MIB);
    oid_t session = oid_new();
    segment_t *lent = take(pool, MIB, session, 0), *other;
    int fd;
    err_t err;

    (void)state;
    check_ok(segment_read_only_fd(lent, &fd, &err), err);
    assert_true(write(fd, "x", 1) < 0);
    segment_unref(&lent);
    other = take(pool, MIB, oid_new(), 0);
    assert_int_equal(stats_of(pool).recycled, 0);
    segment_unref(&other);
    assert_int_equal(stats_of(pool).cached, 2 * MIB);
    pool_forget(pool, session);
    assert_int_equal(stats_of(pool).cached, MIB);
    pool_destroy(&pool);
}

/* Runners keep maps of arrays for a while; the memory must go all the same. */
static void
pages_of_a_lent_segment_go_although_it_is_mapped(void **state)
{
    pool_t *pool = make(64 * MIB);
    segment_t *segment = take(pool, 4 * MIB, oid_new(), 0);
    struct stat file;

    (void)state;
    int fd = dup(segment->fd);
    char *map = mmap(NULL, 4 * MIB, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    memset(segment->data, 7, 4 * MIB);
    segment_lend(segment);
    assert_int_equal(map[3 * MIB], 7);
    segment_unref(&segment);
    pool_trim(pool, INT64_MAX);
    pool_reap(pool);
    assert_int_equal(fstat(fd, &file), 0);
    assert_int_equal(file.st_blocks, 0);
    assert_int_equal(map[3 * MIB], 0);
    munmap(map, 4 * MIB);
    close(fd);
    pool_destroy(&pool);
}

static void
limit_is_checked_before_memory_is_taken(void **state)
{
    pool_t *pool = make(4 * MIB);
    segment_t *segment = take(pool, 3 * MIB, OID_NONE, 0), *more = NULL;
    err_t err;

    (void)state;
    check_fails(pool_take(pool, 2 * MIB, OID_NONE, 0, &more, &err), FH_LIMIT_EXCEEDED, err);
    check_contains(err.text, "2097152 bytes");
    check_contains(err.text, "3145728 of 4194304");
    assert_null(more);
    check_fails(pool_take(pool, SIZE_MAX, OID_NONE, 0, &more, &err), FH_LIMIT_EXCEEDED, err);
    check_fails(pool_queue(pool, POOL_QUEUE_BYTES + 2 * MIB, &err), FH_LIMIT_EXCEEDED, err);
    check_ok(pool_queue(pool, POOL_QUEUE_BYTES + MIB, &err), err);
    check_fails(pool_queue(pool, 1, &err), FH_LIMIT_EXCEEDED, err);
    assert_int_equal(stats_of(pool).queued, POOL_QUEUE_BYTES + MIB);
    pool_unqueue(pool, POOL_QUEUE_BYTES + MIB);
    segment_unref(&segment);
    assert_int_equal(stats_of(pool).used, 0);
    pool_destroy(&pool);
}

static void
cache_gives_way_to_arrays(void **state)
{
    pool_t *pool = make(4 * MIB);
    segment_t *first = take(pool, 2 * MIB, OID_NONE, 0), *second;

    (void)state;
    segment_unref(&first);
    assert_int_equal(stats_of(pool).cached, 2 * MIB);
    second = take(pool, 4 * MIB, OID_NONE, 0);
    assert_int_equal(stats_of(pool).cached, 0);
    segment_unref(&second);
    /* Half of the limit is cached at most. */
    assert_int_equal(stats_of(pool).cached, 0);
    pool_destroy(&pool);
}

static void
old_segments_are_trimmed(void **state)
{
    pool_t *pool = make(8 * MIB);
    segment_t *segment = take(pool, MIB, OID_NONE, 0);

    (void)state;
    segment_unref(&segment);
    pool_trim(pool, clock_now_ns() - 1000000000000);
    assert_int_equal(stats_of(pool).cached, MIB);
    pool_trim(pool, clock_now_ns() + 1);
    assert_int_equal(stats_of(pool).cached, 0);
    pool_reap(pool);
    pool_destroy(&pool);
}

static void
memfd_flag_gives_a_descriptor_to_small_ones_too(void **state)
{
    pool_t *pool = make(MIB);
    segment_t *segment = take(pool, 8, OID_NONE, POOL_MEMFD);

    (void)state;
    assert_true(segment->fd >= 0);
    assert_int_equal((uintptr_t)segment->data % 4096, 0);
    segment_unref(&segment);
    pool_destroy(&pool);
}

static void
size_is_rounded_up_by_a_sixteenth_at_most(void **state)
{
    pool_t *pool = make(INT64_C(1) << 40);
    uint64_t seed = check_seed();

    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint64_t random = check_random(&seed);
        size_t size = 64 * 1024 + (random >> 8) % ((size_t)1 << (17 + random % 16));
        segment_t *segment = take(pool, size, OID_NONE, 0);

        assert_true(segment->size >= size);
        assert_true(segment->size <= size + size / 16 + 4096);
        assert_int_equal(segment->size % 4096, 0);
        assert_int_equal(stats_of(pool).used, segment->size);
        assert_int_equal(lseek(segment->fd, 0, SEEK_END), segment->size);
        segment_unref(&segment);
        assert_int_equal(stats_of(pool).used, 0);
    }
    pool_destroy(&pool);
}

static void
large_segment_lies_on_huge_pages_where_there_are_some(void **state)
{
    pool_t *pool = make(64 * MIB);
    segment_t *small = take(pool, MIB, OID_NONE, 0), *large = take(pool, 8 * MIB - 400000, OID_NONE, 0);

    (void)state;
    assert_false(small->huge);
    assert_int_equal(large->huge, pages != NULL);
    if (pages) {
        assert_int_equal((uintptr_t)large->data % HUGE_PAGE, 0);
        assert_int_equal(large->size, 8 * MIB); /* no small pages at the end */
    }
    segment_unref(&small);
    segment_unref(&large);
    pool_destroy(&pool);
}

int
main(void)
{
    err_t err;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_segment_is_on_the_heap_and_aligned),
        cmocka_unit_test(memory_goes_with_the_last_reference),
        cmocka_unit_test(freed_segment_is_used_again_by_its_session),
        cmocka_unit_test(another_session_sees_nothing_of_the_last_one),
        cmocka_unit_test(lent_segment_never_changes_hands),
        cmocka_unit_test(pages_of_a_lent_segment_go_although_it_is_mapped),
        cmocka_unit_test(limit_is_checked_before_memory_is_taken),
        cmocka_unit_test(cache_gives_way_to_arrays),
        cmocka_unit_test(old_segments_are_trimmed),
        cmocka_unit_test(memfd_flag_gives_a_descriptor_to_small_ones_too),
        cmocka_unit_test(size_is_rounded_up_by_a_sixteenth_at_most),
        cmocka_unit_test(large_segment_lies_on_huge_pages_where_there_are_some),
    };
    int failed = cmocka_run_group_tests_name("small pages", tests, NULL, NULL);

    if (huge_pages_new(&pages, INT64_C(1) << 41, &err)) {
        print_message("not run on huge pages: %s\n", err.text);
        return failed;
    }
    failed += cmocka_run_group_tests_name("huge pages", tests, NULL, NULL);
    huge_pages_destroy(&pages);
    return failed;
}
