#include "engine/runner/execute.h"

#include "engine/runner/operand.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILLER_BYTES = 8192,      /* a constant operand is spread over so many bytes at a time */
    FILLER_FROM = 128,        /* elements from which that pays */
    PART_ELEMENTS = 16 << 10, /* a thread gets no less than so many at a time */
    PARTS_A_THREAD = 8,       /* and so often at most: elements may differ in cost */
};

/* A ufunc call with its axes sorted for memory order and merged: ndim outer axes, then n elements a row. */
typedef struct {
    const kernel_code_t *kernel;
    int operands;
    char *data[RUNNER_MAX_OPERANDS];
    int ndim;
    int64_t extent[SHAPE_MAX_DIMS];
    int64_t stride[SHAPE_MAX_DIMS][RUNNER_MAX_OPERANDS];
    int64_t parts; /* the first axis is cut into so many */
    atomic_int raised;
} walk_t;

static dtype_t
operand_dtype(const kernel_code_t *kernel, int k)
{
    return (dtype_t)(k < kernel->about.nin ? kernel->about.in[k] : kernel->about.out[0]);
}

static bool
is_constant_row(const walk_t *self, const int64_t *strides, int64_t n)
{
    bool constant = false;
    for (int k = 0; k < self->operands; k++) {
        if (!strides[k] && k < self->operands - 1)
            constant = true;
        else if (strides[k] != (int64_t)dtype_size(operand_dtype(self->kernel, k)))
            return false;
    }
    return constant && n >= FILLER_FROM;
}

/* A row where some inputs are one element each and the rest is contiguous: spread the constants over a small buffer, so
 * that the contiguous version of the loop runs. */
static int
run_constant_row(const walk_t *self, char *const *data, const int64_t *strides, int64_t n)
{
    _Alignas(64) char filler[KERNEL_MAX_ARGS][FILLER_BYTES];
    int64_t step = FILLER_BYTES / 8, size[RUNNER_MAX_OPERANDS];
    char *at[RUNNER_MAX_OPERANDS];
    if (step > n)
        step = n;
    for (int k = 0; k < self->operands; k++) {
        size[k] = (int64_t)dtype_size(operand_dtype(self->kernel, k));
        at[k] = data[k];
        if (strides[k])
            continue;
        for (int64_t i = 0; i < step; i++)
            memcpy(filler[k] + i * size[k], data[k], (size_t)size[k]);
        at[k] = filler[k];
    }
    int raised = 0;
    for (int64_t i = 0; i < n; i += step) {
        raised |= self->kernel->loop(at, size, n - i < step ? n - i : step);
        for (int k = 0; k < self->operands; k++)
            if (strides[k])
                at[k] += step * size[k];
    }
    return raised;
}

static int
run_row(const walk_t *self, char *const *data, const int64_t *strides, int64_t n)
{
    return is_constant_row(self, strides, n) ? run_constant_row(self, data, strides, n)
                                             : self->kernel->loop(data, strides, n);
}

/* Part i of the walk: a range of the first axis, all of the others. */
static void
run_part(void *context, int64_t i)
{
    walk_t *self = context;
    int64_t from = self->extent[0] / self->parts * i,
            to = i + 1 == self->parts ? self->extent[0] : self->extent[0] / self->parts * (i + 1);
    int64_t extent[SHAPE_MAX_DIMS], index[SHAPE_MAX_DIMS] = {0};
    char *data[RUNNER_MAX_OPERANDS];
    memcpy(extent, self->extent, sizeof extent);
    extent[0] = to - from;
    for (int k = 0; k < self->operands; k++)
        data[k] = self->data[k] + from * self->stride[0][k];
    int inner = self->ndim - 1, raised = 0;
    for (;;) {
        raised |= run_row(self, data, self->stride[inner], extent[inner]);
        int axis = inner - 1;
        for (; axis >= 0; axis--) {
            for (int k = 0; k < self->operands; k++)
                data[k] += self->stride[axis][k];
            if (++index[axis] < extent[axis])
                break;
            for (int k = 0; k < self->operands; k++)
                data[k] -= extent[axis] * self->stride[axis][k];
            index[axis] = 0;
        }
        if (axis < 0)
            break;
    }
    if (raised)
        atomic_store(&self->raised, 1);
}

static int64_t
magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Put axis (extent, strides of all operands) into the walk, axes with larger output strides first. */
static void
add_axis(walk_t *self, int64_t extent, const int64_t *strides)
{
    int at = self->ndim++, out = self->operands - 1;
    while (at > 0 && magnitude(self->stride[at - 1][out]) < magnitude(strides[out])) {
        self->extent[at] = self->extent[at - 1];
        memcpy(self->stride[at], self->stride[at - 1], sizeof self->stride[at]);
        at--;
    }
    self->extent[at] = extent;
    memcpy(self->stride[at], strides, sizeof self->stride[at]);
    if (strides[out] >= 0)
        return;
    for (int k = 0; k < self->operands; k++) { /* walk the output upwards */
        self->data[k] += (extent - 1) * strides[k];
        self->stride[at][k] = -strides[k];
    }
}

