/* engine/runner/kernel_code.h - what a compiled kernel looks like to those who run it: a description and functions.
 * No LLVM: code that runs kernels can be tested with functions written in C. */
#ifndef FH_ENGINE_RUNNER_KERNEL_CODE_H
#define FH_ENGINE_RUNNER_KERNEL_CODE_H

#include "engine/runner/runner_wire.h"

#include <stdint.h>

/* loop: UFUNC   n elements; data and strides (bytes) of the inputs in order, then of the outputs
 *       PIECE   data: the pointers, n as the kernel gets it; strides unused
 *       ARRAY   data is an fh_array[], n how many; strides unused.  GUFUNC the same, for one set of core arrays; with
 *               loop_abi: data, strides is NumPy's steps (outer steps of all operands, then the core strides of each),
 *               and NumPy's dimensions lie behind them: n, then every core dimension in the order in which its name
 *               occurs first in the layout
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

typedef struct {
    runner_description_t about;
    loop_fn loop; /* all but reductions */
    /* UFUNC with about.streams: the same for contiguous operands, n a multiple of KERNEL_VECTOR, results that begin on
     * lines of 64 bytes and go past the cache (stream_copy_settle).  strides unused. */
    loop_fn stream;
    struct { /* reductions; start is NULL where there is no init */
        fold_start_fn start;
        fold_block_fn block;
        fold_rows_fn rows;
        fold_lanes_fn lanes;
        fold_combine_fn combine;
        fold_finish_fn finish;
        fold_scan_fn scan;
    } fold;
} kernel_code_t;

#endif
