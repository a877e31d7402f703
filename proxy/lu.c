#include "proxy/lu.h"

enum { FEW = 64 /* columns that go where the factors are */ };

/* ---- factors -------------------------------------------------------------------------------------------------------
 */

/* A panel and its pivots on their way to engines. */
typedef struct {
    sent_t panel, pivots;
} panel_sent_t;

static void
release_panel(panel_sent_t *self, const grid_t *grid)
{
    sent_release(&self->panel, grid);
    sent_release(&self->pivots, grid);
}

static int
send_panel(const grid_t *grid, int k, handle_t *panel, handle_t *pivots, panel_sent_t *ret, err_t *err)
{
    piece_t block = grid_block(grid, k);
    shape_t rows = {.ndim = 2, .extent = {block.length, grid->n - block.start}};
    shape_t count = {.ndim = 1, .extent = {block.length}};
    int status = sent_init(&ret->pivots, grid, k, false, pivots, DTYPE_INT64, &count, err);
    if (!status)
        status = sent_init(&ret->panel, grid, k, false, panel, grid->dtype, &rows, err);
    return status;
}

static int
factor_panel(const grid_t *grid, int k, handle_t **pivots, panel_sent_t *ret, err_t *err)
{
    piece_t block = grid_block(grid, k);
    handle_t *panel = NULL, *made[2];
    int status = grid_block_view(grid, k, (piece_t){block.start, grid->n - block.start}, &panel, err);
    if (status)
        return status;
    shape_t count = {.ndim = 1, .extent = {block.length}};
    apply_output_t out[2] = {{.exists = panel}, {.dtype = DTYPE_INT64, .shape = &count}};
    apply_emit_t emit = {.method = APPLY_LU_PANEL,
                         .engine = panel->engine,
                         .out = out,
                         .nout = 2,
                         .whole = grid->held[grid_owner(grid, k)]};
    status = apply_emit(&emit, made, err);
    if (!status) {
        pivots[k] = made[1];
        status = send_panel(grid, k, panel, made[1], ret, err);
    }
    handle_unref(&panel);
    return status;
}

/* What panel k does to rows of an engine from `first` on, up to `end`. */
static int
update(const grid_t *grid, int k, int engine, int64_t first, int64_t end, panel_sent_t *sent, err_t *err)
{
    piece_t block = grid_block(grid, k);
    handle_t *panel, *pivots, *rows = NULL, *none;
    if (first >= end)
        return FH_OK;
    int status = sent_get(&sent->pivots, engine, &pivots, err);
    if (!status)
        status = sent_get(&sent->panel, engine, &panel, err);
    if (!status)
        status = grid_view(grid, engine, (piece_t){first, end - first}, (piece_t){block.start, grid->n - block.start},
                           &rows, err);
    if (status)
        return status;
    operand_t in[2] = {apply_object(panel), apply_object(pivots)};
    apply_output_t out = {.exists = rows};
    apply_emit_t emit = {.method = APPLY_LU_UPDATE,
                         .engine = rows->engine,
                         .in = in,
                         .nin = 2,
                         .out = &out,
                         .nout = 1,
                         .whole = grid->held[engine]};
    status = apply_emit(&emit, &none, err);
    handle_unref(&rows);
    return status;
}

int
lu_factor(const grid_t *grid, handle_t **pivots, err_t *err)
{
    panel_sent_t sent = {0}, next = {0};
    int status = factor_panel(grid, 0, pivots, &sent, err);
    for (int k = 0; k < grid->blocks && !status; k++) {
        int ahead = k + 1 < grid->blocks ? grid_owner(grid, k + 1) : -1;
        if (ahead >= 0) { /* the next panel is on its way while everybody is at work on the rest */
            int64_t first = grid_row(grid, ahead, k + 1);
            status = update(grid, k, ahead, first, first + grid_block(grid, k + 1).length, &sent, err);
            if (!status)
                status = factor_panel(grid, k + 1, pivots, &next, err);
        }
        for (int i = 0; i < grid->nengines && !status; i++)
            status = update(grid, k, i, grid_row(grid, i, i == ahead ? k + 2 : k + 1), grid->rows[i], &sent, err);
        release_panel(&sent, grid);
        sent = next;
        next = (panel_sent_t){0};
    }
    release_panel(&sent, grid);
    return status;
}

