/* engine/runner/code/fold_entry.h - finding the functions of a reduction: P_init, P_step, P_combine, P_finish, under
 * plain names or Numba's; or one function of two numbers.  Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_FOLD_ENTRY_H
#define FH_ENGINE_RUNNER_CODE_FOLD_ENTRY_H

#include "engine/runner/code/entry.h"

/* Is there such a set of functions?  prefix "": the only one, whose prefix goes to ret; several are none. */
bool fold_entry_exists(LLVMModuleRef module, const char *prefix, char ret[KERNEL_NAME_MAX]);
/* Fill name, fold, nin, in and out.  KERNEL_ERROR says what is missing or does not fit together. */
int fold_entry_find(LLVMModuleRef module, const entry_wish_t *wish, entry_t *ret, err_t *err);

#endif
