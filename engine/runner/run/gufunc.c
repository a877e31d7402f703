#include "engine/runner/run/gufunc.h"

#include "codecs/core_dims.h"
#include "engine/runner/fault.h"
#include "engine/runner/run/kernel_array.h"
#include "engine/runner/run/progress.h"

#include <stdatomic.h>
#include <string.h>

enum {
    MAX_ARRAYS = KERNEL_MAX_ARGS + KERNEL_MAX_OUT,
    MAX_STEPS = MAX_ARRAYS * (1 + CORE_DIMS_MAX_CORE) + 1 + CORE_DIMS_MAX_NAMES,
    PARTS_A_THREAD = 8,
    PART_MIN = 4 << 10, /* elements of the largest operand that are worth a thread's while */
};

typedef struct {
    const kernel_call_t *call;
    core_dims_t layout;
    shape_t loop;
    int64_t extent[CORE_DIMS_MAX_NAMES];
    int arrays;
    nd_t nd[MAX_ARRAYS];      /* loop dimensions, then core dimensions */
    int64_t steps[MAX_STEPS]; /* loop_abi: what the kernel gets, but for n */
    int nsteps;
    int64_t count, part;     /* of the loop; of one part */
    int64_t result_elements; /* of one core array of the first result */
    _Atomic int64_t failed;  /* number of the loop's element whose kernel returned not 0; INT64_MAX: none */
    _Atomic int32_t returned;
} gufunc_t;

static int
check_shapes(gufunc_t *self, err_t *err)
{
    const kernel_call_t *call = self->call;
    const shape_t *inputs[MAX_ARRAYS];
    for (int k = 0; k < call->nin; k++)
        inputs[k] = &call->operand[k].shape;
    int status = core_dims_resolve(&self->layout, inputs, &self->loop, self->extent, err);
    for (int k = 0; k < self->arrays && !status; k++) {
        shape_t wanted;
        status = core_dims_shape(&self->layout, k, &self->loop, self->extent, &wanted, err);
        if (!status && k >= call->nin && !shape_equal(&wanted, &call->operand[k].shape))
            status =
                err_set(err, FH_INVALID_ARGUMENT, "result %d of kernel %.200s has another shape than its layout says",
                        k - call->nin, call->kernel->about.entry);
        if (!status)
            status = nd_broadcast(&call->operand[k], &wanted, &self->nd[k], err);
    }
    return status;
}

/* Steps for NumPy's loop along the last dimension of the loop. */
static void
fill_steps(gufunc_t *self)
{
    int last = self->loop.ndim - 1, at = self->arrays;
    for (int k = 0; k < self->arrays; k++) {
        self->steps[k] = last >= 0 ? self->nd[k].stride[last] : 0;
        for (int d = 0; d < self->layout.ndim[k]; d++)
            self->steps[at++] = self->nd[k].stride[self->loop.ndim + d];
    }
    self->nsteps = at;
    for (int name = 0; name < self->layout.names; name++)
        self->steps[at + 1 + name] = self->extent[name];
}

/* Where the core arrays of an element of the loop begin. */
static void
seek(const gufunc_t *self, int64_t position, char **ret_data)
{
    for (int k = 0; k < self->arrays; k++)
        ret_data[k] = self->nd[k].data;
    for (int i = self->loop.ndim - 1; i >= 0; i--) {
        int64_t index = position % self->loop.extent[i];
        position /= self->loop.extent[i];
        for (int k = 0; k < self->arrays; k++)
            if (ret_data[k])
                ret_data[k] += index * self->nd[k].stride[i];
    }
}

static void
note(gufunc_t *self, int64_t position, int32_t returned)
{
    int64_t known = atomic_load(&self->failed);
    while (position < known && !atomic_compare_exchange_weak(&self->failed, &known, position)) {
    }
    if (position < known)
        atomic_store(&self->returned, returned);
}

/* As many elements of the loop as NumPy's loop can take at once. */
static int64_t
run_loop(gufunc_t *self, int64_t position, int64_t n)
{
    char *data[MAX_ARRAYS];
    int64_t steps[MAX_STEPS], row = self->loop.ndim ? self->loop.extent[self->loop.ndim - 1] : 1;
    int64_t rest = row - position % row;
    n = n < rest ? n : rest;
    seek(self, position, data);
    memcpy(steps, self->steps, sizeof steps);
    steps[self->nsteps] = n;
    int32_t returned = self->call->kernel->loop(data, steps, n);
    if (returned)
        note(self, position, returned);
    return n;
}

