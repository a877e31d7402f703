/* proxy/copy.h - large copies between local memory and that of engines on this host: in slices, so that they can be
 * interrupted, by as many threads as the session may use.
 *
 * Threads are made for a copy and end with it; they are made only if the caller of fh_connect has asked for more than
 * one (fh_connect_options.copy_threads), and run with all signals blocked. */
#ifndef FH_PROXY_COPY_H
#define FH_PROXY_COPY_H

#include "codecs/shape.h"
#include "proxy/session.h"

typedef void copier_t(const nd_t *to, const nd_t *from);

/* Copy `from` to `to`, of the same shape and dtype, with this function for each slice.  INTERRUPTED: some has been
 * copied. */
int copy_in_slices(const fh_session *session, copier_t *copy, const nd_t *to, const nd_t *from, err_t *err);
/* FH_INTERRUPTED if the user wants to stop. */
int copy_still_wanted(const fh_session *session, err_t *err);

#endif