static void
merge_axes(walk_t *self)
{
    int last = 0;
    for (int i = 1; i < self->ndim; i++) {
        bool one = true;
        for (int k = 0; k < self->operands && one; k++)
            one = self->stride[last][k] == self->stride[i][k] * self->extent[i];
        if (one) {
            self->extent[last] *= self->extent[i];
        } else {
            last++;
            self->extent[last] = self->extent[i];
        }
        memcpy(self->stride[last], self->stride[i], sizeof self->stride[last]);
    }
    self->ndim = last + 1;
}

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void
run_walk(walk_t *self, crew_t *crew, int64_t count)
{
    self->parts =
        crew ? smaller(smaller(self->extent[0], count / PART_ELEMENTS), (int64_t)crew_threads(crew) * PARTS_A_THREAD)
             : 0;
    if (self->parts > 1) {
        crew_run(crew, self->parts, run_part, self);
    } else {
        self->parts = 1;
        run_part(self, 0);
    }
}

static int
run_ufunc(const kernel_code_t *kernel, const operand_map_t *maps, crew_t *crew, err_t *err)
{
    walk_t walk = {.kernel = kernel, .operands = kernel->about.nin + 1};
    const nd_t *out = &maps[kernel->about.nin].nd;
    nd_t nd[RUNNER_MAX_OPERANDS];
    for (int k = 0; k < walk.operands; k++) {
        int status = nd_broadcast(&maps[k].nd, &out->shape, &nd[k], err);
        if (status)
            return status;
        walk.data[k] = nd[k].data;
    }
    int64_t count = shape_count(&out->shape);
    if (!count)
        return FH_OK;
    for (int axis = 0; axis < out->shape.ndim; axis++) {
        int64_t strides[RUNNER_MAX_OPERANDS] = {0};
        for (int k = 0; k < walk.operands; k++)
            strides[k] = nd[k].stride[axis];
        if (out->shape.extent[axis] > 1)
            add_axis(&walk, out->shape.extent[axis], strides);
    }
    if (!walk.ndim) { /* one element: its strides do not matter */
        int64_t strides[RUNNER_MAX_OPERANDS] = {0};
        add_axis(&walk, 1, strides);
    }
    merge_axes(&walk);
    run_walk(&walk, crew, count);
    if (atomic_load(&walk.raised))
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s raised an exception for at least one element",
                       kernel->about.entry);
    return FH_OK;
}

static int
run_piece(const kernel_code_t *kernel, const operand_map_t *maps, err_t *err)
{
    char *data[RUNNER_MAX_OPERANDS];
    for (int k = 0; k <= kernel->about.nin; k++) {
        if (!nd_is_c_contiguous(&maps[k].nd) && !nd_is_f_contiguous(&maps[k].nd))
            return err_set(err, FH_KERNEL_ERROR, "array %d of piece kernel %.200s is not contiguous", k,
                           kernel->about.entry);
        data[k] = maps[k].nd.data;
    }
    kernel->loop(data, NULL, shape_count(&maps[0].nd.shape));
    return FH_OK;
}

int
execute_run(const kernel_code_t *kernel, const runner_run_t *request, const int *fds, int nfds, char *mailbox,
            crew_t *crew, runner_page_t *page, uint64_t *ret_elements, err_t *err)
{
    (void)mailbox, (void)page;
    *ret_elements = 0;
    operand_map_t maps[RUNNER_MAX_OPERANDS] = {{.start = NULL}};
    int status = FH_OK, count = kernel->about.nin + 1;
    if (request->count != (uint32_t)count || request->nin != (uint32_t)kernel->about.nin)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s takes %d arrays, not %d", kernel->about.entry,
                       kernel->about.nin, (int)request->count - 1);
    if (nfds != count)
        return err_set(err, FH_KERNEL_ERROR, "%d arrays came with %d descriptors", count, nfds);
    for (int k = 0; k < count && !status; k++) {
        status = operand_map(&maps[k], &request->operands[k], fds[k], k == kernel->about.nin, err);
        if (!status && maps[k].nd.dtype != operand_dtype(kernel, k))
            status = err_set(err, FH_KERNEL_ERROR, "kernel %.200s: array %d is %s, not %s", kernel->about.entry, k,
                             dtype_name(maps[k].nd.dtype), dtype_name(operand_dtype(kernel, k)));
    }
    if (!status)
        status = kernel->about.kind == KERNEL_PIECE ? run_piece(kernel, maps, err) : run_ufunc(kernel, maps, crew, err);
    for (int k = 0; k < count; k++)
        operand_unmap(&maps[k]);
    return status;
}
