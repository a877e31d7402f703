/* proxy/kernel_call.h - running piece kernels. */
#ifndef FH_PROXY_KERNEL_CALL_H
#define FH_PROXY_KERNEL_CALL_H

#include "proxy/kernel.h"

/* fh_kernel_map for piece kernels: once over each piece of the first input; the others are brought there.  options must
 * not be NULL. *ret is NULL if the output exists. */
int kernel_call_pieces(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options,
                       fh_array **ret, err_t *err);

#endif
