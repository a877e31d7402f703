/* engine/runner_host.h - the engine's side of runners: sandboxed children that hold all of LLVM.
 *
 * One runner serves one session and is killed with it.  A spare one waits ready, so that a session's first kernel does
 * not pay for loading LLVM.  Everything is asynchronous: requests return at once, answers come through callbacks from
 * runner_host_handle, on the reactor thread.  What a runner says is untrusted and checked.
 * Thread rule: owned by the engine's reactor thread.
 *
 * Kernels are known to a host by their hash; the host keeps the bitcode (bounded, per session) so that a runner that
 * has died can be given its kernels again.  A kernel whose hash killed three runners is refused with KERNEL_POISONED.
 */
#ifndef FH_ENGINE_RUNNER_HOST_H
#define FH_ENGINE_RUNNER_HOST_H

#include "base/err.h"
#include "base/oid.h"
#include "codecs/shape.h"
#include "engine/kernel.h"

#include <poll.h>
#include <stdbool.h>

typedef struct runner_host runner_host_t;

typedef struct {
    const char *program;      /* path of farhand-runner; NULL: beside this executable, else libexec */
    const char *cache_folder; /* machine code is kept there, mode 0700; NULL: no disk cache */
    int64_t cache_bytes;      /* of all files there; 0: 256 MiB */
    int64_t memory_bytes;     /* RLIMIT_AS of a runner; 0: 8 GiB */
    int64_t stack_bytes;      /* 0: 8 MiB */
    int threads;              /* that a runner computes with; 0: 1 */
    bool unsafe_no_sandbox;   /* run even where seccomp or Landlock are missing */
    bool start_spare;         /* start the spare runner now, in the background, not at the first kernel */
} runner_host_options_t;

int runner_host_new(runner_host_t **ret, const runner_host_options_t *options, err_t *err);
/* Kills all runners.  Callbacks that are still due run with CANCELLED. */
void runner_host_destroy(runner_host_t **self);

typedef void (*runner_compiled_fn)(void *context, int status, const kernel_info_t *info, const err_t *err);
/* raised: of the floating-point flags that were watched. */
typedef void (*runner_done_fn)(void *context, int status, unsigned raised, const err_t *err);

/* Compile (or find again) a kernel for a session.  bitcode NULL: only if the hash is known, else NO_SUCH_OBJECT at
 * once.  *ret_kernel names it from now on, for this session. Borrows everything; copies what it keeps.  compiled runs
 * exactly once, later, if OK is returned. */
int runner_host_compile(runner_host_t *self, oid_t session, const uint8_t hash[32], const void *bitcode, size_t size,
                        const kernel_options_t *options, runner_compiled_fn compiled, void *context,
                        uint32_t *ret_kernel, err_t *err);

/* An array that a kernel reads or writes: a strided range of a memfd, or of the engine's heap. */
typedef struct {
    int fd;           /* inputs: opened read-only; outputs: read-write; borrowed until done.  -1: it lies at nd.data */
    int64_t fd_size;  /* bytes of the memfd */
    int64_t offset;   /* of the first element in the memfd */
    nd_t nd;          /* with fd -1: all of it within 64 KiB; borrowed until done; outputs are copied there then */
    uint64_t segment; /* which file it is, so that the runner may keep its map for the next call; 0: it may not */
    bool cut;         /* array kernels: it is a piece of an array that is cut along the call's axis */
    int64_t base, whole; /* then, and for folds: index of the first element along axis (of a pad, if there is one),
                          * extent of the whole */
} runner_array_t;

/* A call of a kernel.  operands: nin inputs, the mask if masked, nout outputs, then strips: for each bit of low and
 * then of high, that of the input with this number.
 * Ufunc kernels: inputs and mask broadcast to the output; where the mask is false nothing is computed or written.
 * Piece kernels: contiguous arrays; n is the elements of the first input.
 * Array kernels: once, or (width > 0: a stencil) once or more over blocks of axis.  pad_low, pad_high: elements at the
 * ends of the cut inputs' own arrays that belong to neighbours.  Else a strip stands for an end: strip low of an input
 * holds the width elements before it and its own first 2 * width; strip high its own last 2 * width and the width
 * elements after it.
 * Gufuncs: outputs have the broadcast loop dimensions, then their core dimensions.
 * Reductions: see fold_stage_t.  SCAN: inputs, then (nin one more) the states that went before, if any. */
