/* engine/compute/pick.h - argmin and argmax over axes, for compute_reduce. */
#ifndef FH_ENGINE_COMPUTE_PICK_H
#define FH_ENGINE_COMPUTE_PICK_H

#include "engine/compute/compute.h"

/* As compute_reduce; reduce is REDUCE_ARGMIN or REDUCE_ARGMAX. */
int pick_reduce(crew_t *crew, reduce_t reduce, const nd_t *in, uint32_t axes, const nd_t *out, int64_t base,
                err_t *err);

#endif
