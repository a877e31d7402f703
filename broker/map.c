/* broker/map.c - open addressing with linear probing; removal moves the run that follows back, so there are no
 * tombstones. */
#include "broker/map.h"

#include "base/oid.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_CAPACITY = 16 };

__extension__ typedef unsigned __int128 wide_t;

static uint64_t
mix(uint64_t a, uint64_t b)
{
    wide_t product = (wide_t)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
hash_of(const map_t *self, const void *key, size_t size)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    const uint8_t *bytes = key;
    uint64_t hash = self->seed ^ (size * odd);

    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;

        memcpy(&word, bytes + i, size - i < 8 ? size - i : 8);
        hash = mix(hash ^ word, odd ^ self->seed) + odd;
    }
    return mix(hash, odd);
}

/* The slot of the key, or the free slot where it would go.  There is always a free slot. */
static size_t
find(const map_t *self, const void *key, size_t size, uint64_t hash)
{
    size_t mask = self->capacity - 1;
    size_t i = (size_t)hash & mask;

    while (self->slots[i].value &&
           (self->slots[i].hash != hash || self->slots[i].size != size || memcmp(self->slots[i].key, key, size) != 0))
        i = (i + 1) & mask;
    return i;
}

static int
resize(map_t *self, size_t capacity, err_t *err)
{
    map_slot_t *old = self->slots;
    size_t old_capacity = self->capacity;
    map_slot_t *slots = calloc(capacity, sizeof *slots);

    if (!slots)
        return err_set(err, FH_NO_MEMORY, "no memory for a table of %zu entries", capacity);
    self->slots = slots;
    self->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].value)
            self->slots[find(self, old[i].key, old[i].size, old[i].hash)] = old[i];
    free(old);
    return FH_OK;
}

void
map_init(map_t *self)
{
    oid_t random = oid_new();

    memset(self, 0, sizeof *self);
    memcpy(&self->seed, random.bytes, sizeof self->seed);
}

void
map_reserve(map_t *self, size_t count)
{
    size_t capacity = LEAST_CAPACITY;

    while (capacity < SIZE_MAX / 8 && count * 4 > capacity * 3)
        capacity *= 2;
    if (capacity > self->capacity)
        resize(self, capacity, NULL);
}

void
map_release(map_t *self)
{
    free(self->slots);
    self->slots = NULL;
    self->capacity = self->count = 0;
}

int
map_put(map_t *self, const void *key, size_t size, void *value, err_t *err)
{
    uint64_t hash = hash_of(self, key, size);

    if ((self->count + 1) * 4 > self->capacity * 3) {
        int status = resize(self, self->capacity ? self->capacity * 2 : LEAST_CAPACITY, err);

        if (status)
            return status;
    }
    self->slots[find(self, key, size, hash)] = (map_slot_t){.key = key, .value = value, .size = size, .hash = hash};
    self->count++;
    return FH_OK;
}

void
map_replace(map_t *self, const void *key, size_t size, void *value)
{
    map_slot_t *slot = &self->slots[find(self, key, size, hash_of(self, key, size))];

    slot->key = key;
    slot->value = value;
}

void *
map_get(const map_t *self, const void *key, size_t size)
{
    if (self->count == 0)
        return NULL;
    return self->slots[find(self, key, size, hash_of(self, key, size))].value;
}

void *
map_remove(map_t *self, const void *key, size_t size)
{
    if (self->count == 0)
        return NULL;
    size_t mask = self->capacity - 1;
    size_t hole = find(self, key, size, hash_of(self, key, size));
    void *value = self->slots[hole].value;

    if (!value)
        return NULL;
    for (size_t i = (hole + 1) & mask; self->slots[i].value; i = (i + 1) & mask) {
        size_t home = (size_t)self->slots[i].hash & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            self->slots[hole] = self->slots[i];
            hole = i;
        }
    }
    self->slots[hole].value = NULL;
    self->count--;
    if (self->capacity > LEAST_CAPACITY && self->count * 8 < self->capacity)
        resize(self, self->capacity / 2, NULL); /* only to save memory: as it was is good too */
    return value;
}
