/* Reductions by kernels: elements become states along the last of the axes, states are combined along the others, one
 * after the other, and finished.  What is combined with what follows from the whole array's shape alone. */
#include "proxy/error.h"
#include "proxy/kernel_fold.h"
#include "proxy/reduce.h"

#include <string.h>

typedef struct {
    folding_t fold;
    uint32_t axes; /* bit set: reduced, and not done yet */
    fh_array *states;
    int label[SHAPE_MAX_DIMS]; /* of the states: the axis of the inputs that each dimension is */
} reducing_t;

/* ---- shapes --------------------------------------------------------------------------------------------------------
 */

static void
drop_axis(shape_t *shape, int axis)
{
    shape->ndim--;
    for (int i = axis; i < shape->ndim; i++)
        shape->extent[i] = shape->extent[i + 1];
}

/* Where an array that was cut along `cut` is cut when an axis has gone; an array in one piece stays one. */
static int
cut_without(int cut, int axis)
{
    return cut > axis ? cut - 1 : cut;
}

static shape_t
states_shape(const reducing_t *self, const shape_t *elements, int axis)
{
    shape_t shape = {.ndim = elements->ndim + 1, .extent = {(elements->extent[axis] + FOLD_BLOCK - 1) / FOLD_BLOCK}};
    int n = 1;
    for (int i = 0; i < elements->ndim; i++)
        if (i != axis)
            shape.extent[n++] = elements->extent[i];
    shape.extent[n] = self->fold.code->state_bytes;
    return shape;
}

/* ---- elements to states --------------------------------------------------------------------------------------------
 */

static int
emit_steps(const reducing_t *self, handle_t *const *inputs, int axis, int64_t base, int i, const shape_t *shape,
           handle_t **ret, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    const fold_call_t call = {.stage = FOLD_STEPS,
                              .inputs = inputs,
                              .ninputs = self->fold.nin,
                              .axis = axis,
                              .base = base,
                              .piece = kernel_piece(i, first->n),
                              .dtype = DTYPE_UINT8,
                              .shape = shape};
    return folding_emit(&self->fold, &call, ret, NULL, err);
}

/* Along an axis that each piece has all of. */
static int
steps_within(reducing_t *self, int axis, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    shape_t whole = states_shape(self, &first->shape, axis);
    int cut = first->axis < axis ? first->axis + 1 : first->axis;
    int status =
        array_new(&self->states, self->fold.session, DTYPE_UINT8, &whole, first->axis < 0 ? -1 : cut, first->n, err);
    for (int i = 0; i < first->n && !status; i++) {
        handle_t *inputs[KERNEL_MAX_IN], *made = NULL;
        self->states->cuts[i] = first->cuts[i];
        shape_t part = array_part_shape(self->states, i);
        for (int k = 0; k < self->fold.nin; k++)
            inputs[k] = self->fold.in[k]->parts[i].handle;
        status = emit_steps(self, inputs, axis, 0, i, &part, &made, err);
        if (!status)
            array_put(self->states, i, made, NULL);
    }
    return status;
}

/* The states of the blocks that a range of the distributed axis holds, which begins at a block, on piece i's engine. */
static int
steps_of_range(reducing_t *self, fh_array *blocks, int i, piece_t range, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    engine_link_t *engine = first->parts[i].handle->engine;
    part_t parts[KERNEL_MAX_IN] = {0};
    handle_t *inputs[KERNEL_MAX_IN], *made = NULL;
    shape_t elements = first->shape;
    int status = FH_OK;
    if (range.length == 0)
        return FH_OK;
    elements.extent[first->axis] = range.length;
    shape_t shape = states_shape(self, &elements, first->axis);
    for (int k = 0; k < self->fold.nin && !status; k++) {
        status = align_region(self->fold.in[k], first->axis, range, engine, &parts[k], err);
        inputs[k] = parts[k].handle;
    }
    if (!status)
        status = emit_steps(self, inputs, first->axis, range.start, i, &shape, &made, err);
    for (int k = 0; k < self->fold.nin; k++)
        handle_unref(&parts[k].handle);
    if (status)
        return status;
    int n = blocks->n++;
    blocks->cuts[n] = (piece_t){range.start / FOLD_BLOCK, shape.extent[0]};
    array_put(blocks, n, made, NULL);
    return FH_OK;
}

