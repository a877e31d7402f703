/* Elements to states: blocks along the axis, for runs of neighbouring results. */
#include "engine/runner/fault.h"
#include "engine/runner/run/progress.h"
#include "engine/runner/run/reduction_private.h"

#include <stdlib.h>

enum {
    PARTS_A_THREAD = 8,
    PART_MIN = 64 << 10, /* elements */
};

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
count_blocks(const reduction_t *self)
{
    return self->extent / KERNEL_BLOCK + (self->extent % KERNEL_BLOCK != 0);
}

/* The states of a block for count neighbours that begin at data. */
static void
step_block(const reduction_t *self, char *const *data, int64_t block, int64_t count, char *lanes, char *states)
{
    int64_t first = block * KERNEL_BLOCK, rows = smaller(self->extent - first, KERNEL_BLOCK), beside[WALK_MAX];
    char *at[WALK_MAX];
    progress_add(rows * count);
    for (int k = 0; k < self->nin; k++)
        beside[k] = self->kept.stride[k][self->kept.ndim - 1];
    if (!self->by_rows) {
        for (int64_t i = 0; i < count; i++) {
            for (int k = 0; k < self->nin; k++)
                at[k] = data[k] + first * self->step[k] + i * beside[k];
            self->kernel->fold.block(states + i * self->state_bytes, at, self->step, rows);
        }
        return;
    }
    for (int64_t row = 0; row < rows; row++) {
        for (int k = 0; k < self->nin; k++)
            at[k] = data[k] + (first + row) * self->step[k];
        self->kernel->fold.rows(lanes, at, beside, count, row);
    }
    self->kernel->fold.lanes(lanes, count, rows);
    reduction_copy(states, self->state_bytes, lanes, self->state_bytes, count, self->state_bytes);
}

/* For messages: of a single result the elements that go into it, else the results. */
static void
tell_elements(const reduction_t *self, int64_t position, int64_t count, int64_t block)
{
    int64_t first = block * KERNEL_BLOCK, last = smaller(self->extent, first + KERNEL_BLOCK);
    if (self->kept.count > 1)
        walk_range(&self->kept, position, count, &first, &last);
    fault_elements(first, last);
}

/* Groups of blocks so large that there are enough parts, and these are worth it.  A power of two of blocks: subtrees of
 * the whole. */
static void
plan_groups(reduction_t *self)
{
    int64_t blocks = count_blocks(self), threads = kernel_call_threads(self->call);
    int64_t wanted = threads > 1 ? threads * PARTS_A_THREAD / self->runs : 1;
    int64_t elements = smaller(self->run, self->kept.count) * KERNEL_BLOCK;
    self->group = 1;
    while (self->group < blocks && (self->group * wanted < blocks || self->group * elements < PART_MIN))
        self->group *= 2;
    self->groups = (blocks + self->group - 1) / self->group;
}

static int64_t
end_of_group(const reduction_t *self, int64_t group)
{
    return smaller(count_blocks(self), (group + 1) * self->group);
}

/* --- STEPS ----------------------------------------------------------------------------------------------------------
 */

static void
run_steps(void *context, int64_t i)
{
    reduction_t *self = context;
    reduction_room_t room;
    if (progress_stopped() || !reduction_room(self, 1, &room))
        return;
    int out = self->nin;
    int64_t count, first = reduction_at(self, i / self->groups, &count), group = i % self->groups;
    char *data[WALK_MAX];
    walk_seek(&self->kept, first, data);
    for (int64_t block = group * self->group; block < end_of_group(self, group) && !progress_stopped(); block++) {
        tell_elements(self, first, count, block);
        step_block(self, data, block, count, room.lanes, room.rows);
        reduction_copy(data[out] + block * self->step[out], self->kept.stride[out][self->kept.ndim - 1], room.rows,
                       self->state_bytes, count, self->state_bytes);
    }
    fault_elements(0, 0);
    free(room.memory);
}

