/* Array kernels: once over each piece of the first distributed input. */
#include "proxy/kernel_map.h"

#include <stdlib.h>
#include <string.h>

/* The layout to compute in: that of the first distributed input, else of the first distributed output, else everything
 * where the largest input is. */
static int
find_layout(mapping_t *self, err_t *err)
{
    const fh_array *leader = NULL;
    for (int i = 0; i < self->nin && !leader; i++)
        if (self->in[i].array && self->in[i].array->axis >= 0)
            leader = self->in[i].array;
    for (int k = 0; k < self->nout && !leader; k++)
        if (self->out[k].given && self->out[k].given->axis >= 0)
            leader = self->out[k].given;
    if (leader) {
        self->axis = leader->axis;
        self->extent = leader->shape.extent[leader->axis];
        return array_layout(leader, 0, &self->layout, err);
    }
    const fh_array *given = NULL;
    for (int k = 0; k < self->nout && !given; k++)
        given = self->out[k].given;
    bool any = false;
    for (int i = 0; i < self->nin; i++)
        any = any || self->in[i].array;
    return inputs_layout(self->kernel->session, self->in, self->nin, &(shape_t){0}, any ? NULL : given, &self->layout,
                         err);
}

static bool
has_extent(const shape_t *shape, int axis, int64_t extent)
{
    return shape->ndim > axis && shape->extent[axis] == extent;
}

/* Outputs are cut as the input is, or have one slice for each piece. */
static int
cut_outs(mapping_t *self, err_t *err)
{
    for (int k = 0; k < self->nout && self->axis >= 0; k++) {
        map_out_t *out = &self->out[k];
        char text[256];
        if (has_extent(&out->shape, self->axis, self->extent))
            continue;
        if (!has_extent(&out->shape, self->axis, self->layout.n))
            return err_set(err, FH_INVALID_ARGUMENT,
                           "output %d has shape %s: along axis %d it must have %lld elements as the input, or one for "
                           "each of its %d pieces",
                           k, shape_format(&out->shape, text, sizeof text), self->axis, (long long)self->extent,
                           self->layout.n);
        if (self->width)
            return err_set(err, FH_INVALID_ARGUMENT,
                           "output %d has one slice a piece, but with a halo the kernel is called for parts of a piece",
                           k);
        out->slices = true;
    }
    return FH_OK;
}

/* One piece, too, is worked on in blocks when a halo says that the kernel does not need it in one go. */
static void
cut_single(mapping_t *self, const fh_kernel_map_options *options)
{
    const input_t *first = NULL;
    for (int i = 0; i < self->nin && !first; i++)
        if (!self->in[i].constant)
            first = &self->in[i];
    for (int axis = 0; axis < options->nhalo && first && axis < first->shape.ndim; axis++) {
        bool fits = options->halo[axis] > 0 && first->shape.extent[axis] > 0;
        for (int k = 0; k < self->nout && fits; k++)
            fits = has_extent(&self->out[k].shape, axis, first->shape.extent[axis]);
        if (!fits)
            continue;
        self->axis = axis;
        self->extent = first->shape.extent[axis];
        self->width = options->halo[axis];
        self->layout.cuts[0] = (piece_t){0, self->extent};
        return;
    }
}

static int
take_halo(mapping_t *self, const fh_kernel_map_options *options, err_t *err)
{
    for (int i = 0; i < options->nhalo; i++)
        if (!options->halo || options->halo[i] < 0 || options->nhalo > SHAPE_MAX_DIMS)
            return err_set(err, FH_INVALID_ARGUMENT, "a halo has 0 or more elements for each of at most %d axes",
                           (int)SHAPE_MAX_DIMS);
    if (options->nhalo < 0)
        return err_set(err, FH_INVALID_ARGUMENT, "a halo for %d axes", options->nhalo);
    if (self->axis < 0)
        cut_single(self, options);
    else if (self->axis < options->nhalo)
        self->width = options->halo[self->axis];
    /* More than there is cannot be read. */
    if (self->width > self->extent)
        self->width = self->extent;
    return FH_OK;
}

static int
take_outs(mapping_t *self, const fh_kernel_map_options *options, err_t *err)
{
    const shape_t none = {0};
    const input_t *first = self->nin ? &self->in[0] : NULL;
    int status = FH_OK;
    self->nout = options->out ? options->nout : 1;
    for (int k = 0; k < self->nout && !status; k++) {
        const fh_kernel_out *asked = options->out ? &options->out[k] : NULL;
        dtype_t dtype = self->info->nin < 0 ? DTYPE_NONE : (dtype_t)self->info->in[self->nin + k];
        if (dtype == DTYPE_NONE && asked)
            dtype = asked->array ? asked->array->dtype : (dtype_t)asked->dtype;
        if (dtype == DTYPE_NONE && first)
            dtype = self->info->in[0] ? (dtype_t)self->info->in[0] : first->dtype;
        if (!dtype_valid((uint64_t)dtype))
            return err_set(err, FH_INVALID_ARGUMENT, "nothing says what dtype output %d of kernel %s has", k,
                           self->info->entry);
        status = mapping_take_out(self, k, asked, dtype, first ? &first->shape : &none, err);
    }
    return status;
}

/* Does input i go to each piece in part? */
static bool
is_cut(const mapping_t *self, int i)
{
    return self->axis >= 0 && !self->in[i].constant && has_extent(&self->in[i].shape, self->axis, self->extent);
}

/* Array kernels do not broadcast: axes are counted from the first.  A shape for input_align that cuts what is to be cut
 * and leaves the rest whole. */
static shape_t
frame(const mapping_t *self, int i)
{
    shape_t shape = self->in[i].shape;
    if (self->cut[i] || self->layout.axis < 0)
        return shape;
    return (shape_t){.ndim = shape.ndim + self->layout.axis + 1};
}

static int
shield(mapping_t *self, int i, err_t *err)
{
    input_t *input = &self->in[i];
    int status = FH_OK;
    for (int k = 0; k < self->nout && !status; k++) {
        shape_t shape = frame(self, i);
        if (self->out[k].in_place)
            status = input_shield(input, &shape, &self->layout, self->out[k].given, err);
    }
    return status;
}

static int
run(mapping_t *self, const fh_kernel_map_options *options, fh_array **ret, err_t *err)
{
    int status = take_outs(self, options, err);
    if (!status)
        status = find_layout(self, err);
    if (!status)
        status = take_halo(self, options, err);
    if (!status)
        status = cut_outs(self, err);
    if (!status)
        status = mapping_place_outs(self, err);
    for (int i = 0; i < self->nin && !status; i++) {
        self->cut[i] = is_cut(self, i);
        shape_t shape = frame(self, i);
        status = mapping_align(self, i, &shape, err);
        if (!status)
            status = shield(self, i, err);
    }
    bool any = false;
    for (int i = 0; i < self->nin; i++)
        any = any || self->cut[i];
    if (!any)
        self->width = 0; /* nothing has neighbours */
    if (!status && self->width)
        status = stencil_plan(self, err);
    return status ? status : mapping_emit(self, ret, err);
}

int
kernel_map_array(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options, fh_array **ret,
                 err_t *err)
{
    mapping_t self;
    int status = mapping_init(&self, kernel, in, nin, options, err);
    if (!status)
        status = run(&self, options, ret, err);
    mapping_release(&self);
    return status;
}
