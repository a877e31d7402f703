/* proxy/picks.h - index arrays for the first axes of an array: what reading and writing through them have in common.
 *
 * The indexed axes are a group that one flat index counts through.  If the array is cut along one of them that axis is
 * turned to the front, so that each piece is a range of flat indices. */
#ifndef FH_PROXY_PICKS_H
#define FH_PROXY_PICKS_H

#include "proxy/apply.h"
#include "proxy/inputs.h"

typedef struct {
    fh_array *array;  /* with the axis it is cut along first, if that is in the group; ours */
    bool across;      /* it is */
    int n;            /* indexed axes */
    input_t *indices; /* n, for the axes in the array's order */
    int64_t extent[SHAPE_MAX_DIMS];
    int64_t name[SHAPE_MAX_DIMS]; /* of the axis in errors */
    fh_index_mode mode;
    shape_t shape;  /* that the indices broadcast to */
    shape_t result; /* followed by the other axes */
} picks_t;

/* BAD_INDEX: too many indices, not integers, shapes that do not fit. */
int picks_init(picks_t *self, fh_array *array, const fh_operand *indices, int n, fh_index_mode mode, err_t *err);
void picks_release(picks_t *self);
/* Where flat indices are needed: all of them for each part of the array, or, if the pieces are chosen by them, cut
 * along their longest axis over the array's engines. */
int picks_layout(const picks_t *self, layout_t *ret, err_t *err);
/* The flat indices for each part of that layout into ret (layout->n), engine by engine. */
int picks_flat(picks_t *self, const layout_t *layout, handle_t **ret, err_t *err);

/* ---- flat indices by the piece they lie in ---- */

/* Of one part of the indices, those in one piece of the array. */
typedef struct {
    int64_t count, first;                   /* places in the sorted indices */
    handle_t *index;                        /* on the piece's engine: flat within the piece; shape (count) */
    handle_t *place;                        /* on the indices' engine: which of the part's indices they are */
    handle_t *block;                        /* the elements, on their way */
    engine_link_t *index_from, *block_from; /* it has been sent there and is not expected yet */
} pair_t;

typedef struct {
    const picks_t *picks;
    layout_t layout; /* of the indices */
    handle_t **flat; /* layout.n */
    pair_t *pairs;   /* (layout.n, pieces of the array) */
    dtype_t block_dtype;
} exchange_t;

/* Sort, count (waits: BAD_INDEX comes out), and send the indices to the pieces' engines. */
int exchange_init(exchange_t *self, picks_t *picks, err_t *err);
void exchange_release(exchange_t *self);
pair_t *exchange_pair(const exchange_t *self, int part, int piece);
/* The pair's indices are needed at the piece, its block at its other end. */
int pair_receive_index(pair_t *self, err_t *err);
int pair_receive_block(pair_t *self, dtype_t dtype, const shape_t *shape, err_t *err);
/* Shape of a block: (count, other axes). */
shape_t exchange_block_shape(const exchange_t *self, const pair_t *pair);
/* Send what is in pair->block (on engine `from`) to engine `to`, unless that is it. */
int pair_send_block(pair_t *self, engine_link_t *to, dtype_t dtype, const shape_t *shape, err_t *err);

#endif
