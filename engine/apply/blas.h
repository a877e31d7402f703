/* engine/apply/blas.h - OpenBLAS, loaded when the first call needs it: an engine that never multiplies matrices neither
 * maps it nor starts threads for it.
 * Thread rule: any thread.  Functions may be called from several threads at once; each call uses the thread that makes
 * it and no other. */
#ifndef FH_ENGINE_APPLY_BLAS_H
#define FH_ENGINE_APPLY_BLAS_H

#include "base/err.h"

#include <stddef.h>

typedef struct {
#define BLAS_FUNCTION(name, result, arguments) result(*name) arguments;
#include "engine/apply/blas.def"
#undef BLAS_FUNCTION
} blas_t;

enum { BLAS_ROW_MAJOR = 101, BLAS_AS_IT_IS = 111, BLAS_TRANSPOSED = 112 };

/* *ret stays valid.  NOT_SUPPORTED: it is not installed, or lacks a function; the text names it. */
int blas_get(const blas_t **ret, err_t *err);

#endif
