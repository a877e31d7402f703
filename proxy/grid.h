/* proxy/grid.h - a square matrix for a factorisation: its rows dealt out in blocks to the engines that had it.
 *
 * Block k lies on engine k modulo how many there are.  An engine has its blocks one below the other in one array, of
 * all columns, so that what follows a block there is one view. */
#ifndef FH_PROXY_GRID_H
#define FH_PROXY_GRID_H

#include "proxy/apply.h"

typedef struct {
    fh_session *session;
    dtype_t dtype;
    int64_t n, size; /* rows, and of each block (the last may have less) */
    int blocks, nengines;
    engine_link_t **engines;
    handle_t **held; /* of each engine: its blocks */
    int64_t *rows;   /* there */
} grid_t;

/* lower: only what is not above the diagonal blocks is brought; the rest is undefined. */
int grid_init(grid_t *self, const fh_array *matrix, bool lower, err_t *err);
void grid_release(grid_t *self);
piece_t grid_block(const grid_t *self, int k);
int grid_owner(const grid_t *self, int k);
/* The first row of the engine's array that belongs to block k or one behind it. */
int64_t grid_row(const grid_t *self, int engine, int k);
/* A view of an engine's rows (a range) and columns. */
int grid_view(const grid_t *self, int engine, piece_t rows, piece_t columns, handle_t **ret, err_t *err);
/* Of block k. */
int grid_block_view(const grid_t *self, int k, piece_t columns, handle_t **ret, err_t *err);
/* The diagonal of the whole matrix in block k, a vector; ret_stride: bytes from one of its elements to the next. */
int grid_diagonal(const grid_t *self, int k, handle_t **ret, int64_t *ret_stride, err_t *err);
/* The rows as one array, in pieces as the blocks lie. */
int grid_array(const grid_t *self, fh_array **ret, err_t *err);

/* A block that other engines get: sent to all of them at once, expected by each when it needs it. */
typedef struct {
    handle_t **there; /* of each engine; NULL: nothing is on its way */
    engine_link_t *from;
    dtype_t dtype;
    shape_t shape;
    bool *expected;
} sent_t;

/* To all engines that have blocks behind k, or, if all, to all others. */
int sent_init(sent_t *self, const grid_t *grid, int k, bool all, handle_t *source, dtype_t dtype, const shape_t *shape,
              err_t *err);
/* On that engine, which waits for it: borrowed. */
int sent_get(sent_t *self, int engine, handle_t **ret, err_t *err);
void sent_release(sent_t *self, const grid_t *grid);

#endif
