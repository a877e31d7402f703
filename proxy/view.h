/* proxy/view.h - views of arrays: parts re-arranged and re-shaped without moving data. */
#ifndef FH_PROXY_VIEW_H
#define FH_PROXY_VIEW_H

#include "proxy/emit.h"

/* Put part i of made: the same object if nd is the source part as it is, else a view. */
int view_put(fh_array *made, int i, const fh_array *source, int part, const nd_t *nd, err_t *err);

#endif
