/* engine/apply/ravel.c - from an index for each axis to one flat index. */
#include "engine/apply/apply.h"

enum { PART = 64 * 1024, MODE_RAISE = 0, MODE_WRAP = 1, MODE_CLIP = 2 };

typedef struct {
    int n;
    int64_t mode;
    nd_t in[APPLY_MAX_IN]; /* int64, of the output's shape */
    int64_t extent[APPLY_MAX_IN];
    shape_t shape;
    int64_t count;
    int64_t *out;
    int64_t bad; /* the first position of the output with an index that is none; else count */
} ravel_t;

/* The place that an index means, or -1. */
static inline int64_t
resolve(int64_t index, int64_t extent, int64_t mode)
{
    if (mode == MODE_CLIP)
        return index < 0 ? 0 : index < extent ? index : extent - 1;
    if (mode == MODE_WRAP) {
        index %= extent;
        return index < 0 ? index + extent : index;
    }
    index += index < 0 ? extent : 0;
    return index < 0 || index >= extent ? -1 : index;
}

static void
note_bad(ravel_t *self, int64_t position)
{
    int64_t known = __atomic_load_n(&self->bad, __ATOMIC_RELAXED);

    while (position < known &&
           !__atomic_compare_exchange_n(&self->bad, &known, position, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

/* Positions [first, last) of a row along the last axis; at: where each input has the first of them. */
static void
ravel_row(ravel_t *self, int64_t first, int64_t last, char *const *at)
{
    int axis = self->shape.ndim - 1;

    for (int i = 0; i < self->n; i++) {
        int64_t extent = self->extent[i], stride = axis < 0 ? 0 : self->in[i].stride[axis];

        for (int64_t k = first; k < last; k++) {
            int64_t place = resolve(*(const int64_t *)(at[i] + (k - first) * stride), extent, self->mode);

            if (place < 0) {
                note_bad(self, k);
                place = 0;
            }
            self->out[k] = i ? self->out[k] * extent + place : place;
        }
    }
}

static void
ravel_part(void *context, int64_t part)
{
    ravel_t *self = context;
    int64_t position = part * PART, end = position + PART < self->count ? position + PART : self->count;
    int last = self->shape.ndim - 1;
    char *at[APPLY_MAX_IN];

    while (position < end) {
        int64_t rest = position, row = last < 0 ? 1 : self->shape.extent[last];

        for (int i = 0; i < self->n; i++)
            at[i] = self->in[i].data;
        for (int axis = last; axis >= 0; axis--) {
            for (int i = 0; i < self->n; i++)
                at[i] += rest % self->shape.extent[axis] * self->in[i].stride[axis];
            rest /= self->shape.extent[axis];
        }
        int64_t stop = position - position % row + row;

        stop = stop < end ? stop : end;
        ravel_row(self, position, stop, at);
        position = stop;
    }
}

static int
take_inputs(apply_call_t *call, ravel_t *self, err_t *err)
{
    int status = FH_OK;

    for (int i = 0; i < self->n && !status; i++) {
        nd_t index;
        char kind = dtype_kind(call->in[i].dtype);

        self->extent[i] = call->integers[1 + 2 * i];
        if (self->extent[i] < 0 || (self->extent[i] == 0 && self->count > 0 && self->mode != MODE_RAISE))
            return err_set(err, FH_BAD_INDEX, "cannot take elements from an axis of extent %lld",
                           (long long)self->extent[i]);
        if (kind != 'i' && kind != 'u')
            return err_set(err, FH_BAD_INDEX, "arrays used as indices must be of integer type, not %s",
                           dtype_name(call->in[i].dtype));
        status = apply_contiguous(call, i, DTYPE_INT64, &index, err);
        if (!status)
            status = nd_broadcast(&index, &self->shape, &self->in[i], err);
    }
    return status;
}

static int
tell_bad(const apply_call_t *call, const ravel_t *self, err_t *err)
{
    for (int i = 0; i < self->n; i++) {
        const char *at = self->in[i].data;
        int64_t rest = self->bad;

        for (int axis = self->shape.ndim - 1; axis >= 0; axis--) {
            at += rest % self->shape.extent[axis] * self->in[i].stride[axis];
            rest /= self->shape.extent[axis];
        }
        int64_t index = *(const int64_t *)at;

        if (resolve(index, self->extent[i], self->mode) < 0)
            return err_set(err, FH_BAD_INDEX, "index %lld is out of bounds for axis %lld with size %lld",
                           (long long)index, (long long)call->integers[2 + 2 * i], (long long)self->extent[i]);
    }
    return err_set(err, FH_BAD_INDEX, "an index changed while it was looked at");
}

int
apply_ravel(apply_call_t *call, err_t *err)
{
    ravel_t self = {.n = call->nin};
    const shape_t *shapes[APPLY_MAX_IN];
    int status = apply_integers(call, 1 + 2 * call->nin, 1 + 2 * call->nin, err);

    if (status)
        return status;
    self.mode = call->integers[0];
    if (self.mode < MODE_RAISE || self.mode > MODE_CLIP)
        return err_set(err, FH_INVALID_ARGUMENT, "%lld is no way to treat an index", (long long)self.mode);
    if (call->out[0].dtype != DTYPE_INT64)
        return err_set(err, FH_WRONG_TYPE, "flat indices are int64, not %s", dtype_name(call->out[0].dtype));
    for (int i = 0; i < self.n; i++)
        shapes[i] = &call->in[i].shape;
    self.shape = call->out[0].shape;
    if (!call->out[0].data)
        status = shape_broadcast(shapes, self.n, &self.shape, err);
    self.count = self.bad = status ? 0 : shape_count(&self.shape);
    if (!status)
        status = take_inputs(call, &self, err);
    if (!status)
        status = apply_make(call, 0, &self.shape, err);
    if (status)
        return status;
    self.out = (int64_t *)call->out[0].data;
    crew_run(call->crew, (self.count + PART - 1) / PART, ravel_part, &self);
    return self.bad < self.count ? tell_bad(call, &self, err) : FH_OK;
}
