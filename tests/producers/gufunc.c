/* Inner products, (n),(n)->(); bool: is there an index where both are true? */
#include "kernels.h"

#include <farhand_kernel.h>

#define GUFUNC(name, type, plus, times)                                                                                \
    void gufunc_##name(fh_array *args, int32_t nargs)                                                                  \
    {                                                                                                                  \
        const fh_array *a = &args[0], *b = &args[1];                                                                   \
        type sum = 0;                                                                                                  \
        for (int64_t i = 0; i < a->shape[0] && nargs == 3; i++)                                                        \
            sum = (type)(sum plus(type)(*(type *)fh_at1(a, i) times * (type *)fh_at1(b, i)));                          \
        *(type *)args[2].data = sum;                                                                                   \
    }
#define GUFUNC_NUMBER(name, type) GUFUNC(name, type, +, *)
EACH(GUFUNC_NUMBER)
GUFUNC(bool, bool, ||, &&)
