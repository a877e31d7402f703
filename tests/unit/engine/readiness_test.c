#include "engine/readiness.h"
#include "tests/support/check.h"

#include <unistd.h>

typedef struct {
    readiness_t readiness;
    int ends[3][2]; /* pipes */
    struct pollfd fds[3];
} rig_t;

static void
rig_init(rig_t *self)
{
    readiness_init(&self->readiness);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pipe(self->ends[i]), 0);
        self->fds[i] = (struct pollfd){.fd = self->ends[i][0], .events = POLLIN};
    }
}

static void
rig_release(rig_t *self)
{
    readiness_release(&self->readiness);
    for (int i = 0; i < 3; i++) {
        close(self->ends[i][0]);
        if (self->ends[i][1] >= 0)
            close(self->ends[i][1]);
    }
}

static void
ready_ones_are_marked_and_no_others(void **state)
{
    rig_t rig;
    (void)state;
    rig_init(&rig);
    assert_int_equal(readiness_wait(&rig.readiness, rig.fds, 3, 1, 0), 0);
    assert_int_equal(write(rig.ends[1][1], "x", 1), 1);
    assert_int_equal(readiness_wait(&rig.readiness, rig.fds, 3, 1, 5000), 1);
    assert_int_equal(rig.fds[0].revents, 0);
    assert_int_equal(rig.fds[1].revents, POLLIN);
    assert_int_equal(rig.fds[2].revents, 0);
    /* What is not taken is still there, and what hangs up says so. */
    close(rig.ends[2][1]);
    rig.ends[2][1] = -1;
    assert_int_equal(readiness_wait(&rig.readiness, rig.fds, 3, 1, 5000), 2);
    assert_int_equal(rig.fds[1].revents, POLLIN);
    assert_int_equal(rig.fds[2].revents, POLLHUP);
    rig_release(&rig);
}

static void
another_version_is_another_list(void **state)
{
    rig_t rig;
    (void)state;
    rig_init(&rig);
    assert_int_equal(readiness_wait(&rig.readiness, rig.fds, 2, 1, 0), 0);
    /* The same number, but another pipe behind it. */
    int fresh[2];
    assert_int_equal(pipe(fresh), 0);
    assert_int_equal(dup2(fresh[0], rig.ends[0][0]), rig.ends[0][0]);
    assert_int_equal(write(fresh[1], "x", 1), 1);
    assert_int_equal(readiness_wait(&rig.readiness, rig.fds, 2, 2, 5000), 1);
    assert_int_equal(rig.fds[0].revents, POLLIN);
    close(fresh[0]);
    close(fresh[1]);
    rig_release(&rig);
}

static void
lists_that_epoll_refuses_are_polled(void **state)
{
    rig_t rig;
    (void)state;
    rig_init(&rig);
    rig.fds[2] = rig.fds[1]; /* twice the same */
    assert_int_equal(write(rig.ends[1][1], "x", 1), 1);
    assert_int_equal(readiness_wait(&rig.readiness, rig.fds, 3, 1, 5000), 2);
    assert_int_equal(rig.fds[1].revents, POLLIN);
    assert_int_equal(rig.fds[2].revents, POLLIN);
    rig_release(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_ones_are_marked_and_no_others),
        cmocka_unit_test(another_version_is_another_list),
        cmocka_unit_test(lists_that_epoll_refuses_are_polled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