/* Each piece does the blocks that begin in it: those that end in it at once, and the one that reaches beyond it. */
static int
steps_of_piece(reducing_t *self, fh_array *blocks, int i, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    int64_t extent = first->shape.extent[first->axis], end = first->cuts[i].start + first->cuts[i].length;
    int64_t begin = (first->cuts[i].start + FOLD_BLOCK - 1) / FOLD_BLOCK * FOLD_BLOCK;
    int64_t split = end == extent ? end : end / FOLD_BLOCK * FOLD_BLOCK;
    if (begin >= end)
        return FH_OK;
    int status = begin < split ? steps_of_range(self, blocks, i, (piece_t){begin, split - begin}, err) : FH_OK;
    if (!status && split < end)
        status = steps_of_range(
            self, blocks, i, (piece_t){split, split + FOLD_BLOCK < extent ? (int64_t)FOLD_BLOCK : extent - split}, err);
    return status;
}

/* All of an array on the engine of the inputs' first piece. */
static int
join(const reducing_t *self, fh_array **array, err_t *err)
{
    layout_t layout;
    fh_array *joined = NULL;
    int status = layout_single(&layout, self->fold.in[0]->parts[0].handle->engine, err);
    if (status)
        return status;
    status = align_array(*array, &layout, &joined, err);
    layout_release(&layout);
    if (status)
        return status;
    fh_array_free(array);
    *array = joined;
    return FH_OK;
}

static int
steps_across(reducing_t *self, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    fh_array *blocks = NULL;
    shape_t whole = states_shape(self, &first->shape, first->axis);
    int status = array_new(&blocks, self->fold.session, DTYPE_UINT8, &whole, 0, 2 * first->n, err);
    if (status)
        return status;
    blocks->n = 0;
    for (int i = 0; i < first->n && !status; i++)
        status = steps_of_piece(self, blocks, i, err);
    if (!status) {
        array_settle(blocks);
        status = join(self, &blocks, err);
    }
    self->states = blocks;
    return status;
}

/* ---- states to results ---------------------------------------------------------------------------------------------
 */

/* One stage over all pieces of the states; axis: the one that goes (FINISH: that of the bytes). */
static int
next_stage(reducing_t *self, fold_stage_t stage, int axis, dtype_t dtype, err_t *err)
{
    fh_array *states = self->states, *made = NULL;
    shape_t whole = states->shape;
    drop_axis(&whole, axis);
    int status = array_new_beside(&made, states, dtype, &whole, cut_without(states->axis, axis), err);
    for (int i = 0; i < states->n && !status; i++) {
        handle_t *result = NULL;
        shape_t part = array_part_shape(made, i);
        const fold_call_t call = {.stage = stage,
                                  .inputs = &states->parts[i].handle,
                                  .ninputs = 1,
                                  .axis = stage == FOLD_FINISH ? 0 : axis,
                                  .piece = kernel_piece(i, states->n),
                                  .dtype = dtype,
                                  .shape = &part,
                                  .of = made,
                                  .part = i};
        status = folding_emit(&self->fold, &call, &result, NULL, err);
        if (!status)
            array_put(made, i, result, NULL);
    }
    if (status) {
        fh_array_free(&made);
        return status;
    }
    fh_array_free(&self->states);
    self->states = made;
    return FH_OK;
}

static int
combine(reducing_t *self, int position, err_t *err)
{
    int status = self->states->axis == position ? join(self, &self->states, err) : FH_OK;
    if (!status)
        status = next_stage(self, FOLD_COMBINE, position, DTYPE_UINT8, err);
    for (int i = position; i + 1 < SHAPE_MAX_DIMS; i++)
        self->label[i] = self->label[i + 1];
    return status;
}

static int
last_axis(uint32_t axes)
{
    return 31 - __builtin_clz(axes);
}

static int
reduce_by_states(reducing_t *self, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    int axis = last_axis(self->axes), n = 0;
    if (first->shape.ndim == SHAPE_MAX_DIMS)
        return err_set(err, FH_NOT_SUPPORTED, "arrays of %d dimensions are not reduced by kernels in several steps",
                       (int)SHAPE_MAX_DIMS);
    int status = axis == first->axis ? steps_across(self, err) : steps_within(self, axis, err);
    self->label[n++] = axis;
    for (int i = 0; i < first->shape.ndim; i++)
        if (i != axis)
            self->label[n++] = i;
    while (self->axes && !status) {
        int position = 0;
        while (self->label[position] != last_axis(self->axes))
            position++;
        self->axes &= ~(UINT32_C(1) << last_axis(self->axes));
        status = combine(self, position, err);
    }
    return status ? status
                  : next_stage(self, FOLD_FINISH, self->states->shape.ndim - 1, (dtype_t)self->fold.info->out[0], err);
}

