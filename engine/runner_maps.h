/* engine/runner_maps.h - which maps of arrays a runner keeps: the engine's book about them.
 *
 * An array of a call whose file a runner has mapped needs no descriptor and no new map.  Files are told apart by the
 * numbers of their segments; a file belongs to one session as long as a runner may have mapped it (engine/pool.h).
 * Maps that are not used for a second are given up, so that they keep no memory that the pool has given back.
 * Plain values: owned by the engine's reactor thread. */
#ifndef FH_ENGINE_RUNNER_MAPS_H
#define FH_ENGINE_RUNNER_MAPS_H

#include "engine/runner/runner_wire.h"

#include <stdbool.h>

typedef struct {
    uint64_t segment; /* 0: the number is free */
    bool writable;
    int64_t low, high; /* bytes of the file that the map holds at least */
    int64_t used_ns;
    uint32_t call; /* the last one that used it */
} runner_map_t;

typedef struct {
    runner_map_t maps[RUNNER_MAPS];
    int64_t bytes;  /* of all */
    uint64_t gone;  /* given up, and not said yet */
    uint32_t call;  /* the one that is being written */
    int64_t now_ns; /* its time */
} runner_maps_t;

/* A call is going to be written: give up what has not been used for long. */
void runner_maps_begin(runner_maps_t *self, uint32_t call, int64_t now_ns);
/* Fill in keep and held for an operand with a descriptor.  limit: bytes of all maps. */
void runner_maps_place(runner_maps_t *self, runner_operand_t *wire, bool writable, int64_t limit);
/* What is to be given up, as bits; it counts as said. */
uint64_t runner_maps_gone(runner_maps_t *self);
/* The call has ended.  The runner's word about which are there: those that are not are forgotten.  It may lie; then its
 * calls fail. */
void runner_maps_there(runner_maps_t *self, uint64_t kept, int64_t now_ns);
/* Give up all. */
void runner_maps_give_up(runner_maps_t *self);

#endif
