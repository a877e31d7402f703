/* Reading through integer arrays. */
#include "proxy/error.h"
#include "proxy/picks.h"

#include <stdlib.h>

/* ---- pieces that the indices do not choose -------------------------------------------------------------------------
 */

static int
take_part(handle_t *source, handle_t *flat, int axes, fh_array *made, int i, err_t *err)
{
    operand_t in[] = {apply_object(source), apply_object(flat)};
    int64_t group = axes;
    return apply_emit_part(APPLY_TAKE, in, 2, source->engine, made, i, &group, 1, err);
}

/* Every part by itself, with all indices. */
static int
take_apart(picks_t *picks, fh_array **ret, err_t *err)
{
    const fh_array *array = picks->array;
    layout_t layout;
    int status = picks_layout(picks, &layout, err);
    if (status)
        return status;
    handle_t **flat = calloc((size_t)array->n, sizeof *flat);
    int axis = array->axis < 0 ? -1 : picks->shape.ndim + array->axis - picks->n;
    status = flat ? picks_flat(picks, &layout, flat, err) : err_set(err, FH_NO_MEMORY, "no memory for indices");
    if (!status)
        status = array_new_beside(ret, array, array->dtype, &picks->result, axis, err);
    for (int i = 0; i < array->n && !status; i++)
        status = take_part(array->parts[i].handle, flat[i], picks->n, *ret, i, err);
    for (int i = 0; flat && i < array->n; i++)
        handle_unref(&flat[i]);
    free(flat);
    layout_release(&layout);
    return status;
}

/* ---- pieces that the indices choose --------------------------------------------------------------------------------
 */

static int
emit_take(handle_t *source, handle_t *flat, int axes, dtype_t dtype, const shape_t *shape, handle_t **ret, err_t *err)
{
    operand_t in[] = {apply_object(source), apply_object(flat)};
    int64_t group = axes;
    return apply_emit_one(APPLY_TAKE, in, 2, source->engine, dtype, shape, &group, 1, ret, err);
}

/* At each piece: take what each part of the result wants, and send it. */
static int
take_blocks(const exchange_t *self, err_t *err)
{
    const fh_array *array = self->picks->array;
    int status = FH_OK;
    for (int piece = 0; piece < array->n && !status; piece++)
        for (int part = 0; part < self->layout.n && !status; part++) {
            pair_t *pair = exchange_pair(self, part, piece);
            shape_t shape = exchange_block_shape(self, pair);
            if (!pair->count)
                continue;
            status = pair_receive_index(pair, err);
            if (!status)
                status = emit_take(array->parts[piece].handle, pair->index, self->picks->n, array->dtype, &shape,
                                   &pair->block, err);
            if (!status)
                status = pair_send_block(pair, self->layout.engines[part], array->dtype, &shape, err);
        }
    return status;
}

/* All came from one piece, and so in its order: another shape is all that may be missing. */
static int
reshape_block(const pair_t *pair, dtype_t dtype, const shape_t *from, const shape_t *to, handle_t **ret, err_t *err)
{
    nd_t nd;
    nd_init(&nd, ARRAY_BASE, dtype, to);
    if (!shape_equal(from, to))
        return emit_view(pair->block, &nd, ret, err);
    *ret = handle_ref(pair->block);
    return FH_OK;
}

static int
collect_part(const exchange_t *self, const fh_array *whole, int part, handle_t **ret, err_t *err)
{
    const fh_array *array = self->picks->array;
    int64_t group = self->picks->shape.ndim;
    shape_t local = layout_part_shape(&self->layout, &self->picks->shape, part);
    shape_t shape = array_part_shape(whole, part);
    int64_t count = shape_count(&local);
    handle_t *made = NULL;
    int status = FH_OK;
    for (int piece = 0; piece < array->n && !status; piece++) {
        pair_t *pair = exchange_pair(self, part, piece);
        shape_t block = exchange_block_shape(self, pair);
        if (!pair->count)
            continue;
        status = pair_receive_block(pair, array->dtype, &block, err);
        if (!status && pair->count == count) {
            status = reshape_block(pair, array->dtype, &block, &shape, &made, err);
            if (!status)
                status = emit_lay_part(whole, part, &made, err);
            break;
        }
        if (!status && !made)
            status = emit_empty_part(whole, part, self->layout.engines[part], NULL, &made, err);
        if (status)
            break;
        operand_t in[] = {apply_object(pair->place), apply_object(pair->block)};
        apply_output_t out = {.exists = made};
        apply_emit_t emit = {.method = APPLY_PUT,
                             .engine = made->engine,
                             .in = in,
                             .nin = 2,
                             .out = &out,
                             .nout = 1,
                             .integers = &group,
                             .nintegers = 1,
                             .whole = made};
        handle_t *none;
        status = apply_emit(&emit, &none, err);
    }
    if (status)
        handle_unref(&made);
    else
        *ret = made;
    return status;
}

static int
take_across(picks_t *picks, fh_array **ret, err_t *err)
{
    exchange_t exchange;
    int status = exchange_init(&exchange, picks, err);
    if (status)
        return status;
    status = take_blocks(&exchange, err);
    if (!status)
        status = array_new_as(ret, picks->array->session, picks->array->dtype, &picks->result, &exchange.layout, err);
    for (int part = 0; part < exchange.layout.n && !status; part++) {
        handle_t *handle = NULL;
        status = collect_part(&exchange, *ret, part, &handle, err);
        if (!status)
            array_put(*ret, part, handle, NULL);
    }
    exchange_release(&exchange);
    return status;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

/* No index, no element: nothing to ask for. */
static int
take_nothing(const picks_t *picks, fh_array **ret, err_t *err)
{
    engine_link_t *engine = picks->array->parts[0].handle->engine;
    handle_t *handle = NULL;
    int status = array_new(ret, picks->array->session, picks->array->dtype, &picks->result, -1, 1, err);
    if (!status)
        status = emit_empty(engine, picks->array->dtype, &picks->result, NULL, &handle, err);
    if (!status)
        array_put(*ret, 0, handle, NULL);
    return status;
}

int
fh_index_arrays(fh_array *array, const fh_operand *indices, int nindices, fh_index_mode mode, fh_array **ret,
                fh_error *error)
{
    err_t *err = error_start(error);
    fh_array *made = NULL;
    picks_t picks;
    int status = array_enter(array, err);
    if (!status)
        status = picks_init(&picks, array, indices, nindices, mode, err);
    if (status)
        return status;
    if (shape_count(&picks.shape) == 0)
        status = take_nothing(&picks, &made, err);
    else
        status = picks.across ? take_across(&picks, &made, err) : take_apart(&picks, &made, err);
    picks_release(&picks);
    return array_finish(made, status, ret, err);
}
