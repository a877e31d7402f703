/* engine/runner/run/gufunc.h - gufuncs: a kernel on small core arrays, over all other dimensions of larger ones. */
#ifndef FH_ENGINE_RUNNER_RUN_GUFUNC_H
#define FH_ENGINE_RUNNER_RUN_GUFUNC_H

#include "engine/runner/run/kernel_call.h"

/* Inputs' loop dimensions are broadcast; results have them, then their core dimensions.  INVALID_ARGUMENT if shapes do
 * not fit the layout, KERNEL_ERROR with the number that the kernel returned and for which element of the loop.  A call
 * that is cancelled ends early with OK: the caller asks progress_stopped. */
int gufunc_run(const kernel_call_t *call, err_t *err);

#endif
