/* All pairs: the first operand gets the second's dimensions as axes of extent 1, and both are broadcast. */
#include "proxy/error.h"
#include "proxy/inputs.h"
#include "proxy/kernel.h"

#include <string.h>

/* An operand with so many new axes of extent 1 at its end. */
typedef struct {
    fh_operand operand;
    fh_local local;
    fh_array *view; /* ours */
    shape_t shape;
    int64_t strides[SHAPE_MAX_DIMS];
} widened_t;

static int
widen(const input_t *input, int more, widened_t *ret, err_t *err)
{
    *ret = (widened_t){.operand = *input->operand, .shape = input->shape};
    if (input->shape.ndim + more > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "the result would have %d dimensions: at most %d are possible",
                       input->shape.ndim + more, (int)SHAPE_MAX_DIMS);
    for (int i = 0; i < more; i++)
        ret->shape.extent[ret->shape.ndim++] = 1;
    if (input->is_local) {
        memcpy(ret->strides, input->local.stride, (size_t)input->shape.ndim * sizeof ret->strides[0]);
        ret->local = *input->operand->local;
        ret->local.ndim = ret->shape.ndim;
        ret->local.shape = ret->shape.extent;
        ret->local.strides = ret->strides;
        ret->operand.local = &ret->local;
    } else if (!input->constant) {
        int status = fh_reshape(input->array, ret->shape.ndim, ret->shape.extent, &ret->view, (fh_error *)err);
        ret->operand.array = ret->view;
        return status;
    }
    return FH_OK;
}

int
fh_kernel_outer(fh_kernel *kernel, const fh_operand *a, const fh_operand *b, double timeout_s, fh_array **ret,
                fh_error *error)
{
    err_t *err = error_start(error);
    input_t first = {0}, second = {0};
    widened_t wide = {0};
    int status = kernel_enter(kernel, err);
    if (!status && kernel->code->info.nin != 2)
        status = err_set(err, FH_INVALID_ARGUMENT, "kernel %s takes %d inputs, not the two of an outer product",
                         kernel->code->info.entry, kernel->code->info.nin);
    if (!status && (!a || !b))
        status = err_set(err, FH_INVALID_ARGUMENT, "an operand is NULL");
    if (!status)
        status = input_init(&first, a, err);
    if (!status)
        status = input_init(&second, b, err);
    if (!status)
        status = widen(&first, second.shape.ndim, &wide, err);
    if (!status) {
        const fh_operand in[] = {wide.operand, *b};
        status = fh_kernel_call(kernel, in, 2, &(fh_kernel_call_options){.timeout_s = timeout_s}, ret, error);
    }
    fh_array_free(&wide.view);
    input_release(&first);
    input_release(&second);
    return status;
}