typedef struct {
    const runner_array_t *operands;
    int nin, nout;
    bool masked;
    fold_stage_t stage;
    int axis; /* FOLD: of the first input.  Array kernels: along which the whole is cut, -1: it is not */
    uint32_t low, high;
    int64_t width, pad_low, pad_high;
    unsigned
        leave; /* leave out the low (1), the high (2) end of the results, width elements, which need no strips then */
    bool ends_only;      /* compute only the ends that have strips: the rest is there */
    int64_t piece;       /* for messages: number of the piece; -1: there is only one */
    unsigned watch;      /* floating-point flags that are to be told, as on the wire */
    int64_t deadline_ns; /* clock_now_ns() time after which the call gets KERNEL_TIMEOUT */
} runner_call_t;

/* Run a kernel.  A crash gives KERNEL_FAULT with signal and address.  done runs exactly once, later, if OK is returned.
 * *ret_ticket names the call. */
int runner_host_run(runner_host_t *self, oid_t session, uint32_t kernel, const runner_call_t *call, runner_done_fn done,
                    void *context, uint64_t *ret_ticket, err_t *err);
/* End a call: it is asked to stop, and its runner is killed if it does not soon; done gets CANCELLED.  Unknown tickets
 * are passed over. */
void runner_host_cancel(runner_host_t *self, uint64_t ticket);

/* What a kernel has done for a session. */
typedef struct {
    uint64_t calls, elements, run_ns, compile_ns, faults;
    bool cached;      /* its machine code came from the disk */
    uint64_t bitcode; /* bytes of its module */
} kernel_stats_t;
/* False: the session has no such kernel. */
bool runner_host_stats(const runner_host_t *self, oid_t session, uint32_t kernel, kernel_stats_t *ret);

/* Visit the sessions that have kernels, with the bytes of their bitcode and its modules; *ret_processes: how many
 * runners there are.  Returns their resident bytes but for arrays. */
int64_t runner_host_memory(const runner_host_t *self,
                           void (*visit)(void *context, oid_t session, int64_t bytes, int64_t modules), void *context,
                           int *ret_processes);
/* What a session's runner does now. */
typedef struct {
    uint64_t ticket;      /* 0: nothing */
    const char *entry;    /* borrowed until the next call of the host */
    uint64_t done, total; /* as the runner says: not to be trusted; total 0: unknown */
    int64_t started_ns;
} runner_progress_t;
bool runner_host_progress(const runner_host_t *self, oid_t session, runner_progress_t *ret);
/* The session is gone: kill its runner, forget its kernels. */
void runner_host_forget(runner_host_t *self, oid_t session);

/* For the reactor: fill pollfds (returns how many; more than room: only room are filled), the time of the next deadline
 * (INT64_MAX: none), and handle whatever has happened. */
int runner_host_pollfds(runner_host_t *self, struct pollfd *ret, int room);
int64_t runner_host_next_deadline(runner_host_t *self);
/* Is some runner busy with a call? */
bool runner_host_asked(const runner_host_t *self);
/* Before the reactor sleeps: look for some microseconds whether a runner answers at once.  True: call
 * runner_host_handle instead of sleeping. */
bool runner_host_linger(runner_host_t *self);
void runner_host_handle(runner_host_t *self);

/* LLVM's version, the CPU name and the sandbox as the spare runner reported them.  Until it has: the version that was
 * built against, "". */
const char *runner_host_llvm(const runner_host_t *self);
const char *runner_host_cpu(const runner_host_t *self);
const char *runner_host_sandbox(const runner_host_t *self);

#endif
