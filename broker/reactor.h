/* broker/reactor.h - CZMQ's loop around the broker's turns, and the process's one ZeroMQ context, which is CZMQ's too.
 *
 * CZMQ is seen by reactor.c only.  It installs no signal handlers here and takes no settings from the environment.
 * Thread rule: the main thread. */
#ifndef FH_BROKER_REACTOR_H
#define FH_BROKER_REACTOR_H

#include "base/err.h"
#include "base/link.h"
#include "broker/broker.h"

/* Make the context; *ret is owned by CZMQ until reactor_stop.  IO_ERROR: there is none to be had. */
int reactor_start(void **ret, err_t *err);
/* Do the broker's turns, when something has arrived on the link (a ZeroMQ one) and when the last turn said.  Returns OK
 * once stop_fd is readable, INTERNAL once end_fd is (nobody could be admitted any more); NO_MEMORY, IO_ERROR. */
int reactor_run(broker_t *broker, link_t *link, int stop_fd, int end_fd, err_t *err);
/* End the context; all its sockets are closed by now.  Waits for what lingers in them.  Idempotent. */
void reactor_stop(void);

#endif
