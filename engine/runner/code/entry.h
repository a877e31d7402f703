/* engine/runner/code/entry.h - which function or functions of a module are the kernel, and what it takes.
 *
 * Without a signature i1 is bool, i8 to i64 are signed, half, float and double are float16, float32 and float64, and
 * two of them together are a complex number.  A signature may say unsigned for any of these integers, and bool for i8
 * (Numba and Fortran keep bool so).  Signatures come from the caller, or else from the module (annotations.h).  Long
 * double and other structs are no dtypes of kernels.  Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_ENTRY_H
#define FH_ENGINE_RUNNER_CODE_ENTRY_H

#include "codecs/core_dims.h"
#include "engine/runner/code/call.h"
#include "engine/runner/code/signature.h"
#include "engine/runner/runner_wire.h"

#include <llvm-c/Core.h>

/* What a function could be called as.
 * SCALAR  numbers in, a number out          PIECE  void(pointers to inputs and output, int64)
 * LOOP    void(char **, int64 *, int64 *, void *)      ARRAY  void or int32(fh_array *, int32) */
typedef enum { SHAPE_NONE, SHAPE_SCALAR, SHAPE_LOOP, SHAPE_PIECE, SHAPE_ARRAY } call_shape_t;

/* The functions of a reduction; those that are missing have no function (see docs/writing-kernels.md). */
typedef struct {
    call_t init, step, combine, finish;
    bool pointer_state;
    LLVMTypeRef state; /* of a state as it lies in memory; behind a pointer: bytes */
    int64_t size;      /* of it */
} fold_t;

typedef struct {
    char name[KERNEL_NAME_MAX]; /* of the function, or the prefix of a reduction's functions */
    kernel_kind_t kind;
    call_shape_t shape;
    call_t call; /* all but reductions */
    fold_t fold;
    int nin, nout; /* as in kernel_info_t */
    dtype_t in[KERNEL_MAX_ARGS], out[KERNEL_MAX_OUT];
    char layout[KERNEL_LAYOUT_MAX];
    core_dims_t core; /* of the layout */
} entry_t;

/* What the caller asked for, or what the module says where the caller left it open. */
typedef struct {
    const char *entry, *kind, *layout;
    bool noted; /* the module named the entry */
    signature_t signature;
    int64_t state_bytes;
} entry_wish_t;

/* Find the kernel; of the options entry, signature, kind, layout and state_bytes are looked at.  entry "": the only
 * function that fits (Numba: the cfunc wrapper, or what it wraps if the wrapper needs Python).  KERNEL_ERROR says what
 * is there, or which type does not fit. */
int entry_find(LLVMModuleRef module, const kernel_options_t *options, entry_t *ret, err_t *err);

enum { ENTRY_MAX_FUNCTIONS = 4 };
/* The functions that are called from outside; returns how many. */
int entry_functions(const entry_t *self, LLVMValueRef ret[ENTRY_MAX_FUNCTIONS]);
void entry_describe(const entry_t *self, runner_description_t *ret);

#endif
