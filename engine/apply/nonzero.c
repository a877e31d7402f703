/* engine/apply/nonzero.c - where an array is not zero. */
#include "engine/apply/mask.h"

#include <string.h>

typedef struct {
    mask_t mask;
    shape_t shape;
    const int64_t *base; /* added along each axis */
    int64_t *out;        /* (dimensions, total) */
    int64_t total;
} nonzero_t;

/* The index along each axis of the flat position. */
static void
unravel(const nonzero_t *self, int64_t position, int64_t *ret)
{
    for (int axis = self->shape.ndim - 1; axis >= 0; axis--) {
        ret[axis] = position % self->shape.extent[axis];
        position /= self->shape.extent[axis];
    }
}

/* The positions [first, last) of a row; every one is written behind those before it, and counts if it is chosen: no
 * branch to be mispredicted.  end: where no more is written. */
static int64_t
fill_row(const nonzero_t *self, int64_t first, int64_t last, int64_t shift, int64_t at, int64_t end)
{
    const uint8_t *flags = self->mask.flags;
    int64_t *out = self->out + (self->shape.ndim - 1) * self->total;

    for (int64_t i = first; i < last && at < end; i++) {
        out[at] = shift + i;
        at += flags[i] != 0;
    }
    return at;
}

static void
fill_part(void *context, int64_t part)
{
    const nonzero_t *self = context;
    int64_t at = self->mask.starts[part], end = self->mask.starts[part + 1];
    int64_t position = part * MASK_PART, last = mask_end(&self->mask, part), index[SHAPE_MAX_DIMS];
    int inner = self->shape.ndim - 1;

    while (position < last) {
        unravel(self, position, index);
        int64_t row = self->shape.extent[inner] - index[inner], before = at;
        int64_t stop = row < last - position ? position + row : last;

        at = fill_row(self, position, stop, self->base[inner] + index[inner] - position, at, end);
        for (int axis = 0; axis < inner; axis++)
            for (int64_t i = before; i < at; i++)
                self->out[axis * self->total + i] = self->base[axis] + index[axis];
        position = stop;
    }
}

int
apply_nonzero(apply_call_t *call, err_t *err)
{
    nonzero_t self = {0};
    nd_t flags;
    int ndim = call->in[0].shape.ndim;
    int64_t bases[SHAPE_MAX_DIMS] = {0};

    if (ndim == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "nonzero of an array without dimensions");
    if (call->out[0].dtype != DTYPE_INT64)
        return err_set(err, FH_WRONG_TYPE, "nonzero gives int64, not %s", dtype_name(call->out[0].dtype));
    int status = apply_integers(call, 0, ndim, err);

    if (!status)
        status = apply_contiguous(call, 0, DTYPE_BOOL, &flags, err);
    if (!status)
        status = mask_init_flags(&self.mask, call, &flags, err);
    if (status)
        return status;
    if (call->nintegers)
        memcpy(bases, call->integers, (size_t)call->nintegers * sizeof *bases);
    self.shape = flags.shape;
    self.base = bases;
    self.total = mask_count(&self.mask);
    status = apply_make(call, 0, &(shape_t){.ndim = 2, .extent = {ndim, self.total}}, err);
    if (status)
        return status;
    self.out = (int64_t *)call->out[0].data;
    crew_run(call->crew, self.mask.parts, fill_part, &self);
    return FH_OK;
}
