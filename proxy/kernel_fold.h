/* proxy/kernel_fold.h - what reducing and accumulating share: inputs, and one KERNEL_FOLD. */
#ifndef FH_PROXY_KERNEL_FOLD_H
#define FH_PROXY_KERNEL_FOLD_H

#include "proxy/align.h"
#include "proxy/kernel.h"

/* As on the wire.  See fold_stage_t of the engine. */
typedef enum { FOLD_STEPS = 1, FOLD_COMBINE, FOLD_FINISH, FOLD_ALL, FOLD_SCAN } fold_stage_t;

enum { FOLD_BLOCK = 1024 }; /* elements; blocks begin at multiples of it */

typedef struct {
    fh_session *session;
    kernel_code_t *code; /* of kind reduction; borrowed */
    const fh_kernel_info *info;
    fh_array *in[KERNEL_MAX_IN]; /* of the kernel's dtypes, of one shape, laid out as the first; owned */
    int nin;
    uint64_t timeout_ms;
} folding_t;

/* Release also after a failure. */
int folding_init(folding_t *self, fh_kernel *kernel, fh_array *const *in, int nin, double timeout_s, err_t *err);
void folding_release(folding_t *self);

/* One KERNEL_FOLD on the engine of inputs[0]. */
typedef struct {
    fold_stage_t stage;
    handle_t *const *inputs;
    int ninputs, axis;
    int64_t base;
    uint64_t piece;
    dtype_t dtype; /* of the result */
    const shape_t *shape;
    const fh_array *of; /* the result will be that part of an array that is made now; NULL: it is made by itself */
    int part;
    const shape_t *last; /* SCAN: the shape of the last states; else NULL */
} fold_call_t;

/* ret_last: of the last states, if there are any. */
int folding_emit(const folding_t *self, const fold_call_t *call, handle_t **ret, handle_t **ret_last, err_t *err);

#endif
