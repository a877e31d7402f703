/* engine/apply/put.c - values to flat indices. */
#include "engine/apply/apply.h"
#include "engine/apply/group.h"

enum { SHARED_FROM = 64 * 1024 }; /* indices */

typedef struct {
    group_t to, values;
    const int64_t *indices;
    int64_t n, parts;
} put_t;

/* Single elements of one size at even distances: the loops that are worth it. */
#define WRITE(name, type)                                                                                              \
    static void name(const put_t *self, int64_t low, int64_t high)                                                     \
    {                                                                                                                  \
        char *out = self->to.nd.data;                                                                                  \
        const char *in = self->values.nd.data;                                                                         \
        int64_t stride = self->to.nd.stride[self->to.axes - 1];                                                        \
        int64_t step = self->values.axes ? self->values.nd.stride[self->values.axes - 1] : 0;                          \
                                                                                                                       \
        for (int64_t i = 0; i < self->n; i++)                                                                          \
            if (self->indices[i] >= low && self->indices[i] < high)                                                    \
                *(type *)(out + self->indices[i] * stride) = *(const type *)(in + i * step);                           \
    }
WRITE(write_1, uint8_t)
WRITE(write_2, uint16_t)
WRITE(write_4, uint32_t)
WRITE(write_8, uint64_t)
#undef WRITE

static void
write_any(const put_t *self, int64_t low, int64_t high)
{
    for (int64_t i = 0; i < self->n; i++)
        if (self->indices[i] >= low && self->indices[i] < high)
            group_copy(&self->to, self->indices[i], &self->values, i);
}

/* Each part has a range of places, so that of equal indices the last counts. */
static void
put_part(void *context, int64_t part)
{
    static const struct {
        int64_t bytes;
        void (*write)(const put_t *self, int64_t low, int64_t high);
    } WRITES[] = {{1, write_1}, {2, write_2}, {4, write_4}, {8, write_8}};
    const put_t *self = context;
    int64_t step = self->to.count / self->parts + 1, low = part * step, high = low + step;

    if (self->to.plain && self->values.plain && self->to.axes && self->to.rest_count == 1)
        for (size_t i = 0; i < sizeof WRITES / sizeof *WRITES; i++)
            if (WRITES[i].bytes == self->to.rest_bytes) {
                WRITES[i].write(self, low, high);
                return;
            }
    write_any(self, low, high);
}

/* The values as a group whose place i belongs to index i. */
static int
take_values(apply_call_t *call, put_t *self, const shape_t *indices, err_t *err)
{
    nd_t cast, wide;
    shape_t shape;
    int status = group_shape(&self->to, indices, &shape, err);

    if (!status)
        status = apply_cast(call, 1, call->out[0].dtype, &cast, err);
    if (!status)
        status = nd_broadcast(&cast, &shape, &wide, err);
    if (!status)
        status = group_init(&self->values, &wide, indices->ndim, err);
    if (status || self->values.even)
        return status;
    status = apply_copy(call, &wide, &cast, err);
    return status ? status : group_init(&self->values, &cast, indices->ndim, err);
}

int
apply_put(apply_call_t *call, err_t *err)
{
    put_t self = {.parts = 1};
    nd_t indices;
    int status = apply_integers(call, 1, 1, err);

    if (!status && !call->out[0].data)
        status = err_set(err, FH_INVALID_ARGUMENT, "put writes into an array that exists");
    if (!status)
        status = group_init(&self.to, &call->out[0], call->integers[0], err);
    if (!status)
        status = apply_contiguous(call, 0, DTYPE_INT64, &indices, err);
    if (status)
        return status;
    self.indices = (const int64_t *)indices.data;
    self.n = shape_count(&indices.shape);
    status = group_check(&self.to, self.indices, self.n, err);
    if (!status)
        status = take_values(call, &self, &indices.shape, err);
    if (status || self.n == 0 || self.to.rest_count == 0)
        return status;
    if (self.n >= SHARED_FROM)
        self.parts = crew_threads(call->crew);
    crew_run(call->crew, self.parts, put_part, &self);
    return FH_OK;
}
