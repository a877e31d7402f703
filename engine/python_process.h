/* engine/python_process.h - one Python host as a child process: started, spoken to, killed, buried.
 *
 * The child gets a datagram socket, a page, and our standard error; no other descriptor of ours.  It leads a process
 * group, so that children of its own end with it.  Nothing here waits, except for python_process_destroy, which waits
 * for a killed child for a short time. Thread rule: owned by the engine's reactor thread; the child dies with the
 * thread that started it. */
#ifndef FH_ENGINE_PYTHON_PROCESS_H
#define FH_ENGINE_PYTHON_PROCESS_H

#include "base/err.h"
#include "engine/pyhost/pyhost_wire.h"
#include "engine/runner/patience.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct {
    const char *program;  /* path of farhand-pyhost; NULL: beside this executable, else libexec */
    const char *python;   /* path of an interpreter, whose packages are found; NULL or "": as the program was built */
    int64_t memory_bytes; /* limit for the data of a host; 0: none */
} python_process_options_t;

typedef struct {
    pid_t pid; /* 0 once it has been buried */
    int pidfd, socket;
    pyhost_page_t *page; /* shared with the child */
    uint32_t heard;      /* datagrams of the child */
    bool looked;         /* python_process_look was tried since the last one */
    patience_t patience;
    int64_t started_ns, asked_ns;
    int exit_code, exit_signal; /* after python_process_bury */
} python_process_t;

/* IO_ERROR says what could not be done; that the program is missing shows here too. */
int python_process_start(python_process_t **ret, const python_process_options_t *options, err_t *err);
/* Kills it if it lives. */
void python_process_destroy(python_process_t **self);

/* Send a datagram.  BUSY: there is no room now; CANNOT_CONNECT: it has closed. */
int python_process_send(python_process_t *self, const void *bytes, size_t size, const int *fds, int nfds, err_t *err);
/* Receive one into bytes of PYHOST_DATAGRAM.  BUSY: there is none; CANNOT_CONNECT: it has closed; PROTOCOL_ERROR. */
int python_process_receive(python_process_t *self, void *bytes, size_t *ret_size, err_t *err);
/* Has it answered?  Looks for some microseconds, once for each wait. */
bool python_process_look(python_process_t *self);

/* SIGINT for the call with this serial. */
void python_process_interrupt(python_process_t *self, uint64_t serial);
/* The child and all that it has started. */
void python_process_kill(python_process_t *self);
/* Has it ended?  Then exit_code and exit_signal are set. */
bool python_process_bury(python_process_t *self);

#endif
