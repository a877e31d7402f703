/* engine/runner/compile.h - from a module's bytes to a loop that can be called: all steps in their order. */
#ifndef FH_ENGINE_RUNNER_COMPILE_H
#define FH_ENGINE_RUNNER_COMPILE_H

#include "engine/runner/jit.h"
#include "engine/runner/loop.h"

#include <stdbool.h>

typedef struct {
    const char *entry, *signature, *kind; /* as in runner_host_compile */
    bool inspect, fastmath;
} compile_options_t;

typedef struct {
    char entry[256];
    kernel_kind_t kind;
    int nin;
    dtype_t in[KERNEL_MAX_ARGS], out;
    loop_fn loop;
    LLVMOrcResourceTrackerRef code;
    char *ir; /* with inspect: LLVM's text, optimised; else NULL */
    LLVMMemoryBufferRef assembly;
} compiled_t;

/* OK, BAD_BITCODE, KERNEL_ERROR or INTERNAL.  On success the caller owns *ret. */
int compile_kernel(jit_t *jit, const void *bytes, size_t size, const compile_options_t *options, compiled_t *ret,
                   err_t *err);
/* Drop the texts, keep the code. */
void compiled_drop_texts(compiled_t *self);
void compiled_release(compiled_t *self);

#endif
