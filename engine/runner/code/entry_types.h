/* engine/runner/code/entry_types.h - the types of a function that is to be a kernel, against the dtypes that it should
 * have. Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_ENTRY_TYPES_H
#define FH_ENGINE_RUNNER_CODE_ENTRY_TYPES_H

#include "engine/runner/code/entry.h"

/* May it be called from outside: has it a body, and a name that others see? */
bool entry_is_candidate(LLVMValueRef function);
/* The function of that name, or that an alias of that name stands for (Rust merges functions with equal code); NULL if
 * the module has none with a body. */
LLVMValueRef entry_named(LLVMModuleRef module, const char *name);
call_shape_t entry_shape(LLVMValueRef function, bool *ret_native);
/* The dtype that a type is without a signature, DTYPE_NONE if it is no scalar of ours.  Integers count as signed. */
dtype_t entry_natural_dtype(LLVMTypeRef type);

/* Let inputs (of a signature, or if none is given whatever is left) be the next parameters of the call; their dtypes
 * go to ret_in.  KERNEL_ERROR names parameter, type and what would fit. */
int entry_take_inputs(call_t *call, const signature_t *signature, dtype_t *ret_in, int *ret_nin, err_t *err);
/* The dtype of what the call gives; with given the signature's, checked. */
int entry_take_result(call_t *call, const signature_t *signature, dtype_t *ret, err_t *err);

#endif
