#include "base/stream_socket.h"

#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static int
find_addresses(const char *host, int port, int flags, struct addrinfo **ret, err_t *err)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    char service[16];
    (void)snprintf(service, sizeof service, "%d", port);
    int number = getaddrinfo(host, service, &hints, ret);
    return number ? err_set(err, FH_CANNOT_CONNECT, "the address %s is not known: %s", host, gai_strerror(number))
                  : FH_OK;
}

static int
listen_at(const struct addrinfo *address, int *ret_port)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)&bound, &size) == 0) {
        *ret_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                      : ((struct sockaddr_in *)&bound)->sin_port);
        return fd;
    }
    int number = errno;
    if (fd >= 0)
        close(fd);
    errno = number;
    return -1;
}

void
stream_host_of(const char *endpoint, char *ret, size_t size)
{
    const char *start = strncmp(endpoint, "tcp://", 6) == 0 ? endpoint + 6 : endpoint, *colon = strrchr(start, ':');
    size_t length = colon ? (size_t)(colon - start) : strlen(start);
    if (length >= 2 && start[0] == '[' && start[length - 1] == ']') {
        start++;
        length -= 2;
    }
    if (length >= size)
        length = size - 1;
    memcpy(ret, start, length);
    ret[length] = '\0';
}

int
stream_listen(const char *host, int *ret_fd, int *ret_port, err_t *err)
{
    struct addrinfo *addresses = NULL;
    bool any = strcmp(host, "*") == 0;
    int status = find_addresses(any ? NULL : host, 0, AI_PASSIVE, &addresses, err), fd = -1;
    if (status)
        return status;
    for (const struct addrinfo *at = addresses; at && fd < 0; at = at->ai_next)
        fd = listen_at(at, ret_port);
    freeaddrinfo(addresses);
    if (fd < 0)
        return err_set_errno(err, FH_CANNOT_CONNECT, errno, "cannot listen for streams at %s", host);
    *ret_fd = fd;
    return FH_OK;
}

void
stream_socket_tune(int fd, int patience_ms)
{
    const int one = 1;
    const struct timeval patience = {.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
    /* What cannot be set costs speed, nothing else. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

/* 0, or errno. */
static int
connect_within(int fd, const struct addrinfo *address, int patience_ms)
{
    int number = 0;
    socklen_t size = sizeof number;
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    struct pollfd item = {.fd = fd, .events = POLLOUT};
    if (poll(&item, 1, patience_ms) != 1)
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) ? errno : number;
}

int
stream_socket_connect(int *ret, const char *host, int port, int patience_ms, err_t *err)
{
    struct addrinfo *addresses = NULL;
    int number = EADDRNOTAVAIL, status = find_addresses(host, port, 0, &addresses, err), found = -1;
    if (status)
        return status;
    for (const struct addrinfo *at = addresses; at && found < 0; at = at->ai_next) {
        int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        number = fd < 0 ? errno : connect_within(fd, at, patience_ms);
        if (number == 0)
            found = fd;
        else if (fd >= 0)
            close(fd);
    }
    freeaddrinfo(addresses);
    if (found < 0)
        return err_set_errno(err, FH_CANNOT_CONNECT, number, "no stream to %s, port %d", host, port);
    stream_socket_tune(found, patience_ms);
    *ret = found;
    return FH_OK;
}

/* Wait until the socket can go on. */
static int
await(int fd, short events, int patience_ms, err_t *err)
{
    struct pollfd item = {.fd = fd, .events = events};
    int ready;
    do
        ready = poll(&item, 1, patience_ms);
    while (ready < 0 && errno == EINTR);
    if (ready > 0)
        return FH_OK;
    return ready == 0 ? err_set(err, FH_TIMEOUT, "nothing moved on a stream for %d ms", patience_ms)
                      : err_set_errno(err, FH_IO_ERROR, errno, "cannot wait for a stream");
}

int
stream_socket_send(int fd, struct iovec *pieces, int count, int patience_ms, err_t *err)
{
    while (count > 0) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN)
            return err_set_errno(err, FH_IO_ERROR, errno, "a stream is broken");
        if (sent < 0) {
            int status = await(fd, POLLOUT, patience_ms, err);
            if (status)
                return status;
            continue;
        }
        while (count > 0 && (size_t)sent >= pieces->iov_len) {
            sent -= (ssize_t)pieces->iov_len;
            pieces++;
            count--;
        }
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + sent;
            pieces->iov_len -= (size_t)sent;
        }
    }
    return FH_OK;
}

int
stream_socket_receive(int fd, void *bytes, size_t size, int patience_ms, err_t *err)
{
    size_t have = 0;
    while (have < size) {
        int status = await(fd, POLLIN, patience_ms, err);
        if (status)
            return status;
        /* One call for all: it ends early only after the socket's own patience. */
        ssize_t got = recv(fd, (char *)bytes + have, size - have, MSG_WAITALL);
        if (got > 0)
            have += (size_t)got;
        else if (got == 0)
            return have ? err_set(err, FH_IO_ERROR, "a stream ended in the middle of a record")
                        : err_set(err, FH_CANCELLED, "the other side has closed a stream");
        else if (errno != EINTR && errno != EAGAIN)
            return err_set_errno(err, FH_IO_ERROR, errno, "a stream is broken");
    }
    return FH_OK;
}
