/* proxy/context.h - the process's one ZeroMQ context, shared by its sessions.
 * Thread-safe.  A forked child gets a new one: ZeroMQ's threads do not survive a fork. */
#ifndef FH_PROXY_CONTEXT_H
#define FH_PROXY_CONTEXT_H

#include "base/err.h"

int context_acquire(void **ret, err_t *err);
/* The last one out ends the context; its links must be destroyed by then. */
void context_release(void);

#endif
