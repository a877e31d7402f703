/* The array kernel that kernel_client measures.  diffuse.ll is made of this:
 *     clang -O1 -fno-vectorize -I../../../engine/runner -I../../.. -fdebug-compilation-dir=. -S -emit-llvm diffuse.c */
#include "tests/bench/diffuse.h"

#include <farhand_kernel.h>

/* For halo (1, 0): the first and last row of the whole go on beyond it. */
int32_t
diffuse(fh_array *args, int32_t nargs)
{
    const fh_array *in = &args[0], *out = &args[1];
    if (nargs != 2 || in->strides[1] != sizeof(double) || out->strides[1] != sizeof(double))
        return 1;
    for (int64_t i = 0; i < out->shape[0]; i++) {
        const double *here = fh_at2(in, i, 0);
        const double *above = i > 0 || in->halo[0][0] ? fh_at2(in, i - 1, 0) : here;
        const double *below = i + 1 < out->shape[0] || in->halo[0][1] ? fh_at2(in, i + 1, 0) : here;
        diffuse_row(above, here, below, fh_at2(out, i, 0), out->shape[1]);
    }
    return 0;
}
