/* Elementwise operations: one UFUNC for each part of the result. */
#include "proxy/ufunc.h"

#include "codecs/dtype_fields.h"
#include "proxy/compare.h"
#include "proxy/error.h"
#include "proxy/placing.h"
#include "proxy/tail.h"

#include <string.h>

static int
check_out(const ufunc_t *self, int k, err_t *err)
{
    const fh_array *out = self->out[k];
    char want[256], have[256];
    if (!shape_equal(&out->shape, &self->shape))
        return err_set(err, FH_INVALID_ARGUMENT, "out has shape %s, but the result has %s",
                       shape_format(&out->shape, have, sizeof have), shape_format(&self->shape, want, sizeof want));
    if (!dtype_can_cast(self->loop.out[k], out->dtype, self->casting))
        return err_set(err, FH_WRONG_TYPE, "cannot cast the output of %s from %s to %s with this casting rule",
                       self->op->name, dtype_name(self->loop.out[k]), dtype_name(out->dtype));
    return FH_OK;
}

static int
take_outs(ufunc_t *self, const fh_ufunc_options *options, err_t *err)
{
    for (int k = 0; k < self->op->nout && options->out; k++) {
        self->out[k] = options->out[k];
        int status = self->out[k] ? array_enter(self->out[k], err) : FH_OK;
        if (status)
            return status;
    }
    if (!options->where)
        return FH_OK;
    int status = array_enter(options->where, err);
    if (status)
        return status;
    if (options->where->dtype != DTYPE_BOOL)
        return err_set(err, FH_WRONG_TYPE, "where has dtype %s, but must be bool", dtype_name(options->where->dtype));
    input_init_array(&self->where, options->where);
    self->has_where = true;
    return FH_OK;
}

/* Which loop, and the weak scalars in its dtypes. */
static int
resolve(ufunc_t *self, const fh_ufunc_options *options, err_t *err)
{
    op_input_t inputs[OP_MAX_IN];
    self->casting = options->casting_given ? (casting_t)options->casting : CASTING_SAME_KIND;
    for (int i = 0; i < self->nin; i++)
        inputs[i] = (op_input_t){self->in[i].dtype, self->in[i].weak};
    int status = op_resolve(self->op, inputs, (dtype_t)options->dtype, self->casting, &self->loop, err);
    if (!status)
        compare_replace(self);
    for (int i = 0; i < self->nin && !status; i++)
        status = input_settle(&self->in[i], self->loop.in[i], err);
    return status;
}

/* Elements that are not numbers: results are new, everywhere. */
static int
check_others(const ufunc_t *self, err_t *err)
{
    dtype_t dtype = self->loop.in[self->nin - 1];
    bool plain = !self->has_where;
    for (int k = 0; k < self->op->nout; k++)
        plain = plain && !self->out[k];
    if (plain || dtype_valid((uint64_t)dtype))
        return FH_OK;
    return err_set(err, FH_NOT_SUPPORTED, "%s of %s takes no out and no where", self->op->name, dtype_name(dtype));
}

static int
find_shape(ufunc_t *self, err_t *err)
{
    const shape_t *shapes[OP_MAX_IN + OP_MAX_OUT + 1];
    int n = 0;
    for (int i = 0; i < self->nin; i++)
        shapes[n++] = &self->in[i].shape;
    for (int k = 0; k < self->op->nout; k++)
        if (self->out[k])
            shapes[n++] = &self->out[k]->shape;
    if (self->has_where)
        shapes[n++] = &self->where.shape;
    int status = shape_broadcast(shapes, n, &self->shape, err);
    for (int k = 0; k < self->op->nout && !status; k++)
        if (self->out[k])
            status = check_out(self, k, err);
    shape_t inputs = self->shape;
    if (!status && n > self->nin)
        status = shape_broadcast(shapes, self->nin, &inputs, err);
    self->widened = !shape_equal(&inputs, &self->shape);
    return status;
}

/* The given outputs must agree in their layout; those that do not are written afterwards, from a new array. */
static int
find_layout(ufunc_t *self, err_t *err)
{
    const fh_array *fixed = NULL;
    for (int k = 0; k < self->op->nout && !fixed; k++)
        fixed = self->out[k];
    int status = inputs_layout(self->session, self->in, self->nin, &self->shape, fixed, &self->layout, err);
    for (int k = 1; k < self->op->nout && !status; k++) {
        layout_t other;
        if (!self->out[k] || self->out[k] == fixed)
            continue;
        status = array_layout(self->out[k], 0, &other, err);
        if (status)
            return status;
        if (!layout_equal(&self->layout, &other)) {
            self->later[k] = self->out[k];
            self->out[k] = NULL;
        }
        layout_release(&other);
    }
    return status;
}

static int
align(ufunc_t *self, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->nin + self->has_where && !status; i++) {
        input_t *input = i < self->nin ? &self->in[i] : &self->where;
        status = input_align(input, self->session, &self->shape, &self->layout, err);
        for (int k = 0; k < self->op->nout && !status; k++)
            if (self->out[k])
                status = input_shield(input, &self->shape, &self->layout, self->out[k], err);
    }
    return status;
}

