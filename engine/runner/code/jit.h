/* engine/runner/code/jit.h - from optimised modules to machine code in this process.
 *
 * A module becomes an object file, and only that goes to ORC.  Its symbols resolve against the table of symbols.h and
 * nothing else: no function of this process can be reached by name.  Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_JIT_H
#define FH_ENGINE_RUNNER_CODE_JIT_H

#include "base/err.h"
#include "engine/runner/code/module.h"

#include <llvm-c/Core.h>
#include <llvm-c/Orc.h>

typedef struct jit jit_t;

/* Find the host's CPU and make everything ready to compile.  INTERNAL with LLVM's reason. */
int jit_new(jit_t **ret, err_t *err);
void jit_destroy(jit_t **self);

const module_target_t *jit_target(const jit_t *self);
const char *jit_cpu(const jit_t *self);

/* Optimise as -O3 does, for speed, with vectorisation.  simple: the kernel's own functions have neither loops nor
 * functions of the module that they call, so that half of the passes, which is half of the time, would find nothing. */
int jit_optimise(jit_t *self, LLVMModuleRef module, bool simple, err_t *err);
/* The module as assembly text; the caller disposes of it. */
int jit_assembly(jit_t *self, LLVMModuleRef module, LLVMMemoryBufferRef *ret, err_t *err);
/* The module as machine code, a relocatable file; the caller disposes of it. */
int jit_object(jit_t *self, LLVMModuleRef module, LLVMMemoryBufferRef *ret, err_t *err);
/* Link such a file, which stays the caller's, and find symbols in it: symbol followed by each of the suffixes.
 * *ret_tracker holds the code until jit_drop.  BAD_BITCODE: it is none, or a symbol is not there. */
int jit_link(jit_t *self, LLVMMemoryBufferRef object, const char *symbol, const char *const *suffixes, int count,
             LLVMOrcResourceTrackerRef *ret_tracker, void **ret_addresses, err_t *err);
enum { JIT_MAX_SYMBOLS = 8 };
void jit_drop(LLVMOrcResourceTrackerRef *tracker);

#endif
