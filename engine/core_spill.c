#include "engine/core_spill.h"

#include "base/log.h"
#include "engine/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SHARE = 16, /* of the limit is made free at least, so that not every call must wait for the disk */
    MAX_EXTENTS = 64,
    OVERDRAFT = 8 /* of the limit may be used beyond it where arrays in memory and on disk change places */
};

/* ---- which segments ------------------------------------------------------------------------------------------------
 */

/* Under the core's lock: does nothing but arrays hold it, and `more` references of ours? */
static bool
is_idle(const segment_t *segment, int more)
{
    return segment->where == SEGMENT_HERE && segment->fd >= 0 && !segment->abandoned && !segment->spent &&
           segment->outsiders == 0 && segment->maps == 0 && segment->arrays > 0 &&
           __atomic_load_n(&segment->references, __ATOMIC_ACQUIRE) == segment->arrays + more;
}

static bool
may_go(const segment_t *segment)
{
    return is_idle(segment, 0);
}

static int
by_age(const void *a, const void *b)
{
    const segment_t *one = *(segment_t *const *)a, *two = *(segment_t *const *)b;

    return (one->used_at > two->used_at) - (one->used_at < two->used_at);
}

/* ---- going ---------------------------------------------------------------------------------------------------------
 */

/* Behind the last page that is there; what was never written need not be kept.  segment_t.touched does not say it: who
 * computes into a segment, or maps it, does not tell. */
static size_t
end_of_pages(const segment_t *segment)
{
    off_t end = 0;

    for (int i = 0; i < MAX_EXTENTS; i++) {
        off_t data = lseek(segment->fd, end, SEEK_DATA);

        if (data < 0)
            return errno == ENXIO ? (size_t)end : segment->size;
        end = lseek(segment->fd, data, SEEK_HOLE);
        if (end < 0 || end >= (off_t)segment->size)
            break;
    }
    return segment->size;
}

/* The memory of a segment goes back to the kernel; its addresses stay. */
static int
free_pages(segment_t *segment, err_t *err)
{
    if (fallocate(segment->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)segment->size))
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot give back the pages of %zu bytes", segment->size);
    return FH_OK;
}

static bool
begin_to_go(core_t *self, segment_t *segment)
{
    pthread_mutex_lock(&self->lock);
    bool goes = is_idle(segment, 1);

    if (goes)
        segment->where = SEGMENT_GOING;
    pthread_mutex_unlock(&self->lock);
    return goes;
}

/* *ret_bytes grows by what has become free. */
static int
send_away(core_t *self, segment_t *segment, int64_t *ret_bytes, err_t *err)
{
    int status;

    if (!begin_to_go(self, segment))
        return FH_OK;
    segment->away = end_of_pages(segment);
    status = spill_write(self->spill, segment->data, segment->away, &segment->away_fd, err);
    if (!status) {
        status = free_pages(segment, err);
        if (status)
            spill_drop(self->spill, &segment->away_fd, segment->away);
    }
    if (!status) {
        pool_went(self->pool, segment);
        *ret_bytes += (int64_t)segment->size;
    }
    pthread_mutex_lock(&self->lock);
    segment->where = status ? SEGMENT_HERE : SEGMENT_AWAY;
    pthread_mutex_unlock(&self->lock);
    return status;
}

/* Those that may go, coldest first, each with a reference; their sum in *ret_bytes. */
static int
list_idle(core_t *self, segment_t ***ret, size_t *ret_count, int64_t *ret_bytes, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    int status = pool_pick(self->pool, may_go, ret, ret_count, ret_bytes, err);

    if (!status) /* under the lock, since who uses one makes it younger */
        qsort(*ret, *ret_count, sizeof **ret, by_age);
    pthread_mutex_unlock(&self->lock);
    return status;
}

