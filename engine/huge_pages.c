/* engine/huge_pages.c - mounted here where that is allowed, else by a child that owns namespaces of its own. */
#include "engine/huge_pages.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_MS = 2000 };

struct huge_pages {
    int folder; /* of the file system */
};

/* What the child has to say, beside the folder. */
typedef struct {
    int number;    /* errno; 0: the folder comes with it */
    char step[32]; /* that failed */
} verdict_t;

/* ---- mounting; system calls only, a child does it -----------------------------------------------------------------
 */

static int
fail(verdict_t *ret, const char *step)
{
    ret->number = errno;
    (void)snprintf(ret->step, sizeof ret->step, "%s", step);
    return -1;
}

/* A mount that is attached nowhere; -1 with the verdict filled. */
static int
mount_here(const char *size, const char *inodes, verdict_t *verdict)
{
    const struct {
        const char *key, *value;
    } settings[] = {{"huge", "within_size"}, {"mode", "0700"}, {"size", size}, {"nr_inodes", inodes}};
    int folder = -1, context = fsopen("tmpfs", FSOPEN_CLOEXEC);

    if (context < 0)
        return fail(verdict, "fsopen");
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (fsconfig(context, FSCONFIG_SET_STRING, settings[i].key, settings[i].value, 0)) {
            (void)fail(verdict, settings[i].key);
            goto done;
        }
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
        (void)fail(verdict, "making the file system");
        goto done;
    }
    folder = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (folder < 0)
        (void)fail(verdict, "fsmount");
done:
    close(context);
    return folder;
}

static int
write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t size = (ssize_t)strlen(text), written = fd >= 0 ? write(fd, text, (size_t)size) : -1;

    if (fd >= 0)
        close(fd);
    return written == size ? 0 : -1;
}

/* In a user namespace of its own a process may mount; its files belong to the same user outside. */
static int
enter_namespaces(uid_t user, gid_t group, verdict_t *verdict)
{
    char users[64], groups[64];

    (void)snprintf(users, sizeof users, "%u %u 1", (unsigned)user, (unsigned)user);
    (void)snprintf(groups, sizeof groups, "%u %u 1", (unsigned)group, (unsigned)group);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
        return fail(verdict, "unshare");
    if (write_text("/proc/self/setgroups", "deny") || write_text("/proc/self/gid_map", groups) ||
        write_text("/proc/self/uid_map", users))
        return fail(verdict, "mapping the user");
    return 0;
}

/* ---- the child -----------------------------------------------------------------------------------------------------
 */

/* A message of the verdict, with room for one descriptor. */
typedef struct {
    struct iovec part;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr message;
} parcel_t;

static void
parcel_init(parcel_t *self, verdict_t *verdict)
{
    memset(self, 0, sizeof *self);
    self->part = (struct iovec){verdict, sizeof *verdict};
    self->message.msg_iov = &self->part;
    self->message.msg_iovlen = 1;
    self->message.msg_control = self->control;
    self->message.msg_controllen = sizeof self->control;
}

static _Noreturn void
child(int socket, const char *size, const char *inodes)
{
    verdict_t verdict = {0};
    parcel_t parcel;
    uid_t user = geteuid();
    gid_t group = getegid();

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int folder = enter_namespaces(user, group, &verdict) ? -1 : mount_here(size, inodes, &verdict);

    parcel_init(&parcel, &verdict);
    if (folder >= 0) {
        struct cmsghdr *head = CMSG_FIRSTHDR(&parcel.message);

        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof folder);
        memcpy(CMSG_DATA(head), &folder, sizeof folder);
    } else {
        parcel.message.msg_control = NULL;
        parcel.message.msg_controllen = 0;
    }
    (void)sendmsg(socket, &parcel.message, MSG_NOSIGNAL);
    _exit(0);
}

/* The child's folder, or -1 with the verdict. */
static int
hear_child(int socket, verdict_t *verdict)
{
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    int64_t deadline_ns = clock_now_ns() + (int64_t)CHILD_MS * 1000000;
    int folder = -1, ready;
    parcel_t parcel;

    do {
        ready = poll(&wait, 1, clock_remaining_ms(deadline_ns, CHILD_MS));
    } while (ready < 0 && errno == EINTR && clock_now_ns() < deadline_ns);
    errno = ETIMEDOUT;
    if (ready <= 0)
        return fail(verdict, "waiting for a child");
    parcel_init(&parcel, verdict);
    errno = EPIPE;
    if (recvmsg(socket, &parcel.message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof *verdict)
        return fail(verdict, "hearing a child");
    const struct cmsghdr *head = CMSG_FIRSTHDR(&parcel.message);

    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof folder))
        memcpy(&folder, CMSG_DATA(head), sizeof folder);
    verdict->step[sizeof verdict->step - 1] = '\0';
    return folder;
}

static int
mount_in_child(const char *size, const char *inodes, verdict_t *verdict)
{
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
        return fail(verdict, "socketpair");
    pid_t pid = fork();

    if (pid == 0)
        child(sockets[1], size, inodes);
    close(sockets[1]);
    int folder = pid < 0 ? fail(verdict, "fork") : hear_child(sockets[0], verdict);

    close(sockets[0]);
    if (pid > 0) {
        /* It has ended or does so at once: it has sent its word, or this kills it. */
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    return folder;
}

/* ---- the file system -----------------------------------------------------------------------------------------------
 */

/* The host may deny huge pages to all tmpfs whatever they ask for, or have pages of another size.  A file's block size
 * tells. */
static int
check_granted(const huge_pages_t *self, err_t *err)
{
    struct stat file;
    int fd, status = huge_pages_file(self, HUGE_PAGE, &fd, err);

    if (status)
        return status;
    if (fstat(fd, &file) || file.st_blksize != HUGE_PAGE)
        status = err_set(err, FH_NOT_SUPPORTED,
                         "the host denies them (/sys/kernel/mm/transparent_hugepage/shmem_enabled, or no "
                         "transparent huge pages in its kernel)");
    close(fd);
    return status;
}

int
huge_pages_new(huge_pages_t **ret, int64_t limit_bytes, err_t *err)
{
    huge_pages_t *self = calloc(1, sizeof *self);
    verdict_t verdict = {0};
    char size[32], inodes[32];

    *ret = NULL;
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the record of a file system");
    (void)snprintf(size, sizeof size, "%" PRId64, limit_bytes);
    (void)snprintf(inodes, sizeof inodes, "%" PRId64, limit_bytes / HUGE_PAGE + 16);
    self->folder = mount_here(size, inodes, &verdict);
    if (self->folder < 0)
        self->folder = mount_in_child(size, inodes, &verdict);
    int status = self->folder >= 0 ? check_granted(self, err)
                                   : err_set_errno(err, FH_NOT_SUPPORTED, verdict.number,
                                                   "a tmpfs of our own cannot be mounted: %s", verdict.step);

    if (status)
        huge_pages_destroy(&self);
    *ret = self;
    return status;
}

void
huge_pages_destroy(huge_pages_t **self)
{
    if (!*self)
        return;
    if ((*self)->folder >= 0)
        close((*self)->folder);
    free(*self);
    *self = NULL;
}

int
huge_pages_file(const huge_pages_t *self, size_t size, int *ret, err_t *err)
{
    int fd = openat(self->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        *ret = fd;
        return FH_OK;
    }
    int number = errno;

    if (fd >= 0)
        close(fd);
    return err_set_errno(err, number == EMFILE || number == ENFILE ? FH_LIMIT_EXCEEDED : FH_IO_ERROR, number,
                         "cannot make a file of %zu bytes on huge pages", size);
}
