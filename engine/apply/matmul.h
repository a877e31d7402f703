/* engine/apply/matmul.h - products of matrices, and of stacks of them, in memory.
 *
 * out[..., i, j] = sum over k of a[..., i, k] * b[..., k, j].  All three have the same dtype and at least two
 * dimensions; those before the last two broadcast to out's.  Floats and complex numbers go through OpenBLAS, each
 * thread of the crew with strips of its own; integers wrap, bools are "or of ands".  float16 is refused: its callers
 * compute in float32, as NumPy does. */
#ifndef FH_ENGINE_APPLY_MATMUL_H
#define FH_ENGINE_APPLY_MATMUL_H

#include "engine/compute/compute.h"

/* Do shapes and dtypes fit?  INVALID_ARGUMENT, WRONG_TYPE, NOT_SUPPORTED (a matrix of 2^31 rows). */
int matmul_check(const nd_t *a, const nd_t *b, const nd_t *out, err_t *err);
/* Can matmul_run take the matrices of this operand where they lie?  If not, it needs a C-contiguous copy. */
bool matmul_fits(const nd_t *operand);
/* What matmul_check and matmul_fits let pass; out is C-contiguous and overlaps neither.  accumulate: add to what out
 * holds; bools: or.  NOT_SUPPORTED: no OpenBLAS here. */
int matmul_run(crew_t *crew, const nd_t *a, const nd_t *b, const nd_t *out, bool accumulate, err_t *err);

/* matmul_integer.c: a row of m integers of the product, from a row of k of the first operand, is
 * added to out. */
typedef void (*matmul_row_fn)(char *out, const char *a, int64_t a_step, const char *b, int64_t b_step, int64_t k,
                              int64_t m);
/* The loop for integers or bool; elements of b's rows lie side by side.  NULL for other dtypes. */
matmul_row_fn matmul_row(dtype_t dtype);

#endif
