/* engine/apply/linalg.h - how a function of codecs/linalg.def works on one matrix of a stack.
 *
 * Each thread has a desk: memory of its own that linalg_take cuts into pieces.  A function is called first with a desk
 * that only measures (it takes what it needs, asks LAPACK for the size of its workspace, and returns), then for each
 * matrix.  LAPACK wants columns one after the other, arrays have rows: linalg_load and linalg_store turn them.
 * Thread rule: several threads work for one job, each at its own desk. */
#ifndef FH_ENGINE_APPLY_LINALG_H
#define FH_ENGINE_APPLY_LINALG_H

#include "codecs/linalg.h"
#include "engine/apply/apply.h"
#include "engine/apply/blas.h"

#include <limits.h>

typedef struct {
    const blas_t *blas;
    apply_call_t *call;
    const linalg_t *row;
    linalg_dims_t dims;
    int type;                                    /* LAPACK_SINGLE, ... */
    int64_t size, real;                          /* bytes of an element, and of its real part */
    nd_t in[LINALG_MAX_IN], out[LINALG_MAX_OUT]; /* inputs broadcast to the stack */
    bool alone;                                  /* one desk, and the whole crew for one matrix */
    int upper;                                   /* integers: which triangle is read */
    double rcond;                                /* reals */
} linalg_job_t;

typedef struct {
    const linalg_job_t *job;
    char *base; /* NULL: it measures */
    int64_t used;
    int lwork, lrwork, liwork;                     /* found while measuring */
    char *in[LINALG_MAX_IN], *out[LINALG_MAX_OUT]; /* the matrix in turn */
} linalg_desk_t;

/* Returns 0, or what LAPACK says (info), or LINALG_NOT_FINITE: it fails then.  Not 0 while measuring: too large. */
enum { LINALG_NOT_FINITE = INT_MIN };
typedef int linalg_fn(linalg_desk_t *desk);

/* Elements from one column of n to the next, for LAPACK, which wants at least 1. */
static inline int
linalg_leading(int64_t n)
{
    return n > 1 ? (int)n : 1;
}
/* Memory of this desk; NULL while measuring. */
void *linalg_take(linalg_desk_t *desk, int64_t count, int64_t size);
bool linalg_measures(const linalg_desk_t *desk);
/* What LAPACK answered to the question for its workspace, in elements; -1: more than it can count. */
int linalg_workspace(const linalg_job_t *job, const void *answer);
/* Input i (rows x columns) column by column, `leading` elements from one to the next. */
void linalg_load(linalg_desk_t *desk, int i, char *to, int64_t leading);
/* The same back to output i, of rows x columns. */
void linalg_store(linalg_desk_t *desk, int i, const char *from, int64_t leading, int64_t rows, int64_t columns);
/* Zeros, and 1 on the diagonal, column by column. */
void linalg_identity(const linalg_job_t *job, char *to, int64_t rows, int64_t columns);
/* A number of the job's type. */
void linalg_number(const linalg_job_t *job, char *to, double real, double imaginary);

#define LINALG(number, NAME, name, inputs, outputs, dtypes, waits, doc) linalg_fn linalg_##name;
#include "codecs/linalg.def"
#undef LINALG

#endif
