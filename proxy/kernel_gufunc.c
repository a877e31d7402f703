/* Gufuncs: over the loop dimensions, broadcast; distributed along one of them, or on one engine. */
#include "codecs/core_dims.h"
#include "proxy/kernel_map.h"

typedef struct {
    core_dims_t dims;
    shape_t loop;
    int64_t extent[CORE_DIMS_MAX_NAMES];
    shape_t in[KERNEL_MAX_IN]; /* loop and core dimensions of each input, as it is broadcast */
} loops_t;

static int
resolve(const mapping_t *self, loops_t *ret, err_t *err)
{
    const shape_t *shapes[KERNEL_MAX_IN];
    int status = core_dims_parse(self->info->layout, &ret->dims, err);
    for (int i = 0; i < self->nin; i++)
        shapes[i] = &self->in[i].shape;
    if (!status)
        status = core_dims_resolve(&ret->dims, shapes, &ret->loop, ret->extent, err);
    for (int i = 0; i < self->nin && !status; i++)
        status = core_dims_shape(&ret->dims, i, &ret->loop, ret->extent, &ret->in[i], err);
    return status;
}

static int
take_outs(mapping_t *self, const loops_t *loops, const fh_kernel_map_options *options, err_t *err)
{
    int status = FH_OK;
    self->nout = loops->dims.nout;
    for (int k = 0; k < self->nout && !status; k++) {
        const fh_kernel_out *asked = options->out ? &options->out[k] : NULL;
        dtype_t dtype = (dtype_t)self->info->out[k];
        shape_t shape;
        char have[256], want[256];
        if (dtype == DTYPE_NONE && asked)
            dtype = asked->array ? asked->array->dtype : (dtype_t)asked->dtype;
        if (dtype == DTYPE_NONE)
            dtype = self->info->in[0] ? (dtype_t)self->info->in[0] : self->in[0].dtype;
        if (!dtype_valid((uint64_t)dtype))
            return err_set(err, FH_INVALID_ARGUMENT, "nothing says what dtype output %d of kernel %s has", k,
                           self->info->entry);
        status = core_dims_shape(&loops->dims, self->nin + k, &loops->loop, loops->extent, &shape, err);
        if (!status)
            status = mapping_take_out(self, k, asked, dtype, &shape, err);
        if (!status && !shape_equal(&shape, &self->out[k].shape))
            status = err_set(err, FH_INVALID_ARGUMENT, "output %d of kernel %s has shape %s, but the result has %s", k,
                             self->info->entry, shape_format(&self->out[k].shape, have, sizeof have),
                             shape_format(&shape, want, sizeof want));
    }
    return status;
}

/* The largest input that is distributed along a loop dimension leads; else all is done where the largest one is. */
static int
find_layout(mapping_t *self, const loops_t *loops, err_t *err)
{
    const fh_array *leader = NULL, *largest = NULL;
    int shift = 0;
    for (int i = 0; i < self->nin; i++) {
        const fh_array *array = self->in[i].array;
        int lead = array ? array->shape.ndim - loops->dims.ndim[i] : 0;
        if (array && (!largest || array_bytes(array) > array_bytes(largest)))
            largest = array;
        if (!array || array->axis < 0 || array->axis >= lead || (leader && array_bytes(array) <= array_bytes(leader)))
            continue;
        leader = array;
        shift = loops->loop.ndim - lead;
    }
    if (leader)
        return array_layout(leader, shift, &self->layout, err);
    if (largest)
        return layout_single(&self->layout, largest->parts[0].handle->engine, err);
    engine_link_t *engine;
    int status = session_emptiest(self->kernel->session, &engine, err);
    return status ? status : layout_single(&self->layout, engine, err);
}

static int
run(mapping_t *self, const fh_kernel_map_options *options, fh_array **ret, err_t *err)
{
    loops_t loops;
    if (options->nhalo)
        return err_set(err, FH_INVALID_ARGUMENT, "gufuncs have no halo");
    int status = resolve(self, &loops, err);
    if (!status)
        status = take_outs(self, &loops, options, err);
    if (!status)
        status = find_layout(self, &loops, err);
    if (!status)
        status = mapping_place_outs(self, err);
    for (int i = 0; i < self->nin && !status; i++) {
        status = mapping_align(self, i, &loops.in[i], err);
        for (int k = 0; k < self->nout && !status; k++)
            if (self->out[k].in_place)
                status = input_shield(&self->in[i], &loops.in[i], &self->layout, self->out[k].given, err);
    }
    return status ? status : mapping_emit(self, ret, err);
}

int
kernel_map_gufunc(fh_kernel *kernel, const fh_operand *in, int nin, const fh_kernel_map_options *options,
                  fh_array **ret, err_t *err)
{
    mapping_t self;
    int status = mapping_init(&self, kernel, in, nin, options, err);
    if (!status)
        status = run(&self, options, ret, err);
    mapping_release(&self);
    return status;
}
