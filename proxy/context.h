/* proxy/context.h - the process's one ZeroMQ context, shared by its sessions, and its number.
 * Thread-safe.  A forked child gets a new one: ZeroMQ's threads do not survive a fork. */
#ifndef FH_PROXY_CONTEXT_H
#define FH_PROXY_CONTEXT_H

#include "base/err.h"

#include <sys/types.h>

int context_acquire(void **ret, err_t *err);
/* The last one out ends the context; its links must be destroyed by then. */
void context_release(void);
/* The number of this process, without a system call. */
pid_t context_process(void);

#endif
