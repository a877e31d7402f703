/* farhand_kernel.h - for kernels written in C or C++: what an array kernel gets, and names for what engines look for.
 *
 * An array kernel is void or int32_t f(fh_array *args, int32_t nargs): the inputs, then the outputs.  It is called once
 * for each piece of the arrays; a result other than 0 is an error.  It sees memory of these arrays and nothing else.
 * The structure is the same in every language: see docs/writing-kernels.md for Rust and Fortran.  This header stands
 * alone and is not to be included together with farhand.h, which has another fh_array. */
#ifndef FARHAND_KERNEL_H
#define FARHAND_KERNEL_H

#ifdef FARHAND_H
#error "farhand_kernel.h is for kernels, farhand.h for programs: they name different things fh_array"
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FH_MAX_DIMS = 32 };

enum {
    FH_BOOL = 1,
    FH_INT8 = 2,
    FH_UINT8 = 3,
    FH_INT16 = 4,
    FH_UINT16 = 5,
    FH_INT32 = 6,
    FH_UINT32 = 7,
    FH_INT64 = 8,
    FH_UINT64 = 9,
    FH_FLOAT16 = 10,
    FH_FLOAT32 = 11,
    FH_FLOAT64 = 12,
    FH_COMPLEX64 = 13,
    FH_COMPLEX128 = 14,
};

typedef struct fh_array {
    void *data;    /* element [0, 0, ...] of this part */
    int32_t dtype; /* FH_FLOAT64, ... */
    int32_t ndim;
    int64_t shape[FH_MAX_DIMS];   /* of this part */
    int64_t strides[FH_MAX_DIMS]; /* bytes from one element to the next; may be negative or 0 */
    int64_t offset[FH_MAX_DIMS];  /* index in the whole array of this part's first element */
    int64_t whole[FH_MAX_DIMS];   /* shape of the whole array */
    /* Inputs: how many elements before the first and after the last may be read along each axis.  At the edges of the
     * whole array that is 0. */
    int64_t halo[FH_MAX_DIMS][2];
} fh_array;

/* Elements of this part. */
static inline int64_t
fh_size(const fh_array *array)
{
    int64_t size = 1;
    for (int32_t axis = 0; axis < array->ndim; axis++)
        size *= array->shape[axis];
    return size;
}

/* Address of an element of an array of 1, 2 or 3 dimensions.  Indices into the halo are allowed. */
static inline void *
fh_at1(const fh_array *array, int64_t i)
{
    return (char *)array->data + i * array->strides[0];
}

static inline void *
fh_at2(const fh_array *array, int64_t i, int64_t j)
{
    return (char *)array->data + i * array->strides[0] + j * array->strides[1];
}

static inline void *
fh_at3(const fh_array *array, int64_t i, int64_t j, int64_t k)
{
    return (char *)array->data + i * array->strides[0] + j * array->strides[1] + k * array->strides[2];
}

/* Say how far a long call is, from 0 to 1; whoever asks for the progress of the session sees it.  Cheap. */
void farhand_progress(double fraction);

/* FH_SIGNATURE("float64(float64, float64)") before a function says its dtypes, where LLVM's types do not. */
#if defined(__clang__)
#define FH_SIGNATURE(text) __attribute__((annotate("farhand: " text)))
#else
#define FH_SIGNATURE(text)
#endif

/* FH_STATE(prefix, type): a reduction with functions prefix_init, prefix_step, prefix_combine and prefix_finish keeps
 * its state in that type, behind a pointer. */
#define FH_STATE(prefix, type) const int64_t prefix##_state_bytes = (int64_t)sizeof(type)

#ifdef __cplusplus
}
#endif

#endif
