/* broker/map.h - a hash map from bytes (an id, a name, a connection) to pointers.
 * Keys are borrowed: they lie in the value and must live unchanged as long as they are in the map.  The hash is seeded
 * for each map, so that peers who choose the keys cannot choose the collisions.  Thread rule: one thread at a time. */
#ifndef FH_BROKER_MAP_H
#define FH_BROKER_MAP_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const void *key;
    void *value; /* NULL: the slot is free */
    size_t size;
    uint64_t hash;
} map_slot_t;

/* Plain memory; all-zero but for the seed. */
typedef struct {
    map_slot_t *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed;
} map_t;

void map_init(map_t *self);
/* Frees the slots, not the values. */
void map_release(map_t *self);
/* Have room for so many entries, so that adding them makes nothing larger.  Only to save time: no memory is no error.
 */
void map_reserve(map_t *self, size_t count);
/* Add a key that is not in the map; value must not be NULL.  OK, NO_MEMORY (nothing has changed). */
int map_put(map_t *self, const void *key, size_t size, void *value, err_t *err);
/* Exchange key and value of an entry that is in the map for others with equal key bytes.  Cannot fail. */
void map_replace(map_t *self, const void *key, size_t size, void *value);
/* NULL if it is not there. */
void *map_get(const map_t *self, const void *key, size_t size);
/* Take out and return, or NULL.  Gives memory back when few entries are left. */
void *map_remove(map_t *self, const void *key, size_t size);

#endif