/* One axis that each piece has all of: elements to results in one stage. */
static int
reduce_within(reducing_t *self, int axis, err_t *err)
{
    const fh_array *first = self->fold.in[0];
    dtype_t dtype = (dtype_t)self->fold.info->out[0];
    shape_t whole = first->shape;
    drop_axis(&whole, axis);
    int status = array_new_beside(&self->states, first, dtype, &whole, cut_without(first->axis, axis), err);
    for (int i = 0; i < first->n && !status; i++) {
        handle_t *inputs[KERNEL_MAX_IN], *made = NULL;
        shape_t part = array_part_shape(self->states, i);
        for (int k = 0; k < self->fold.nin; k++)
            inputs[k] = self->fold.in[k]->parts[i].handle;
        const fold_call_t call = {.stage = FOLD_ALL,
                                  .inputs = inputs,
                                  .ninputs = self->fold.nin,
                                  .axis = axis,
                                  .piece = kernel_piece(i, first->n),
                                  .dtype = dtype,
                                  .shape = &part,
                                  .of = self->states,
                                  .part = i};
        status = folding_emit(&self->fold, &call, &made, NULL, err);
        if (!status)
            array_put(self->states, i, made, NULL);
    }
    return status;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

/* Without axes each element is a reduction of its own: along a new last axis. */
static int
add_axis(reducing_t *self, err_t *err)
{
    int status = FH_OK;
    shape_t shape = self->fold.in[0]->shape;
    if (shape.ndim == SHAPE_MAX_DIMS)
        return err_set(err, FH_NOT_SUPPORTED, "arrays of %d dimensions are not reduced without an axis",
                       (int)SHAPE_MAX_DIMS);
    shape.extent[shape.ndim] = 1;
    for (int i = 0; i < self->fold.nin && !status; i++) {
        fh_array *view = NULL;
        status = fh_reshape(self->fold.in[i], shape.ndim + 1, shape.extent, &view, (fh_error *)err);
        if (status)
            break;
        fh_array_free(&self->fold.in[i]);
        self->fold.in[i] = view;
    }
    self->axes = UINT32_C(1) << shape.ndim;
    return status;
}

/* Nothing to compute, but the result has the dtype and lies where other results would. */
static int
reduce_to_nothing(reducing_t *self, const int *axes, int naxes, err_t *err)
{
    fh_array *sums = NULL;
    int status = fh_reduce(self->fold.in[0], "sum", axes, naxes, 0, FH_DTYPE_NONE, &sums, (fh_error *)err);
    if (!status)
        status = fh_astype(sums, self->fold.info->out[0], FH_CASTING_UNSAFE, &self->states, (fh_error *)err);
    fh_array_free(&sums);
    return status;
}

/* Elements that are reduced to one, and results. */
static void
count(const shape_t *shape, uint32_t axes, int64_t *ret_reduced, int64_t *ret_results, shape_t *ret_kept)
{
    *ret_reduced = *ret_results = 1;
    *ret_kept = *shape;
    for (int i = 0; i < shape->ndim; i++) {
        bool reduced = axes >> i & 1;
        *(reduced ? ret_reduced : ret_results) *= shape->extent[i];
        if (reduced)
            ret_kept->extent[i] = 1;
    }
}

static int
run(reducing_t *self, const int *axes, int naxes, int keepdims, err_t *err)
{
    int64_t reduced, results;
    shape_t kept;
    int status = reduce_axes(self->fold.in[0], axes, naxes, &self->axes, err);
    if (status)
        return status;
    count(&self->fold.in[0]->shape, self->axes, &reduced, &results, &kept);
    if (reduced == 0 && results > 0 && !self->fold.info->has_start)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "zero-size array to reduction by kernel %s, which has no init and so no value for it",
                       self->fold.info->entry);
    if (results > 0 && self->axes == 0)
        status = add_axis(self, err);
    bool single = (self->axes & (self->axes - 1)) == 0;
    if (status)
        return status;
    if (results == 0)
        status = reduce_to_nothing(self, axes, naxes, err);
    else if (single && last_axis(self->axes) != self->fold.in[0]->axis)
        status = reduce_within(self, last_axis(self->axes), err);
    else
        status = reduce_by_states(self, err);
    if (status)
        return status;
    array_settle(self->states);
    if (!keepdims)
        return FH_OK;
    fh_array *view = NULL;
    status = fh_reshape(self->states, kept.ndim, kept.extent, &view, (fh_error *)err);
    if (!status) {
        fh_array_free(&self->states);
        self->states = view;
    }
    return status;
}

int
fh_kernel_reduce(fh_kernel *kernel, fh_array *const *in, int nin, const int *axes, int naxes, int keepdims,
                 double timeout_s, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    reducing_t self = {0};
    int status = folding_init(&self.fold, kernel, in, nin, timeout_s, err);
    if (!status)
        status = run(&self, axes, axes ? naxes : -1, keepdims, err);
    if (!status)
        status = session_flush(self.fold.session, err);
    folding_release(&self.fold);
    if (status)
        fh_array_free(&self.states);
    else
        *ret = self.states;
    return status;
}
