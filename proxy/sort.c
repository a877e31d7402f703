#include "proxy/sort.h"

#include "proxy/align.h"
#include "proxy/error.h"

#include <stdlib.h>

enum {
    SMALL_BYTES = 1 << 20,               /* less is sorted on one engine: an exchange would take longer */
    MOST_PIECES = APPLY_MAX_INTEGERS / 3 /* that are exchanged: each is asked for samples of all cuts at once */
};

/* One method on each piece; its result has the piece's shape. */
static int
each_piece(const fh_array *array, apply_code_t method, dtype_t dtype, int axis, fh_array **ret, err_t *err)
{
    const int64_t integer = axis;
    int status = array_new_beside(ret, array, dtype, &array->shape, array->axis, err);
    for (int i = 0; i < array->n && !status; i++) {
        handle_t *piece = array->parts[i].handle;
        operand_t in = apply_object(piece);
        status = apply_emit_part(method, &in, 1, piece->engine, *ret, i, &integer, 1, err);
    }
    return status;
}

/* Its engines, each once. */
static int
engines_of(const fh_array *array, engine_link_t ***ret, int *ret_n, err_t *err)
{
    int n = 0;
    engine_link_t **engines = malloc((size_t)array->n * sizeof(engine_link_t *));
    if (!engines)
        return err_set(err, FH_NO_MEMORY, "no memory for %d pieces", array->n);
    for (int i = 0; i < array->n; i++) {
        int k = 0;
        while (k < n && engines[k] != array->parts[i].handle->engine)
            k++;
        engines[k] = array->parts[i].handle->engine;
        n += k == n;
    }
    *ret = engines;
    *ret_n = n;
    return FH_OK;
}

/* The longest axis but this one; -1: all others have one position. */
static int
other_axis(const shape_t *shape, int axis)
{
    int best = -1;
    for (int k = 0; k < shape->ndim; k++)
        if (k != axis && shape->extent[k] > 1 && (best < 0 || shape->extent[k] > shape->extent[best]))
            best = k;
    return best;
}

/* How the array is laid out while its distributed axis is sorted: along another axis; a vector in one piece on each
 * engine, as far as so many can take part; what is small on one engine. */
static int
working_layout(const fh_array *array, layout_t *ret, err_t *err)
{
    engine_link_t **engines = NULL;
    int n = 0, other = other_axis(&array->shape, array->axis);
    if (array_bytes(array) <= SMALL_BYTES)
        return layout_single(ret, array->parts[0].handle->engine, err);
    int status = engines_of(array, &engines, &n, err);
    if (status)
        return status;
    if (other < 0 && array->shape.ndim > 1)
        status = layout_single(ret, engines[0], err);
    else if (other < 0)
        status = layout_split(ret, 0, array->shape.extent[0], 0, engines, n < MOST_PIECES ? n : MOST_PIECES, err);
    else
        status = layout_split(ret, other, array->shape.extent[other], 0, engines, n, err);
    free(engines);
    return status;
}

static int
sort_laid_out(const fh_array *array, bool order, int axis, fh_array **ret, err_t *err)
{
    if (array->axis != axis)
        return each_piece(array, order ? APPLY_ARGSORT : APPLY_SORT, order ? DTYPE_INT64 : array->dtype, axis, ret,
                          err);
    return sort_across(array, order, ret, err);
}

/* Is each of the pieces on an engine of its own, and the array a vector? */
static bool
ready(const fh_array *array)
{
    for (int i = 0; i < array->n; i++)
        for (int k = 0; k < i; k++)
            if (array->parts[i].handle->engine == array->parts[k].handle->engine)
                return false;
    return array->shape.ndim == 1 && array->n <= MOST_PIECES && array_bytes(array) > SMALL_BYTES;
}

/* Along the distributed axis. */
static int
sort_distributed(const fh_array *array, bool order, int axis, fh_array **ret, err_t *err)
{
    layout_t working = {0}, wanted = {0};
    fh_array *moved = NULL, *sorted = NULL;
    if (ready(array))
        return sort_laid_out(array, order, axis, ret, err);
    int status = working_layout(array, &working, err);
    if (!status)
        status = array_layout(array, 0, &wanted, err);
    if (!status)
        status = align_array(array, &working, &moved, err);
    if (!status)
        status = sort_laid_out(moved, order, axis, &sorted, err);
    if (!status) {
        array_settle(sorted);
        status = align_result(sorted, &wanted, ret, err);
    }
    fh_array_free(&moved);
    fh_array_free(&sorted);
    layout_release(&working);
    layout_release(&wanted);
    return status;
}

static int
sort(fh_array *array, bool order, int axis, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = shape_axis(axis, array->shape.ndim, &axis, err);
    if (status)
        return status;
    if (array->axis == axis)
        status = sort_distributed(array, order, axis, &made, err);
    else
        status = sort_laid_out(array, order, axis, &made, err);
    return array_finish(made, status, ret, err);
}

int
fh_sort(fh_array *array, int axis, fh_array **ret, fh_error *error)
{
    return sort(array, false, axis, ret, error_start(error));
}

int
fh_argsort(fh_array *array, int axis, fh_array **ret, fh_error *error)
{
    return sort(array, true, axis, ret, error_start(error));
}
