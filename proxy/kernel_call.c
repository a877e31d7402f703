/* KERNEL_CALL: ufunc kernels over broadcast operands, piece kernels over each piece. */
#include "proxy/kernel_call.h"

#include "proxy/error.h"
#include "proxy/inputs.h"
#include "proxy/placing.h"

#include <string.h>

enum { MAX_IN = 15 };

typedef struct {
    fh_kernel *kernel;
    const fh_kernel_info *info;
    input_t in[MAX_IN + 1]; /* the mask follows the inputs */
    int nin;
    bool masked;
    fh_array *out; /* written in place; NULL: made */
    fh_array *made;
    shape_t shape;
    layout_t layout;
    uint64_t timeout_ms;
    bool contiguous; /* piece kernels take contiguous arrays only */
} running_t;

static int
start(running_t *self, fh_kernel *kernel, int nin, double timeout_s, err_t *err)
{
    *self = (running_t){.kernel = kernel, .nin = nin};
    int status = kernel_enter(kernel, err);
    if (status)
        return status;
    self->info = &kernel->code->info;
    if (nin != self->info->nin || nin > MAX_IN)
        return err_set(err, FH_INVALID_ARGUMENT, "kernel %s takes %d inputs (%s), %d were given", self->info->entry,
                       self->info->nin, self->info->signature, nin);
    return kernel_timeout(timeout_s, &self->timeout_ms, err);
}

static void
finish(running_t *self)
{
    for (int i = 0; i <= MAX_IN; i++)
        input_release(&self->in[i]);
    layout_release(&self->layout);
}

/* Constants become what the kernel takes; arrays must be castable to it. */
static int
settle(running_t *self, int i, err_t *err)
{
    input_t *input = &self->in[i];
    dtype_t want = (dtype_t)self->info->in[i];
    int status = input_check_weak(input, want, i, self->info->entry, err);
    if (!status)
        status = input_settle(input, want, err);
    if (status)
        return status;
    if (!dtype_can_cast(input->dtype, want, CASTING_SAME_KIND))
        return err_set(err, FH_WRONG_TYPE, "input %d of kernel %s is %s, which cannot be cast to %s", i,
                       self->info->entry, dtype_name(input->dtype), dtype_name(want));
    if (input->constant)
        input_cast(input, want);
    return FH_OK;
}

static int
align(running_t *self, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->nin + self->masked && !status; i++) {
        input_t *input = &self->in[i];
        dtype_t want = i < self->nin ? (dtype_t)self->info->in[i] : DTYPE_BOOL;
        status = input_align(input, self->kernel->session, &self->shape, &self->layout, err);
        if (!status && self->out)
            status = input_shield(input, &self->shape, &self->layout, self->out, err);
        for (int k = 0; k < input->n && !status && (self->contiguous || input->dtype != want); k++) {
            shape_t part = input_part_shape(input, &self->shape, &self->layout, k);
            status = align_contiguous(&input->parts[k], input->dtype, want, &part, err);
        }
        input->dtype = want;
    }
    return status;
}

