/* engine/pool_memory.c - whose memory it is: a list of all files, a record for each session. */
#include "engine/pool_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BATCH = 64 /* files that are looked at without letting others have the lock */, BLOCK = 512 };

/* ---- files ---------------------------------------------------------------------------------------------------------
 */

int
pool_files_reserve(pool_t *self, err_t *err)
{
    if (self->nfiles + self->files_expected >= self->files_room) {
        size_t room = self->files_room ? self->files_room * 2 : 64;
        segment_t **files = realloc(self->files, room * sizeof *files);

        if (!files)
            return err_set(err, FH_NO_MEMORY, "no memory for a list of %zu segments", room);
        self->files = files;
        self->files_room = room;
    }
    self->files_expected++;
    return FH_OK;
}

void
pool_files_unreserve(pool_t *self)
{
    self->files_expected--;
}

void
pool_files_add(pool_t *self, segment_t *segment)
{
    self->files_expected--;
    segment->slot = self->nfiles;
    self->files[self->nfiles++] = segment;
}

void
pool_files_remove(pool_t *self, segment_t *segment)
{
    segment_t *last = self->files[--self->nfiles];

    self->files[segment->slot] = last;
    last->slot = segment->slot;
}

/* ---- sessions ------------------------------------------------------------------------------------------------------
 */

static pool_owner_t *
owner_of(pool_t *self, oid_t session)
{
    pool_owner_t *owner = oid_map_find(&self->owners, session);

    if (owner)
        return owner;
    owner = calloc(1, sizeof *owner);
    if (owner && oid_map_add(&self->owners, session, owner, NULL)) {
        free(owner);
        return NULL;
    }
    if (owner)
        owner->session = session;
    return owner;
}

void
pool_owners_count(pool_t *self, const segment_t *segment, int by)
{
    pool_owner_t *owner = by > 0 ? owner_of(self, segment->session) : oid_map_find(&self->owners, segment->session);

    if (!owner)
        return;
    owner->segments += by;
    if (segment->fd < 0)
        owner->heap += by * (int64_t)(segment->size + sizeof *segment);
    if (owner->segments > 0)
        return;
    oid_map_remove(&self->owners, segment->session);
    free(owner);
}

void
pool_owners_release(pool_t *self)
{
    size_t cursor = 0;

    for (pool_owner_t *owner; (owner = oid_map_next(&self->owners, &cursor));)
        free(owner);
    oid_map_release(&self->owners);
}

/* ---- measuring -----------------------------------------------------------------------------------------------------
 */

static int64_t
pages_of(const segment_t *segment)
{
    struct stat file;

    return fstat(segment->fd, &file) ? (int64_t)segment->size : (int64_t)file.st_blocks * BLOCK;
}

static void
measure(pool_t *self, const segment_t *segment, pool_memory_t *ret)
{
    int64_t pages = pages_of(segment);
    pool_owner_t *owner;

    if (__atomic_load_n(&segment->references, __ATOMIC_RELAXED) == 0) {
        ret->cached += pages;
        ret->cached_count++;
    } else if (__atomic_load_n(&segment->arrays, __ATOMIC_RELAXED) > 0 &&
               (owner = oid_map_find(&self->owners, segment->session))) {
        owner->pages += pages;
    } else if (__atomic_load_n(&segment->maps, __ATOMIC_RELAXED) > 0) {
        ret->mapped += pages;
        ret->mapped_count++;
    } else {
        ret->in_flight += pages;
        ret->in_flight_count++;
    }
}

static void
reset(pool_t *self)
{
    size_t cursor = 0;

    for (pool_owner_t *owner; (owner = oid_map_next(&self->owners, &cursor));)
        owner->pages = 0;
}

/* The owners' records, and the sums of what is in no file. */
static int
copy_owners(pool_t *self, pool_memory_t *memory, pool_owner_t **ret, err_t *err)
{
    size_t cursor = 0, count = 0;

    *ret = malloc((self->owners.count + 1) * sizeof **ret);
    if (!*ret)
        return err_set(err, FH_NO_MEMORY, "no memory for a list of %zu sessions", self->owners.count);
    for (const pool_owner_t *owner; (owner = oid_map_next(&self->owners, &cursor));) {
        memory->heap += owner->heap;
        (*ret)[count++] = *owner;
    }
    memory->queued = self->queued;
    memory->spilled = self->spilled;
    memory->spilled_count = self->spilled_count;
    memory->owners = count;
    return FH_OK;
}

int
pool_measure(pool_t *self, pool_memory_t *ret, pool_owner_t **ret_owners, err_t *err)
{
    *ret = (pool_memory_t){.cached = 0};
    pthread_mutex_lock(&self->measuring);
    pthread_mutex_lock(&self->lock);
    reset(self);
    for (size_t i = 0; i < self->nfiles; i++) {
        measure(self, self->files[i], ret);
        if (i % BATCH != BATCH - 1)
            continue;
        pthread_mutex_unlock(&self->lock);
        pthread_mutex_lock(&self->lock);
    }
    int status = copy_owners(self, ret, ret_owners, err);

    pthread_mutex_unlock(&self->lock);
    pthread_mutex_unlock(&self->measuring);
    return status;
}

/* ---- on disk -------------------------------------------------------------------------------------------------------
 */

void
pool_use_spill(pool_t *self, struct spill *spill)
{
    self->spill = spill;
}

int
pool_pick(pool_t *self, bool (*may_go)(const segment_t *segment), segment_t ***ret, size_t *ret_count,
          int64_t *ret_bytes, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    segment_t **picked = malloc((self->nfiles + 1) * sizeof *picked);

    *ret_count = 0;
    *ret_bytes = 0;
    for (size_t i = 0; picked && i < self->nfiles; i++) {
        if (!may_go(self->files[i]))
            continue;
        *ret_bytes += (int64_t)self->files[i]->size;
        picked[(*ret_count)++] = segment_ref(self->files[i]);
    }
    pthread_mutex_unlock(&self->lock);
    *ret = picked;
    return picked ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for a list of segments");
}

void
pool_went(pool_t *self, const segment_t *segment)
{
    pthread_mutex_lock(&self->lock);
    self->used -= (int64_t)segment->size;
    self->spilled += (int64_t)segment->size;
    self->spilled_count++;
    self->went++;
    pthread_mutex_unlock(&self->lock);
}

int
pool_returns(pool_t *self, const segment_t *segment, int64_t beyond, err_t *err)
{
    pthread_mutex_lock(&self->lock);

    self->limit += beyond;
    int status = pool_count_used(self, (int64_t)segment->size, err);

    self->limit -= beyond;
    if (!status) {
        self->spilled -= (int64_t)segment->size;
        self->spilled_count--;
        self->returned++;
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

int64_t
pool_limit(const pool_t *self)
{
    return self->limit;
}
