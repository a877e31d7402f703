/* proxy/reduce.h - reductions that are made of others. */
#ifndef FH_PROXY_REDUCE_H
#define FH_PROXY_REDUCE_H

#include "codecs/op.h"
#include "proxy/array.h"

/* Axes as a bit mask; naxes -1: all. */
int reduce_axes(const fh_array *array, const int *axes, int naxes, uint32_t *ret, err_t *err);
/* numpy.mean. */
int reduce_mean(fh_array *array, const int *axes, int naxes, int keepdims, dtype_t dtype, fh_array **ret, err_t *err);

#endif
