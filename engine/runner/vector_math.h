/* engine/runner/vector_math.h - mathematical functions on whole vectors, for kernels with fastmath. */
#ifndef FH_ENGINE_RUNNER_VECTOR_MATH_H
#define FH_ENGINE_RUNNER_VECTOR_MATH_H

#include <llvm-c/Core.h>

/* Tell the optimiser at each call of a function of vector_math.def which vector versions of it there are, as far as the
 * CPU's features allow.  Does nothing where the C library has none. */
void vector_math_offer(LLVMModuleRef module, const char *features);

#endif
