#include "engine/python_process.h"

#include "base/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert(PYHOST_SOCKET_FD == (int)CHILD_SOCKET_FD && PYHOST_PAGE_FD == (int)CHILD_SHARED_FD,
               "where a child looks");
_Static_assert(PYHOST_FDS <= (int)CHILD_MOST_FDS, "descriptors of a datagram");

static const int64_t LOOK_NS = 20000;

static char PROGRAM[] = "farhand-pyhost";

extern char **environ;

int
python_process_check(const python_process_options_t *options, err_t *err)
{
    return child_process_check(options->program, PROGRAM, err);
}

int
python_process_start(python_process_t **ret, const python_process_options_t *options, err_t *err)
{
    char python[CHILD_PATH_ROOM], memory[40];
    char *argv[4] = {PROGRAM};
    int argc = 1;
    python_process_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a Python host");
    (void)snprintf(python, sizeof python, "--python=%s", options->python ? options->python : "");
    (void)snprintf(memory, sizeof memory, "--memory=%lld", (long long)options->memory_bytes);
    if (options->python && options->python[0])
        argv[argc++] = python;
    if (options->memory_bytes)
        argv[argc++] = memory;
    int status = child_process_start(&self->child,
                                     &(child_options_t){.what = "Python host",
                                                        .program = PROGRAM,
                                                        .path = options->program,
                                                        .argv = argv,
                                                        .environment = environ,
                                                        .shared_bytes = PYHOST_PAGE_BYTES,
                                                        .output = true},
                                     err);
    if (status) {
        free(self);
        return status;
    }
    self->page = self->child.shared;
    atomic_store(&self->page->workers, (uint32_t)options->workers);
    *ret = self;
    return FH_OK;
}

void
python_process_destroy(python_process_t **self)
{
    if (!*self)
        return;
    child_process_release(&(*self)->child);
    free(*self);
    *self = NULL;
}

int
python_process_send(python_process_t *self, const void *bytes, size_t size, const int *fds, int nfds, err_t *err)
{
    int status = child_process_send(&self->child, bytes, size, fds, nfds, err);
    if (status)
        return status;
    atomic_fetch_add_explicit(&self->page->asked, 1, memory_order_release);
    self->asked_ns = clock_now_ns();
    self->looked = false;
    return FH_OK;
}

int
python_process_receive(python_process_t *self, void *bytes, size_t *ret_size, err_t *err)
{
    int status = child_process_receive(&self->child, bytes, PYHOST_DATAGRAM, ret_size, err);
    if (status)
        return status;
    self->heard++;
    if (!self->looked)
        patience_slept(&self->patience, clock_now_ns() - self->asked_ns);
    return FH_OK;
}

bool
python_process_look(python_process_t *self)
{
    bool seen = !self->looked && patience_look(&self->patience, &self->page->answered, self->heard, -1, LOOK_NS);
    self->looked = true;
    return seen;
}

void
python_process_interrupt(python_process_t *self, uint64_t serial)
{
    atomic_store(&self->page->interrupt, serial);
    child_process_signal(&self->child, SIGINT);
}
