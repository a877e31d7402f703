/* Reductions of what an expression computes. */
#include "engine/compute/expression_blocks.h"
#include "engine/compute/expression_strips.h"

#include <string.h>

typedef struct {
    const expression_t *self;
    int value;
    expression_strips_t load, fold;
    const fold_t *made_for; /* what the second one folds for; NULL: there is none */
} load_t;

/* Values of n elements, block by block. */
static void
load_blocks(const load_t *load, char *const *data, const int64_t *step, int64_t n, char *items)
{
    const expression_t *self = load->self;
    char *direct[EXPRESSION_VALUES], *at[EXPRESSION_INPUTS];
    int64_t item = (int64_t)dtype_size((dtype_t)self->dtype[load->value]);
    expression_room_t room;
    memset(direct, 0, sizeof direct);
    memcpy(at, data, (size_t)self->narrays * sizeof at[0]);
    for (int64_t now; n > 0; n -= now, items += now * item) {
        now = n < EXPRESSION_BLOCK ? n : EXPRESSION_BLOCK;
        direct[load->value] = items;
        expression_block(self, at, step, now, direct, self->flags, &room);
        for (int k = 0; k < self->narrays; k++)
            at[k] += now * step[k];
    }
}

static void
move_on(const expression_t *self, char *const *data, const int64_t *step, int64_t n, char **ret)
{
    for (int k = 0; k < self->narrays; k++)
        ret[k] = data[k] + n * step[k];
}

static void
load_row(const void *context, char *const *data, const int64_t *step, int64_t n, char *items)
{
    const load_t *load = context;
    const expression_t *self = load->self;
    int64_t done = expression_strips_run(&load->load, self, data, step, n, &items);
    char *rest[EXPRESSION_INPUTS];
    move_on(self, data, step, done, rest);
    load_blocks(load, rest, step, n - done, items + done * (int64_t)dtype_size((dtype_t)self->dtype[load->value]));
}

/* Leaves, in their order. */
static void
fold_leaves(const load_t *load, const fold_t *fold, char *const *data, const int64_t *step, int64_t n, void *ret)
{
    const expression_t *self = load->self;
    _Alignas(64) char nodes[FOLD_SPAN / STRIP * sizeof(double)], items[STRIP * FOLD_ELEMENT_MAX];
    char *rest[EXPRESSION_INPUTS], *leaves = nodes;
    int64_t item = (int64_t)dtype_size((dtype_t)fold->item);
    int64_t done = expression_strips_run(&load->fold, self, data, step, n, &leaves), count = done / STRIP;
    if (done < n) {
        move_on(self, data, step, done, rest);
        load_blocks(load, rest, step, n - done, items);
        fold->row(nodes + count * item, items, item, n - done);
        count++;
    }
    fold->nodes(nodes, count);
    memcpy(ret, nodes, (size_t)item);
}

/* Values as they are folded: the next n, at most STRIP. */
static void
load_items(const load_t *load, const fold_t *fold, char *const *data, const int64_t *step, int64_t n, char *items)
{
    _Alignas(64) char values[STRIP * FOLD_ELEMENT_MAX];
    dtype_t dtype = (dtype_t)load->self->dtype[load->value], item = (dtype_t)fold->item;
    load_blocks(load, data, step, n, values);
    cast_find(dtype, item)((char *[]){values, items},
                           (const int64_t[]){(int64_t)dtype_size(dtype), (int64_t)dtype_size(item)}, n);
}

/* Where no order counts: strip by strip into the elements of the first one. */
static void
fold_strips(const load_t *load, const fold_t *fold, char *const *data, const int64_t *step, int64_t n, void *ret)
{
    const expression_t *self = load->self;
    _Alignas(64) char items[STRIP * sizeof(int64_t)], more[sizeof(int64_t)];
    char *rest[EXPRESSION_INPUTS], *joined = items;
    int64_t item = (int64_t)dtype_size((dtype_t)fold->item), done = STRIP;
    load_items(load, fold, data, step, STRIP, items);
    move_on(self, data, step, done, rest);
    done += expression_strips_run(&load->fold, self, rest, step, n - done, &joined);
    fold->row(ret, items, item, STRIP);
    if (done < n) {
        move_on(self, data, step, done, rest);
        load_items(load, fold, rest, step, n - done, items);
        fold->row(more, items, item, n - done);
        fold->merge(ret, more, 1);
    }
}

static bool
fold_row(const void *context, const fold_t *fold, char *const *data, const int64_t *step, int64_t n, void *ret)
{
    const load_t *load = context;
    if (fold != load->made_for || n < 2 * STRIP || n > FOLD_SPAN || load->fold.program.n == 0)
        return false;
    if (fold->nodes != NULL)
        fold_leaves(load, fold, data, step, n, ret);
    else
        fold_strips(load, fold, data, step, n, ret);
    return true;
}

int
expression_reduce(crew_t *crew, expression_t *self, int value, reduce_t reduce, uint32_t axes,
                  const reduce_piece_t *piece, const nd_t *out, err_t *err)
{
    if (value < EXPRESSION_INPUTS || value >= EXPRESSION_VALUES || self->dtype[value] == DTYPE_NONE)
        return err_set(err, FH_INVALID_ARGUMENT, "value %d of the expression is not there", value);
    expression_place(self, &value, 1);
    load_t load;
    load.self = self;
    load.value = value;
    load.load.program.n = load.fold.program.n = 0;
    load.load.code = load.fold.code = NULL;
    load.made_for = NULL;
    if (self->flags == NULL && shape_count(&self->shape) >= EXPRESSION_WORTH_STRIPS) {
        expression_strips_store(&load.load, self, &value, 1, false);
        load.made_for = fold_find(reduce, out->dtype);
        if (load.made_for != NULL)
            expression_strips_fold(&load.fold, self, value, reduce, load.made_for);
        expression_strips_compile(load.fold.program.n > 0 ? &load.fold : &load.load, self, shape_count(&self->shape));
    }
    reduce_source_t source = {.operands = self->narrays,
                              .dtype = (dtype_t)self->dtype[value],
                              .load = load_row,
                              .row = fold_row,
                              .context = &load};
    memcpy(source.in, self->array, sizeof source.in);
    int status = reduce_run(crew, reduce, &source, axes, piece, out, err);
    expression_strips_release(&load.load);
    expression_strips_release(&load.fold);
    return status;
}
