#include "proxy/grid.h"

#include "proxy/align.h"

#include <stdlib.h>

enum {
    BLOCKS_EACH = 8, /* of an engine, if none is too small or too large */
    SIZE_LEAST = 64,
    SIZE_MOST = 256,
    SIZE_STEP = 16,
};

piece_t
grid_block(const grid_t *self, int k)
{
    int64_t start = k * self->size, left = self->n - start;
    return (piece_t){start, left < self->size ? left : self->size};
}

int
grid_owner(const grid_t *self, int k)
{
    return k % self->nengines;
}

int64_t
grid_row(const grid_t *self, int engine, int k)
{
    int64_t before = k <= engine ? 0 : (k - engine + self->nengines - 1) / self->nengines;
    int64_t row = before * self->size;
    return row < self->rows[engine] ? row : self->rows[engine];
}

static shape_t
rectangle(int64_t rows, int64_t columns)
{
    return (shape_t){.ndim = 2, .extent = {rows, columns}};
}

int
grid_view(const grid_t *self, int engine, piece_t rows, piece_t columns, handle_t **ret, err_t *err)
{
    shape_t whole = rectangle(self->rows[engine], self->n);
    nd_t nd;
    nd_init(&nd, ARRAY_BASE, self->dtype, &whole);
    nd.data += rows.start * nd.stride[0] + columns.start * nd.stride[1];
    nd.shape = rectangle(rows.length, columns.length);
    return emit_view(self->held[engine], &nd, ret, err);
}

int
grid_block_view(const grid_t *self, int k, piece_t columns, handle_t **ret, err_t *err)
{
    int engine = grid_owner(self, k);
    return grid_view(self, engine, (piece_t){grid_row(self, engine, k), grid_block(self, k).length}, columns, ret, err);
}

int
grid_diagonal(const grid_t *self, int k, handle_t **ret, int64_t *ret_stride, err_t *err)
{
    int engine = grid_owner(self, k);
    piece_t block = grid_block(self, k);
    shape_t whole = rectangle(self->rows[engine], self->n);
    nd_t nd;
    nd_init(&nd, ARRAY_BASE, self->dtype, &whole);
    nd.data += grid_row(self, engine, k) * nd.stride[0] + block.start * nd.stride[1];
    nd.shape = (shape_t){.ndim = 1, .extent = {block.length}};
    nd.stride[0] += nd.stride[1];
    *ret_stride = nd.stride[0];
    return emit_view(self->held[engine], &nd, ret, err);
}

/* ---- making it -----------------------------------------------------------------------------------------------------
 */

/* The engines of the matrix, each once. */
static int
find_engines(grid_t *self, const fh_array *matrix, err_t *err)
{
    self->engines = calloc((size_t)matrix->n, sizeof(engine_link_t *));
    self->held = calloc((size_t)matrix->n, sizeof(handle_t *));
    self->rows = calloc((size_t)matrix->n, sizeof *self->rows);
    if (!self->engines || !self->held || !self->rows)
        return err_set(err, FH_NO_MEMORY, "no memory to deal out a matrix of %d pieces", matrix->n);
    for (int i = 0; i < matrix->n; i++) {
        engine_link_t *engine = matrix->parts[i].handle->engine;
        int k = 0;
        while (k < self->nengines && self->engines[k] != engine)
            k++;
        self->engines[k] = engine;
        self->nengines += k == self->nengines;
    }
    return FH_OK;
}

static int
make_rows(grid_t *self, err_t *err)
{
    int64_t size = self->n / ((int64_t)self->nengines * BLOCKS_EACH) / SIZE_STEP * SIZE_STEP;
    self->size = size < SIZE_LEAST ? SIZE_LEAST : size > SIZE_MOST ? SIZE_MOST : size;
    self->blocks = (int)((self->n + self->size - 1) / self->size);
    for (int k = 0; k < self->blocks; k++)
        self->rows[grid_owner(self, k)] += grid_block(self, k).length;
    int status = FH_OK;
    for (int i = 0; i < self->nengines && !status; i++) {
        shape_t shape = rectangle(self->rows[i], self->n);
        status = emit_empty(self->engines[i], self->dtype, &shape, NULL, &self->held[i], err);
    }
    return status;
}

static int
begin_block(const grid_t *self, const fh_array *matrix, int k, bool lower, fh_array **seen, region_t *region,
            err_t *err)
{
    piece_t rows = grid_block(self, k);
    const fh_index_item items[2] = {
        {.kind = FH_INDEX_SLICE, .start = rows.start, .stop = rows.start + rows.length, .has_start = 1, .has_stop = 1},
        {.kind = FH_INDEX_SLICE, .stop = lower ? rows.start + rows.length : self->n, .has_stop = 1}};
    int status = fh_index((fh_array *)(uintptr_t)matrix, items, 2, seen, (fh_error *)err);
    return status ? status : region_init(region, *seen, -1, (piece_t){0}, self->engines[grid_owner(self, k)], err);
}

