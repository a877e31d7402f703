/* Writing through integer arrays. */
#include "proxy/error.h"
#include "proxy/picks.h"
#include "proxy/placing.h"

#include <stdlib.h>
#include <string.h>

/* target's places at flat indices = value, which broadcasts to the indices' shape and the other axes. */
static int
emit_put(handle_t *target, handle_t *flat, const operand_t *value, int axes, err_t *err)
{
    operand_t in[] = {apply_object(flat), *value};
    int64_t group = axes;
    apply_output_t out = {.exists = target};
    apply_emit_t emit = {.method = APPLY_PUT,
                         .engine = target->engine,
                         .in = in,
                         .nin = 2,
                         .out = &out,
                         .nout = 1,
                         .integers = &group,
                         .nintegers = 1};
    handle_t *none;
    return apply_emit(&emit, &none, err);
}

/* ---- pieces that the indices do not choose -------------------------------------------------------------------------
 */

static int
put_apart(picks_t *picks, input_t *value, err_t *err)
{
    const fh_array *array = picks->array;
    layout_t layout, cut = {0};
    int status = picks_layout(picks, &layout, err);
    if (status)
        return status;
    handle_t **flat = calloc((size_t)array->n, sizeof *flat);
    status = flat ? picks_flat(picks, &layout, flat, err) : err_set(err, FH_NO_MEMORY, "no memory for indices");
    if (!status)
        status = array_layout(array, picks->shape.ndim - picks->n, &cut, err);
    if (!status)
        status = input_align(value, array->session, &picks->result, &cut, err);
    if (!status)
        status = input_shield(value, &picks->result, &cut, array, err);
    for (int i = 0; i < array->n && !status; i++) {
        operand_t operand = input_operand(value, i);
        status = emit_put(array->parts[i].handle, flat[i], &operand, picks->n, err);
    }
    for (int i = 0; flat && i < array->n; i++)
        handle_unref(&flat[i]);
    free(flat);
    layout_release(&cut);
    layout_release(&layout);
    return status;
}

/* ---- pieces that the indices choose --------------------------------------------------------------------------------
 */

/* Does the value have elements of its own for different indices? */
static bool
follows_indices(const picks_t *picks, const input_t *value)
{
    int axes = value->shape.ndim - (picks->result.ndim - picks->shape.ndim);
    for (int axis = 0; axis < axes; axis++)
        if (value->shape.extent[axis] != 1)
            return true;
    return false;
}

/* The part of the value that goes with a part of the indices, stretched to their shape and that of the other axes. */
static int
stretch_part(const exchange_t *self, const input_t *value, int part, handle_t **ret, err_t *err)
{
    shape_t shape = layout_part_shape(&self->layout, &self->picks->result, part);
    nd_t nd = {.data = ARRAY_BASE,
               .dtype = value->dtype,
               .shape = input_part_shape(value, &self->picks->result, &self->layout, part)};
    nd_t wide;
    placing_know(value->parts[part].handle, &nd.shape, value->parts[part].stride);
    memcpy(nd.stride, value->parts[part].stride, sizeof nd.stride);
    int status = nd_broadcast(&nd, &shape, &wide, err);
    return status ? status : emit_view(value->parts[part].handle, &wide, ret, err);
}

static int
send_values(const exchange_t *self, const input_t *value, int part, err_t *err)
{
    const picks_t *picks = self->picks;
    int64_t group = picks->shape.ndim;
    handle_t *wide = NULL;
    int status = stretch_part(self, value, part, &wide, err);
    for (int piece = 0; piece < picks->array->n && !status; piece++) {
        pair_t *pair = exchange_pair(self, part, piece);
        shape_t shape = exchange_block_shape(self, pair);
        if (!pair->count)
            continue;
        operand_t in[] = {apply_object(wide), apply_object(pair->place)};
        status = apply_emit_one(APPLY_TAKE, in, 2, wide->engine, value->dtype, &shape, &group, 1, &pair->block, err);
        if (!status)
            status = pair_send_block(pair, picks->array->parts[piece].handle->engine, value->dtype, &shape, err);
    }
    handle_unref(&wide);
    return status;
}

