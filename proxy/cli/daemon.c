#include "proxy/cli/daemon.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_SIZE = 512, POLL_MS = 200 };

/* DIRECTORY-OF-THIS-EXECUTABLE/program. */
static int
find_program(const char *program, char ret[PATH_MAX], err_t *err)
{
    ssize_t length = readlink("/proc/self/exe", ret, PATH_MAX - 1);
    if (length <= 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot tell where this program is");
    ret[length] = '\0';
    char *slash = strrchr(ret, '/');
    size_t folder = slash ? (size_t)(slash + 1 - ret) : 0;
    if (folder + strlen(program) >= PATH_MAX)
        return err_set(err, FH_INVALID_ARGUMENT, "the path of %s is too long", program);
    memcpy(ret + folder, program, strlen(program) + 1);
    if (access(ret, X_OK))
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot run %s", ret);
    return FH_OK;
}

/* In the child: becomes the daemon, or says on its output why not. */
static void
become(const char *path, char *const argv[], int output, int log)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (null >= 0 && setsid() >= 0 && chdir("/") == 0 && dup2(null, STDIN_FILENO) >= 0 &&
        dup2(output, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0 &&
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        execv(path, argv);
    (void)dprintf(output, "FAILED %s\n", strerror(errno));
    _exit(127);
}

int
daemon_start(daemon_t *ret, const char *name, char *const argv[], const char *log, err_t *err)
{
    char path[PATH_MAX];
    int ends[2];
    int status = find_program(argv[0], path, err);
    if (status)
        return status;
    int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (log_fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot open the log %s", log);
    if (pipe2(ends, O_CLOEXEC)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "cannot make a pipe");
        close(log_fd);
        return status;
    }
    pid_t pid = fork();
    if (pid == 0)
        become(path, argv, ends[1], log_fd);
    int saved = errno;
    close(ends[1]);
    close(log_fd);
    if (pid < 0) {
        close(ends[0]);
        return err_set_errno(err, FH_IO_ERROR, saved, "cannot start a process");
    }
    *ret = (daemon_t){.pid = pid, .output = ends[0], .name = name, .log = log};
    return FH_OK;
}

/* The last line of a log, without its newline; "" if there is none. */
static void
last_line(const char *log, char ret[LINE_SIZE])
{
    char text[LINE_SIZE];
    struct stat info;
    ret[0] = '\0';
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t from = fstat(fd, &info) == 0 && info.st_size >= LINE_SIZE ? info.st_size - (LINE_SIZE - 1) : 0;
    ssize_t size = pread(fd, text, sizeof text - 1, from);
    close(fd);
    while (size > 0 && text[size - 1] == '\n')
        size--;
    if (size <= 0)
        return;
    text[size] = '\0';
    char *newline = strrchr(text, '\n');
    (void)snprintf(ret, LINE_SIZE, "%s", newline ? newline + 1 : text);
}

static int
failed_to_start(const daemon_t *self, const char *why, err_t *err)
{
    char line[LINE_SIZE];
    last_line(self->log, line);
    return err_set(err, FH_CANNOT_CONNECT, "%s did not start%s%s; its log %s ends: %.200s", self->name,
                   why[0] ? ": " : "", why, self->log, line[0] ? line : "(empty)");
}

/* Take the first line of the daemon's output; false at the end of the output, at the deadline, or if the line is too
 * long. */
static bool
read_line(const daemon_t *self, int64_t deadline_ns, char ret[LINE_SIZE], bool *ret_timed_out)
{
    size_t size = 0;
    *ret_timed_out = false;
    while (size < LINE_SIZE - 1) {
        struct pollfd output = {.fd = self->output, .events = POLLIN};
        int left = clock_remaining_ms(deadline_ns, POLL_MS);
        *ret_timed_out = left == 0;
        if (left == 0)
            return false;
        if (poll(&output, 1, left) <= 0)
            continue;
        ssize_t got = read(self->output, ret + size, 1); /* one byte at a time: it is one short line */
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        if (ret[size] == '\n') {
            ret[size] = '\0';
            return true;
        }
        size++;
    }
    return false;
}

int
daemon_await_ready(daemon_t *self, int64_t deadline_ns, char *ret_endpoint, size_t size, err_t *err)
{
    static const char ready[] = "READY ", failed[] = "FAILED ";
    char line[LINE_SIZE] = "";
    bool timed_out;
    bool got = read_line(self, deadline_ns, line, &timed_out);
    close(self->output);
    self->output = -1;
    if (timed_out)
        return err_set(err, FH_TIMEOUT, "%s is not ready in time; see its log %s", self->name, self->log);
    if (got && strncmp(line, ready, sizeof ready - 1) == 0) {
        (void)snprintf(ret_endpoint, size, "%s", line + sizeof ready - 1);
        return FH_OK;
    }
    return failed_to_start(self, got && strncmp(line, failed, sizeof failed - 1) == 0 ? line + sizeof failed - 1 : "",
                           err);
}
