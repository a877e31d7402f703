/* engine/child_process.h - a program of ours as a child process: started, spoken to in datagrams, killed, buried.
 *
 * The child finds a datagram socket at descriptor 3 and memory that both share at 4, and has no other descriptor of
 * ours but standard error.  It leads a process group, so that what it starts ends with it, and Ctrl-C at a terminal
 * does not reach it.  Nothing here waits, except for child_process_release, which waits at most a second for a killed
 * child. Thread rule: owned by the thread that started it; the child may die with that thread. */
#ifndef FH_ENGINE_CHILD_PROCESS_H
#define FH_ENGINE_CHILD_PROCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CHILD_SOCKET_FD = 3, CHILD_SHARED_FD = 4, CHILD_PATH_ROOM = 4096, CHILD_MOST_FDS = 128 };

/* All borrowed; what must live as long as the child. */
typedef struct {
    const char *what, *program; /* in errors: "runner"; the name of its executable */
    const char *path;           /* NULL: beside our executable, else in libexec beside its folder */
    char **argv;                /* argv[0] is the program */
    char **environment;
    size_t shared_bytes;
    bool output; /* its standard output is our standard error; else it goes nowhere */
} child_options_t;

typedef struct {
    const char *what;
    pid_t pid; /* 0 once it has been buried */
    int pidfd, socket;
    void *shared; /* with the child, which writes there what it likes and when it likes */
    size_t shared_bytes;
    int64_t started_ns;
    int exit_code, exit_signal; /* after child_process_bury */
} child_process_t;

/* Where the program is looked for. */
void child_process_find(const char *path, const char *program, char ret[CHILD_PATH_ROOM]);
/* IO_ERROR: it is not there, or cannot be run. */
int child_process_check(const char *path, const char *program, err_t *err);
/* IO_ERROR says what could not be done; what else prevents the program shows when it ends.  After a failure there is
 * nothing to release. */
int child_process_start(child_process_t *self, const child_options_t *options, err_t *err);
/* Kills it if it lives.  Nothing happens to one that is all zero. */
void child_process_release(child_process_t *self);

/* Send a datagram with descriptors (borrowed; at most CHILD_MOST_FDS).  BUSY: there is no room now; CANNOT_CONNECT: it
 * has closed; IO_ERROR. */
int child_process_send(child_process_t *self, const void *bytes, size_t size, const int *fds, int nfds, err_t *err);
/* Receive one; descriptors that come with it are dropped.  BUSY: there is none; CANNOT_CONNECT: it has closed;
 * PROTOCOL_ERROR: it has more bytes than there is room for. */
int child_process_receive(child_process_t *self, void *bytes, size_t room, size_t *ret_size, err_t *err);

void child_process_signal(child_process_t *self, int number);
/* The child and all that it has started. */
void child_process_kill(child_process_t *self);
/* Has it ended?  Then exit_code and exit_signal are set. */
bool child_process_bury(child_process_t *self);

#endif
