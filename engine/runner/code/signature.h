/* engine/runner/code/signature.h - the text that says which dtypes a kernel takes: "float64(float64, float64)",
 * "f8(f8,f8)", "double(double, double)", "void(const double*, double*, int64)", "void(float64[:, :], float64[:],
 * int64)".
 *
 * LLVM's integers have no sign and its pointers no type, so what the function type leaves open stands here.
 * Spellings: NumPy's names and codes, C's names, Numba's names ("intp", "boolean", "CPointer(float64)", "float64[:]").
 * Pure; usable on any thread. */
#ifndef FH_ENGINE_RUNNER_CODE_SIGNATURE_H
#define FH_ENGINE_RUNNER_CODE_SIGNATURE_H

#include "base/err.h"
#include "codecs/dtype.h"
#include "engine/kernel.h"

#include <stdbool.h>

enum { SIGNATURE_MAX_ARGS = KERNEL_MAX_ARGS + KERNEL_MAX_OUT };

typedef struct {
    dtype_t dtype;
    bool pointer;  /* with a star or brackets */
    bool constant; /* with const */
    int ndim;      /* colons in the brackets; 0: a star, or a dtype alone */
} signature_type_t;

typedef struct {
    bool given; /* false: the text was empty */
    bool result_void;
    signature_type_t result; /* meaningful unless result_void */
    int count;
    signature_type_t args[SIGNATURE_MAX_ARGS];
} signature_t;

/* KERNEL_ERROR says where the text stops making sense. */
int signature_parse(const char *text, signature_t *ret, err_t *err);
/* Piece kernels: element dtypes of the inputs and the output, from either spelling, "void(T*, R*, int64)" or "R(T)".
 * KERNEL_ERROR if it is neither. */
int signature_piece(const signature_t *self, dtype_t *ret_in, int *ret_nin, dtype_t *ret_out, err_t *err);
/* NumPy's loops and gufuncs, whose operands stand in order: "R(T...)", "void(T[:]..., R[:]...)" or, for gufuncs,
 * "void(T[:, :]..., R[:]...)".  nout: how many of them are outputs; 0: the parameters that follow the const ones, else
 * the last.  ret_in has room for KERNEL_MAX_ARGS, ret_out for KERNEL_MAX_OUT.  KERNEL_ERROR if it is neither. */
int signature_operands(const signature_t *self, int nout, dtype_t *ret_in, int *ret_nin, dtype_t *ret_out,
                       int *ret_nout, err_t *err);

#endif
