/* base/stop: signals and the end of an owner are heard. */
#include "base/stop.h"
#include "tests/support/check.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

static bool
is_readable(const stop_t *stop, int patience_ms)
{
    struct pollfd wait = {.fd = stop->fd, .events = POLLIN};
    return poll(&wait, 1, patience_ms) == 1;
}

static void
signal_is_heard(void **state)
{
    (void)state;
    stop_t stop;
    err_t err = {0};
    check_ok(stop_init(&stop, 0, &err), err);
    assert_false(is_readable(&stop, 0));
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_true(is_readable(&stop, PATIENCE_MS));
    assert_string_equal(stop_reason(&stop), "a signal");
    stop_release(&stop);
}

static void
end_of_the_owner_is_heard(void **state)
{
    (void)state;
    stop_t stop;
    err_t err = {0};
    pid_t owner = fork();
    if (owner == 0) {
        (void)pause();
        _exit(0);
    }
    check_ok(stop_init(&stop, owner, &err), err);
    struct pollfd only_owner = {.fd = stop.owner_fd, .events = POLLIN};
    assert_int_equal(poll(&only_owner, 1, 0), 0);
    assert_int_equal(kill(owner, SIGKILL), 0);
    assert_int_equal(poll(&only_owner, 1, PATIENCE_MS), 1);
    assert_true(is_readable(&stop, 0));
    assert_string_equal(stop_reason(&stop), "its owner has ended");
    stop_release(&stop);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
}

static void
owner_that_has_ended_is_refused(void **state)
{
    (void)state;
    stop_t stop;
    err_t err = {0};
    pid_t owner = fork();
    if (owner == 0)
        _exit(0);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    check_fails(stop_init(&stop, owner, &err), FH_NO_SUCH_OBJECT, err);
    assert_int_equal(stop.fd, -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signal_is_heard),
        cmocka_unit_test(end_of_the_owner_is_heard),
        cmocka_unit_test(owner_that_has_ended_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
