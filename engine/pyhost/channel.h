/* engine/pyhost/channel.h - the Python host's end of the socket to its engine: datagrams in, records out.
 * Knows nothing of Python.  Thread rule: one thread at a time; whoever waits may let go of other locks meanwhile. */
#ifndef FH_ENGINE_PYHOST_CHANNEL_H
#define FH_ENGINE_PYHOST_CHANNEL_H

#include "engine/pyhost/direct.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A datagram as it came.  Descriptors that nobody has taken (set to -1) are closed with it. */
typedef struct datagram {
    struct datagram *next;
    int fds[PYHOST_FDS], nfds, next_fd;
    size_t size;
    _Alignas(8) char bytes[];
} datagram_t;

typedef struct {
    int socket;
    pid_t pid; /* who may speak: a forked child must not */
    pyhost_page_t *page;
    uint32_t heard;           /* datagrams */
    direct_t direct;          /* the other way to be called */
    bool was_direct;          /* the last call came that way */
    datagram_t *first, *last; /* came while something else was waited for */
    size_t used;              /* of out */
    char *buffer;             /* for one datagram that comes in */
    _Alignas(8) char out[PYHOST_DATAGRAM];
} channel_t;

/* The descriptors must be there as pyhost_wire.h says. */
int channel_open(channel_t *self, err_t *err);
/* Is the engine still there?  What it sent before it ended can be received after it, when others may do it already. */
bool channel_is_open(const channel_t *self);
/* Is there a datagram that came already? */
bool channel_has_stash(const channel_t *self);
/* The next datagram, owned by the caller, or NULL: something is in the client's rings; waits.  CANNOT_CONNECT: the
 * engine is gone. */
int channel_receive(channel_t *self, datagram_t **ret, err_t *err);
/* The next that begins with a record of this code; others are kept for channel_receive. */
int channel_receive_code(channel_t *self, uint32_t code, datagram_t **ret, err_t *err);
void datagram_destroy(datagram_t **self);

/* Room for a record of size bytes, cleared, its head filled but for serial; sends what is in the way. LIMIT_EXCEEDED.
 */
int channel_reserve(channel_t *self, uint32_t code, size_t size, void **ret, err_t *err);
/* Send what was reserved so far. */
int channel_flush(channel_t *self, err_t *err);

#endif
