/* Functions of matrices: of each of a stack where it lies; one matrix on one engine. */
#include "proxy/linalg.h"

#include "proxy/brought.h"
#include "proxy/error.h"
#include "proxy/sync.h"

#include <stdlib.h>
#include <string.h>

enum { INTEGERS = 2 };

typedef struct {
    const linalg_call_t *call;
    layout_t layout; /* along a dimension of the stack, or one part */
    brought_t brought[LINALG_MAX_IN];
    fh_array *made[LINALG_MAX_OUT];
} stack_t;

/* ---- where ---------------------------------------------------------------------------------------------------------
 */

/* The engines that hold an array, one entry a part, cut along the longest dimension of the stack. */
static int
recut(const fh_array *array, const shape_t *stack, layout_t *ret, err_t *err)
{
    int longest = 0;
    engine_link_t **engines = malloc((size_t)array->n * sizeof(engine_link_t *));
    if (!engines)
        return err_set(err, FH_NO_MEMORY, "no memory for %d pieces", array->n);
    for (int i = 0; i < array->n; i++)
        engines[i] = array->parts[i].handle->engine;
    for (int axis = 1; axis < stack->ndim; axis++)
        if (stack->extent[axis] > stack->extent[longest])
            longest = axis;
    int status = layout_split(ret, longest, stack->extent[longest], 0, engines, array->n, err);
    free(engines);
    return status;
}

