/* engine/spill.h - a folder on disk for the contents of segments that are not in use.
 *
 * Files have no names, so nothing is left of them when the engine ends, however it does. Sizes are bytes.
 * Thread rule: one thread at a time writes and reads; spill_drop and spill_bytes on any thread. */
#ifndef FH_ENGINE_SPILL_H
#define FH_ENGINE_SPILL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct spill spill_t;

/* limit_bytes: of all files together; 0: what the disk has.  Tries whether a file can be made there.  INVALID_ARGUMENT:
 * it cannot. */
int spill_new(spill_t **ret, const char *folder, int64_t limit_bytes, err_t *err);
/* All files must have been dropped. */
void spill_destroy(spill_t **self);
/* Put bytes into a new file.  LIMIT_EXCEEDED: the limit or the disk is full; IO_ERROR.  Nothing is left then. */
int spill_write(spill_t *self, const void *bytes, size_t size, int *ret_fd, err_t *err);
/* Get all of them.  IO_ERROR: the file keeps them. */
int spill_read(spill_t *self, int fd, void *bytes, size_t size, err_t *err);
/* Forget a file of so many bytes; *fd is -1 then. */
void spill_drop(spill_t *self, int *fd, size_t size);
int64_t spill_bytes(const spill_t *self);

#endif
