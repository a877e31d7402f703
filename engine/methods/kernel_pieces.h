/* engine/methods/kernel_pieces.h - the part of KERNEL_MAP that is about pieces of arrays that are cut: where they lie
 * in their wholes, and what they see of their neighbours. */
#ifndef FH_ENGINE_METHODS_KERNEL_PIECES_H
#define FH_ENGINE_METHODS_KERNEL_PIECES_H

#include "engine/methods/kernel_job.h"

/* A KERNEL_MAP while it begins. */
typedef struct {
    const msg_KERNEL_MAP_t *message;
    kernel_job_t *job;
    int nin, nout;
    dtype_t dtypes[KERNEL_MAX_OUT]; /* of the results */
    shape_t shapes[KERNEL_MAX_OUT];
} kernel_map_t;

/* Operands that are strips. */
int kernel_pieces_strips(const msg_KERNEL_MAP_t *message);
/* Inputs are there and shapes are known: check bases, wholes, halo, and pin the strips behind the outputs. */
int kernel_pieces_take(run_t *run, kernel_map_t *map, err_t *err);
/* All operands are there: say of each where it lies. */
void kernel_pieces_describe(const kernel_map_t *map);

#endif
