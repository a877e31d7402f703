/* engine/methods/chosen.h - loops and reductions as the client has chosen them, checked. */
#ifndef FH_ENGINE_METHODS_CHOSEN_H
#define FH_ENGINE_METHODS_CHOSEN_H

#include "codecs/message.h"
#include "engine/compute/reduce.h"

/* The loop that the client chose (dtypes, one byte each) must be one that the operation has. */
int chosen_loop(const op_t *op, uint64_t in, uint64_t out, op_loop_t *ret, err_t *err);

/* Fields of REDUCE. */
typedef struct {
    reduce_t reduce;
    ints_t axes;
    bool keepdims;
    uint64_t dtype;
    reduce_piece_t piece;
} chosen_t;

/* argmin or argmax? */
bool chosen_is_arg(reduce_t reduce);
int chosen_reduce(str_t name, reduce_t *ret, err_t *err);
/* Axes as a bit set, dtype and shape of the result; of a piece: those of its state. */
int chosen_result(const chosen_t *self, dtype_t input, const shape_t *in, uint32_t *ret_axes, dtype_t *ret_dtype,
                  shape_t *ret_shape, err_t *err);

#endif
