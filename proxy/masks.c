/* Masks as indices: reading, writing, and what they are in numbers. */
#include "proxy/apply.h"
#include "proxy/error.h"
#include "proxy/inputs.h"

#include <stdlib.h>
#include <string.h>

/* ---- the mask at the array's pieces --------------------------------------------------------------------------------
 */

typedef struct {
    const fh_array *array;
    input_t mask;
    layout_t layout; /* of the array, for its first axes; -1: every part needs all of the mask */
} masked_t;

static int
check_mask(const fh_array *array, const input_t *mask, err_t *err)
{
    if (mask->weak != WEAK_NO || mask->dtype != DTYPE_BOOL)
        return err_set(err, FH_BAD_INDEX, "a mask must be an array of bool");
    if (mask->shape.ndim == 0)
        return err_set(err, FH_BAD_INDEX, "a mask has at least one dimension");
    if (mask->shape.ndim > array->shape.ndim)
        return err_set(err, FH_BAD_INDEX, "too many indices for array: array is %d-dimensional, but %d were indexed",
                       array->shape.ndim, mask->shape.ndim);
    for (int axis = 0; axis < mask->shape.ndim; axis++)
        if (mask->shape.extent[axis] != array->shape.extent[axis])
            return err_set(err, FH_BAD_INDEX,
                           "boolean index did not match indexed array along dimension %d; dimension is %lld but "
                           "corresponding boolean dimension is %lld",
                           axis, (long long)array->shape.extent[axis], (long long)mask->shape.extent[axis]);
    return FH_OK;
}

static void
masked_release(masked_t *self)
{
    input_release(&self->mask);
    layout_release(&self->layout);
}

