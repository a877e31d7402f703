/* (a + b) * c for every dtype, exclusive or for bool. */
#include "kernels.h"

#define UFUNC(name, type)                                                                                              \
    type ufunc_##name(type a, type b, type c)                                                                          \
    {                                                                                                                  \
        return (type)((a + b) * c);                                                                                    \
    }
EACH(UFUNC)

bool
ufunc_bool(bool a, bool b, bool c)
{
    return (a != b) != c;
}
