/* Running results by kernels: each piece goes on from the last states of the piece before it. */
#include "proxy/error.h"
#include "proxy/kernel_fold.h"

typedef struct {
    folding_t fold;
    int axis;
    handle_t *last; /* the states after the piece before, where they were made */
    fh_array *made;
} accumulating_t;

/* One state for each element beside the axis. */
static shape_t
last_shape(const accumulating_t *self, const shape_t *part)
{
    shape_t shape = {0};
    for (int i = 0; i < part->ndim; i++)
        if (i != self->axis)
            shape.extent[shape.ndim++] = part->extent[i];
    shape.extent[shape.ndim++] = self->fold.code->state_bytes;
    return shape;
}

/* The states that went before, on the piece's engine. */
static int
bring_last(accumulating_t *self, engine_link_t *to, const shape_t *shape, err_t *err)
{
    handle_t *here = NULL;
    if (!self->last || self->last->engine == to)
        return FH_OK;
    int status = emit_transfer(self->last, to, DTYPE_UINT8, shape, &here, err);
    if (status)
        return status;
    handle_unref(&self->last);
    self->last = here;
    return FH_OK;
}

static int
scan_part(accumulating_t *self, int i, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    handle_t *inputs[KERNEL_MAX_IN + 1], *made = NULL, *last = NULL;
    shape_t part = array_part_shape(first, i), states = last_shape(self, &part);
    bool across = first->axis == self->axis && first->axis >= 0;
    int n = self->fold.nin;
    int status = across ? bring_last(self, first->parts[i].handle->engine, &states, err) : FH_OK;
    if (status)
        return status;
    for (int k = 0; k < n; k++)
        inputs[k] = self->fold.in[k]->parts[i].handle;
    if (across && self->last)
        inputs[n++] = self->last;
    const fold_call_t call = {.stage = FOLD_SCAN,
                              .inputs = inputs,
                              .ninputs = n,
                              .axis = self->axis,
                              .piece = kernel_piece(i, first->n),
                              .dtype = self->made->dtype,
                              .shape = &part,
                              .of = self->made,
                              .part = i,
                              .last = across && i + 1 < first->n ? &states : NULL};
    status = folding_emit(&self->fold, &call, &made, &last, err);
    if (status)
        return status;
    array_put(self->made, i, made, NULL);
    handle_unref(&self->last);
    self->last = last;
    return FH_OK;
}

static int
run(accumulating_t *self, int axis, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    layout_t layout;
    int status = shape_axis(axis, first->shape.ndim, &self->axis, err);
    if (!status)
        status = array_layout(first, 0, &layout, err);
    if (status)
        return status;
    status =
        array_new_as(&self->made, self->fold.session, (dtype_t)self->fold.info->out[0], &first->shape, &layout, err);
    layout_release(&layout);
    for (int i = 0; i < first->n && !status; i++)
        status = scan_part(self, i, err);
    handle_unref(&self->last);
    return status;
}

int
fh_kernel_accumulate(fh_kernel *kernel, fh_array *const *in, int nin, int axis, double timeout_s, fh_array **ret,
                     fh_error *error)
{
    err_t *err = error_start(error);
    accumulating_t self = {0};
    int status = folding_init(&self.fold, kernel, in, nin, timeout_s, err);
    if (!status)
        status = run(&self, axis, err);
    folding_release(&self.fold);
    return array_finish(self.made, status, ret, err);
}
