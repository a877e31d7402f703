/* engine/runner/code/vector_math.h - mathematical functions on whole vectors, of the C library, good to 4 units in the
 * last place.  Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_VECTOR_MATH_H
#define FH_ENGINE_RUNNER_CODE_VECTOR_MATH_H

#include <stdbool.h>

#include <llvm-c/Core.h>

/* Tell the optimiser at each call of a function of vector_math.def which vector versions of it there are, as far as the
 * CPU's features allow.  True if there was such a call.  Does nothing where the C library has none. */
bool vector_math_offer(LLVMModuleRef module, const char *features);

#endif
