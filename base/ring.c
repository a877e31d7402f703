#include "base/ring.h"

#include <sched.h>
#include <string.h>

void
ring_init(ring_end_t *self, ring_shared_t *shared, void *data, size_t size)
{
    *self = (ring_end_t){.shared = shared, .data = data, .size = size};
}

/* Look at the other side's position.  behind: it is the consumer's, at most ours; else the producer's, at least ours.
 * It only grows, and in multiples of 8. */
static void
look(ring_end_t *self, const uint64_t *position, bool behind)
{
    uint64_t now = __atomic_load_n(position, __ATOMIC_SEQ_CST);
    uint64_t distance = behind ? self->at - now : now - self->at;
    uint64_t step = now - self->theirs;

    if (distance > self->size || step > self->size || now % RING_ALIGN)
        self->broken = true;
    else
        self->theirs = now;
}

/* Has the flag been set?  Whoever gets true clears it by that, and rings. */
static bool
take_flag(uint32_t *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST) && __atomic_exchange_n(flag, 0, __ATOMIC_SEQ_CST);
}

/* ---- producer ------------------------------------------------------------------------------------------------------
 */

static size_t
room(const ring_end_t *self)
{
    return self->broken ? 0 : (size_t)(self->size - (self->at - self->theirs));
}

size_t
ring_room(ring_end_t *self)
{
    look(self, &self->shared->tail, true);
    return room(self);
}

void
ring_put(ring_end_t *self, const void *bytes, size_t size)
{
    size_t offset = (size_t)(self->at & (self->size - 1)), first = (size_t)self->size - offset;

    if (bytes && size) {
        if (first > size)
            first = size;
        memcpy(self->data + offset, bytes, first);
        if (size > first)
            memcpy(self->data, (const uint8_t *)bytes + first, size - first);
    }
    self->at += ring_padded(size);
}

bool
ring_publish(ring_end_t *self)
{
    if (self->told == self->at)
        return false;
    self->told = self->at;
    __atomic_store_n(&self->shared->producer_cpu, (uint32_t)sched_getcpu(), __ATOMIC_RELAXED);
    __atomic_store_n(&self->shared->head, self->at, __ATOMIC_SEQ_CST);
    return take_flag(&self->shared->consumer_sleeps);
}

int
ring_producer_cpu(const ring_end_t *self)
{
    return (int)__atomic_load_n(&self->shared->producer_cpu, __ATOMIC_RELAXED);
}

void
ring_tell_company(ring_end_t *self, bool company)
{
    if (self->company == company)
        return;
    self->company = company;
    __atomic_store_n(&self->shared->company, company, __ATOMIC_RELAXED);
}

bool
ring_has_company(const ring_end_t *self)
{
    return __atomic_load_n(&self->shared->company, __ATOMIC_RELAXED) != 0;
}

bool
ring_room_or_sleep(ring_end_t *self, size_t size)
{
    if (room(self) >= size || ring_room(self) >= size)
        return true;
    if (self->broken)
        return false;
    __atomic_store_n(&self->shared->producer_sleeps, 1, __ATOMIC_SEQ_CST);
    return ring_room(self) >= size;
}

/* ---- consumer ------------------------------------------------------------------------------------------------------
 */

size_t
ring_filled(ring_end_t *self)
{
    look(self, &self->shared->head, false);
    return self->broken ? 0 : (size_t)(self->theirs - self->at);
}

bool
ring_has_any(const ring_end_t *self)
{
    return !self->broken &&
           (self->theirs != self->at || __atomic_load_n(&self->shared->head, __ATOMIC_SEQ_CST) != self->at);
}

void
ring_take(ring_end_t *self, void *to, size_t size)
{
    size_t offset = (size_t)(self->at & (self->size - 1)), first = (size_t)self->size - offset;

    if (first > size)
        first = size;
    if (size) {
        memcpy(to, self->data + offset, first);
        if (size > first)
            memcpy((uint8_t *)to + first, self->data, size - first);
    }
    self->at += ring_padded(size);
}

bool
ring_release(ring_end_t *self)
{
    if (self->told == self->at)
        return false;
    self->told = self->at;
    __atomic_store_n(&self->shared->tail, self->at, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&self->shared->producer_sleeps, __ATOMIC_SEQ_CST))
        return false;
    look(self, &self->shared->head, false);
    return self->theirs - self->at <= self->size / 2 && take_flag(&self->shared->producer_sleeps);
}

bool
ring_sleep(ring_end_t *self)
{
    if (ring_has_any(self))
        return false;
    __atomic_store_n(&self->shared->consumer_sleeps, 1, __ATOMIC_SEQ_CST);
    if (!ring_has_any(self))
        return true;
    ring_wake(self);
    return false;
}

void
ring_wake(ring_end_t *self)
{
    __atomic_store_n(&self->shared->consumer_sleeps, 0, __ATOMIC_RELAXED);
}
