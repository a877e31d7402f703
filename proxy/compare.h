/* proxy/compare.h - comparisons with Python integers that the other operand's dtype cannot hold. */
#ifndef FH_PROXY_COMPARE_H
#define FH_PROXY_COMPARE_H

#include "proxy/ufunc.h"

/* If the operation is a comparison and one input is a weak integer out of range of the loop's dtype, the answer is the
 * same for every element: replace operation and scalar by a comparison with the end of the range that gives it.  Else
 * nothing happens. */
void compare_replace(ufunc_t *self);

#endif
