/* engine/readiness.h - poll(2) for a list that seldom changes: the same meaning, without handing the kernel the whole
 * list each time, which for a thread that wakes after a rest takes longer than a small call.
 *
 * An epoll instance holds the descriptors of the list.  It is made anew when the list has changed, which its owner says
 * by another version: the number of a descriptor alone does not tell, since numbers are used again.
 * Thread rule: one thread. */
#ifndef FH_ENGINE_READINESS_H
#define FH_ENGINE_READINESS_H

#include <poll.h>
#include <stdint.h>

typedef struct {
    int epoll;        /* -1: there is none */
    int n;            /* descriptors in it */
    uint64_t version; /* of the list that it holds */
} readiness_t;

void readiness_init(readiness_t *self);
void readiness_release(readiness_t *self);
/* As poll(fds, n, timeout_ms): sets revents, returns how many are set, or -1 with errno.  The same version promises the
 * same descriptors and events in the same places.  Where epoll cannot be had poll is called. */
int readiness_wait(readiness_t *self, struct pollfd *fds, int n, uint64_t version, int timeout_ms);

#endif
