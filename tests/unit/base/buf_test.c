#include "base/buf.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static void
new_buffer_is_aligned_and_writable(void **state)
{
    (void)state;
    err_t err;
    for (size_t size = 0; size < 300; size += 37) {
        buf_t *buf;
        check_ok(buf_new(&buf, size, 0, &err), err);
        assert_int_equal(buf_size(buf), size);
        assert_int_equal((uintptr_t)buf_data(buf) % 64, 0);
        memset(buf_data(buf), 0xab, size);
        buf_unref(&buf);
        assert_null(buf);
        buf_unref(&buf);
    }
}

static void
size_above_the_limit_is_refused(void **state)
{
    (void)state;
    err_t err;
    buf_t *buf = NULL;
    check_fails(buf_new(&buf, 101, 100, &err), FH_LIMIT_EXCEEDED, err);
    check_contains(err.text, "101");
    check_ok(buf_new(&buf, 100, 100, &err), err);
    buf_unref(&buf);
}

static void
size_that_no_machine_has_is_no_memory(void **state)
{
    (void)state;
    err_t err;
    buf_t *buf = NULL;
    check_fails(buf_new(&buf, SIZE_MAX, 0, &err), FH_NO_MEMORY, err);
    check_fails(buf_new(&buf, SIZE_MAX - 63, 0, &err), FH_NO_MEMORY, err);
    assert_null(buf);
}

static void
copy_is_independent_of_its_source(void **state)
{
    (void)state;
    err_t err;
    char bytes[] = "before";
    buf_t *buf;
    check_ok(buf_new_copy(&buf, bytes, sizeof bytes, &err), err);
    memset(bytes, 'x', sizeof bytes);
    assert_string_equal(buf_data(buf), "before");
    buf_unref(&buf);
    check_ok(buf_new_copy(&buf, NULL, 0, &err), err);
    buf_unref(&buf);
}

static void
count_release(void *data, void *context)
{
    assert_string_equal(data, "mine");
    atomic_fetch_add((atomic_int *)context, 1);
}

enum { THREADS = 4, TURNS = 20000 };

static void *
ref_and_unref(void *context)
{
    buf_t *mine = context;
    for (int i = 0; i < TURNS; i++) {
        buf_t *more = buf_ref(mine);
        buf_unref(&more);
    }
    buf_unref(&mine);
    return NULL;
}

static void
foreign_memory_is_released_once_by_the_last_of_many_threads(void **state)
{
    (void)state;
    err_t err;
    char bytes[] = "mine";
    atomic_int releases = 0;
    buf_t *buf;
    pthread_t threads[THREADS];
    check_ok(buf_new_foreign(&buf, bytes, sizeof bytes, count_release, &releases, &err), err);
    assert_ptr_equal(buf_data(buf), bytes);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, buf_ref(buf)), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(releases, 0);
    buf_unref(&buf);
    assert_int_equal(releases, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_buffer_is_aligned_and_writable),
        cmocka_unit_test(size_above_the_limit_is_refused),
        cmocka_unit_test(size_that_no_machine_has_is_no_memory),
        cmocka_unit_test(copy_is_independent_of_its_source),
        cmocka_unit_test(foreign_memory_is_released_once_by_the_last_of_many_threads),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
