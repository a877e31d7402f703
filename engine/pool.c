/* engine/pool.c - size classes, a cache in order of age, and a list of segments whose unmapping is due. */
#include "base/clock.h"
#include "engine/pool_private.h"
#include "engine/spill.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, LOOK_AT = 8 };

/* ---- size classes --------------------------------------------------------------------------------------------------
 */

/* Round up to a sixteenth of a power of two, at least to whole pages; 0 if that is too much.  huge: to whole huge pages
 * where that wastes no more, since the rest of a file would be on small ones. */
static size_t
class_size(size_t size, bool huge)
{
    if (size > (size_t)1 << 46)
        return 0;
    size_t pages = (size + PAGE - 1) / PAGE * PAGE, whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;

    if (huge && whole - size <= size / POOL_STEPS)
        pages = whole;
    if (pages < PAGE)
        pages = PAGE;
    int top = 63 - __builtin_clzll(pages);
    size_t step = (size_t)1 << (top >= 12 + POOL_STEP_BITS ? top - POOL_STEP_BITS : 12);

    return (pages + step - 1) / step * step;
}

static int
class_index(size_t size)
{
    int top = 63 - __builtin_clzll(size);

    return top * POOL_STEPS + (int)((size >> (top - POOL_STEP_BITS)) & (POOL_STEPS - 1));
}

/* ---- the cache; all under the lock ---------------------------------------------------------------------------------
 */

static void
cache_add(pool_t *self, segment_t *segment)
{
    segment_t **head = &self->classes[class_index(segment->size)];

    segment->idle_since_ns = clock_now_ns();
    segment->touched = segment->size;
    segment->next = NULL;
    segment->previous = self->newest;
    *(self->newest ? &self->newest->next : &self->oldest) = segment;
    self->newest = segment;
    segment->class_previous = NULL;
    segment->class_next = *head;
    if (*head)
        (*head)->class_previous = segment;
    *head = segment;
    self->cached += (int64_t)segment->size;
}

static void
cache_remove(pool_t *self, segment_t *segment)
{
    *(segment->previous ? &segment->previous->next : &self->oldest) = segment->next;
    *(segment->next ? &segment->next->previous : &self->newest) = segment->previous;
    *(segment->class_previous ? &segment->class_previous->class_next : &self->classes[class_index(segment->size)]) =
        segment->class_next;
    if (segment->class_next)
        segment->class_next->class_previous = segment->class_previous;
    segment->previous = segment->next = segment->class_previous = segment->class_next = NULL;
    self->cached -= (int64_t)segment->size;
}

static void
doom(pool_t *self, segment_t *segment)
{
    segment->next = self->doomed;
    self->doomed = segment;
    self->doomed_bytes += (int64_t)segment->size;
}

static void
evict_oldest(pool_t *self)
{
    segment_t *segment = self->oldest;

    cache_remove(self, segment);
    doom(self, segment);
}

/* One of this class that the session may have: its own if there is one, else one that no runner knows. */
static segment_t *
cache_find(const pool_t *self, size_t size, oid_t session, unsigned flags)
{
    segment_t *other = NULL;
    int looked = 0;

    for (segment_t *segment = self->classes[class_index(size)]; segment && looked < LOOK_AT;
         segment = segment->class_next) {
        looked++;
        if (oid_equal(segment->session, session))
            return segment;
        if (!segment->lent && !other && !(flags & POOL_QUICK))
            other = segment;
    }
    return other;
}

/* ---- taking and giving back ----------------------------------------------------------------------------------------
 */

int
pool_new(pool_t **ret, int64_t limit_bytes, err_t *err)
{
    pool_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a pool");
    self->limit = limit_bytes;
    pthread_mutex_init(&self->lock, NULL);
    pthread_mutex_init(&self->measuring, NULL);
    *ret = self;
    return FH_OK;
}

void
pool_use_huge_pages(pool_t *self, const huge_pages_t *pages)
{
    self->huge_pages = pages;
}

