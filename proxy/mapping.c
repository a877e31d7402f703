/* proxy/mapping.c - gather without a copy: the engines' memory, mapped privately.
 *
 * Pieces that lie in one file as in the whole (proxy/whole.h) are mapped together, along whatever axis they were cut.
 * Others are mapped piece beside piece: one range of addresses is reserved for the whole array, and the whole pages of
 * each piece are mapped into it, so pieces must begin at the same place of a page in their file and in the whole.  What
 * lies on a page with two pieces is copied, as are pieces that do not fit.  Addresses are chosen so that the first
 * piece lies on huge pages as its file does, and then all do whose sizes are whole huge pages. Reading cannot fault:
 * the files are as long as what is mapped (nearby_open), engines never make files shorter, and pages that were never
 * written are there as zeros; a file lives as long as it is mapped, whatever becomes of the engine. */
#include "proxy/mapping.h"

#include "codecs/strided.h"
#include "proxy/error.h"
#include "proxy/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HUGE = 2 * 1024 * 1024,
    SMALLEST_PART = 64 * 1024, /* smaller ones have no file */
};

/* ---- forks ---------------------------------------------------------------------------------------------------------
 * A forked child has the same maps, and nobody learns when it lets go of them. */

static uint64_t forks_made;
static pthread_once_t forks_counted = PTHREAD_ONCE_INIT;

static void
count_fork(void)
{
    __atomic_add_fetch(&forks_made, 1, __ATOMIC_RELAXED);
}

static void
count_forks(void)
{
    /* Without memory for the handler every mapping counts as seen by a child. */
    if (pthread_atfork(NULL, count_fork, NULL))
        forks_made = UINT64_MAX;
}

static bool
children_may_see(const fh_mapping *self)
{
    uint64_t forks = __atomic_load_n(&forks_made, __ATOMIC_RELAXED);
    return forks != self->forks || forks == UINT64_MAX;
}

int
mapping_new(fh_mapping **ret, int n, err_t *err)
{
    fh_mapping *self = calloc(1, sizeof *self + (size_t)n * sizeof *self->handles);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory to map %d pieces", n);
    pthread_once(&forks_counted, count_forks);
    self->pid = getpid();
    self->forks = __atomic_load_n(&forks_made, __ATOMIC_RELAXED);
    self->n = n;
    *ret = self;
    return FH_OK;
}

/* ---- planning ------------------------------------------------------------------------------------------------------
 */

typedef struct {
    const fh_array *array;
    fh_mapping *mapping;
    nearby_t *near;
    bool apart;     /* the parts can be mapped piece beside piece */
    int n;          /* how many parts are mapped: all, or 1 if they lie together */
    int64_t *start; /* of each of them in the whole, and the end: n + 1 */
    char *data;     /* where the whole begins */
} plan_t;

/* Are the parts of the whole, in C order, one behind the other? */
static bool
is_in_order(const fh_array *array)
{
    for (int i = 0; i < array->axis; i++)
        if (array->shape.extent[i] != 1)
            return false;
    return true;
}

/* Why the parts cannot be mapped piece beside piece; or FH_OK. */
static int
check_apart(const fh_array *array, err_t *err)
{
    if (!is_in_order(array))
        return err_set(err, FH_NOT_SUPPORTED, "an array that is cut along axis %d is not mapped", array->axis);
    for (int i = 0; i < array->n; i++) {
        nd_t nd = array_part_nd(array, i);
        if (!nd_is_c_contiguous(&nd))
            return err_set(err, FH_NOT_SUPPORTED, "piece %d is not C-contiguous", i);
        if (shape_bytes(&nd.shape, nd.dtype) < SMALLEST_PART)
            return err_set(err, FH_NOT_SUPPORTED, "piece %d is small", i);
    }
    return FH_OK;
}

/* Do the parts have the strides that they would have in the whole? */
static bool
may_lie_together(const fh_array *array)
{
    nd_t whole = array_whole_nd(array);
    for (int i = 0; i < array->n; i++) {
        nd_t nd = array_part_nd(array, i);
        for (int k = 0; k < nd.shape.ndim; k++)
            if (nd.shape.extent[k] > 1 && nd.stride[k] != whole.stride[k])
                return false;
    }
    return array->n > 1;
}

static int
plan_parts(plan_t *self, err_t *err)
{
    const fh_array *array = self->array;
    if (array_bytes(array) < NEARBY_BYTES)
        return err_set(err, FH_NOT_SUPPORTED, "an array of less than %d bytes is not mapped", NEARBY_BYTES);
    for (int i = 0; i < array->n; i++)
        if (!nearby_possible(array->parts[i].handle->engine, array_bytes(array)))
            return err_set(err, FH_NOT_SUPPORTED, "piece %d is on another host", i);
    int status = check_apart(array, err);
    self->apart = !status;
    self->n = array->n;
    for (int i = 0; i < array->n; i++) {
        shape_t shape = array_part_shape(array, i);
        self->start[i + 1] = self->start[i] + shape_bytes(&shape, array->dtype);
    }
    if (status && may_lie_together(array))
        return FH_OK;
    array->session->maps_inner |= status != FH_OK && array->n > 1 && !is_in_order(array);
    return status;
}

