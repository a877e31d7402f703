#include "engine/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PART = 16 * 1024 * 1024 /* in one system call, so that a signal does not wait long */ };

struct spill {
    int64_t limit, bytes; /* bytes: atomic */
    char folder[PATH_MAX];
};

/* A file system without O_TMPFILE gets a file that loses its name at once. */
static int
open_nameless(const char *folder)
{
    char path[PATH_MAX];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    if (snprintf(path, sizeof path, "%s/farhand-spill-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

int
spill_new(spill_t **ret, const char *folder, int64_t limit_bytes, err_t *err)
{
    spill_t *self = calloc(1, sizeof *self);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the record of a folder");
    self->limit = limit_bytes > 0 ? limit_bytes : INT64_MAX;
    bool fits = snprintf(self->folder, sizeof self->folder, "%s", folder) < (int)sizeof self->folder;
    int fd = fits ? open_nameless(self->folder) : -1, number = fits ? errno : ENAMETOOLONG;

    if (fd < 0) {
        free(self);
        return err_set_errno(err, FH_INVALID_ARGUMENT, number, "cannot make files in %.300s to spill arrays to",
                             folder);
    }
    close(fd);
    *ret = self;
    return FH_OK;
}

void
spill_destroy(spill_t **self)
{
    free(*self);
    *self = NULL;
}

/* Count bytes, or refuse. */
static int
claim(spill_t *self, size_t size, err_t *err)
{
    int64_t bytes = __atomic_add_fetch(&self->bytes, (int64_t)size, __ATOMIC_RELAXED);

    if (bytes <= self->limit)
        return FH_OK;
    __atomic_sub_fetch(&self->bytes, (int64_t)size, __ATOMIC_RELAXED);
    return err_set(err, FH_LIMIT_EXCEEDED,
                   "%zu bytes cannot be spilled to %.200s: %" PRId64 " of %" PRId64
                   " are there; release arrays, or start engines with more --spill-limit",
                   size, self->folder, bytes - (int64_t)size, self->limit);
}

static bool
is_full(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

static int
write_all(const spill_t *self, int fd, const char *bytes, size_t size, err_t *err)
{
    for (size_t at = 0; at < size;) {
        ssize_t part = pwrite(fd, bytes + at, size - at < PART ? size - at : PART, (off_t)at);

        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return err_set_errno(err, part < 0 && is_full(errno) ? FH_LIMIT_EXCEEDED : FH_IO_ERROR,
                                 part < 0 ? errno : EIO, "cannot spill %zu bytes to %.300s", size, self->folder);
        at += (size_t)part;
    }
    return FH_OK;
}

int
spill_write(spill_t *self, const void *bytes, size_t size, int *ret_fd, err_t *err)
{
    int fd = -1, status = claim(self, size, err);

    if (status)
        return status;
    fd = open_nameless(self->folder);
    if (fd < 0)
        status =
            err_set_errno(err, errno == EMFILE || errno == ENFILE || errno == ENOSPC ? FH_LIMIT_EXCEEDED : FH_IO_ERROR,
                          errno, "cannot make a file in %.300s", self->folder);
    /* A full disk shows at once, not after much has been written. */
    if (!status && size && fallocate(fd, 0, 0, (off_t)size) && is_full(errno))
        status = err_set_errno(err, FH_LIMIT_EXCEEDED, errno, "cannot spill %zu bytes to %.300s", size, self->folder);
    if (!status)
        status = write_all(self, fd, bytes, size, err);
    if (status)
        spill_drop(self, &fd, size);
    else
        *ret_fd = fd;
    return status;
}

int
spill_read(spill_t *self, int fd, void *bytes, size_t size, err_t *err)
{
    for (size_t at = 0; at < size;) {
        ssize_t part = pread(fd, (char *)bytes + at, size - at < PART ? size - at : PART, (off_t)at);

        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return err_set_errno(err, FH_IO_ERROR, part < 0 ? errno : EIO,
                                 "cannot read %zu bytes of an array that was spilled to %.300s", size, self->folder);
        at += (size_t)part;
    }
    return FH_OK;
}

void
spill_drop(spill_t *self, int *fd, size_t size)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    __atomic_sub_fetch(&self->bytes, (int64_t)size, __ATOMIC_RELAXED);
}

int64_t
spill_bytes(const spill_t *self)
{
    return __atomic_load_n(&self->bytes, __ATOMIC_RELAXED);
}
