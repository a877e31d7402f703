/* proxy/sync.h - waiting until engines have come to a point. */
#ifndef FH_PROXY_SYNC_H
#define FH_PROXY_SYNC_H

#include "proxy/array.h"

/* Wait until all parts are computed; the first error of a part is ours. */
int sync_array(const fh_array *array, int64_t deadline_ns, err_t *err);

#endif
