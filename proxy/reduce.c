/* Reductions: each part by itself; over the distributed axis, the partial results are reduced once more on one engine.
 */
#include "proxy/reduce.h"

#include "proxy/align.h"
#include "proxy/error.h"
#include "proxy/reduce_pieces.h"
#include "proxy/reshape.h"

#include <stdlib.h>
#include <string.h>

enum { LARGE_BYTES = 1024 * 1024 };

typedef struct {
    fh_array *array;
    reduce_t reduce;
    uint32_t axes; /* bit set: reduced */
    bool all;      /* every axis is */
    bool keepdims;
    dtype_t dtype;      /* of the result */
    shape_t bare, kept; /* the result's shape without and with the reduced axes */
} reduction_t;

/* ---- what is asked -------------------------------------------------------------------------------------------------
 */

int
reduce_axes(const fh_array *array, const int *axes, int naxes, uint32_t *ret, err_t *err)
{
    uint32_t mask = 0;
    int ndim = array->shape.ndim;
    for (int i = 0; i < naxes; i++) {
        int axis;
        int status = shape_axis(axes[i], ndim, &axis, err);
        if (status)
            return status;
        if (mask & UINT32_C(1) << axis)
            return err_set(err, FH_INVALID_ARGUMENT, "duplicate value in 'axis'");
        mask |= UINT32_C(1) << axis;
    }
    *ret = naxes < 0 ? (uint32_t)((UINT64_C(1) << ndim) - 1) : mask;
    return FH_OK;
}

static bool
is_arg(reduce_t reduce)
{
    return reduce == REDUCE_ARGMIN || reduce == REDUCE_ARGMAX;
}

static int
check(reduction_t *self, err_t *err)
{
    int64_t reduced = 1;
    int naxes = 0;
    const shape_t *shape = &self->array->shape;
    self->kept = *shape;
    self->bare = (shape_t){0};
    for (int axis = 0; axis < shape->ndim; axis++) {
        if (!(self->axes & UINT32_C(1) << axis)) {
            self->bare.extent[self->bare.ndim++] = shape->extent[axis];
            continue;
        }
        naxes++;
        reduced = shape->extent[axis] == 0 ? 0 : reduced;
        self->kept.extent[axis] = 1;
    }
    self->all = naxes == shape->ndim;
    bool no_identity = is_arg(self->reduce) || self->reduce == REDUCE_MIN || self->reduce == REDUCE_MAX;
    if (no_identity && reduced == 0 && shape_count(&self->bare) != 0)
        return err_set(err, FH_INVALID_ARGUMENT, "zero-size array to reduction operation %s which has no identity",
                       reduce_name(self->reduce));
    if (is_arg(self->reduce) && !self->all && naxes != 1)
        return err_set(err, FH_INVALID_ARGUMENT, "%s works over one axis or over all", reduce_name(self->reduce));
    return FH_OK;
}

/* ---- parts by themselves -------------------------------------------------------------------------------------------
 */

static int
reduce_parts(const reduction_t *self, fh_array **ret, err_t *err)
{
    const fh_array *array = self->array;
    int axis = array->axis;
    for (int i = 0; i < array->axis && !self->keepdims; i++)
        axis -= (int)(self->axes >> i & 1);
    const shape_t *shape = self->keepdims ? &self->kept : &self->bare;
    int status = array_new_beside(ret, array, self->dtype, shape, axis, err);
    for (int i = 0; i < array->n && !status; i++) {
        handle_t *part = NULL;
        status =
            emit_reduce_part(array->parts[i].handle, self->reduce, self->axes, self->keepdims, *ret, i, &part, err);
        if (!status)
            array_put(*ret, i, part, NULL);
    }
    return status;
}

/* ---- over the distributed axis -------------------------------------------------------------------------------------
 */

static void
unref_all(handle_t **handles, int n)
{
    for (int i = 0; handles && i < n; i++)
        handle_unref(&handles[i]);
    free(handles);
}

static int
make_handles(handle_t ***ret, int n, err_t *err)
{
    *ret = calloc((size_t)n, sizeof(handle_t *));
    return *ret ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to reduce %d pieces", n);
}

/* One part on one engine that has the bare shape: the result. */
static int
give_single(const reduction_t *self, handle_t *handle, fh_array **ret, err_t *err)
{
    const shape_t *shape = self->keepdims ? &self->kept : &self->bare;
    int status = array_new(ret, self->array->session, self->dtype, shape, -1, 1, err);
    if (status)
        return status;
    if (shape->ndim == self->bare.ndim) {
        array_put(*ret, 0, handle_ref(handle), NULL);
        return FH_OK;
    }
    nd_t nd;
    handle_t *view = NULL;
    nd_init(&nd, ARRAY_BASE, self->dtype, shape);
    status = emit_view(handle, &nd, &view, err);
    if (!status)
        array_put(*ret, 0, view, NULL);
    return status;
}

