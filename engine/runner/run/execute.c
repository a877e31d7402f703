#include "engine/runner/run/execute.h"

#include "engine/compute/flags.h"
#include "engine/runner/run/blocks.h"
#include "engine/runner/run/elementwise.h"
#include "engine/runner/run/flags_shown.h"
#include "engine/runner/run/guard_call.h"
#include "engine/runner/run/gufunc.h"
#include "engine/runner/run/operand.h"
#include "engine/runner/run/progress.h"
#include "engine/runner/run/reduction.h"

static int
run_piece(const kernel_call_t *call, err_t *err)
{
    const runner_description_t *about = &call->kernel->about;
    char *data[KERNEL_MAX_ARGS + KERNEL_MAX_OUT + 1];
    for (int k = 0; k < call->nin + call->nout; k++) {
        const nd_t *nd = &call->operand[k];
        if (!nd_is_c_contiguous(nd) && !nd_is_f_contiguous(nd))
            return err_set(err, FH_KERNEL_ERROR, "array %d of piece kernel %.200s is not contiguous", k, about->entry);
        data[k] = nd->data;
    }
    int64_t n = shape_count(&call->operand[0].shape);
    int32_t status = call->kernel->loop(data, NULL, n);
    progress_add(n);
    return status ? err_set(err, FH_KERNEL_ERROR, "kernel %.200s returned %d", about->entry, (int)status) : FH_OK;
}

static const struct {
    int (*run)(const kernel_call_t *call, err_t *err);
    bool own_dtypes; /* it compares dtypes with the kernel's itself: they depend on the stage */
} KINDS[KERNEL_KINDS] = {
    [KERNEL_UFUNC] = {.run = elementwise_run},
    [KERNEL_PIECE] = {.run = run_piece},
    [KERNEL_ARRAY] = {.run = blocks_run},
    [KERNEL_GUFUNC] = {.run = gufunc_run},
    [KERNEL_REDUCTION] = {.run = reduction_run, .own_dtypes = true},
};

static int
count_bits(uint32_t bits)
{
    return __builtin_popcount(bits);
}

/* Do the numbers of the request agree with one another and with the kernel? */
static int
check_request(const kernel_code_t *kernel, const runner_run_t *request, err_t *err)
{
    const runner_description_t *about = &kernel->about;
    uint32_t nin = request->nin, nout = request->nout, strips = request->low | request->high;
    if (about->kind < 0 || about->kind >= KERNEL_KINDS || about->nin > KERNEL_MAX_ARGS || about->nout > KERNEL_MAX_OUT)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s is of no kind that this runner has", about->entry);
    if (nin > KERNEL_MAX_ARGS + 1 || nout > KERNEL_MAX_OUT || request->count > RUNNER_MAX_OPERANDS || nin + nout == 0 ||
        (strips >> (nin < 31 ? nin : 31)) != 0 || request->masked > 1 ||
        (int)request->count !=
            (int)(nin + nout) + request->masked + count_bits(request->low) + count_bits(request->high))
        return err_set(err, FH_KERNEL_ERROR, "a call of kernel %.200s has %u inputs, %u results, %u arrays",
                       about->entry, nin, nout, request->count);
    if ((request->masked && about->kind != KERNEL_UFUNC) || (strips && about->kind != KERNEL_ARRAY))
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s takes neither masks nor strips", about->entry);
    bool fits = about->kind == KERNEL_ARRAY       ? about->nin < 0 || nin + nout == (uint32_t)about->nin
                : about->kind == KERNEL_REDUCTION ? true
                                                  : nin == (uint32_t)about->nin && nout == (uint32_t)about->nout;
    if (!fits)
        return err_set(err, FH_KERNEL_ERROR, "kernel %.200s takes %d arrays and has %d results, not %u and %u",
                       about->entry, about->nin, about->nout, nin, nout);
    return FH_OK;
}

/* The dtype that operand k of a call is to have: DTYPE_NONE: any. */
static dtype_t
wanted_dtype(const kernel_code_t *kernel, const runner_run_t *request, int k)
{
    const runner_description_t *about = &kernel->about;
    int nin = (int)request->nin, out = k - nin - request->masked;
    if (about->kind == KERNEL_ARRAY)
        return k < about->nin ? (dtype_t)about->in[k] : DTYPE_NONE;
    if (k < nin)
        return (dtype_t)about->in[k];
    if (out < 0)
        return DTYPE_BOOL;
    return out < about->nout ? (dtype_t)about->out[out] : DTYPE_NONE;
}

