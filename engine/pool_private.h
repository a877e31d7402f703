/* engine/pool_private.h - a pool's insides, for pool.c and pool_memory.c; nobody else includes it. */
#ifndef FH_ENGINE_POOL_PRIVATE_H
#define FH_ENGINE_POOL_PRIVATE_H

#include "engine/oid_map.h"
#include "engine/pool.h"

#include <pthread.h>

enum { POOL_STEP_BITS = 4, POOL_STEPS = 1 << POOL_STEP_BITS, POOL_CLASSES = 64 * POOL_STEPS };

struct pool {
    pthread_mutex_t lock;
    pthread_mutex_t measuring;      /* one at a time; before the lock */
    struct spill *spill;            /* NULL: nothing goes to disk */
    const huge_pages_t *huge_pages; /* NULL: there are none */
    int64_t limit, used, queued, spilled, spilled_count, went, returned, cached, doomed_bytes, segments, recycled;
    segment_t *oldest, *newest; /* of the cache */
    segment_t *classes[POOL_CLASSES];
    segment_t *doomed; /* out of the cache, to be unmapped; linked by next */
    segment_t **files; /* all that have a file: in use, cached or doomed */
    size_t nfiles, files_expected, files_room;
    oid_map_t owners; /* pool_owner_t by session */
};

/* All under the lock. */

/* Count bytes as used, or refuse; evicts from the cache what is in the way. */
int pool_count_used(pool_t *self, int64_t bytes, err_t *err);

/* Make room in the list of files for one more, which will be added or not come.  NO_MEMORY. */
int pool_files_reserve(pool_t *self, err_t *err);
void pool_files_unreserve(pool_t *self);
void pool_files_add(pool_t *self, segment_t *segment);
void pool_files_remove(pool_t *self, segment_t *segment);
/* A segment is in use from now on (by 1), or no more (by -1).  Without memory for a new owner's record it is counted
 * to nobody. */
void pool_owners_count(pool_t *self, const segment_t *segment, int by);
/* Free all records. */
void pool_owners_release(pool_t *self);

#endif
