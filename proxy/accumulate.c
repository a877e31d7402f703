/* Running results: each piece goes on from the last ones of the piece before it.  Of integers these follow from the
 * pieces' totals, which all engines find at once. */
#include "proxy/align.h"
#include "proxy/apply.h"
#include "proxy/error.h"

#include <stdlib.h>
#include <string.h>

enum {
    TOTALS_BYTES = 1 << 20, /* pieces of less go on one after the other: their totals would take longer */
    TOTALS_PART = 16,       /* so much less than the array have totals that are worth it */
};

typedef struct {
    const fh_array *array;
    const op_t *op;
    int axis;
    int64_t number;   /* of the operation, codecs/accumulations.def */
    handle_t **start; /* what goes before each piece, on its engine; NULL: nothing */
    fh_array *made;
} running_t;

static const int OPS[] = {
#define ACCUMULATION(number, OP) [number] = OP_##OP,
#include "codecs/accumulations.def"
#undef ACCUMULATION
};

static int
find(const char *name, const op_t **ret, int64_t *ret_number, err_t *err)
{
    const op_t *op = op_find(name, strlen(name));
    for (int i = 0; op && i < (int)(sizeof OPS / sizeof *OPS); i++) {
        if (OPS[i] != op->code)
            continue;
        *ret = op;
        *ret_number = i;
        return FH_OK;
    }
    return err_set(err, FH_NOT_SUPPORTED, "running results of %.64s are not built yet", name);
}

/* NumPy's dtype: sums and products of small integers widen. */
static int
resolve(const op_t *op, dtype_t input, dtype_t wanted, dtype_t *ret, err_t *err)
{
    op_loop_t loop;
    const op_input_t inputs[2] = {{.dtype = input}, {.dtype = input}};
    if (op->code == OP_ADD || op->code == OP_MULTIPLY)
        return reduce_resolve((reduce_t)op->reduce, input, wanted, ret, err);
    int status = op_resolve(op, inputs, wanted, CASTING_UNSAFE, &loop, err);
    if (!status)
        *ret = wanted ? wanted : loop.out[0];
    return status;
}

/* The last results of a piece, on the engine of the next. */
static int
hand_on(running_t *self, int i, err_t *err)
{
    nd_t nd = array_part_nd(self->made, i);
    handle_t *view = NULL, *here = NULL;
    engine_link_t *to = self->array->parts[i + 1].handle->engine;
    int64_t extent = nd.shape.extent[self->axis];
    nd.data += (extent - 1) * nd.stride[self->axis];
    nd.shape.extent[self->axis] = 1;
    int status = emit_view(self->made->parts[i].handle, &nd, &view, err);
    if (!status && view->engine != to)
        status = emit_transfer(view, to, nd.dtype, &nd.shape, &here, err);
    else if (!status)
        here = handle_ref(view);
    handle_unref(&view);
    self->start[i + 1] = here;
    return status;
}

static int
accumulate_part(running_t *self, int i, err_t *err)
{
    handle_t *piece = self->array->parts[i].handle;
    operand_t in[2] = {apply_object(piece)};
    int nin = 1;
    if (self->start[i])
        in[nin++] = apply_object(self->start[i]);
    return apply_emit_part(APPLY_ACCUMULATE, in, nin, piece->engine, self->made, i,
                           (const int64_t[]){self->axis, self->number}, 2, err);
}

/* One piece after the other. */
static int
accumulate_in_turn(running_t *self, err_t *err)
{
    bool across = self->array->axis == self->axis;
    int n = self->array->n, status = FH_OK;
    for (int i = 0; i < n && !status; i++) {
        status = accumulate_part(self, i, err);
        if (!status && across && i + 1 < n)
            status = hand_on(self, i, err);
    }
    return status;
}

/* ---- totals first --------------------------------------------------------------------------------------------------
 */

/* Do totals give the bits that going on would?  Sums and products of integers wrap whatever the order. */
static bool
totals_are_exact(const running_t *self)
{
    dtype_t from = self->array->dtype, to = self->made->dtype;
    if (self->op->reduce < 0 || !strchr("biu", dtype_kind(from)))
        return false;
    if (self->op->code == OP_ADD || self->op->code == OP_MULTIPLY)
        return dtype_kind(to) == 'i' || dtype_kind(to) == 'u';
    return from == to || to == DTYPE_BOOL;
}

static bool
totals_are_worth_it(const running_t *self)
{
    const fh_array *array = self->array;
    if (array->axis != self->axis || array->n < 2 || array->shape.ndim == SHAPE_MAX_DIMS ||
        array_bytes(array) / array->n < TOTALS_BYTES)
        return false;
    return array->shape.extent[self->axis] / TOTALS_PART >= array->n && totals_are_exact(self);
}

