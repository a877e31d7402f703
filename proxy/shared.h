/* proxy/shared.h - arrays of this process whose memory engines on this host work on: fh_shared.
 *
 * One engine makes the memory; the client maps it so that both see each other's writes, and says so (MAP with writes):
 * it cannot be frozen, so it is copied when it is gathered.  What is scattered from it is not copied: pieces are views.
 * Thread rule: that of the session. */
#ifndef FH_PROXY_SHARED_H
#define FH_PROXY_SHARED_H

#include "proxy/mapping.h"

/* The mapping of this session in which all elements lie, each in a place of its own, or NULL. */
const fh_mapping *shared_find(const fh_session *session, const nd_t *source);
/* An array whose parts see the source's elements.  NOT_SUPPORTED: they would not all be on this host. */
int shared_scatter(fh_session *session, const fh_mapping *mapping, const nd_t *source, const layout_t *layout,
                   fh_array **ret, err_t *err);
/* For fh_mapping_free: it is not the session's any more. */
void shared_forget(fh_mapping *mapping);

#endif
