#include "engine/runner_process.h"

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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATH_ROOM = 4096,
    DEFAULT_STACK = 8 << 20,
    BURY_MS = 1000,
    SHARED_BYTES = RUNNER_PAGE_BYTES + RUNNER_MAILBOX_BYTES
};

static const int64_t LOOK_NS = 15000;
static const int64_t DEFAULT_MEMORY = (int64_t)8 << 30;

/* Beside this executable, else in libexec beside its folder. */
static void
find_program(const runner_host_options_t *options, char ret[PATH_ROOM])
{
    if (options->program) {
        snprintf(ret, PATH_ROOM, "%s", options->program);
        return;
    }
    char here[PATH_ROOM / 2];
    ssize_t n = readlink("/proc/self/exe", here, sizeof here - 1);
    here[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(here, '/');
    if (slash)
        *slash = '\0';
    snprintf(ret, PATH_ROOM, "%s/farhand-runner", here);
    if (access(ret, X_OK))
        snprintf(ret, PATH_ROOM, "%s/../libexec/farhand/farhand-runner", here);
}

/* Which build of the program it is, as far as its file tells. */
static void
note_program(const char *path, uint64_t ret[4])
{
    struct stat info;
    if (stat(path, &info))
        return;
    ret[0] = info.st_dev;
    ret[1] = info.st_ino;
    ret[2] = (uint64_t)info.st_size;
    ret[3] = (uint64_t)info.st_mtim.tv_sec * 1000000000 + (uint64_t)info.st_mtim.tv_nsec;
}

static int
set_up_actions(posix_spawn_file_actions_t *actions, int socket, int page)
{
    int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, socket, RUNNER_SOCKET_FD);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, page, RUNNER_PAGE_FD);
    return rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, RUNNER_PAGE_FD + 1);
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
    return rc ? rc : posix_spawnattr_setpgroup(attributes, 0); /* Ctrl-C at a terminal is for the engine */
}

static int64_t
memory_limit(const runner_host_options_t *options)
{
    return options->memory_bytes ? options->memory_bytes : DEFAULT_MEMORY;
}

