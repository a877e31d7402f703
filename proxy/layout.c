#include "proxy/layout.h"

#include <stdlib.h>
#include <string.h>

int
layout_init(layout_t *self, int axis, int n, err_t *err)
{
    *self = (layout_t){.axis = axis, .n = n};
    self->cuts = calloc((size_t)n, sizeof *self->cuts);
    self->engines = calloc((size_t)n, sizeof(struct engine_link *));
    if (self->cuts && self->engines)
        return FH_OK;
    layout_release(self);
    return err_set(err, FH_NO_MEMORY, "no memory for a layout of %d pieces", n);
}

void
layout_release(layout_t *self)
{
    free(self->cuts);
    free(self->engines);
    *self = (layout_t){.axis = -1};
}

int
layout_single(layout_t *ret, struct engine_link *engine, err_t *err)
{
    int status = layout_init(ret, -1, 1, err);
    if (!status)
        ret->engines[0] = engine;
    return status;
}

int
layout_split(layout_t *ret, int axis, int64_t extent, int64_t blocksize, struct engine_link *const *engines,
             int nengines, err_t *err)
{
    int64_t n = nengines < extent ? nengines : extent;
    if (blocksize < 0)
        return err_set(err, FH_INVALID_ARGUMENT, "blocksize is %lld, but must be positive", (long long)blocksize);
    if (blocksize > 0) {
        int status = piece_count(extent, blocksize, &n, err);
        if (status)
            return status;
    }
    if (n > LAYOUT_MAX_PARTS)
        return err_set(err, FH_INVALID_ARGUMENT, "%lld pieces are more than %d: take a larger blocksize", (long long)n,
                       LAYOUT_MAX_PARTS);
    if (n <= 1)
        return layout_single(ret, engines[0], err);
    int status = layout_init(ret, axis, (int)n, err);
    if (status)
        return status;
    if (blocksize == 0)
        piece_split(extent, (int)n, ret->cuts);
    for (int i = 0; i < (int)n; i++) {
        if (blocksize > 0)
            ret->cuts[i] = piece_block(extent, blocksize, i);
        ret->engines[i] = engines[i % nengines];
    }
    return FH_OK;
}

bool
layout_equal(const layout_t *a, const layout_t *b)
{
    if (a->axis != b->axis || a->n != b->n ||
        memcmp(a->engines, b->engines, (size_t)a->n * sizeof(struct engine_link *)))
        return false;
    return a->axis < 0 || memcmp(a->cuts, b->cuts, (size_t)a->n * sizeof *a->cuts) == 0;
}

shape_t
layout_part_shape(const layout_t *self, const shape_t *shape, int i)
{
    shape_t part = *shape;
    if (self->axis >= 0)
        part.extent[self->axis] = self->cuts[i].length;
    return part;
}

uint64_t
layout_first(const layout_t *self, const shape_t *shape, int i)
{
    int64_t count = 1;
    if (self->axis < 0)
        return 0;
    for (int k = 0; k < shape->ndim; k++) {
        if (k < self->axis && shape->extent[k] != 1)
            return 0;
        count *= k > self->axis ? shape->extent[k] : 1;
    }
    return (uint64_t)(self->cuts[i].start * count);
}

void
layout_blocks(const piece_t *cuts, int n, int axis, int want_axis, piece_t want, int *ret_first, int *ret_count)
{
    *ret_first = 0;
    *ret_count = n;
    if (axis < 0) {
        *ret_count = 1;
        return;
    }
    if (want_axis >= 0 && want.length == 0) {
        *ret_count = 0;
        return;
    }
    if (want_axis != axis)
        return;
    int first = piece_find(cuts, n, want.start);
    int last = piece_find(cuts, n, want.start + want.length - 1);
    *ret_first = first;
    *ret_count = last - first + 1;
}

block_t
layout_block(const piece_t *cuts, int axis, int want_axis, piece_t want, int part)
{
    if (axis < 0)
        return (block_t){.part = 0};
    if (want_axis != axis)
        return (block_t){part, {0, cuts[part].length}, cuts[part].start};
    piece_t overlap = piece_overlap(cuts[part], want);
    return (block_t){part, {overlap.start - cuts[part].start, overlap.length}, overlap.start - want.start};
}
