#include "engine/runner/run/elementwise.h"

#include "base/stream_copy.h"
#include "engine/runner/fault.h"
#include "engine/runner/run/desk.h"
#include "engine/runner/run/progress.h"

#include <stdatomic.h>

enum {
    PART_MAX = 64 << 10,     /* elements between two looks at whether the call is to stop */
    PART_MIN = 16 << 10,     /* a thread gets no less at a time */
    PARTS_A_THREAD = 8,      /* and so often at least, of large arrays: elements may differ in cost */
    CHUNK_MAX = 1024,        /* large enough for its costs, small enough to stay in the nearest cache */
    STREAM_BYTES = 16 << 20, /* results of so many bytes, with their inputs, do not stay in the cache anyhow */
};

typedef struct {
    desk_plan_t plan;
    int64_t part;                /* elements of one */
    _Atomic int64_t first_raise; /* position of the first chunk with an element that raised; INT64_MAX: none */
} elementwise_t;

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void
note_raise(elementwise_t *self, int64_t position)
{
    int64_t known = atomic_load(&self->first_raise);
    while (position < known && !atomic_compare_exchange_weak(&self->first_raise, &known, position)) {
    }
}

/* Part i of the positions.  Those behind an element that raised need not be computed. */
static void
run_part(void *context, int64_t i)
{
    elementwise_t *self = context;
    const walk_t *walk = &self->plan.walk;
    int64_t at = i * self->part, end = smaller(at + self->part, walk->count), begin = at;
    bool single = self->plan.kernel->about.debug;
    desk_t desk;
    desk_init(&desk, &self->plan);
    while (at < end && at < atomic_load_explicit(&self->first_raise, memory_order_relaxed) && !progress_stopped()) {
        int64_t first, last, n = single ? 1 : end - at;
        int32_t raised = 0;
        walk_range(walk, at, n, &first, &last);
        fault_elements(first, last);
        n = desk_run(&desk, at, n, &raised);
        if (raised)
            note_raise(self, at);
        at += n;
    }
    fault_elements(0, 0);
    stream_copy_settle();
    progress_add(at - begin);
}

/* Name the first element that raised: run what did again, one by one. */
static int
say_raised(elementwise_t *self, err_t *err)
{
    const walk_t *walk = &self->plan.walk;
    const char *entry = self->plan.kernel->about.entry;
    desk_t desk;
    desk_init(&desk, &self->plan);
    int32_t raised = 0;
    int64_t at = atomic_load(&self->first_raise), end = smaller(at + PART_MAX, walk->count);
    for (; at < end && !progress_stopped(); at++) {
        desk_run(&desk, at, 1, &raised);
        if (raised)
            break;
    }
    if (!raised)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s raised an exception for at least one element", entry);
    shape_t index = {.ndim = walk->shape.ndim};
    walk_index(walk, at, index.extent);
    char where[160], whole[160];
    return err_set(err, FH_KERNEL_ERROR, "kernel %.100s raised an exception for element %s of an array of shape %s",
                   entry, shape_format(&index, where, sizeof where), shape_format(&walk->shape, whole, sizeof whole));
}

/* Operands in the walk's order: inputs, outputs, mask. */
static int
lay_out(elementwise_t *self, const kernel_call_t *call, err_t *err)
{
    desk_plan_t *plan = &self->plan;
    bool masked = call->request->masked;
    int operands = call->nin + call->nout + masked;
    const nd_t *out = &call->operand[call->nin + masked];
    nd_t nd[WALK_MAX];
    for (int k = 0; k < operands; k++) {
        int from = k < call->nin ? k : k < call->nin + call->nout ? k + masked : call->nin;
        int status = nd_broadcast(&call->operand[from], &out->shape, &nd[k], err);
        if (!status && k >= call->nin && from != call->nin && !shape_equal(&call->operand[from].shape, &out->shape))
            status = err_set(err, FH_KERNEL_ERROR, "the results of kernel %.200s differ in shape",
                             call->kernel->about.entry);
        if (status)
            return status;
        plan->dtype[k] = nd[k].dtype;
        plan->size[k] = (int64_t)dtype_size(nd[k].dtype);
    }
    plan->kernel = call->kernel;
    plan->nin = call->nin;
    plan->nout = call->nout;
    plan->masked = masked;
    walk_init(&plan->walk, nd, operands, call->nin);
    return FH_OK;
}

/* Is it better to copy what is not contiguous into buffers?  For vector math always.  Else where rows are short,
 * several at once, and where all that is in the way are constants.  A longer row of elements that lie apart costs the
 * loop less than it costs to copy them.  Checks want to see the arrays themselves. */
static bool
should_pack(const desk_plan_t *plan)
{
    const walk_t *walk = &plan->walk;
    int inner = walk->ndim - 1;
    if (plan->kernel->about.debug)
        return false;
    if (plan->kernel->about.whole_vectors || walk->extent[inner] < KERNEL_VECTOR)
        return true;
    for (int k = 0; k < walk->operands; k++)
        if (!plan->contiguous[k] && walk->stride[k][inner])
            return false;
    return true;
}

/* Which operands lie well, how much is done at once. */
static void
plan_chunks(elementwise_t *self, int threads)
{
    desk_plan_t *plan = &self->plan;
    const walk_t *walk = &plan->walk;
    int inner = walk->ndim - 1;
    int64_t bytes = 0, out_bytes = 0;
    for (int k = 0; k < walk->operands; k++) {
        bool result = k >= plan->nin && k < plan->nin + plan->nout;
        bytes += plan->size[k];
        out_bytes += result ? plan->size[k] * walk->count : 0;
        plan->contiguous[k] = walk->stride[k][inner] == plan->size[k] || walk->extent[inner] == 1;
        plan->stream[k] = false;
    }
    plan->chunk = smaller(DESK_BYTES / bytes, CHUNK_MAX) / KERNEL_VECTOR * KERNEL_VECTOR;
    plan->pack = should_pack(plan);
    for (int k = plan->nin; k < plan->nin + plan->nout; k++)
        plan->stream[k] =
            plan->pack && out_bytes >= STREAM_BYTES && plan->contiguous[k] && walk->extent[inner] >= plan->chunk;
    int64_t wanted = walk->count / ((int64_t)threads * PARTS_A_THREAD);
    self->part = smaller(wanted > PART_MIN ? wanted : PART_MIN, PART_MAX) / KERNEL_VECTOR * KERNEL_VECTOR;
}

int
elementwise_run(const kernel_call_t *call, err_t *err)
{
    elementwise_t self;
    int status = lay_out(&self, call, err);
    const walk_t *walk = &self.plan.walk;
    if (status || !walk->count)
        return status;
    plan_chunks(&self, kernel_call_threads(call));
    atomic_init(&self.first_raise, INT64_MAX);
    kernel_call_share(call, (walk->count + self.part - 1) / self.part, run_part, &self);
    return atomic_load(&self.first_raise) == INT64_MAX ? FH_OK : say_raised(&self, err);
}
