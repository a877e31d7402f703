/* engine/apply/apply.c - the table of array methods, and what they share. */
#include "engine/apply/apply.h"

static apply_fn *const FUNCTIONS[APPLY_COUNT] = {
#define APPLY(NAME, name, inputs, outputs, doc) apply_##name,
#include "codecs/apply.def"
#undef APPLY
};

apply_fn *
apply_function(int code)
{
    return FUNCTIONS[code];
}

int
apply_make(apply_call_t *call, int i, const shape_t *shape, err_t *err)
{
    char have[128], need[128];

    if (!call->out[i].data)
        return call->make(call, i, shape, err);
    if (shape_equal(&call->out[i].shape, shape))
        return FH_OK;
    return err_set(err, FH_INVALID_ARGUMENT, "output %d has the shape %s, the result %s", i,
                   shape_format(&call->out[i].shape, have, sizeof have), shape_format(shape, need, sizeof need));
}

int
apply_scratch(apply_call_t *call, int64_t bytes, void **ret, err_t *err)
{
    return call->scratch(call, bytes > 0 ? bytes : 1, ret, err);
}

/* A copy of that dtype. */
static int
copy_as(apply_call_t *call, const nd_t *nd, dtype_t dtype, nd_t *ret, err_t *err)
{
    int64_t bytes = shape_bytes(&nd->shape, dtype);
    void *data;

    if (bytes < 0)
        return err_set(err, FH_OVERFLOW, "an input is too large to be copied");
    int status = apply_scratch(call, bytes, &data, err);

    if (status)
        return status;
    nd_init(ret, data, dtype, &nd->shape);
    return compute_assign(call->crew, ret, nd, err);
}

int
apply_contiguous(apply_call_t *call, int i, dtype_t dtype, nd_t *ret, err_t *err)
{
    const nd_t *in = &call->in[i];

    bool usable = in->dtype == dtype && nd_is_c_contiguous(in) && !(call->shared && call->shared[i]);

    *ret = *in;
    return usable ? FH_OK : copy_as(call, in, dtype, ret, err);
}

int
apply_cast(apply_call_t *call, int i, dtype_t dtype, nd_t *ret, err_t *err)
{
    const nd_t *in = &call->in[i];

    *ret = *in;
    return in->dtype == dtype ? FH_OK : copy_as(call, in, dtype, ret, err);
}

int
apply_copy(apply_call_t *call, const nd_t *nd, nd_t *ret, err_t *err)
{
    nd_t from = *nd; /* may be *ret */

    return copy_as(call, &from, from.dtype, ret, err);
}

int
apply_integers(const apply_call_t *call, int low, int high, err_t *err)
{
    if (call->nintegers >= low && call->nintegers <= high)
        return FH_OK;
    return err_set(err, FH_INVALID_ARGUMENT, "%d to %d integers are needed, %d were given", low, high, call->nintegers);
}
