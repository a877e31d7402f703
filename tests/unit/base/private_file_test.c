#include "base/private_file.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX];

static int
setup(void **state)
{
    (void)state;
    check_folder_make(folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    check_folder_remove(folder);
    return 0;
}

static unsigned
mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    return (unsigned)info.st_mode & 07777;
}

static void
folder_is_made_with_its_parents_and_closed(void **state)
{
    (void)state;
    err_t err;
    const char *path = check_path(folder, "a/b/c");
    check_ok(private_folder_make(path, &err), err);
    assert_int_equal(mode_of(path), 0700);
    check_ok(private_folder_make(path, &err), err);
    check_ok(private_folder_make(check_path(folder, "a/b/d///"), &err), err);
    assert_int_equal(mode_of(check_path(folder, "a/b/d")), 0700);
}

static void
folder_that_cannot_be_made_says_why(void **state)
{
    (void)state;
    err_t err = {0};
    check_fails(private_folder_make("/dev/null/below", &err), FH_IO_ERROR, err);
    check_contains(err.text, "Not a directory");
    int status = private_folder_make("/sys/no-such-folder/below", &err); /* nobody can make one there */
    assert_true(status == FH_IO_ERROR || status == FH_PERMISSION);
    assert_null(strstr(err.text, "No such file"));
}

static void
folder_that_others_can_read_is_refused(void **state)
{
    (void)state;
    err_t err;
    const char *path = check_path(folder, "open");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0750), 0);
    check_fails(private_folder_make(path, &err), FH_PERMISSION, err);
    check_contains(err.text, path);
}

static void
link_or_file_in_the_place_of_a_folder_is_refused(void **state)
{
    (void)state;
    err_t err;
    assert_int_equal(symlink(folder, check_path(folder, "link")), 0);
    check_fails(private_folder_make(check_path(folder, "link"), &err), FH_PERMISSION, err);
    check_file_make(check_path(folder, "file"), "x", 0600);
    check_fails(private_folder_make(check_path(folder, "file"), &err), FH_PERMISSION, err);
    check_fails(private_folder_make(check_path(folder, "file/below"), &err), FH_IO_ERROR, err);
    check_fails(private_folder_make("", &err), FH_INVALID_ARGUMENT, err);
}

static void
written_file_is_read_back_and_closed_to_others(void **state)
{
    (void)state;
    err_t err;
    char *bytes;
    size_t size;
    const char *path = check_path(folder, "file");
    mode_t mask = umask(0);
    check_ok(private_file_write(path, "first\0half", 10, &err), err);
    umask(mask);
    assert_int_equal(mode_of(path), 0600);
    check_ok(private_file_read(path, 10, &bytes, &size, &err), err);
    assert_int_equal(size, 10);
    assert_memory_equal(bytes, "first\0half", 11);
    free(bytes);
    check_ok(private_file_write(path, "", 0, &err), err);
    check_ok(private_file_read(path, 0, &bytes, &size, &err), err);
    assert_int_equal(size, 0);
    assert_string_equal(bytes, "");
    free(bytes);
}

static int
count_entries(void)
{
    int entries = 0;
    DIR *list = opendir(folder);
    assert_non_null(list);
    while (readdir(list))
        entries++;
    closedir(list);
    return entries - 2; /* . and .. */
}

static void
writing_replaces_a_link_and_leaves_no_temporary_file(void **state)
{
    (void)state;
    err_t err;
    char *bytes;
    size_t size;
    check_file_make(check_path(folder, "target"), "untouched", 0600);
    assert_int_equal(symlink(check_path(folder, "target"), check_path(folder, "file")), 0);
    check_ok(private_file_write(check_path(folder, "file"), "new", 3, &err), err);
    check_ok(private_file_read(check_path(folder, "target"), 100, &bytes, &size, &err), err);
    assert_string_equal(bytes, "untouched");
    free(bytes);
    assert_int_equal(mkdir(check_path(folder, "place"), 0700), 0);
    check_fails(private_file_write(check_path(folder, "place"), "new", 3, &err), FH_IO_ERROR, err);
    assert_int_equal(count_entries(), 3);
}

static void
file_that_is_not_private_is_refused(void **state)
{
    (void)state;
    err_t err;
    char *bytes = NULL;
    size_t size;
    const unsigned modes[] = {0640, 0604, 0660, 0644, 0610};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        check_file_make(check_path(folder, "file"), "secret", modes[i]);
        check_fails(private_file_read(check_path(folder, "file"), 100, &bytes, &size, &err), FH_PERMISSION, err);
    }
    check_file_make(check_path(folder, "file"), "secret", 0400);
    check_ok(private_file_read(check_path(folder, "file"), 100, &bytes, &size, &err), err);
    free(bytes);
}

static void
link_fifo_and_large_file_are_refused_without_waiting(void **state)
{
    (void)state;
    err_t err;
    char *bytes = NULL;
    size_t size;
    check_file_make(check_path(folder, "file"), "0123456789", 0600);
    assert_int_equal(symlink(check_path(folder, "file"), check_path(folder, "link")), 0);
    assert_int_equal(mkfifo(check_path(folder, "fifo"), 0600), 0);
    check_fails(private_file_read(check_path(folder, "link"), 100, &bytes, &size, &err), FH_PERMISSION, err);
    check_fails(private_file_read(check_path(folder, "fifo"), 100, &bytes, &size, &err), FH_PERMISSION, err);
    check_fails(private_file_read(check_path(folder, "file"), 9, &bytes, &size, &err), FH_LIMIT_EXCEEDED, err);
    check_fails(private_file_read(folder, 100, &bytes, &size, &err), FH_PERMISSION, err);
    check_fails(private_file_read(check_path(folder, "none"), 100, &bytes, &size, &err), FH_IO_ERROR, err);
    assert_int_equal(err.os_errno, ENOENT);
    assert_null(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folder_is_made_with_its_parents_and_closed),
        TEST(folder_that_cannot_be_made_says_why),
        TEST(folder_that_others_can_read_is_refused),
        TEST(link_or_file_in_the_place_of_a_folder_is_refused),
        TEST(written_file_is_read_back_and_closed_to_others),
        TEST(writing_replaces_a_link_and_leaves_no_temporary_file),
        TEST(file_that_is_not_private_is_refused),
        TEST(link_fifo_and_large_file_are_refused_without_waiting),
    };
    return cmocka_run_group_tests_name("base/private_file", tests, NULL, NULL);
}
