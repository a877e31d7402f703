/* codecs/arena.h - memory for the lists of decoded messages: grows to a fixed maximum, reused from message to message.
 * Thread rule: one thread at a time.  What was allocated stays valid until the next arena_reset. */
#ifndef FH_CODECS_ARENA_H
#define FH_CODECS_ARENA_H

#include "base/err.h"

#include <stddef.h>

typedef struct arena arena_t;

/* An empty arena that will never hold more than max_bytes.  OK, NO_MEMORY.  *ret is owned by the caller. */
int arena_new(arena_t **ret, size_t max_bytes, err_t *err);
/* Free everything and set *self to NULL.  Idempotent. */
void arena_destroy(arena_t **self);
/* Forget all allocations; the memory is kept for the next ones. */
void arena_reset(arena_t *self);
/* size bytes, cleared to zero, aligned to 16.  Size 0 gives a valid pointer that must not be read.  LIMIT_EXCEEDED when
 * the arena's maximum would be passed, NO_MEMORY. */
int arena_alloc(arena_t *self, size_t size, void **ret, err_t *err);

#endif
