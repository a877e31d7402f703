/* proxy/cholesky.h - Cholesky's factor, computed by several engines. */
#ifndef FH_PROXY_CHOLESKY_H
#define FH_PROXY_CHOLESKY_H

#include "proxy/grid.h"

/* In place of the matrix, of which only the lower triangle was needed.  That it is not positive definite comes up where
 * values are asked for (LINALG_ERROR). */
int cholesky_factor(const grid_t *grid, err_t *err);

#endif