/* Each part of array, reduced over axes to a result of that shape (without the axes); ret: n handles.  step: what base
 * rises by for each position along the distributed axis. */
static int
reduce_each(const fh_array *array, reduce_t reduce, uint32_t axes, dtype_t dtype, int64_t step, const shape_t *shape,
            handle_t ***ret, err_t *err)
{
    int status = make_handles(ret, array->n, err);
    for (int i = 0; i < array->n && !status; i++)
        status = emit_reduce(array->parts[i].handle, reduce, axes, false, dtype, step * array->cuts[i].start, shape,
                             &(*ret)[i], err);
    return status;
}

/* These results stacked on the first part's engine. */
static int
stack_up(const fh_array *array, dtype_t dtype, handle_t *const *partial, const shape_t *shape, handle_t **ret,
         err_t *err)
{
    return align_stack(array->parts[0].handle->engine, dtype, partial, shape, array->n, ret, err);
}

static int
reduce_across(const reduction_t *self, fh_array **ret, err_t *err)
{
    reduce_t combine = self->reduce == REDUCE_COUNT ? REDUCE_SUM : self->reduce;
    handle_t **partial = NULL, *stacked = NULL, *result = NULL;
    int status;
    if (reduction_is_ordered(self->reduce, self->dtype) && shape_count(&self->array->shape) > 0) {
        status = reduce_pieces(self->array, self->reduce, self->axes, self->dtype, &result, err);
    } else {
        status = reduce_each(self->array, self->reduce, self->axes, self->dtype, 0, &self->bare, &partial, err);
        if (!status)
            status = stack_up(self->array, self->dtype, partial, &self->bare, &stacked, err);
        if (!status)
            status = emit_reduce(stacked, combine, 1, false, self->dtype, 0, &self->bare, &result, err);
    }
    if (!status)
        status = give_single(self, result, ret, err);
    unref_all(partial, self->array->n);
    handle_unref(&stacked);
    handle_unref(&result);
    return status;
}

/* ---- argmin and argmax ---------------------------------------------------------------------------------------------
 */

/* The smallest (largest) value of each part and where it is, stacked.  All parts are reduced before anything is joined,
 * so that both joins can wait for whoever asks for the value. */
static int
arg_stacks(const fh_array *array, reduce_t reduce, uint32_t axes, int64_t step, const shape_t *shape,
           handle_t **ret_values, handle_t **ret_indices, err_t *err)
{
    reduce_t value = reduce == REDUCE_ARGMIN ? REDUCE_MIN : REDUCE_MAX;
    handle_t **values = NULL, **indices = NULL;
    int status = reduce_each(array, value, axes, array->dtype, 0, shape, &values, err);
    if (!status)
        status = reduce_each(array, reduce, axes, DTYPE_INT64, step, shape, &indices, err);
    if (!status)
        status = stack_up(array, array->dtype, values, shape, ret_values, err);
    if (!status)
        status = stack_up(array, DTYPE_INT64, indices, shape, ret_indices, err);
    unref_all(values, array->n);
    unref_all(indices, array->n);
    return status;
}

/* indices[i] + i * step, for a vector. */
static int
add_steps(handle_t *indices, int64_t n, int64_t step, handle_t **ret, err_t *err)
{
    engine_link_t *engine = indices->engine;
    fh_session *session = engine->session;
    int64_t *steps = malloc((size_t)n * sizeof *steps);
    if (!steps)
        return err_set(err, FH_NO_MEMORY, "no memory for %lld indices", (long long)n);
    for (int64_t i = 0; i < n; i++)
        steps[i] = i * step;
    shape_t shape = {.ndim = 1, .extent = {n}};
    fh_array *vector = NULL, *sum = NULL;
    fh_local local = {.data = steps, .dtype = FH_INT64, .ndim = 1, .shape = &n};
    int status = array_new(&vector, session, DTYPE_INT64, &shape, -1, 1, err);
    if (!status) {
        array_put(vector, 0, handle_ref(indices), NULL);
        fh_operand in[] = {{.kind = FH_ARRAY, .array = vector}, {.kind = FH_LOCAL, .local = &local}};
        status = fh_ufunc(session, "add", in, 2, NULL, &sum, (fh_error *)err);
    }
    if (!status)
        *ret = handle_ref(sum->parts[0].handle);
    fh_array_free(&sum);
    fh_array_free(&vector);
    free(steps);
    return status;
}