/* Have the engines freeze all parts and say where they are. */
static int
freeze(plan_t *self, err_t *err)
{
    const fh_array *array = self->array;
    int status = FH_OK;
    for (int i = 0; i < array->n && !status; i++) {
        handle_t *handle = array->parts[i].handle;
        status = handle_new(&self->mapping->handles[i], handle->engine, OID_NONE, 0, err);
        if (!status)
            status = nearby_ask_map(&self->near[i], handle, self->mapping->handles[i], false, err);
    }
    if (!status)
        status = nearby_wait(self->near, array->n, array->session, session_deadline(array->session, -1), err);
    for (int i = 0; i < array->n && !status; i++)
        if (!nearby_there(&self->near[i]))
            status = err_set(err, FH_NOT_SUPPORTED, "piece %d cannot be mapped: %s", i, self->near[i].request.err.text);
    return status;
}

/* ---- together ------------------------------------------------------------------------------------------------------
 */

/* Are the files of two places the same? */
static bool
is_same_file(const nearby_t *a, const nearby_t *b)
{
    struct stat one, other;
    int fds[2] = {-1, -1};
    bool same = nearby_open(a, O_RDONLY, 0, 0, &fds[0], NULL) == FH_OK &&
                nearby_open(b, O_RDONLY, 0, 0, &fds[1], NULL) == FH_OK && fstat(fds[0], &one) == 0 &&
                fstat(fds[1], &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return same;
}

static bool
lie_together(const plan_t *self)
{
    const fh_array *array = self->array;
    nd_t whole = array_whole_nd(array);
    const nearby_t *known = &self->near[0]; /* the last one whose file is that of the first */
    if (!may_lie_together(array))
        return false;
    for (int i = 1; i < array->n; i++) {
        const nearby_t *near = &self->near[i];
        int64_t offset = array->cuts[i].start * whole.stride[array->axis];
        if ((int64_t)near->offset - (int64_t)self->near[0].offset != offset || near->inode != known->inode)
            return false;
        if ((near->pid != known->pid || near->fd != known->fd) && !is_same_file(&self->near[0], near))
            return false;
        known = near;
    }
    return true;
}

/* Now that it is known where the parts are. */
static int
choose_way(plan_t *self, err_t *err)
{
    if (lie_together(self)) {
        self->start[1] = array_bytes(self->array);
        self->n = 1;
        return FH_OK;
    }
    return self->apart ? FH_OK : check_apart(self->array, err);
}

/* ---- addresses -----------------------------------------------------------------------------------------------------
 */

/* How far the whole would begin behind a huge page's start, if a part lies in it as in its file. */
static int64_t
phase_of(const plan_t *self, int part)
{
    int64_t phase = ((int64_t)self->near[part].offset - self->start[part]) % HUGE;
    return phase < 0 ? phase + HUGE : phase;
}

static bool
fits(const plan_t *self, int part)
{
    return (phase_of(self, part) - phase_of(self, 0)) % sysconf(_SC_PAGESIZE) == 0;
}

static int64_t
round_down(int64_t bytes, int64_t unit)
{
    return bytes - bytes % unit;
}

static int64_t
round_up(int64_t bytes, int64_t unit)
{
    return round_down(bytes + unit - 1, unit);
}

/* Find addresses for the whole: memory of our own, without pages yet. */
static int
reserve(plan_t *self, err_t *err)
{
    int64_t bytes = self->start[self->n], phase = phase_of(self, 0), page = sysconf(_SC_PAGESIZE), fitting = 0;
    for (int i = 0; i < self->n; i++)
        if (fits(self, i))
            fitting += self->start[i + 1] - self->start[i];
    if (fitting < bytes / 2)
        return err_set(err, FH_NOT_SUPPORTED, "%lld of %lld bytes do not begin where a page does",
                       (long long)(bytes - fitting), (long long)bytes);
    size_t size = (size_t)(bytes + 2 * (int64_t)HUGE + page);
    char *all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return err_set_errno(err, FH_NOT_SUPPORTED, errno, "no addresses for %zu bytes", size);
    self->data = all + (HUGE - (int64_t)((uintptr_t)all % HUGE)) % HUGE + phase;
    char *low = self->data - phase % page, *high = low + round_up(phase % page + bytes, page);
    if (low > all)
        munmap(all, (size_t)(low - all));
    if (high < all + size)
        munmap(high, (size_t)(all + size - high));
    self->mapping->base = low;
    self->mapping->size = (size_t)(high - low);
    return FH_OK;
}

/* ---- pieces --------------------------------------------------------------------------------------------------------
 */

static int
read_all(int fd, char *to, int64_t size, int64_t offset, err_t *err)
{
    while (size > 0) {
        ssize_t got = pread(fd, to, (size_t)size, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set_errno(err, FH_NOT_SUPPORTED, errno, "the engine's memory cannot be read");
        to += got;
        size -= got;
        offset += got;
    }
    return FH_OK;
}

/* Map the whole pages of a part, with the rest of the first and last page of all, which is nobody else's; copy what
 * else there is of it. */
static int
map_part(plan_t *self, int part, err_t *err)
{
    int64_t page = sysconf(_SC_PAGESIZE), size = self->start[part + 1] - self->start[part];
    int64_t begin = (int64_t)self->near[part].offset, end = begin + size; /* in the file */
    int64_t low = part == 0 ? round_down(begin, page) : round_up(begin, page);
    int64_t high = part == self->n - 1 ? round_up(end, page) : round_down(end, page);
    char *to = self->data + self->start[part];
    int fd, status = nearby_open(&self->near[part], O_RDONLY, 0, size, &fd, err);
    if (status)
        return status;
    if (mmap(to + (low - begin), (size_t)(high - low), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
             fd, low) == MAP_FAILED)
        status = err_set_errno(err, FH_NOT_SUPPORTED, errno, "the engine's memory cannot be mapped");
    if (!status && low > begin)
        status = read_all(fd, to, low - begin, begin, err);
    if (!status && high < end)
        status = read_all(fd, to + (high - begin), end - high, high, err);
    close(fd);
    return status;
}

static int
copy_part(plan_t *self, int part, err_t *err)
{
    nd_t remote = array_part_nd(self->array, part), local;
    nd_init(&local, self->data + self->start[part], remote.dtype, &remote.shape);
    return nearby_read(&self->near[part], self->array->session, &remote, &local, err);
}

static int
take_parts(plan_t *self, err_t *err)
{
    uint64_t mapped = 0;
    int status = FH_OK;
    for (int i = 0; i < self->n && !status; i++) {
        if (fits(self, i)) {
            status = map_part(self, i, err);
            mapped += (uint64_t)(self->start[i + 1] - self->start[i]);
        } else {
            status = copy_part(self, i, err);
            handle_unref(&self->mapping->handles[i]);
        }
    }
    if (!status)
        self->array->session->mapped_bytes += mapped;
    return status;
}

/* ---- the whole -----------------------------------------------------------------------------------------------------
 */

static int
plan_init(plan_t *self, const fh_array *array, err_t *err)
{
    size_t n = (size_t)array->n;
    *self = (plan_t){.array = array};
    self->near = calloc(n, sizeof *self->near);
    self->start = calloc(n + 1, sizeof *self->start);
    if (!self->near || !self->start)
        return err_set(err, FH_NO_MEMORY, "no memory to map %d pieces", array->n);
    return mapping_new(&self->mapping, array->n, err);
}

static void
plan_release(plan_t *self)
{
    if (self->near)
        nearby_forget(self->near, self->array->n);
    fh_mapping_free(&self->mapping);
    free(self->near);
    free(self->start);
}

int
fh_gather_map(fh_array *array, void **ret_data, fh_mapping **ret, fh_error *error)
{
    err_t *err = error_start(error);
    plan_t plan;
    int status = array_enter(array, err);
    if (status)
        return status;
    status = plan_init(&plan, array, err);
    if (!status)
        status = plan_parts(&plan, err);
    if (!status)
        status = freeze(&plan, err);
    if (!status)
        status = choose_way(&plan, err);
    if (!status)
        status = reserve(&plan, err);
    if (!status)
        status = take_parts(&plan, err);
    if (!status) {
        *ret_data = plan.data;
        *ret = plan.mapping;
        plan.mapping = NULL;
    }
    plan_release(&plan);
    if (status == FH_INTERRUPTED)
        session_cancel(array->session);
    return status;
}

void
fh_mapping_free(fh_mapping **mapping)
{
    if (!mapping || !*mapping)
        return;
    fh_mapping *self = *mapping;
    *mapping = NULL;
    /* First: engines may write the memory once they know that it is released. */
    if (self->base)
        munmap(self->base, self->size);
    for (int i = 0; i < self->n && self->pid == getpid(); i++) {
        if (self->handles[i] && children_may_see(self))
            self->handles[i]->engine->abandon = true;
        handle_unref(&self->handles[i]);
    }
    if (self->memory && self->pid == getpid())
        shared_forget(self);
    free(self);
}
