/* engine/runner/code/debug_info.h - what a module knows of its source, cut down to what says which line failed.
 *
 * Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_DEBUG_INFO_H
#define FH_ENGINE_RUNNER_CODE_DEBUG_INFO_H

#include <llvm-c/Core.h>

/* Keep the lines of instructions; variables and types go, and everything if it is not of our LLVM's version.  To be
 * called on a verified module. */
void debug_info_reduce(LLVMModuleRef module);

/* Once all functions are there: give those that came without source (our loops) one of their own with no line, since
 * LLVM drops the lines of what it inlines into a function that has none. */
void debug_info_complete(LLVMModuleRef module);

/* The module as text, without its debug information.  LLVMDisposeMessage frees it. */
char *debug_info_print(LLVMModuleRef module);

#endif
