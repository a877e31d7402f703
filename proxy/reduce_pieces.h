/* proxy/reduce_pieces.h - reductions of floating-point numbers over the distributed axis: the same bits as on one
 * engine.
 *
 * Each piece gives a state (codecs/reduction.h), and one engine joins them. */
#ifndef FH_PROXY_REDUCE_PIECES_H
#define FH_PROXY_REDUCE_PIECES_H

#include "proxy/emit.h"

/* The array, of several pieces, reduced over axes, its own among them; *ret, on the first piece's engine, has the axes
 * that are left.  Arrays that are cut along an axis of few elements are first cut along another. */
int reduce_pieces(const fh_array *array, reduce_t reduce, uint32_t axes, dtype_t dtype, handle_t **ret, err_t *err);

#endif
