/* tests/process/scissors.h - cuts connections that a child of this process has opened, as a line that breaks does.
 *
 * The test takes a copy of the child's socket (pidfd_getfd) and shuts it down in both directions: both ends learn that
 * the connection is over, and what was on its way in either direction may be gone. */
#ifndef FH_TESTS_PROCESS_SCISSORS_H
#define FH_TESTS_PROCESS_SCISSORS_H

#include "tests/process/cutter.h"
#include "tests/support/proc.h"

/* Cut all connections of the child that lead to this endpoint ("tcp://127.0.0.1:PORT" or "ipc://PATH").  Returns how
 * many there were.  Fails the test when the system refuses. */
int scissors_cut(const proc_t *child, const char *endpoint);

/* A thread that does so again and again, from scissors_begin to cutter_end. */
typedef struct {
    const proc_t *child;  /* borrowed */
    const char *endpoint; /* borrowed */
    cutter_t cutter;      /* set its seed and times before */
} scissors_t;

void scissors_begin(scissors_t *self);

#endif