void
pool_destroy(pool_t **self)
{
    if (!*self)
        return;
    while ((*self)->oldest)
        evict_oldest(*self);
    pool_reap(*self);
    pool_owners_release(*self);
    free((*self)->files);
    pthread_mutex_destroy(&(*self)->lock);
    pthread_mutex_destroy(&(*self)->measuring);
    free(*self);
    *self = NULL;
}

static int
refuse(const pool_t *self, int64_t bytes, err_t *err)
{
    return err_set(err, FH_LIMIT_EXCEEDED,
                   "%" PRId64 " bytes of array memory are asked for; %" PRId64 " of %" PRId64
                   " are in use by arrays and maps of gathered arrays, and no more can be freed: release some, use "
                   "more engines, or start them with more --memory",
                   bytes, self->used, self->limit);
}

int
pool_count_used(pool_t *self, int64_t bytes, err_t *err)
{
    if (bytes > self->limit - self->used)
        return refuse(self, bytes, err);
    while (self->oldest && self->used + bytes + self->cached > self->limit)
        evict_oldest(self);
    self->used += bytes;
    return FH_OK;
}

/* Find memory for a class; the lock is dropped while pages are cleared or unmapped. */
static int
take_file(pool_t *self, size_t size, oid_t session, unsigned flags, segment_t **ret, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    segment_t *segment = cache_find(self, size, session, flags);

    if (segment)
        cache_remove(self, segment);
    int status = segment ? FH_OK : pool_files_reserve(self, err);
    bool reserved = !status && !segment;

    if (!status)
        status = pool_count_used(self, (int64_t)size, err);
    if (status && segment)
        cache_add(self, segment);
    else if (status && reserved)
        pool_files_unreserve(self);
    bool reap = self->used + self->cached + self->doomed_bytes > self->limit;

    self->recycled += !status && segment;
    pthread_mutex_unlock(&self->lock);
    if (status)
        return status;
    if (reap)
        pool_reap(self);
    if (segment) {
        if ((flags & POOL_CLEARED) || !oid_equal(segment->session, session))
            memset(segment->data, 0, segment->size);
    } else {
        status = segment_new_file(&segment, size, self->huge_pages, err);
    }
    if (!status) {
        *ret = segment;
        return FH_OK;
    }
    pthread_mutex_lock(&self->lock);
    self->used -= (int64_t)size;
    pool_files_unreserve(self);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static int
take_heap(pool_t *self, size_t size, segment_t **ret, err_t *err)
{
    segment_t *segment = NULL;

    pthread_mutex_lock(&self->lock);
    int status = pool_count_used(self, (int64_t)(size + sizeof *segment), err);

    pthread_mutex_unlock(&self->lock);
    if (status)
        return status;
    status = segment_new_heap(&segment, size, err);
    if (status) {
        pthread_mutex_lock(&self->lock);
        self->used -= (int64_t)(size + sizeof *segment);
        pthread_mutex_unlock(&self->lock);
        return status;
    }
    *ret = segment;
    return FH_OK;
}

int64_t
pool_cost(const pool_t *self, size_t size, unsigned flags)
{
    if (size < POOL_HEAP_BYTES && !(flags & POOL_MEMFD))
        return (int64_t)(size + sizeof(segment_t));
    return (int64_t)class_size(size, self->huge_pages != NULL);
}

int
pool_take(pool_t *self, size_t size, oid_t session, unsigned flags, segment_t **ret, err_t *err)
{
    segment_t *segment = NULL;
    int status;

    if (size < POOL_HEAP_BYTES && !(flags & POOL_MEMFD)) {
        status = take_heap(self, size, &segment, err);
    } else {
        size_t rounded = class_size(size, self->huge_pages != NULL);

        if (!rounded)
            return err_set(err, FH_LIMIT_EXCEEDED, "an array of %zu bytes", size);
        status = take_file(self, rounded, session, flags, &segment, err);
    }
    if (status)
        return status;
    bool fresh = segment->fd >= 0 && !segment->pool;

    segment->pool = self;
    segment->session = session;
    segment->references = 1;
    pthread_mutex_lock(&self->lock);
    if (fresh)
        pool_files_add(self, segment);
    pool_owners_count(self, segment, 1);
    self->segments++;
    pthread_mutex_unlock(&self->lock);
    *ret = segment;
    return FH_OK;
}

void
pool_give_back(pool_t *self, segment_t *segment)
{
    bool heap = segment->fd < 0;

    pthread_mutex_lock(&self->lock);
    self->segments--;
    pool_owners_count(self, segment, -1);
    if (segment->where == SEGMENT_AWAY) {
        self->spilled -= (int64_t)segment->size;
        self->spilled_count--;
    } else {
        self->used -= (int64_t)(heap ? segment->size + sizeof *segment : segment->size);
    }
    if (segment->abandoned || segment->spent || segment->where == SEGMENT_AWAY) {
        doom(self, segment);
    } else if (!heap) {
        cache_add(self, segment);
        while (self->cached > self->limit / 2)
            evict_oldest(self);
    }
    pthread_mutex_unlock(&self->lock);
    if (heap)
        segment_destroy(&segment);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------
 */

int
pool_queue(pool_t *self, int64_t bytes, err_t *err)
{
    int status = FH_OK;

    pthread_mutex_lock(&self->lock);
    int64_t room = self->limit + POOL_QUEUE_BYTES - self->used;

    if (bytes > room - self->queued) {
        status = err_set(err, FH_LIMIT_EXCEEDED,
                         "%" PRId64 " bytes came with a call while %" PRId64 " of %" PRId64 " waited in others", bytes,
                         self->queued, room);
    } else {
        self->queued += bytes;
        while (self->oldest && self->queued + self->cached > room)
            evict_oldest(self);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

void
pool_unqueue(pool_t *self, int64_t bytes)
{
    pthread_mutex_lock(&self->lock);
    self->queued -= bytes;
    pthread_mutex_unlock(&self->lock);
}

void
pool_forget(pool_t *self, oid_t session)
{
    pthread_mutex_lock(&self->lock);
    for (segment_t *segment = self->oldest, *next; segment; segment = next) {
        next = segment->next;
        if (segment->lent && oid_equal(segment->session, session)) {
            cache_remove(self, segment);
            doom(self, segment);
        }
    }
    pthread_mutex_unlock(&self->lock);
}

void
pool_trim(pool_t *self, int64_t older_than_ns)
{
    pthread_mutex_lock(&self->lock);
    while (self->oldest && self->oldest->idle_since_ns < older_than_ns)
        evict_oldest(self);
    pthread_mutex_unlock(&self->lock);
}

void
pool_reap(pool_t *self)
{
    pthread_mutex_lock(&self->lock);
    segment_t *segment = self->doomed;

    self->doomed = NULL;
    self->doomed_bytes = 0;
    for (segment_t *each = segment; each; each = each->next)
        pool_files_remove(self, each);
    pthread_mutex_unlock(&self->lock);
    while (segment) {
        segment_t *next = segment->next;

        if (segment->away_fd >= 0)
            spill_drop(self->spill, &segment->away_fd, segment->away);
        if (segment->lent && !segment->abandoned && !segment->spent)
            segment_empty(segment); /* runners keep maps for a while */
        segment_destroy(&segment);
        segment = next;
    }
}

void
pool_stats(pool_t *self, pool_stats_t *ret)
{
    pthread_mutex_lock(&self->lock);
    *ret = (pool_stats_t){.limit = self->limit,
                          .used = self->used,
                          .cached = self->cached,
                          .segments = self->segments,
                          .recycled = self->recycled,
                          .queued = self->queued,
                          .spilled = self->spilled,
                          .went = self->went,
                          .returned = self->returned,
                          .files = (int64_t)self->nfiles};
    pthread_mutex_unlock(&self->lock);
}
