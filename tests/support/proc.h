/* tests/support/proc.h - child processes of tests: started, watched with deadlines, never left behind.
 * A child dies with the test program (PR_SET_PDEATHSIG).  Functions fail the test when the system refuses. */
#ifndef FH_TESTS_SUPPORT_PROC_H
#define FH_TESTS_SUPPORT_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {
    pid_t pid; /* 0: reaped */
    int pidfd;
    int output;  /* its standard output, non-blocking */
    size_t have; /* bytes in text that no line has taken yet */
    char text[4096];
} proc_t;

/* Run argv (argv[0]: a path, or a name on PATH) with standard output into a pipe; standard error stays ours. */
void proc_start(proc_t *self, const char *const argv[]);
/* The next line of its output without the newline; false at the deadline or when it has closed its output. */
bool proc_line(proc_t *self, char *ret, size_t size, double timeout_s);
/* Wait until it has ended: true, and *ret_status as of waitpid; false at the deadline. */
bool proc_wait(proc_t *self, int *ret_status, double timeout_s);
void proc_signal(const proc_t *self, int number);
/* SIGKILL if it still runs, reap, close.  Safe on one that has been reaped, and on a zeroed proc_t. */
void proc_end(proc_t *self);

#endif
