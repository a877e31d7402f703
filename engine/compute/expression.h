/* engine/compute/expression.h - several elementwise operations at once, a part at a time, so that what lies between
 * them stays in registers or the cache: as a program for strips (expression_strips.h), or block by block where there is
 * none.  Each step gives what the operation alone would give: the bits are the same.
 *
 * Values: EXPRESSION_INPUTS numbers stand for the inputs, then two for each step's outputs. */
#ifndef FH_ENGINE_COMPUTE_EXPRESSION_H
#define FH_ENGINE_COMPUTE_EXPRESSION_H

#include "engine/compute/reduce.h"

enum {
    EXPRESSION_INPUTS = 16,
    EXPRESSION_STEPS = 32,
    EXPRESSION_RESULTS = 8,
    EXPRESSION_BLOCK = 512, /* elements that go through all steps at a time */
    EXPRESSION_VALUES = EXPRESSION_INPUTS + OP_MAX_OUT * EXPRESSION_STEPS,
};

typedef struct {
    const op_t *op;
    op_loop_t loop;
    int argument[OP_MAX_IN]; /* values */
} expression_step_t;

/* Plain memory; borrows the inputs' data. */
typedef struct {
    shape_t shape;
    int ninputs, nsteps, narrays;
    nd_t array[EXPRESSION_INPUTS]; /* the inputs that are no constants, broadcast */
    int place[EXPRESSION_INPUTS];  /* of an input among them; -1: constant */
    nd_t constant[EXPRESSION_INPUTS];
    struct {
        loop_fn loop;
        int op; /* op_code_t */
        int nin, nout;
        uint8_t in[OP_MAX_IN];
        int argument[OP_MAX_IN];
        loop_fn cast[OP_MAX_IN];                  /* to what the loop takes; NULL: it is that */
        int64_t item[OP_MAX_IN];                  /* bytes of what the loop takes */
        _Alignas(16) char settled[OP_MAX_IN][16]; /* constants in the loop's dtype */
    } step[EXPRESSION_STEPS];
    unsigned *flags; /* floating-point flags of each step are added here, not to the thread's; NULL: they are not */
    unsigned wanted; /* which of them, where results are written over inputs */
    uint8_t dtype[EXPRESSION_VALUES];  /* of values; DTYPE_NONE: there is none */
    int16_t buffer[EXPRESSION_VALUES]; /* where a step's value lies between steps */
} expression_t;

/* inputs: arrays and constants (which), ninputs of them.  WRONG_TYPE, INVALID_ARGUMENT: there is no such loop, or a
 * step uses what is not there before it. */
int expression_init(expression_t *self, const nd_t *inputs, const bool *constant, int ninputs,
                    const expression_step_t *steps, int nsteps, err_t *err);
/* out[i] = value[i], of its dtype and the expression's shape; n of them, at most EXPRESSION_RESULTS.  An out may be
 * the very memory of an input (nd_same_elements), but not overlap one otherwise, nor another out. */
int expression_store(crew_t *crew, expression_t *self, const int *value, const nd_t *out, int n, err_t *err);
/* *ret_done: out = an operation of these inputs alone, as compute_ufunc does it but faster; false: it has no such way,
 * and nothing has been done.  out shares no memory with inputs. */
int expression_single(crew_t *crew, const expression_step_t *step, const nd_t *inputs, const bool *constant,
                      const nd_t *out, bool *ret_done, err_t *err);
/* out = a value, reduced as reduce_run does. */
int expression_reduce(crew_t *crew, expression_t *self, int value, reduce_t reduce, uint32_t axes,
                      const reduce_piece_t *piece, const nd_t *out, err_t *err);

#endif
