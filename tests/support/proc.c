#include "tests/support/proc.h"

#include "base/clock.h"
#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLICE_MS = 1000 };

static void
run_child(const char *const argv[], int output, pid_t parent)
{
    union {
        const char *const *given;
        char *const *taken;
    } arguments = {.given = argv}; /* exec does not write them */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && dup2(output, STDOUT_FILENO) >= 0)
        execvp(argv[0], arguments.taken);
    _exit(127);
}

void
proc_start(proc_t *self, const char *const argv[])
{
    int ends[2];
    /* Engines of tests leave the user's machine code alone. */
    setenv("FARHAND_KERNEL_CACHE", "off", 0);
    pid_t parent = getpid();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_child(argv, ends[1], parent);
    close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    *self = (proc_t){.pid = pid, .output = ends[0]};
    self->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(self->pidfd >= 0);
}

static bool
take_line(proc_t *self, char *ret, size_t size)
{
    char *end = memchr(self->text, '\n', self->have);
    if (!end)
        return false;
    size_t length = (size_t)(end - self->text), kept = length < size ? length : size - 1;
    memcpy(ret, self->text, kept);
    ret[kept] = '\0';
    self->have -= length + 1;
    memmove(self->text, end + 1, self->have);
    return true;
}

bool
proc_line(proc_t *self, char *ret, size_t size, double timeout_s)
{
    int64_t deadline = clock_deadline(timeout_s);
    while (!take_line(self, ret, size)) {
        if (self->have == sizeof self->text)
            self->have = 0; /* a line that long is none that a test waits for */
        ssize_t got = read(self->output, self->text + self->have, sizeof self->text - self->have);
        if (got > 0) {
            self->have += (size_t)got;
            continue;
        }
        int left = clock_remaining_ms(deadline, SLICE_MS);
        if (got == 0 || (errno != EAGAIN && errno != EINTR) || left == 0)
            return false;
        (void)poll(&(struct pollfd){.fd = self->output, .events = POLLIN}, 1, left);
    }
    return true;
}

bool
proc_wait(proc_t *self, int *ret_status, double timeout_s)
{
    int64_t deadline = clock_deadline(timeout_s);
    int status = 0;
    pid_t ended = 0;
    while (self->pid && (ended = waitpid(self->pid, &status, WNOHANG)) == 0) {
        int left = clock_remaining_ms(deadline, SLICE_MS);
        if (left == 0)
            return false;
        (void)poll(&(struct pollfd){.fd = self->pidfd, .events = POLLIN}, 1, left);
    }
    assert_true(ended == self->pid && ended > 0);
    self->pid = 0;
    if (ret_status)
        *ret_status = status;
    return true;
}

void
proc_signal(const proc_t *self, int number)
{
    if (self->pid)
        assert_int_equal(kill(self->pid, number), 0);
}

void
proc_end(proc_t *self)
{
    if (self->pid) {
        (void)kill(self->pid, SIGKILL);
        (void)waitpid(self->pid, NULL, 0);
    }
    if (self->pidfd > 0) {
        close(self->pidfd);
        close(self->output);
    }
    *self = (proc_t){.pid = 0};
}
