/* engine/runner/signature.h - the text that says which dtypes a kernel takes: "float64(float64, float64)",
 * "f8(f8,f8)", "double(double, double)", "void(const double*, double*, int64)".
 *
 * LLVM's integers have no sign and its pointers no type, so what the function type leaves open stands here.
 * Spellings: NumPy's names and codes, C's names, Numba's names ("intp", "boolean", "CPointer(float64)", "float64[:]").
 * Pure; usable on any thread. */
#ifndef FH_ENGINE_RUNNER_SIGNATURE_H
#define FH_ENGINE_RUNNER_SIGNATURE_H

#include "base/err.h"
#include "codecs/dtype.h"
#include "engine/runner_host.h"

#include <stdbool.h>

typedef struct {
    dtype_t dtype;
    bool pointer;
} signature_type_t;

typedef struct {
    bool given; /* false: the text was empty */
    bool result_void;
    signature_type_t result; /* meaningful unless result_void */
    int count;
    signature_type_t args[KERNEL_MAX_ARGS + 1];
} signature_t;

/* KERNEL_ERROR says where the text stops making sense. */
int signature_parse(const char *text, signature_t *ret, err_t *err);
/* Piece kernels: element dtypes of the inputs and the output, from either spelling, "void(T*, R*, int64)" or "R(T)".
 * KERNEL_ERROR if it is neither. */
int signature_piece(const signature_t *self, dtype_t *ret_in, int *ret_nin, dtype_t *ret_out, err_t *err);

#endif
