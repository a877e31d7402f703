/* engine/kernel.h - what is known of a kernel: its kind, its operands, how it was asked for.
 * Shared by the engine and its runner.  Plain values; usable on any thread. */
#ifndef FH_ENGINE_KERNEL_H
#define FH_ENGINE_KERNEL_H

#include "codecs/dtype.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    KERNEL_MAX_ARGS = 16, /* inputs; for array kernels inputs and outputs together */
    KERNEL_MAX_OUT = 8,
    KERNEL_NAME_MAX = 256,
    KERNEL_LAYOUT_MAX = 128,
    KERNEL_MAX_STATE = 4096, /* bytes of a reduction's state */
};

/* UFUNC      numbers in, a number out; or NumPy's loop, void f(char **args, int64 *dims, int64 *steps, void *data)
 * PIECE      void f(const T *in..., R *out, int64 n)
 * ARRAY      void or int32 f(fh_array *args, int32 nargs); see farhand_kernel.h
 * GUFUNC     the function type of ARRAY, or NumPy's loop, with core dimensions
 * REDUCTION  P_init, P_step, P_combine, P_finish; or one binary function that does for step and combine */
typedef enum { KERNEL_UFUNC, KERNEL_PIECE, KERNEL_ARRAY, KERNEL_GUFUNC, KERNEL_REDUCTION } kernel_kind_t;
enum { KERNEL_KINDS = 5 };

/* As wire messages and people call it; NULL if there is no such kind. */
const char *kernel_kind_name(int kind);
/* -1 if there is no such name. */
int kernel_kind_from_name(const char *name);

/* How a kernel is asked for.  Borrowed text, "" for "what fits". */
typedef struct {
    const char *entry, *signature, *kind;
    const char *layout;  /* gufuncs: core dimensions, "(m,k),(k,n)->(m,n)" */
    int64_t state_bytes; /* reductions whose state lies behind a pointer; 0: the module says so, or it is a number */
    bool fastmath;       /* floating-point arithmetic may be reordered */
    bool exact;          /* no vector math library: the C library's own results */
    bool debug;          /* bounds checks and NaN traps, element by element */
    bool force;          /* even if its module has been refused for crashing runners: count anew */
    bool inspect;        /* send the optimised IR and the assembly back */
} kernel_options_t;

/* What is known of a kernel once it has been compiled. */
typedef struct {
    char entry[KERNEL_NAME_MAX];
    kernel_kind_t kind;
    int nin, nout; /* array kernels: nout 0, nin counts all operands; -1: any number */
    /* Element dtypes.  Array kernels may have DTYPE_NONE: any.  Reductions: of the values that a step takes. */
    dtype_t in[KERNEL_MAX_ARGS], out[KERNEL_MAX_OUT];
    char layout[KERNEL_LAYOUT_MAX];
    int64_t state_bytes; /* reductions: of a state as it lies in arrays of states, a multiple of 16 */
    bool has_start;      /* reductions: an init is there, so that a reduction of nothing has a value */
    bool whole_vectors;  /* it calls the vector math library: loops get multiples of KERNEL_VECTOR elements */
    char producer[64];
    uint64_t compile_ns;       /* 0 if it was compiled before */
    bool cached;               /* its machine code came from the disk */
    const char *ir, *assembly; /* with inspect: valid during the callback; else NULL */
} kernel_info_t;

enum { KERNEL_VECTOR = 64 };

/* What part of a reduction kernel a call carries out.  States lie in uint8 arrays whose last axis is state_bytes long.
 *     STEPS    inputs -> states of blocks: axis becomes axis 0, of the blocks that the piece's elements fall into
 *     COMBINE  states -> states without axis, by the fixed tree
 *     FINISH   states -> results
 *     ALL      STEPS, COMBINE along that axis and FINISH
 *     SCAN     inputs [and the states that went before] -> a result for each element, and the last states */
typedef enum { FOLD_NONE, FOLD_STEPS, FOLD_COMBINE, FOLD_FINISH, FOLD_ALL, FOLD_SCAN } fold_stage_t;

/* Blocks of a reduction start at multiples of so many elements of the whole axis; within a block element i goes to
 * lane i % KERNEL_LANES (states behind pointers: one lane), and lanes and blocks are combined by a fixed tree: the same
 * bits whatever the threads, engines and pieces.  The tree over n items: the first 2^k items, the largest such number
 * below n, with the rest. */
enum { KERNEL_BLOCK = 1024, KERNEL_LANES = 8 };

#endif
