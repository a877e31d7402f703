/* engine/apply/nonzero.c - where an array is not zero. */
#include "engine/apply/apply.h"

#include <string.h>

enum { PART = 64 * 1024 }; /* elements */

typedef struct {
    const uint8_t *flags;
    int64_t n;
    int64_t *counts; /* of each part; then where its first is written */
    shape_t shape;
    const int64_t *base; /* added along each axis */
    int64_t *out;        /* (dimensions, total) */
    int64_t total;
} nonzero_t;

static int64_t
part_end(const nonzero_t *self, int64_t part)
{
    return (part + 1) * PART < self->n ? (part + 1) * PART : self->n;
}

static void
count_part(void *context, int64_t part)
{
    const nonzero_t *self = context;
    int64_t count = 0, end = part_end(self, part);

    for (int64_t i = part * PART; i < end; i++)
        count += self->flags[i] != 0;
    self->counts[part] = count;
}

/* The index along each axis of the flat position. */
static void
unravel(const nonzero_t *self, int64_t position, int64_t *ret)
{
    for (int axis = self->shape.ndim - 1; axis >= 0; axis--) {
        ret[axis] = position % self->shape.extent[axis];
        position /= self->shape.extent[axis];
    }
}

static void
fill_part(void *context, int64_t part)
{
    const nonzero_t *self = context;
    int64_t at = self->counts[part], end = part_end(self, part), position = part * PART, index[SHAPE_MAX_DIMS];
    int last = self->shape.ndim - 1;

    while (position < end) {
        unravel(self, position, index);
        int64_t row = self->shape.extent[last] - index[last], shift = self->base[last] + index[last] - position;
        int64_t stop = row < end - position ? position + row : end;

        for (; position < stop; position++) {
            if (!self->flags[position])
                continue;
            for (int axis = 0; axis < last; axis++)
                self->out[axis * self->total + at] = self->base[axis] + index[axis];
            self->out[last * self->total + at++] = shift + position;
        }
    }
}

int
apply_nonzero(apply_call_t *call, err_t *err)
{
    nonzero_t self = {0};
    nd_t flags;
    int ndim = call->in[0].shape.ndim;
    int64_t bases[SHAPE_MAX_DIMS] = {0};
    void *counts;

    if (ndim == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "nonzero of an array without dimensions");
    if (call->out[0].dtype != DTYPE_INT64)
        return err_set(err, FH_WRONG_TYPE, "nonzero gives int64, not %s", dtype_name(call->out[0].dtype));
    int status = apply_integers(call, 0, ndim, err);

    if (!status)
        status = apply_contiguous(call, 0, DTYPE_BOOL, &flags, err);
    if (status)
        return status;
    self.n = shape_count(&flags.shape);
    int64_t parts = (self.n + PART - 1) / PART;

    status = apply_scratch(call, parts * (int64_t)sizeof *self.counts, &counts, err);
    if (status)
        return status;
    memcpy(bases, call->integers, (size_t)call->nintegers * sizeof *bases);
    self.flags = (const uint8_t *)flags.data;
    self.shape = flags.shape;
    self.base = bases;
    self.counts = counts;
    crew_run(call->crew, parts, count_part, &self);
    for (int64_t i = 0; i < parts; i++) {
        int64_t count = self.counts[i];

        self.counts[i] = self.total;
        self.total += count;
    }
    status = apply_make(call, 0, &(shape_t){.ndim = 2, .extent = {ndim, self.total}}, err);
    if (status)
        return status;
    self.out = (int64_t *)call->out[0].data;
    crew_run(call->crew, parts, fill_part, &self);
    return FH_OK;
}