/* Over all axes, where the distributed one is not the outermost: C order runs over all parts once for each index of the
 * axes before it.  First find the best of each of these rows over the parts, then the best row. */
static int
arg_over_rows(const reduction_t *self, int64_t rows, int64_t inner, handle_t **ret, err_t *err)
{
    const fh_array *array = self->array;
    handle_t *values = NULL, *indices = NULL, *best = NULL, *where = NULL, *flat = NULL;
    fh_array *matrix = NULL;
    int64_t extent = array->shape.extent[array->axis];
    shape_t shape = {.ndim = 2, .extent = {rows, extent * inner}}, row = {.ndim = 1, .extent = {rows}}, scalar = {0};
    int status = array_new(&matrix, array->session, array->dtype, &shape, -1, array->n, err);
    for (int i = 0; i < array->n && !status; i++) {
        shape_t local = {.ndim = 2, .extent = {rows, array->cuts[i].length * inner}};
        matrix->cuts[i] = array->cuts[i];
        matrix->shape = local; /* strides of the part are those of its own shape */
        status = reshape_part(matrix, i, array, i, &local, err);
    }
    if (!status)
        status = arg_stacks(matrix, self->reduce, 2, inner, &row, &values, &indices, err);
    if (!status)
        status = emit_arg_combine(self->reduce, values, indices, &row, &where, err);
    if (!status)
        status = emit_reduce(values, self->reduce == REDUCE_ARGMIN ? REDUCE_MIN : REDUCE_MAX, 1, false, array->dtype, 0,
                             &row, &best, err);
    if (!status)
        status = add_steps(where, rows, extent * inner, &flat, err);
    if (!status)
        status = emit_arg_combine(self->reduce, best, flat, &scalar, ret, err);
    fh_array_free(&matrix);
    handle_t *used[] = {values, indices, best, where, flat};
    for (int i = 0; i < 5; i++)
        handle_unref(&used[i]);
    return status;
}

static int
arg_across(const reduction_t *self, fh_array **ret, err_t *err)
{
    const fh_array *array = self->array;
    handle_t *values = NULL, *indices = NULL, *result = NULL;
    int64_t rows = 1, inner = 1;
    for (int axis = 0; axis < array->shape.ndim && self->all; axis++) {
        rows *= axis < array->axis ? array->shape.extent[axis] : 1;
        inner *= axis > array->axis ? array->shape.extent[axis] : 1;
    }
    int status;
    if (rows > 1) {
        status = arg_over_rows(self, rows, inner, &result, err);
    } else {
        status = arg_stacks(array, self->reduce, self->axes, inner, &self->bare, &values, &indices, err);
        if (!status)
            status = emit_arg_combine(self->reduce, values, indices, &self->bare, &result, err);
    }
    if (!status)
        status = give_single(self, result, ret, err);
    handle_unref(&values);
    handle_unref(&indices);
    handle_unref(&result);
    return status;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

static int
run(reduction_t *self, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    const fh_array *array = self->array;
    int status = check(self, err);
    if (status)
        return status;
    if (array->axis < 0 || !(self->axes & UINT32_C(1) << array->axis))
        status = reduce_parts(self, &made, err);
    else if (is_arg(self->reduce))
        status = arg_across(self, &made, err);
    else
        status = reduce_across(self, &made, err);
    /* A join that waits means that the value may be asked for next: then the reduction of little goes with that. */
    if (!status && (!array->session->njoins || array_bytes(array) > LARGE_BYTES))
        status = session_flush(array->session, err);
    return array_give(made, status, ret);
}

int
fh_reduce(fh_array *array, const char *op, const int *axes, int naxes, int keepdims, fh_dtype dtype, fh_array **ret,
          fh_error *error)
{
    err_t *err = error_start(error);
    if (strcmp(op, "mean") == 0)
        return reduce_mean(array, axes, naxes, keepdims, (dtype_t)dtype, ret, err);
    if (strcmp(op, "std") == 0 || strcmp(op, "var") == 0)
        return fh_variance(array, strcmp(op, "std") == 0, 0, axes, naxes, keepdims, dtype, ret, error);
    reduction_t self = {.array = array, .keepdims = keepdims != 0};
    int status = array_enter(array, err), found = reduce_find(op, strlen(op));
    if (status)
        return status;
    if (found < 0)
        return err_set(err, FH_NOT_SUPPORTED, "there is no reduction %.64s", op);
    self.reduce = (reduce_t)found;
    status = reduce_axes(array, axes, naxes, &self.axes, err);
    if (!status)
        status = reduce_resolve(self.reduce, array->dtype, (dtype_t)dtype, &self.dtype, err);
    return status ? status : run(&self, ret, err);
}
