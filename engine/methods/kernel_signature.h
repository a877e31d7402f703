/* engine/methods/kernel_signature.h - the dtypes of a kernel as text, in the form in which they can be given when it is
 * loaded.  Pure; any thread. */
#ifndef FH_ENGINE_METHODS_KERNEL_SIGNATURE_H
#define FH_ENGINE_METHODS_KERNEL_SIGNATURE_H

#include "engine/kernel.h"

#include <stddef.h>

/* "float64(float64, int32)" for ufuncs, piece kernels and reductions of one result, "void(float64[:,:], float64)" for
 * gufuncs, "void(float64[...], float64[...])" for array kernels, "" for array kernels that take anything.  What does
 * not fit is cut off and ends in "...". */
void kernel_signature(const kernel_info_t *info, char *ret, size_t size);

#endif
