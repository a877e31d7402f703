/* engine/runner/run/blocks.h - array kernels over a piece: once, or, with a halo, over blocks of it on all threads. */
#ifndef FH_ENGINE_RUNNER_RUN_BLOCKS_H
#define FH_ENGINE_RUNNER_RUN_BLOCKS_H

#include "engine/runner/run/kernel_call.h"

/* KERNEL_ERROR if arrays, pads and strips do not fit together, or with the number that the kernel returned.  A call
 * that is cancelled ends early with OK: the caller asks progress_stopped. */
int blocks_run(const kernel_call_t *call, err_t *err);

#endif
