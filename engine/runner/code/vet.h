/* engine/runner/code/vet.h - the rules that a kernel's code must keep, each refusal a sentence with function and
 * reason. They give clean errors early and keep the compiler's work bounded; the wall is the sandbox. */
#ifndef FH_ENGINE_RUNNER_CODE_VET_H
#define FH_ENGINE_RUNNER_CODE_VET_H

#include "base/err.h"

#include <llvm-c/Core.h>

enum {
    VET_MAX_FUNCTIONS = 256,
    VET_MAX_INSTRUCTIONS = 100000,
    VET_MAX_ALLOCA = 64 << 10, /* bytes */
    VET_MAX_GLOBALS = 1 << 20, /* bytes of all global data */
};

/* Check a verified module that holds nothing but its entry and what that needs.  OK or BAD_BITCODE. */
int vet_module(LLVMModuleRef module, err_t *err);

#endif
