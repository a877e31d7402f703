/* base/link_ring.h - a link between two processes of one user on one host: two byte rings in shared memory.
 *
 * The server makes it: a memfd, sealed against shrinking and growing, that holds both rings, and two pipes.  It tells
 * the client where they are (link_ring_place_t), who opens them through /proc.  Each side has a bell, a pipe that the
 * other writes a byte to when this side sleeps: link_fd, to be polled after link_ring_sleep has announced it.  When a
 * process ends its ends of the pipes close, so the other's bell hangs up: no other sign of death is needed.
 *
 * Messages are copied into the ring and out of it.  One that is larger than half of the ring goes in parts: link_send
 * keeps references to its frames and says BUSY to further messages until link_send, link_receive or link_ready have
 * put the rest.  link_receive gives CANNOT_CONNECT when nothing will come any more: the other side has closed, or
 * has written what cannot be (link_ring_failure tells).
 * Thread rule: as base/link.h; link_message_release may run after link_destroy. */
#ifndef FH_BASE_LINK_RING_H
#define FH_BASE_LINK_RING_H

#include "base/link.h"

#include <sys/types.h>

enum {
    LINK_RING_BYTES = 512 * 1024,                     /* of each direction */
    LINK_RING_MAX_FRAME = 4 * 1024 * 1024 + 4 * 1024, /* as ZeroMQ links refuse larger ones */
};

/* Where the server's descriptors are; inodes, since numbers are used again. */
typedef struct {
    uint64_t pid;
    uint64_t memory_fd, memory_inode;
    uint64_t server_bell_fd, server_bell_inode; /* the client rings it */
    uint64_t client_bell_fd, client_bell_inode;
} link_ring_place_t;

/* The server's side.  LIMIT_EXCEEDED, NO_MEMORY, IO_ERROR. */
int link_ring_new(link_t **ret, link_ring_place_t *ret_place, err_t *err);
/* The client has opened everything: give up the descriptors that were only kept for it. */
void link_ring_settle(link_t *self);
/* The client's side.  NOT_SUPPORTED: it cannot be reached from here, for whatever reason. */
int link_ring_open(link_t **ret, const link_ring_place_t *place, err_t *err);

/* In a forked child, which only has copies: give them up, without a word to the other side. */
void link_ring_abandon(link_t **self);

/* Is anything there?  A glance at memory, for who spins. */
bool link_ring_glance(const link_t *self);
/* Announce that link_fd will be polled.  False: no need, there is something. */
bool link_ring_sleep(link_t *self);
/* After poll gave revents for link_fd (0: it was not the reason to wake). */
void link_ring_wake(link_t *self, short revents);
/* Has the other side's process ended, without having closed? */
bool link_ring_hung_up(const link_t *self);
/* Has the other side written what cannot be?  NULL, or what. */
const char *link_ring_failure(const link_t *self);
/* The CPU on which the other side last sent something; a hint. */
int link_ring_other_cpu(const link_t *self);
/* Tell the other side whether this one awaits answers of others, too; a hint: who waits awake then lets them have its
 * CPU. */
void link_ring_tell_company(link_t *self, bool company);
/* What the other side has told. */
bool link_ring_has_company(const link_t *self);
/* How often this side has rung the other. */
uint64_t link_ring_rings(const link_t *self);

#endif
