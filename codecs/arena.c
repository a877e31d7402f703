#include "codecs/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_FIRST_BYTES = 4096 };

typedef struct chunk {
    struct chunk *next;
    size_t size, used;
    alignas(ARENA_ALIGN) uint8_t bytes[];
} chunk_t;

/* Chunks in the order newest first; total is the sum of their sizes.  A reset that finds several chunks replaces them
 * by one of their total size, so that an arena in steady use allocates nothing. */
struct arena {
    chunk_t *chunks;
    size_t total, max_bytes;
    size_t wanted; /* size of the first chunk after a reset that freed several */
};

int
arena_new(arena_t **ret, size_t max_bytes, err_t *err)
{
    arena_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for an arena");
    self->max_bytes = max_bytes;
    self->wanted = ARENA_FIRST_BYTES;
    *ret = self;
    return FH_OK;
}

static void
free_chunks(arena_t *self)
{
    while (self->chunks) {
        chunk_t *next = self->chunks->next;
        free(self->chunks);
        self->chunks = next;
    }
    self->total = 0;
}

void
arena_destroy(arena_t **self)
{
    if (!*self)
        return;
    free_chunks(*self);
    free(*self);
    *self = NULL;
}

void
arena_reset(arena_t *self)
{
    if (self->chunks && self->chunks->next) {
        self->wanted = self->total;
        free_chunks(self);
    } else if (self->chunks) {
        self->chunks->used = 0;
    }
}

/* A new chunk with room for size bytes: twice the last one if the maximum allows, else what is left. */
static int
add_chunk(arena_t *self, size_t size, err_t *err)
{
    size_t left = self->max_bytes - self->total;
    if (size > left)
        return err_set(err, FH_LIMIT_EXCEEDED, "lists of %zu bytes more than the %zu that one frame may take",
                       size - left, self->max_bytes);
    size_t bytes = self->chunks ? self->chunks->size * 2 : self->wanted;
    if (bytes > left)
        bytes = left;
    if (bytes < size)
        bytes = size;
    if (bytes > SIZE_MAX - sizeof(chunk_t))
        return err_set(err, FH_LIMIT_EXCEEDED, "lists of %zu bytes", bytes);
    chunk_t *chunk = malloc(sizeof *chunk + bytes);
    if (!chunk)
        return err_set(err, FH_NO_MEMORY, "no memory for lists of %zu bytes", bytes);
    chunk->next = self->chunks;
    chunk->size = bytes;
    chunk->used = 0;
    self->chunks = chunk;
    self->total += bytes;
    return FH_OK;
}

int
arena_alloc(arena_t *self, size_t size, void **ret, err_t *err)
{
    if (size > SIZE_MAX - ARENA_ALIGN)
        return err_set(err, FH_LIMIT_EXCEEDED, "a list of %zu bytes", size);
    size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!self->chunks || rounded > self->chunks->size - self->chunks->used) {
        int status = add_chunk(self, rounded, err);
        if (status)
            return status;
    }
    chunk_t *chunk = self->chunks;
    void *bytes = chunk->bytes + chunk->used;
    chunk->used += rounded;
    if (size)
        memset(bytes, 0, size);
    *ret = bytes;
    return FH_OK;
}
