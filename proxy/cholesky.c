/* Cholesky's factor of a matrix whose rows are dealt out: a finished block of rows goes to all engines, which compute
 * with it the next columns of their own rows.  The engine of the following block does that block first, so that it is
 * on its way while everybody is still at work on the others. */
#include "proxy/cholesky.h"

static int
emit_step(apply_code_t method, handle_t *in, handle_t *out, handle_t *whole, const int64_t *integer, err_t *err)
{
    operand_t operand = {.object = in ? in->id : OID_NONE};
    apply_output_t output = {.exists = out};
    handle_t *none;
    apply_emit_t emit = {.method = method,
                         .engine = out->engine,
                         .in = &operand,
                         .nin = in != NULL,
                         .out = &output,
                         .nout = 1,
                         .integers = integer,
                         .nintegers = integer != NULL,
                         .whole = whole};
    return apply_emit(&emit, &none, err);
}

/* The factor of block k's own rows, and their way to others. */
static int
finish_block(const grid_t *grid, int k, sent_t *sent, err_t *err)
{
    piece_t block = grid_block(grid, k);
    handle_t *all = NULL, *left = NULL;
    shape_t shape = {.ndim = 2, .extent = {block.length, block.start + block.length}};
    int status = grid_block_view(grid, k, (piece_t){0, grid->n}, &all, err);
    if (!status)
        status = emit_step(APPLY_CHOLESKY_PANEL, NULL, all, grid->held[grid_owner(grid, k)], &block.start, err);
    if (!status)
        status = grid_block_view(grid, k, (piece_t){0, shape.extent[1]}, &left, err);
    if (!status)
        status = sent_init(sent, grid, k, false, left, grid->dtype, &shape, err);
    handle_unref(&left);
    handle_unref(&all);
    return status;
}

/* What block k does to rows of an engine from `first` on, up to `end`. */
static int
update(const grid_t *grid, int k, int engine, int64_t first, int64_t end, sent_t *sent, err_t *err)
{
    piece_t block = grid_block(grid, k);
    handle_t *here, *rows = NULL;
    if (first >= end)
        return FH_OK;
    int status = sent_get(sent, engine, &here, err);
    if (!status)
        status = grid_view(grid, engine, (piece_t){first, end - first}, (piece_t){0, block.start + block.length}, &rows,
                           err);
    if (!status)
        status = emit_step(APPLY_CHOLESKY_UPDATE, here, rows, grid->held[engine], NULL, err);
    handle_unref(&rows);
    return status;
}

int
cholesky_factor(const grid_t *grid, err_t *err)
{
    sent_t sent = {0}, next = {0};
    int status = finish_block(grid, 0, &sent, err);
    for (int k = 0; k < grid->blocks && !status; k++) {
        int ahead = k + 1 < grid->blocks ? grid_owner(grid, k + 1) : -1;
        if (ahead >= 0) {
            int64_t first = grid_row(grid, ahead, k + 1);
            status = update(grid, k, ahead, first, first + grid_block(grid, k + 1).length, &sent, err);
            if (!status)
                status = finish_block(grid, k + 1, &next, err);
        }
        for (int i = 0; i < grid->nengines && !status; i++)
            status = update(grid, k, i, grid_row(grid, i, i == ahead ? k + 2 : k + 1), grid->rows[i], &sent, err);
        sent_release(&sent, grid);
        sent = next;
        next = (sent_t){0};
    }
    sent_release(&sent, grid);
    return status;
}
