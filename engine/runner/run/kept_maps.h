/* engine/runner/run/kept_maps.h - maps of arrays that live longer than one call.
 *
 * Mapping large arrays costs more than computing them on small pages, and a few percent on huge ones.  The engine says
 * which maps are kept, and under which number; it never gives a session's memory to another one while a runner may have
 * it mapped (engine/pool.h).  Between its calls a map is closed: a kernel reaches the arrays of its call and no others.
 * Numbers and sizes from outside are checked.  One thread. */
#ifndef FH_ENGINE_RUNNER_RUN_KEPT_MAPS_H
#define FH_ENGINE_RUNNER_RUN_KEPT_MAPS_H

#include "engine/runner/run/operand.h"

typedef struct {
    operand_map_t map; /* start NULL: none */
    bool writable, open;
} kept_map_t;

typedef struct {
    kept_map_t maps[RUNNER_MAPS];
    uint64_t used; /* by the call that is being set up, as bits */
} kept_maps_t;

/* A call begins: unmap these. */
void kept_maps_begin(kept_maps_t *self, uint64_t drop);
/* An operand with a number.  fd: to be mapped in place of what had the number; -1: what has it holds the operand.
 * *ret needs no operand_unmap.  KERNEL_ERROR, NO_MEMORY. */
int kept_maps_take(kept_maps_t *self, const runner_operand_t *wire, int fd, bool writable, operand_map_t *ret,
                   err_t *err);
/* All are taken: open their maps, close all others.  NO_MEMORY. */
int kept_maps_open(kept_maps_t *self, err_t *err);
/* Unmap what the call does not use; false: there was nothing. */
bool kept_maps_spare(kept_maps_t *self);
/* Those that are there, as bits. */
uint64_t kept_maps_here(const kept_maps_t *self);

#endif
