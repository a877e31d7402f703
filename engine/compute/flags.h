/* engine/compute/flags.h - floating-point exceptions that loops raise, as flags of the thread.
 *
 * After a call of compute.h the calling thread has the flags of all threads that took part.  Loops raise what NumPy's
 * do; what only comparisons of NaN, estimates and the like leave behind is taken off by the loops themselves or by
 * flags_of_op.  Bits as on the wire: see `watch` of UFUNC.
 * Thread rule: each thread has its own. */
#ifndef FH_ENGINE_COMPUTE_FLAGS_H
#define FH_ENGINE_COMPUTE_FLAGS_H

#include "codecs/op.h"

enum { FLAG_DIVIDE = 1, FLAG_OVERFLOW = 2, FLAG_UNDERFLOW = 4, FLAG_INVALID = 8, FLAGS_ALL = 15 };

void flags_clear(void);
/* Those raised on this thread since they were cleared. */
unsigned flags_raised(void);
void flags_raise(unsigned flags);
/* For a loop whose own flags mean nothing: those that stood before it, and those given, stand after it. */
void flags_restore(unsigned before, unsigned flags);
/* Those of the flags that an operation is to report: comparisons and choices report none. */
unsigned flags_of_op(const op_t *op, unsigned flags);

#endif
