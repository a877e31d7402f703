/* Running results: each piece goes on from the last ones of the piece before it. */
#include "proxy/apply.h"
#include "proxy/error.h"

#include <string.h>

typedef struct {
    const fh_array *array;
    int axis;
    int64_t number; /* of the operation, codecs/accumulations.def */
    handle_t *last; /* the last results of the piece before, where they were made */
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
    handle_unref(&self->last);
    self->last = here;
    return status;
}

static int
accumulate_part(running_t *self, int i, err_t *err)
{
    handle_t *piece = self->array->parts[i].handle, *made = NULL;
    bool across = self->array->axis == self->axis;
    shape_t shape = array_part_shape(self->array, i);
    operand_t in[2] = {apply_object(piece)};
    int nin = 1;
    if (across && self->last)
        in[nin++] = apply_object(self->last);
    int status = apply_emit_one(APPLY_ACCUMULATE, in, nin, piece->engine, self->made->dtype, &shape,
                                (const int64_t[]){self->axis, self->number}, 2, &made, err);
    if (status)
        return status;
    array_put(self->made, i, made, NULL);
    return across && i + 1 < self->array->n ? hand_on(self, i, err) : FH_OK;
}

static int
run(running_t *self, const op_t *op, dtype_t wanted, err_t *err)
{
    const fh_array *array = self->array;
    layout_t layout;
    dtype_t dtype = DTYPE_NONE;
    int status = resolve(op, array->dtype, wanted, &dtype, err);
    if (!status)
        status = array_layout(array, 0, &layout, err);
    if (status)
        return status;
    status = array_new_as(&self->made, array->session, dtype, &array->shape, &layout, err);
    layout_release(&layout);
    for (int i = 0; i < array->n && !status; i++)
        status = accumulate_part(self, i, err);
    handle_unref(&self->last);
    return status;
}

int
fh_accumulate(fh_array *array, const char *name, int axis, fh_dtype dtype, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    running_t self = {.array = array};
    const op_t *op = NULL;
    int status = array_enter(array, err);
    if (!status)
        status = find(name, &op, &self.number, err);
    if (!status)
        status = shape_axis(axis, array->shape.ndim, &self.axis, err);
    if (!status)
        status = run(&self, op, (dtype_t)dtype, err);
    if (!status)
        status = session_flush(array->session, err);
    if (status) {
        fh_array_free(&self.made);
        return status;
    }
    array_settle(self.made);
    *ret = self.made;
    return FH_OK;
}