static int
end_block(const grid_t *self, int k, const fh_array *seen, region_t *region, err_t *err)
{
    part_t part = {0};
    handle_t *slot = NULL;
    int status = region_receive(region, &part, err);
    if (!status)
        status = grid_block_view(self, k, (piece_t){0, seen->shape.extent[1]}, &slot, err);
    if (!status) {
        operand_t operand = apply_object(part.handle);
        status = emit_assign(slot, &operand, self->held[grid_owner(self, k)], err);
    }
    handle_unref(&slot);
    handle_unref(&part.handle);
    return status;
}

static int
deal(grid_t *self, const fh_array *matrix, bool lower, err_t *err)
{
    fh_array **seen = calloc((size_t)self->blocks, sizeof(fh_array *));
    region_t *regions = calloc((size_t)self->blocks, sizeof *regions);
    int status = seen && regions ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for %d blocks", self->blocks);
    for (int k = 0; k < self->blocks && !status; k++)
        status = begin_block(self, matrix, k, lower, &seen[k], &regions[k], err);
    for (int k = 0; k < self->blocks && !status; k++)
        status = end_block(self, k, seen[k], &regions[k], err);
    for (int k = 0; seen && regions && k < self->blocks; k++) {
        region_release(&regions[k]);
        fh_array_free(&seen[k]);
    }
    free(regions);
    free(seen);
    return status;
}

int
grid_init(grid_t *self, const fh_array *matrix, bool lower, err_t *err)
{
    *self = (grid_t){.session = matrix->session, .dtype = matrix->dtype, .n = matrix->shape.extent[0]};
    int status = find_engines(self, matrix, err);
    if (!status)
        status = make_rows(self, err);
    if (!status)
        status = deal(self, matrix, lower, err);
    if (status)
        grid_release(self);
    return status;
}

void
grid_release(grid_t *self)
{
    for (int i = 0; self->held && i < self->nengines; i++)
        handle_unref(&self->held[i]);
    free(self->engines);
    free(self->held);
    free(self->rows);
    *self = (grid_t){0};
}

int
grid_array(const grid_t *self, fh_array **ret, err_t *err)
{
    shape_t shape = rectangle(self->n, self->n);
    fh_array *made = NULL;
    int status = array_new(&made, self->session, self->dtype, &shape, 0, self->blocks, err);
    for (int k = 0; k < self->blocks && !status; k++) {
        handle_t *view = NULL;
        status = grid_block_view(self, k, (piece_t){0, self->n}, &view, err);
        made->cuts[k] = grid_block(self, k);
        if (!status)
            array_put(made, k, view, NULL);
    }
    return array_give(made, status, ret);
}

/* ---- blocks that others get ----------------------------------------------------------------------------------------
 */

int
sent_init(sent_t *self, const grid_t *grid, int k, bool all, handle_t *source, dtype_t dtype, const shape_t *shape,
          err_t *err)
{
    int status = FH_OK;
    *self = (sent_t){.from = source->engine, .dtype = dtype, .shape = *shape};
    self->there = calloc((size_t)grid->nengines, sizeof(handle_t *));
    self->expected = calloc((size_t)grid->nengines, sizeof *self->expected);
    if (!self->there || !self->expected)
        status = err_set(err, FH_NO_MEMORY, "no memory to send a block to %d engines", grid->nengines);
    for (int i = 0; i < grid->nengines && !status; i++) {
        bool wanted = all || grid_row(grid, i, k + 1) < grid->rows[i];
        if (grid->engines[i] == source->engine)
            self->there[i] = handle_ref(source), self->expected[i] = true;
        else if (wanted)
            status = emit_send(source, grid->engines[i], dtype, shape, &self->there[i], err);
    }
    if (status)
        sent_release(self, grid);
    return status;
}

int
sent_get(sent_t *self, int engine, handle_t **ret, err_t *err)
{
    int status = FH_OK;
    if (!self->expected[engine])
        status = emit_expect(&self->there[engine], self->from, self->dtype, &self->shape, err);
    self->expected[engine] = true;
    *ret = self->there[engine];
    return status;
}

void
sent_release(sent_t *self, const grid_t *grid)
{
    for (int i = 0; self->there && self->expected && i < grid->nengines; i++) {
        if (self->there[i] && !self->expected[i]) /* what was sent must be expected, whether it is wanted or not */
            emit_expect(&self->there[i], self->from, self->dtype, &self->shape, NULL);
        handle_unref(&self->there[i]);
    }
    free(self->there);
    free(self->expected);
    *self = (sent_t){0};
}
