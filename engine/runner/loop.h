/* engine/runner/loop.h - the loop that carries a kernel over arrays, built as IR around its entry. */
#ifndef FH_ENGINE_RUNNER_LOOP_H
#define FH_ENGINE_RUNNER_LOOP_H

#include "engine/runner/entry.h"

#include <stdint.h>

/* What compiled kernels look like from outside.
 * loop: UFUNC   n elements; data and strides (bytes) of the inputs in order, then of the output
 *       PIECE   data: the pointers, n as the kernel gets it; strides unused
 *       ARRAY   data is an fh_array[], n how many; strides unused.  GUFUNC the same, for one set of core arrays; with
 *               loop_abi: data, strides is NumPy's steps (outer steps of all operands, then the core strides), and
 *               dimensions lie behind them: strides[nsteps + ...] (see execute.h)
 * Not 0: an element raised, or the function returned that. */
typedef int32_t (*loop_fn)(char *const *data, const int64_t *strides, int64_t n);

/* Reductions.  States are state_bytes apart and 16-byte aligned.  block: one state from the n >= 1 elements of a block,
 * by lanes (kernel.h).  rows: steps lane (row % KERNEL_LANES) of n neighbouring results: states is
 * [KERNEL_LANES][n], row counts from the block's start; fold_lanes makes [n] states of them when the block has rows
 * rows.  combine: into = combine(into, from).  scan: n elements; state goes in (if has_state) and out, each result is
 * finish(state). */
typedef void (*fold_block_fn)(char *state, char *const *data, const int64_t *strides, int64_t n);
typedef void (*fold_rows_fn)(char *states, char *const *data, const int64_t *strides, int64_t n, int64_t row);
typedef void (*fold_lanes_fn)(char *states, int64_t n, int64_t rows);
typedef void (*fold_combine_fn)(char *into, const char *from, int64_t n);
typedef void (*fold_finish_fn)(char *result, int64_t stride, const char *state, int64_t n);
typedef void (*fold_start_fn)(char *state);
typedef void (*fold_scan_fn)(char *state, int64_t has_state, char *const *data, const int64_t *strides, int64_t n);

/* Add the loop to the module under that name; the entry becomes private.  Ufunc loops have a fast version for
 * contiguous arrays beside the general one, and choose when they run.  Only the fast
 * one is vectorised: gathering strided elements into vectors gains little and doubles the time to compile. */
LLVMValueRef loop_build(LLVMModuleRef module, const entry_t *entry, const char *name);

#endif