/* The totals of all pieces but the last under each other, on the first engine. */
static int
find_totals(const running_t *self, const shape_t *shape, handle_t **ret, err_t *err)
{
    const fh_array *array = self->array;
    int n = array->n - 1, status = FH_OK;
    handle_t **totals = calloc((size_t)n, sizeof *totals);
    if (!totals)
        return err_set(err, FH_NO_MEMORY, "no memory for the totals of %d pieces", n);
    for (int i = 0; i < n && !status; i++)
        status = emit_reduce(array->parts[i].handle, (reduce_t)self->op->reduce, UINT32_C(1) << self->axis, true,
                             self->made->dtype, 0, shape, &totals[i], err);
    if (!status)
        status = align_stack(array->parts[0].handle->engine, self->made->dtype, totals, shape, n, ret, err);
    for (int i = 0; i < n; i++)
        handle_unref(&totals[i]);
    free(totals);
    return status;
}

/* Row i of the totals' running results to the piece behind it. */
static int
send_start(running_t *self, handle_t *running, const nd_t *rows, int i, err_t *err)
{
    handle_t *view = NULL;
    engine_link_t *to = self->array->parts[i + 1].handle->engine;
    nd_t nd = *rows;
    nd.data += i * rows->stride[0];
    nd.shape.ndim--;
    memmove(nd.shape.extent, rows->shape.extent + 1, (size_t)nd.shape.ndim * sizeof *nd.shape.extent);
    memmove(nd.stride, rows->stride + 1, (size_t)nd.shape.ndim * sizeof *nd.stride);
    int status = emit_view(running, &nd, &view, err);
    if (!status && view->engine != to)
        status = emit_transfer(view, to, nd.dtype, &nd.shape, &self->start[i + 1], err);
    else if (!status)
        self->start[i + 1] = handle_ref(view);
    handle_unref(&view);
    return status;
}

static int
accumulate_by_totals(running_t *self, err_t *err)
{
    handle_t *totals = NULL, *running = NULL;
    nd_t rows;
    int n = self->array->n;
    shape_t shape = self->array->shape, all = {.ndim = shape.ndim + 1, .extent = {n - 1}};
    shape.extent[self->axis] = 1;
    memcpy(all.extent + 1, shape.extent, (size_t)shape.ndim * sizeof *shape.extent);
    int status = find_totals(self, &shape, &totals, err);
    if (!status) {
        operand_t in = apply_object(totals);
        status = apply_emit_one(APPLY_ACCUMULATE, &in, 1, totals->engine, self->made->dtype, &all,
                                (const int64_t[]){0, self->number}, 2, &running, err);
    }
    nd_init(&rows, ARRAY_BASE, self->made->dtype, &all);
    for (int i = 0; i + 1 < n && !status; i++)
        status = send_start(self, running, &rows, i, err);
    for (int i = 0; i < n && !status; i++)
        status = accumulate_part(self, i, err);
    handle_unref(&totals);
    handle_unref(&running);
    return status;
}

/* ---- all -----------------------------------------------------------------------------------------------------------
 */

static int
run(running_t *self, dtype_t wanted, err_t *err)
{
    const fh_array *array = self->array;
    layout_t layout;
    dtype_t dtype = DTYPE_NONE;
    int status = resolve(self->op, array->dtype, wanted, &dtype, err);
    if (!status)
        status = array_layout(array, 0, &layout, err);
    if (status)
        return status;
    status = array_new_as(&self->made, array->session, dtype, &array->shape, &layout, err);
    layout_release(&layout);
    self->start = calloc((size_t)array->n, sizeof(handle_t *));
    if (!status && !self->start)
        status = err_set(err, FH_NO_MEMORY, "no memory for running results of %d pieces", array->n);
    if (!status)
        status = totals_are_worth_it(self) ? accumulate_by_totals(self, err) : accumulate_in_turn(self, err);
    for (int i = 0; self->start && i < array->n; i++)
        handle_unref(&self->start[i]);
    free(self->start);
    return status;
}

int
fh_accumulate(fh_array *array, const char *name, int axis, fh_dtype dtype, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    running_t self = {.array = array};
    int status = array_enter(array, err);
    if (!status)
        status = find(name, &self.op, &self.number, err);
    if (!status)
        status = shape_axis(axis, array->shape.ndim, &self.axis, err);
    if (!status)
        status = run(&self, (dtype_t)dtype, err);
    return array_finish(self.made, status, ret, err);
}
