#include "engine/child_process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BURY_MS = 1000 };

void
child_process_find(const char *path, const char *program, char ret[CHILD_PATH_ROOM])
{
    char here[CHILD_PATH_ROOM / 2];
    if (path) {
        (void)snprintf(ret, CHILD_PATH_ROOM, "%s", path);
        return;
    }
    ssize_t n = readlink("/proc/self/exe", here, sizeof here - 1);
    here[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(here, '/');
    if (slash)
        *slash = '\0';
    (void)snprintf(ret, CHILD_PATH_ROOM, "%s/%s", here, program);
    if (access(ret, X_OK))
        (void)snprintf(ret, CHILD_PATH_ROOM, "%s/../libexec/farhand/%s", here, program);
}

int
child_process_check(const char *path, const char *program, err_t *err)
{
    char found[CHILD_PATH_ROOM];
    child_process_find(path, program, found);
    return access(found, X_OK) ? err_set_errno(err, FH_IO_ERROR, errno, "the program %.300s cannot be run", found)
                               : FH_OK;
}

/* ---- start ---------------------------------------------------------------------------------------------------------
 */

static int
set_up_actions(posix_spawn_file_actions_t *actions, bool output, int socket, int shared)
{
    int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!rc)
        rc = output ? posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO)
                    : posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, socket, CHILD_SOCKET_FD);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, shared, CHILD_SHARED_FD);
    return rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, CHILD_SHARED_FD + 1);
}

/* The child begins with default signals and none blocked, whatever this thread has. */
static int
set_up_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (!rc)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    if (!rc)
        rc = posix_spawnattr_setsigdefault(attributes, &all);
    return rc ? rc : posix_spawnattr_setpgroup(attributes, 0);
}

