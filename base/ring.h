/* base/ring.h - one byte ring in shared memory: a producer in one process, a consumer in another.
 *
 * Positions count bytes from the beginning of time and are multiples of 8; the ring holds what lies between the
 * consumer's and the producer's.  Each side keeps its own position to itself, copies the other's once and believes it
 * only within bounds: whatever the other side writes into the memory, nothing outside of the ring is touched, and a
 * position that cannot be breaks the ring for good (`broken`).  The bytes themselves can change at any time: they are
 * copied out before they are looked at.
 *
 * Sleeping.  A side that is about to sleep stores a flag, then looks at the other's position once more; the other
 * side stores its position, then looks at the flag.  Between store and look both have a full fence.  Of two such pairs
 * at least one look comes after the other's store (if both looks came before, each store would come after the other's
 * look, which comes after that one's own store: a circle).  So either the sleeper sees the new position and stays
 * awake, or the other sees the flag and rings.  Whoever clears the flag rings, once.
 *
 * Thread rule: each end belongs to one thread. */
#ifndef FH_BASE_RING_H
#define FH_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_ALIGN = 8 };

/* What both sides see, beside the data.  Every publishing looks whether the consumer sleeps: that flag has a cache line
 * of its own, which the consumer writes only when it sleeps, while it writes `tail` for each message. */
typedef struct {
    _Alignas(64) uint64_t head;            /* bytes ever published; the producer's */
    uint32_t producer_sleeps;              /* until there is room */
    uint32_t producer_cpu;                 /* on which it published last; a hint */
    uint32_t company;                      /* not 0: the producer awaits answers of others, too; a hint */
    _Alignas(64) uint64_t tail;            /* bytes ever released; the consumer's */
    _Alignas(64) uint32_t consumer_sleeps; /* until there is something */
} ring_shared_t;

/* One side's own.  A producer uses the functions of producers only, a consumer those of consumers. */
typedef struct {
    ring_shared_t *shared;
    uint8_t *data;
    uint64_t size;   /* of data; a power of two */
    uint64_t at;     /* our position: written or read so far */
    uint64_t told;   /* how much of it the other side has been told */
    uint64_t theirs; /* the other side's position when we last looked */
    bool broken;
    bool company; /* what the other side was told */
} ring_end_t;

/* Both sides begin with memory of zeros. */
void ring_init(ring_end_t *self, ring_shared_t *shared, void *data, size_t size);

/* Producers: bytes that can be put now, a multiple of 8; 0 if broken. */
size_t ring_room(ring_end_t *self);
/* Put bytes, of which there must be room for all, and skip to the next multiple of 8.  NULL puts nothing but skips. */
void ring_put(ring_end_t *self, const void *bytes, size_t size);
/* Let the consumer see what was put.  True: it sleeps, and must be rung. */
bool ring_publish(ring_end_t *self);
/* The CPU on which the other side's process last published in the ring that we consume; a hint, which may be wrong. */
int ring_producer_cpu(const ring_end_t *self);
/* Store the hint for the consumer, which is there with what is published next. */
void ring_tell_company(ring_end_t *self, bool company);
/* Consumers: the producer's hint. */
bool ring_has_company(const ring_end_t *self);
/* Is there room for so many bytes?  If not, the consumer will ring when half of the ring is free. */
bool ring_room_or_sleep(ring_end_t *self, size_t size);

/* Consumers: bytes that can be taken now, a multiple of 8; 0 if broken. */
size_t ring_filled(ring_end_t *self);
/* Is there anything?  As ring_filled, but cheaper for who waits. */
bool ring_has_any(const ring_end_t *self);
/* Copy bytes out, which must be there, and skip to the next multiple of 8. */
void ring_take(ring_end_t *self, void *to, size_t size);
/* Let the producer use the room of what was taken.  True: it sleeps and has room enough now, and must be rung. */
bool ring_release(ring_end_t *self);
/* Announce sleep.  False: there is something after all, and nothing was announced. */
bool ring_sleep(ring_end_t *self);
/* Awake again, for whatever reason. */
void ring_wake(ring_end_t *self);

static inline size_t
ring_padded(size_t size)
{
    return (size + RING_ALIGN - 1) & ~(size_t)(RING_ALIGN - 1);
}

/* Between two looks of a loop that waits. */
static inline void
ring_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
