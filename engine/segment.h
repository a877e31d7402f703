/* engine/segment.h - memory for one array and its views: on the heap, or a file of memory that others can map.
 *
 * Files of 2 MiB and more lie on huge pages where the engine has them, else they are memfds.  Segments are made and
 * kept by a pool; only what a holder of a reference does with one is here.
 * Thread rule: references may be taken and dropped on any thread; the rest is for who works on the array. */
#ifndef FH_ENGINE_SEGMENT_H
#define FH_ENGINE_SEGMENT_H

#include "base/oid.h"
#include "engine/huge_pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the contents are: in memory, on their way to disk, there.  See core_spill.h. */
typedef enum { SEGMENT_HERE, SEGMENT_GOING, SEGMENT_AWAY } segment_where_t;

/* data, size, number, fd, huge and loan never change; the rest is the pool's. */
typedef struct segment {
    char *data;       /* 64-byte aligned; files: page-aligned; huge: on a boundary of 2 MiB */
    size_t size;      /* bytes that may be used; the array's size rounded up to its class */
    uint64_t number;  /* of the file in this process, from 1 on; 0 on the heap */
    int fd;           /* of the file, read-write; -1 on the heap */
    bool huge;        /* on huge pages, as far as they are whole */
    int read_only_fd; /* see segment_read_only_fd */
    struct pool *pool;
    oid_t session;                   /* whose data it holds or held */
    bool lent;                       /* a runner, or a client that writes, has mapped it */
    bool abandoned;                  /* clients that may still map it have vanished; under the core's lock */
    bool spent;                      /* another engine may still use it, or its clients may: not for the cache */
    int writers;                     /* calls that write it just now; counted up under the core's lock, atomic */
    struct object *objects;          /* that lie in it or hold it; the object table's */
    int mappings;                    /* of clients that have mapped it privately, and engines that read it */
    int outside_writers;             /* clients that have mapped it and write it at any time; under the core's lock */
    struct loan *loan;               /* the memory is another engine's (engine/borrow.h); NULL: the pool's */
    struct whole *whole;             /* it was made for pieces of several engines (engine/wholes.h); or NULL */
    size_t touched;                  /* bytes from here on have never been written: their pages are not there yet */
    int references;                  /* atomic */
    int arrays, maps;                /* objects that hold references: arrays, clients' maps and shares; atomic */
    size_t slot;                     /* in the pool's list of files */
    segment_where_t where;           /* under the core's lock */
    int away_fd;                     /* the file on disk, or -1 */
    size_t away;                     /* bytes there: the rest was never written */
    int outsiders;                   /* clients that copy from or to it by themselves; under the core's lock */
    uint64_t used_at;                /* core_t.uses when it was last pinned */
    int64_t idle_since_ns;           /* while cached */
    struct segment *previous, *next; /* in the cache, oldest first */
    struct segment *class_previous, *class_next; /* in its class, newest first */
} segment_t;

/* For pools.  The heap's bytes are zero.  NO_MEMORY. */
int segment_new_heap(segment_t **ret, size_t size, err_t *err);
/* size: whole pages; they are zero.  pages: NULL for a memfd.  NO_MEMORY, LIMIT_EXCEEDED (descriptors), IO_ERROR. */
int segment_new_file(segment_t **ret, size_t size, const huge_pages_t *pages, err_t *err);
/* Memory of another engine: size bytes of a file that is open read-write; takes fd on success.  NO_MEMORY. */
int segment_new_borrowed(segment_t **ret, size_t size, int fd, struct loan *loan, err_t *err);
/* Whatever its references. */
void segment_destroy(segment_t **self);

segment_t *segment_ref(segment_t *self);
/* Drop one reference and set *self to NULL; the last one gives the memory back to the pool, or to whom it was borrowed
 * from. */
void segment_unref(segment_t **self);
/* Under the core's lock: must its bytes stay as they are?  Clients see them through private maps, which show later
 * writes to pages that the client has not written itself. */
bool segment_is_frozen(const segment_t *self);
/* Copy size bytes to data + offset.  Where pages are not there yet this is faster than memcpy, twice on small pages. */
void segment_fill(segment_t *self, size_t offset, const void *bytes, size_t size);
/* The segment has been (or will be) written through data, anywhere. */
void segment_touch(segment_t *self);
/* A descriptor of the file that cannot write, opened at the first call, owned by the segment.  Marks the segment as
 * lent. */
int segment_read_only_fd(segment_t *self, int *ret, err_t *err);
/* Nobody needs its bytes: the pages go back to the kernel, whoever has mapped them. */
void segment_empty(segment_t *self);
/* The segment is going to be written by another process. */
void segment_lend(segment_t *self);

#endif