static int
masked_init(masked_t *self, const fh_array *array, const fh_operand *mask, err_t *err)
{
    *self = (masked_t){.array = array};
    int status = input_init(&self->mask, mask, err);
    if (!status)
        status = check_mask(array, &self->mask, err);
    if (!status)
        status = array_layout(array, 0, &self->layout, err);
    if (!status && self->layout.axis >= self->mask.shape.ndim)
        self->layout.axis = -1;
    if (!status)
        status = input_align(&self->mask, array->session, &self->mask.shape, &self->layout, err);
    if (status)
        masked_release(self);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

static int
emit_compress(const masked_t *self, int part, handle_t **ret, err_t *err)
{
    handle_t *source = self->array->parts[part].handle;
    operand_t in[] = {apply_object(source), input_operand(&self->mask, part)};
    return apply_emit_one(APPLY_COMPRESS, in, 2, source->engine, self->array->dtype, NULL, NULL, 0, ret, err);
}

/* The results of the parts, whose shapes have been asked for, along one axis. */
static int
assemble(fh_session *session, dtype_t dtype, handle_t **handles, const shape_t *shapes, int n, int axis, fh_array **ret,
         err_t *err)
{
    shape_t shape = shapes[0];
    for (int i = 1; i < n; i++) {
        if (shapes[i].ndim != shape.ndim)
            return err_set(err, FH_PROTOCOL_ERROR, "engines found results of different dimensions");
        shape.extent[axis] += shapes[i].extent[axis];
    }
    int status = array_new(ret, session, dtype, &shape, n > 1 ? axis : -1, n, err);
    for (int i = 0, at = 0; i < n && !status; i++) {
        (*ret)->cuts[i] = (piece_t){at, shapes[i].extent[axis]};
        array_put(*ret, i, handles[i], NULL);
        handles[i] = NULL;
    }
    if (!status)
        array_settle(*ret);
    return status;
}

/* Run emit for every part, ask for the shapes, and put the results together. */
static int
find_parts(const fh_array *array, int (*emit)(const void *context, int part, handle_t **ret, err_t *err),
           const void *context, dtype_t dtype, int ndim, int axis, fh_array **ret, err_t *err)
{
    handle_t **handles = calloc((size_t)array->n, sizeof *handles);
    shape_t *shapes = calloc((size_t)array->n, sizeof *shapes);
    int status = handles && shapes ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for %d pieces", array->n);
    for (int i = 0; i < array->n && !status; i++)
        status = emit(context, i, &handles[i], err);
    if (!status)
        status = apply_shapes(array->session, handles, array->n, shapes, err);
    for (int i = 0; i < array->n && !status; i++)
        if (shapes[i].ndim != ndim)
            status = err_set(err, FH_PROTOCOL_ERROR, "an engine found a result of %d dimensions", shapes[i].ndim);
    if (!status)
        status = assemble(array->session, dtype, handles, shapes, array->n, axis, ret, err);
    for (int i = 0; handles && i < array->n; i++)
        handle_unref(&handles[i]);
    free(handles);
    free(shapes);
    return status;
}

static int
compress_part(const void *context, int part, handle_t **ret, err_t *err)
{
    return emit_compress(context, part, ret, err);
}

/* Elements that are chosen come in C order: the array must be cut along the first axis, or none that the mask has. */
static int
bring_in_order(fh_array *array, int axes, fh_array **ret, err_t *err)
{
    if (array->axis <= 0 || array->axis >= axes)
        return fh_alias(array, ret, (fh_error *)err);
    fh_scatter_options options = {.axis = 0};
    return fh_reshard(array, &options, ret, (fh_error *)err);
}

static int
mask_axes(const fh_operand *mask, int *ret, err_t *err)
{
    input_t input;
    int status = input_init(&input, mask, err);
    *ret = input.shape.ndim;
    input_release(&input);
    return status;
}

int
fh_index_mask(fh_array *array, const fh_operand *mask, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_array *ordered = NULL;
    masked_t self;
    int axes, status = array_enter(array, err);
    if (!status)
        status = mask_axes(mask, &axes, err);
    if (!status)
        status = bring_in_order(array, axes, &ordered, err);
    if (!status)
        status = masked_init(&self, ordered, mask, err);
    if (!status) {
        int axis = ordered->axis >= axes ? ordered->axis - axes + 1 : 0;
        status = find_parts(ordered, compress_part, &self, array->dtype, array->shape.ndim - axes + 1, axis, ret, err);
        masked_release(&self);
    }
    fh_array_free(&ordered);
    return status;
}

/* ---- writing -------------------------------------------------------------------------------------------------------
 */

static int
emit_put_mask(const masked_t *self, int part, const operand_t *value, err_t *err)
{
    handle_t *target = self->array->parts[part].handle;
    operand_t in[] = {input_operand(&self->mask, part), *value};
    apply_output_t out = {.exists = target};
    apply_emit_t emit = {
        .method = APPLY_PUT_MASK, .engine = target->engine, .in = in, .nin = 2, .out = &out, .nout = 1};
    handle_t *none;
    return apply_emit(&emit, &none, err);
}

/* Has the value an element for each that is chosen? */
static bool
follows_mask(const masked_t *self, const input_t *value)
{
    int rest = self->array->shape.ndim - self->mask.shape.ndim;
    return value->shape.ndim > rest && value->shape.extent[value->shape.ndim - rest - 1] != 1;
}

/* How many elements the mask chooses in each part, waited for. */
static int
count_parts(const masked_t *self, int64_t *ret, err_t *err)
{
    int n = self->array->n;
    fh_array *counts = NULL;
    shape_t scalar = {0}, line = {.ndim = 1, .extent = {n}}, one = {.ndim = 1, .extent = {1}};
    int status = array_new(&counts, self->array->session, DTYPE_INT64, &line, n > 1 ? 0 : -1, n, err);
    for (int i = 0; i < n && !status; i++) {
        handle_t *count = NULL, *view = NULL;
        nd_t nd;
        nd_init(&nd, ARRAY_BASE, DTYPE_INT64, &one);
        status = emit_reduce(self->mask.parts[i].handle, REDUCE_COUNT,
                             (uint32_t)((UINT64_C(1) << self->mask.shape.ndim) - 1), false, DTYPE_INT64, 0, &scalar,
                             &count, err);
        if (!status)
            status = emit_view(count, &nd, &view, err);
        handle_unref(&count);
        counts->cuts[i] = (piece_t){i, 1};
        if (!status)
            array_put(counts, i, view, NULL);
    }
    if (!status)
        status = fh_gather(counts, ret, NULL, (fh_error *)err);
    fh_array_free(&counts);
    return status;
}

/* Cut the value as the chosen elements lie: counts[i] of them in part i. */
static int
cut_value(const masked_t *self, const input_t *value, const int64_t *counts, shape_t *ret_shape, layout_t *ret,
          err_t *err)
{
    const fh_array *array = self->array;
    int axes = self->mask.shape.ndim, n = array->n;
    bool along_rest = array->axis >= axes;
    int64_t total = 0;
    for (int i = 0; i < n; i++)
        total = along_rest ? counts[i] : total + counts[i];
    *ret_shape = (shape_t){.ndim = 1, .extent = {total}};
    for (int axis = axes; axis < array->shape.ndim; axis++)
        ret_shape->extent[ret_shape->ndim++] = array->shape.extent[axis];
    const shape_t *shapes[] = {&value->shape, ret_shape};
    shape_t both;
    if (shape_broadcast(shapes, 2, &both, NULL) || !shape_equal(&both, ret_shape))
        return err_set(err, FH_INVALID_ARGUMENT,
                       "NumPy boolean array indexing assignment cannot assign %lld input values to the %lld output "
                       "values where the mask is true",
                       (long long)(value->shape.ndim ? value->shape.extent[0] : 1), (long long)total);
    int status = layout_init(ret, array->axis < 0 ? -1 : along_rest ? 1 + array->axis - axes : 0, n, err);
    int64_t start = 0;
    for (int i = 0; i < n && !status; i++) {
        ret->engines[i] = array->parts[i].handle->engine;
        ret->cuts[i] = along_rest ? array->cuts[i] : (piece_t){start, counts[i]};
        start += counts[i];
    }
    return status;
}

/* The value is cut as the chosen elements lie; counts NULL: it is the same for all of them. */
static int
write_value(const masked_t *self, input_t *value, const int64_t *counts, err_t *err)
{
    const fh_array *array = self->array;
    int64_t *ones = counts ? NULL : calloc((size_t)array->n, sizeof *ones);
    layout_t layout = {0};
    shape_t shape;
    if (!counts && !ones)
        return err_set(err, FH_NO_MEMORY, "no memory for %d pieces", array->n);
    for (int i = 0; ones && i < array->n; i++)
        ones[i] = 1;
    int status = cut_value(self, value, counts ? counts : ones, &shape, &layout, err);
    if (!status)
        status = input_align(value, array->session, &shape, &layout, err);
    if (!status)
        status = input_shield(value, &shape, &layout, array, err);
    for (int i = 0; i < array->n && !status; i++) {
        operand_t operand = input_operand(value, i);
        if (!counts || counts[i])
            status = emit_put_mask(self, i, &operand, err);
    }
    layout_release(&layout);
    free(ones);
    return status;
}

/* The array is cut along a later axis of the mask: in numbers. */
static int
write_by_numbers(fh_array *array, const fh_operand *mask, const fh_operand *value, fh_casting casting, err_t *err)
{
    fh_array *numbers = NULL, *rows[SHAPE_MAX_DIMS] = {NULL};
    fh_operand indices[SHAPE_MAX_DIMS] = {{.kind = FH_ARRAY}};
    int axes = mask->array->shape.ndim, status = fh_nonzero(mask->array, &numbers, (fh_error *)err);
    for (int i = 0; i < axes && !status; i++) {
        fh_index_item item = {.kind = FH_INDEX_INT, .start = i, .has_start = 1};
        status = fh_index(numbers, &item, 1, &rows[i], (fh_error *)err);
        indices[i] = (fh_operand){.kind = FH_ARRAY, .array = rows[i]};
    }
    if (!status)
        status = fh_assign_arrays(array, indices, axes, FH_INDEX_RAISE, value, casting, (fh_error *)err);
    for (int i = 0; i < axes; i++)
        fh_array_free(&rows[i]);
    fh_array_free(&numbers);
    return status;
}

static int
write_each(masked_t *self, fh_array *array, input_t *value, const fh_operand *operand, fh_casting casting, err_t *err)
{
    if (array->axis > 0 && array->axis < self->mask.shape.ndim) {
        fh_operand mask = {.kind = FH_ARRAY, .array = self->mask.array};
        return write_by_numbers(array, &mask, operand, casting, err);
    }
    int64_t *counts = calloc((size_t)array->n, sizeof *counts);
    int status = counts ? count_parts(self, counts, err) : err_set(err, FH_NO_MEMORY, "no memory for counts");
    if (!status)
        status = write_value(self, value, counts, err);
    free(counts);
    return status;
}

int
fh_assign_mask(fh_array *array, const fh_operand *mask, const fh_operand *value, fh_casting casting, fh_error *error)
{
    err_t *err = error_start(error);
    masked_t self;
    input_t input = {0};
    int status = array_enter(array, err);
    if (!status)
        status = masked_init(&self, array, mask, err);
    if (status)
        return status;
    status = input_init_for(&input, value, array->dtype, casting, err);
    if (!status && !input.constant && follows_mask(&self, &input))
        status = write_each(&self, array, &input, value, casting, err);
    else if (!status)
        status = write_value(&self, &input, NULL, err);
    input_release(&input);
    masked_release(&self);
    return status ? status : session_flush(array->session, err);
}

/* ---- in numbers ----------------------------------------------------------------------------------------------------
 */

static int
nonzero_part(const void *context, int part, handle_t **ret, err_t *err)
{
    const fh_array *array = context;
    handle_t *source = array->parts[part].handle;
    operand_t in = apply_object(source);
    int64_t base = array->axis < 0 ? 0 : array->cuts[part].start;
    return apply_emit_one(APPLY_NONZERO, &in, 1, source->engine, DTYPE_INT64, NULL, &base, 1, ret, err);
}

int
fh_nonzero(fh_array *array, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_array *ordered = NULL, *flags = NULL;
    int status = array_enter(array, err);
    if (!status && array->shape.ndim == 0)
        status = err_set(err, FH_INVALID_ARGUMENT, "nonzero of an array without dimensions");
    /* Bytes move faster than numbers. */
    if (!status && array->axis > 0)
        status = fh_astype(array, FH_BOOL, FH_CASTING_UNSAFE, &flags, error);
    if (!status)
        status = bring_in_order(flags ? flags : array, array->shape.ndim, &ordered, err);
    if (!status)
        status = find_parts(ordered, nonzero_part, ordered, DTYPE_INT64, 2, 1, ret, err);
    fh_array_free(&flags);
    fh_array_free(&ordered);
    return status;
}
