#include "engine/methods/kernel_pieces.h"

static int
count(oids_t ids)
{
    int n = 0;

    for (uint32_t i = 0; i < ids.count; i++)
        n += !oid_is_none(ids.items[i]);
    return n;
}

int
kernel_pieces_strips(const msg_KERNEL_MAP_t *message)
{
    return count(message->low) + count(message->high);
}

static const shape_t *
shape_of(const kernel_map_t *self, int operand)
{
    return operand < self->nin ? &self->job->operands[operand].nd.shape : &self->shapes[operand - self->nin];
}

/* Is the operand, an input or a result, a piece of a whole?  Results follow the inputs in bases and wholes, but may
 * stand elsewhere among the job's operands. */
static bool
is_cut(const kernel_map_t *self, int operand)
{
    return self->message->wholes.count && self->message->wholes.items[operand] >= 0;
}

static int
check_piece(const kernel_map_t *self, int operand, err_t *err)
{
    const msg_KERNEL_MAP_t *message = self->message;
    const shape_t *shape = shape_of(self, operand);
    int64_t base = message->bases.items[operand], whole = message->wholes.items[operand];
    const char *what = operand < self->nin ? "input" : "result";
    int number = operand < self->nin ? operand : operand - self->nin;

    if (message->axis < 0 || message->axis >= shape->ndim)
        return err_set(err, FH_INVALID_ARGUMENT, "%s %d has %d dimensions and cannot be cut along axis %lld", what,
                       number, shape->ndim, (long long)message->axis);
    int64_t extent = shape->extent[message->axis];
    uint64_t pads = operand < self->nin ? message->pad_low + message->pad_high : 0;

    if ((uint64_t)extent < pads)
        return err_set(err, FH_INVALID_ARGUMENT, "input %d has %lld elements along axis %lld, fewer than its pads",
                       number, (long long)extent, (long long)message->axis);
    if (base < 0 || base > whole || extent > whole - base)
        return err_set(err, FH_INVALID_ARGUMENT, "%s %d has %lld elements from %lld on along axis %lld of %lld", what,
                       number, (long long)extent, (long long)base, (long long)message->axis, (long long)whole);
    return FH_OK;
}

/* A strip stands for one end of a cut input: width elements of the neighbour and 2 * width of its own. */
static int
check_strip(const kernel_map_t *self, int input, int strip, err_t *err)
{
    const nd_t *own = &self->job->operands[input].nd, *nd = &self->job->operands[strip].nd;
    int64_t width = (int64_t)self->message->width, axis = self->message->axis;
    shape_t wanted = own->shape;
    char have[128], need[128];

    if (!is_cut(self, input))
        return err_set(err, FH_INVALID_ARGUMENT, "input %d is not cut, but has a strip", input);
    if (width > wanted.extent[axis] / 2)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "input %d has %lld elements along axis %lld, too few for a halo of %lld", input,
                       (long long)wanted.extent[axis], (long long)axis, (long long)width);
    wanted.extent[axis] = 3 * width;
    if (nd->dtype != own->dtype || !shape_equal(&nd->shape, &wanted))
        return err_set(err, FH_INVALID_ARGUMENT, "a strip of input %d is %s of shape %s, not %s of shape %s", input,
                       dtype_name(nd->dtype), shape_format(&nd->shape, have, sizeof have), dtype_name(own->dtype),
                       shape_format(&wanted, need, sizeof need));
    return FH_OK;
}

/* The strips of one side.  *operand: where they begin among the job's operands. */
static int
take_strips(run_t *run, const kernel_map_t *self, oids_t ids, uint32_t *ret_bits, int *operand, err_t *err)
{
    int status = FH_OK;

    for (uint32_t i = 0; i < ids.count && !status; i++) {
        if (oid_is_none(ids.items[i])) {
            if (is_cut(self, (int)i))
                status =
                    err_set(err, FH_INVALID_ARGUMENT, "input %u is cut, but has no strip where others have one", i);
            continue;
        }
        *ret_bits |= 1u << i;
        status = kernel_job_pin(run, self->job, *operand, ids.items[i], err);
        if (!status)
            status = check_strip(self, (int)i, (*operand)++, err);
    }
    return status;
}

static int
check_halo(const kernel_map_t *self, err_t *err)
{
    const msg_KERNEL_MAP_t *message = self->message;
    bool pads = message->pad_low || message->pad_high, strips = message->low.count || message->high.count;

    if (!message->width && !pads && !strips && !message->leave && !message->drafts.count)
        return FH_OK;
    if (self->job->kernel.info.kind != KERNEL_ARRAY)
        return err_set(err, FH_INVALID_ARGUMENT, "only array kernels have a halo");
    if (message->axis < 0 || !message->width)
        return err_set(err, FH_INVALID_ARGUMENT, "strips or pads, but %s",
                       message->width ? "no axis along which the arrays are cut" : "no width of the halo");
    if (message->pad_low > message->width || message->pad_high > message->width)
        return err_set(err, FH_INVALID_ARGUMENT, "pads of %llu and %llu are wider than the halo of %llu",
                       (unsigned long long)message->pad_low, (unsigned long long)message->pad_high,
                       (unsigned long long)message->width);
    if (message->leave && (pads || strips || message->drafts.count))
        return err_set(err, FH_INVALID_ARGUMENT, "ends that are left out need no pads, strips or drafts");
    if (message->drafts.count && !strips)
        return err_set(err, FH_INVALID_ARGUMENT, "drafts, but no strips from which to complete them");
    if ((message->pad_low && message->low.count) || (message->pad_high && message->high.count))
        return err_set(err, FH_INVALID_ARGUMENT, "one end of the inputs has both pads and strips");
    return FH_OK;
}

int
kernel_pieces_take(run_t *run, kernel_map_t *self, err_t *err)
{
    const msg_KERNEL_MAP_t *message = self->message;
    runner_call_t *call = &self->job->call;
    int strips = self->nin + self->nout, status = check_halo(self, err);

    for (int i = 0; i < self->nin + self->nout && !status; i++)
        if (is_cut(self, i))
            status = check_piece(self, i, err);
    if (status)
        return status;
    call->axis = (int)message->axis;
    call->width = (int64_t)message->width;
    call->leave = (unsigned)message->leave;
    call->ends_only = message->drafts.count > 0;
    call->pad_low = (int64_t)message->pad_low;
    call->pad_high = (int64_t)message->pad_high;
    status = take_strips(run, self, message->low, &call->low, &strips, err);
    return status ? status : take_strips(run, self, message->high, &call->high, &strips, err);
}

void
kernel_pieces_describe(const kernel_map_t *self)
{
    const msg_KERNEL_MAP_t *message = self->message;

    for (int i = 0; i < self->nin + self->nout; i++) {
        if (!is_cut(self, i))
            continue;
        runner_array_t *array = &self->job->operands[i];

        array->cut = true;
        array->base = message->bases.items[i];
        array->whole = message->wholes.items[i];
    }
}
