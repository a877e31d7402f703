/* engine/apply/put_mask.c - values to where a mask is true. */
#include "engine/apply/mask.h"

typedef struct {
    group_t to, values;
    mask_t mask;
} put_mask_t;

/* Every element is written, with what it was where it is not chosen: no branch to be mispredicted.  `spare` keeps the
 * read of the value after the last one inside. */
#define WRITE(name, type)                                                                                              \
    static void name(const put_mask_t *self, int64_t first, int64_t last, int64_t at)                                  \
    {                                                                                                                  \
        char *out = self->to.nd.data;                                                                                  \
        const char *in = self->values.nd.data;                                                                         \
        const uint8_t *flags = self->mask.flags;                                                                       \
        int64_t stride = self->to.nd.stride[self->to.axes - 1], step = self->values.nd.stride[0];                      \
        int64_t spare = mask_count(&self->mask) - 1;                                                                   \
                                                                                                                       \
        for (int64_t i = first; i < last; i++) {                                                                       \
            type *place = (type *)(out + i * stride), old = *place;                                                    \
            type value = *(const type *)(in + (at < spare ? at : spare) * step);                                       \
            *place = flags[i] ? value : old;                                                                           \
            at += flags[i] != 0;                                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_same(const put_mask_t *self, int64_t first, int64_t last, int64_t at)                           \
    {                                                                                                                  \
        type *out = (type *)self->to.nd.data, value = *(const type *)self->values.nd.data;                             \
        const uint8_t *flags = self->mask.flags;                                                                       \
                                                                                                                       \
        (void)at;                                                                                                      \
        for (int64_t i = first; i < last; i++)                                                                         \
            out[i] = flags[i] ? value : out[i];                                                                        \
    }
WRITE(write_1, uint8_t)
WRITE(write_2, uint16_t)
WRITE(write_4, uint32_t)
WRITE(write_8, uint64_t)
#undef WRITE

static void
write_any(const put_mask_t *self, int64_t first, int64_t last, int64_t at)
{
    for (int64_t i = first; i < last; i++)
        if (self->mask.flags[i])
            group_copy(&self->to, i, &self->values, at++);
}

static void
put_part(void *context, int64_t part)
{
    static const struct {
        int64_t bytes;
        void (*write)(const put_mask_t *self, int64_t first, int64_t last, int64_t at);
        void (*same)(const put_mask_t *self, int64_t first, int64_t last, int64_t at); /* one value, one by one */
    } WRITES[] = {
        {1, write_1, write_1_same}, {2, write_2, write_2_same}, {4, write_4, write_4_same}, {8, write_8, write_8_same}};
    const put_mask_t *self = context;
    int64_t first = part * MASK_PART, last = mask_end(&self->mask, part), at = self->mask.starts[part];
    bool same = self->to.rest_count == 1 && self->values.nd.stride[0] == 0 && self->to.axes &&
                self->to.nd.stride[self->to.axes - 1] == self->to.rest_bytes;

    if (self->mask.starts[part + 1] == at)
        return;
    if (self->to.plain && self->values.plain && self->to.axes && self->to.rest_count == 1)
        for (size_t i = 0; i < sizeof WRITES / sizeof *WRITES; i++)
            if (WRITES[i].bytes == self->to.rest_bytes) {
                (same ? WRITES[i].same : WRITES[i].write)(self, first, last, at);
                return;
            }
    write_any(self, first, last, at);
}

/* The values as a group whose place i belongs to the i-th place that is chosen. */
static int
take_values(apply_call_t *call, put_mask_t *self, err_t *err)
{
    int64_t count = mask_count(&self->mask);
    nd_t cast, wide;
    shape_t shape;
    int status = group_shape(&self->to, &(shape_t){.ndim = 1, .extent = {count}}, &shape, err);

    if (!status)
        status = apply_cast(call, 1, call->out[0].dtype, &cast, err);
    if (status)
        return status;
    if (nd_broadcast(&cast, &shape, &wide, NULL))
        return err_set(err, FH_INVALID_ARGUMENT,
                       "NumPy boolean array indexing assignment cannot assign %lld input values to the %lld output "
                       "values where the mask is true",
                       (long long)(cast.shape.ndim ? cast.shape.extent[0] : 1), (long long)count);
    return group_init(&self->values, &wide, 1, err);
}

int
apply_put_mask(apply_call_t *call, err_t *err)
{
    put_mask_t self;

    if (!call->out[0].data)
        return err_set(err, FH_INVALID_ARGUMENT, "put_mask writes into an array that exists");
    int status = group_init(&self.to, &call->out[0], call->in[0].shape.ndim, err);

    if (!status)
        status = mask_init(&self.mask, call, 0, &self.to, err);
    if (!status)
        status = take_values(call, &self, err);
    if (status || self.to.rest_count == 0)
        return status;
    crew_run(call->crew, self.mask.parts, put_part, &self);
    return FH_OK;
}
