/* Running kernels over arrays. */
#include "proxy/error.h"
#include "proxy/inputs.h"
#include "proxy/kernel.h"

#include <string.h>

enum { MAX_IN = 15 };

typedef struct {
    fh_kernel *kernel;
    input_t in[MAX_IN];
    int nin;
    fh_array *out; /* written in place; NULL: made */
    fh_array *made;
    shape_t shape;
    layout_t layout;
    uint64_t timeout_ms;
    bool contiguous; /* piece kernels take contiguous arrays only */
} running_t;

static int
start(running_t *self, fh_kernel *kernel, int nin, const char *kind, double timeout_s, err_t *err)
{
    *self = (running_t){.kernel = kernel, .nin = nin};
    if (!kernel)
        return err_set(err, FH_INVALID_ARGUMENT, "no kernel was given");
    int status = session_enter(kernel->session, err);
    if (status)
        return status;
    const fh_kernel_info *info = &kernel->info;
    if (strcmp(info->kind, kind) != 0)
        return err_set(err, FH_KERNEL_ERROR, "%s is a %s kernel: %s", info->entry, info->kind,
                       strcmp(kind, "ufunc") == 0 ? "map it over arrays" : "call it with operands");
    if (nin != info->nin)
        return err_set(err, FH_INVALID_ARGUMENT, "kernel %s takes %d inputs (%s), %d were given", info->entry,
                       info->nin, info->signature, nin);
    if (timeout_s < 0 || timeout_s > 86400)
        return err_set(err, FH_INVALID_ARGUMENT, "a timeout of %g s: 0 to 86,400 are possible", timeout_s);
    self->timeout_ms = (uint64_t)(timeout_s * 1000 + 0.999);
    return FH_OK;
}

static void
finish(running_t *self)
{
    for (int i = 0; i < self->nin && i < MAX_IN; i++)
        input_release(&self->in[i]);
    layout_release(&self->layout);
}

/* Constants become what the kernel takes; arrays must be castable to it. */
static int
settle(running_t *self, int i, err_t *err)
{
    input_t *input = &self->in[i];
    dtype_t want = (dtype_t)self->kernel->info.in[i];
    int status = input_settle(input, want, err);
    if (status)
        return status;
    if (!dtype_can_cast(input->dtype, want, CASTING_SAME_KIND))
        return err_set(err, FH_WRONG_TYPE, "input %d of kernel %s is %s, which cannot be cast to %s", i,
                       self->kernel->info.entry, dtype_name(input->dtype), dtype_name(want));
    if (input->constant)
        input_cast(input, want);
    return FH_OK;
}

static int
align(running_t *self, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < self->nin && !status; i++) {
        input_t *input = &self->in[i];
        dtype_t want = (dtype_t)self->kernel->info.in[i];
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
    dtype_t dtype = (dtype_t)self->kernel->info.out[0];
    shape_t part = layout_part_shape(&self->layout, &self->shape, i);
    operand_t operands[MAX_IN];
    handle_t *kernel = NULL, *made = NULL;
    message_t message = {.code = MSG_KERNEL_CALL};
    int status = kernel_on(self->kernel, engine, &kernel, err);
    if (!status && !self->out)
        status = handle_new(&made, engine, OID_NONE, shape_bytes(&part, dtype), err);
    if (status)
        return status;
    for (int k = 0; k < self->nin; k++)
        operands[k] = input_operand(&self->in[k], i);
    message.as.KERNEL_CALL.kernel = kernel->id;
    message.as.KERNEL_CALL.inputs = (operands_t){operands, (uint32_t)self->nin};
    message.as.KERNEL_CALL.result = self->out ? self->out->parts[i].handle->id : made->id;
    message.as.KERNEL_CALL.in_place = self->out != NULL;
    message.as.KERNEL_CALL.shape = (ints_t){part.extent, (uint32_t)part.ndim};
    message.as.KERNEL_CALL.timeout_ms = self->timeout_ms;
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
        status =
            array_new_as(&self->made, session, (dtype_t)self->kernel->info.out[0], &self->shape, &self->layout, err);
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
    const shape_t *shapes[MAX_IN + 1];
    char want[256], have[256];
    int n = 0;
    for (; n < self->nin; n++)
        shapes[n] = &self->in[n].shape;
    if (out)
        shapes[n++] = &out->shape;
    int status = shape_broadcast(shapes, n, &self->shape, err);
    if (!status && out && !shape_equal(&out->shape, &self->shape))
        status = err_set(err, FH_INVALID_ARGUMENT, "out has shape %s, but the result has %s",
                         shape_format(&out->shape, have, sizeof have), shape_format(&self->shape, want, sizeof want));
    return status;
}

