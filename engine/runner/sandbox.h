/* engine/runner/sandbox.h - the wall around a runner: rlimits, Landlock and a seccomp allow-list.
 *
 * In this order: sandbox_limits at the start, sandbox_close once everything is loaded, then worker threads, then
 * sandbox_lock. Nothing here can be undone. */
#ifndef FH_ENGINE_RUNNER_SANDBOX_H
#define FH_ENGINE_RUNNER_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    bool optional;    /* --unsafe-no-sandbox: go on without what the kernel does not have */
    char applied[64]; /* "seccomp+landlock7" */
} sandbox_t;

/* Die with the parent, leave no core, get no more than this memory. */
int sandbox_limits(int64_t memory_bytes, int64_t stack_bytes, err_t *err);
/* Landlock: no file, no TCP port, no signal and no abstract socket outside.  Threads made from now on are inside too.
 */
int sandbox_close(sandbox_t *self, err_t *err);
/* No more processes; seccomp for all threads; then check that open and socket are really refused. */
int sandbox_lock(sandbox_t *self, err_t *err);

#endif
