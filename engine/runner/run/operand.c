#include "engine/runner/run/operand.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int
operand_check(const runner_operand_t *wire, nd_t *ret, int64_t *ret_low, int64_t *ret_high, err_t *err)
{
    if (wire->dtype < 0 || !dtype_valid((uint64_t)wire->dtype) || wire->ndim < 0 || wire->ndim > SHAPE_MAX_DIMS)
        return err_set(err, FH_KERNEL_ERROR, "an array has dtype code %d and %d dimensions", wire->dtype, wire->ndim);
    *ret = (nd_t){.dtype = (dtype_t)wire->dtype, .shape.ndim = wire->ndim};
    for (int i = 0; i < wire->ndim; i++) {
        ret->shape.extent[i] = wire->extent[i];
        ret->stride[i] = wire->stride[i];
    }
    if (shape_count(&ret->shape) < 0)
        return err_set(err, FH_KERNEL_ERROR, "the shape of an array is too large or negative");
    int64_t low = 0, high = 0, from = 0, to = 0;
    if (nd_extent(ret, &low, &high) || __builtin_add_overflow(wire->offset, low, &from) ||
        __builtin_add_overflow(wire->offset, high, &to) || (from < to && (from < 0 || to > wire->fd_size)))
        return err_set(err, FH_KERNEL_ERROR, "an array at offset %lld does not lie inside its %lld bytes",
                       (long long)wire->offset, (long long)wire->fd_size);
    *ret_low = from;
    *ret_high = to;
    return FH_OK;
}

enum { PAGE = 4096, MAX_PAGE = 1 << 30 };

/* The real size of a file and of its pages (4 KiB, or huge ones), by the system call: glibc's fstat makes one that the
 * sandbox refuses, since it takes paths. */
static int
look_at_file(int fd, int64_t *ret_size, int64_t *ret_page, err_t *err)
{
    struct stat info;
    if (syscall(SYS_fstat, fd, &info))
        return err_set_errno(err, FH_KERNEL_ERROR, errno, "the size of an array's memory cannot be told");
    bool sane = info.st_blksize >= PAGE && info.st_blksize <= MAX_PAGE && !(info.st_blksize & (info.st_blksize - 1));
    *ret_size = info.st_size;
    *ret_page = sane ? info.st_blksize : PAGE;
    return FH_OK;
}

int
operand_map(operand_map_t *self, const runner_operand_t *wire, int fd, bool writable, err_t *err)
{
    int64_t low, high, file_size = 0, page = PAGE;
    *self = (operand_map_t){.start = NULL};
    int status = operand_check(wire, &self->nd, &low, &high, err);
    if (status || low == high)
        return status;
    status = look_at_file(fd, &file_size, &page, err);
    if (status)
        return status;
    if (high > file_size)
        return err_set(err, FH_KERNEL_ERROR, "an array ends at byte %lld of %lld", (long long)high,
                       (long long)file_size);
    /* Whole pages: of a huge one it takes one entry, of a part of it up to 512. */
    int64_t start = low & ~(page - 1), end = (high + page - 1) & ~(page - 1);
    size_t size = (size_t)((end < file_size ? end : file_size) - start);
    void *memory =
        mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_POPULATE, fd, start);
    if (memory == MAP_FAILED)
        return err_set_errno(err, FH_NO_MEMORY, errno, "the runner cannot map %zu bytes", size);
    self->start = memory;
    self->size = size;
    self->from = start;
    self->nd.data = (char *)memory + (wire->offset - start);
    return FH_OK;
}

int
operand_in_mailbox(operand_map_t *self, const runner_operand_t *wire, char *mailbox, err_t *err)
{
    int64_t low, high;
    *self = (operand_map_t){.start = NULL};
    int status = operand_check(wire, &self->nd, &low, &high, err);
    if (status || low == high)
        return status;
    if (!mailbox || low < 0 || high > RUNNER_MAILBOX_BYTES)
        return err_set(err, FH_KERNEL_ERROR, "an array from byte %lld to %lld does not lie in the mailbox",
                       (long long)low, (long long)high);
    self->nd.data = mailbox + wire->offset;
    return FH_OK;
}

int
operand_in_map(operand_map_t *ret, const runner_operand_t *wire, const operand_map_t *map, err_t *err)
{
    int64_t low, high;
    *ret = (operand_map_t){.start = NULL};
    int status = operand_check(wire, &ret->nd, &low, &high, err);
    if (status || low == high)
        return status;
    if (!map->start || low < map->from || high - map->from > (int64_t)map->size)
        return err_set(err, FH_KERNEL_ERROR, "an array from byte %lld to %lld does not lie in the map of %zu at %lld",
                       (long long)low, (long long)high, map->size, (long long)map->from);
    ret->nd.data = (char *)map->start + (wire->offset - map->from);
    return FH_OK;
}

void
operand_unmap(operand_map_t *self)
{
    if (self->start)
        munmap(self->start, self->size);
    self->start = NULL;
}
