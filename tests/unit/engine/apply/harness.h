/* tests/unit/engine/apply/harness.h - array methods over arrays of the test's own. */
#ifndef FH_TESTS_UNIT_ENGINE_APPLY_HARNESS_H
#define FH_TESTS_UNIT_ENGINE_APPLY_HARNESS_H

#include "engine/apply/apply.h"

enum { HARNESS_BLOCKS = 32 };

typedef struct {
    apply_call_t call; /* set up by the harness; integers and reals by the test */
    nd_t in[APPLY_MAX_IN], out[APPLY_MAX_OUT];
    void *blocks[HARNESS_BLOCKS]; /* memory of outputs and scratch */
    int nblocks;
} harness_t;

/* A crew of two threads. */
void harness_init(harness_t *self);
void harness_release(harness_t *self);
/* C-contiguous memory of the test as the next input. */
void harness_input(harness_t *self, void *data, dtype_t dtype, int ndim, const int64_t *shape);
/* The next output: its shape is for the method to find. */
void harness_output(harness_t *self, dtype_t dtype);
/* The next output: memory that exists. */
void harness_in_place(harness_t *self, void *data, dtype_t dtype, int ndim, const int64_t *shape);
/* Run it; the status must be that. */
void harness_run(harness_t *self, apply_code_t code, int status);
/* Output i has this shape. */
void harness_check_shape(const harness_t *self, int i, int ndim, const int64_t *shape);

#endif
