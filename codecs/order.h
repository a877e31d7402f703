/* codecs/order.h - NumPy's order of elements, in which they are sorted.  Pure; usable on any thread. */
#ifndef FH_CODECS_ORDER_H
#define FH_CODECS_ORDER_H

#include "codecs/dtype.h"

/* < 0, 0 or > 0 as element a comes before, is equal to or comes behind b; any alignment.  NaN comes last and equals
 * NaN; complex numbers with NaN come behind all others, first those with an imaginary one only.  zeros: real -0.0
 * comes before 0.0, else they are equal.  NaT comes last; bytes and void are compared as unsigned bytes,
 * str by code points. */
int order_compare(dtype_t dtype, bool zeros, const void *a, const void *b);

#endif
