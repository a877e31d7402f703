/* engine/runner/code/loop.h - the loops that carry a kernel over arrays, built as IR around its entry.  What they are
 * to be like is said in kernel_code.h. */
#ifndef FH_ENGINE_RUNNER_CODE_LOOP_H
#define FH_ENGINE_RUNNER_CODE_LOOP_H

#include "engine/runner/code/entry.h"
#include "engine/runner/kernel_code.h"

typedef struct {
    bool whole_vectors; /* n is a multiple of KERNEL_VECTOR and operands are contiguous */
    bool debug;         /* element by element: nothing is vectorised */
} loop_options_t;

/* Add the loop of a kernel that is no reduction to the module under that name.
 * Ufunc loops have a fast version for contiguous arrays beside the general one, and choose when they run.  Only the
 * fast one is vectorised: gathering strided elements into vectors gains little and doubles the time to compile.  With
 * whole_vectors there is only the fast one, and no remainder, so that an element's bits do not depend on its place. */
void loop_build(LLVMModuleRef module, const entry_t *entry, const char *name, const loop_options_t *options);
/* Add a loop over contiguous operands without a remainder, for stream_loop.h. */
void loop_build_streaming(LLVMModuleRef module, const entry_t *entry, const char *name);

#endif
