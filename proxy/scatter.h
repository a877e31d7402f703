/* proxy/scatter.h - from local memory to engines. */
#ifndef FH_PROXY_SCATTER_H
#define FH_PROXY_SCATTER_H

#include "proxy/array.h"

/* Local memory as an nd_t that borrows it; *ret_swapped as in fh_local.  WRONG_TYPE for an unknown dtype,
 * INVALID_ARGUMENT for impossible shapes. */
int scatter_local(const fh_local *local, nd_t *ret, bool *ret_swapped, err_t *err);
/* The layout that options ask for; options NULL: along axis 0 over all engines. */
int scatter_layout(fh_session *session, const shape_t *shape, const fh_scatter_options *options, layout_t *ret,
                   err_t *err);
/* Copy source to engines in the given layout (of its own shape).  Waits only for credit. */
int scatter_to(fh_session *session, const nd_t *source, bool swapped, const layout_t *layout, fh_array **ret,
               err_t *err);

#endif
