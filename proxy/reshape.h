/* proxy/reshape.h - parts in other shapes. */
#ifndef FH_PROXY_RESHAPE_H
#define FH_PROXY_RESHAPE_H

#include "proxy/array.h"

/* Put part i of made: part `part` of source in another shape, as a view, or as a copy where strides do not allow one.
 */
int reshape_part(fh_array *made, int i, const fh_array *source, int part, const shape_t *shape, err_t *err);

#endif
