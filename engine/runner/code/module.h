/* engine/runner/code/module.h - a kernel's module on its way to machine code: read, cut down to its entry, cleaned.
 * Thread rule: one thread.  LLVM's own errors come back as BAD_BITCODE with its words. */
#ifndef FH_ENGINE_RUNNER_CODE_MODULE_H
#define FH_ENGINE_RUNNER_CODE_MODULE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#include <llvm-c/Core.h>

typedef struct {
    LLVMContextRef context;
    LLVMModuleRef module;
    char diagnostic[ERR_TEXT_MAX]; /* LLVM's last error */
} module_t;

/* Read bitcode or textual IR and verify it; of debug information lines are kept (debug_info.h); refuses modules made
 * for machines whose memory is laid out differently. */
int module_init(module_t *self, const void *bytes, size_t size, err_t *err);
void module_release(module_t *self);

/* Make everything but these functions private and delete what they do not reach, and what means nothing in a kernel. */
int module_reduce(module_t *self, const LLVMValueRef *entries, int count, err_t *err);
/* The entries become private, too: loops that call them are there now. */
void module_hide(const LLVMValueRef *entries, int count);

/* What the code is to be generated for. */
typedef struct {
    const char *triple, *layout, *cpu, *features;
    bool narrow_vectors; /* 512-bit vectors exist but 256-bit ones are faster */
    bool fastmath;
} module_target_t;

/* Take away what binds the code to its origin (CPU names, inlining and unrolling orders, stack protectors) and say what
 * it is to be compiled for.  To be called on a vetted module. */
void module_prepare(module_t *self, const module_target_t *target);
/* Say of functions that came later, whose names begin so, which CPU they are for. */
void module_aim(module_t *self, const char *prefix, const module_target_t *target);

int module_verify(module_t *self, err_t *err);

#endif
