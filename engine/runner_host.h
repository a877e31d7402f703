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

#include <poll.h>
#include <stdbool.h>

typedef struct runner_host runner_host_t;

typedef struct {
    const char *program;      /* path of farhand-runner; NULL: beside this executable, else libexec */
    const char *cache_folder; /* NULL: no disk cache (reserved) */
    int64_t memory_bytes;     /* RLIMIT_AS of a runner; 0: 8 GiB */
    int64_t stack_bytes;      /* 0: 8 MiB */
    int threads;              /* that a runner computes with; 0: 1 */
    bool unsafe_no_sandbox;   /* run even where seccomp or Landlock are missing */
    bool start_spare;         /* start the spare runner now, in the background, not at the first kernel */
} runner_host_options_t;

int runner_host_new(runner_host_t **ret, const runner_host_options_t *options, err_t *err);
/* Kills all runners.  Callbacks that are still due run with CANCELLED. */
void runner_host_destroy(runner_host_t **self);

typedef enum { KERNEL_UFUNC, KERNEL_PIECE } kernel_kind_t;

enum { KERNEL_MAX_ARGS = 16 };

/* What is known of a kernel once it has been compiled. */
typedef struct {
    char entry[256];
    kernel_kind_t kind;
    int nin;                     /* inputs */
    dtype_t in[KERNEL_MAX_ARGS]; /* ufunc: parameter dtypes; piece: element dtypes of the input pointers */
    dtype_t out;                 /* ufunc: result dtype; piece: element dtype of the output pointer */
    char producer[64];
    uint64_t compile_ns;       /* 0 if it was compiled before */
    const char *ir, *assembly; /* with inspect: valid during the callback; else NULL */
} kernel_info_t;

typedef void (*runner_compiled_fn)(void *context, int status, const kernel_info_t *info, const err_t *err);
typedef void (*runner_done_fn)(void *context, int status, const err_t *err);

/* Compile (or find again) a kernel for a session.  bitcode NULL: only if the hash is known, else NO_SUCH_OBJECT at
 * once. entry, signature, kind: "" for "what fits".  *ret_kernel names it from now on, for this session. Borrows
 * everything; copies what it keeps.  compiled runs exactly once, later, if OK is returned. */
int runner_host_compile(runner_host_t *self, oid_t session, const uint8_t hash[32], const void *bitcode, size_t size,
                        const char *entry, const char *signature, const char *kind, bool inspect, bool fastmath,
                        runner_compiled_fn compiled, void *context, uint32_t *ret_kernel, err_t *err);

/* An array that a kernel reads or writes: a range of a memfd, and how it is strided. */
typedef struct {
    int fd;          /* inputs: opened read-only; output: read-write; borrowed until done */
    int64_t fd_size; /* bytes of the memfd */
    int64_t offset;  /* of the first element in the memfd */
    nd_t nd;         /* data is ignored */
} runner_array_t;

/* Run a kernel.  Ufunc kernels: inputs broadcast to out.  Piece kernels: contiguous arrays; n is the elements of the
 * first input.  deadline_ns: clock_now_ns() time after which the runner is killed and done gets KERNEL_TIMEOUT.  A
 * crash gives KERNEL_FAULT with signal and address.  done runs exactly once, later, if OK is returned.  *ret_ticket
 * names the call. */
int runner_host_run(runner_host_t *self, oid_t session, uint32_t kernel, const runner_array_t *in, int nin,
                    const runner_array_t *out, int64_t deadline_ns, runner_done_fn done, void *context,
                    uint64_t *ret_ticket, err_t *err);
/* End a call: kills its runner; done gets CANCELLED.  Unknown tickets are passed over. */
void runner_host_cancel(runner_host_t *self, uint64_t ticket);
/* The session is gone: kill its runner, forget its kernels. */
void runner_host_forget(runner_host_t *self, oid_t session);

/* For the reactor: fill pollfds (returns how many; more than room: only room are filled), the time of the next deadline
 * (INT64_MAX: none), and handle whatever has happened. */
int runner_host_pollfds(runner_host_t *self, struct pollfd *ret, int room);
int64_t runner_host_next_deadline(runner_host_t *self);
void runner_host_handle(runner_host_t *self);

/* LLVM's version, the CPU name and the sandbox as the spare runner reported them.  Until it has: the version that was built against, "". */
const char *runner_host_llvm(const runner_host_t *self);
const char *runner_host_cpu(const runner_host_t *self);
const char *runner_host_sandbox(const runner_host_t *self);

#endif
