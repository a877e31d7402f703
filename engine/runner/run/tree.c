#include "engine/runner/run/tree.h"

#include <stddef.h>

int
tree_depth(int64_t items)
{
    int bits = 1;
    for (; items > 1; items >>= 1)
        bits++;
    return bits + 1;
}

void
tree_init(tree_t *self, fold_combine_fn combine, char *memory, int64_t states, int64_t state_bytes)
{
    *self = (tree_t){.combine = combine, .memory = memory, .states = states, .row_bytes = states * state_bytes};
}

char *
tree_next(const tree_t *self)
{
    return self->memory + self->held * self->row_bytes;
}

static void
combine_last(tree_t *self)
{
    char *right = tree_next(self) - self->row_bytes;
    self->combine(right - self->row_bytes, right, self->states);
    self->held--;
}

void
tree_push(tree_t *self)
{
    self->held++;
    self->count++;
    for (int64_t size = self->count; !(size & 1); size >>= 1) /* two subtrees of one size make one of twice that */
        combine_last(self);
}

char *
tree_take(tree_t *self)
{
    if (!self->held)
        return NULL;
    while (self->held > 1)
        combine_last(self);
    self->held = 0;
    self->count = 0;
    return self->memory;
}
