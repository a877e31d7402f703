#include "engine/segment.h"

#include "base/stream_copy.h"
#include "engine/borrow.h"
#include "engine/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGN = 64, SMALL = 64 * 1024 /* a copy that is not worth a system call */ };

/* ---- making --------------------------------------------------------------------------------------------------------
 */

int
segment_new_heap(segment_t **ret, size_t size, err_t *err)
{
    char *block = malloc(sizeof(segment_t) + ALIGN + size);

    if (!block)
        return err_set(err, FH_NO_MEMORY, "no memory for an array of %zu bytes", size);
    segment_t *self = (segment_t *)(void *)block;
    uintptr_t data = (uintptr_t)(block + sizeof *self);

    memset(self, 0, sizeof *self);
    self->data = block + sizeof *self + (-data & (ALIGN - 1));
    self->size = size;
    self->fd = self->read_only_fd = self->away_fd = -1;
    /* The heap may hold anything, keys too. */
    memset(self->data, 0, size);
    *ret = self;
    return FH_OK;
}

static uint64_t
next_number(void)
{
    static uint64_t last;

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static int
open_memfd(size_t size, int *ret, err_t *err)
{
    int fd = memfd_create("farhand-array", MFD_CLOEXEC);

    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        *ret = fd;
        return FH_OK;
    }
    int number = errno;

    if (fd >= 0)
        close(fd);
    return err_set_errno(err, number == EMFILE || number == ENFILE ? FH_LIMIT_EXCEEDED : FH_NO_MEMORY, number,
                         "cannot make a segment of %zu bytes", size);
}

int
segment_new_file(segment_t **ret, size_t size, const huge_pages_t *pages, err_t *err)
{
    segment_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the record of an array");
    self->size = size;
    self->number = next_number();
    self->fd = self->read_only_fd = self->away_fd = -1;
    self->huge = pages && size >= HUGE_PAGE;
    int status = self->huge ? huge_pages_file(pages, size, &self->fd, err) : open_memfd(size, &self->fd, err);

    if (status) {
        free(self);
        return status;
    }
    /* The kernel finds an address for a file on huge pages that their entries fit. */
    self->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
    if (self->data == MAP_FAILED) {
        status = err_set_errno(err, FH_NO_MEMORY, errno, "cannot map a segment of %zu bytes", size);
        close(self->fd);
        free(self);
        return status;
    }
    *ret = self;
    return FH_OK;
}

int
segment_new_borrowed(segment_t **ret, size_t size, int fd, struct loan *loan, err_t *err)
{
    segment_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the record of an array");
    self->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (self->data == MAP_FAILED) {
        free(self);
        return err_set_errno(err, FH_NO_MEMORY, errno, "cannot map another engine's segment of %zu bytes", size);
    }
    self->size = self->touched = size;
    self->number = next_number();
    self->fd = fd;
    self->read_only_fd = self->away_fd = -1;
    self->huge = size >= HUGE_PAGE;
    self->lent = true;
    self->loan = loan;
    self->references = 1;
    *ret = self;
    return FH_OK;
}

void
segment_destroy(segment_t **self)
{
    segment_t *segment = *self;

    *self = NULL;
    if (segment->fd >= 0) {
        munmap(segment->data, segment->size);
        close(segment->fd);
    }
    if (segment->read_only_fd >= 0)
        close(segment->read_only_fd);
    free(segment);
}

/* ---- using ---------------------------------------------------------------------------------------------------------
 */

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
    if (segment->loan)
        borrow_give_back(segment);
    else
        pool_give_back(segment->pool, segment);
}

bool
segment_is_frozen(const segment_t *self)
{
    return self->mappings > 0 || self->abandoned;
}

void
segment_fill(segment_t *self, size_t offset, const void *bytes, size_t size)
{
    size_t touched = __atomic_load_n(&self->touched, __ATOMIC_RELAXED);
    bool pages_are_there = self->fd < 0 || offset < touched || size < SMALL;

    if (size == 0)
        return; /* bytes may be NULL then */
    if (offset + size > touched)
        __atomic_store_n(&self->touched, offset + size, __ATOMIC_RELAXED);
    if (!pages_are_there && pwrite(self->fd, bytes, size, (off_t)offset) == (ssize_t)size)
        return;
    if (self->size >= STREAM_COPY_BYTES && size >= SMALL)
        stream_copy(self->data + offset, bytes, size);
    else
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
segment_empty(segment_t *self)
{
    /* Where this cannot be done the pages go with the last map. */
    (void)fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)self->size);
}

void
segment_lend(segment_t *self)
{
    self->lent = true;
    segment_touch(self);
}
