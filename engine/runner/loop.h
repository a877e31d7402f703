/* engine/runner/loop.h - the loop that carries a kernel over arrays, built as IR around its entry.  What it is to be
 * like is said in kernel_code.h. */
#ifndef FH_ENGINE_RUNNER_LOOP_H
#define FH_ENGINE_RUNNER_LOOP_H

#include "engine/runner/entry.h"
#include "engine/runner/kernel_code.h"

/* Add the loop to the module under that name; the entry becomes private.  Ufunc loops have a fast version for
 * contiguous arrays beside the general one, and choose when they run.  Only the fast
 * one is vectorised: gathering strided elements into vectors gains little and doubles the time to compile. */
LLVMValueRef loop_build(LLVMModuleRef module, const entry_t *entry, const char *name);

#endif
