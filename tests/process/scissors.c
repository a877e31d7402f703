#include "tests/process/scissors.h"

#include "tests/support/check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

typedef union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_un un;
    struct sockaddr_storage room;
} address_t;

static bool
leads_to(int fd, const char *endpoint)
{
    address_t address = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof address;
    char text[sizeof address + 64];

    if (getpeername(fd, &address.any, &size))
        return false;
    if (address.any.sa_family == AF_INET)
        (void)snprintf(text, sizeof text, "tcp://%s:%d", inet_ntoa(address.in.sin_addr), ntohs(address.in.sin_port));
    else if (address.any.sa_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path))
        (void)snprintf(text, sizeof text, "ipc://%.*s", (int)sizeof address.un.sun_path, address.un.sun_path);
    else
        return false;
    return strcmp(text, endpoint) == 0;
}

int
scissors_cut(const proc_t *child, const char *endpoint)
{
    char path[64];
    int cut = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)child->pid);
    DIR *folder = opendir(path);

    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        int number = (int)strtol(entry->d_name, NULL, 10); /* 0: a folder */
        int fd = number > 2 ? (int)syscall(SYS_pidfd_getfd, child->pidfd, number, 0) : -1;

        if (number > 2 && fd < 0 && errno != EBADF) /* it may have been closed meanwhile */
            fail_msg("cannot take a descriptor of a child: %s", strerror(errno));
        if (fd >= 0 && leads_to(fd, endpoint))
            cut += shutdown(fd, SHUT_RDWR) == 0;
        if (fd >= 0)
            close(fd);
    }
    closedir(folder);
    return cut;
}

static int
cut_some(void *context, uint64_t *seed)
{
    const scissors_t *self = context;

    (void)seed;
    return scissors_cut(self->child, self->endpoint);
}

void
scissors_begin(scissors_t *self)
{
    self->cutter.cut = cut_some;
    self->cutter.context = self;
    cutter_begin(&self->cutter);
}
