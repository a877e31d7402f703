/* tests/fault/anything.h - small operands for whatever kernel came out of a compiler, and what they must look like
 * afterwards.  Thread rule: that of the runner host. */
#ifndef FH_TESTS_FAULT_ANYTHING_H
#define FH_TESTS_FAULT_ANYTHING_H

#include "engine/runner_host.h"

#include <stdbool.h>

enum { ANYTHING_MAX = KERNEL_MAX_ARGS + KERNEL_MAX_OUT, ANYTHING_BYTES = 32 << 10 };

/* A call with operands of its own on the heap, so that only the runner's copies can be written by a kernel. */
typedef struct {
    runner_call_t call; /* deadline_ns is the caller's to fill */
    runner_array_t operands[ANYTHING_MAX];
    size_t used;
    bool too_large;
    char memory[ANYTHING_BYTES];
} anything_t;

/* False: this kernel cannot be called with small arrays. */
bool anything_prepare(anything_t *self, const kernel_info_t *info);
/* Nothing but outputs has been written; with failed not even those. */
bool anything_is_intact(const anything_t *self, bool failed);

#endif
