/* Flat indices to the engines of the pieces that they lie in; see picks.h. */
#include "proxy/error.h"
#include "proxy/picks.h"

#include <stdlib.h>

pair_t *
exchange_pair(const exchange_t *self, int part, int piece)
{
    return &self->pairs[part * self->picks->array->n + piece];
}

shape_t
exchange_block_shape(const exchange_t *self, const pair_t *pair)
{
    const picks_t *picks = self->picks;
    shape_t shape = {.ndim = 1, .extent = {pair->count}};
    for (int axis = picks->n; axis < picks->array->shape.ndim; axis++)
        shape.extent[shape.ndim++] = picks->array->shape.extent[axis];
    return shape;
}

/* ---- sorting and counting ------------------------------------------------------------------------------------------
 */

/* The sorted indices of a part, on its engine. */
typedef struct {
    handle_t *place, *index;
} sorted_t;

/* Where pieces begin and end, as flat indices. */
static int
make_cuts(const picks_t *self, int64_t **ret, err_t *err)
{
    const fh_array *array = self->array;
    int64_t inner = 1, *cuts = malloc(((size_t)array->n + 1) * sizeof *cuts);
    if (!cuts)
        return err_set(err, FH_NO_MEMORY, "no memory for the borders of %d pieces", array->n);
    for (int i = 1; i < self->n; i++)
        inner *= self->extent[i];
    for (int i = 0; i < array->n; i++)
        cuts[i] = array->cuts[i].start * inner;
    cuts[array->n] = self->extent[0] * inner;
    *ret = cuts;
    return FH_OK;
}

/* counts gets part `part`: a number for each piece. */
static int
sort_part(const exchange_t *self, int part, const int64_t *cuts, sorted_t *ret, fh_array *counts, err_t *err)
{
    int pieces = self->picks->array->n;
    shape_t local = layout_part_shape(&self->layout, &self->picks->shape, part);
    shape_t line = {.ndim = 1, .extent = {shape_count(&local)}}, numbers = {.ndim = 1, .extent = {pieces}};
    operand_t in = apply_object(self->flat[part]);
    handle_t *made[3];
    apply_output_t out[3] = {{.dtype = DTYPE_INT64, .shape = &line},
                             {.dtype = DTYPE_INT64, .shape = &line},
                             {.dtype = DTYPE_INT64, .shape = &numbers}};
    apply_emit_t emit = {.method = APPLY_SPLIT,
                         .engine = self->layout.engines[part],
                         .in = &in,
                         .nin = 1,
                         .out = out,
                         .nout = 3,
                         .integers = cuts,
                         .nintegers = pieces + 1};
    int status = apply_emit(&emit, made, err);
    if (status)
        return status;
    *ret = (sorted_t){made[0], made[1]};
    counts->cuts[part] = (piece_t){(int64_t)part * pieces, pieces};
    array_put(counts, part, made[2], NULL);
    return FH_OK;
}

static int
fetch_counts(const exchange_t *self, fh_array *counts, err_t *err)
{
    int pieces = self->picks->array->n;
    int64_t n = (int64_t)self->layout.n * pieces, *numbers = malloc((size_t)n * sizeof *numbers);
    int status = numbers ? fh_gather(counts, numbers, NULL, (fh_error *)err)
                         : err_set(err, FH_NO_MEMORY, "no memory for %lld numbers", (long long)n);
    for (int part = 0; part < self->layout.n && !status; part++)
        for (int64_t piece = 0, first = 0; piece < pieces; piece++) {
            pair_t *pair = exchange_pair(self, part, (int)piece);
            pair->first = first;
            pair->count = numbers[part * pieces + piece];
            first += pair->count;
        }
    free(numbers);
    return status;
}

static int
sort_and_count(const exchange_t *self, sorted_t *sorted, err_t *err)
{
    int64_t *cuts = NULL;
    fh_array *counts = NULL;
    int parts = self->layout.n, pieces = self->picks->array->n;
    shape_t shape = {.ndim = 1, .extent = {(int64_t)parts * pieces}};
    int status = make_cuts(self->picks, &cuts, err);
    if (!status)
        status = array_new(&counts, self->picks->array->session, DTYPE_INT64, &shape, parts > 1 ? 0 : -1, parts, err);
    for (int part = 0; part < parts && !status; part++)
        status = sort_part(self, part, cuts, &sorted[part], counts, err);
    if (!status)
        status = fetch_counts(self, counts, err);
    fh_array_free(&counts);
    free(cuts);
    return status;
}

/* ---- on the way ----------------------------------------------------------------------------------------------------
 */

