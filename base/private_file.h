/* base/private_file.h - files and folders that only their owner may read. */
#ifndef FH_BASE_PRIVATE_FILE_H
#define FH_BASE_PRIVATE_FILE_H

#include "base/err.h"

#include <stddef.h>

/* Make the folder and its parents; the last one with mode 0700.  An existing one must belong to us and be closed to
 * group and others (PERMISSION). */
int private_folder_make(const char *path, err_t *err);
/* Write bytes atomically with mode 0600: O_CREAT|O_EXCL|O_NOFOLLOW temporary beside it, fsync, rename. */
int private_file_write(const char *path, const void *bytes, size_t size, err_t *err);
/* Read at most max_bytes; refuses links, other owners and group- or world-readable files with PERMISSION.  *ret is
 * malloc'ed and NUL-terminated; the caller frees it. */
int private_file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_size, err_t *err);

#endif
