/* engine/pool.c - size classes, a cache in order of age, and a list of segments whose unmapping is due. */
#include "engine/pool.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, ALIGN = 64, CLASSES = 64 * 8, LOOK_AT = 8 };

struct pool {
    pthread_mutex_t lock;
    int64_t limit, used, cached, doomed_bytes, segments, recycled;
    segment_t *oldest, *newest; /* of the cache */
    segment_t *classes[CLASSES];
    segment_t *doomed; /* out of the cache, to be unmapped; linked by next */
};

/* ---- size classes --------------------------------------------------------------------------------------------------
 */

/* Round up to an eighth of a power of two, at least to whole pages; 0 if that is too much. */
static size_t
class_size(size_t size)
{
    if (size > (size_t)1 << 46)
        return 0;
    size_t pages = (size + PAGE - 1) / PAGE * PAGE;

    if (pages < PAGE)
        pages = PAGE;
    int top = 63 - __builtin_clzll(pages);
    size_t step = (size_t)1 << (top >= 15 ? top - 3 : 12);

    return (pages + step - 1) / step * step;
}

static int
class_index(size_t size)
{
    int top = 63 - __builtin_clzll(size);

    return top * 8 + (int)((size >> (top - 3)) & 7);
}

/* ---- memory --------------------------------------------------------------------------------------------------------
 */

static int
make_heap(size_t size, segment_t **ret, err_t *err)
{
    char *block = malloc(sizeof(segment_t) + ALIGN + size);

    if (!block)
        return err_set(err, FH_NO_MEMORY, "no memory for an array of %zu bytes", size);
    segment_t *self = (segment_t *)(void *)block;
    uintptr_t data = (uintptr_t)(block + sizeof *self);

    memset(self, 0, sizeof *self);
    self->data = block + sizeof *self + (-data & (ALIGN - 1));
    self->size = size;
    self->fd = self->read_only_fd = -1;
    *ret = self;
    return FH_OK;
}

static int
make_memfd(size_t size, segment_t **ret, err_t *err)
{
    segment_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the record of an array");
    self->size = size;
    self->read_only_fd = -1;
    self->data = MAP_FAILED;
    self->fd = memfd_create("farhand-array", MFD_CLOEXEC);
    if (self->fd >= 0 && ftruncate(self->fd, (off_t)size) == 0)
        self->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
    if (self->data == MAP_FAILED) {
        int number = errno;

        if (self->fd >= 0)
            close(self->fd);
        free(self);
        return err_set_errno(err, number == EMFILE || number == ENFILE ? FH_LIMIT_EXCEEDED : FH_NO_MEMORY, number,
                             "cannot make a segment of %zu bytes", size);
    }
    *ret = self;
    return FH_OK;
}

