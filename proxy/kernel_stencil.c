/* Halos: what a piece reads of its neighbours.
 *
 * The interior of a piece is computed from its own memory; for each end that has a neighbour a strip is assembled on
 * its engine: width elements of the neighbours and 2 * width of its own.  A piece that is too short for that, or too
 * near to the edge of the whole, is assembled with its neighbours' elements as one array.
 *
 * Large pieces do not wait for their neighbours: first every engine sends what others need, then it computes the
 * interior, and the ends when the strips have come. */
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

/* A part of at least so many bytes takes longer to compute than its strips take to come. */
enum { EARLY_BYTES = 1 << 20 };

static bool
is_early(const mapping_t *self, int i, const map_edge_t *edge)
{
    int64_t bytes = 0;
    for (int k = 0; k < self->nout; k++) {
        shape_t shape = self->out[k].shape;
        if (self->out[k].in_place || self->out[k].slices)
            return false;
        shape.extent[self->axis] = self->layout.cuts[i].length;
        bytes += shape_bytes(&shape, self->out[k].dtype);
    }
    return (edge->low || edge->high) && bytes >= EARLY_BYTES;
}

/* A range of the whole on part i's engine; a copy if an output that is written in place could change it first. */
static int
bring(mapping_t *self, int k, int i, region_t *region, part_t *ret, err_t *err)
{
    const input_t *input = &self->in[k];
    part_t part = {0};
    shape_t shape = input->shape;
    shape.extent[self->axis] = region->want.length;
    int status = region_receive(region, &part, err);
    for (int out = 0; out < self->nout && !status; out++)
        if (self->out[out].in_place)
            status = part_shield(&part, input->dtype, &shape, self->out[out].given, i, err);
    region_release(region);
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
    ret->regions = calloc((size_t)self->layout.n, sizeof *ret->regions);
    if (ret->parts && ret->regions)
        return FH_OK;
    return err_set(err, FH_NO_MEMORY, "no memory for the halos of %d pieces", self->layout.n);
}

static int
send(mapping_t *self, int k, int i, piece_t range, region_t *ret, err_t *err)
{
    return region_init(ret, self->in[k].array, self->axis, range, self->layout.engines[i], err);
}

/* Of input k, what part i needs: let neighbours send it. */
static int
send_edges(mapping_t *self, int k, int i, err_t *err)
{
    const map_edge_t *edge = &self->edges[i];
    piece_t piece = self->layout.cuts[i];
    int64_t width = self->width, end = piece.start + piece.length;
    int status = FH_OK;
    if (edge->pad_low || edge->pad_high)
        return send(self, k, i, (piece_t){piece.start - edge->pad_low, piece.length + edge->pad_low + edge->pad_high},
                    &self->low[k].regions[i], err);
    if (edge->low)
        status = send(self, k, i, (piece_t){piece.start - width, 3 * width}, &self->low[k].regions[i], err);
    if (!status && edge->high)
        status = send(self, k, i, (piece_t){end - 2 * width, 3 * width}, &self->high[k].regions[i], err);
    return status;
}

static int
bring_edges(mapping_t *self, int k, int i, err_t *err)
{
    const map_edge_t *edge = &self->edges[i];
    int status = FH_OK;
    if (edge->pad_low || edge->pad_high)
        return bring(self, k, i, &self->low[k].regions[i], &self->in[k].parts[i], err);
    if (edge->low)
        status = bring(self, k, i, &self->low[k].regions[i], &self->low[k].parts[i], err);
    if (!status && edge->high)
        status = bring(self, k, i, &self->high[k].regions[i], &self->high[k].parts[i], err);
    return status;
}

static int
plan_edges(mapping_t *self, err_t *err)
{
    self->edges = calloc((size_t)self->layout.n, sizeof *self->edges);
    if (!self->edges)
        return err_set(err, FH_NO_MEMORY, "no memory for the halos of %d pieces", self->layout.n);
    for (int i = 0; i < self->layout.n; i++) {
        self->edges[i] = edge_of(self->layout.cuts[i], self->width, self->extent);
        self->edges[i].early = is_early(self, i, &self->edges[i]);
    }
    return FH_OK;
}

int
stencil_plan(mapping_t *self, err_t *err)
{
    int status = plan_edges(self, err), n = self->layout.n > 1 ? self->layout.n : 0;
    for (int k = 0; k < self->nin && !status && n; k++) {
        if (!self->cut[k])
            continue;
        status = make_strips(self, &self->low[k], err);
        if (!status)
            status = make_strips(self, &self->high[k], err);
        for (int i = 0; i < n && !status; i++)
            status = send_edges(self, k, i, err);
    }
    for (int i = 0; i < n && !status; i++)
        if (self->edges[i].early)
            status = mapping_emit_early(self, i, err);
    for (int k = 0; k < self->nin && !status; k++)
        for (int i = 0; i < n && !status && self->cut[k]; i++)
            status = bring_edges(self, k, i, err);
    return status;
}
