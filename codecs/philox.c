#include "codecs/philox.h"

#include <string.h>

static void
count_on(uint64_t counter[4], uint64_t blocks)
{
    for (int i = 0; i < 4 && blocks; i++) {
        counter[i] += blocks;
        blocks = counter[i] < blocks; /* what is carried */
    }
}

void
philox_init(philox_t *self, const uint64_t key[2], const uint64_t counter[4])
{
    *self = (philox_t){.position = 4};
    memcpy(self->key, key, sizeof self->key);
    memcpy(self->counter, counter, sizeof self->counter);
}

void
philox_restore(philox_t *self, const uint64_t key[2], const uint64_t counter[4], int position)
{
    philox_init(self, key, counter);
    if (position < 4) {
        philox_block(key, counter, self->buffer);
        self->position = position;
    }
}

uint64_t
philox_next(philox_t *self)
{
    if (self->position < 4)
        return self->buffer[self->position++];
    count_on(self->counter, 1);
    philox_block(self->key, self->counter, self->buffer);
    self->position = 1;
    return self->buffer[0];
}

uint32_t
philox_next_half(philox_t *self)
{
    if (self->has_half) {
        self->has_half = false;
        return self->half;
    }
    uint64_t next = philox_next(self);
    self->has_half = true;
    self->half = (uint32_t)(next >> 32);
    return (uint32_t)next;
}

void
philox_skip(philox_t *self, uint64_t numbers)
{
    uint64_t left = (uint64_t)(4 - self->position);
    if (numbers <= left) {
        self->position += (int)numbers;
        return;
    }
    numbers -= left;
    count_on(self->counter, (numbers - 1) / 4);
    self->position = 4;
    philox_next(self);
    self->position = (int)((numbers - 1) % 4) + 1;
}

void
philox_skip_halves(philox_t *self, uint64_t halves)
{
    if (halves && self->has_half) {
        self->has_half = false;
        halves--;
    }
    philox_skip(self, halves / 2);
    if (halves % 2)
        philox_next_half(self);
}