static void
run_arrays(gufunc_t *self, fh_array *arrays, int64_t position)
{
    char *data[MAX_ARRAYS];
    seek(self, position, data);
    for (int k = 0; k < self->arrays; k++)
        arrays[k].data = data[k];
    int32_t returned = self->call->kernel->loop((char *const *)(void *)arrays, NULL, self->arrays);
    if (returned)
        note(self, position, returned);
}

/* The core dimensions of operand k; data is set for each element. */
static void
core_array(const gufunc_t *self, int k, fh_array *ret)
{
    nd_t core = {.data = self->nd[k].data, .dtype = self->nd[k].dtype, .shape.ndim = self->layout.ndim[k]};
    for (int d = 0; d < core.shape.ndim; d++) {
        core.shape.extent[d] = self->nd[k].shape.extent[self->loop.ndim + d];
        core.stride[d] = self->nd[k].stride[self->loop.ndim + d];
    }
    kernel_array_init(ret, &core);
}

static void
run_part(void *context, int64_t i)
{
    gufunc_t *self = context;
    fh_array arrays[MAX_ARRAYS];
    bool numpy = self->call->kernel->about.loop_abi;
    int64_t begin = i * self->part, at = begin, end = begin + self->part;
    end = end < self->count ? end : self->count;
    for (int k = 0; k < self->arrays && !numpy; k++)
        core_array(self, k, &arrays[k]);
    while (at < end && at < atomic_load_explicit(&self->failed, memory_order_relaxed) && !progress_stopped()) {
        fault_elements(at * self->result_elements, (numpy ? end : at + 1) * self->result_elements);
        if (numpy)
            at += run_loop(self, at, end - at);
        else
            run_arrays(self, arrays, at++);
    }
    fault_elements(0, 0);
    progress_add((at - begin) * self->result_elements);
}

static int
say_failed(const gufunc_t *self, err_t *err)
{
    const char *entry = self->call->kernel->about.entry;
    int64_t position = self->failed;
    shape_t index = {.ndim = self->loop.ndim};
    char where[160], whole[160];
    if (self->call->kernel->about.loop_abi)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s returned %d", entry, (int)self->returned);
    for (int i = index.ndim - 1; i >= 0; i--) {
        index.extent[i] = position % self->loop.extent[i];
        position /= self->loop.extent[i];
    }
    return err_set(err, FH_KERNEL_ERROR, "kernel %.100s returned %d for element %s of a loop over %s", entry,
                   (int)self->returned, shape_format(&index, where, sizeof where),
                   shape_format(&self->loop, whole, sizeof whole));
}

int
gufunc_run(const kernel_call_t *call, err_t *err)
{
    gufunc_t self = {.call = call, .arrays = call->nin + call->nout};
    int status = core_dims_parse(call->kernel->about.layout, &self.layout, err);
    if (!status && (self.layout.nin != call->nin || self.layout.nout != call->nout || self.arrays > MAX_ARRAYS))
        status = err_set(err, FH_KERNEL_ERROR, "kernel %.200s: its layout %.100s is not of %d arrays and %d results",
                         call->kernel->about.entry, call->kernel->about.layout, call->nin, call->nout);
    if (!status)
        status = check_shapes(&self, err);
    if (status)
        return status;
    self.count = shape_count(&self.loop);
    if (self.count <= 0)
        return FH_OK;
    fill_steps(&self);
    int64_t largest = 1;
    for (int k = 0; k < self.arrays; k++) {
        int64_t elements = shape_count(&self.nd[k].shape) / self.count;
        largest = elements > largest ? elements : largest;
        self.result_elements = k == call->nin ? elements : self.result_elements;
    }
    int64_t least = (PART_MIN + largest - 1) / largest;
    self.part = self.count / ((int64_t)kernel_call_threads(call) * PARTS_A_THREAD);
    self.part = self.part > least ? self.part : least;
    atomic_init(&self.failed, INT64_MAX);
    kernel_call_share(call, (self.count + self.part - 1) / self.part, run_part, &self);
    return self.failed == INT64_MAX ? FH_OK : say_failed(&self, err);
}
