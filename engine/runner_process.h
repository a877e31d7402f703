/* engine/runner_process.h - one runner as a child process, whose status page and mailbox are what both share.
 *
 * Whatever it says is copied once and checked.  Killed and buried as any child (child_process.h).  Thread rule: owned
 * by the engine's reactor thread; the child dies with the thread that started it. */
#ifndef FH_ENGINE_RUNNER_PROCESS_H
#define FH_ENGINE_RUNNER_PROCESS_H

#include "engine/child_process.h"
#include "engine/kernel_cache.h"
#include "engine/runner/patience.h"
#include "engine/runner/runner_wire.h"
#include "engine/runner_host.h"
#include "engine/runner_maps.h"

#include <stdbool.h>

typedef struct runner_process {
    struct runner_process *next; /* of those that have been replaced */
    child_process_t child;
    runner_page_t *page; /* shared with the child */
    uint32_t asked;      /* requests that were sent */
    int64_t asked_ns;    /* the last one */
    bool looked, seen;   /* runner_process_look was tried for it; it was answered meanwhile */
    patience_t patience;
    char *mailbox;            /* RUNNER_MAILBOX_BYTES, shared too */
    runner_maps_t maps;       /* that the child keeps ... */
    int64_t map_bytes;        /* ... of so many bytes together */
    uint64_t serial;          /* never used again in this host */
    bool ready;               /* it has said READY */
    kernel_maker_t maker;     /* then: whose code it makes */
    uint32_t llvm_major;      /* then: which LLVM it has */
    int64_t ready_bytes;      /* of memory that it had when it was ready */
    unsigned calls, compiles; /* that it has done */
} runner_process_t;

/* Start farhand-runner.  IO_ERROR says what could not be done; that the program is missing or cannot be loaded shows
 * only when the child ends. */
int runner_process_start(runner_process_t **ret, const runner_host_options_t *options, uint64_t serial, err_t *err);
/* Kill if need be, wait (at most a second), free, and set *self to NULL. */
void runner_process_destroy(runner_process_t **self);

/* Send one message with descriptors (borrowed).  OK; CANNOT_CONNECT if the child is gone; IO_ERROR. */
int runner_process_send(runner_process_t *self, const void *message, size_t size, const int *fds, int nfds, err_t *err);
/* The same for a small call: the child is woken on this CPU.  To wake a CPU that sleeps takes longer than the call, and
 * so does waking this thread from there. */
int runner_process_send_near(runner_process_t *self, const void *message, size_t size, err_t *err);
/* The same for a message that has no answer: RUNNER_DROP. */
int runner_process_tell(runner_process_t *self, const void *message, size_t size, err_t *err);
/* Take one reply.  OK; BUSY: none is there; CANNOT_CONNECT: the child has closed; PROTOCOL_ERROR: not a reply. */
int runner_process_receive(runner_process_t *self, runner_reply_t *ret, err_t *err);
/* Look for some microseconds whether the last request is answered at once; not twice for one request, since a child may
 * write what it likes where we look. */
bool runner_process_look(runner_process_t *self);
/* Memory that the child has, shared or not; 0: unknown. */
int64_t runner_process_resident(const runner_process_t *self);
/* What killed the child while it did what: KERNEL_FAULT with signal, address and text.  piece: number of the piece that
 * it worked on; -1: none. */
int runner_process_fault(const runner_process_t *self, const char *doing, int64_t piece, err_t *err);

#endif
