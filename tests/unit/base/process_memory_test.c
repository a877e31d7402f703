/* base/process_memory: what was taken shows, and where. */
#include "base/process_memory.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, SLACK = 2 * MIB };

static void
touched_pages_are_resident(void **state)
{
    process_memory_t before, after;
    size_t size = 64 * MIB;

    (void)state;
    assert_true(process_memory(0, &before));
    char *heap = malloc(size);
    char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_non_null(heap);
    assert_ptr_not_equal(shared, MAP_FAILED);
    memset(heap, 1, size);
    memset(shared, 1, size);
    assert_true(process_memory(getpid(), &after));
#ifdef __SANITIZE_THREAD__ /* keeps a shadow of what was touched */
    assert_true(after.anonymous - before.anonymous >= (int64_t)size - SLACK);
#else
    assert_in_range(after.anonymous - before.anonymous, size - SLACK, size + SLACK);
#endif
    assert_in_range(after.shared - before.shared, size - SLACK, size + SLACK);
    assert_in_range(after.file, 1, before.file + SLACK);
    int64_t used = heap_memory().used;

    munmap(shared, size);
    free(heap);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose malloc is not what heap_memory asks */
    assert_true(used >= (int64_t)size);
    assert_true(heap_memory().used < (int64_t)size);
#else
    (void)used;
#endif
}

static void
process_that_is_not_there_has_no_memory(void **state)
{
    process_memory_t memory;

    (void)state;
    assert_false(process_memory(0x3fffffff, &memory));
    assert_int_equal(memory.anonymous + memory.file + memory.shared, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(touched_pages_are_resident),
        cmocka_unit_test(process_that_is_not_there_has_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
