#include "engine/pyhost/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int
channel_open(channel_t *self, err_t *err)
{
    self->socket = PYHOST_SOCKET_FD;
    self->pid = getpid();
    self->buffer = malloc(PYHOST_DATAGRAM);
    if (!self->buffer)
        return err_set(err, FH_NO_MEMORY, "no memory for a datagram");
    self->page = mmap(NULL, PYHOST_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, PYHOST_PAGE_FD, 0);
    int number = errno;
    close(PYHOST_PAGE_FD);
    if (self->page == MAP_FAILED)
        return err_set_errno(err, FH_IO_ERROR, number, "the page cannot be mapped");
    return FH_OK;
}

/* ---- in ------------------------------------------------------------------------------------------------------------
 */

static void
take_fds(struct msghdr *header, datagram_t *datagram)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        datagram->nfds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(datagram->fds, CMSG_DATA(c), (size_t)datagram->nfds * sizeof(int));
    }
}

/* BUSY: there is none, and flags say not to wait. */
static int
receive(channel_t *self, int flags, datagram_t **ret, err_t *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * PYHOST_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec part = {self->buffer, PYHOST_DATAGRAM};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(self->socket, &header, MSG_CMSG_CLOEXEC | flags);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return err_set(err, FH_BUSY, "the engine has said nothing");
    if (n <= 0)
        return err_set_errno(err, FH_CANNOT_CONNECT, n < 0 ? errno : 0, "the engine is gone");
    datagram_t *datagram = malloc(sizeof *datagram + (size_t)n);
    if (!datagram)
        return err_set(err, FH_NO_MEMORY, "no memory for a datagram of %zd bytes", n);
    *datagram = (datagram_t){.size = (size_t)n};
    memcpy(datagram->bytes, self->buffer, (size_t)n);
    take_fds(&header, datagram);
    self->heard++;
    *ret = datagram;
    return FH_OK;
}

bool
channel_is_open(const channel_t *self)
{
    struct pollfd fd = {.fd = self->socket};
    return poll(&fd, 1, 0) <= 0;
}

bool
channel_has_stash(const channel_t *self)
{
    return self->first != NULL;
}

int
channel_receive(channel_t *self, datagram_t **ret, err_t *err)
{
    if (self->first) {
        *ret = self->first;
        self->first = self->first->next;
        return FH_OK;
    }
    if (!self->direct.ring)
        return receive(self, 0, ret, err);
    for (;;) {
        /* After a call from the rings the socket has its turn, if there is anything. */
        bool first = self->was_direct && atomic_load(&self->page->asked) != self->heard;
        self->was_direct = !first && direct_glance(&self->direct);
        *ret = NULL;
        if (self->was_direct)
            return FH_OK;
        int status = receive(self, MSG_DONTWAIT, ret, err);
        if (status != FH_BUSY)
            return status;
        direct_wait(&self->direct, self->page, self->heard, self->socket);
    }
}

int
channel_receive_code(channel_t *self, uint32_t code, datagram_t **ret, err_t *err)
{
    for (;;) {
        datagram_t *datagram;
        pyhost_record_t head;
        int status = receive(self, 0, &datagram, err);
        if (status)
            return status;
        if (datagram->size >= sizeof head) {
            memcpy(&head, datagram->bytes, sizeof head);
            if (head.code == code) {
                *ret = datagram;
                return FH_OK;
            }
        }
        *(self->first ? &self->last->next : &self->first) = datagram;
        self->last = datagram;
    }
}

void
datagram_destroy(datagram_t **self)
{
    datagram_t *datagram = *self;
    *self = NULL;
    if (!datagram)
        return;
    for (int i = 0; i < datagram->nfds; i++)
        if (datagram->fds[i] >= 0)
            close(datagram->fds[i]);
    free(datagram);
}

/* ---- out -----------------------------------------------------------------------------------------------------------
 */

int
channel_flush(channel_t *self, err_t *err)
{
    ssize_t n;
    if (!self->used || self->pid != getpid())
        return FH_OK;
    do
        n = send(self->socket, self->out, self->used, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)self->used)
        return err_set_errno(err, FH_CANNOT_CONNECT, errno, "the engine takes no answer");
    self->used = 0;
    atomic_fetch_add_explicit(&self->page->answered, 1, memory_order_release);
    return FH_OK;
}

int
channel_reserve(channel_t *self, uint32_t code, size_t size, void **ret, err_t *err)
{
    size = (size + 7) & ~(size_t)7;
    if (size > sizeof self->out)
        return err_set(err, FH_LIMIT_EXCEEDED, "an answer of %zu bytes is larger than %zu", size, sizeof self->out);
    int status = self->used + size > sizeof self->out ? channel_flush(self, err) : FH_OK;
    if (status)
        return status;
    pyhost_record_t *head = (pyhost_record_t *)(void *)(self->out + self->used);
    memset(head, 0, size);
    *head = (pyhost_record_t){.code = code, .size = (uint32_t)size};
    self->used += size;
    *ret = head;
    return FH_OK;
}
