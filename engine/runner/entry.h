/* engine/runner/entry.h - which function of a module is the kernel, and what it takes.
 *
 * Without a signature i1 is bool, i8 to i64 are signed, half, float and double are float16, float32 and float64.  A
 * signature may say unsigned for any of these integers, and bool for i8 (Numba keeps bool so).  Complex numbers, long
 * double and structs are no dtypes of kernels. */
#ifndef FH_ENGINE_RUNNER_ENTRY_H
#define FH_ENGINE_RUNNER_ENTRY_H

#include "engine/runner/signature.h"
#include "engine/runner_host.h"

#include <llvm-c/Core.h>

typedef struct {
    LLVMValueRef function;
    kernel_kind_t kind;
    bool status_call; /* Numba's native convention: i32 f(result*, exception**, scalars...), not 0 for "raised" */
    int nin;
    dtype_t in[KERNEL_MAX_ARGS], out;
} entry_t;

/* name: "" for the only function that fits (Numba: the cfunc wrapper, or what it wraps if the wrapper needs Python).
 * kind: "", "ufunc" or "piece".  KERNEL_ERROR says what is there, or which type does not fit. */
int entry_find(LLVMModuleRef module, const char *name, const char *signature, const char *kind, entry_t *ret,
               err_t *err);

#endif