static int
emit_part(running_t *self, int i, err_t *err)
{
    engine_link_t *engine = self->layout.engines[i];
    dtype_t dtype = (dtype_t)self->info->out[0];
    shape_t part = layout_part_shape(&self->layout, &self->shape, i);
    operand_t operands[MAX_IN];
    handle_t *kernel = NULL, *made = NULL;
    message_t message = {.code = MSG_KERNEL_CALL};
    int status = kernel_code_on(self->kernel->code, engine, &kernel, err);
    if (!status && !self->out)
        status = handle_new(&made, engine, OID_NONE, shape_bytes(&part, dtype), err);
    if (!status && made)
        status = placing_add(self->made, i, made, err);
    if (status) {
        handle_discard(&made);
        return status;
    }
    for (int k = 0; k < self->nin; k++)
        operands[k] = input_operand(&self->in[k], i);
    message.as.KERNEL_CALL.kernel = kernel->id;
    message.as.KERNEL_CALL.inputs = (operands_t){operands, (uint32_t)self->nin};
    message.as.KERNEL_CALL.result = self->out ? self->out->parts[i].handle->id : made->id;
    message.as.KERNEL_CALL.in_place = self->out != NULL;
    message.as.KERNEL_CALL.shape = (ints_t){part.extent, (uint32_t)part.ndim};
    message.as.KERNEL_CALL.timeout_ms = self->timeout_ms;
    message.as.KERNEL_CALL.first = layout_first(&self->layout, &self->shape, i);
    message.as.KERNEL_CALL.piece = kernel_piece(i, self->layout.n);
    message.as.KERNEL_CALL.watch = engine->session->watch;
    if (self->masked)
        message.as.KERNEL_CALL.where = self->in[self->nin].parts[i].handle->id;
    status = engine_link_call(engine, &message, NULL, NULL, err);
    if (status)
        handle_discard(&made);
    else if (made)
        array_put(self->made, i, made, NULL);
    return status;
}

static int
emit(running_t *self, err_t *err)
{
    fh_session *session = self->kernel->session;
    int status = FH_OK;
    if (!self->out)
        status = array_new_as(&self->made, session, (dtype_t)self->info->out[0], &self->shape, &self->layout, err);
    for (int i = 0; i < self->layout.n && !status; i++)
        status = emit_part(self, i, err);
    if (!status)
        status = session_flush(session, err);
    if (status)
        fh_array_free(&self->made);
    else if (self->made)
        array_settle(self->made);
    return status;
}

static int
find_shape(running_t *self, const fh_array *out, err_t *err)
{
    const shape_t *shapes[MAX_IN + 2];
    char want[256], have[256];
    int n = 0;
    for (; n < self->nin + self->masked; n++)
        shapes[n] = &self->in[n].shape;
    if (out)
        shapes[n++] = &out->shape;
    int status = shape_broadcast(shapes, n, &self->shape, err);
    if (!status && out && !shape_equal(&out->shape, &self->shape))
        status = err_set(err, FH_INVALID_ARGUMENT, "out has shape %s, but the result has %s",
                         shape_format(&out->shape, have, sizeof have), shape_format(&self->shape, want, sizeof want));
    return status;
}

/* ---- ufunc kernels -------------------------------------------------------------------------------------------------
 */

static int
take_options(running_t *self, const fh_kernel_call_options *options, err_t *err)
{
    const fh_array *out = options->out;
    dtype_t made = (dtype_t)self->info->out[0];
    int status = out ? array_enter(out, err) : FH_OK;
    if (!status && out && !dtype_can_cast(made, out->dtype, CASTING_SAME_KIND))
        status = err_set(err, FH_WRONG_TYPE, "the result of kernel %s is %s, which cannot be cast to %s of out",
                         self->info->entry, dtype_name(made), dtype_name(out->dtype));
    if (status || !options->where)
        return status;
    status = array_enter(options->where, err);
    if (!status && options->where->dtype != DTYPE_BOOL)
        status = err_set(err, FH_WRONG_TYPE, "where has dtype %s, but must be bool", dtype_name(options->where->dtype));
    if (!status) {
        input_init_array(&self->in[self->nin], options->where);
        self->masked = true;
    }
    return status;
}

/* An out of another dtype is assigned to from a new array; where a mask is false it keeps its values. */
static int
assign_result(running_t *self, fh_array *out, fh_array *where, err_t *err)
{
    fh_operand value = {.kind = FH_ARRAY, .array = self->made};
    fh_array *none = NULL;
    int status;
    if (!where) {
        status = fh_assign(out, &value, FH_CASTING_SAME_KIND, (fh_error *)err);
    } else {
        bool boolean = self->made->dtype == DTYPE_BOOL;
        const fh_operand in[] = {value, value};
        const fh_ufunc_options options = {.out = &out, .where = where};
        status = fh_ufunc(self->kernel->session, boolean ? "logical_or" : "positive", in, boolean ? 2 : 1, &options,
                          &none, (fh_error *)err);
    }
    fh_array_free(&self->made);
    return status;
}

