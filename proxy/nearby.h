/* proxy/nearby.h - arrays of engines on this host: their memory is read and written in place, without messages for the
 * bytes.
 *
 * An engine says where an array lies (LOCATE); its descriptor is opened through /proc, which the kernel allows to
 * processes of the same user.  Where any step fails the caller moves the bytes over the wire instead: nothing but speed
 * depends on this. Bytes are copied while the session's lane is empty of calls on the array, so nobody of this session
 * changes it meanwhile. Thread rule: that of the session. */
#ifndef FH_PROXY_NEARBY_H
#define FH_PROXY_NEARBY_H

#include "proxy/array.h"
#include "proxy/conn.h"

#include <sys/uio.h>

enum { NEARBY_BYTES = 1024 * 1024 /* smaller parts are not worth the round trip */ };

/* One part that is asked for, read or written. */
typedef struct {
    request_t request;
    engine_link_t *engine; /* NULL: not asked */
    oid_t located;         /* what LOCATE asked for; OID_NONE: it was MAP */
    uint64_t pid, fd, inode, offset;
} nearby_t;

/* Could a part of so many bytes on this engine be reached in place? */
bool nearby_possible(const engine_link_t *engine, int64_t bytes);
/* Ask where an array lies; write: it is going to be written whole.  self must stay where it is until nearby_forget. */
int nearby_ask(nearby_t *self, const handle_t *handle, bool write, err_t *err);
/* The same for memory that is going to be mapped: frozen, or written by this process, as long as there is an object
 * with the mapping's id. */
int nearby_ask_map(nearby_t *self, const handle_t *handle, const handle_t *mapping, bool writes, err_t *err);
/* Wait for the answers to all n (those that were not asked are passed over).  OK also if some arrays cannot be reached:
 * see nearby_there.  Else the first failure of an array or of the waiting. */
int nearby_wait(nearby_t *self, int n, fh_session *session, int64_t deadline_ns, err_t *err);
bool nearby_there(const nearby_t *self);
/* For wait_until: has the answer to this one (a nearby_t) come? */
bool nearby_came(const void *self);
/* They are used no more: the engines may move what was located. */
void nearby_forget(nearby_t *self, int n);

/* Open the array's file, of which the bytes [low, high) around its first element are wanted; the caller closes it.  The
 * file has them, and is never cut off: engines do not, and nobody else's files have that inode.  NOT_SUPPORTED: for
 * whatever reason that does not work. */
int nearby_open(const nearby_t *self, int flags, int64_t low, int64_t high, int *ret_fd, err_t *err);
/* Copy between the array's memory, whose elements are strided as in `remote` (its data is not looked at), and local
 * memory of the same shape and dtype.  NOT_SUPPORTED: the memory cannot be reached after all, and nothing has been
 * copied.  INTERRUPTED, IO_ERROR, NO_MEMORY: some of it may have been. */
int nearby_read(const nearby_t *self, fh_session *session, const nd_t *remote, const nd_t *local, err_t *err);
/* remote is C-contiguous here; swapped: the bytes of each element are reversed on the way. */
int nearby_write(const nearby_t *self, fh_session *session, const nd_t *remote, const nd_t *local, bool swapped,
                 err_t *err);
/* The array, which has `room` bytes, gets those of the spans, one behind the other, `bytes` in all; the rest of it is
 * not used. */
int nearby_fill(const nearby_t *self, fh_session *session, const struct iovec *spans, int n, int64_t bytes,
                int64_t room, err_t *err);

#endif
