#include "base/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
open_signals(void)
{
    sigset_t set;
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool
watch(const stop_t *self, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(self->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

int
stop_init(stop_t *self, int64_t owner, err_t *err)
{
    int status = FH_OK;
    *self = STOP_NONE;
    self->signal_fd = open_signals();
    self->fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->signal_fd < 0 || self->fd < 0 || !watch(self, self->signal_fd))
        status = err_set_errno(err, FH_IO_ERROR, errno, "cannot receive signals");
    if (!status && owner) {
        self->owner_fd = (int)syscall(SYS_pidfd_open, (pid_t)owner, 0);
        if (self->owner_fd < 0 && errno == ESRCH)
            status = err_set(err, FH_NO_SUCH_OBJECT, "the owner, process %lld, has ended", (long long)owner);
        else if (self->owner_fd < 0 || !watch(self, self->owner_fd))
            status = err_set_errno(err, FH_IO_ERROR, errno, "cannot watch the owner, process %lld", (long long)owner);
    }
    if (status)
        stop_release(self);
    return status;
}

void
stop_release(stop_t *self)
{
    const int fds[] = {self->fd, self->signal_fd, self->owner_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *self = STOP_NONE;
}

const char *
stop_reason(const stop_t *self)
{
    struct pollfd owner = {.fd = self->owner_fd, .events = POLLIN};
    return self->owner_fd >= 0 && poll(&owner, 1, 0) > 0 ? "its owner has ended" : "a signal";
}
