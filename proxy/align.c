#include "proxy/align.h"

#include "proxy/placing.h"
#include "proxy/tail.h"

#include <stdlib.h>
#include <string.h>

/* Narrow a view to a range along an axis. */
static void
narrow(nd_t *nd, int axis, piece_t range)
{
    if (axis < 0)
        return;
    nd->data += range.start * nd->stride[axis];
    nd->shape.extent[axis] = range.length;
}

static bool
same_view(const nd_t *a, const nd_t *b)
{
    return a->data == b->data && shape_equal(&a->shape, &b->shape) &&
           memcmp(a->stride, b->stride, (size_t)a->shape.ndim * sizeof a->stride[0]) == 0;
}

/* What the region wants of a source part that lies like this. */
static nd_t
narrowed(const region_t *region, block_t block, nd_t nd)
{
    const fh_array *array = region->array;
    if (array->axis >= 0)
        narrow(&nd, array->axis, block.range);
    if (region->axis != array->axis)
        narrow(&nd, region->axis, region->want);
    return nd;
}

/* One block of the region: the source part itself, a view of it, or a copy that is on its way. */
static int
bring_block(const region_t *region, block_t block, region_block_t *ret, err_t *err)
{
    const fh_array *array = region->array;
    handle_t *source = array->parts[block.part].handle, *view = NULL;
    nd_t whole = array_part_asked(array, block.part), nd = narrowed(region, block, whole);
    int status = FH_OK;
    if (same_view(&whole, &nd)) {
        view = handle_ref(source);
    } else {
        nd = narrowed(region, block, array_part_nd(array, block.part));
        status = emit_view(source, &nd, &view, err);
    }
    if (status)
        return status;
    *ret = (region_block_t){.nd = nd};
    if (source->engine == region->to) {
        ret->handle = view;
        return FH_OK;
    }
    status = emit_send(view, region->to, array->dtype, &nd.shape, &ret->handle, err);
    handle_unref(&view);
    nd_init(&ret->nd, ARRAY_BASE, array->dtype, &nd.shape);
    ret->from = status ? NULL : source->engine;
    return status;
}

static int
receive_block(region_block_t *self, err_t *err)
{
    const engine_link_t *from = self->from;
    self->from = NULL;
    return from ? emit_expect(&self->handle, from, self->nd.dtype, &self->nd.shape, err) : FH_OK;
}

/* Write one array into a larger one, starting at `start` along axis. */
static int
write_into(handle_t *joined, const nd_t *joined_nd, int axis, int64_t start, handle_t *source, int64_t length,
           err_t *err)
{
    nd_t nd = *joined_nd;
    handle_t *slot = NULL;
    operand_t operand = {.object = source->id};
    narrow(&nd, axis, (piece_t){start, length});
    int status = emit_view(joined, &nd, &slot, err);
    if (!status)
        status = emit_assign(slot, &operand, joined, err);
    handle_unref(&slot);
    return status;
}

static int
join_blocks(const region_t *self, const nd_t *nd, handle_t **ret, err_t *err)
{
    const fh_array *array = self->array;
    handle_t *joined = NULL;
    int status = emit_empty(self->to, array->dtype, &nd->shape, NULL, &joined, err);
    for (int i = 0; i < self->count && !status; i++) {
        block_t block = layout_block(array->cuts, array->axis, self->axis, self->want, self->first + i);
        status = write_into(joined, nd, array->axis, block.target, self->blocks[i].handle, block.range.length, err);
    }
    if (status)
        handle_unref(&joined);
    else
        *ret = joined;
    return status;
}

int
region_init(region_t *self, const fh_array *array, int axis, piece_t want, engine_link_t *to, err_t *err)
{
    int status = FH_OK;
    *self = (region_t){.array = array, .axis = axis, .want = want, .to = to};
    layout_blocks(array->cuts, array->n, array->axis, axis, want, &self->first, &self->count);
    self->blocks = calloc((size_t)self->count + 1, sizeof *self->blocks);
    if (!self->blocks)
        return err_set(err, FH_NO_MEMORY, "no memory for the %d parts of a region", self->count);
    for (int i = 0; i < self->count && !status; i++) {
        block_t block = layout_block(array->cuts, array->axis, axis, want, self->first + i);
        status = bring_block(self, block, &self->blocks[i], err);
    }
    if (status)
        region_release(self);
    return status;
}

int
region_receive(region_t *self, part_t *ret, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->count && !status; i++)
        status = receive_block(&self->blocks[i], err);
    if (status)
        return status;
    nd_t nd = self->blocks[0].nd;
    if (self->count == 1) {
        ret->handle = handle_ref(self->blocks[0].handle);
    } else {
        shape_t shape = self->array->shape;
        if (self->axis >= 0)
            shape.extent[self->axis] = self->want.length;
        nd_init(&nd, ARRAY_BASE, self->array->dtype, &shape);
        status = join_blocks(self, &nd, &ret->handle, err);
    }
    memcpy(ret->stride, nd.stride, sizeof ret->stride);
    return status;
}

void
region_release(region_t *self)
{
    for (int i = 0; self->blocks && i < self->count; i++) {
        receive_block(&self->blocks[i], NULL);
        handle_unref(&self->blocks[i].handle);
    }
    free(self->blocks);
    self->blocks = NULL;
}

