/* engine/oid_map.h - a hash map from ids to pointers.
 * Seeded for each map: peers choose the ids, but cannot choose the collisions.  All-zero memory is an empty map.
 * Thread rule: the owner locks. */
#ifndef FH_ENGINE_OID_MAP_H
#define FH_ENGINE_OID_MAP_H

#include "base/err.h"
#include "base/oid.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    oid_t key;
    void *value; /* NULL: the slot is free */
} oid_slot_t;

typedef struct {
    oid_slot_t *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed;
} oid_map_t;

/* Frees the slots, not the values; the map is empty then. */
void oid_map_release(oid_map_t *self);
/* NULL if it is not there. */
void *oid_map_find(const oid_map_t *self, oid_t key);
/* Add a key that is not in the map; value is not NULL.  OK, NO_MEMORY (nothing has changed). */
int oid_map_add(oid_map_t *self, oid_t key, void *value, err_t *err);
/* Take out and return, or NULL. */
void *oid_map_remove(oid_map_t *self, oid_t key);
/* Visit all values in no order: *cursor starts at 0; NULL at the end.  The map must not change meanwhile, but that the
 * value just visited may be removed if *cursor is then counted down by one. */
void *oid_map_next(const oid_map_t *self, size_t *cursor);

#endif
