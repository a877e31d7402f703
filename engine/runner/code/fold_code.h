/* engine/runner/code/fold_code.h - the functions that carry a reduction over arrays, built as IR around its own
 * functions. What they are to be like is said in kernel_code.h, in which order they compute in engine/kernel.h. */
#ifndef FH_ENGINE_RUNNER_CODE_FOLD_CODE_H
#define FH_ENGINE_RUNNER_CODE_FOLD_CODE_H

#include "engine/runner/code/loop.h"

/* Add NAME.block, NAME.rows, NAME.lanes, NAME.combine, NAME.finish, NAME.scan and, if there is an init, NAME.start.
 *
 * Between calls of NAME.rows and NAME.lanes the states of a lane lie as closely as they can, so that steps over
 * neighbouring results are vectorised: state k of lane i is k * (its size) bytes behind states + i * n * state_bytes.
 */
void fold_build(LLVMModuleRef module, const entry_t *entry, const char *name, const loop_options_t *options);

#endif
