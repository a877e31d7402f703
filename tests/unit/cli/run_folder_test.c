#include "base/clock.h"
#include "proxy/cli/run_folder.h"
#include "tests/support/check.h"
#include "tests/support/proc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[PATH_MAX];
static err_t err;

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
    struct stat info;
    if (lstat(folder, &info) == 0)
        check_folder_remove(folder);
    return 0;
}

static void
start_shell(proc_t *ret, const char *script)
{
    char line[32];
    proc_start(ret, (const char *const[]){"sh", "-c", script, NULL});
    assert_true(proc_line(ret, line, sizeof line, 10));
    assert_string_equal(line, "ready");
}

static void
recorded_process_is_found_until_it_ends(void **state)
{
    (void)state;
    proc_t child;
    process_t found;
    start_shell(&child, "echo ready; exec tail -f /dev/null");
    assert_false(process_find(folder, "broker", &found));
    check_ok(process_record(folder, "broker", child.pid, &err), err);
    assert_true(process_find(folder, "broker", &found));
    assert_int_equal(found.pid, child.pid);
    process_close(&found);
    assert_int_equal(found.pid, 0);
    proc_signal(&child, SIGKILL);
    assert_true(proc_wait(&child, NULL, 10));
    assert_false(process_find(folder, "broker", &found));
    proc_end(&child);
}

static void
recycled_id_is_not_taken_for_ours(void **state)
{
    (void)state;
    char text[64];
    process_t found;
    /* This very process, but said to have started at another time. */
    (void)snprintf(text, sizeof text, "%d 12345\n", (int)getpid());
    check_file_make(check_path(folder, "broker.pid"), text, 0600);
    assert_false(process_find(folder, "broker", &found));
    check_ok(process_record(folder, "broker", getpid(), &err), err);
    assert_true(process_find(folder, "broker", &found));
    process_close(&found);
}

static void
odd_pid_files_name_nobody(void **state)
{
    (void)state;
    static const char *const odd[] = {"", "x", "0 0", "-1 1", "1 0", "99999999999999999999 1", "4194999 7"};
    process_t found;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        check_file_make(check_path(folder, "engine-0.pid"), odd[i], 0600);
        assert_false(process_find(folder, "engine-0", &found));
    }
    assert_true(process_record(folder, "engine-0", 4194999, &err) != FH_OK);
}

static void
stop_ends_willing_frozen_and_stubborn_processes(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "echo ready; exec tail -f /dev/null",
        "trap '' TERM; echo ready; exec tail -f /dev/null",
        "echo ready; kill -STOP $$; exec tail -f /dev/null",
    };
    proc_t children[3];
    process_t processes[3];
    for (int i = 0; i < 3; i++) {
        char name[32];
        start_shell(&children[i], scripts[i]);
        process_name(name, i);
        check_ok(process_record(folder, name, children[i].pid, &err), err);
        assert_true(process_find(folder, name, &processes[i]));
    }
    int64_t begin = clock_now_ns();
    assert_int_equal(process_stop(processes, 3, 0.5), 1);
    assert_true(clock_now_ns() - begin < INT64_C(5000000000));
    for (int i = 0; i < 3; i++) {
        int status;
        process_close(&processes[i]);
        assert_true(proc_wait(&children[i], &status, 10));
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), i == 1 ? SIGKILL : SIGTERM);
        proc_end(&children[i]);
    }
}

static void
lock_is_held_by_one_at_a_time(void **state)
{
    (void)state;
    int lock, second;
    check_ok(run_folder_lock(folder, &lock, &err), err);
    check_fails(run_folder_lock(folder, &second, &err), FH_BUSY, err);
    close(lock);
    check_ok(run_folder_lock(folder, &second, &err), err);
    close(second);
}

static void
removal_takes_the_folder_and_follows_no_link(void **state)
{
    (void)state;
    struct stat info;
    char outside[PATH_MAX];
    check_folder_make(outside);
    check_file_make(check_path(outside, "kept"), "x", 0600);
    assert_int_equal(mkdir(check_path(folder, "deep"), 0700), 0);
    check_file_make(check_path(folder, "deep/file"), "x", 0600);
    assert_int_equal(symlink(outside, check_path(folder, "deep/link")), 0);
    check_ok(run_folder_remove(folder, &err), err);
    assert_int_equal(lstat(folder, &info), -1);
    assert_int_equal(lstat(check_path(outside, "kept"), &info), 0);
    check_ok(run_folder_remove(folder, &err), err);
    check_folder_remove(outside);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(recorded_process_is_found_until_it_ends),
        TEST(recycled_id_is_not_taken_for_ours),
        TEST(odd_pid_files_name_nobody),
        TEST(stop_ends_willing_frozen_and_stubborn_processes),
        TEST(lock_is_held_by_one_at_a_time),
        TEST(removal_takes_the_folder_and_follows_no_link),
    };
    return cmocka_run_group_tests_name("cli/run_folder", tests, NULL, NULL);
}
