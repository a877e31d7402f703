/* base/stop.h - when a daemon has to end: a signal, or the end of the process that it was started for.
 * One thread; call it before any other thread starts, since they inherit the blocked signals. */
#ifndef FH_BASE_STOP_H
#define FH_BASE_STOP_H

#include "base/err.h"

#include <stdint.h>

typedef struct {
    int fd; /* for poll: readable from the moment on at which the daemon has to end, and for ever after */
    int signal_fd, owner_fd;
} stop_t;

/* SIGTERM and SIGINT are blocked from now on and make the descriptor readable; SIGPIPE is ignored.  So does the end of
 * the process `owner`, if it is not 0.  NO_SUCH_OBJECT: there is no such process (any more); IO_ERROR.  On failure
 * there is nothing to release. */
int stop_init(stop_t *self, int64_t owner, err_t *err);
void stop_release(stop_t *self);
/* Why it is readable, for the log. */
const char *stop_reason(const stop_t *self);

#define STOP_NONE ((stop_t){.fd = -1, .signal_fd = -1, .owner_fd = -1})

#endif
