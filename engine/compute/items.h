/* engine/compute/items.h - compute_ufunc for elements that are not numbers: comparing bytes, str and void, choosing
 * between two of any dtype. */
#ifndef FH_ENGINE_COMPUTE_ITEMS_H
#define FH_ENGINE_COMPUTE_ITEMS_H

#include "engine/compute/compute.h"

/* out[...] = op(in...), as op_resolve allows it: inputs of one dtype (WHERE: bool first).  out has the loop's dtype and
 * a shape that the inputs broadcast to.  WRONG_TYPE, NOT_SUPPORTED. */
int items_ufunc(crew_t *crew, const op_t *op, const nd_t *in, int nin, const nd_t *out, err_t *err);

#endif