/* ---- solutions -----------------------------------------------------------------------------------------------------
 */

int
lu_layout(const grid_t *grid, int64_t columns, layout_t *ret, err_t *err)
{
    if (columns <= FEW || grid->nengines == 1)
        return layout_single(ret, grid->engines[0], err);
    return layout_split(ret, 1, columns, 0, grid->engines, grid->nengines, err);
}

static int
emit_solve(handle_t *block, handle_t *pivots, handle_t *right, err_t *err)
{
    operand_t in[2] = {apply_object(block), {.object = pivots ? pivots->id : OID_NONE}};
    apply_output_t out = {.exists = right};
    handle_t *none;
    apply_emit_t emit = {.method = pivots ? APPLY_LU_BACKWARD : APPLY_LU_FORWARD,
                         .engine = right->engine,
                         .in = in,
                         .nin = pivots ? 2 : 1,
                         .out = &out,
                         .nout = 1,
                         .whole = right};
    return apply_emit(&emit, &none, err);
}

/* The columns go to the block. */
static int
solve_there(const grid_t *grid, int k, handle_t *block, handle_t *pivots, fh_array *right, err_t *err)
{
    handle_t **here = &right->parts[0].handle, *moved = NULL;
    int status = FH_OK;
    if ((*here)->engine != grid->engines[grid_owner(grid, k)]) {
        status = emit_transfer(*here, grid->engines[grid_owner(grid, k)], right->dtype, &right->shape, &moved, err);
        if (status)
            return status;
        handle_unref(here);
        *here = moved;
    }
    return emit_solve(block, pivots, *here, err);
}

/* The block goes to all columns. */
static int
solve_everywhere(const grid_t *grid, int k, handle_t *block, const shape_t *shape, handle_t *pivots, fh_array *right,
                 err_t *err)
{
    sent_t sent = {0}, turns = {0};
    shape_t count = {.ndim = 1, .extent = {grid_block(grid, k).length}};
    int status = sent_init(&sent, grid, k, true, block, grid->dtype, shape, err);
    if (!status && pivots)
        status = sent_init(&turns, grid, k, true, pivots, DTYPE_INT64, &count, err);
    for (int p = 0; p < right->n && !status; p++) {
        handle_t *here, *turn = NULL;
        int engine = 0;
        while (grid->engines[engine] != right->parts[p].handle->engine)
            engine++;
        if (pivots)
            status = sent_get(&turns, engine, &turn, err);
        if (!status)
            status = sent_get(&sent, engine, &here, err);
        if (!status)
            status = emit_solve(here, turn, right->parts[p].handle, err);
    }
    sent_release(&sent, grid);
    sent_release(&turns, grid);
    return status;
}

static int
solve_block(const grid_t *grid, int k, handle_t *pivots, fh_array *right, err_t *err)
{
    piece_t block = grid_block(grid, k);
    piece_t columns = pivots ? (piece_t){block.start, grid->n - block.start} : (piece_t){0, block.start + block.length};
    shape_t shape = {.ndim = 2, .extent = {block.length, columns.length}};
    handle_t *view = NULL;
    int status = grid_block_view(grid, k, columns, &view, err);
    if (!status && right->axis < 0)
        status = solve_there(grid, k, view, pivots, right, err);
    else if (!status)
        status = solve_everywhere(grid, k, view, &shape, pivots, right, err);
    handle_unref(&view);
    return status;
}

int
lu_solve(const grid_t *grid, handle_t *const *pivots, fh_array *right, err_t *err)
{
    int status = FH_OK;
    for (int k = 0; k < grid->blocks && !status; k++)
        status = solve_block(grid, k, NULL, right, err);
    for (int k = grid->blocks - 1; k >= 0 && !status; k--)
        status = solve_block(grid, k, pivots[k], right, err);
    return status;
}