/* posix_spawn shares our memory until exec: no page tables are copied, however large the engine is. */
static int
spawn(runner_process_t *self, const runner_host_options_t *options, const char *program, int socket, int page,
      err_t *err)
{
    char memory[40], stack[40], threads[40];
    snprintf(memory, sizeof memory, "--memory=%lld", (long long)memory_limit(options));
    snprintf(stack, sizeof stack, "--stack=%lld",
             (long long)(options->stack_bytes ? options->stack_bytes : DEFAULT_STACK));
    snprintf(threads, sizeof threads, "--threads=%d", options->threads > 0 ? options->threads : 1);
    char name[] = "farhand-runner", unsafe[] = "--unsafe-no-sandbox";
    char *argv[] = {name, memory, stack, threads, options->unsafe_no_sandbox ? unsafe : NULL, NULL};
    char *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return err_set_errno(err, FH_NO_MEMORY, rc, "no runner can be prepared");
    rc = posix_spawnattr_init(&attributes);
    if (!rc) {
        rc = set_up_actions(&actions, socket, page);
        if (!rc)
            rc = set_up_attributes(&attributes);
        if (!rc)
            rc = posix_spawn(&self->pid, program, &actions, &attributes, argv, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc ? err_set_errno(err, FH_IO_ERROR, rc, "%.300s cannot be started", program) : FH_OK;
}

/* Descriptors above those that the child finds its own at, so that moving them there overwrites nothing. */
static int
move_up(int fd)
{
    if (fd < 0 || fd > RUNNER_PAGE_FD)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, RUNNER_PAGE_FD + 1);
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
runner_process_start(runner_process_t **ret, const runner_host_options_t *options, uint64_t serial, err_t *err)
{
    int pair[2] = {-1, -1}, page = -1, status = FH_OK;
    char program[PATH_ROOM];
    runner_process_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a runner");
    self->pidfd = self->socket = -1;
    self->serial = serial;
    page = move_up(memfd_create("farhand-runner", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (page < 0 || ftruncate(page, SHARED_BYTES) ||
        fcntl(page, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "no socket or memory for a runner");
        goto done;
    }
    pair[1] = move_up(pair[1]);
    self->socket = pair[0];
    void *memory = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
    if (memory == MAP_FAILED || pair[1] < 0 || fcntl(self->socket, F_SETFL, O_NONBLOCK)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "no status page for a runner");
        goto done;
    }
    self->page = memory;
    self->map_bytes = memory_limit(options) / 2;
    self->mailbox = (char *)memory + RUNNER_PAGE_BYTES;
    find_program(options, program);
    note_program(program, self->maker.program);
    status = spawn(self, options, program, pair[1], page, err);
    if (status)
        goto done;
    self->started_ns = clock_now_ns();
    self->pidfd = (int)syscall(SYS_pidfd_open, self->pid, 0);
    if (self->pidfd < 0)
        status = err_set_errno(err, FH_IO_ERROR, errno, "no descriptor for runner %d", (int)self->pid);
done:
    close_fd(&page);
    close_fd(&pair[1]);
    if (status)
        runner_process_destroy(&self);
    *ret = self;
    return status;
}

void
runner_process_destroy(runner_process_t **self)
{
    runner_process_t *process = *self;
    if (!process)
        return;
    if (process->pid) {
        runner_process_kill(process);
        struct pollfd gone = {.fd = process->pidfd, .events = POLLIN};
        if (process->pidfd >= 0)
            poll(&gone, 1, BURY_MS);
        runner_process_bury(process);
    }
    close_fd(&process->pidfd);
    close_fd(&process->socket);
    if (process->page)
        munmap(process->page, SHARED_BYTES);
    free(process);
    *self = NULL;
}

static int
transmit(runner_process_t *self, const void *message, size_t size, const int *fds, int nfds, err_t *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * RUNNER_MAX_OPERANDS)];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {(void *)(uintptr_t)message, size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (nfds) {
        size_t bytes = sizeof(int) * (size_t)nfds;
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(bytes);
        memcpy(CMSG_DATA(c), fds, bytes);
    }
    ssize_t n;
    do
        n = sendmsg(self->socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)size)
        return FH_OK;
    bool gone = errno == EPIPE || errno == ECONNRESET || errno == ECONNREFUSED;
    return err_set_errno(err, gone ? FH_CANNOT_CONNECT : FH_IO_ERROR, errno, "runner %d takes no request",
                         (int)self->pid);
}

int
runner_process_send(runner_process_t *self, const void *message, size_t size, const int *fds, int nfds, err_t *err)
{
    int status = transmit(self, message, size, fds, nfds, err);
    if (status)
        return status;
    self->asked_ns = clock_now_ns();
    self->looked = self->seen = false;
    atomic_store_explicit(&self->page->asked, ++self->asked, memory_order_release);
    return FH_OK;
}

int
runner_process_tell(runner_process_t *self, const void *message, size_t size, err_t *err)
{
    return transmit(self, message, size, NULL, 0, err);
}

int
runner_process_receive(runner_process_t *self, runner_reply_t *ret, err_t *err)
{
    struct iovec part = {ret, sizeof *ret};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1}; /* no room for descriptors: the kernel drops them */
    ssize_t n;
    do
        n = recvmsg(self->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return err_set(err, FH_BUSY, "runner %d has said nothing", (int)self->pid);
    if (n <= 0)
        return err_set_errno(err, FH_CANNOT_CONNECT, n < 0 ? errno : 0, "runner %d has closed", (int)self->pid);
    if (n != (ssize_t)sizeof *ret || (header.msg_flags & MSG_TRUNC))
        return err_set(err, FH_PROTOCOL_ERROR, "runner %d said %zd bytes that are no reply", (int)self->pid, n);
    ret->text[sizeof ret->text - 1] = '\0';
    if (!self->seen)
        patience_slept(&self->patience, clock_now_ns() - self->asked_ns);
    return FH_OK;
}

bool
runner_process_look(runner_process_t *self)
{
    if (!self->looked)
        self->seen = patience_look(&self->patience, &self->page->answered, self->asked - 1, LOOK_NS);
    self->looked = true;
    return self->seen;
}

int64_t
runner_process_resident(const runner_process_t *self)
{
    char path[64], text[128];
    long long total = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)self->pid);
    int fd = self->pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%lld %lld", &total, &resident) == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : 0;
}

