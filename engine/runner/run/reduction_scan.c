/* Running results: strictly one element after the other along the axis. */
#include "engine/runner/fault.h"
#include "engine/runner/run/progress.h"
#include "engine/runner/run/reduction_private.h"

#include <stdlib.h>

enum {
    TILE = 64,          /* elements along the axis for one neighbour, then for the next: lines stay in the cache */
    STRETCH = 64 << 10, /* where there are no neighbours */
};

/* Where operands of a scan are found. */
typedef struct {
    reduction_t *reduction;
    int before, last; /* operands that are states; -1: none */
} scan_t;

/* Some elements along the axis for all neighbours of a run. */
static void
scan_tile(const scan_t *self, char *const *data, int64_t first, int64_t n, int64_t count, bool has_state, char *states)
{
    const reduction_t *r = self->reduction;
    int result = r->call->nin, inner = r->kept.ndim - 1;
    int64_t steps[WALK_MAX];
    char *at[WALK_MAX];
    for (int k = 0; k <= r->nin; k++)
        steps[k] = r->step[k < r->nin ? k : result];
    for (int64_t i = 0; i < count; i++) {
        for (int k = 0; k <= r->nin; k++) {
            int operand = k < r->nin ? k : result;
            at[k] = data[operand] + first * r->step[operand] + i * r->kept.stride[operand][inner];
        }
        r->kernel->fold.scan(states + i * r->state_bytes, has_state, at, steps, n);
    }
}

static void
run_scan(void *context, int64_t i)
{
    const scan_t *self = context;
    reduction_t *r = self->reduction;
    reduction_room_t room;
    if (progress_stopped() || !reduction_room(r, 1, &room))
        return;
    int inner = r->kept.ndim - 1;
    int64_t count, position = reduction_at(r, i, &count), tile = count > 1 ? TILE : STRETCH, low, high;
    bool has_state = self->before >= 0;
    char *data[WALK_MAX];
    walk_seek(&r->kept, position, data);
    walk_range(&r->kept, position, count, &low, &high);
    if (has_state)
        reduction_copy(room.rows, r->state_bytes, data[self->before], r->kept.stride[self->before][inner], count,
                       r->state_bytes);
    for (int64_t first = 0; first < r->extent && !progress_stopped(); first += tile) {
        int64_t n = r->extent - first < tile ? r->extent - first : tile;
        fault_elements(r->kept.count == 1 ? first : low, r->kept.count == 1 ? first + n : high);
        scan_tile(self, data, first, n, count, has_state, room.rows);
        has_state = true;
        progress_add(n * count);
    }
    for (int64_t k = 0; k < count && !has_state; k++)
        r->kernel->fold.start(room.rows + k * r->state_bytes);
    if (self->last >= 0)
        reduction_copy(data[self->last], r->kept.stride[self->last][inner], room.rows, r->state_bytes, count,
                       r->state_bytes);
    fault_elements(0, 0);
    free(room.memory);
}

int
reduction_scan(reduction_t *self, bool has_before, bool has_last, err_t *err)
{
    scan_t scan = {
        .reduction = self, .before = has_before ? self->nin : -1, .last = has_last ? self->call->nin + 1 : -1};
    if (!self->extent && !has_last)
        return FH_OK; /* there is nothing to write */
    if (!self->extent && !has_before && !self->kernel->fold.start)
        return err_set(err, FH_KERNEL_ERROR,
                       "reduction kernel %.200s has no init, so there is no state after no elements",
                       self->kernel->about.entry);
    kernel_call_share(self->call, self->runs, run_scan, &scan);
    return FH_OK;
}