static int
check_dtype(const kernel_code_t *kernel, const runner_run_t *request, int k, dtype_t dtype, err_t *err)
{
    dtype_t wanted = KINDS[kernel->about.kind].own_dtypes ? DTYPE_NONE : wanted_dtype(kernel, request, k);
    if (wanted == DTYPE_NONE || wanted == dtype)
        return FH_OK;
    return err_set(err, FH_KERNEL_ERROR, "kernel %.200s: array %d is %s, not %s", kernel->about.entry, k,
                   dtype_name(dtype), dtype_name(wanted));
}

/* What is mapped of a call. */
typedef struct {
    int count;
    operand_map_t map[RUNNER_MAX_OPERANDS];
    nd_t nd[RUNNER_MAX_OPERANDS];
} operands_t;

static void
operands_release(operands_t *self)
{
    for (int k = 0; k < self->count; k++)
        operand_unmap(&self->map[k]);
    self->count = 0;
}

static int
take_operand(operand_map_t *ret, const runner_operand_t *wire, const execute_memory_t *memory, int *used, bool writable,
             err_t *err)
{
    if (wire->mailbox)
        return operand_in_mailbox(ret, wire, memory->mailbox, err);
    if (wire->held && memory->maps)
        return kept_maps_take(memory->maps, wire, -1, writable, ret, err);
    if (*used >= memory->nfds)
        return err_set(err, FH_KERNEL_ERROR, "%d descriptors came with a call of more arrays", memory->nfds);
    int fd = memory->fds[(*used)++];
    if (wire->keep && memory->maps)
        return kept_maps_take(memory->maps, wire, fd, writable, ret, err);
    return operand_map(ret, wire, fd, writable, err);
}

static int
operands_init(operands_t *self, const kernel_code_t *kernel, const runner_run_t *request,
              const execute_memory_t *memory, err_t *err)
{
    int status = FH_OK, used = 0, results = (int)request->nin + request->masked;
    self->count = 0;
    if (memory->maps)
        kept_maps_begin(memory->maps, request->drop);
    for (int k = 0; k < (int)request->count && !status; k++) {
        bool result = k >= results && k < results + (int)request->nout;
        status = take_operand(&self->map[k], &request->operands[k], memory, &used, result, err);
        if (status)
            break;
        self->nd[k] = self->map[k].nd;
        self->count++;
        status = check_dtype(kernel, request, k, self->nd[k].dtype, err);
    }
    if (!status && memory->maps)
        status = kept_maps_open(memory->maps, err);
    if (status)
        operands_release(self);
    return status;
}

/* How many a call computes of an array of that shape: not all, where ends are left out, or are all that is wanted. */
static uint64_t
elements(const runner_run_t *request, const shape_t *shape)
{
    int64_t count = shape_count(shape);
    int axis = request->axis;
    if ((!request->leave && !request->ends_only) || axis < 0 || axis >= shape->ndim || count <= 0)
        return (uint64_t)count;
    int64_t extent = shape->extent[axis],
            ends = request->ends_only ? (request->low != 0) + (request->high != 0) : __builtin_popcount(request->leave);
    int64_t width = request->width < extent ? request->width : extent, rows = width > 0 ? ends * width : 0;
    rows = rows < extent ? rows : extent;
    return (uint64_t)(count / extent * (request->ends_only ? rows : extent - rows));
}

int
execute_run(const kernel_code_t *kernel, const runner_run_t *request, const execute_memory_t *memory, crew_t *crew,
            runner_page_t *page, execute_done_t *ret, err_t *err)
{
    operands_t operands;
    *ret = (execute_done_t){0};
    int status = check_request(kernel, request, err);
    if (!status)
        status = operands_init(&operands, kernel, request, memory, err);
    if (status)
        return status;
    int results = (int)request->nin + request->masked, nout = (int)request->nout;
    bool by_inputs = kernel->about.kind == KERNEL_REDUCTION || !nout; /* what its elements are counted by */
    uint64_t total = elements(request, &operands.nd[by_inputs ? 0 : results].shape);
    kernel_call_t call = {.kernel = kernel,
                          .request = request,
                          .operand = operands.nd,
                          .nin = (int)request->nin,
                          .nout = nout,
                          .crew = crew};
    progress_begin(page, request->serial, total);
    guard_call_begin(&call);
    flags_clear();
    status = KINDS[kernel->about.kind].run(&call, err);
    if (!status && progress_stopped())
        status = err_set(err, FH_CANCELLED, "kernel %.200s was cancelled", kernel->about.entry);
    bool checked = kernel->about.debug; /* checks raise flags of their own */
    unsigned raised = status || checked ? 0 : flags_raised() & request->watch;
    guard_call_end();
    progress_end();
    if (raised)
        raised = flags_shown(raised, &operands.nd[results], nout, kernel->about.kind == KERNEL_REDUCTION);
    operands_release(&operands);
    if (!status)
        *ret = (execute_done_t){.elements = total, .raised = raised};
    return status;
}
