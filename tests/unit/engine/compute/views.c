#include "tests/unit/engine/compute/views.h"

#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t
views_below(uint64_t *random, int64_t limit)
{
    return (int64_t)(check_random(random) % (uint64_t)limit);
}

shape_t
views_shape(uint64_t *random, int max_dims, int64_t max_extent)
{
    shape_t shape = {.ndim = (int)views_below(random, max_dims + 1)};
    for (int i = 0; i < shape.ndim; i++)
        shape.extent[i] = views_below(random, 15) == 0 ? 0 : views_below(random, max_extent) + 1;
    return shape;
}

static void
fill(uint64_t *random, const nd_t *nd)
{
    for (int64_t i = 0, count = shape_count(&nd->shape); i < count; i++) {
        double pair[2] = {(double)views_below(random, 200) / 2 - 20, (double)views_below(random, 20)};
        if (dtype_kind(nd->dtype) == 'u' || dtype_kind(nd->dtype) == 'b')
            pair[0] = fabs(pair[0]);
        else if (strchr("fc", dtype_kind(nd->dtype)) != NULL && views_below(random, 50) == 0)
            pair[0] = (double)NAN;
        if (views_below(random, 8) == 0)
            pair[0] = pair[1] = 0;
        dtype_convert(nd->dtype, views_at(nd, i), DTYPE_COMPLEX128, pair);
    }
}

view_t
views_make(uint64_t *random, dtype_t dtype, const shape_t *shape, bool misaligned)
{
    view_t self = {.nd = {.dtype = dtype, .shape = *shape}};
    int64_t size = (int64_t)dtype_size(dtype), step = size, low, high;
    int order[SHAPE_MAX_DIMS];
    for (int i = 0; i < shape->ndim; i++)
        order[i] = i;
    bool plain = views_below(random, 3) == 0;
    for (int i = shape->ndim - 1; i > 0 && !plain; i--) {
        int j = (int)views_below(random, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (int i = shape->ndim - 1; i >= 0; i--) {
        self.nd.stride[order[i]] = !plain && views_below(random, 4) == 0 ? -step : step;
        step *= shape->extent[order[i]] + (!plain && views_below(random, 4) == 0 ? 2 : 0);
        step = step == 0 ? size : step;
    }
    assert_int_equal(nd_extent(&self.nd, &low, &high), FH_OK);
    self.memory = malloc((size_t)(high - low) + 64);
    assert_non_null(self.memory);
    self.nd.data = self.memory + 16 - low + misaligned;
    fill(random, &self.nd);
    return self;
}

void
views_free(view_t *self)
{
    free(self->memory);
    self->memory = NULL;
}

char *
views_at(const nd_t *nd, int64_t i)
{
    char *data = nd->data;
    for (int axis = nd->shape.ndim - 1; axis >= 0; axis--) {
        data += i % nd->shape.extent[axis] * nd->stride[axis];
        i /= nd->shape.extent[axis];
    }
    return data;
}

double
views_number(const nd_t *nd, int64_t i)
{
    double number;
    dtype_convert(DTYPE_FLOAT64, &number, nd->dtype, views_at(nd, i));
    return number;
}

shape_t
views_narrow(uint64_t *random, const shape_t *shape)
{
    int dropped = (int)views_below(random, 3) == 0 ? (int)views_below(random, shape->ndim + 1) : 0;
    shape_t narrow = {.ndim = shape->ndim - dropped};
    for (int i = 0; i < narrow.ndim; i++)
        narrow.extent[i] = views_below(random, 4) == 0 ? 1 : shape->extent[i + dropped];
    return narrow;
}