int
reduction_steps(reduction_t *self, err_t *err)
{
    const kernel_call_t *call = self->call;
    int64_t base = call->request->operands[0].base, blocks = call->operand[call->nin].shape.extent[0];
    if (base % KERNEL_BLOCK != 0 || blocks != count_blocks(self))
        return err_set(
            err, FH_KERNEL_ERROR, "reduction kernel %.200s: %lld elements from %lld on are not %lld blocks of %d",
            call->kernel->about.entry, (long long)self->extent, (long long)base, (long long)blocks, (int)KERNEL_BLOCK);
    plan_groups(self);
    kernel_call_share(call, self->runs * self->groups, run_steps, self);
    return FH_OK;
}

/* --- ALL ------------------------------------------------------------------------------------------------------------
 */

/* One run and one group of blocks to a state each: to results if there is one group only. */
static void
run_group(void *context, int64_t i)
{
    reduction_t *self = context;
    reduction_room_t room;
    if (progress_stopped() || !reduction_room(self, self->group, &room))
        return;
    int out = self->nin;
    int64_t count, first = reduction_at(self, i / self->groups, &count), group = i % self->groups;
    char *data[WALK_MAX];
    tree_t tree;
    walk_seek(&self->kept, first, data);
    tree_init(&tree, self->kernel->fold.combine, room.rows, count, self->state_bytes);
    for (int64_t block = group * self->group; block < end_of_group(self, group) && !progress_stopped(); block++) {
        tell_elements(self, first, count, block);
        step_block(self, data, block, count, room.lanes, tree_next(&tree));
        tree_push(&tree);
    }
    const char *states = progress_stopped() ? NULL : reduction_value(self, &tree, count);
    if (states && self->groups > 1)
        reduction_copy(self->states + (group * self->kept.count + first) * self->state_bytes, self->state_bytes, states,
                       self->state_bytes, count, self->state_bytes);
    else if (states)
        reduction_finish(self, &room, states, count, data[out], self->kept.stride[out][self->kept.ndim - 1]);
    fault_elements(0, 0);
    free(room.memory);
}

/* The states of a run's groups to results. */
static void
join_groups(void *context, int64_t i)
{
    reduction_t *self = context;
    reduction_room_t room;
    if (progress_stopped() || !reduction_room(self, self->groups, &room))
        return;
    int out = self->nin;
    int64_t count, first = reduction_at(self, i, &count);
    char *data[WALK_MAX];
    tree_t tree;
    walk_seek(&self->kept, first, data);
    tree_init(&tree, self->kernel->fold.combine, room.rows, count, self->state_bytes);
    for (int64_t group = 0; group < self->groups; group++) {
        reduction_copy(tree_next(&tree), self->state_bytes,
                       self->states + (group * self->kept.count + first) * self->state_bytes, self->state_bytes, count,
                       self->state_bytes);
        tree_push(&tree);
    }
    reduction_finish(self, &room, reduction_value(self, &tree, count), count, data[out],
                     self->kept.stride[out][self->kept.ndim - 1]);
    free(room.memory);
}

int
reduction_all(reduction_t *self, err_t *err)
{
    plan_groups(self);
    self->groups = self->groups ? self->groups : 1;
    if (self->groups > 1) {
        size_t bytes;
        if (__builtin_mul_overflow((size_t)self->groups * (size_t)self->state_bytes, (size_t)self->kept.count,
                                   &bytes) ||
            !(self->states = malloc(bytes)))
            return err_set(err, FH_NO_MEMORY, "no memory for the states of %lld groups of blocks",
                           (long long)self->groups);
    }
    kernel_call_share(self->call, self->runs * self->groups, run_group, self);
    if (self->groups > 1 && !progress_stopped() && !atomic_load(&self->no_memory))
        kernel_call_share(self->call, self->runs, join_groups, self);
    free(self->states);
    return FH_OK;
}
