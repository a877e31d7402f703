#include "engine/readiness.h"

#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 32 /* taken at a time; the rest is still there next time */ };

void
readiness_init(readiness_t *self)
{
    *self = (readiness_t){.epoll = -1};
}

void
readiness_release(readiness_t *self)
{
    if (self->epoll >= 0)
        close(self->epoll);
    readiness_init(self);
}

/* An instance with this list.  The values of poll's and epoll's events are the same. */
static void
fill(readiness_t *self, const struct pollfd *fds, int n, uint64_t version)
{
    readiness_release(self);
    self->n = n;
    self->version = version;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < n && self->epoll >= 0; i++) {
        struct epoll_event event = {.events = (uint32_t)fds[i].events, .data.u32 = (uint32_t)i};

        if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, fds[i].fd, &event)) {
            close(self->epoll);
            self->epoll = -1; /* until the list changes */
        }
    }
}

int
readiness_wait(readiness_t *self, struct pollfd *fds, int n, uint64_t version, int timeout_ms)
{
    struct epoll_event events[EVENTS];

    if (self->n != n || self->version != version)
        fill(self, fds, n, version);
    if (self->epoll < 0)
        return poll(fds, (nfds_t)n, timeout_ms);
    for (int i = 0; i < n; i++)
        fds[i].revents = 0;
    int woken = epoll_wait(self->epoll, events, EVENTS, timeout_ms);

    for (int i = 0; i < woken; i++)
        fds[events[i].data.u32].revents = (short)events[i].events;
    return woken;
}
