/* engine/runner/run/guard_call.h - for kernels with checks: the arrays of a call are what they may touch. */
#ifndef FH_ENGINE_RUNNER_RUN_GUARD_CALL_H
#define FH_ENGINE_RUNNER_RUN_GUARD_CALL_H

#include "engine/runner/run/kernel_call.h"

/* Before and after a call; without effect for kernels that have no checks. */
void guard_call_begin(const kernel_call_t *call);
void guard_call_end(void);

#endif
