/* base/buf.h - reference-counted immutable bytes, shared between threads.
 * The count is atomic; the bytes may be written only while the owner holds the single reference. */
#ifndef FH_BASE_BUF_H
#define FH_BASE_BUF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct buf buf_t;

/* Room for size bytes, not cleared.  size above max_bytes (0: no limit) is LIMIT_EXCEEDED.  OK, NO_MEMORY,
 * LIMIT_EXCEEDED. On success *ret is owned by the caller (one reference). */
int buf_new(buf_t **ret, size_t size, size_t max_bytes, err_t *err);
/* A copy of size bytes. */
int buf_new_copy(buf_t **ret, const void *bytes, size_t size, err_t *err);
/* Take over memory that is not ours: release(data, context) runs exactly once, when the last reference goes, on
 * whichever thread drops it.  On failure nothing was taken and release does not run. */
int buf_new_foreign(buf_t **ret, void *data, size_t size, void (*release)(void *data, void *context), void *context,
                    err_t *err);
buf_t *buf_ref(buf_t *self);
/* Drop one reference and set *self to NULL.  Idempotent. */
void buf_unref(buf_t **self);
void *buf_data(buf_t *self);
size_t buf_size(const buf_t *self);

#endif
