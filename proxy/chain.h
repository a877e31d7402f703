/* proxy/chain.h - one array to engines of several hosts, handed on from host to host.
 *
 * Read by each at its source, it would leave the source's host as often as there are other hosts.  In a chain each host
 * gets it from the one before, in chunks, and hands a chunk on while the next one comes: it leaves no host more than
 * once, and the last has it little later than the first (decision 0039). */
#ifndef FH_PROXY_CHAIN_H
#define FH_PROXY_CHAIN_H

#include "proxy/array.h"

/* Is the array, one piece on one engine, large enough, and are there hosts enough among the engines? */
bool chain_pays(const fh_array *array, engine_link_t *const *engines, int n);
/* The array on all engines, of which each may be named several times: parts gets n references, C-contiguous but for
 * what is there already. On failure there are none. */
int chain_bring(const fh_array *array, engine_link_t *const *engines, int n, part_t *parts, err_t *err);

#endif
