/* engine/runner/run/flags_shown.h - which of the floating-point flags that a kernel has left behind are worth telling.
 *
 * Compilers take floating-point flags for nobody's business: where a kernel divides only what it may, the vector code
 * divides everything and picks.  So flags are told where the results show them: an infinity or NaN of a division by
 * zero or an overflow, NaN of an invalid operation.  Underflow, and results that are not floating-point numbers, show
 * nothing: then the flags are believed.  States of a reduction, whose combination with nothing is such a case, are
 * looked at as if they were float64: one that holds no such number shows nothing, and is not believed. */
#ifndef FH_ENGINE_RUNNER_RUN_FLAGS_SHOWN_H
#define FH_ENGINE_RUNNER_RUN_FLAGS_SHOWN_H

#include "codecs/shape.h"

/* flags: of engine/compute/flags.h; results: the n arrays that the kernel has written.  states: uint8 ones are states.
 */
unsigned flags_shown(unsigned flags, const nd_t *results, int n, bool states);

#endif
