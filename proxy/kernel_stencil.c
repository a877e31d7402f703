/* Halos: what a piece reads of its neighbours.
 *
 * The interior of a piece is computed from its own memory; for each end that has a neighbour a strip is assembled on
 * its engine: width elements of the neighbours and 2 * width of its own.  A piece that is too short for that, or too
 * near to the edge of the whole, is assembled with its neighbours' elements as one array. */
#include "proxy/kernel_map.h"

#include <stdlib.h>

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static map_edge_t
edge_of(piece_t piece, int64_t width, int64_t extent)
{
    int64_t before = piece.start, after = extent - piece.start - piece.length;
    bool short_low = before > 0 && before < width, short_high = after > 0 && after < width;
    if (before == 0 && after == 0)
        return (map_edge_t){0};
    if (piece.length < 2 * width || short_low || short_high)
        return (map_edge_t){.pad_low = least(before, width), .pad_high = least(after, width)};
    return (map_edge_t){.low = before > 0, .high = after > 0};
}

/* A range of the whole on part i's engine; a copy if an output that is written in place could change it first. */
static int
bring(mapping_t *self, int k, int i, piece_t range, part_t *ret, err_t *err)
{
    const input_t *input = &self->in[k];
    part_t part = {0};
    shape_t shape = input->shape;
    shape.extent[self->axis] = range.length;
    int status = align_region(input->array, self->axis, range, self->layout.engines[i], &part, err);
    for (int out = 0; out < self->nout && !status; out++)
        if (self->out[out].in_place)
            status = part_shield(&part, input->dtype, &shape, self->out[out].given, i, err);
    if (status) {
        handle_unref(&part.handle);
        return status;
    }
    handle_unref(&ret->handle);
    *ret = part;
    return FH_OK;
}

static int
make_strips(mapping_t *self, map_strips_t *ret, err_t *err)
{
    ret->parts = calloc((size_t)self->layout.n, sizeof *ret->parts);
    return ret->parts ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for the halos of %d pieces", self->layout.n);
}

static int
bring_edges(mapping_t *self, int k, int i, err_t *err)
{
    const map_edge_t *edge = &self->edges[i];
    piece_t piece = self->layout.cuts[i];
    int64_t width = self->width, end = piece.start + piece.length;
    int status = FH_OK;
    if (edge->pad_low || edge->pad_high)
        return bring(self, k, i, (piece_t){piece.start - edge->pad_low, piece.length + edge->pad_low + edge->pad_high},
                     &self->in[k].parts[i], err);
    if (edge->low)
        status = bring(self, k, i, (piece_t){piece.start - width, 3 * width}, &self->low[k].parts[i], err);
    if (!status && edge->high)
        status = bring(self, k, i, (piece_t){end - 2 * width, 3 * width}, &self->high[k].parts[i], err);
    return status;
}

int
stencil_plan(mapping_t *self, err_t *err)
{
    self->edges = calloc((size_t)self->layout.n, sizeof *self->edges);
    if (!self->edges)
        return err_set(err, FH_NO_MEMORY, "no memory for the halos of %d pieces", self->layout.n);
    for (int i = 0; i < self->layout.n; i++)
        self->edges[i] = edge_of(self->layout.cuts[i], self->width, self->extent);
    int status = FH_OK;
    for (int k = 0; k < self->nin && !status; k++) {
        if (!self->cut[k] || self->layout.n == 1)
            continue;
        status = make_strips(self, &self->low[k], err);
        if (!status)
            status = make_strips(self, &self->high[k], err);
        for (int i = 0; i < self->layout.n && !status; i++)
            status = bring_edges(self, k, i, err);
    }
    return status;
}
