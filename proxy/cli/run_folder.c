#include "proxy/cli/run_folder.h"

#include "base/clock.h"
#include "base/private_file.h"
#include "codecs/connection_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KILL_PATIENCE_S = 5, POLL_MS = 100 };

int
run_folder_find(const char *cluster, char ret[RUN_PATH_MAX], err_t *err)
{
    return connection_folder(cluster, ret, RUN_PATH_MAX / 2, err); /* leaves room for names in it */
}

void
run_folder_path(char ret[RUN_PATH_MAX], const char *folder, const char *name)
{
    (void)snprintf(ret, RUN_PATH_MAX, "%s/%s", folder, name);
}

int
run_folder_lock(const char *folder, int *ret_lock, err_t *err)
{
    int status = FH_OK;
    char path[RUN_PATH_MAX];
    run_folder_path(path, folder, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        status = err_set(err, FH_BUSY, "another farhand command is starting or stopping this cluster (%s)", folder);
        close(fd);
        return status;
    }
    *ret_lock = fd;
    return FH_OK;
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

int
run_folder_remove(const char *folder, err_t *err)
{
    if (nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) && errno != ENOENT)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot remove the run folder %s", folder);
    return FH_OK;
}

/* ---- processes -----------------------------------------------------------------------------------------------------
 */

void
process_name(char ret[32], int engine)
{
    (void)snprintf(ret, 32, "engine-%d", engine);
}

static void
pid_path(char ret[RUN_PATH_MAX], const char *folder, const char *name)
{
    (void)snprintf(ret, RUN_PATH_MAX, "%s/%s.pid", folder, name);
}

/* When the process started, in clock ticks since boot; false if it is not there or a zombie.  Field 22 of
 * /proc/PID/stat; the second, the name in parentheses, may have anything in it, so counting begins behind the last ')'.
 */
static bool
read_start(pid_t pid, uint64_t *ret)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0)
        return false;
    text[size] = '\0';
    char *at = strrchr(text, ')');
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
        return false;
    for (int field = 2; field < 22 && at; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return false;
    *ret = strtoull(at + 1, NULL, 10);
    return true;
}

int
process_record(const char *folder, const char *name, pid_t pid, err_t *err)
{
    char path[RUN_PATH_MAX], text[64];
    uint64_t start = 0;
    if (!read_start(pid, &start))
        return err_set(err, FH_IO_ERROR, "%s (process %d) has ended already", name, (int)pid);
    pid_path(path, folder, name);
    int length = snprintf(text, sizeof text, "%d %" PRIu64 "\n", (int)pid, start);
    return private_file_write(path, text, (size_t)length, err);
}

static bool
read_record(const char *folder, const char *name, pid_t *ret_pid, uint64_t *ret_start)
{
    char path[RUN_PATH_MAX], *text, *end;
    size_t size;
    pid_path(path, folder, name);
    if (private_file_read(path, 64, &text, &size, NULL))
        return false;
    long pid = strtol(text, &end, 10);
    *ret_start = strtoull(end, NULL, 10);
    *ret_pid = (pid_t)pid;
    free(text);
    return pid > 1 && pid <= INT32_MAX;
}

bool
process_find(const char *folder, const char *name, process_t *ret)
{
    uint64_t wanted, start;
    pid_t pid;
    if (!read_record(folder, name, &pid, &wanted))
        return false;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return false;
    /* The descriptor holds on to the process; only now is it sure that what is looked at is what is signalled later. */
    if (!read_start(pid, &start) || start != wanted) {
        close(pidfd);
        return false;
    }
    *ret = (process_t){.pid = pid, .pidfd = pidfd};
    return true;
}

void
process_close(process_t *self)
{
    if (self->pid)
        close(self->pidfd);
    *self = (process_t){.pid = 0};
}

static bool
has_ended(const process_t *process, int wait_ms)
{
    struct pollfd ended = {.fd = process->pidfd, .events = POLLIN};
    return poll(&ended, 1, wait_ms) == 1;
}

static void
signal_all(const process_t *processes, int count, int number)
{
    for (int i = 0; i < count; i++)
        if (!has_ended(&processes[i], 0))
            (void)syscall(SYS_pidfd_send_signal, processes[i].pidfd, number, NULL, 0);
}

/* Returns how many are still there at the deadline. */
static int
await_end(const process_t *processes, int count, double patience_s)
{
    int64_t deadline = clock_deadline(patience_s);
    int left = 0;
    for (int i = 0; i < count; i++) {
        while (!has_ended(&processes[i], clock_remaining_ms(deadline, POLL_MS)) && clock_remaining_ms(deadline, 1) > 0)
            continue;
        left += !has_ended(&processes[i], 0);
    }
    return left;
}

int
process_stop(process_t *processes, int count, double patience_s)
{
    signal_all(processes, count, SIGCONT); /* a frozen one cannot hear SIGTERM */
    signal_all(processes, count, SIGTERM);
    int killed = await_end(processes, count, patience_s);
    if (killed) {
        signal_all(processes, count, SIGKILL);
        (void)await_end(processes, count, KILL_PATIENCE_S);
    }
    return killed;
}
