/* engine/runner/code/compile.h - from a module's bytes to a loop that can be called: all steps in their order. */
#ifndef FH_ENGINE_RUNNER_CODE_COMPILE_H
#define FH_ENGINE_RUNNER_CODE_COMPILE_H

#include "engine/runner/code/jit.h"
#include "engine/runner/kernel_code.h"
#include "engine/runner/runner_wire.h"

#include <stdbool.h>

typedef struct {
    kernel_code_t run; /* what execute_run needs */
    LLVMOrcResourceTrackerRef code;
    LLVMMemoryBufferRef object; /* the machine code as a relocatable file, until compiled_drop_texts */
    char *ir;                   /* with inspect: LLVM's text, optimised; else NULL */
    LLVMMemoryBufferRef assembly;
} compiled_t;

/* OK, BAD_BITCODE, KERNEL_ERROR or INTERNAL.  On success the caller owns *ret. */
int compile_kernel(jit_t *jit, const void *bytes, size_t size, const kernel_options_t *options, const char *symbol,
                   compiled_t *ret, err_t *err);
/* Link machine code that compile_kernel made of the same options, here or elsewhere, with the same LLVM and CPU.
 * BAD_BITCODE if it is none. */
int compile_load(jit_t *jit, const void *object, size_t size, const char *symbol, const runner_description_t *about,
                 compiled_t *ret, err_t *err);
/* Drop the texts and the object, keep the code. */
void compiled_drop_texts(compiled_t *self);
void compiled_release(compiled_t *self);

#endif
