/* engine/runner/run/elementwise.h - ufunc kernels over arrays of any layout: parts, packing, masks, streaming. */
#ifndef FH_ENGINE_RUNNER_RUN_ELEMENTWISE_H
#define FH_ENGINE_RUNNER_RUN_ELEMENTWISE_H

#include "engine/runner/run/kernel_call.h"

/* Inputs and mask are broadcast to the outputs.  An element's bits do not depend on its place, nor on threads.
 * INVALID_ARGUMENT if shapes do not fit; KERNEL_ERROR names the first element that raised.  A call that is cancelled
 * ends early with OK: the caller asks progress_stopped. */
int elementwise_run(const kernel_call_t *call, err_t *err);

#endif