/* posix_spawn shares our memory until exec: no page tables are copied, however large the engine is. */
static int
spawn(child_process_t *self, const child_options_t *options, int socket, int shared, err_t *err)
{
    char program[CHILD_PATH_ROOM];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    child_process_find(options->path, options->program, program);
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return err_set_errno(err, FH_NO_MEMORY, rc, "no %s can be prepared", self->what);
    rc = posix_spawnattr_init(&attributes);
    if (!rc) {
        rc = set_up_actions(&actions, options->output, socket, shared);
        if (!rc)
            rc = set_up_attributes(&attributes);
        if (!rc)
            rc = posix_spawn(&self->pid, program, &actions, &attributes, options->argv, options->environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc ? err_set_errno(err, FH_IO_ERROR, rc, "%.300s cannot be started", program) : FH_OK;
}

/* Descriptors above those that the child finds its own at, so that moving them there overwrites nothing. */
static int
move_up(int fd)
{
    if (fd < 0 || fd > CHILD_SHARED_FD)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_SHARED_FD + 1);
    close(fd);
    return moved;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A file of fixed size for the memory that both share. */
static int
make_shared(child_process_t *self, const child_options_t *options, err_t *err)
{
    int fd = move_up(memfd_create(options->program, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    void *memory = MAP_FAILED;
    if (fd >= 0 && !ftruncate(fd, (off_t)options->shared_bytes) &&
        !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        memory = mmap(NULL, options->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        (void)err_set_errno(err, FH_IO_ERROR, errno, "no memory to share with a %s", self->what);
        close_fd(&fd);
        return -1;
    }
    self->shared = memory;
    self->shared_bytes = options->shared_bytes;
    return fd;
}

int
child_process_start(child_process_t *self, const child_options_t *options, err_t *err)
{
    int pair[2] = {-1, -1}, status = FH_OK;
    *self = (child_process_t){.what = options->what, .pidfd = -1, .socket = -1};
    int shared = make_shared(self, options, err);
    if (shared < 0)
        return FH_IO_ERROR;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "no socket for a %s", self->what);
        goto done;
    }
    pair[1] = move_up(pair[1]);
    self->socket = pair[0];
    if (pair[1] < 0 || fcntl(self->socket, F_SETFL, O_NONBLOCK)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "no socket for a %s", self->what);
        goto done;
    }
    status = spawn(self, options, pair[1], shared, err);
    if (status)
        goto done;
    self->started_ns = clock_now_ns();
    self->pidfd = (int)syscall(SYS_pidfd_open, self->pid, 0);
    if (self->pidfd < 0)
        status = err_set_errno(err, FH_IO_ERROR, errno, "no descriptor for %s %d", self->what, (int)self->pid);
done:
    close_fd(&shared);
    close_fd(&pair[1]);
    if (status)
        child_process_release(self);
    return status;
}

void
child_process_release(child_process_t *self)
{
    if (!self->what)
        return;
    if (self->pid) {
        struct pollfd gone = {.fd = self->pidfd, .events = POLLIN};
        child_process_kill(self);
        if (self->pidfd >= 0)
            poll(&gone, 1, BURY_MS);
        child_process_bury(self);
    }
    close_fd(&self->pidfd);
    close_fd(&self->socket);
    if (self->shared)
        munmap(self->shared, self->shared_bytes);
    self->shared = NULL;
    self->what = NULL;
}

/* ---- datagrams -----------------------------------------------------------------------------------------------------
 */

int
child_process_send(child_process_t *self, const void *bytes, size_t size, const int *fds, int nfds, err_t *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * CHILD_MOST_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    size_t fd_bytes = sizeof(int) * (size_t)nfds;
    ssize_t n;
    if (nfds) {
        memset(&control, 0, CMSG_SPACE(fd_bytes));
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(fd_bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fd_bytes);
        memcpy(CMSG_DATA(c), fds, fd_bytes);
    }
    do
        n = sendmsg(self->socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)size)
        return FH_OK;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return err_set(err, FH_BUSY, "%s %d takes nothing now", self->what, (int)self->pid);
    bool gone = errno == EPIPE || errno == ECONNRESET || errno == ECONNREFUSED;
    return err_set_errno(err, gone ? FH_CANNOT_CONNECT : FH_IO_ERROR, errno, "%s %d takes no request", self->what,
                         (int)self->pid);
}

int
child_process_receive(child_process_t *self, void *bytes, size_t room, size_t *ret_size, err_t *err)
{
    struct iovec part = {bytes, room};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1}; /* no room for descriptors: the kernel drops them */
    ssize_t n;
    do
        n = recvmsg(self->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return err_set(err, FH_BUSY, "%s %d has said nothing", self->what, (int)self->pid);
    if (n <= 0)
        return err_set_errno(err, FH_CANNOT_CONNECT, n < 0 ? errno : 0, "%s %d has closed", self->what, (int)self->pid);
    if (header.msg_flags & MSG_TRUNC)
        return err_set(err, FH_PROTOCOL_ERROR, "it sent a datagram of more than %zu bytes", room);
    *ret_size = (size_t)n;
    return FH_OK;
}

/* ---- end -----------------------------------------------------------------------------------------------------------
 */

void
child_process_signal(child_process_t *self, int number)
{
    if (!self->pid)
        return;
    if (self->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, self->pidfd, number, NULL, 0);
    else
        kill(self->pid, number);
}

void
child_process_kill(child_process_t *self)
{
    if (!self->pid)
        return;
    child_process_signal(self, SIGKILL);
    kill(-self->pid, SIGKILL); /* the group bears the child's number until we have buried it */
}

bool
child_process_bury(child_process_t *self)
{
    siginfo_t info = {.si_pid = 0};
    if (!self->pid)
        return true;
    int rc = waitid(P_PID, (id_t)self->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (!rc && !info.si_pid)
        return false;
    kill(-self->pid, SIGKILL); /* what it has started does not outlive it */
    if (!rc)
        rc = waitid(P_PID, (id_t)self->pid, &info, WEXITED | WNOHANG);
    if (!rc) {
        self->exit_code = info.si_code == CLD_EXITED ? info.si_status : 0;
        self->exit_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    }
    self->pid = 0;
    return true;
}
