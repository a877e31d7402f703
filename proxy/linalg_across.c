/* Functions of one large matrix whose rows lie on several engines, computed by all of them. */
#include "proxy/align.h"
#include "proxy/cholesky.h"
#include "proxy/linalg.h"
#include "proxy/lu.h"

#include <stdlib.h>

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
solve(const linalg_call_t *call, const grid_t *grid, handle_t *const *pivots, fh_array **ret, err_t *err)
{
    int status = take_right(call, grid, ret, err);
    if (!status)
        status = lu_solve(grid, pivots, *ret, err);
    return status ? status : lay_as(ret, call->in[call->row->nin - 1], err);
}

/* ---- determinants --------------------------------------------------------------------------------------------------
 */

/* The diagonal of the factors, and what their rows were exchanged for: two vectors. */
static int
take_diagonal(const grid_t *grid, handle_t *const *pivots, fh_array **ret_diagonal, fh_array **ret_pivots, err_t *err)
{
    shape_t shape = {.ndim = 1, .extent = {grid->n}};
    int status = array_new(ret_diagonal, grid->session, grid->dtype, &shape, 0, grid->blocks, err);
    if (!status)
        status = array_new(ret_pivots, grid->session, DTYPE_INT64, &shape, 0, grid->blocks, err);
    for (int k = 0; k < grid->blocks && !status; k++) {
        handle_t *view = NULL;
        int64_t stride;
        (*ret_diagonal)->cuts[k] = (*ret_pivots)->cuts[k] = grid_block(grid, k);
        status = grid_diagonal(grid, k, &view, &stride, err);
        if (status)
            break;
        array_put(*ret_diagonal, k, view, &stride);
        array_put(*ret_pivots, k, handle_ref(pivots[k]), NULL);
    }
    if (!status) {
        array_settle(*ret_diagonal);
        array_settle(*ret_pivots);
    }
    return status;
}

static int
multiply(const linalg_call_t *call, const grid_t *grid, const part_t *diagonal, const part_t *pivots, fh_array **ret,
         err_t *err)
{
    const operand_t in[2] = {apply_object(diagonal->handle), apply_object(pivots->handle)};
    const shape_t number = {.ndim = 0};
    apply_output_t out[LINALG_MAX_OUT];
    handle_t *made[LINALG_MAX_OUT];
    int status = FH_OK, nout = call->row->nout;
    for (int i = 0; i < nout && !status; i++) {
        out[i] = (apply_output_t){.dtype = linalg_dtype(call->row, grid->dtype, i), .shape = &number};
        status = array_new(&ret[i], grid->session, out[i].dtype, &number, -1, 1, err);
    }
    apply_emit_t emit = {.method = APPLY_LU_DET,
                         .engine = diagonal->handle->engine,
                         .in = in,
                         .nin = 2,
                         .out = out,
                         .nout = nout,
                         .integers = &grid->size,
                         .nintegers = 1};
    if (!status)
        status = apply_emit(&emit, made, err);
    for (int i = 0; i < nout && !status; i++)
        array_put(ret[i], 0, made[i], NULL);
    return status;
}

static int
determinant(const linalg_call_t *call, const grid_t *grid, handle_t *const *pivots, fh_array **ret, err_t *err)
{
    fh_array *diagonal = NULL, *turns = NULL;
    part_t all = {0}, all_turns = {0};
    int status = take_diagonal(grid, pivots, &diagonal, &turns, err);
    if (!status)
        status = align_region(diagonal, -1, (piece_t){0}, grid->engines[0], &all, err);
    if (!status)
        status = align_region(turns, -1, (piece_t){0}, grid->engines[0], &all_turns, err);
    if (!status)
        status = multiply(call, grid, &all, &all_turns, ret, err);
    handle_unref(&all.handle);
    handle_unref(&all_turns.handle);
    fh_array_free(&diagonal);
    fh_array_free(&turns);
    return status;
}

/* ---- all of it -----------------------------------------------------------------------------------------------------
 */

/* What needs the LU factors. */
static int
decompose(const linalg_call_t *call, const grid_t *grid, fh_array **ret, err_t *err)
{
    handle_t **pivots = calloc((size_t)grid->blocks, sizeof(handle_t *));
    int status = pivots ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for %d blocks", grid->blocks);
    if (!status)
        status = lu_factor(grid, pivots, err);
    if (!status)
        status = call->code == LINALG_DET || call->code == LINALG_SLOGDET ? determinant(call, grid, pivots, ret, err)
                                                                          : solve(call, grid, pivots, ret, err);
    for (int k = 0; pivots && k < grid->blocks; k++)
        handle_unref(&pivots[k]);
    free(pivots);
    return status;
}

/* least: rows from which two engines of one host are together as fast as one to which the matrix is brought (decision
 * 0034). */
static const struct {
    linalg_code_t code;
    bool symmetric; /* one triangle says all */
    int least;
    int (*compute)(const linalg_call_t *call, const grid_t *grid, fh_array **ret, err_t *err);
} FUNCTIONS[] = {
    {LINALG_CHOLESKY, true, 4096, factor},    {LINALG_SOLVE, false, 2048, decompose},
    {LINALG_INV, false, 1536, decompose},     {LINALG_DET, false, 2048, decompose},
    {LINALG_SLOGDET, false, 2048, decompose},
};

/* Is the matrix cut, and large enough? */
static bool
pays(const fh_array *matrix, int least)
{
    int64_t rows = matrix->session->linalg_rows > 0 ? matrix->session->linalg_rows : least;
    return matrix->axis >= 0 && matrix->shape.extent[0] >= rows;
}

int
linalg_across(const linalg_call_t *call, fh_array **ret, bool *ret_done, err_t *err)
{
    const fh_array *matrix = call->in[0];
    size_t at = 0, n = sizeof FUNCTIONS / sizeof *FUNCTIONS;
    grid_t grid;
    while (at < n && FUNCTIONS[at].code != call->code)
        at++;
    if (at == n || call->dims.stack.ndim || !pays(matrix, FUNCTIONS[at].least))
        return FH_OK;
    int status = grid_init(&grid, matrix, FUNCTIONS[at].symmetric, err);
    if (status)
        return status;
    *ret_done = true;
    status = FUNCTIONS[at].compute(call, &grid, ret, err);
    grid_release(&grid);
    return status;
}
