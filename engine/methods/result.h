/* engine/methods/result.h - new arrays of calls that write in C order only, wherever these arrays are to lie.
 *
 * If LAY has said where a new array is to lie (engine/places.h), it is computed in memory of its own and then moved
 * there.  Loops that write any strides need no such detour: they take core_make_piece. */
#ifndef FH_ENGINE_METHODS_RESULT_H
#define FH_ENGINE_METHODS_RESULT_H

#include "engine/methods.h"

/* Pin memory in C order for what is to become the object with that id; else as core_make_piece.  *ret_place: where it
 * is to lie in the end; without a segment: there. */
int result_make(run_t *run, oid_t id, dtype_t dtype, const shape_t *shape, uint64_t first, unsigned pool_flags,
                pin_t *ret, pin_t *ret_place, err_t *err);
/* What is pinned has been computed: move it to its place, if it has one, which *pin sees then. */
int result_settle(run_t *run, pin_t *pin, pin_t *place, err_t *err);

#endif
