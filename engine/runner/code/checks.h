/* engine/runner/code/checks.h - puts checks into kernels that are compiled with debug=True: before every access to
 * memory whether it may, after arithmetic whether a NaN or an undefined value was made.  What they call is guard.h.
 *
 * A value that went wrong is reported where it gets out of its expression: is stored, returned, handed to a function,
 * decides a branch or an address.  So what an optimiser computes ahead and then does not choose is no error.
 * Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_CHECKS_H
#define FH_ENGINE_RUNNER_CODE_CHECKS_H

#include "base/err.h"

#include <llvm-c/Core.h>

/* Put checks into all functions that have a body.  To be called on a vetted and prepared module, before functions of
 * ours are added.  NO_MEMORY. */
int checks_insert(LLVMModuleRef module, err_t *err);

#endif
