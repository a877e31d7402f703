/* Each row plus the row above and the row below, as far as there are any: halo (1, 0). */
#include "kernels.h"

#include <farhand_kernel.h>

#define ARRAY(name, type, operator)                                                                                    \
    int32_t array_##name(fh_array *args, int32_t nargs)                                                                \
    {                                                                                                                  \
        const fh_array *in = &args[0], *out = &args[1];                                                                \
        if (nargs != 2 || in->ndim != 2)                                                                               \
            return 1;                                                                                                  \
        for (int64_t i = 0; i < out->shape[0]; i++)                                                                    \
            for (int64_t k = 0; k < out->shape[1]; k++) {                                                              \
                type sum = *(type *)fh_at2(in, i, k);                                                                  \
                if (i > 0 || in->halo[0][0])                                                                           \
                    sum = (type)(sum operator *(type *)fh_at2(in, i - 1, k));                                          \
                if (i + 1 < in->shape[0] || in->halo[0][1])                                                            \
                    sum = (type)(sum operator *(type *)fh_at2(in, i + 1, k));                                          \
                *(type *)fh_at2(out, i, k) = sum;                                                                      \
            }                                                                                                          \
        return 0;                                                                                                      \
    }
#define ARRAY_PLUS(name, type) ARRAY(name, type, +)
EACH(ARRAY_PLUS)
ARRAY(bool, bool, !=)
