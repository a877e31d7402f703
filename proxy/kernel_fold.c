#include "proxy/kernel_fold.h"

#include "proxy/placing.h"

#include <string.h>

/* The array as the kernel takes it, in that layout: a handle of our own. */
static int
prepare(fh_array *array, dtype_t want, const layout_t *layout, fh_array **ret, err_t *err)
{
    fh_array *cast = NULL;
    layout_t own;
    int status = array->dtype == want ? fh_alias(array, &cast, (fh_error *)err)
                                      : fh_astype(array, (fh_dtype)want, FH_CASTING_SAME_KIND, &cast, (fh_error *)err);
    if (status)
        return status;
    status = array_layout(cast, 0, &own, err);
    bool fits = !status && layout_equal(&own, layout);
    if (!status)
        layout_release(&own);
    if (!status && fits) {
        *ret = cast;
        return FH_OK;
    }
    if (!status)
        status = align_array(cast, layout, ret, err);
    fh_array_free(&cast);
    return status;
}

static int
check_inputs(const folding_t *self, fh_array *const *in, int nin, err_t *err)
{
    char first[256], other[256];
    int status = FH_OK;
    if (nin != self->info->nin)
        return err_set(err, FH_INVALID_ARGUMENT, "kernel %s (%s) takes %d inputs, %d were given", self->info->entry,
                       self->info->signature, self->info->nin, nin);
    for (int i = 0; i < nin && !status; i++) {
        dtype_t want = (dtype_t)self->info->in[i];
        status = array_enter(in[i], err);
        if (!status && !shape_equal(&in[i]->shape, &in[0]->shape))
            status = err_set(err, FH_INVALID_ARGUMENT, "input %d has shape %s, but the first has %s", i,
                             shape_format(&in[i]->shape, other, sizeof other),
                             shape_format(&in[0]->shape, first, sizeof first));
        if (!status && !dtype_can_cast(in[i]->dtype, want, CASTING_SAME_KIND))
            status = err_set(err, FH_WRONG_TYPE, "input %d of kernel %s is %s, which cannot be cast to %s", i,
                             self->info->entry, dtype_name(in[i]->dtype), dtype_name(want));
    }
    return status;
}

int
folding_init(folding_t *self, fh_kernel *kernel, fh_array *const *in, int nin, double timeout_s, err_t *err)
{
    layout_t layout;
    *self = (folding_t){0};
    int status = kernel_enter(kernel, err);
    if (!status)
        status = kernel_timeout(timeout_s, &self->timeout_ms, err);
    if (!status)
        status = kernel_code_fold(kernel->code, &self->code, err);
    if (status)
        return status;
    self->session = kernel->session;
    self->info = &self->code->info;
    status = check_inputs(self, in, nin, err);
    if (!status)
        status = array_layout(in[0], 0, &layout, err);
    if (status)
        return status;
    for (int i = 0; i < nin && !status; i++) {
        status = prepare(in[i], (dtype_t)self->info->in[i], &layout, &self->in[i], err);
        self->nin += status == FH_OK;
    }
    layout_release(&layout);
    return status;
}

void
folding_release(folding_t *self)
{
    for (int i = 0; i < self->nin; i++)
        fh_array_free(&self->in[i]);
}

int
folding_emit(const folding_t *self, const fold_call_t *call, handle_t **ret, handle_t **ret_last, err_t *err)
{
    engine_link_t *engine = call->inputs[0]->engine;
    message_t message = {.code = MSG_KERNEL_FOLD};
    msg_KERNEL_FOLD_t *fold = &message.as.KERNEL_FOLD;
    handle_t *kernel = NULL, *made = NULL, *last = NULL;
    oid_t inputs[KERNEL_MAX_IN + 1], results[2];
    int status = kernel_code_on(self->code, engine, &kernel, err);
    if (!status)
        status = handle_new(&made, engine, OID_NONE, shape_bytes(call->shape, call->dtype), err);
    if (!status && call->of)
        status = placing_add(call->of, call->part, made, err);
    if (!status && call->last)
        status = handle_new(&last, engine, OID_NONE, shape_bytes(call->last, DTYPE_UINT8), err);
    if (!status) {
        for (int i = 0; i < call->ninputs; i++)
            inputs[i] = call->inputs[i]->id;
        results[0] = made->id;
        results[1] = last ? last->id : OID_NONE;
        fold->kernel = kernel->id;
        fold->stage = call->stage;
        fold->inputs = (oids_t){inputs, (uint32_t)call->ninputs};
        fold->results = (oids_t){results, last ? 2 : 1};
        fold->axis = call->axis;
        fold->base = call->base;
        fold->piece = call->piece;
        fold->first = call->of ? array_first(call->of, call->part) : 0;
        fold->timeout_ms = self->timeout_ms;
        fold->watch = engine->session->watch;
        status = engine_link_call(engine, &message, NULL, NULL, err);
    }
    if (status) {
        handle_discard(&made);
        handle_discard(&last);
        return status;
    }
    *ret = made;
    if (last)
        *ret_last = last;
    return FH_OK;
}
