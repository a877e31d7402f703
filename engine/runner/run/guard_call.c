#include "engine/runner/run/guard_call.h"

#include "engine/runner/run/guard.h"

#include <stdio.h>

/* Kinds whose functions get nothing but the arrays themselves and what lies on the caller's stack: not reductions,
 * whose states lie elsewhere. */
static const bool EXACT[KERNEL_KINDS] = {
    [KERNEL_UFUNC] = true, [KERNEL_PIECE] = true, [KERNEL_ARRAY] = true, [KERNEL_GUFUNC] = true};

static guard_range_t ranges[RUNNER_MAX_OPERANDS];

/* "argument 1 (float64[1000])": numbers count from 0, the mask has none. */
static void
name_range(char *ret, size_t size, const nd_t *nd, int number)
{
    int length = snprintf(ret, size, "argument %d (%s[", number, dtype_name(nd->dtype));
    for (int i = 0; i < nd->shape.ndim && length > 0 && (size_t)length < size; i++)
        length += snprintf(ret + length, size - (size_t)length, i ? ", %lld" : "%lld", (long long)nd->shape.extent[i]);
    if (length > 0 && (size_t)length < size)
        snprintf(ret + length, size - (size_t)length, "])");
}

/* All bytes from the lowest to the highest element. */
static guard_range_t
range_of(const nd_t *nd, bool writable)
{
    int64_t low = 0, high = (int64_t)dtype_size(nd->dtype);
    if (!shape_count(&nd->shape))
        high = 0;
    for (int i = 0; i < nd->shape.ndim && high; i++) {
        int64_t reach = (nd->shape.extent[i] - 1) * nd->stride[i];
        low += reach < 0 ? reach : 0;
        high += reach > 0 ? reach : 0;
    }
    return (guard_range_t){.start = nd->data + low, .size = (size_t)(high - low), .writable = writable};
}

void
guard_call_begin(const kernel_call_t *call)
{
    const runner_description_t *about = &call->kernel->about;
    if (!about->debug || !EXACT[about->kind])
        return;
    int masked = call->request->masked, results = call->nin + masked, strips = results + call->nout;
    for (int k = 0; k < strips; k++) {
        ranges[k] = range_of(&call->operand[k], k >= results);
        name_range(ranges[k].name, sizeof ranges[k].name, &call->operand[k], k < results ? k : k - masked);
    }
    uint64_t sides = call->request->low | (uint64_t)call->request->high << 32;
    int next = strips;
    for (; sides && next < (int)call->request->count; sides &= sides - 1, next++) {
        ranges[next] = range_of(&call->operand[next], false);
        snprintf(ranges[next].name, sizeof ranges[next].name, "the neighbours' part of argument %d",
                 __builtin_ctzll(sides) % 32);
    }
    guard_allow(ranges, (size_t)next);
}

void
guard_call_end(void)
{
    guard_allow(NULL, 0);
}
