/* engine/spill: what was written comes back; full disks and limits are errors that leave nothing. */
#include "engine/spill.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, SIZE = 3 * MIB + 5 };

static char folder[PATH_MAX];

static int
make_folder(void **state)
{
    (void)state;
    check_folder_make(folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    check_folder_remove(folder);
    return 0;
}

static spill_t *
make(int64_t limit)
{
    spill_t *spill;
    err_t err;

    check_ok(spill_new(&spill, folder, limit, &err), err);
    return spill;
}

static void
check_empty(void)
{
    DIR *list = opendir(folder);

    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list));)
        assert_true(strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    closedir(list);
}

static void
bytes_come_back(void **state)
{
    spill_t *spill = make(0);
    uint8_t *bytes = malloc(SIZE), *back = malloc(SIZE);
    uint64_t random = check_seed();
    int fd = -1;
    err_t err;

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)check_random(&random);
    check_ok(spill_write(spill, bytes, SIZE, &fd, &err), err);
    check_empty(); /* it has no name */
    assert_int_equal(spill_bytes(spill), SIZE);
    check_ok(spill_read(spill, fd, back, SIZE, &err), err);
    assert_memory_equal(bytes, back, SIZE);
    spill_drop(spill, &fd, SIZE);
    assert_int_equal(fd, -1);
    assert_int_equal(spill_bytes(spill), 0);
    spill_destroy(&spill);
    free(bytes);
    free(back);
}

static void
limit_is_kept(void **state)
{
    spill_t *spill = make(MIB);
    char *bytes = calloc(1, MIB);
    int fd = -1, other = -1;
    err_t err;

    (void)state;
    check_ok(spill_write(spill, bytes, MIB / 2 + 1, &fd, &err), err);
    check_fails(spill_write(spill, bytes, MIB / 2, &other, &err), FH_LIMIT_EXCEEDED, err);
    check_contains(err.text, "--spill-limit");
    assert_int_equal(spill_bytes(spill), MIB / 2 + 1);
    spill_drop(spill, &fd, MIB / 2 + 1);
    check_ok(spill_write(spill, bytes, MIB, &other, &err), err);
    spill_drop(spill, &other, MIB);
    spill_destroy(&spill);
    free(bytes);
}

static void
full_disk_is_an_error_and_nothing_is_left(void **state)
{
    spill_t *spill = make(0);
    char *bytes = calloc(1, SIZE);
    struct rlimit old, less;
    int fd = -1;
    err_t err;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    less = old;
    less.rlim_cur = MIB;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
    int status = spill_write(spill, bytes, SIZE, &fd, &err);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, FH_LIMIT_EXCEEDED);
    assert_int_equal(fd, -1);
    assert_int_equal(spill_bytes(spill), 0);
    check_empty();
    spill_destroy(&spill);
    free(bytes);
}

static void
short_file_is_an_error(void **state)
{
    spill_t *spill = make(0);
    char bytes[100] = {0};
    int fd = -1;
    err_t err;

    (void)state;
    check_ok(spill_write(spill, bytes, sizeof bytes, &fd, &err), err);
    assert_int_equal(ftruncate(fd, 50), 0);
    check_fails(spill_read(spill, fd, bytes, sizeof bytes, &err), FH_IO_ERROR, err);
    spill_drop(spill, &fd, sizeof bytes);
    spill_destroy(&spill);
}

static void
folder_that_is_none_is_refused(void **state)
{
    spill_t *spill = NULL;
    char *longest = malloc(2 * PATH_MAX);
    err_t err;

    (void)state;
    check_fails(spill_new(&spill, "/proc/self/no such folder", 0, &err), FH_INVALID_ARGUMENT, err);
    memset(longest, 'x', 2 * PATH_MAX - 1);
    longest[2 * PATH_MAX - 1] = '\0';
    check_fails(spill_new(&spill, longest, 0, &err), FH_INVALID_ARGUMENT, err);
    assert_null(spill);
    free(longest);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(bytes_come_back),
        TEST(limit_is_kept),
        TEST(full_disk_is_an_error_and_nothing_is_left),
        TEST(short_file_is_an_error),
        TEST(folder_that_is_none_is_refused),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
