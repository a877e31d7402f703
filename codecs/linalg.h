/* codecs/linalg.h - linear algebra over stacks of matrices: which functions there are, and the shapes of what they
 * give. Made from codecs/linalg.def.  Pure; the client calls them by number (APPLY linalg), engine/apply/linalg.c
 * computes. */
#ifndef FH_CODECS_LINALG_H
#define FH_CODECS_LINALG_H

#include "base/err.h"
#include "codecs/dtype.h"
#include "codecs/shape.h"

enum { LINALG_MAX_IN = 2, LINALG_MAX_OUT = 4 };

typedef enum {
#define LINALG(number, NAME, name, inputs, outputs, dtypes, waits, doc) LINALG_##NAME = number,
#include "codecs/linalg.def"
#undef LINALG
    LINALG_COUNT
} linalg_code_t;

typedef struct {
    const char *name;
    const char *inputs, *outputs, *dtypes;
    bool waits;
    int nin, nout;
} linalg_t;

/* Extents of the matrices, and the dimensions before them, which broadcast. */
typedef struct {
    int64_t m, n, r, k;
    shape_t stack;
} linalg_dims_t;

/* The code of that name, or -1. */
int linalg_find(const char *name);
/* A row of a constant table; NULL for numbers that none has. */
const linalg_t *linalg_at(int64_t code);
/* Extents from the shapes of the inputs (nin of them).  LINALG_ERROR: not two dimensions, or not square;
 * INVALID_ARGUMENT: they do not fit each other; NOT_SUPPORTED: an extent is more than LAPACK counts. */
int linalg_resolve(const linalg_t *self, const shape_t *const *inputs, linalg_dims_t *ret, err_t *err);
/* Of output i, from inputs of that dtype. */
shape_t linalg_shape(const linalg_t *self, const linalg_dims_t *dims, int i);
dtype_t linalg_dtype(const linalg_t *self, dtype_t input, int i);
/* Is that a dtype that LAPACK has functions for? */
bool linalg_takes(dtype_t dtype);

#endif
