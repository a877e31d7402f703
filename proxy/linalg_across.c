/* Functions of one large matrix whose rows lie on several engines, computed by all of them. */
#include "proxy/align.h"
#include "proxy/cholesky.h"
#include "proxy/linalg.h"
#include "proxy/lu.h"

#include <stdlib.h>

enum { LEAST = 512 /* rows: smaller matrices are done sooner by one engine */ };

/* In the layout of another array of the same first extents; both may be one. */
static int
lay_as(fh_array **array, const fh_array *like, err_t *err)
{
    layout_t layout = {0};
    fh_array *laid = NULL;
    int status = array_layout(like, 0, &layout, err);
    if (!status)
        status = align_array(*array, &layout, &laid, err);
    layout_release(&layout);
    if (!status) {
        fh_array_free(array);
        *array = laid;
    }
    return status;
}

static int
factor(const linalg_call_t *call, const grid_t *grid, fh_array **ret, err_t *err)
{
    int status = cholesky_factor(grid, err);
    if (!status)
        status = grid_array(grid, ret, err);
    return status ? status : lay_as(ret, call->in[0], err);
}

/* A copy of the right sides, which is written. */
static int
copy_part(const fh_array *right, const layout_t *layout, int p, const shape_t *shape, handle_t **ret, err_t *err)
{
    part_t part = {0};
    piece_t want = layout->axis >= 0 ? layout->cuts[p] : (piece_t){0};
    int status = align_region(right, layout->axis, want, layout->engines[p], &part, err);
    if (!status)
        status = emit_copy(part.handle, right->dtype, shape, ret, err);
    handle_unref(&part.handle);
    return status;
}

static int
eye_part(const grid_t *grid, const layout_t *layout, int p, const shape_t *shape, handle_t **ret, err_t *err)
{
    int64_t first = layout->axis >= 0 ? layout->cuts[p].start : 0;
    return apply_emit_one(APPLY_EYE, NULL, 0, layout->engines[p], grid->dtype, shape, &first, 1, ret, err);
}

/* The right sides as lu_solve takes them: the second input's, or, for the inverse, the columns of the unit matrix. */
static int
take_right(const linalg_call_t *call, const grid_t *grid, fh_array **ret, err_t *err)
{
    const fh_array *given = call->row->nin > 1 ? call->in[1] : NULL;
    shape_t whole = {.ndim = 2, .extent = {grid->n, given ? given->shape.extent[1] : grid->n}};
    layout_t layout = {0};
    int status = lu_layout(grid, whole.extent[1], &layout, err);
    if (!status)
        status = array_new_as(ret, call->session, grid->dtype, &whole, &layout, err);
    for (int p = 0; p < layout.n && !status; p++) {
        shape_t shape = layout_part_shape(&layout, &whole, p);
        handle_t *made = NULL;
        status =
            given ? copy_part(given, &layout, p, &shape, &made, err) : eye_part(grid, &layout, p, &shape, &made, err);
        if (!status)
            array_put(*ret, p, made, NULL);
    }
    layout_release(&layout);
    return status;
}

static int
solve(const linalg_call_t *call, const grid_t *grid, fh_array **ret, err_t *err)
{
    handle_t **pivots = calloc((size_t)grid->blocks, sizeof(handle_t *));
    int status = pivots ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for %d blocks", grid->blocks);
    if (!status)
        status = lu_factor(grid, pivots, err);
    if (!status)
        status = take_right(call, grid, ret, err);
    if (!status)
        status = lu_solve(grid, pivots, *ret, err);
    for (int k = 0; pivots && k < grid->blocks; k++)
        handle_unref(&pivots[k]);
    free(pivots);
    return status ? status : lay_as(ret, call->in[call->row->nin - 1], err);
}

int
linalg_across(const linalg_call_t *call, fh_array **ret, bool *ret_done, err_t *err)
{
    const fh_array *matrix = call->in[0];
    bool factors = call->code == LINALG_CHOLESKY, solves = call->code == LINALG_SOLVE || call->code == LINALG_INV;
    grid_t grid;
    if (!factors && !solves)
        return FH_OK;
    if (call->dims.stack.ndim || matrix->axis < 0 || matrix->shape.extent[0] < LEAST)
        return FH_OK;
    int status = grid_init(&grid, matrix, factors, err);
    if (status)
        return status;
    *ret_done = true;
    status = factors ? factor(call, &grid, ret, err) : solve(call, &grid, ret, err);
    grid_release(&grid);
    return status;
}
