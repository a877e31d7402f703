/* proxy/scatter_chunk.h - small local arrays that go to one engine together: as one array of bytes, which one message
 * cuts up there.  On this host they are copied once, straight into the engine's memory.
 *
 * A chunk is planned (chunk_add), asked for (chunk_ask: the engine takes memory while others are being filled), and
 * sent.  Thread rule: that of the session. */
#ifndef FH_PROXY_SCATTER_CHUNK_H
#define FH_PROXY_SCATTER_CHUNK_H

#include "proxy/nearby.h"
#include "proxy/scatter.h"

enum { CHUNK_ALONE_BYTES = 256 * 1024 /* arrays from here on go by themselves */ };

/* Where all chunks of a list are put together. */
typedef struct chunk_desk chunk_desk_t;

/* Arrays first, first + step, ... of a list, n of them beside those that go by themselves. */
typedef struct {
    engine_link_t *engine;
    int first, step, n;
    bool near;           /* its memory may be reached */
    int64_t used, limit; /* bytes of all, and how many there may be */
    handle_t *all;       /* the array of bytes; NULL: not asked for yet */
    nearby_t place;      /* where that lies */
} chunk_t;

/* NO_MEMORY. */
int chunk_desk_new(chunk_desk_t **ret, err_t *err);
void chunk_desk_free(chunk_desk_t **self);

/* Without arrays yet, the first of which is going to be that one. */
void chunk_init(chunk_t *self, engine_link_t *engine, int first, int step);
/* One more array, of so many bytes.  False: it has no room, and begins another chunk. */
bool chunk_add(chunk_t *self, int64_t bytes);
/* Have the engine take memory.  Does not wait for that; self must stay where it is until chunk_release. */
int chunk_ask(chunk_t *self, err_t *err);
/* Copy the arrays of this list there.  ret: room for a handle at the place of each array in the list, NULL before;
 * those of the chunk are put there, on failure perhaps not all.  Waits.  What scatter_local says has been looked at. */
int chunk_send(chunk_t *self, chunk_desk_t *desk, const fh_local *sources, fh_array **ret, err_t *err);
void chunk_release(chunk_t *self);

#endif
