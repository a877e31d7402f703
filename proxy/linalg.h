/* proxy/linalg.h - functions of matrices (codecs/linalg.def) as calls: one for each piece of a stack. */
#ifndef FH_PROXY_LINALG_H
#define FH_PROXY_LINALG_H

#include "codecs/linalg.h"
#include "proxy/apply.h"

typedef struct {
    fh_session *session;
    linalg_code_t code;
    const linalg_t *row;
    fh_array *const *in; /* borrowed */
    const int64_t *integers;
    int nintegers;
    const double *reals;
    int nreals;
    linalg_dims_t dims;
} linalg_call_t;

/* Can several engines work on its one matrix?  If so, ret (as many as the row has outputs) gets what fh_linalg gives, and *ret_done is set. */
int linalg_across(const linalg_call_t *call, fh_array **ret, bool *ret_done, err_t *err);

#endif
