#include "proxy/reduce_pieces.h"

#include "proxy/align.h"
#include "proxy/tail.h"

#include <stdlib.h>

/* What all pieces are reduced over: the groups up to the one that the array's axis belongs to. */
typedef struct {
    uint32_t axes;
    uint32_t group; /* the last one */
    int64_t inner;  /* positions for one step along the axis */
} stage_t;

static stage_t
find_stage(const fh_array *array, uint32_t axes)
{
    uint32_t groups[SHAPE_MAX_DIMS];
    stage_t stage = {0, 0, 1};
    reduction_groups(&array->shape, axes, groups);
    for (int i = 0; !(stage.axes >> array->axis & 1); i++) {
        stage.axes |= groups[i];
        stage.group = groups[i];
    }
    for (int axis = array->axis + 1; axis < array->shape.ndim; axis++)
        stage.inner *= stage.group >> axis & 1 ? array->shape.extent[axis] : 1;
    return stage;
}

/* The same array, cut along another axis, over the engines that have it. */
static int
turn(const fh_array *array, int axis, fh_array **ret, err_t *err)
{
    layout_t layout = {0};
    engine_link_t **engines = calloc((size_t)array->n, sizeof(engine_link_t *));
    if (!engines)
        return err_set(err, FH_NO_MEMORY, "no memory for %d pieces", array->n);
    for (int i = 0; i < array->n; i++)
        engines[i] = array->parts[i].handle->engine;
    int status = layout_split(&layout, axis, array->shape.extent[axis], 0, engines, array->n, err);
    if (!status)
        status = align_array(array, &layout, ret, err);
    layout_release(&layout);
    free(engines);
    return status;
}

/* The states of all pieces, each on its engine. */
static int
make_states(const fh_array *array, const stage_t *stage, tail_join_t *join, err_t *err)
{
    int64_t whole = array->shape.extent[array->axis], inner = stage->inner;
    int status = FH_OK;
    for (int i = 0; i < array->n && !status; i++) {
        int64_t start = array->cuts[i].start, end = start + array->cuts[i].length;
        shape_t *shape = &join->shapes[i];
        shape->ndim = join->shape.ndim + 1;
        shape->extent[0] = reduction_slots(start * inner, end * inner, whole * inner);
        for (int axis = 0; axis < join->shape.ndim; axis++)
            shape->extent[axis + 1] = join->shape.extent[axis];
        join->cuts[i + 1] = end * inner;
        status = emit_reduce_piece(array->parts[i].handle, join->reduce, stage->axes, join->dtype, array->axis, start,
                                   whole, shape, &join->states[i], err);
    }
    return status;
}

static int
join(const fh_array *array, reduce_t reduce, uint32_t axes, dtype_t dtype, const stage_t *stage, handle_t **ret,
     err_t *err)
{
    tail_join_t join = {
        .to = array->parts[0].handle->engine, .reduce = reduce, .dtype = dtype, .n = array->n, .shape = {0}};
    shape_t bare = {0};
    uint32_t rest = 0;
    for (int axis = 0; axis < array->shape.ndim; axis++) {
        if (stage->axes >> axis & 1)
            continue;
        rest |= (axes >> axis & 1) << join.shape.ndim;
        if (!(axes >> axis & 1))
            bare.extent[bare.ndim++] = array->shape.extent[axis];
        join.shape.extent[join.shape.ndim++] = array->shape.extent[axis];
    }
    join.middle = rest != 0;
    join.states = calloc((size_t)array->n, sizeof(handle_t *));
    join.shapes = calloc((size_t)array->n, sizeof *join.shapes);
    join.cuts = calloc((size_t)array->n + 1, sizeof *join.cuts);
    int status = join.states && join.shapes && join.cuts
                     ? make_states(array, stage, &join, err)
                     : err_set(err, FH_NO_MEMORY, "no memory to reduce %d pieces", array->n);
    handle_t *joined = NULL;
    if (status)
        tail_join_release(&join);
    else
        status = tail_join(&join, &joined, err);
    if (!status && rest != 0)
        status = emit_reduce(joined, reduce, rest, false, dtype, 0, &bare, ret, err);
    else if (!status)
        *ret = handle_ref(joined);
    handle_unref(&joined);
    return status;
}

int
reduce_pieces(const fh_array *array, reduce_t reduce, uint32_t axes, dtype_t dtype, handle_t **ret, err_t *err)
{
    stage_t stage = find_stage(array, axes);
    int outermost = reduction_outermost(&array->shape, stage.group);
    fh_array *turned = NULL;
    int status = FH_OK;
    if (outermost != array->axis) {
        status = turn(array, outermost, &turned, err);
        array = turned;
        if (!status && array->axis < 0) {
            shape_t bare = {0};
            for (int axis = 0; axis < array->shape.ndim; axis++)
                if (!(axes >> axis & 1))
                    bare.extent[bare.ndim++] = array->shape.extent[axis];
            status = emit_reduce(array->parts[0].handle, reduce, axes, false, dtype, 0, &bare, ret, err);
            fh_array_free(&turned);
            return status;
        }
        if (!status)
            stage = find_stage(array, axes);
    }
    if (status)
        return status;
    status = join(array, reduce, axes, dtype, &stage, ret, err);
    fh_array_free(&turned);
    return status;
}
