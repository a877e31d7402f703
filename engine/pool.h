/* engine/pool.h - memory for arrays: accounted, limited, recycled.
 *
 * A segment is memory for one array and its views.  Up to 64 KiB it lies on the heap; larger ones, and those that a
 * kernel's runner maps, are files of memory, from 2 MiB on with huge pages where the engine has them.  Freed files wait
 * in a cache by size class (steps of a sixteenth of a power of two), since fresh pages cost up to ten times a warm
 * write; what is too much or too old goes back to the kernel.
 * The limit is checked before memory is taken; the cache gives way to arrays.
 * A segment that a client has mapped and may still see after its end is not used again (segment_t.abandoned): its file
 * is closed, and the kernel keeps the pages as long as the client does; they are not counted then. What a session has
 * written is not seen by another: a recycled segment is cleared when it changes hands, and one that a runner has mapped
 * never does. Thread rule: usable on any thread; the pool locks itself.  Sizes are bytes. */
#ifndef FH_ENGINE_POOL_H
#define FH_ENGINE_POOL_H

#include "engine/segment.h"

enum { POOL_HEAP_BYTES = 64 * 1024 };

typedef struct pool pool_t;
struct spill;

typedef struct {
    int64_t limit;          /* as given */
    int64_t used;           /* in arrays */
    int64_t cached;         /* in freed files that are kept */
    int64_t segments;       /* that are in use */
    int64_t recycled;       /* takes that were served from the cache */
    int64_t queued;         /* in calls that wait */
    int64_t spilled;        /* of segments whose contents lie on disk */
    int64_t went, returned; /* segments, to disk and back, since the start */
    int64_t files;          /* segments that are files, in use or not */
} pool_stats_t;

/* limit_bytes: for used and cached together. */
int pool_new(pool_t **ret, int64_t limit_bytes, err_t *err);
/* From now on large segments lie on huge pages; borrowed until the pool is destroyed.  Call it before other threads
 * use the pool. */
void pool_use_huge_pages(pool_t *self, const huge_pages_t *pages);
/* All segments must have come back. */
void pool_destroy(pool_t **self);

enum {
    POOL_CLEARED = 1, /* all bytes are zero */
    POOL_MEMFD = 2,   /* a file, which has a descriptor, whatever the size */
    POOL_QUICK = 4,   /* no cached file that would have to be cleared first: for who has no time */
};
/* Room for size bytes (0 is allowed).  OK, LIMIT_EXCEEDED (text says how much is used), NO_MEMORY, IO_ERROR.  The
 * contents are zero or what the same session had written, unless POOL_CLEARED. */
int pool_take(pool_t *self, size_t size, oid_t session, unsigned flags, segment_t **ret, err_t *err);
/* For segment_unref: the segment has no references any more. */
void pool_give_back(pool_t *self, segment_t *segment);

/* What a segment of this size counts. */
int64_t pool_cost(const pool_t *self, size_t size, unsigned flags);

/* ---- segments whose contents lie on disk (core_spill.h) ------------------------------------------------------------
 */

/* Where files of such segments are forgotten when they are given back; borrowed. */
void pool_use_spill(pool_t *self, struct spill *spill);
/* Those for which may_go says so, each with a reference, malloc'ed; *ret_bytes: the sum.  NO_MEMORY. */
int pool_pick(pool_t *self, bool (*may_go)(const segment_t *segment), segment_t ***ret, size_t *ret_count,
              int64_t *ret_bytes, err_t *err);
/* The segment's pages have gone: it counts as spilled. */
void pool_went(pool_t *self, const segment_t *segment);
/* They are about to come back: it counts as used, which may be so many bytes beyond the limit.  LIMIT_EXCEEDED. */
int pool_returns(pool_t *self, const segment_t *segment, int64_t beyond, err_t *err);
int64_t pool_limit(const pool_t *self);

/* ---- other memory --------------------------------------------------------------------------------------------------
 */

/* Count bytes of calls that wait, and of arrays from other engines before they are expected.  They may go
 * POOL_QUEUE_BYTES beyond the limit, so that an engine that is full of arrays goes on.  LIMIT_EXCEEDED. */
enum { POOL_QUEUE_BYTES = 64 * 1024 * 1024 };
int pool_queue(pool_t *self, int64_t bytes, err_t *err);
void pool_unqueue(pool_t *self, int64_t bytes);

/* A session has ended: what its runner has mapped can serve nobody any more. */
void pool_forget(pool_t *self, oid_t session);
/* Give back to the kernel what has been cached since before older_than_ns (clock_now_ns). */
void pool_trim(pool_t *self, int64_t older_than_ns);
/* Do the unmapping that is due (of small pages 0.15 s a GiB, of huge ones 3 ms); takes no lock meanwhile.  Call it
 * where waiting harms nobody. */
void pool_reap(pool_t *self);
void pool_stats(pool_t *self, pool_stats_t *ret);

/* ---- what is resident (pool_memory.c) ------------------------------------------------------------------------------
 */

/* What a session has in use, results of running calls among it. */
typedef struct {
    oid_t session;
    int64_t segments;
    int64_t heap;  /* bytes of small arrays */
    int64_t pages; /* bytes that files of its arrays have on the host: what was never written is not there */
} pool_owner_t;

/* The rest, in bytes of pages: memory that only clients' maps keep, that no object has yet, and freed. */
typedef struct {
    size_t owners;
    int64_t mapped, in_flight, cached;
    int64_t mapped_count, in_flight_count, cached_count;
    int64_t heap;   /* of all owners together */
    int64_t queued; /* in calls that wait */
    int64_t spilled, spilled_count;
} pool_memory_t;

/* *ret_owners: ret->owners records, malloc'ed.  A system call for each file, in between others get the lock: exact
 * where nothing changes meanwhile.  NO_MEMORY. */
int pool_measure(pool_t *self, pool_memory_t *ret, pool_owner_t **ret_owners, err_t *err);

#endif
