#include "engine/apply/mask.h"

int64_t
mask_end(const mask_t *self, int64_t part)
{
    return (part + 1) * MASK_PART < self->n ? (part + 1) * MASK_PART : self->n;
}

int64_t
mask_count(const mask_t *self)
{
    return self->starts[self->parts];
}

static void
count_part(void *context, int64_t part)
{
    const mask_t *self = context;
    int64_t count = 0, end = mask_end(self, part);

    for (int64_t i = part * MASK_PART; i < end; i++)
        count += self->flags[i] != 0;
    self->starts[part] = count;
}

int
mask_init_flags(mask_t *self, apply_call_t *call, const nd_t *flags, err_t *err)
{
    int64_t total = 0;
    void *starts;

    self->flags = (const uint8_t *)flags->data;
    self->n = shape_count(&flags->shape);
    self->parts = (self->n + MASK_PART - 1) / MASK_PART;
    int status = apply_scratch(call, (self->parts + 1) * (int64_t)sizeof *self->starts, &starts, err);

    if (status)
        return status;
    self->starts = starts;
    crew_run(call->crew, self->parts, count_part, self);
    for (int64_t part = 0; part < self->parts; part++) {
        int64_t count = self->starts[part];

        self->starts[part] = total;
        total += count;
    }
    self->starts[self->parts] = total;
    return FH_OK;
}

int
mask_init(mask_t *self, apply_call_t *call, int i, const group_t *group, err_t *err)
{
    shape_t shape = group->nd.shape;
    char have[128], need[128];
    nd_t flags;

    shape.ndim = group->axes;
    if (call->in[i].dtype != DTYPE_BOOL)
        return err_set(err, FH_WRONG_TYPE, "a mask is bool, not %s", dtype_name(call->in[i].dtype));
    if (!shape_equal(&call->in[i].shape, &shape))
        return err_set(err, FH_BAD_INDEX, "a mask of shape %s for axes of shape %s",
                       shape_format(&call->in[i].shape, have, sizeof have), shape_format(&shape, need, sizeof need));
    int status = apply_contiguous(call, i, DTYPE_BOOL, &flags, err);

    return status ? status : mask_init_flags(self, call, &flags, err);
}
