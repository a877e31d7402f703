#include "tests/unit/engine/apply/harness.h"

#include "tests/support/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void *
block(harness_t *self, int64_t bytes)
{
    assert_true(self->nblocks < HARNESS_BLOCKS);
    void *memory = NULL;

    assert_int_equal(posix_memalign(&memory, 4096, (size_t)bytes + 1), 0);
    memset(memory, 0xa5, (size_t)bytes + 1);
    self->blocks[self->nblocks++] = memory;
    return memory;
}

static int
make(apply_call_t *call, int output, const shape_t *shape, err_t *err)
{
    harness_t *self = (harness_t *)((char *)call - offsetof(harness_t, call));

    (void)err;
    nd_init(&self->out[output], block(self, shape_bytes(shape, self->out[output].dtype)), self->out[output].dtype,
            shape);
    return FH_OK;
}

static int
scratch(apply_call_t *call, int64_t bytes, void **ret, err_t *err)
{
    (void)err;
    *ret = block((harness_t *)((char *)call - offsetof(harness_t, call)), bytes);
    return FH_OK;
}

void
harness_init(harness_t *self)
{
    memset(self, 0, sizeof *self);
    self->call.in = self->in;
    self->call.out = self->out;
    self->call.make = make;
    self->call.scratch = scratch;
    assert_int_equal(crew_new(&self->call.crew, 2, NULL), FH_OK);
}

void
harness_release(harness_t *self)
{
    crew_destroy(&self->call.crew);
    for (int i = 0; i < self->nblocks; i++)
        free(self->blocks[i]);
    memset(self, 0, sizeof *self);
}

static void
put(nd_t *nd, void *data, dtype_t dtype, int ndim, const int64_t *extents)
{
    shape_t shape = {.ndim = ndim};

    if (ndim)
        memcpy(shape.extent, extents, (size_t)ndim * sizeof *extents);
    nd_init(nd, data, dtype, &shape);
}

void
harness_input(harness_t *self, void *data, dtype_t dtype, int ndim, const int64_t *shape)
{
    put(&self->in[self->call.nin++], data, dtype, ndim, shape);
}

void
harness_output(harness_t *self, dtype_t dtype)
{
    self->out[self->call.nout++] = (nd_t){.dtype = dtype, .shape.ndim = -1};
}

void
harness_in_place(harness_t *self, void *data, dtype_t dtype, int ndim, const int64_t *shape)
{
    put(&self->out[self->call.nout++], data, dtype, ndim, shape);
}

void
harness_run(harness_t *self, apply_code_t code, int status)
{
    err_t err = {0};

    assert_int_equal(apply_check(apply_at((int)code), self->call.nin, self->call.nout, &err), FH_OK);
    assert_int_equal(apply_function((int)code)(&self->call, &err), status);
}

void
harness_check_shape(const harness_t *self, int i, int ndim, const int64_t *shape)
{
    assert_int_equal(self->out[i].shape.ndim, ndim);
    for (int axis = 0; axis < ndim; axis++)
        assert_int_equal(self->out[i].shape.extent[axis], shape[axis]);
}
