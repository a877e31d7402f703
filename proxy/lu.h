/* proxy/lu.h - LU factors and systems of equations, computed by several engines.
 *
 * Rows are dealt out, and engines read them as columns of the transposed matrix: the search for pivots stays on one
 * engine.  With A^T = P L U the solution of A x = b is found forwards with U^T and backwards with L^T. */
#ifndef FH_PROXY_LU_H
#define FH_PROXY_LU_H

#include "proxy/grid.h"

/* In place of the matrix; pivots: room for a handle of each block, references that the caller drops. */
int lu_factor(const grid_t *grid, handle_t **pivots, err_t *err);
/* x of A x = b in place of b, of shape (n, columns of `right`), whose parts follow each other along the columns.  A few
 * columns go from engine to engine; of many each engine has a part, and the factors come to it.  A matrix that is
 * singular comes up where values are asked for (LINALG_ERROR). */
int lu_solve(const grid_t *grid, handle_t *const *pivots, fh_array *right, err_t *err);
/* Where lu_solve wants the columns. */
int lu_layout(const grid_t *grid, int64_t columns, layout_t *ret, err_t *err);

#endif
