#include "proxy/reduce_pieces.h"

#include "proxy/align.h"

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

/* The states of all pieces on the first one's engine. */
static int
gather_states(const fh_array *array, reduce_t reduce, const stage_t *stage, dtype_t dtype, const shape_t *left,
              handle_t **ret, err_t *err)
{
    engine_link_t *home = array->parts[0].handle->engine;
    int64_t whole = array->shape.extent[array->axis], inner = stage->inner;
    int status = FH_OK;
    for (int i = 0; i < array->n && !status; i++) {
        int64_t start = array->cuts[i].start, end = start + array->cuts[i].length;
        shape_t shape = {.ndim = left->ndim + 1,
                         .extent = {reduction_slots(start * inner, end * inner, whole * inner)}};
        for (int axis = 0; axis < left->ndim; axis++)
            shape.extent[axis + 1] = left->extent[axis];
        status = emit_reduce_piece(array->parts[i].handle, reduce, stage->axes, dtype, array->axis, start, whole,
                                   &shape, &ret[i], err);
        if (status || array->parts[i].handle->engine == home)
            continue;
        handle_t *there = ret[i];
        ret[i] = NULL;
        status = emit_transfer(there, home, reduction_state_dtype(dtype), &shape, &ret[i], err);
        handle_unref(&there);
    }
    return status;
}

static int
join(const fh_array *array, reduce_t reduce, uint32_t axes, dtype_t dtype, const stage_t *stage, handle_t **states,
     int64_t *cuts, handle_t **ret, err_t *err)
{
    shape_t left = {0}, bare = {0};
    uint32_t rest = 0;
    for (int axis = 0; axis < array->shape.ndim; axis++) {
        if (stage->axes >> axis & 1)
            continue;
        rest |= (axes >> axis & 1) << left.ndim;
        if (!(axes >> axis & 1))
            bare.extent[bare.ndim++] = array->shape.extent[axis];
        left.extent[left.ndim++] = array->shape.extent[axis];
    }
    for (int i = 0; i < array->n; i++)
        cuts[i + 1] = (array->cuts[i].start + array->cuts[i].length) * stage->inner;
    int status = gather_states(array, reduce, stage, dtype, &left, states, err);
    handle_t *joined = NULL;
    if (!status)
        status = emit_reduce_join(array->parts[0].handle->engine, reduce, states, array->n, cuts, dtype, rest != 0,
                                  &left, &joined, err);
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
    handle_t **states = calloc((size_t)array->n, sizeof(handle_t *));
    int64_t *cuts = calloc((size_t)array->n + 1, sizeof *cuts);
    status = states && cuts ? join(array, reduce, axes, dtype, &stage, states, cuts, ret, err)
                            : err_set(err, FH_NO_MEMORY, "no memory to reduce %d pieces", array->n);
    for (int i = 0; states && i < array->n; i++)
        handle_unref(&states[i]);
    free(states);
    free(cuts);
    fh_array_free(&turned);
    return status;
}
