#include "base/private_file.h"

#include "base/oid.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* what: "folder" or "file". */
static int
check_private(const char *what, const char *path, const struct stat *info, err_t *err)
{
    if (info->st_uid != geteuid())
        return err_set(err, FH_PERMISSION, "%s %s belongs to user %u, not to us (%u)", what, path,
                       (unsigned)info->st_uid, (unsigned)geteuid());
    if (info->st_mode & 077)
        return err_set(err, FH_PERMISSION, "%s %s has mode %03o: group or others could look in; run chmod go= on it",
                       what, path, (unsigned)info->st_mode & 07777);
    return FH_OK;
}

static int
check_folder(const char *path, err_t *err)
{
    int status = FH_OK;
    struct stat info;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno == ELOOP || errno == ENOTDIR || errno == EACCES ? FH_PERMISSION : FH_IO_ERROR,
                             errno, "cannot use the folder %s", path);
    if (fstat(fd, &info))
        status = err_set_errno(err, FH_IO_ERROR, errno, "cannot look at the folder %s", path);
    else
        status = check_private("folder", path, &info, err);
    close(fd);
    return status;
}

int
private_folder_make(const char *path, err_t *err)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return err_set(err, FH_INVALID_ARGUMENT, "a folder's path has %zu bytes; it can have 1 to %zu", length,
                       sizeof part - 1);
    memcpy(part, path, length + 1);
    while (length > 1 && part[length - 1] == '/')
        part[--length] = '\0';
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char kept = part[i];
        part[i] = '\0';
        int why = mkdir(part, 0700) ? errno : 0;
        if (why && why != EEXIST && (kept == '\0' || access(part, X_OK)))
            return err_set_errno(err, why == EACCES ? FH_PERMISSION : FH_IO_ERROR, why, "cannot make the folder %s",
                                 part);
        part[i] = kept;
    }
    return check_folder(part, err);
}

static bool
write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* Make a rename last; a file system that cannot sync folders is no failure of ours. */
static void
sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 1;
    if (length == 0 || length >= sizeof folder)
        return;
    memcpy(folder, slash ? path : ".", length);
    folder[length] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

int
private_file_write(const char *path, const void *bytes, size_t size, err_t *err)
{
    int status = FH_OK;
    char temporary[PATH_MAX], unique[OID_TEXT_SIZE];
    int length = snprintf(temporary, sizeof temporary, "%s.%.12s", path, oid_format(oid_new(), unique));
    if (length < 0 || (size_t)length >= sizeof temporary)
        return err_set(err, FH_INVALID_ARGUMENT, "the path of a private file is too long");
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, errno == EACCES ? FH_PERMISSION : FH_IO_ERROR, errno, "cannot write %s", temporary);
    bool written = fchmod(fd, 0600) == 0 && write_all(fd, bytes, size) && fsync(fd) == 0; /* fchmod: an odd umask */
    int saved = errno;
    if (close(fd) && written) {
        saved = errno;
        written = false;
    }
    if (!written) {
        status = err_set_errno(err, FH_IO_ERROR, saved, "cannot write %zu bytes to %s", size, temporary);
    } else if (rename(temporary, path)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "cannot put %s in its place", path);
    } else {
        sync_folder_of(path);
    }
    if (status)
        (void)unlink(temporary);
    return status;
}

static int
read_open(int fd, const char *path, size_t max_bytes, char **ret, size_t *ret_size, err_t *err)
{
    struct stat info;
    if (fstat(fd, &info))
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot look at %s", path);
    if (!S_ISREG(info.st_mode))
        return err_set(err, FH_PERMISSION, "%s is no regular file", path);
    int status = check_private("file", path, &info, err);
    if (status)
        return status;
    if (info.st_size < 0 || (uint64_t)info.st_size > max_bytes)
        return err_set(err, FH_LIMIT_EXCEEDED, "%s has %lld bytes; at most %zu are read", path, (long long)info.st_size,
                       max_bytes);
    size_t size = 0, room = (size_t)info.st_size;
    char *bytes = malloc(room + 1);
    if (!bytes)
        return err_set(err, FH_NO_MEMORY, "no memory for the %zu bytes of %s", room, path);
    while (size < room) {
        ssize_t got = read(fd, bytes + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = err_set_errno(err, FH_IO_ERROR, errno, "cannot read %s", path);
            free(bytes);
            return status;
        }
        if (got == 0)
            break;
        size += (size_t)got;
    }
    bytes[size] = '\0';
    *ret = bytes;
    *ret_size = size;
    return FH_OK;
}

int
private_file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_size, err_t *err)
{
    /* O_NONBLOCK: a fifo that somebody put there must not stop us. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, errno == ELOOP || errno == EACCES ? FH_PERMISSION : FH_IO_ERROR, errno,
                             "cannot open %s", path);
    int status = read_open(fd, path, max_bytes, ret, ret_size, err);
    close(fd);
    return status;
}
