/* engine/apply/apply.h - array methods: functions over whole arrays of one engine, a row each in codecs/apply.def.
 *
 * apply_<name> is run on the compute thread (or, if all its arrays are tiny, on the reactor), without locks.
 *   - Inputs are strided, of any dtype and shape: the function checks what it needs.  Check everything, make everything
 *     (apply_make, apply_scratch), then write: a function that fails has changed no output that existed before, and new
 *     outputs then never appear.
 *   - The caller has checked how many inputs and outputs there are (the row) and that no input shares memory with an
 *     output.  Outputs whose shape the client has said are there, C-contiguous and not cleared; so are outputs that
 *     exist (any strides, no two elements in one place).  Of others data is NULL and only the dtype is set:
 *     the function makes them with apply_make once it knows the shape.
 *   - What inputs hold (indices above all) is not to be trusted, and may even change meanwhile: what decides where
 *     something is read or written comes from apply_contiguous, which copies in that case, and is checked then.
 * Errors: FH_BAD_INDEX is IndexError, FH_INVALID_ARGUMENT ValueError, FH_WRONG_TYPE TypeError. */
#ifndef FH_ENGINE_APPLY_APPLY_H
#define FH_ENGINE_APPLY_APPLY_H

#include "codecs/apply.h"
#include "engine/compute/compute.h"

typedef struct apply_call apply_call_t;
struct apply_call {
    const nd_t *in;
    int nin;
    nd_t *out;
    int nout;
    const int64_t *integers;
    int nintegers;
    const double *reals;
    int nreals;
    const bool *shared; /* of each input: other processes may write it meanwhile; NULL: none */
    crew_t *crew;       /* crew_run shares out work over its threads */
    /* Of whoever calls; use the functions below. */
    int (*make)(apply_call_t *self, int output, const shape_t *shape, err_t *err);
    int (*scratch)(apply_call_t *self, int64_t bytes, void **ret, err_t *err);
};

typedef int apply_fn(apply_call_t *call, err_t *err);

/* Make output i in C order: call->out[i] is complete then.  INVALID_ARGUMENT if it has a shape already (another one),
 * OVERFLOW, LIMIT_EXCEEDED, NO_MEMORY. */
int apply_make(apply_call_t *call, int i, const shape_t *shape, err_t *err);
/* Accounted memory, page-aligned and not cleared, that goes when the function has returned.  OVERFLOW, LIMIT_EXCEEDED,
 * NO_MEMORY. */
int apply_scratch(apply_call_t *call, int64_t bytes, void **ret, err_t *err);
/* Input i as a C-contiguous array of the dtype that nobody else writes: itself if it is that, else a cast copy in
 * scratch memory. */
int apply_contiguous(apply_call_t *call, int i, dtype_t dtype, nd_t *ret, err_t *err);
/* The same with any strides, and perhaps written by others: for values only. */
int apply_cast(apply_call_t *call, int i, dtype_t dtype, nd_t *ret, err_t *err);
/* A C-contiguous copy in scratch memory. */
int apply_copy(apply_call_t *call, const nd_t *nd, nd_t *ret, err_t *err);
/* INVALID_ARGUMENT unless there are low to high integers. */
int apply_integers(const apply_call_t *call, int low, int high, err_t *err);

#define APPLY(NAME, name, inputs, outputs, doc) apply_fn apply_##name;
#include "codecs/apply.def"
#undef APPLY

/* The function of a row. */
apply_fn *apply_function(int code);

#endif