/* The part that is all of a region, on that engine, as it is; -1: there is none. */
static int
part_there(const fh_array *array, int axis, piece_t want, const engine_link_t *to)
{
    int first = 0, count = 1;
    if (axis >= 0 && (axis == array->axis || want.start != 0 || want.length != array->shape.extent[axis])) {
        layout_blocks(array->cuts, array->n, array->axis, axis, want, &first, &count);
        if (axis != array->axis || count != 1 || array->cuts[first].start != want.start ||
            array->cuts[first].length != want.length)
            return -1;
    } else if (array->n != 1) {
        return -1;
    }
    return array->parts[first].handle->engine == to ? first : -1;
}

int
align_region(const fh_array *array, int axis, piece_t want, engine_link_t *to, part_t *ret, err_t *err)
{
    region_t region;
    int there = part_there(array, axis, want, to);
    if (there >= 0) { /* as in every operation on arrays that lie alike */
        *ret = array->parts[there];
        handle_ref(ret->handle);
        return FH_OK;
    }
    int status = region_init(&region, array, axis, want, to, err);
    if (status)
        return status;
    status = region_receive(&region, ret, err);
    region_release(&region);
    return status;
}

int
align_array(const fh_array *array, const layout_t *layout, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    int status = array_new_as(&made, array->session, array->dtype, &array->shape, layout, err);
    for (int i = 0; i < layout->n && !status; i++)
        status = align_region(array, layout->axis, layout->cuts[i], layout->engines[i], &made->parts[i], err);
    return array_give(made, status, ret);
}

static int
align_and_lay(fh_array *made, const fh_array *array, const layout_t *layout, int i, err_t *err)
{
    part_t part = {0};
    int status = align_region(array, layout->axis, layout->cuts[i], layout->engines[i], &part, err);
    if (!status)
        status = emit_lay_part(made, i, &part.handle, err);
    if (status)
        handle_unref(&part.handle);
    else
        array_put(made, i, part.handle, made->lay.home ? NULL : part.stride);
    return status;
}

int
align_result(const fh_array *array, const layout_t *layout, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    layout_t own;
    int status = array_layout(array, 0, &own, err);
    if (status)
        return status;
    bool moves = !layout_equal(&own, layout);
    layout_release(&own);
    if (!moves)
        return align_array(array, layout, ret, err);
    status = array_new_as(&made, array->session, array->dtype, &array->shape, layout, err);
    for (int i = 0; i < layout->n && !status; i++)
        status = align_and_lay(made, array, layout, i, err);
    return array_give(made, status, ret);
}

int
align_contiguous(part_t *part, dtype_t from, dtype_t to, const shape_t *shape, err_t *err)
{
    nd_t nd = {.data = ARRAY_BASE, .dtype = from, .shape = *shape};
    placing_know(part->handle, shape, part->stride);
    memcpy(nd.stride, part->stride, sizeof nd.stride);
    if (from == to && nd_is_c_contiguous(&nd))
        return FH_OK;
    handle_t *copy = NULL;
    int status = emit_copy(part->handle, to, shape, &copy, err);
    if (status)
        return status;
    handle_unref(&part->handle);
    part->handle = copy;
    shape_strides_c(shape, (int64_t)dtype_size(to), part->stride);
    return FH_OK;
}

int
align_join(engine_link_t *to, dtype_t dtype, handle_t *const *parts, const shape_t *shapes, int n, int axis,
           handle_t **ret, err_t *err)
{
    shape_t shape = shapes[0];
    handle_t *joined = NULL;
    nd_t nd;
    for (int i = 1; i < n; i++)
        shape.extent[axis] += shapes[i].extent[axis];
    nd_init(&nd, ARRAY_BASE, dtype, &shape);
    int status = emit_empty(to, dtype, &shape, NULL, &joined, err);
    int64_t start = 0;
    for (int i = 0; i < n && !status; i++) {
        status = write_into(joined, &nd, axis, start, parts[i], shapes[i].extent[axis], err);
        start += shapes[i].extent[axis];
    }
    if (status)
        handle_unref(&joined);
    else
        *ret = joined;
    return status;
}

int
align_stack(engine_link_t *to, dtype_t dtype, handle_t *const *parts, const shape_t *shape, int n, handle_t **ret,
            err_t *err)
{
    tail_join_t join = {.to = to, .dtype = dtype, .stacks = true, .n = n};
    join.states = calloc((size_t)n, sizeof(handle_t *));
    join.shapes = calloc((size_t)n, sizeof *join.shapes);
    if (!join.states || !join.shapes) {
        tail_join_release(&join);
        return err_set(err, FH_NO_MEMORY, "no memory to join %d arrays", n);
    }
    for (int i = 0; i < n; i++) {
        join.states[i] = handle_ref(parts[i]);
        join.shapes[i] = *shape;
    }
    join.shape.ndim = shape->ndim + 1;
    join.shape.extent[0] = n;
    memcpy(join.shape.extent + 1, shape->extent, (size_t)shape->ndim * sizeof shape->extent[0]);
    return tail_join(&join, ret, err);
}
