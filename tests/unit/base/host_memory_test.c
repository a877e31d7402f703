/* base/host_memory: limits of cgroups, in folders that look like those of the system. */
#include "base/host_memory.h"
#include "tests/support/check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[PATH_MAX]; /* a fresh folder for each test */

static int
make_root(void **state)
{
    (void)state;
    check_folder_make(root);
    return 0;
}

static int
remove_root(void **state)
{
    (void)state;
    check_folder_remove(root);
    return 0;
}

/* Write a file, with the folders above it. */
static void
put(const char *path, const char *text)
{
    char whole[2 * PATH_MAX];

    (void)snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = whole + strlen(root); (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        (void)mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");

    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void
without_limits_it_is_the_hosts(void **state)
{
    (void)state;
    int64_t all = host_memory_bytes(root);

    assert_true(all >= 1 << 24);
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    assert_int_equal(host_memory_bytes(root), all);
}

static void
least_limit_on_the_way_up_counts(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/memory.max", "9000000\n");
    assert_int_equal(host_memory_bytes(root), 9000000);
    put("/sys/fs/cgroup/a/memory.max", "7000000\n");
    assert_int_equal(host_memory_bytes(root), 7000000);
    put("/sys/fs/cgroup/memory.max", "6000000\n"); /* as in a container */
    assert_int_equal(host_memory_bytes(root), 6000000);
}

static void
version_1_has_a_folder_of_its_own(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "12:cpu,cpuacct:/x\n5:memory:/y\n1:name=systemd:/\n");
    put("/sys/fs/cgroup/memory/y/memory.limit_in_bytes", "5000000\n");
    assert_int_equal(host_memory_bytes(root), 5000000);
}

static void
nonsense_is_no_limit(void **state)
{
    (void)state;
    int64_t all = host_memory_bytes("/proc/self/nothing");

    put("/proc/self/cgroup", "0::/z\nrubbish\n:::\n");
    put("/sys/fs/cgroup/z/memory.max", "-3 or so");
    put("/sys/fs/cgroup/memory.max", "");
    assert_int_equal(host_memory_bytes(root), all);
}

static void
limit_of_the_process_counts(void **state)
{
    struct rlimit old, less;

    (void)state;
    assert_return_code(getrlimit(RLIMIT_AS, &old), errno);
    less = old;
    less.rlim_cur = (rlim_t)1 << 30;
    put("/proc/self/cgroup", "");
    assert_return_code(setrlimit(RLIMIT_AS, &less), errno);
    int64_t bytes = host_memory_bytes(root);

    assert_return_code(setrlimit(RLIMIT_AS, &old), errno);
    assert_true(bytes <= 1 << 30);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(without_limits_it_is_the_hosts),    TEST(least_limit_on_the_way_up_counts),
        TEST(version_1_has_a_folder_of_its_own), TEST(nonsense_is_no_limit),
        TEST(limit_of_the_process_counts),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
