#include "tests/fault/anything.h"

#include "codecs/core_dims.h"

#include <string.h>

enum { LENGTH = 6, ROWS = 4, COLUMNS = 6, LOOP = 3, CORE = 3, GAP = 64, FILLER = 1, AROUND = 0x5a };

static dtype_t
known(dtype_t dtype)
{
    return dtype == DTYPE_NONE ? DTYPE_FLOAT64 : dtype;
}

/* Filled with ones, bytes of a valid number of every dtype; what lies around it has other bytes. */
static void
add(anything_t *self, int at, dtype_t dtype, const shape_t *shape)
{
    runner_array_t *array = &self->operands[at];
    int64_t bytes = shape_bytes(shape, dtype);
    if (bytes < 0 || self->used + (size_t)bytes + 2 * (size_t)GAP > sizeof self->memory) {
        self->too_large = true;
        return;
    }
    char *data = self->memory + self->used + GAP;
    memset(data, FILLER, (size_t)bytes);
    *array = (runner_array_t){.fd = -1};
    nd_init(&array->nd, data, dtype, shape);
    self->used += GAP + ((size_t)bytes + GAP - 1) / GAP * GAP;
}

static void
add_all(anything_t *self, const kernel_info_t *info, const shape_t *in, const shape_t *out)
{
    for (int i = 0; i < self->call.nin; i++)
        add(self, i, known(info->in[i]), in);
    for (int i = 0; i < self->call.nout; i++)
        add(self, self->call.nin + i, known(info->out[i]), out);
}

static void
prepare_array(anything_t *self, const kernel_info_t *info)
{
    static const shape_t SHAPE = {.ndim = 2, .extent = {ROWS, COLUMNS}};
    int count = info->nin > 0 ? info->nin : 2;
    self->call.nin = count - 1;
    self->call.nout = 1;
    for (int i = 0; i < count; i++)
        add(self, i, known(info->in[i]), &SHAPE);
}

static void
prepare_gufunc(anything_t *self, const kernel_info_t *info)
{
    core_dims_t core;
    err_t err;
    shape_t loop = {.ndim = 1, .extent = {LOOP}}, shape;
    int64_t extent[CORE_DIMS_MAX_NAMES];
    if (core_dims_parse(info->layout, &core, &err) || core.nin != info->nin || core.nout != info->nout) {
        self->too_large = true;
        return;
    }
    for (int i = 0; i < core.names; i++)
        extent[i] = core.fixed[i] >= 0 ? core.fixed[i] : CORE;
    for (int i = 0; i < core.nin + core.nout && !self->too_large; i++)
        if (core_dims_shape(&core, i, &loop, extent, &shape, &err))
            self->too_large = true;
        else
            add(self, i, known(i < core.nin ? info->in[i] : info->out[i - core.nin]), &shape);
}

bool
anything_prepare(anything_t *self, const kernel_info_t *info)
{
    static const shape_t LINE = {.ndim = 1, .extent = {LENGTH}}, NUMBER = {.ndim = 0};
    memset(self->memory, AROUND, sizeof self->memory);
    self->used = 0;
    self->too_large = false;
    self->call =
        (runner_call_t){.operands = self->operands, .nin = info->nin, .nout = info->nout, .axis = -1, .piece = -1};
    if (info->kind == KERNEL_ARRAY) {
        prepare_array(self, info);
    } else if (info->kind == KERNEL_GUFUNC) {
        prepare_gufunc(self, info);
    } else if (info->kind == KERNEL_REDUCTION) {
        self->call.stage = FOLD_ALL;
        self->call.axis = 0;
        self->call.nout = 1;
        add_all(self, info, &LINE, &NUMBER);
        for (int i = 0; i < self->call.nin; i++)
            self->operands[i].whole = LENGTH;
    } else {
        add_all(self, info, &LINE, &LINE);
    }
    return !self->too_large;
}

bool
anything_is_intact(const anything_t *self, bool failed)
{
    const char *at = self->memory;
    int inputs = failed ? self->call.nin + self->call.nout : self->call.nin;
    for (int i = 0; i < self->call.nin + self->call.nout; i++) {
        const nd_t *nd = &self->operands[i].nd;
        const char *data = nd->data, *end = data + shape_bytes(&nd->shape, nd->dtype);
        for (; at < data; at++)
            if (*at != AROUND)
                return false;
        for (; at < end; at++)
            if (i < inputs && *at != FILLER)
                return false;
    }
    for (; at < self->memory + sizeof self->memory; at++)
        if (*at != AROUND)
            return false;
    return true;
}