/* The same value for all indices, on each piece's engine; leading axes of extent 1 are dropped. */
static int
bring_value(const exchange_t *self, input_t *value, handle_t **ret, err_t *err)
{
    const fh_array *array = self->picks->array;
    int extra = value->shape.ndim - (self->picks->result.ndim - self->picks->shape.ndim);
    layout_t layout;
    int status = layout_init(&layout, -1, array->n, err);
    if (status)
        return status;
    for (int i = 0; i < array->n; i++)
        layout.engines[i] = array->parts[i].handle->engine;
    status = input_align(value, array->session, &self->picks->result, &layout, err);
    if (!status)
        status = input_shield(value, &self->picks->result, &layout, array, err);
    for (int i = 0; i < array->n && !status; i++) {
        nd_t nd = {.data = ARRAY_BASE, .dtype = value->dtype, .shape = value->shape};
        placing_know(value->parts[i].handle, &nd.shape, value->parts[i].stride);
        memcpy(nd.stride, value->parts[i].stride, sizeof nd.stride);
        if (extra > 0) {
            nd.shape.ndim -= extra;
            memmove(nd.shape.extent, nd.shape.extent + extra, (size_t)nd.shape.ndim * sizeof nd.shape.extent[0]);
            memmove(nd.stride, nd.stride + extra, (size_t)nd.shape.ndim * sizeof nd.stride[0]);
        }
        status = emit_view(value->parts[i].handle, &nd, &ret[i], err);
    }
    layout_release(&layout);
    return status;
}

/* Parts of the indices in their order, so that of equal ones the last counts. */
static int
put_pieces(const exchange_t *self, const input_t *value, handle_t *const *shared, err_t *err)
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
                status = pair_receive_block(pair, value->dtype, &shape, err);
            if (status)
                break;
            operand_t operand = value->constant ? input_operand(value, piece)
                                : pair->block   ? apply_object(pair->block)
                                                : apply_object(shared[piece]);
            status = emit_put(array->parts[piece].handle, pair->index, &operand, self->picks->n, err);
        }
    return status;
}

static int
put_across(picks_t *picks, input_t *value, err_t *err)
{
    int n = picks->array->n;
    handle_t **shared = calloc((size_t)n, sizeof *shared);
    exchange_t exchange;
    int status = shared ? exchange_init(&exchange, picks, err)
                        : err_set(err, FH_NO_MEMORY, "no memory for the values of %d pieces", n);
    if (status) {
        free(shared);
        return status;
    }
    bool follows = !value->constant && follows_indices(picks, value);
    exchange.block_dtype = value->dtype;
    if (follows)
        status = input_align(value, picks->array->session, &picks->result, &exchange.layout, err);
    else if (!value->constant)
        status = bring_value(&exchange, value, shared, err);
    for (int part = 0; part < exchange.layout.n && !status && follows; part++)
        status = send_values(&exchange, value, part, err);
    if (!status)
        status = put_pieces(&exchange, value, shared, err);
    exchange_release(&exchange);
    for (int i = 0; i < n; i++)
        handle_unref(&shared[i]);
    free(shared);
    return status;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

static int
check_shape(const picks_t *picks, const input_t *value, err_t *err)
{
    const shape_t *shapes[] = {&value->shape, &picks->result};
    char have[128], need[128];
    shape_t shape;
    if (!shape_broadcast(shapes, 2, &shape, NULL) && shape_equal(&shape, &picks->result))
        return FH_OK;
    return err_set(err, FH_INVALID_ARGUMENT,
                   "shape mismatch: value array of shape %s could not be broadcast to indexing result of shape %s",
                   shape_format(&value->shape, have, sizeof have), shape_format(&picks->result, need, sizeof need));
}

int
fh_assign_arrays(fh_array *array, const fh_operand *indices, int nindices, fh_index_mode mode, const fh_operand *value,
                 fh_casting casting, fh_error *error)
{
    err_t *err = error_start(error);
    picks_t picks;
    input_t input = {0};
    int status = array_enter(array, err);
    if (!status)
        status = picks_init(&picks, array, indices, nindices, mode, err);
    if (status)
        return status;
    status = input_init_for(&input, value, array->dtype, casting, err);
    if (!status)
        status = check_shape(&picks, &input, err);
    if (!status && shape_count(&picks.result) != 0)
        status = picks.across ? put_across(&picks, &input, err) : put_apart(&picks, &input, err);
    input_release(&input);
    picks_release(&picks);
    return status ? status : session_flush(array->session, err);
}