/* The message for part i; new results get handles in self->made. */
static int
emit_part(ufunc_t *self, int i, err_t *err)
{
    operand_t operands[OP_MAX_IN];
    oid_t results[OP_MAX_OUT];
    handle_t *handles[OP_MAX_OUT] = {0};
    tail_memory_t memory = {.where = OID_NONE, .odd = self->widened};
    engine_link_t *engine = self->layout.engines[i];
    shape_t part = layout_part_shape(&self->layout, &self->shape, i);
    message_t message = {.code = MSG_UFUNC};
    msg_UFUNC_t *ufunc = &message.as.UFUNC;
    int status = FH_OK;
    ufunc->op = str_of(self->op->name);
    ufunc->watch = self->session->watch;
    ufunc->first = layout_first(&self->layout, &self->shape, i);
    for (int k = 0; k < self->nin; k++) {
        operands[k] = input_operand(&self->in[k], i);
        memory.in[k] = self->in[k].constant ? OID_NONE : self->in[k].parts[i].handle->root;
        ufunc->loop_in |= (uint64_t)dtype_code(dtype_wire(self->loop.in[k])) << 8 * k;
    }
    for (int k = 0; k < self->op->nout && !status; k++) {
        ufunc->loop_out |= (uint64_t)dtype_code(dtype_wire(self->loop.out[k])) << 8 * k;
        if (self->out[k]) {
            ufunc->outs |= UINT64_C(1) << k;
            results[k] = self->out[k]->parts[i].handle->id;
            memory.out[k] = self->out[k]->parts[i].handle->root;
            memory.odd |= self->out[k]->dtype != self->loop.out[k];
            continue;
        }
        status = handle_new(&handles[k], engine, OID_NONE, shape_bytes(&part, self->loop.out[k]), err);
        results[k] = status ? OID_NONE : handles[k]->id;
        if (!status)
            status = placing_add(self->made[k], i, handles[k], err);
    }
    ufunc->inputs = (operands_t){operands, (uint32_t)self->nin};
    ufunc->results = (oids_t){results, (uint32_t)self->op->nout};
    if (self->has_where) {
        ufunc->where = self->where.parts[i].handle->id;
        memory.where = self->where.parts[i].handle->root;
    }
    if (!status)
        status = dtype_valid((uint64_t)self->loop.in[self->nin - 1])
                     ? tail_ufunc(engine, self->op, &message, &memory, &part, err)
                     : engine_link_call(engine, &message, NULL, NULL, err);
    for (int k = 0; k < self->op->nout; k++) {
        if (status)
            handle_discard(&handles[k]);
        else if (handles[k])
            array_put(self->made[k], i, handles[k], NULL);
    }
    return status;
}

static int
emit(ufunc_t *self, err_t *err)
{
    int status = FH_OK;
    for (int k = 0; k < self->op->nout && !status; k++)
        if (!self->out[k])
            status = array_new_as(&self->made[k], self->session, self->loop.out[k], &self->shape, &self->layout, err);
    for (int i = 0; i < self->layout.n && !status; i++)
        status = emit_part(self, i, err);
    for (int k = 0; k < self->op->nout && !status; k++) {
        if (self->made[k])
            array_settle(self->made[k]);
        if (!self->later[k])
            continue;
        fh_operand value = {.kind = FH_ARRAY, .array = self->made[k]};
        status = fh_assign(self->later[k], &value, FH_CASTING_UNSAFE, (fh_error *)err);
        fh_array_free(&self->made[k]);
    }
    return status;
}

/* Results are made without a where: what is not written would be undefined, which NumPy allows and so do we. */
static int
run(ufunc_t *self, const fh_operand *in, const fh_ufunc_options *options, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->nin && !status; i++)
        status = input_init(&self->in[i], &in[i], err);
    if (!status)
        status = take_outs(self, options, err);
    if (!status)
        status = resolve(self, options, err);
    if (!status)
        status = check_others(self, err);
    if (!status)
        status = find_shape(self, err);
    if (!status)
        status = find_layout(self, err);
    if (!status)
        status = align(self, err);
    if (!status)
        status = emit(self, err);
    if (!status)
        status = session_flush(self->session, err);
    return status;
}

int
fh_ufunc(fh_session *session, const char *op, const fh_operand *in, int nin, const fh_ufunc_options *options,
         fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    fh_ufunc_options defaults = {0};
    ufunc_t self = {.session = session, .nin = nin};
    int status = session_enter(session, err);
    if (status)
        return status;
    self.op = op_find(op, strlen(op));
    if (!self.op)
        return err_set(err, FH_NOT_SUPPORTED, "there is no operation %.64s", op);
    if (nin != self.op->nin)
        return err_set(err, FH_INVALID_ARGUMENT, "%s takes %d inputs, %d were given", self.op->name, self.op->nin, nin);
    status = run(&self, in, options ? options : &defaults, err);
    for (int k = 0; k < self.op->nout; k++) {
        if (status)
            fh_array_free(&self.made[k]);
        else
            ret[k] = self.made[k];
    }
    for (int i = 0; i < nin; i++)
        input_release(&self.in[i]);
    input_release(&self.where);
    layout_release(&self.layout);
    return status;
}

int
fh_op_at(int i, const char **ret_name, int *ret_nin, int *ret_nout)
{
    const op_t *op = op_at(i);
    if (!op)
        return FH_BAD_INDEX;
    *ret_name = op->name;
    *ret_nin = op->nin;
    *ret_nout = op->nout;
    return FH_OK;
}
