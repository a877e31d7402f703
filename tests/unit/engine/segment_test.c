/* engine/segment: memory on the heap, in files of small pages and, where they can be had, of huge ones. */
#include "engine/segment.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, LARGE = 24 * MIB };

static huge_pages_t *pages; /* NULL: files are memfds */

static segment_t *
make(size_t size)
{
    segment_t *segment = NULL;
    err_t err;

    check_ok(segment_new_file(&segment, size, pages, &err), err);
    return segment;
}

static void
heap_is_aligned_and_zero(void **state)
{
    static const size_t SIZES[] = {0, 1, 1000, 60000};
    segment_t *segment;
    int fd;
    err_t err;

    (void)state;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        check_ok(segment_new_heap(&segment, SIZES[i], &err), err);
        assert_int_equal(segment->fd, -1);
        assert_int_equal((uintptr_t)segment->data % 64, 0);
        for (size_t at = 0; at < SIZES[i]; at++)
            assert_int_equal(segment->data[at], 0);
        check_fails(segment_read_only_fd(segment, &fd, &err), FH_INTERNAL, err);
        segment_destroy(&segment);
        assert_null(segment);
    }
}

static void
file_has_its_size_and_lies_on_huge_pages_if_it_is_large(void **state)
{
    segment_t *small = make(MIB), *large = make(8 * MIB);

    (void)state;
    assert_false(small->huge);
    assert_int_equal(large->huge, pages != NULL);
    assert_int_equal((uintptr_t)small->data % 4096, 0);
    assert_int_equal((uintptr_t)large->data % (pages ? HUGE_PAGE : 4096), 0);
    assert_int_equal(lseek(small->fd, 0, SEEK_END), MIB);
    assert_int_equal(lseek(large->fd, 0, SEEK_END), 8 * MIB);
    large->data[8 * MIB - 1] = 1;
    segment_destroy(&small);
    segment_destroy(&large);
}

static void
filled_bytes_are_there_whichever_way_they_went(void **state)
{
    static char bytes[256 * 1024];
    segment_t *segment = make(MIB);

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    segment_fill(segment, 0, bytes, sizeof bytes);            /* fresh pages */
    segment_fill(segment, sizeof bytes, bytes, sizeof bytes); /* the next fresh ones */
    segment_fill(segment, 100, bytes, 1000);                  /* again, small */
    segment_fill(segment, 100, NULL, 0);
    assert_memory_equal(segment->data, bytes, 100);
    assert_memory_equal(segment->data + 100, bytes, 1000);
    assert_memory_equal(segment->data + 1100, bytes + 1100, sizeof bytes - 1100);
    assert_memory_equal(segment->data + sizeof bytes, bytes, sizeof bytes);
    segment_destroy(&segment);
}

static void
large_segment_is_filled_in_parts_of_any_size(void **state)
{
    unsigned char *bytes = malloc(LARGE);
    segment_t *segment = make(LARGE);
    uint64_t seed = check_seed();

    (void)state;
    assert_non_null(bytes);
    for (int turn = 0; turn < 2; turn++) { /* fresh memory, then used */
        for (size_t i = 0; i < LARGE; i += 8) {
            uint64_t random = check_random(&seed);
            memcpy(bytes + i, &random, 8);
        }
        for (size_t at = 0, part; at < LARGE; at += part) {
            part = check_random(&seed) % (3 * MIB);
            if (part > LARGE - at)
                part = LARGE - at;
            segment_fill(segment, at, bytes + at, part);
        }
        assert_int_equal(memcmp(segment->data, bytes, LARGE), 0);
    }
    segment_destroy(&segment);
    free(bytes);
}

static void
reader_sees_the_bytes_and_cannot_write(void **state)
{
    segment_t *segment = make(4 * MIB);
    char byte = 0;
    int fd, again;
    err_t err;

    (void)state;
    segment->data[3 * MIB] = 42;
    check_ok(segment_read_only_fd(segment, &fd, &err), err);
    assert_int_equal(pread(fd, &byte, 1, 3 * MIB), 1);
    assert_int_equal(byte, 42);
    assert_true(pwrite(fd, "x", 1, 0) < 0);
    check_ok(segment_read_only_fd(segment, &again, &err), err);
    assert_int_equal(again, fd);
    assert_true(segment->lent);
    segment_destroy(&segment);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap_is_aligned_and_zero),
        cmocka_unit_test(file_has_its_size_and_lies_on_huge_pages_if_it_is_large),
        cmocka_unit_test(filled_bytes_are_there_whichever_way_they_went),
        cmocka_unit_test(large_segment_is_filled_in_parts_of_any_size),
        cmocka_unit_test(reader_sees_the_bytes_and_cannot_write),
    };
    int failed = cmocka_run_group_tests_name("small pages", tests, NULL, NULL);
    err_t err;

    if (huge_pages_new(&pages, 256 * MIB, &err)) {
        print_message("not run on huge pages: %s\n", err.text);
        return failed;
    }
    failed += cmocka_run_group_tests_name("huge pages", tests, NULL, NULL);
    huge_pages_destroy(&pages);
    return failed;
}
