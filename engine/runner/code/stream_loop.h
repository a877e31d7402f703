/* engine/runner/code/stream_loop.h - a second loop for results that do not stay in the cache anyhow.
 *
 * Its stores go past the cache.  The vectoriser takes no such stores from us: it cannot know that they will lie on
 * whole lines.  So the loop is built and optimised as any other, and its vector stores are changed afterwards. */
#ifndef FH_ENGINE_RUNNER_CODE_STREAM_LOOP_H
#define FH_ENGINE_RUNNER_CODE_STREAM_LOOP_H

#include <stdbool.h>

#include <llvm-c/Core.h>

/* After the name of the kernel's loop. */
#define STREAM_LOOP_SUFFIX ".stream"

/* The module is optimised: change the stores of this function.  False if some result is not written in vectors; the
 * function is gone then. */
bool stream_loop_finish(LLVMModuleRef module, const char *symbol, int results);

#endif
