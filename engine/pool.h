/* engine/pool.h - memory for arrays: accounted, limited, recycled.
 *
 * A segment is memory for one array and its views.  Up to 64 KiB it lies on the heap; larger ones, and those that a
 * kernel's runner maps, are page-aligned memfds.  Freed memfds wait in a cache by size class (steps of an eighth of a
 * power of two), since fresh pages cost ten times a warm write; what is too much or too old goes back to the kernel.
 * The limit is checked before memory is taken; the cache gives way to arrays.
 * What a session has written is not seen by another: a recycled segment is cleared when it changes hands, and one that
 * a runner has mapped never does. Thread rule: usable on any thread; the pool locks itself.  Sizes are bytes. */
#ifndef FH_ENGINE_POOL_H
#define FH_ENGINE_POOL_H

#include "base/err.h"
#include "base/oid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POOL_HEAP_BYTES = 64 * 1024 };

typedef struct pool pool_t;

/* data and size never change; the rest is the pool's. */
typedef struct segment {
    char *data;       /* 64-byte aligned; memfds: page-aligned */
    size_t size;      /* bytes that may be used; the array's size rounded up to its class */
    int fd;           /* of the memfd, read-write; -1 on the heap */
    int read_only_fd; /* see segment_read_only_fd */
    pool_t *pool;
    oid_t session;                   /* whose data it holds or held */
    bool lent;                       /* a runner, or a client that writes, has mapped it */
    size_t touched;                  /* bytes from here on have never been written: their pages are not there yet */
    int references;                  /* atomic */
    int64_t idle_since_ns;           /* while cached */
    struct segment *previous, *next; /* in the cache, oldest first */
    struct segment *class_previous, *class_next; /* in its class, newest first */
} segment_t;

typedef struct {
    int64_t limit;    /* as given */
    int64_t used;     /* in arrays and claims */
    int64_t cached;   /* in freed memfds that are kept */
    int64_t segments; /* that are in use */
    int64_t recycled; /* takes that were served from the cache */
} pool_stats_t;

/* limit_bytes: for used and cached together. */
int pool_new(pool_t **ret, int64_t limit_bytes, err_t *err);
/* All segments must have come back. */
void pool_destroy(pool_t **self);

enum {
    POOL_CLEARED = 1, /* all bytes are zero */
    POOL_MEMFD = 2,   /* a memfd whatever the size */
};
/* Room for size bytes (0 is allowed).  OK, LIMIT_EXCEEDED (text says how much is used), NO_MEMORY, IO_ERROR.  The
 * contents are zero or what the same session had written, unless POOL_CLEARED. */
int pool_take(pool_t *self, size_t size, oid_t session, unsigned flags, segment_t **ret, err_t *err);
segment_t *segment_ref(segment_t *self);
/* Drop one reference and set *self to NULL; the last one gives the memory back to the pool. */
void segment_unref(segment_t **self);
/* Copy size bytes to data + offset.  Where pages are not there yet this is twice as fast as memcpy. */
void segment_fill(segment_t *self, size_t offset, const void *bytes, size_t size);
/* The segment has been (or will be) written through data, anywhere. */
void segment_touch(segment_t *self);
/* A descriptor of the memfd that cannot write, opened at the first call, owned by the segment.  Marks the segment as
 * lent. */
int segment_read_only_fd(segment_t *self, int *ret, err_t *err);
/* The segment is going to be written by another process. */
void segment_lend(segment_t *self);

/* Count bytes that lie elsewhere (waiting transfers) against the limit, and give them back. */
int pool_claim(pool_t *self, int64_t bytes, err_t *err);
void pool_unclaim(pool_t *self, int64_t bytes);

/* A session has ended: what its runner has mapped can serve nobody any more. */
void pool_forget(pool_t *self, oid_t session);
/* Give back to the kernel what has been cached since before older_than_ns (clock_now_ns). */
void pool_trim(pool_t *self, int64_t older_than_ns);
/* Do the unmapping that is due (0.15 s a GiB); takes no lock meanwhile.  Call it where waiting harms nobody. */
void pool_reap(pool_t *self);
void pool_stats(pool_t *self, pool_stats_t *ret);

#endif
