/* Signatures and layouts of kernels: nothing crashes, and what is accepted keeps to its bounds. */
#include "codecs/core_dims.h"
#include "engine/runner/code/signature.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
resolve(const core_dims_t *core)
{
    static const shape_t SHAPES[] = {
        {.ndim = 0}, {.ndim = 1, .extent = {3}}, {.ndim = 2, .extent = {3, 3}}, {.ndim = 4, .extent = {2, 1, 3, 3}}};
    const shape_t *inputs[CORE_DIMS_MAX_OPERANDS];
    shape_t loop, shape;
    int64_t extent[CORE_DIMS_MAX_NAMES];
    err_t err;
    for (size_t with = 0; with < sizeof SHAPES / sizeof *SHAPES; with++) {
        for (int i = 0; i < core->nin; i++)
            inputs[i] = &SHAPES[with];
        if (core_dims_resolve(core, inputs, &loop, extent, &err))
            continue;
        for (int i = 0; i < core->nin + core->nout; i++)
            if (!core_dims_shape(core, i, &loop, extent, &shape, &err) && shape.ndim != loop.ndim + core->ndim[i])
                abort();
    }
}

static void
check_layout(const char *text)
{
    core_dims_t core;
    err_t err;
    if (core_dims_parse(text, &core, &err))
        return;
    if (core.nin < 0 || core.nout < 0 || core.nin + core.nout > CORE_DIMS_MAX_OPERANDS ||
        core.names > CORE_DIMS_MAX_NAMES)
        abort();
    for (int i = 0; i < core.nin + core.nout; i++) {
        if (core.ndim[i] < 0 || core.ndim[i] > CORE_DIMS_MAX_CORE)
            abort();
        for (int k = 0; k < core.ndim[i]; k++)
            if (core.dim[i][k] < 0 || core.dim[i][k] >= core.names)
                abort();
    }
    resolve(&core);
}

static void
check_signature(const char *text)
{
    signature_t signature;
    dtype_t in[KERNEL_MAX_ARGS], out[KERNEL_MAX_OUT];
    int nin = 0, nout = 0;
    err_t err;
    if (signature_parse(text, &signature, &err))
        return;
    if (signature.count < 0 || signature.count > SIGNATURE_MAX_ARGS)
        abort();
    if (!signature_piece(&signature, in, &nin, out, &err) && (nin < 0 || nin > KERNEL_MAX_ARGS))
        abort();
    for (int wanted = 0; wanted <= KERNEL_MAX_OUT; wanted++)
        if (!signature_operands(&signature, wanted, in, &nin, out, &nout, &err) &&
            (nin < 0 || nin > KERNEL_MAX_ARGS || nout < 0 || nout > KERNEL_MAX_OUT))
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    check_layout(text);
    check_signature(text);
    free(text);
    return 0;
}
