/* engine/runner/run/reduction.h - reductions: elements to states, states to one, states to results; running results.
 *
 * Bits depend on the extent along the axis and on nothing else: not on strides, threads, or where the axis was cut (at
 * multiples of KERNEL_BLOCK). */
#ifndef FH_ENGINE_RUNNER_RUN_REDUCTION_H
#define FH_ENGINE_RUNNER_RUN_REDUCTION_H

#include "engine/runner/run/kernel_call.h"

/* The stages of engine/kernel.h.  KERNEL_ERROR if arrays do not fit the stage, or a value is asked of no elements and
 * the kernel has no init; NO_MEMORY.  A call that is cancelled ends early with OK: the caller asks progress_stopped. */
int reduction_run(const kernel_call_t *call, err_t *err);

#endif
