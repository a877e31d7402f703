/* engine/python_process.h - one Python host as a child process, whose page is what both share.
 *
 * Killed and buried as any child (child_process.h).  Thread rule: owned by the engine's reactor thread; the child dies
 * with the thread that started it. */
#ifndef FH_ENGINE_PYTHON_PROCESS_H
#define FH_ENGINE_PYTHON_PROCESS_H

#include "engine/child_process.h"
#include "engine/pyhost/pyhost_wire.h"
#include "engine/runner/patience.h"

#include <stdbool.h>

typedef struct {
    const char *program;  /* path of farhand-pyhost; NULL: beside this executable, else libexec */
    const char *python;   /* path of an interpreter, whose packages are found; NULL or "": as the program was built */
    int workers;          /* what a host says of how many a session may have */
    int64_t memory_bytes; /* limit for the data of a host; 0: none */
} python_process_options_t;

typedef struct {
    child_process_t child;
    pyhost_page_t *page;
    uint32_t heard; /* datagrams of the child */
    bool looked;    /* python_process_look was tried since the last one */
    patience_t patience;
    int64_t asked_ns;
} python_process_t;

/* IO_ERROR: the program is not there, or cannot be run. */
int python_process_check(const python_process_options_t *options, err_t *err);
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

#endif
