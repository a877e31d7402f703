/* proxy/cli/daemon.h - starting farhand's daemons detached, and hearing that they are ready.
 * A daemon prints "READY ENDPOINT" on standard output when it is; its standard error is its log file. */
#ifndef FH_PROXY_CLI_DAEMON_H
#define FH_PROXY_CLI_DAEMON_H

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct {
    pid_t pid;
    int output;       /* read end of its standard output */
    const char *name; /* for errors; borrowed */
    const char *log;  /* borrowed */
} daemon_t;

/* Run argv[0] (a program that stands beside this executable) in a session of its own.  log: file that standard error is
 * appended to, mode 0600. */
int daemon_start(daemon_t *ret, const char *name, char *const argv[], const char *log, err_t *err);
/* Wait for READY; ret_endpoint (size bytes) gets what stands behind it.  TIMEOUT, or CANNOT_CONNECT if it has ended;
 * then the error has the last line of its log.  Closes the output in any case. */
int daemon_await_ready(daemon_t *self, int64_t deadline_ns, char *ret_endpoint, size_t size, err_t *err);

#endif
