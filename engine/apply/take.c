/* engine/apply/take.c - elements at flat indices. */
#include "codecs/strided.h"
#include "engine/apply/apply.h"
#include "engine/apply/group.h"

#include <string.h>

enum { PART_BYTES = 256 * 1024 };

typedef struct {
    group_t group;
    const int64_t *indices;
    int64_t n, step; /* indices, and how many a part of the work has */
    char *out;
} take_t;

/* A row for each size of contiguous memory at a place: the loops that are worth it. */
#define COPY(name, type)                                                                                               \
    static void name(const take_t *self, int64_t first, int64_t last)                                                  \
    {                                                                                                                  \
        const char *data = self->group.nd.data;                                                                        \
        type *out = (type *)self->out;                                                                                 \
        int64_t stride = self->group.nd.stride[self->group.axes - 1];                                                  \
                                                                                                                       \
        for (int64_t i = first; i < last; i++)                                                                         \
            out[i] = *(const type *)(data + self->indices[i] * stride);                                                \
    }
COPY(copy_1, uint8_t)
COPY(copy_2, uint16_t)
COPY(copy_4, uint32_t)
COPY(copy_8, uint64_t)
#undef COPY

static void
copy_any(const take_t *self, int64_t first, int64_t last)
{
    const group_t *group = &self->group;
    nd_t rest = group->rest;

    for (int64_t i = first; i < last; i++) {
        char *to = self->out + i * group->rest_bytes;

        rest.data = group->nd.data + group_offset(group, self->indices[i]);
        if (group->rest_contiguous)
            memcpy(to, rest.data, (size_t)group->rest_bytes);
        else
            strided_pack(&rest, 0, group->rest_bytes, to);
    }
}

static void
take_part(void *context, int64_t part)
{
    static const struct {
        int64_t bytes;
        void (*copy)(const take_t *self, int64_t first, int64_t last);
    } COPIES[] = {{1, copy_1}, {2, copy_2}, {4, copy_4}, {8, copy_8}};
    const take_t *self = context;
    const group_t *group = &self->group;
    int64_t first = part * self->step, last = first + self->step < self->n ? first + self->step : self->n;

    if (group->plain && group->axes && group->rest_count == 1)
        for (size_t i = 0; i < sizeof COPIES / sizeof *COPIES; i++)
            if (COPIES[i].bytes == group->rest_bytes) {
                COPIES[i].copy(self, first, last);
                return;
            }
    copy_any(self, first, last);
}

int
apply_take(apply_call_t *call, err_t *err)
{
    take_t self = {0};
    nd_t indices;
    shape_t shape;
    int status = apply_integers(call, 1, 1, err);

    if (!status)
        status = group_init(&self.group, &call->in[0], call->integers[0], err);
    if (!status)
        status = apply_contiguous(call, 1, DTYPE_INT64, &indices, err);
    if (status)
        return status;
    self.indices = (const int64_t *)indices.data;
    self.n = shape_count(&indices.shape);
    status = group_check(&self.group, self.indices, self.n, err);
    if (!status && call->out[0].dtype != call->in[0].dtype)
        status = err_set(err, FH_WRONG_TYPE, "take gives %s from %s", dtype_name(call->out[0].dtype),
                         dtype_name(call->in[0].dtype));
    if (!status)
        status = group_shape(&self.group, &indices.shape, &shape, err);
    if (!status)
        status = apply_make(call, 0, &shape, err);
    if (status || self.n == 0 || self.group.rest_count == 0)
        return status;
    self.out = call->out[0].data;
    self.step = self.group.rest_bytes >= PART_BYTES ? 1 : PART_BYTES / self.group.rest_bytes;
    crew_run(call->crew, (self.n + self.step - 1) / self.step, take_part, &self);
    return FH_OK;
}
