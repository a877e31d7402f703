/* engine/runner/loop.h - the loop that carries a kernel over arrays, built as IR around its entry. */
#ifndef FH_ENGINE_RUNNER_LOOP_H
#define FH_ENGINE_RUNNER_LOOP_H

#include "engine/runner/entry.h"

#include <stdint.h>

/* What all compiled kernels look like from outside.  data and strides (bytes): inputs in order, then the output.
 * Piece kernels get the pointers and n once; ufunc kernels are called n times.  Not 0: an element raised. */
typedef int32_t (*loop_fn)(char *const *data, const int64_t *strides, int64_t n);

/* Add the loop to the module under that name; the entry becomes private.  Ufunc loops have a fast version for
 * contiguous arrays beside the general one, and choose when they run.  Only the fast
 * one is vectorised: gathering strided elements into vectors gains little and doubles the time to compile. */
LLVMValueRef loop_build(LLVMModuleRef module, const entry_t *entry, const char *name);

#endif