static int
cut_line(handle_t *line, const pair_t *pair, handle_t **ret, err_t *err)
{
    nd_t nd;
    nd_init(&nd, ARRAY_BASE + pair->first * 8, DTYPE_INT64, &(shape_t){.ndim = 1, .extent = {pair->count}});
    return emit_view(line, &nd, ret, err);
}

static int
send_index(pair_t *pair, const sorted_t *sorted, engine_link_t *to, err_t *err)
{
    shape_t shape = {.ndim = 1, .extent = {pair->count}};
    handle_t *index = NULL;
    int status = cut_line(sorted->place, pair, &pair->place, err);
    if (!status)
        status = cut_line(sorted->index, pair, &index, err);
    if (status)
        return status;
    if (index->engine == to) {
        pair->index = index;
        return FH_OK;
    }
    status = emit_send(index, to, DTYPE_INT64, &shape, &pair->index, err);
    if (!status)
        pair->index_from = index->engine;
    handle_unref(&index);
    return status;
}

int
pair_receive_index(pair_t *self, err_t *err)
{
    const engine_link_t *from = self->index_from;
    shape_t shape = {.ndim = 1, .extent = {self->count}};
    self->index_from = NULL;
    return from ? emit_expect(&self->index, from, DTYPE_INT64, &shape, err) : FH_OK;
}

int
pair_send_block(pair_t *self, engine_link_t *to, dtype_t dtype, const shape_t *shape, err_t *err)
{
    handle_t *here = self->block;
    if (here->engine == to)
        return FH_OK;
    self->block = NULL;
    int status = emit_send(here, to, dtype, shape, &self->block, err);
    if (!status)
        self->block_from = here->engine;
    handle_unref(&here);
    return status;
}

int
pair_receive_block(pair_t *self, dtype_t dtype, const shape_t *shape, err_t *err)
{
    const engine_link_t *from = self->block_from;
    self->block_from = NULL;
    return from ? emit_expect(&self->block, from, dtype, shape, err) : FH_OK;
}

/* ---- all of it -----------------------------------------------------------------------------------------------------
 */

static int
send_indices(const exchange_t *self, const sorted_t *sorted, err_t *err)
{
    int status = FH_OK;
    for (int part = 0; part < self->layout.n && !status; part++)
        for (int piece = 0; piece < self->picks->array->n && !status; piece++) {
            pair_t *pair = exchange_pair(self, part, piece);
            if (pair->count)
                status = send_index(pair, &sorted[part], self->picks->array->parts[piece].handle->engine, err);
        }
    return status;
}

int
exchange_init(exchange_t *self, picks_t *picks, err_t *err)
{
    *self = (exchange_t){.picks = picks, .block_dtype = picks->array->dtype};
    int pieces = picks->array->n, status = picks_layout(picks, &self->layout, err);
    if (status)
        return status;
    int parts = self->layout.n;
    sorted_t *sorted = calloc((size_t)parts, sizeof *sorted);
    self->flat = calloc((size_t)parts, sizeof *self->flat);
    self->pairs = calloc((size_t)parts * (size_t)pieces, sizeof *self->pairs);
    if (!sorted || !self->flat || !self->pairs)
        status = err_set(err, FH_NO_MEMORY, "no memory for indices into %d pieces", pieces);
    else if (pieces >= APPLY_MAX_INTEGERS)
        status = err_set(err, FH_NOT_SUPPORTED,
                         "indices across %d pieces: %d are the most; reshard the array into larger ones", pieces,
                         APPLY_MAX_INTEGERS - 1);
    if (!status)
        status = picks_flat(picks, &self->layout, self->flat, err);
    if (!status)
        status = sort_and_count(self, sorted, err);
    if (!status)
        status = send_indices(self, sorted, err);
    for (int part = 0; sorted && part < parts; part++) {
        handle_unref(&sorted[part].place);
        handle_unref(&sorted[part].index);
    }
    free(sorted);
    if (status)
        exchange_release(self);
    return status;
}

void
exchange_release(exchange_t *self)
{
    int parts = self->layout.n, pieces = self->picks->array->n;
    for (int part = 0; self->pairs && part < parts; part++)
        for (int piece = 0; piece < pieces; piece++) {
            pair_t *pair = exchange_pair(self, part, piece);
            shape_t shape = exchange_block_shape(self, pair);
            /* Whatever was sent must be expected. */
            pair_receive_index(pair, NULL);
            pair_receive_block(pair, self->block_dtype, &shape, NULL);
            handle_unref(&pair->index);
            handle_unref(&pair->place);
            handle_unref(&pair->block);
        }
    for (int part = 0; self->flat && part < parts; part++)
        handle_unref(&self->flat[part]);
    free(self->flat);
    free(self->pairs);
    self->flat = NULL;
    self->pairs = NULL;
    layout_release(&self->layout);
}
