/* Children that are shells: what they get, what they say, how they end. */
#include "engine/child_process.h"
#include "tests/support/check.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { DEADLINE_MS = 10000, ROOM = 64 };

static int
start(child_process_t *ret, const char *path, const char *script, err_t *err)
{
    char name[] = "sh", option[] = "-c", *environment[] = {NULL};
    char text[200];
    (void)snprintf(text, sizeof text, "%s", script);
    char *argv[] = {name, option, text, NULL};
    return child_process_start(ret,
                               &(child_options_t){.what = "shell",
                                                  .program = "sh",
                                                  .path = path,
                                                  .argv = argv,
                                                  .environment = environment,
                                                  .shared_bytes = 4096},
                               err);
}

static void
await(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, DEADLINE_MS), 1);
}

static void
datagrams_go_both_ways(void **state)
{
    (void)state;
    child_process_t child;
    char bytes[ROOM];
    size_t size = 0;
    err_t err = {0};
    check_ok(start(&child, "/bin/sh", "cat <&3 >&3", &err), err);
    assert_int_equal(child_process_receive(&child, bytes, sizeof bytes, &size, &err), FH_BUSY);
    check_ok(child_process_send(&child, "there", 5, NULL, 0, &err), err);
    await(child.socket);
    check_ok(child_process_receive(&child, bytes, sizeof bytes, &size, &err), err);
    assert_int_equal(size, 5);
    assert_memory_equal(bytes, "there", 5);
    check_ok(child_process_send(&child, "too long", 8, NULL, 0, &err), err);
    await(child.socket);
    assert_int_equal(child_process_receive(&child, bytes, 4, &size, &err), FH_PROTOCOL_ERROR);
    child_process_release(&child);
    child_process_release(&child); /* nothing is left */
}

static void
one_that_takes_nothing_is_busy(void **state)
{
    (void)state;
    child_process_t child;
    char bytes[1024] = {0};
    err_t err = {0};
    int status = FH_OK;
    check_ok(start(&child, "/bin/sh", "exec sleep 60", &err), err);
    for (int i = 0; i < 100000 && !status; i++)
        status = child_process_send(&child, bytes, sizeof bytes, NULL, 0, &err);
    assert_int_equal(status, FH_BUSY);
    child_process_release(&child);
}

static void
its_end_is_described(void **state)
{
    (void)state;
    child_process_t child;
    char bytes[ROOM];
    size_t size = 0;
    err_t err = {0};
    check_ok(start(&child, "/bin/sh", "exit 7", &err), err);
    await(child.pidfd);
    assert_true(child_process_bury(&child));
    assert_int_equal(child.exit_code, 7);
    assert_int_equal(child_process_receive(&child, bytes, sizeof bytes, &size, &err), FH_CANNOT_CONNECT);
    assert_int_equal(child_process_send(&child, "x", 1, NULL, 0, &err), FH_CANNOT_CONNECT);
    child_process_release(&child);
    check_ok(start(&child, "/bin/sh", "sleep 60 & echo begun >&3; wait", &err), err);
    await(child.socket);
    check_ok(child_process_receive(&child, bytes, sizeof bytes, &size, &err), err);
    assert_false(child_process_bury(&child));
    child_process_kill(&child);
    await(child.pidfd);
    assert_true(child_process_bury(&child));
    assert_int_equal(child.exit_signal, SIGKILL);
    await(child.socket); /* closed only when what it started, which has it too, is gone as well */
    assert_int_equal(child_process_receive(&child, bytes, sizeof bytes, &size, &err), FH_CANNOT_CONNECT);
    child_process_release(&child);
}

static void
a_missing_program_is_an_error(void **state)
{
    (void)state;
    child_process_t child;
    err_t err = {0};
    assert_int_equal(start(&child, "/nowhere/sh", "", &err), FH_IO_ERROR);
    assert_non_null(strstr(err.text, "/nowhere/sh"));
    assert_null(child.what);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_go_both_ways),
        cmocka_unit_test(one_that_takes_nothing_is_busy),
        cmocka_unit_test(its_end_is_described),
        cmocka_unit_test(a_missing_program_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
