/* engine/runner/execute.h - carrying a compiled loop over mapped arrays. */
#ifndef FH_ENGINE_RUNNER_EXECUTE_H
#define FH_ENGINE_RUNNER_EXECUTE_H

#include "codecs/shape.h"
#include "engine/compute/compute.h"
#include "engine/runner/compile.h"
#include "engine/runner/runner_wire.h"

/* Map the arrays of a request, run the kernel over them, unmap.  fds: one for each operand.  crew shares out ufunc
 * loops (NULL: the caller alone).  KERNEL_ERROR for arrays that do not fit the kernel or each other, or if an element
 * raised; NO_MEMORY if they cannot be mapped.  Faults end the process. */
int execute_run(const compiled_t *kernel, const runner_run_t *request, const int *fds, crew_t *crew, err_t *err);

#endif
