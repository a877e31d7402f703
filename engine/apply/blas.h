/* engine/apply/blas.h - OpenBLAS, with the LAPACK in it, loaded when the first call needs it: an engine that never
 * multiplies matrices neither maps it nor starts threads for it.
 * Thread rule: any thread.  Functions may be called from several threads at once; each call uses the thread that makes
 * it and no other, but between blas_widen and blas_narrow. */
#ifndef FH_ENGINE_APPLY_BLAS_H
#define FH_ENGINE_APPLY_BLAS_H

#include "base/err.h"

#include <stddef.h>

/* Functions of LAPACK are arrays, by type: float32, float64, complex64, complex128; NULL where there is none. */
enum { LAPACK_SINGLE, LAPACK_DOUBLE, LAPACK_COMPLEX, LAPACK_DOUBLE_COMPLEX, LAPACK_TYPES };

typedef struct {
#define BLAS_FUNCTION(name, result, arguments) result(*name) arguments;
#include "engine/apply/blas.def"
#undef BLAS_FUNCTION
#define LAPACK_FUNCTION(name, single, double_, complex_, double_complex, arguments) void(*name[LAPACK_TYPES]) arguments;
#include "engine/apply/lapack.def"
#undef LAPACK_FUNCTION
} blas_t;

enum { BLAS_ROW_MAJOR = 101, BLAS_AS_IT_IS = 111, BLAS_TRANSPOSED = 112 };

/* *ret stays valid.  NOT_SUPPORTED: it is not installed, or lacks a function; the text names it. */
int blas_get(const blas_t **ret, err_t *err);
/* The same for who calls functions of LAPACK, which a BLAS need not have. */
int blas_get_lapack(const blas_t **ret, err_t *err);
/* From now on large calls may use that many threads, which OpenBLAS starts itself: for the compute thread, while its
 * crew has nothing to do.  blas_narrow ends it. */
void blas_widen(const blas_t *self, int threads);
void blas_narrow(const blas_t *self);

#endif
