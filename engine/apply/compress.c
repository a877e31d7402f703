/* engine/apply/compress.c - the elements that a mask chooses. */
#include "engine/apply/mask.h"

typedef struct {
    group_t from, to;
    mask_t mask;
} compress_t;

/* Every element is written behind the chosen ones before it, and counts if it is chosen: no branch to be mispredicted.
 * Room for one more is behind the last but for the last part's, which stops in time. */
#define PICK(name, type)                                                                                               \
    static void name(const compress_t *self, int64_t first, int64_t last, int64_t at, int64_t end)                     \
    {                                                                                                                  \
        const char *in = self->from.nd.data;                                                                           \
        int64_t stride = self->from.nd.stride[self->from.axes - 1];                                                    \
        type *out = (type *)self->to.nd.data;                                                                          \
                                                                                                                       \
        for (int64_t i = first; i < last && at < end; i++) {                                                           \
            out[at] = *(const type *)(in + i * stride);                                                                \
            at += self->mask.flags[i] != 0;                                                                            \
        }                                                                                                              \
    }
PICK(pick_1, uint8_t)
PICK(pick_2, uint16_t)
PICK(pick_4, uint32_t)
PICK(pick_8, uint64_t)
#undef PICK

static void
pick_any(const compress_t *self, int64_t first, int64_t last, int64_t at, int64_t end)
{
    for (int64_t i = first; i < last && at < end; i++)
        if (self->mask.flags[i])
            group_copy(&self->to, at++, &self->from, i);
}

static void
compress_part(void *context, int64_t part)
{
    static const struct {
        int64_t bytes;
        void (*pick)(const compress_t *self, int64_t first, int64_t last, int64_t at, int64_t end);
    } PICKS[] = {{1, pick_1}, {2, pick_2}, {4, pick_4}, {8, pick_8}};
    const compress_t *self = context;
    int64_t first = part * MASK_PART, last = mask_end(&self->mask, part);
    int64_t at = self->mask.starts[part], end = self->mask.starts[part + 1];

    if (self->from.plain && self->from.axes && self->from.rest_count == 1)
        for (size_t i = 0; i < sizeof PICKS / sizeof *PICKS; i++)
            if (PICKS[i].bytes == self->from.rest_bytes) {
                PICKS[i].pick(self, first, last, at, end);
                return;
            }
    pick_any(self, first, last, at, end);
}

int
apply_compress(apply_call_t *call, err_t *err)
{
    compress_t self;
    shape_t shape;
    int status = group_init(&self.from, &call->in[0], call->in[1].shape.ndim, err);

    if (!status)
        status = mask_init(&self.mask, call, 1, &self.from, err);
    if (!status && call->out[0].dtype != call->in[0].dtype)
        status = err_set(err, FH_WRONG_TYPE, "compress gives %s from %s", dtype_name(call->out[0].dtype),
                         dtype_name(call->in[0].dtype));
    if (!status)
        status = group_shape(&self.from, &(shape_t){.ndim = 1, .extent = {mask_count(&self.mask)}}, &shape, err);
    if (!status)
        status = apply_make(call, 0, &shape, err);
    if (!status)
        status = group_init(&self.to, &call->out[0], 1, err);
    if (status || self.from.rest_count == 0)
        return status;
    crew_run(call->crew, self.mask.parts, compress_part, &self);
    return FH_OK;
}