void
runner_process_kill(runner_process_t *self)
{
    if (!self->pid)
        return;
    if (self->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, self->pidfd, SIGKILL, NULL, 0);
    else
        kill(self->pid, SIGKILL);
}

bool
runner_process_bury(runner_process_t *self)
{
    if (!self->pid)
        return true;
    siginfo_t info = {.si_pid = 0};
    int rc = waitid(P_PID, (id_t)self->pid, &info, WEXITED | WNOHANG);
    if (!rc && !info.si_pid)
        return false;
    if (!rc) {
        self->exit_code = info.si_code == CLD_EXITED ? info.si_status : 0;
        self->exit_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    }
    self->pid = 0;
    return true;
}

/* Text from the page: copied, terminated, without what could upset a terminal. */
static void
clean(char *ret, const char *text, size_t size)
{
    memcpy(ret, text, size);
    ret[size - 1] = '\0';
    for (char *c = ret; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

/* Where it was: " (stencil.c:12), piece 3, elements 4096 to 8191", as far as that is known. */
static void
describe_place(char *ret, size_t size, const runner_page_t *page, int64_t piece)
{
    char file[sizeof page->file], line[sizeof page->file + 20] = "", part[40] = "", elements[80] = "";
    clean(file, page->file, sizeof file);
    if (*file && page->line > 0)
        snprintf(line, sizeof line, " (%s:%d)", file, page->line);
    if (piece >= 0)
        snprintf(part, sizeof part, ", piece %lld", (long long)piece);
    if (page->first >= 0 && page->last - 1 == page->first)
        snprintf(elements, sizeof elements, ", element %lld", (long long)page->first);
    else if (page->first >= 0 && page->last > page->first)
        snprintf(elements, sizeof elements, ", elements %lld to %lld", (long long)page->first,
                 (long long)page->last - 1);
    snprintf(ret, size, "%s%s%s", line, part, elements);
}

int
runner_process_fault(const runner_process_t *self, const char *doing, int64_t piece, err_t *err)
{
    runner_page_t page = *self->page;
    int number = page.signal > 0 && page.signal < 64 ? page.signal : self->exit_signal;
    char text[sizeof page.text], call[sizeof page.system_call_name], where[sizeof page.file + 140];
    clean(text, page.text, sizeof text);
    clean(call, page.system_call_name, sizeof call);
    describe_place(where, sizeof where, &page, piece);
    const char *abbreviation = sigabbrev_np(number);
    if (*text && page.checked)
        err_set(err, FH_KERNEL_FAULT, "%.300s %s%s", text, doing, where);
    else if (*text)
        err_set(err, FH_KERNEL_FAULT, "LLVM gave up %s: %.300s", doing, text);
    else if (number == SIGSYS)
        err_set(err, FH_KERNEL_FAULT, "SIGSYS %s%s: the sandbox refused system call %d%s%s", doing, where,
                page.system_call, *call ? ", " : "", call);
    else if (number && page.signal)
        err_set(err, FH_KERNEL_FAULT, "SIG%s at address 0x%llx %s%s%s", abbreviation ? abbreviation : "?",
                (unsigned long long)page.address, doing, where, page.stack_overflow ? ": stack overflow" : "");
    else if (number)
        err_set(err, FH_KERNEL_FAULT, "the runner was killed by SIG%s %s", abbreviation ? abbreviation : "?", doing);
    else
        err_set(err, FH_KERNEL_FAULT, "the runner ended with exit status %d %s", self->exit_code, doing);
    if (err) {
        err->signal = number;
        err->address = page.address;
    }
    return FH_KERNEL_FAULT;
}
