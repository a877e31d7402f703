/* engine/runner/code/leftovers.h - what producers leave in modules that means nothing in a kernel: lists of symbols for
 * a linker, annotations, exception tables of functions that neither throw nor catch, panics, Python's exceptions.
 * Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_LEFTOVERS_H
#define FH_ENGINE_RUNNER_CODE_LEFTOVERS_H

#include <stdbool.h>

#include <llvm-c/Core.h>

/* Before unused code goes: lists that keep it alive, and second names.  What annotations say is gone then. */
void leftovers_drop_names(LLVMModuleRef module);
/* After it went: exception tables without exceptions; functions that end the program become traps.  True if a function
 * catches exceptions. */
bool leftovers_replace(LLVMModuleRef module);

#endif
