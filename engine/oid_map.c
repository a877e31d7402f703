/* engine/oid_map.c - open addressing with linear probing; removal moves later entries back, so there are no tombstones.
 */
#include "engine/oid_map.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

static size_t
home(const oid_map_t *self, oid_t key)
{
    uint64_t mixed = (oid_hash(key) ^ self->seed) * UINT64_C(0x9E3779B97F4A7C15);

    return (size_t)(mixed ^ mixed >> 32) & (self->capacity - 1);
}

/* The slot that holds key, or the free one where it would go. */
static size_t
locate(const oid_map_t *self, oid_t key)
{
    size_t i = home(self, key);

    while (self->slots[i].value && !oid_equal(self->slots[i].key, key))
        i = (i + 1) & (self->capacity - 1);
    return i;
}

static int
resize(oid_map_t *self, size_t capacity, err_t *err)
{
    oid_map_t bigger = {.capacity = capacity, .count = self->count, .seed = self->seed};

    if (!bigger.seed)
        bigger.seed = oid_hash(oid_new()) | 1;
    bigger.slots = calloc(capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return err_set(err, FH_NO_MEMORY, "no memory for a table of %zu ids", capacity);
    for (size_t i = 0; i < self->capacity; i++)
        if (self->slots[i].value)
            bigger.slots[locate(&bigger, self->slots[i].key)] = self->slots[i];
    free(self->slots);
    *self = bigger;
    return FH_OK;
}

void
oid_map_release(oid_map_t *self)
{
    free(self->slots);
    memset(self, 0, sizeof *self);
}

void *
oid_map_find(const oid_map_t *self, oid_t key)
{
    return self->count ? self->slots[locate(self, key)].value : NULL;
}

int
oid_map_add(oid_map_t *self, oid_t key, void *value, err_t *err)
{
    if ((self->count + 1) * 4 > self->capacity * 3) {
        int status = resize(self, self->capacity ? self->capacity * 2 : FIRST_CAPACITY, err);

        if (status)
            return status;
    }
    self->slots[locate(self, key)] = (oid_slot_t){key, value};
    self->count++;
    return FH_OK;
}

void *
oid_map_remove(oid_map_t *self, oid_t key)
{
    if (!self->count)
        return NULL;
    size_t mask = self->capacity - 1, hole = locate(self, key);
    void *value = self->slots[hole].value;

    if (!value)
        return NULL;
    for (size_t i = (hole + 1) & mask; self->slots[i].value; i = (i + 1) & mask) {
        /* An entry may fill the hole if its home is not between the hole and itself. */
        if (((i - home(self, self->slots[i].key)) & mask) >= ((i - hole) & mask)) {
            self->slots[hole] = self->slots[i];
            hole = i;
        }
    }
    self->slots[hole].value = NULL;
    self->count--;
    return value;
}

void *
oid_map_next(const oid_map_t *self, size_t *cursor)
{
    while (*cursor < self->capacity) {
        void *value = self->slots[(*cursor)++].value;

        if (value)
            return value;
    }
    return NULL;
}
