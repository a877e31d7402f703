#include "engine/methods/kernel_signature.h"

#include "codecs/core_dims.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *text;
    size_t size, used;
} writer_t;

__attribute__((format(printf, 2, 3))) static void
put(writer_t *self, const char *format, ...)
{
    va_list args;

    if (self->used >= self->size)
        return;
    va_start(args, format);
    self->used += (size_t)vsnprintf(self->text + self->used, self->size - self->used, format, args);
    va_end(args);
}

/* "float64[:,:]"; ndim 0: a number; -1: any. */
static void
put_array(writer_t *self, dtype_t dtype, int ndim)
{
    put(self, "%s", dtype == DTYPE_NONE ? "any" : dtype_name(dtype));
    if (ndim < 0)
        put(self, "[...]");
    for (int i = 0; i < ndim; i++)
        put(self, "%s%s", i ? ",:" : "[:", i == ndim - 1 ? "]" : "");
}

static void
put_numbers(writer_t *self, const kernel_info_t *info)
{
    put(self, "%s(", dtype_name(info->out[0]));
    for (int i = 0; i < info->nin; i++)
        put(self, "%s%s", i ? ", " : "", dtype_name(info->in[i]));
    put(self, ")");
}

/* All operands in order, with the dimensions of a gufunc (dims) or all with so many. */
static void
put_arrays(writer_t *self, const kernel_info_t *info, const core_dims_t *dims, int ndim)
{
    put(self, "void(");
    for (int i = 0; i < info->nin + info->nout; i++) {
        put(self, "%s", i ? ", " : "");
        put_array(self, i < info->nin ? info->in[i] : info->out[i - info->nin], dims ? dims->ndim[i] : ndim);
    }
    put(self, ")");
}

static bool
takes_anything(const kernel_info_t *info)
{
    bool anything = info->kind == KERNEL_ARRAY;

    for (int i = 0; i < info->nin && anything; i++)
        anything = info->in[i] == DTYPE_NONE;
    return anything;
}

void
kernel_signature(const kernel_info_t *info, char *ret, size_t size)
{
    writer_t writer = {.text = ret, .size = size};
    core_dims_t dims;

    *ret = '\0';
    if (takes_anything(info))
        return;
    if (info->kind == KERNEL_GUFUNC && core_dims_parse(info->layout, &dims, NULL) == 0 &&
        dims.nin + dims.nout == info->nin + info->nout)
        put_arrays(&writer, info, &dims, 0);
    else if (info->nout == 1)
        put_numbers(&writer, info);
    else
        put_arrays(&writer, info, NULL, info->kind == KERNEL_ARRAY ? -1 : 1);
    if (writer.used >= size)
        memcpy(ret + size - 4, "...", 4);
}
