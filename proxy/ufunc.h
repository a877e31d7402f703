/* proxy/ufunc.h - an elementwise operation under way. */
#ifndef FH_PROXY_UFUNC_H
#define FH_PROXY_UFUNC_H

#include "proxy/array.h"
#include "proxy/inputs.h"

typedef struct {
    fh_session *session;
    const op_t *op;
    op_loop_t loop;
    casting_t casting;
    input_t in[OP_MAX_IN];
    int nin;
    input_t where;
    bool has_where;
    fh_array *out[OP_MAX_OUT];   /* given, written in place; NULL: new */
    fh_array *later[OP_MAX_OUT]; /* given, but laid out otherwise: assigned to from made */
    fh_array *made[OP_MAX_OUT];
    shape_t shape;
    bool widened; /* the inputs alone would give another shape */
    layout_t layout;
} ufunc_t;

#endif
