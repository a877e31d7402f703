/* codecs/op.h - the operations: what NumPy's ufuncs and reductions are called here and which dtypes they take.
 * Made from codecs/ops.def.  Pure; both the client (to know a result's dtype before it exists) and the engine (to
 * choose a loop and to check what it is told) use it.  Promotion follows NEP 50 whatever NumPy the client has. */
#ifndef FH_CODECS_OP_H
#define FH_CODECS_OP_H

#include "base/err.h"
#include "codecs/dtype.h"

#include <stdint.h>

enum { OP_MAX_IN = 3, OP_MAX_OUT = 2 };

/* Indices into the table, for tables beside it; they do not travel. */
typedef enum {
#define OP(NAME, name, nin, nout, SET, RULE, reduce, doc) OP_##NAME,
#define ALIAS(alias, name)
#include "codecs/ops.def"
#undef OP
#undef ALIAS
    OP_COUNT
} op_code_t;

/* An operation; rows of a constant table, compared by pointer. */
typedef struct {
    const char *name; /* NumPy's name of the ufunc, "add" */
    int code;         /* its index in the table; what travels is the name */
    int nin, nout;
    const char *doc; /* one line */
    int reduce;      /* reduce_t that numpy's ufunc.reduce of this op is, or -1 */
} op_t;

const op_t *op_find(const char *name,
                    size_t length); /* NULL if unknown; knows NumPy's aliases (abs, conj, divide, mod) */
const op_t *op_at(int code);        /* NULL past the end */

typedef struct {
    dtype_t dtype; /* DTYPE_NONE for a weak scalar */
    weak_t weak;
} op_input_t;

typedef struct {
    dtype_t in[OP_MAX_IN];   /* inputs are cast to these before the loop */
    dtype_t out[OP_MAX_OUT]; /* the loop writes these */
} op_loop_t;

/* Which loop runs for these inputs.  Elements that are not numbers are compared (bytes, str, void) or chosen (where),
 * those of one dtype; nothing is cast then.  dtype (DTYPE_NONE: free) forces the output dtype as ufunc's dtype= does;
 * casting limits how inputs may be cast to the loop (NumPy's default is CASTING_SAME_KIND).  WRONG_TYPE with NumPy's
 * meaning if no loop fits.  Values are not seen: that a Python int fits its dtype (else OVERFLOW) is the caller's to
 * check. */
int op_resolve(const op_t *op, const op_input_t *inputs, dtype_t dtype, casting_t casting, op_loop_t *ret, err_t *err);

/* Reductions over axes. */
typedef enum {
    REDUCE_SUM,
    REDUCE_PROD,
    REDUCE_MIN,
    REDUCE_MAX,
    REDUCE_ANY,
    REDUCE_ALL,
    REDUCE_ARGMIN,
    REDUCE_ARGMAX,
    REDUCE_BIT_AND,
    REDUCE_BIT_OR,
    REDUCE_BIT_XOR,
    REDUCE_COUNT
} reduce_t;

const char *reduce_name(reduce_t reduce);         /* "sum" */
int reduce_find(const char *name, size_t length); /* reduce_t or -1 */
/* The dtype of the result (sum and prod of small integers widen as in NumPy); dtype: as asked, or DTYPE_NONE.
 * ARGMIN/ARGMAX give INT64, ANY/ALL BOOL. */
int reduce_resolve(reduce_t reduce, dtype_t input, dtype_t dtype, dtype_t *ret, err_t *err);

#endif