/* The largest input that is cut along the stack leads; else the largest one is cut so; one matrix stays whole. */
static int
find_layout(stack_t *self, err_t *err)
{
    const linalg_call_t *call = self->call;
    const shape_t *stack = &call->dims.stack;
    const fh_array *leader = NULL, *largest = call->in[0];
    for (int i = 0; i < call->row->nin; i++) {
        const fh_array *array = call->in[i];
        if (array_bytes(array) > array_bytes(largest))
            largest = array;
        if (array->axis >= 0 && array->axis < array->shape.ndim - 2 &&
            (!leader || array_bytes(array) > array_bytes(leader)))
            leader = array;
    }
    if (leader)
        return array_layout(leader, stack->ndim - (leader->shape.ndim - 2), &self->layout, err);
    if (stack->ndim && largest->axis >= 0 && shape_count(stack) > 1)
        return recut(largest, stack, &self->layout, err);
    return layout_single(&self->layout, largest->parts[0].handle->engine, err);
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

/* Input i as part p needs it; ret: a reference. */
static int
bring(stack_t *self, int i, int p, handle_t **ret, err_t *err)
{
    const fh_array *array = self->call->in[i];
    const layout_t *layout = &self->layout;
    int axis = layout->axis - (self->call->dims.stack.ndim - (array->shape.ndim - 2));
    part_t part = {0};
    handle_t *whole;
    if (layout->axis >= 0 && axis >= 0 && array->shape.extent[axis] != 1) {
        int status = align_region(array, axis, layout->cuts[p], layout->engines[p], &part, err);
        *ret = part.handle;
        return status;
    }
    int status = brought_get(&self->brought[i], layout->engines[p], &whole, err);
    *ret = status ? NULL : handle_ref(whole);
    return status;
}

static int
call_part(stack_t *self, int p, err_t *err)
{
    const linalg_call_t *call = self->call;
    const linalg_t *row = call->row;
    handle_t *in[LINALG_MAX_IN] = {0}, *made[LINALG_MAX_OUT];
    operand_t operands[LINALG_MAX_IN];
    apply_output_t out[LINALG_MAX_OUT];
    shape_t shapes[LINALG_MAX_OUT];
    int64_t integers[INTEGERS + 1] = {call->code};
    int status = FH_OK;
    for (int i = 0; i < call->nintegers; i++)
        integers[i + 1] = call->integers[i];
    for (int i = 0; i < row->nin && !status; i++) {
        status = bring(self, i, p, &in[i], err);
        if (!status)
            operands[i] = apply_object(in[i]);
    }
    for (int i = 0; i < row->nout && !status; i++) {
        shapes[i] = layout_part_shape(&self->layout, &self->made[i]->shape, p);
        out[i] = (apply_output_t){.dtype = self->made[i]->dtype, .shape = &shapes[i], .of = self->made[i], .part = p};
    }
    if (!status) {
        apply_emit_t emit = {.method = APPLY_LINALG,
                             .engine = self->layout.engines[p],
                             .in = operands,
                             .nin = row->nin,
                             .out = out,
                             .nout = row->nout,
                             .integers = integers,
                             .nintegers = call->nintegers + 1,
                             .reals = call->reals,
                             .nreals = call->nreals};
        status = apply_emit(&emit, made, err);
    }
    for (int i = 0; i < row->nout && !status; i++)
        array_put(self->made[i], p, made[i], NULL);
    for (int i = 0; i < row->nin; i++)
        handle_unref(&in[i]);
    return status;
}

static int
call_parts(stack_t *self, err_t *err)
{
    const linalg_call_t *call = self->call;
    int status = find_layout(self, err);
    for (int i = 0; i < call->row->nin; i++)
        self->brought[i].array = call->in[i];
    for (int i = 0; i < call->row->nout && !status; i++) {
        shape_t shape = linalg_shape(call->row, &call->dims, i);
        if (shape_bytes(&shape, linalg_dtype(call->row, call->in[0]->dtype, i)) < 0)
            status = err_set(err, FH_OVERFLOW, "what %s gives is too large for this machine", call->row->name);
        else
            status = array_new_as(&self->made[i], call->session, linalg_dtype(call->row, call->in[0]->dtype, i), &shape,
                                  &self->layout, err);
    }
    for (int p = 0; p < self->layout.n && !status; p++)
        status = call_part(self, p, err);
    for (int i = 0; i < call->row->nout && !status; i++)
        array_settle(self->made[i]);
    return status;
}

/* ---- all of it -----------------------------------------------------------------------------------------------------
 */

static int
check(linalg_call_t *call, int nin, err_t *err)
{
    const shape_t *shapes[LINALG_MAX_IN];
    if (nin != call->row->nin || call->nintegers > INTEGERS)
        return err_set(err, FH_INVALID_ARGUMENT, "%s takes %d arrays", call->row->name, call->row->nin);
    for (int i = 0; i < nin; i++) {
        int status = array_enter(call->in[i], err);
        if (status)
            return status;
        if (call->in[i]->session != call->session)
            return err_set(err, FH_INVALID_ARGUMENT, "%s of arrays of other sessions", call->row->name);
        if (!linalg_takes(call->in[i]->dtype) || call->in[i]->dtype != call->in[0]->dtype)
            return err_set(err, FH_WRONG_TYPE, "array type %s is unsupported in linalg",
                           dtype_name(call->in[i]->dtype));
        shapes[i] = &call->in[i]->shape;
    }
    return linalg_resolve(call->row, shapes, &call->dims, err);
}

int
fh_linalg(fh_session *session, const char *name, fh_array *const *in, int nin, const fh_linalg_options *options,
          fh_array **ret, int *ret_count, fh_error *error)
{
    err_t *err = error_start(error);
    int code = linalg_find(name), status = session_enter(session, err);
    *ret_count = 0;
    if (!status && code < 0)
        status = err_set(err, FH_NO_SUCH_METHOD, "there is no function of matrices called %s", name);
    if (status)
        return status;
    linalg_call_t call = {.session = session, .code = (linalg_code_t)code, .row = linalg_at(code), .in = in};
    stack_t self = {.call = &call};
    int64_t upper = options && options->upper;
    bool done = false;
    call.integers = &upper;
    call.nintegers = 1;
    call.reals = options ? &options->rcond : NULL;
    call.nreals = options != NULL;
    status = check(&call, nin, err);
    if (!status)
        status = linalg_across(&call, self.made, &done, err);
    if (!status && !done)
        status = call_parts(&self, err);
    if (!status)
        status = session_flush(session, err);
    if (!status && call.row->waits)
        status = sync_array(self.made[0], session_deadline(session, -1), err);
    for (int i = 0; i < nin && i < LINALG_MAX_IN; i++)
        brought_release(&self.brought[i]);
    layout_release(&self.layout);
    *ret_count = status ? 0 : call.row->nout;
    for (int i = 0; i < call.row->nout; i++) {
        if (status)
            fh_array_free(&self.made[i]);
        else
            ret[i] = self.made[i];
    }
    return status;
}
