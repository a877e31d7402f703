/* base/link_ring_private.h - a ring link's parts, for base/link_ring*.c; nobody else includes it. */
#ifndef FH_BASE_LINK_RING_PRIVATE_H
#define FH_BASE_LINK_RING_PRIVATE_H

#include "base/link_ring.h"
#include "base/ring.h"

enum { LINK_RING_DATA = 4096 /* where the first ring's bytes begin */ };

/* The beginning of the shared memory; the rings' bytes follow at LINK_RING_DATA, that to the server first. */
typedef struct {
    uint32_t closed[2]; /* by the server, by the client: nothing more will be read or written */
    ring_shared_t rings[2];
} link_ring_memory_t;

/* docs/protocol.md, "Rings" */
_Static_assert(offsetof(link_ring_memory_t, rings) == 64 && sizeof(ring_shared_t) == 192 &&
                   offsetof(ring_shared_t, tail) == 64 && offsetof(ring_shared_t, consumer_sleeps) == 128,
               "the layout that both programs agree on");
_Static_assert(sizeof(link_ring_memory_t) <= LINK_RING_DATA, "the rings' positions fit before their bytes");

/* A message that went only partly into the ring. */
typedef struct {
    int count, frame; /* frames; the one that is being put */
    size_t offset;    /* of it that was put */
    link_frame_t frames[LINK_MAX_FRAMES];
    uint8_t copies[]; /* of frames that came without a buf_t */
} link_ring_rest_t;

typedef struct {
    link_t link;
    bool server;
    void *map;
    size_t map_size;
    link_ring_memory_t *memory;
    ring_end_t in, out;
    int memory_fd;        /* servers, until link_ring_settle; else -1 */
    int bell, other_bell; /* ours to poll, the other's to write to */
    int kept[2];          /* servers: the other ends of both pipes; the first until link_ring_settle; else -1 */
    bool hung_up;
    const char *failure;
    uint64_t rung;
    link_ring_rest_t *rest; /* of what is being sent, or NULL */
    /* What arrives in parts: frames up to `frame` are there, and `offset` bytes of that one. */
    bool arriving;
    int frame;
    size_t offset;
    link_message_t message;
    void *spare;    /* memory of a message, for the next small one */
    int unreleased; /* messages that were given out */
    bool destroyed; /* freed with the last of them */
} ring_link_t;

extern const link_ops_t LINK_RING_OPS;

/* Give back memory and descriptors; the struct stays. */
void link_ring_unmap(ring_link_t *self);

#endif
