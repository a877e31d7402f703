/* Fourier transforms along an axis: each engine those of its own lines. */
#include "proxy/align.h"
#include "proxy/apply.h"
#include "proxy/error.h"

#include <stdlib.h>

typedef struct {
    fh_array *a, *made;
    int axis;
    const int64_t *integers;
    double factor;
    layout_t layout; /* along another axis, or one part */
} lines_t;

/* Pieces stay where lines are whole in them; else the longest other axis is cut, if there is one. */
static int
find_layout(lines_t *self, err_t *err)
{
    const fh_array *a = self->a;
    int longest = -1;
    if (a->axis != self->axis)
        return array_layout(a, 0, &self->layout, err);
    for (int axis = 0; axis < a->shape.ndim; axis++)
        if (axis != self->axis && a->shape.extent[axis] > 1 &&
            (longest < 0 || a->shape.extent[axis] > a->shape.extent[longest]))
            longest = axis;
    if (longest < 0)
        return layout_single(&self->layout, a->parts[0].handle->engine, err);
    engine_link_t **engines = malloc((size_t)a->n * sizeof(engine_link_t *));
    if (!engines)
        return err_set(err, FH_NO_MEMORY, "no memory for %d pieces", a->n);
    for (int i = 0; i < a->n; i++)
        engines[i] = a->parts[i].handle->engine;
    int status = layout_split(&self->layout, longest, a->shape.extent[longest], 0, engines, a->n, err);
    free(engines);
    return status;
}

static int
transform_part(lines_t *self, int p, err_t *err)
{
    const layout_t *layout = &self->layout;
    part_t part = {0};
    piece_t all = {0, self->a->shape.ndim ? self->a->shape.extent[0] : 1};
    shape_t shape = layout_part_shape(layout, &self->made->shape, p);
    apply_output_t out = {.dtype = self->made->dtype, .shape = &shape, .of = self->made, .part = p};
    handle_t *made = NULL;
    int status =
        align_region(self->a, layout->axis, layout->axis < 0 ? all : layout->cuts[p], layout->engines[p], &part, err);
    if (!status) {
        operand_t in = apply_object(part.handle);
        apply_emit_t emit = {.method = APPLY_FFT,
                             .engine = layout->engines[p],
                             .in = &in,
                             .nin = 1,
                             .out = &out,
                             .nout = 1,
                             .integers = self->integers,
                             .nintegers = 3,
                             .reals = &self->factor,
                             .nreals = 1};
        status = apply_emit(&emit, &made, err);
    }
    if (!status)
        array_put(self->made, p, made, NULL);
    handle_unref(&part.handle);
    return status;
}

static int
check(const fh_array *a, int axis, int64_t n, fh_fft_kind kind, err_t *err)
{
    char name = dtype_kind(a->dtype);
    if (axis < 0 || axis >= a->shape.ndim)
        return err_set(err, FH_INVALID_ARGUMENT, "an array of %d dimensions has no axis %d", a->shape.ndim, axis);
    if (n < 1 || (int)kind < FH_FFT_FORWARD || kind > FH_FFT_REAL_AGAIN)
        return err_set(err, FH_INVALID_ARGUMENT, "a Fourier transform of kind %d has no lines of %lld elements",
                       (int)kind, (long long)n);
    if ((name != 'b' && name != 'i' && name != 'u' && name != 'f' && name != 'c') ||
        (kind == FH_FFT_REAL && name == 'c'))
        return err_set(err, FH_WRONG_TYPE, "a Fourier transform of kind %d takes no %s", (int)kind,
                       dtype_name(a->dtype));
    return FH_OK;
}

int
fh_fft(fh_array *a, int axis, int64_t n, fh_fft_kind kind, double factor, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    const int64_t integers[] = {axis, n, kind};
    lines_t self = {.a = a, .axis = axis, .integers = integers, .factor = factor};
    dtype_t dtype = kind == FH_FFT_REAL_AGAIN ? DTYPE_FLOAT64 : DTYPE_COMPLEX128;
    int status = array_enter(a, err);
    if (!status)
        status = check(a, axis, n, kind, err);
    if (status)
        return status;
    shape_t shape = a->shape;
    shape.extent[axis] = kind == FH_FFT_REAL ? n / 2 + 1 : n;
    if (shape_bytes(&shape, dtype) < 0)
        return err_set(err, FH_OVERFLOW, "the transforms are too large for this machine");
    status = find_layout(&self, err);
    if (!status)
        status = array_new_as(&self.made, a->session, dtype, &shape, &self.layout, err);
    for (int p = 0; p < self.layout.n && !status; p++)
        status = transform_part(&self, p, err);
    layout_release(&self.layout);
    return array_finish(self.made, status, ret, err);
}
