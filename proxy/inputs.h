/* proxy/inputs.h - the inputs of an elementwise operation: what they are, and bringing them to one layout. */
#ifndef FH_PROXY_INPUTS_H
#define FH_PROXY_INPUTS_H

#include "codecs/op.h"
#include "proxy/align.h"

typedef struct {
    const fh_operand *operand; /* borrowed */
    weak_t weak;               /* a Python scalar that has no dtype yet */
    bool constant;             /* dtype and scalar say it all */
    dtype_t dtype;             /* DTYPE_NONE for weak ones */
    shape_t shape;             /* () for constants */
    uint8_t scalar[16];
    nd_t local; /* a local array that will be scattered */
    bool is_local, swapped;
    fh_array *array; /* a remote one, or what the local one became */
    bool owned;      /* array is ours to free */
    part_t *parts;   /* after inputs_align: layout->n references */
    int n;
} input_t;

/* What is it?  Local arrays of one element become constants of their dtype. */
int input_init(input_t *self, const fh_operand *operand, err_t *err);
/* The same for what is to be written into an array of that dtype.  WRONG_TYPE: the casting rule forbids it. */
int input_init_for(input_t *self, const fh_operand *operand, dtype_t dtype, fh_casting casting, err_t *err);
/* The same as input_init for a remote array. */
void input_init_array(input_t *self, fh_array *array);
void input_release(input_t *self);
/* Could a weak scalar become that dtype under same_kind?  WRONG_TYPE names input i of what. */
int input_check_weak(const input_t *self, dtype_t dtype, int i, const char *what, err_t *err);
/* Give a weak scalar the dtype that the loop wants.  OVERFLOW if an integer does not fit. */
int input_settle(input_t *self, dtype_t dtype, err_t *err);
/* Does a weak integer fit an integer dtype?  -1 too small, 1 too large, else 0 (also for everything else). */
int input_excess(const input_t *self, dtype_t dtype);
/* Convert a constant to another dtype. */
void input_cast(input_t *self, dtype_t dtype);

/* The shape that n inputs broadcast to. */
int inputs_shape(const input_t *inputs, int n, shape_t *ret, err_t *err);
/* The layout to compute in, for a result of that shape: that of fixed (may be NULL), else of the largest remote input,
 * else one part on the emptiest engine. */
int inputs_layout(fh_session *session, const input_t *inputs, int n, const shape_t *shape, const fh_array *fixed,
                  layout_t *ret, err_t *err);
/* Bring an input to the layout of a result of that shape; constants need nothing. */
int input_align(input_t *self, fh_session *session, const shape_t *shape, const layout_t *layout, err_t *err);
/* Inputs that see memory which another part's target will be written to, become copies.  targets: the array that is
 * written. */
int input_shield(input_t *self, const shape_t *shape, const layout_t *layout, const fh_array *target, err_t *err);
/* The same for one part of that shape, which is read where part i of the target is written. */
int part_shield(part_t *part, dtype_t dtype, const shape_t *shape, const fh_array *target, int i, err_t *err);
/* The operand for part i. */
operand_t input_operand(const input_t *self, int i);
/* Shape of the input's part that goes with part i of the result. */
shape_t input_part_shape(const input_t *self, const shape_t *shape, const layout_t *layout, int i);

#endif
