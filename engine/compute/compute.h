/* engine/compute/compute.h - loops over strided memory, compiled ahead of time for every operation and dtype.
 *
 * No objects, no messages: nd_t in, nd_t out.  The caller has checked shapes and dtypes with the resolve functions of
 * codecs/op.h and codecs/shape.h; what is wrong all the same comes back as an error and nothing has been written then.
 * Floating-point exceptions follow C; integer division by zero gives 0, as in NumPy.
 * Thread rule: a crew is used by one caller at a time; different crews are independent. */
#ifndef FH_ENGINE_COMPUTE_COMPUTE_H
#define FH_ENGINE_COMPUTE_COMPUTE_H

#include "base/err.h"
#include "codecs/op.h"
#include "codecs/shape.h"

/* Worker threads that share out one loop at a time (the caller is one of them). */
typedef struct crew crew_t;
int crew_new(crew_t **ret, int threads, err_t *err);
void crew_destroy(crew_t **self);
int crew_threads(const crew_t *self);
/* Run part(context, i) for i in [0, parts) on all threads; returns when all are done. */
void crew_run(crew_t *self, int64_t parts, void (*part)(void *context, int64_t i), void *context);

/* out[...] = op(in...), elementwise with broadcasting of the inputs to out's shape.  Inputs are cast to loop->in,
 * results from loop->out to out's dtypes (any dtype: unsafe cast).  where (NULL: everywhere) is a bool array that
 * broadcasts.  Outputs may be the same memory as an input (same elements); other overlap is the caller's to avoid. */
int compute_ufunc(crew_t *crew, const op_t *op, const op_loop_t *loop, const nd_t *in, int nin, const nd_t *out,
                  int nout, const nd_t *where, err_t *err);

/* out[...] = source[...], broadcast and cast.  Overlap is handled.  Large contiguous copies use non-temporal stores. */
int compute_assign(crew_t *crew, const nd_t *out, const nd_t *source, err_t *err);

/* Reduce the axes whose bit is set in axes; out has the remaining axes (keepdims is a matter of out's shape and not
 * seen here: out->shape must have either ndim of the input with extents 1 there, or these axes left out).  out's dtype
 * is the result's. min/max/argmin/argmax of nothing: INVALID_ARGUMENT, as NumPy.  NaN propagates in
 * min/max/argmin/argmax.  argmin/argmax: all axes (flat C-order index) or exactly one; base is added to each index.
 * Floating sums and products are taken in the tree of codecs/reduction.h: the same input gives the same bits. */
int compute_reduce(crew_t *crew, reduce_t reduce, const nd_t *in, uint32_t axes, const nd_t *out, int64_t base,
                   err_t *err);

/* out (int64) = for each element, the index (from indices) of the smallest/largest of values along axis 0; first wins.
 */
int compute_arg_combine(crew_t *crew, reduce_t reduce, const nd_t *values, const nd_t *indices, const nd_t *out,
                        err_t *err);

#endif