int
fh_kernel_call(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_call_options *options, fh_array **ret,
               fh_error *error)
{
    static const fh_kernel_call_options NONE = {0};
    options = options ? options : &NONE;
    err_t *err = error_start(error);
    running_t self;
    int status = start(&self, kernel, nin, options->timeout_s, err);
    if (!status && strcmp(self.info->kind, "ufunc") != 0)
        status = err_set(err, FH_KERNEL_ERROR, "%s is a kernel of kind %s, not a ufunc: map it over arrays",
                         self.info->entry, self.info->kind);
    if (!status)
        status = take_options(&self, options, err);
    for (int i = 0; i < nin && !status; i++) {
        status = input_init(&self.in[i], &in[i], err);
        if (!status)
            status = settle(&self, i, err);
    }
    if (!status)
        status = find_shape(&self, options->out, err);
    bool assign = !status && options->out && options->out->dtype != (dtype_t)self.info->out[0];
    if (!status) {
        self.out = assign ? NULL : options->out;
        status =
            inputs_layout(kernel->session, self.in, nin + self.masked, &self.shape, options->out, &self.layout, err);
    }
    if (!status)
        status = align(&self, err);
    if (!status)
        status = emit(&self, err);
    if (!status && assign)
        status = assign_result(&self, options->out, options->where, err);
    finish(&self);
    if (!status)
        *ret = self.made;
    return status;
}

/* ---- piece kernels -------------------------------------------------------------------------------------------------
 */

static int
check_map(const running_t *self, const fh_operand *in, const fh_kernel_map_options *options, err_t *err)
{
    const fh_kernel_out *out = options->out;
    if (options->nhalo || (out && options->nout != 1))
        return err_set(err, FH_NOT_SUPPORTED, "piece kernels have one output and no halo");
    if (out && !out->array && out->dtype != FH_DTYPE_NONE && out->dtype != self->info->out[0])
        return err_set(err, FH_WRONG_TYPE, "kernel %s writes %s, not %s", self->info->entry,
                       dtype_name((dtype_t)self->info->out[0]), dtype_name((dtype_t)out->dtype));
    for (int i = 1; i < self->nin; i++)
        if (!shape_equal(&in[i].array->shape, &in[0].array->shape))
            return err_set(err, FH_INVALID_ARGUMENT, "the inputs of a piece kernel must have one shape");
    return FH_OK;
}

/* Inputs are remote arrays of the first one's shape. */
static int
take_pieces(running_t *self, const fh_operand *in, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->nin && !status; i++) {
        if (in[i].kind != FH_ARRAY)
            return err_set(err, FH_WRONG_TYPE, "input %d of a piece kernel is no remote array", i);
        status = array_enter(in[i].array, err);
        if (!status) {
            input_init_array(&self->in[i], in[i].array);
            status = settle(self, i, err);
        }
    }
    return status;
}

int
kernel_call_pieces(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options,
                   fh_array **ret, err_t *err)
{
    fh_array *given = options->out ? options->out->array : NULL;
    running_t self;
    int status = start(&self, kernel, nin, options->timeout_s, err);
    self.contiguous = true;
    if (!status)
        status = take_pieces(&self, in, err);
    if (!status)
        status = check_map(&self, in, options, err);
    if (!status && given)
        status = take_options(&self, &(fh_kernel_call_options){.out = given}, err);
    if (!status)
        status = find_shape(&self, given, err);
    if (!status)
        status = inputs_layout(kernel->session, self.in, nin, &self.shape, in[0].array, &self.layout, err);
    if (!status)
        status = align(&self, err);
    if (!status)
        status = emit(&self, err);
    if (!status && given)
        status = assign_result(&self, given, NULL, err);
    finish(&self);
    if (!status)
        *ret = self.made;
    return status;
}
