/* engine/runner/run/kernel_array.h - arrays as kernels see them: fh_array of farhand_kernel.h. */
#ifndef FH_ENGINE_RUNNER_RUN_KERNEL_ARRAY_H
#define FH_ENGINE_RUNNER_RUN_KERNEL_ARRAY_H

#include "codecs/shape.h"
#include "engine/runner/farhand_kernel.h"

/* The whole of an array: offset 0, no halo. */
void kernel_array_init(fh_array *self, const nd_t *nd);

#endif
