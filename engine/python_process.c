#include "engine/python_process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, BURY_MS = 1000 };

static const int64_t LOOK_NS = 20000;

extern char **environ;

/* Beside this executable, else in libexec beside its folder. */
static void
find_program(const python_process_options_t *options, char ret[PATH_ROOM])
{
    char here[PATH_ROOM / 2];

    if (options->program) {
        (void)snprintf(ret, PATH_ROOM, "%s", options->program);
        return;
    }
    ssize_t n = readlink("/proc/self/exe", here, sizeof here - 1);

    here[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(here, '/');

    if (slash)
        *slash = '\0';
    (void)snprintf(ret, PATH_ROOM, "%s/farhand-pyhost", here);
    if (access(ret, X_OK))
        (void)snprintf(ret, PATH_ROOM, "%s/../libexec/farhand/farhand-pyhost", here);
}

static int
set_up_actions(posix_spawn_file_actions_t *actions, int socket, int page)
{
    int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, socket, PYHOST_SOCKET_FD);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, page, PYHOST_PAGE_FD);
    return rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, PYHOST_PAGE_FD + 1);
}

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

static int
spawn(python_process_t *self, const python_process_options_t *options, int socket, int page, err_t *err)
{
    char program[PATH_ROOM], python[PATH_ROOM], memory[40], name[] = "farhand-pyhost";
    char *argv[4] = {name};
    int argc = 1;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    find_program(options, program);
    (void)snprintf(python, sizeof python, "--python=%s", options->python ? options->python : "");
    (void)snprintf(memory, sizeof memory, "--memory=%lld", (long long)options->memory_bytes);
    if (options->python && options->python[0])
        argv[argc++] = python;
    if (options->memory_bytes)
        argv[argc++] = memory;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc)
        return err_set_errno(err, FH_NO_MEMORY, rc, "no Python host can be prepared");
    rc = posix_spawnattr_init(&attributes);
    if (!rc) {
        rc = set_up_actions(&actions, socket, page);
        if (!rc)
            rc = set_up_attributes(&attributes);
        if (!rc)
            rc = posix_spawn(&self->pid, program, &actions, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc ? err_set_errno(err, FH_IO_ERROR, rc, "%.300s cannot be started", program) : FH_OK;
}

/* Descriptors above those that the child finds its own at. */
static int
move_up(int fd)
{
    if (fd < 0 || fd > PYHOST_PAGE_FD)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, PYHOST_PAGE_FD + 1);

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

int
python_process_start(python_process_t **ret, const python_process_options_t *options, err_t *err)
{
    int pair[2] = {-1, -1}, page = -1, status = FH_OK;
    python_process_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a Python host");
    self->pidfd = self->socket = -1;
    page = move_up(memfd_create("farhand-pyhost", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (page < 0 || ftruncate(page, PYHOST_PAGE_BYTES) ||
        fcntl(page, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "no socket or memory for a Python host");
        goto done;
    }
    pair[1] = move_up(pair[1]);
    self->socket = pair[0];
    void *memory = mmap(NULL, PYHOST_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);

    if (memory == MAP_FAILED || pair[1] < 0 || fcntl(self->socket, F_SETFL, O_NONBLOCK)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "no page for a Python host");
        goto done;
    }
    self->page = memory;
    status = spawn(self, options, pair[1], page, err);
    if (status)
        goto done;
    self->started_ns = clock_now_ns();
    self->pidfd = (int)syscall(SYS_pidfd_open, self->pid, 0);
    if (self->pidfd < 0)
        status = err_set_errno(err, FH_IO_ERROR, errno, "no descriptor for Python host %d", (int)self->pid);
done:
    close_fd(&page);
    close_fd(&pair[1]);
    if (status)
        python_process_destroy(&self);
    *ret = self;
    return status;
}

void
python_process_destroy(python_process_t **self)
{
    python_process_t *process = *self;

    *self = NULL;
    if (!process)
        return;
    if (process->pid) {
        struct pollfd gone = {.fd = process->pidfd, .events = POLLIN};

        python_process_kill(process);
        if (process->pidfd >= 0)
            poll(&gone, 1, BURY_MS);
        python_process_bury(process);
    }
    close_fd(&process->pidfd);
    close_fd(&process->socket);
    if (process->page)
        munmap(process->page, PYHOST_PAGE_BYTES);
    free(process);
}

int
python_process_send(python_process_t *self, const void *bytes, size_t size, const int *fds, int nfds, err_t *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * PYHOST_FDS)];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n;

    if (nfds) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nfds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)nfds);
    }
    do
        n = sendmsg(self->socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)size) {
        self->asked_ns = clock_now_ns();
        self->looked = false;
        return FH_OK;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return err_set(err, FH_BUSY, "Python host %d takes nothing now", (int)self->pid);
    bool gone = errno == EPIPE || errno == ECONNRESET || errno == ECONNREFUSED;

    return err_set_errno(err, gone ? FH_CANNOT_CONNECT : FH_IO_ERROR, errno, "Python host %d takes no request",
                         (int)self->pid);
}

int
python_process_receive(python_process_t *self, void *bytes, size_t *ret_size, err_t *err)
{
    struct iovec part = {bytes, PYHOST_DATAGRAM};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1}; /* no room for descriptors: the kernel drops them */
    ssize_t n;

    do
        n = recvmsg(self->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return err_set(err, FH_BUSY, "Python host %d has said nothing", (int)self->pid);
    if (n <= 0)
        return err_set_errno(err, FH_CANNOT_CONNECT, n < 0 ? errno : 0, "Python host %d has closed", (int)self->pid);
    if (header.msg_flags & MSG_TRUNC)
        return err_set(err, FH_PROTOCOL_ERROR, "it sent a datagram of more than %d bytes", PYHOST_DATAGRAM);
    self->heard++;
    if (!self->looked)
        patience_slept(&self->patience, clock_now_ns() - self->asked_ns);
    *ret_size = (size_t)n;
    return FH_OK;
}

bool
python_process_look(python_process_t *self)
{
    bool seen = !self->looked && patience_look(&self->patience, &self->page->answered, self->heard, LOOK_NS);

    self->looked = true;
    return seen;
}

static void
send_signal(const python_process_t *self, int number)
{
    if (self->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, self->pidfd, number, NULL, 0);
    else
        kill(self->pid, number);
}

void
python_process_interrupt(python_process_t *self, uint64_t serial)
{
    if (!self->pid)
        return;
    atomic_store(&self->page->interrupt, serial);
    send_signal(self, SIGINT);
}

void
python_process_kill(python_process_t *self)
{
    if (!self->pid)
        return;
    send_signal(self, SIGKILL);
    kill(-self->pid, SIGKILL); /* the group bears the child's number until we have buried it */
}

bool
python_process_bury(python_process_t *self)
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
