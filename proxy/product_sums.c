/* Products whose summed axis is cut: engines make parts of the result, some of its rows at a time, and add them up
 * where they belong.  In each step every engine makes the rows of another one, so that none waits for all. */
#include "proxy/align.h"
#include "proxy/product.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const product_t *product;
    int n;
    layout_t layout;   /* of the result, by its rows */
    region_t *regions; /* what comes to each piece of the operand that stays */
    part_t *guests;
    handle_t **moving; /* rows on their way to each engine */
    const engine_link_t **from;
    fh_array **sums;
} summing_t;

static shape_t
rows_shape(const summing_t *self, int to)
{
    shape_t shape = self->product->shape;
    shape.extent[shape.ndim - 2] = self->layout.cuts[to].length;
    return shape;
}

/* Rows `to` of the first operand, of its part that meets piece i. */
static int
view_rows(const summing_t *self, int i, int to, handle_t **ret, err_t *err)
{
    const product_t *product = self->product;
    const fh_array *host = product->in[product->stays], *a = product->in[0];
    handle_t *source = host->parts[i].handle;
    nd_t nd;
    if (product->stays == 0) {
        nd = array_part_nd(host, i);
    } else {
        nd = (nd_t){.data = ARRAY_BASE, .dtype = a->dtype, .shape = a->shape};
        nd.shape.extent[nd.shape.ndim - 1] = host->cuts[i].length;
        memcpy(nd.stride, self->guests[i].stride, sizeof nd.stride);
        source = self->guests[i].handle;
    }
    int rows = nd.shape.ndim - 2;
    nd.data += self->layout.cuts[to].start * nd.stride[rows];
    nd.shape.extent[rows] = self->layout.cuts[to].length;
    return emit_view(source, &nd, ret, err);
}

/* Piece i's share of rows `to`, and let it go there. */
static int
make_rows(summing_t *self, int i, int to, err_t *err)
{
    const product_t *product = self->product;
    handle_t *mine = product->in[product->stays]->parts[i].handle, *rows = NULL, *share = NULL;
    engine_link_t *engine = mine->engine, *there = self->layout.engines[to];
    shape_t shape = rows_shape(self, to);
    const int64_t anew = 0;
    int status = view_rows(self, i, to, &rows, err);
    if (status)
        return status;
    operand_t in[2] = {apply_object(rows), apply_object(product->stays ? mine : self->guests[i].handle)};
    status = apply_emit_one(APPLY_MATMUL, in, 2, engine, product->dtype, &shape, &anew, 1, &share, err);
    handle_unref(&rows);
    if (!status && engine == there)
        self->moving[to] = handle_ref(share);
    else if (!status)
        status = emit_send(share, there, product->dtype, &shape, &self->moving[to], err);
    if (!status && engine != there)
        self->from[to] = engine;
    handle_unref(&share);
    engine_link_add_releases(engine);
    return status;
}

static int
take_rows(summing_t *self, int to, err_t *err)
{
    const product_t *product = self->product;
    const engine_link_t *from = self->from[to];
    fh_array *share = NULL, *added = NULL;
    shape_t shape = rows_shape(self, to);
    self->from[to] = NULL;
    int status = from ? emit_expect(&self->moving[to], from, product->dtype, &shape, err) : FH_OK;
    if (!status)
        status = array_new(&share, product->session, product->dtype, &shape, -1, 1, err);
    if (status)
        return status;
    array_put(share, 0, self->moving[to], NULL);
    self->moving[to] = NULL;
    if (!self->sums[to]) {
        self->sums[to] = share;
        return FH_OK;
    }
    fh_operand in[] = {{.kind = FH_ARRAY, .array = self->sums[to]}, {.kind = FH_ARRAY, .array = share}};
    status = fh_ufunc(product->session, "add", in, 2, NULL, &added, (fh_error *)err);
    fh_array_free(&share);
    if (status)
        return status;
    fh_array_free(&self->sums[to]);
    self->sums[to] = added;
    return FH_OK;
}

/* What each piece of the operand that stays meets: that range of the summed axis of the other one. */
static int
bring_guests(summing_t *self, err_t *err)
{
    const product_t *product = self->product;
    const fh_array *host = product->in[product->stays], *guest = product->in[!product->stays];
    int axis = guest->shape.ndim - (product->stays ? 1 : 2), status = FH_OK;
    for (int i = 0; i < self->n && !status; i++)
        status = region_init(&self->regions[i], guest, axis, host->cuts[i], host->parts[i].handle->engine, err);
    for (int i = 0; i < self->n && !status; i++)
        status = region_receive(&self->regions[i], &self->guests[i], err);
    return status;
}

static int
add_up(summing_t *self, err_t *err)
{
    int n = self->n, status = bring_guests(self, err);
    for (int step = 0; step < n && !status; step++) {
        for (int i = 0; i < n && !status; i++)
            status = make_rows(self, i, (i + step) % n, err);
        for (int to = 0; to < n && !status; to++)
            status = take_rows(self, to, err);
    }
    return status;
}

static void
release(summing_t *self)
{
    for (int i = 0; i < self->n && self->regions && self->guests && self->moving && self->from && self->sums; i++) {
        shape_t shape = rows_shape(self, i);
        if (self->from[i]) /* what was sent must be taken */
            emit_expect(&self->moving[i], self->from[i], self->product->dtype, &shape, NULL);
        handle_unref(&self->moving[i]);
        region_release(&self->regions[i]);
        handle_unref(&self->guests[i].handle);
        fh_array_free(&self->sums[i]);
    }
    free(self->regions);
    free(self->guests);
    free(self->moving);
    free(self->from);
    free(self->sums);
    layout_release(&self->layout);
}

int
product_sums(const product_t *product, fh_array **ret, err_t *err)
{
    int n = product->in[product->stays]->n, rows = product->shape.ndim - 2;
    size_t room = (size_t)n;
    summing_t self = {.product = product, .n = n};
    fh_array *made = NULL;
    int status = layout_split(&self.layout, rows, product->shape.extent[rows], 0, product->layout.engines, n, err);
    if (status)
        return status;
    self.regions = calloc(room, sizeof *self.regions);
    self.guests = calloc(room, sizeof *self.guests);
    self.moving = calloc(room, sizeof *self.moving);
    self.from = calloc(room, sizeof *self.from);
    self.sums = calloc(room, sizeof *self.sums);
    if (!self.regions || !self.guests || !self.moving || !self.from || !self.sums)
        status = err_set(err, FH_NO_MEMORY, "no memory to add up %d products", n);
    if (!status)
        status = add_up(&self, err);
    if (!status)
        status = array_new_as(&made, product->session, product->dtype, &product->shape, &self.layout, err);
    for (int i = 0; i < n && !status; i++) {
        handle_t *sum = handle_ref(self.sums[i]->parts[0].handle);
        status = emit_lay_part(made, i, &sum, err);
        if (!status)
            array_put(made, i, sum, NULL);
        else
            handle_unref(&sum);
    }
    if (!status)
        array_settle(made);
    release(&self);
    *ret = made;
    return status;
}
