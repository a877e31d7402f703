/* proxy/apply.h - array methods (codecs/apply.def) on one engine, and the shapes that they find. */
#ifndef FH_PROXY_APPLY_H
#define FH_PROXY_APPLY_H

#include "codecs/apply.h"
#include "proxy/emit.h"

typedef struct {
    handle_t *exists;     /* borrowed: it is written in place; NULL: it is made */
    dtype_t dtype;        /* of what is made */
    const shape_t *shape; /* of what is made; NULL: the method finds it */
    const fh_array *of;   /* what is made will be that part of an array that is made now; NULL: it is made by itself */
    int part;
} apply_output_t;

/* One call.  Objects must be on `engine`; all is borrowed. */
typedef struct {
    apply_code_t method;
    engine_link_t *engine;
    const operand_t *in; /* handles' ids or constants */
    int nin;
    const apply_output_t *out;
    int nout;
    const int64_t *integers;
    int nintegers;
    const double *reals;
    int nreals;
    uint64_t first;        /* of the first output, if it is no part of an array: elements of a whole before it */
    const handle_t *whole; /* as in emit_assign; NULL: none */
} apply_emit_t;

/* Add the call.  ret[i]: the handle of output i if it is made, else NULL.  On failure none was made.  Does not wait but
 * for credit; what goes wrong on the engine comes out where an output's value or shape is asked for. */
int apply_emit(const apply_emit_t *self, handle_t **ret, err_t *err);
/* The usual case: one new output. */
int apply_emit_one(apply_code_t method, const operand_t *in, int nin, engine_link_t *engine, dtype_t dtype,
                   const shape_t *shape, const int64_t *integers, int nintegers, handle_t **ret, err_t *err);
/* The same for part i of an array that is made now, which gets it. */
int apply_emit_part(apply_code_t method, const operand_t *in, int nin, engine_link_t *engine, fh_array *made, int i,
                    const int64_t *integers, int nintegers, err_t *err);
/* The shapes of n objects (on any engines), which the client does not know, and so whether they could be made: all are
 * asked at once, then it waits. */
int apply_shapes(fh_session *session, handle_t *const *handles, int n, shape_t *ret, err_t *err);
operand_t apply_object(const handle_t *handle);

#endif
