#include "engine/compute/iterate.h"

enum {
    BLOCK_BYTES = 64 << 10, /* less is not worth waking anybody for */
    BLOCKS_PER_THREAD = 8,  /* so that a thread that is held up does not hold up the others */
    BLOCK_GRAIN = 1024,     /* elements; keeps blocks off one another's cache lines */
    SHORT_ROW = 16,
};

static int64_t
magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* Does axis a belong outside axis b?  By the strides of the leading operand first, then by those of the others. */
static bool
outside(const nd_t *const *operand, int operands, int lead, int a, int b)
{
    for (int i = 0; i < operands; i++) {
        int k = (lead + i) % operands;
        int64_t x = magnitude(operand[k]->stride[a]), y = magnitude(operand[k]->stride[b]);
        if (x != y)
            return x > y;
    }
    return false;
}

/* Axes of more than one element, outermost first. */
static int
sort_axes(const nd_t *const *operand, int operands, int lead, int *ret)
{
    int n = 0;
    for (int axis = 0; axis < operand[0]->shape.ndim; axis++) {
        if (operand[0]->shape.extent[axis] == 1)
            continue;
        int j = n++;
        for (; j > 0 && outside(operand, operands, lead, axis, ret[j - 1]); j--)
            ret[j] = ret[j - 1];
        ret[j] = axis;
    }
    return n;
}

/* Can the axis be merged into the walk's last one: is it what lies within one step of that in every operand? */
static bool
mergeable(const iterate_t *self, const nd_t *const *operand, int axis)
{
    if (self->ndim == 0)
        return false;
    for (int k = 0; k < self->operands; k++)
        if (self->stride[k][self->ndim - 1] != operand[k]->stride[axis] * operand[k]->shape.extent[axis])
            return false;
    return true;
}

/* An axis that the leading operand walks backwards is walked forwards from its other end. */
static void
turn_axis(iterate_t *self, int i, int lead)
{
    if (self->stride[lead][i] >= 0)
        return;
    for (int k = 0; k < self->operands; k++) {
        self->data[k] += self->stride[k][i] * (self->extent[i] - 1);
        self->stride[k][i] = -self->stride[k][i];
    }
}

static void
swap_i64(int64_t *a, int64_t *b)
{
    int64_t x = *a;
    *a = *b;
    *b = x;
}

/* Rows that are very short cost more to begin than to do: put the longest axis innermost then. */
static void
avoid_short_rows(iterate_t *self)
{
    int last = self->ndim - 1, longest = last;
    if (last < 1 || self->extent[last] >= SHORT_ROW)
        return;
    for (int i = 0; i < last; i++)
        if (self->extent[i] > self->extent[longest])
            longest = i;
    if (self->extent[longest] < 4 * self->extent[last])
        return;
    swap_i64(&self->extent[longest], &self->extent[last]);
    for (int k = 0; k < self->operands; k++)
        swap_i64(&self->stride[k][longest], &self->stride[k][last]);
}

void
iterate_init(iterate_t *self, const nd_t *const *operand, int operands, int lead)
{
    int order[SHAPE_MAX_DIMS];
    self->ndim = 0;
    self->operands = operands;
    self->count = shape_count(&operand[0]->shape);
    for (int k = 0; k < operands; k++)
        self->data[k] = operand[k]->data;
    if (self->count <= 0) {
        self->count = 0;
        return;
    }
    int n = sort_axes(operand, operands, lead, order);
    for (int i = 0; i < n; i++) {
        int64_t extent = operand[0]->shape.extent[order[i]];
        bool merge = mergeable(self, operand, order[i]);
        int at = merge ? self->ndim - 1 : self->ndim++;
        self->extent[at] = merge ? self->extent[at] * extent : extent;
        for (int k = 0; k < operands; k++)
            self->stride[k][at] = operand[k]->stride[order[i]];
    }
    for (int i = 0; i < self->ndim; i++)
        turn_axis(self, i, lead);
    avoid_short_rows(self);
}

void
iterate_range(const iterate_t *self, int64_t first, int64_t count, iterate_row_fn row, void *context)
{
    int64_t at[SHAPE_MAX_DIMS], step[ITERATE_MAX];
    char *start[ITERATE_MAX], *data[ITERATE_MAX]; /* of the row; what the callee may change */
    int last = self->ndim - 1;
    for (int k = 0; k < self->operands; k++) {
        start[k] = self->data[k];
        step[k] = last >= 0 ? self->stride[k][last] : 0;
    }
    int64_t rest = first;
    for (int i = last; i >= 0; i--) {
        at[i] = rest % self->extent[i];
        rest /= self->extent[i];
        for (int k = 0; k < self->operands && i < last; k++)
            start[k] += at[i] * self->stride[k][i];
    }
    while (count > 0) {
        int64_t skip = last >= 0 ? at[last] : 0, length = last >= 0 ? self->extent[last] - skip : 1;
        length = length < count ? length : count;
        for (int k = 0; k < self->operands; k++)
            data[k] = start[k] + skip * step[k];
        row(context, data, step, length);
        count -= length;
        if (last >= 0)
            at[last] = 0;
        for (int i = last - 1; i >= 0 && count > 0; i--) {
            bool carry = ++at[i] == self->extent[i];
            for (int k = 0; k < self->operands; k++)
                start[k] += carry ? -(self->extent[i] - 1) * self->stride[k][i] : self->stride[k][i];
            if (!carry)
                break;
            at[i] = 0;
        }
    }
}

int64_t
iterate_block(const crew_t *crew, int64_t count, int64_t element_bytes)
{
    int64_t threads = crew_threads(crew), least = BLOCK_BYTES / element_bytes + 1;
    if (threads == 1 || count < 2 * least)
        return count;
    int64_t block = count / (threads * BLOCKS_PER_THREAD) + 1;
    block = block < least ? least : block;
    return (block + BLOCK_GRAIN - 1) / BLOCK_GRAIN * BLOCK_GRAIN;
}

typedef struct {
    const iterate_t *walk;
    int64_t block;
    iterate_row_fn row;
    void *context;
} share_t;

static void
run_block(void *context, int64_t i)
{
    const share_t *share = context;
    int64_t first = i * share->block, left = share->walk->count - first;
    iterate_range(share->walk, first, left < share->block ? left : share->block, share->row, share->context);
}

void
iterate_run(const iterate_t *self, crew_t *crew, int64_t element_bytes, iterate_row_fn row, void *context)
{
    if (self->count == 0)
        return;
    share_t share = {self, iterate_block(crew, self->count, element_bytes), row, context};
    crew_run(crew, (self->count - 1) / share.block + 1, run_block, &share);
}

bool
iterate_aligned(const nd_t *nd)
{
    uintptr_t size = dtype_alignment(nd->dtype), bits = (uintptr_t)nd->data;
    if (dtype_kind(nd->dtype) == 'c')
        size /= 2;
    for (int i = 0; i < nd->shape.ndim; i++)
        if (nd->shape.extent[i] > 1)
            bits |= (uintptr_t)nd->stride[i];
    return bits % size == 0;
}
