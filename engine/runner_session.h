/* engine/runner_session.h - what a runner host remembers of a session: its kernels, their bitcode, the jobs that wait.
 * No processes and no time here.  Thread rule: owned by the engine's reactor thread. */
#ifndef FH_ENGINE_RUNNER_SESSION_H
#define FH_ENGINE_RUNNER_SESSION_H

#include "codecs/bitcode.h"
#include "engine/runner/runner_wire.h"
#include "engine/runner_process.h"

#include <stdbool.h>

enum {
    SESSION_MAX_KERNELS = 2048,
    SESSION_MAX_BITCODE = 64 << 20, /* bytes that are kept of all modules */
    SESSION_MAX_JOBS = 1024,
    SOURCE_MAX_DEATHS = 3, /* runners that a module may kill before it is refused */
};

/* A module as it was sent. */
typedef struct runner_source {
    struct runner_source *next;
    uint8_t hash[32];
    int kernels; /* that were made of it */
    int deaths;  /* runners it has killed */
    char producer[BITCODE_PRODUCER_SIZE];
    size_t size;
    uint8_t bytes[];
} runner_source_t;

/* A module with entry and options: what runs. */
typedef struct runner_kernel {
    struct runner_kernel *next;
    uint32_t id;
    runner_source_t *source;
    char entry[RUNNER_NAME_MAX], signature[RUNNER_NAME_MAX], kind[16], layout[KERNEL_LAYOUT_MAX]; /* as asked for */
    int64_t state_bytes;
    bool fastmath, exact, debug;
    bool rejected; /* its code on the disk was of no use */
    bool known;    /* it has been compiled: info holds */
    kernel_info_t info;
    kernel_stats_t stats;
    uint64_t loaded_in; /* serial of the runner that holds its code */
    int jobs;           /* that refer to it */
} runner_kernel_t;

/* An array of a call that lies on the engine's heap: the bytes that it touches, and where they lie in the mailbox. */
typedef struct {
    char *memory;
    size_t place, size;
    bool output;
} runner_small_t;

/* A request on its way. */
typedef struct runner_job {
    struct runner_job *next;
    uint64_t ticket;
    runner_kernel_t *kernel;
    bool inspect;
    runner_compiled_fn compiled; /* one of the two is set */
    runner_done_fn done;
    void *context;
    int64_t deadline_ns;   /* INT64_MAX: none of its own */
    runner_run_t *request; /* for done, and what follows */
    unsigned raised;       /* floating-point flags that the call has told of */
    int64_t piece, limit_ns, started_ns;
    int fds[RUNNER_MAX_OPERANDS], nfds;
    runner_small_t small[RUNNER_MAX_OPERANDS];
    int nsmall;
    int object;                     /* a memfd for machine code while it is being compiled; -1: none */
    char symbol[RUNNER_SYMBOL_MAX]; /* then: what it is called */
    char *texts;                    /* with inspect: RUNNER_INSPECT_BYTES shared with the runner */
    int status;                     /* the outcome */
    err_t err;
    kernel_info_t info;
} runner_job_t;

typedef struct runner_session {
    struct runner_session *next;
    oid_t id;
    bool closing;
    runner_process_t *runner;
    int stillborn; /* runners in a row that ended before they were ready */
    int stopping;  /* why the running call was asked to end; OK: it was not */
    int verdict;   /* why we killed the runner; OK: we did not */
    const char *verdict_text;
    runner_job_t *active; /* what the runner is doing */
    bool loading;         /* ... compiling for it */
    bool from_disk;       /* ... or linking code from the disk */
    int64_t active_deadline;
    int64_t rest_ns;            /* when to look whether the idle runner should be replaced; INT64_MAX: no need */
    uint32_t calls;             /* serial of the last one */
    runner_job_t *first, *last; /* what waits */
    int queued;
    runner_source_t *sources;
    size_t bitcode_bytes;
    runner_kernel_t *kernels;
    int kernel_count;
} runner_session_t;

runner_session_t *runner_session_new(oid_t id);
/* All jobs must be gone. */
void runner_session_destroy(runner_session_t **self);

runner_source_t *runner_session_source(runner_session_t *self, const uint8_t hash[32]);
/* Keep a module.  Unused ones give way.  BAD_BITCODE for what is no module, LIMIT_EXCEEDED, NO_MEMORY. */
int runner_session_add_source(runner_session_t *self, const uint8_t hash[32], const void *bytes, size_t size,
                              runner_source_t **ret, err_t *err);

runner_kernel_t *runner_session_kernel(runner_session_t *self, uint32_t id);
/* The kernel of a source with these options, made with this id if there is none. */
int runner_session_add_kernel(runner_session_t *self, runner_source_t *source, const kernel_options_t *options,
                              uint32_t id, runner_kernel_t **ret, err_t *err);

/* The time limit of a call in seconds, as it was given. */
double runner_job_limit(const runner_job_t *job);
runner_job_t *runner_job_new(runner_kernel_t *kernel);
/* The outcome is known: let go of the kernel, and forget one that never compiled and that no other job wants. */
void runner_job_detach(runner_session_t *session, runner_job_t *job);
/* The job must be detached. */
void runner_job_destroy(runner_job_t **self);
int runner_session_push(runner_session_t *self, runner_job_t *job, err_t *err);
void runner_session_push_front(runner_session_t *self, runner_job_t *job);
runner_job_t *runner_session_pop(runner_session_t *self);
/* Take one job out of the middle; false if it does not wait here. */
bool runner_session_take(runner_session_t *self, runner_job_t *job);

#endif
