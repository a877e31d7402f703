#include "here.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
give_up(const char *what)
{
    fprintf(stderr, "here: %s\n", what);
    abort();
}

here_array_t
here_array(dtype_t dtype, int ndim, const int64_t *extent)
{
    here_array_t self = {.whole = -1};
    shape_t shape = {.ndim = ndim};
    for (int i = 0; i < ndim; i++)
        shape.extent[i] = extent[i];
    int64_t bytes = shape_bytes(&shape, dtype);
    self.size = bytes > 0 ? (size_t)bytes : 1;
    self.fd = memfd_create("here", MFD_CLOEXEC);
    if (self.fd < 0 || ftruncate(self.fd, (off_t)self.size))
        give_up("no memory file");
    self.data = mmap(NULL, self.size, PROT_READ | PROT_WRITE, MAP_SHARED, self.fd, 0);
    if (self.data == MAP_FAILED)
        give_up("no memory");
    nd_init(&self.nd, self.data, dtype, &shape);
    return self;
}

void
here_free(here_array_t *arrays, int count)
{
    for (int i = 0; i < count; i++) {
        munmap(arrays[i].data, arrays[i].size);
        close(arrays[i].fd);
    }
}

void
here_shuffle(here_array_t *array, unsigned *seed)
{
    nd_t *nd = &array->nd;
    int axes[3] = {0, 1, 2};
    for (int i = 2; i > 0; i--) {
        int j = rand_r(seed) % (i + 1), swap = axes[i];
        axes[i] = axes[j];
        axes[j] = swap;
    }
    int64_t stride = (int64_t)dtype_size(nd->dtype), step = 1 + rand_r(seed) % 2;
    nd->data = array->data;
    for (int i = 0; i < 3; i++) {
        int axis = axes[i];
        nd->stride[axis] = stride * step;
        stride *= nd->shape.extent[axis] * step;
        step = 1;
        if (rand_r(seed) % 2) {
            nd->data += nd->stride[axis] * (nd->shape.extent[axis] - 1);
            nd->stride[axis] = -nd->stride[axis];
        }
    }
}

char *
here_at(const here_array_t *array, int64_t i, int64_t j, int64_t k)
{
    const int64_t index[3] = {i, j, k};
    char *at = array->nd.data;
    for (int axis = 0; axis < array->nd.shape.ndim; axis++)
        at += index[axis] * array->nd.stride[axis];
    return at;
}

static execute_done_t last;

unsigned
here_raised(void)
{
    return last.raised;
}

int
here_run(const kernel_code_t *kernel, runner_run_t *request, const here_array_t *arrays, crew_t *crew,
         runner_page_t *page, err_t *err)
{
    int fds[RUNNER_MAX_OPERANDS], count = (int)(request->nin + request->nout) + request->masked +
                                          __builtin_popcount(request->low) + __builtin_popcount(request->high);
    request->code = RUNNER_RUN;
    request->count = (uint32_t)count;
    for (int k = 0; k < count && k < RUNNER_MAX_OPERANDS; k++) {
        const here_array_t *array = &arrays[k];
        runner_operand_t *wire = &request->operands[k];
        *wire = (runner_operand_t){.fd_size = (int64_t)array->size,
                                   .offset = array->nd.data - array->data,
                                   .base = array->base,
                                   .whole = array->whole,
                                   .cut = array->cut,
                                   .dtype = (int32_t)array->nd.dtype,
                                   .ndim = array->nd.shape.ndim};
        memcpy(wire->extent, array->nd.shape.extent, sizeof wire->extent);
        memcpy(wire->stride, array->nd.stride, sizeof wire->stride);
        fds[k] = array->fd;
    }
    return execute_run(kernel, request, &(execute_memory_t){.fds = fds, .nfds = count}, crew, page, &last, err);
}
