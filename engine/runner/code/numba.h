/* engine/runner/code/numba.h - how Numba names and wraps functions.
 *
 * X is i32 _ZN...(result *, exception **, values...), free of Python; "cfunc.X" is a C function around it, which serves
 * unless it wants Python to report exceptions.  Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_NUMBA_H
#define FH_ENGINE_RUNNER_CODE_NUMBA_H

#include <stdbool.h>
#include <stddef.h>

#include <llvm-c/Core.h>

/* Has the function that type?  C++ has functions of the same type and the same names, rarely. */
bool numba_is_native(LLVMValueRef function);
bool numba_is_wrapper(LLVMValueRef function);
/* Of a wrapper: itself, or what it wraps if it calls what kernels may not. */
LLVMValueRef numba_unwrap(LLVMModuleRef module, LLVMValueRef wrapper);
/* The wrapper of a native function; NULL if it has none. */
LLVMValueRef numba_wrapper(LLVMModuleRef module, LLVMValueRef native);
/* The name that the function had in Python; other names as they are, cut to size - 1. */
void numba_plain_name(const char *name, char *ret, size_t size);

#endif