static void
destroy_memfd(segment_t *self)
{
    munmap(self->data, self->size);
    close(self->fd);
    if (self->read_only_fd >= 0)
        close(self->read_only_fd);
    free(self);
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
cache_find(const pool_t *self, size_t size, oid_t session)
{
    segment_t *other = NULL;
    int looked = 0;

    for (segment_t *segment = self->classes[class_index(size)]; segment && looked < LOOK_AT;
         segment = segment->class_next) {
        looked++;
        if (oid_equal(segment->session, session))
            return segment;
        if (!segment->lent && !other)
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
    *ret = self;
    return FH_OK;
}

void
pool_destroy(pool_t **self)
{
    if (!*self)
        return;
    while ((*self)->oldest)
        evict_oldest(*self);
    pool_reap(*self);
    pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

static int
refuse(const pool_t *self, int64_t bytes, err_t *err)
{
    return err_set(err, FH_LIMIT_EXCEEDED,
                   "%" PRId64 " bytes of array memory are asked for; %" PRId64 " of %" PRId64
                   " are in use: release arrays, or start engines with more --memory",
                   bytes, self->used, self->limit);
}

/* Count bytes as used, or refuse; evicts from the cache what is in the way.  Under the lock. */
static int
claim(pool_t *self, int64_t bytes, err_t *err)
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
take_memfd(pool_t *self, size_t size, oid_t session, unsigned flags, segment_t **ret, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    segment_t *segment = cache_find(self, size, session);

    if (segment)
        cache_remove(self, segment);
    int status = claim(self, (int64_t)size, err);

    if (status && segment)
        cache_add(self, segment);
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
        status = make_memfd(size, &segment, err);
    }
    if (status)
        pool_unclaim(self, (int64_t)size);
    else
        *ret = segment;
    return status;
}

static int
take_heap(pool_t *self, size_t size, segment_t **ret, err_t *err)
{
    segment_t *segment = NULL;
    int status = pool_claim(self, (int64_t)(size + sizeof *segment), err);

    if (status)
        return status;
    status = make_heap(size, &segment, err);
    if (status) {
        pool_unclaim(self, (int64_t)(size + sizeof *segment));
        return status;
    }
    /* The heap may hold anything, keys too. */
    memset(segment->data, 0, size);
    *ret = segment;
    return FH_OK;
}

int
pool_take(pool_t *self, size_t size, oid_t session, unsigned flags, segment_t **ret, err_t *err)
{
    segment_t *segment = NULL;
    int status;

    if (size < POOL_HEAP_BYTES && !(flags & POOL_MEMFD)) {
        status = take_heap(self, size, &segment, err);
    } else {
        size_t rounded = class_size(size);

        if (!rounded)
            return err_set(err, FH_LIMIT_EXCEEDED, "an array of %zu bytes", size);
        status = take_memfd(self, rounded, session, flags, &segment, err);
    }
    if (status)
        return status;
    segment->pool = self;
    segment->session = session;
    segment->references = 1;
    pthread_mutex_lock(&self->lock);
    self->segments++;
    pthread_mutex_unlock(&self->lock);
    *ret = segment;
    return FH_OK;
}

segment_t *
segment_ref(segment_t *self)
{
    __atomic_add_fetch(&self->references, 1, __ATOMIC_RELAXED);
    return self;
}

void
segment_unref(segment_t **self)
{
    segment_t *segment = *self;

    *self = NULL;
    if (!segment || __atomic_sub_fetch(&segment->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    pool_t *pool = segment->pool;
    bool heap = segment->fd < 0;

    pthread_mutex_lock(&pool->lock);
    pool->segments--;
    pool->used -= (int64_t)(heap ? segment->size + sizeof *segment : segment->size);
    if (!heap) {
        cache_add(pool, segment);
        while (pool->cached > pool->limit / 2)
            evict_oldest(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    if (heap)
        free(segment);
}

void
segment_fill(segment_t *self, size_t offset, const void *bytes, size_t size)
{
    size_t touched = __atomic_load_n(&self->touched, __ATOMIC_RELAXED);
    bool pages_are_there = self->fd < 0 || offset < touched || size < POOL_HEAP_BYTES;

    if (size == 0)
        return; /* bytes may be NULL then */
    if (offset + size > touched)
        __atomic_store_n(&self->touched, offset + size, __ATOMIC_RELAXED);
    if (pages_are_there || pwrite(self->fd, bytes, size, (off_t)offset) != (ssize_t)size)
        memcpy(self->data + offset, bytes, size);
}

void
segment_touch(segment_t *self)
{
    __atomic_store_n(&self->touched, self->size, __ATOMIC_RELAXED);
}

int
segment_read_only_fd(segment_t *self, int *ret, err_t *err)
{
    if (self->fd < 0)
        return err_set(err, FH_INTERNAL, "an array on the heap has no descriptor");
    if (self->read_only_fd < 0) {
        char path[64];

        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", self->fd);
        self->read_only_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (self->read_only_fd < 0)
            return err_set_errno(err, FH_IO_ERROR, errno, "cannot open a segment for reading");
    }
    self->lent = true;
    *ret = self->read_only_fd;
    return FH_OK;
}

void
segment_lend(segment_t *self)
{
    self->lent = true;
    segment_touch(self);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------
 */

int
pool_claim(pool_t *self, int64_t bytes, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    int status = claim(self, bytes, err);

    pthread_mutex_unlock(&self->lock);
    return status;
}

void
pool_unclaim(pool_t *self, int64_t bytes)
{
    pthread_mutex_lock(&self->lock);
    self->used -= bytes;
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
    pthread_mutex_unlock(&self->lock);
    while (segment) {
        segment_t *next = segment->next;

        destroy_memfd(segment);
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
                          .recycled = self->recycled};
    pthread_mutex_unlock(&self->lock);
}