int
fh_kernel_call(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_call_options *options, fh_array **ret,
               fh_error *error)
{
    static const fh_kernel_call_options NONE = {0};
    fh_array *out = options ? options->out : NULL;
    double timeout_s = options ? options->timeout_s : NONE.timeout_s;
    err_t *err = error_start(error);
    running_t self;
    int status = start(&self, kernel, nin, "ufunc", timeout_s, err);
    if (!status && out)
        status = array_enter(out, err);
    for (int i = 0; i < nin && !status; i++) {
        status = input_init(&self.in[i], &in[i], err);
        if (!status)
            status = settle(&self, i, err);
    }
    if (!status)
        status = find_shape(&self, out, err);
    /* An out of another dtype is assigned to from a new array. */
    bool assign = !status && out && out->dtype != (dtype_t)kernel->info.out[0];
    if (!status) {
        self.out = assign ? NULL : out;
        status = inputs_layout(kernel->session, self.in, nin, &self.shape, out, &self.layout, err);
    }
    if (!status)
        status = align(&self, err);
    if (!status)
        status = emit(&self, err);
    if (!status && assign) {
        fh_operand value = {.kind = FH_ARRAY, .array = self.made};
        status = fh_assign(out, &value, FH_CASTING_SAME_KIND, error);
        fh_array_free(&self.made);
    }
    finish(&self);
    if (!status)
        *ret = self.made;
    return status;
}

static int
check_map(const running_t *self, const fh_operand *in, const fh_kernel_map_options *options, err_t *err)
{
    fh_dtype out_dtype = options && options->out ? options->out->dtype : FH_DTYPE_NONE;
    if (options && (options->nhalo || options->nout > 1))
        return err_set(err, FH_NOT_SUPPORTED, "piece kernels have one output and no halo");
    if (out_dtype != FH_DTYPE_NONE && out_dtype != self->kernel->info.out[0])
        return err_set(err, FH_WRONG_TYPE, "kernel %s writes %s, not %s", self->kernel->info.entry,
                       dtype_name((dtype_t)self->kernel->info.out[0]), dtype_name((dtype_t)out_dtype));
    for (int i = 1; i < self->nin; i++)
        if (!shape_equal(&in[i].array->shape, &in[0].array->shape))
            return err_set(err, FH_INVALID_ARGUMENT, "the inputs of a piece kernel must have one shape");
    return FH_OK;
}

int
fh_kernel_map(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options, fh_array **ret,
              int nret, fh_error *error)
{
    err_t *err = error_start(error);
    running_t self;
    int status = start(&self, kernel, nin, "piece", options ? options->timeout_s : 0, err);
    self.contiguous = true;
    if (!status && nret < 1)
        status = err_set(err, FH_INVALID_ARGUMENT, "there is no room for the result");
    for (int i = 0; i < nin && !status; i++) {
        if (in[i].kind != FH_ARRAY) {
            status = err_set(err, FH_WRONG_TYPE, "input %d of a piece kernel is no remote array", i);
            continue;
        }
        status = array_enter(in[i].array, err);
        if (!status) {
            input_init_array(&self.in[i], in[i].array);
            status = settle(&self, i, err);
        }
    }
    if (!status)
        status = check_map(&self, in, options, err);
    if (!status) {
        self.shape = in[0].array->shape;
        status = inputs_layout(kernel->session, self.in, nin, &self.shape, in[0].array, &self.layout, err);
    }
    if (!status)
        status = align(&self, err);
    if (!status)
        status = emit(&self, err);
    finish(&self);
    if (!status)
        *ret = self.made;
    return status;
}