/* Under `moving`.  The pool has refused so many bytes with what err says: free as much, or leave all as it is. */
static int
make_room(core_t *self, int64_t bytes, err_t *err)
{
    segment_t **idle = NULL;
    size_t count = 0;
    int64_t possible = 0, freed = 0;
    pool_stats_t stats;

    pool_stats(self->pool, &stats);
    int64_t wanted = stats.used + bytes - stats.limit;

    if (wanted <= 0)
        return FH_LIMIT_EXCEEDED; /* it is not memory that is lacking */
    pool_reap(self->pool);        /* files of arrays that were released leave the disk */
    int status = list_idle(self, &idle, &count, &possible, err);

    if (status)
        return status;
    if (wanted > possible)
        status = err_set(err, FH_LIMIT_EXCEEDED,
                         "%lld bytes of array memory are asked for; %lld of %lld are in use, of which %lld could be "
                         "spilled: release arrays, use more engines, or start them with more --memory",
                         (long long)bytes, (long long)stats.used, (long long)stats.limit, (long long)possible);
    if (wanted < stats.limit / SHARE)
        wanted = stats.limit / SHARE;
    bool possible_at_all = status == FH_OK;

    for (size_t i = 0; i < count; i++) {
        /* Where one does not fit a smaller one may. */
        if (possible_at_all && freed < wanted && (!status || status == FH_LIMIT_EXCEEDED))
            status = send_away(self, idle[i], &freed, err);
        segment_unref(&idle[i]);
    }
    free(idle);
    if (status && freed)
        log_limited(LOG_WARNING, "ENG-SPILL", "%s", err->text);
    return freed ? FH_OK : status ? status : err_set(err, FH_LIMIT_EXCEEDED, "the arrays to be spilled are in use");
}

/* ---- coming back ---------------------------------------------------------------------------------------------------
 */

static bool
on_reactor(const core_t *self)
{
    return self->has_reactor && pthread_equal(self->reactor, pthread_self());
}

static int
busy(err_t *err)
{
    return err_set(err, FH_BUSY, "arrays must be moved between memory and disk first");
}

static int
read_back(core_t *self, segment_t *segment, err_t *err)
{
    int status = spill_read(self->spill, segment->away_fd, segment->data, segment->away, err);
    err_t ignored;

    if (status) {
        (void)free_pages(segment, &ignored);
        pool_went(self->pool, segment);
        return status;
    }
    spill_drop(self->spill, &segment->away_fd, segment->away);
    __atomic_store_n(&segment->touched, segment->away, __ATOMIC_RELAXED);
    pthread_mutex_lock(&self->lock);
    segment->where = SEGMENT_HERE;
    pthread_mutex_unlock(&self->lock);
    return FH_OK;
}

/* One segment comes back; under `moving`, so that only we change where it is. */
static int
bring_back(core_t *self, segment_t *segment, err_t *err)
{
    int status;
    err_t ignored;

    if (segment->where == SEGMENT_HERE)
        return FH_OK;
    while ((status = pool_returns(self->pool, segment, 0, err)) == FH_LIMIT_EXCEEDED) {
        status = make_room(self, (int64_t)segment->size, err);
        if (status)
            break;
    }
    /* With memory and disk full, one must come before another can go. */
    bool beyond = status && pool_returns(self->pool, segment, pool_limit(self->pool) / OVERDRAFT, &ignored) == FH_OK;

    if (!status || beyond)
        status = read_back(self, segment, err);
    if (!status && beyond)
        (void)make_room(self, 0, &ignored);
    if (status)
        err_prefix(err, "an array of %zu bytes that was spilled is needed", segment->size);
    return status;
}

int
core_bring_back(core_t *self, segment_t *segment, err_t *err)
{
    if (on_reactor(self))
        return busy(err);
    pthread_mutex_lock(&self->moving);
    int status = bring_back(self, segment, err);

    pthread_mutex_unlock(&self->moving);
    return status;
}

int
core_take(core_t *self, size_t size, oid_t session, unsigned flags, segment_t **ret, err_t *err)
{
    int status;

    while ((status = pool_take(self->pool, size, session, flags, ret, err)) == FH_LIMIT_EXCEEDED && self->spill) {
        if (on_reactor(self))
            return busy(err);
        pthread_mutex_lock(&self->moving);
        status = make_room(self, pool_cost(self->pool, size, flags), err);
        pthread_mutex_unlock(&self->moving);
        if (status)
            return status;
    }
    return status;
}
