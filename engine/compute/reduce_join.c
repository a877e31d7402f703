/* The states of pieces become one result: the tree is completed where pieces have cut it. */
#include "engine/compute/reduce.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 256 /* results that one part works on */, LEVELS = 64 };

typedef struct {
    const fold_t *fold;
    const nd_t *states;
    int n;
    const int64_t *cuts;
    int64_t kept, total; /* results, bytes of one */
    char *results;
} join_t;

/* Nodes that wait for their partners, and the leaf that is being put together. */
typedef struct {
    const fold_t *fold;
    int depth, level[LEVELS];
    int64_t width, bytes;
    _Alignas(64) char node[LEVELS][WIDTH * FOLD_ELEMENT_MAX];
    _Alignas(64) char strand[FOLD_STRANDS][WIDTH * FOLD_ELEMENT_MAX];
} stack_t;

/* A node of that level; index counts the nodes of its level.  Nodes come in order. */
static void
push(stack_t *self, const char *node, int level, int64_t index)
{
    if (self->depth == LEVELS)
        return; /* cannot be: levels fall from the bottom up */
    memcpy(self->node[self->depth], node, (size_t)self->bytes);
    self->level[self->depth++] = level;
    for (; index % 2 == 1 && self->depth > 1 && self->level[self->depth - 2] == level; index /= 2, level++) {
        self->depth--;
        self->fold->merge(self->node[self->depth - 1], self->node[self->depth], self->width);
        self->level[self->depth - 1] = level + 1;
    }
}

/* One position of a leaf that lies in several pieces. */
static void
add_single(stack_t *self, const char *element, int64_t at, int64_t whole)
{
    int64_t place = at % REDUCTION_LEAF;
    char *strand = self->strand[place % FOLD_STRANDS];
    if (place < FOLD_STRANDS)
        memcpy(strand, element, (size_t)self->bytes);
    else
        self->fold->merge(strand, element, self->width);
    if (place != REDUCTION_LEAF - 1 && at != whole - 1)
        return;
    int64_t have = place + 1 < FOLD_STRANDS ? place + 1 : FOLD_STRANDS;
    for (int64_t half = FOLD_STRANDS / 2; half > 0; half /= 2) {
        for (int64_t j = 0; j + half < have; j++)
            self->fold->merge(self->strand[j], self->strand[j + half], self->width);
        have = have < half ? have : half;
    }
    push(self, self->strand[0], 0, at / REDUCTION_LEAF);
}

static void
join_part(void *context, int64_t i)
{
    const join_t *job = context;
    int64_t k = i * WIDTH, whole = job->cuts[job->n];
    stack_t stack;
    stack.fold = job->fold;
    stack.depth = 0;
    stack.width = job->kept - k < WIDTH ? job->kept - k : WIDTH;
    stack.bytes = stack.width * job->total;
    for (int s = 0; s < job->n; s++) {
        const char *slot = job->states[s].data + k * job->total;
        for (int64_t at = job->cuts[s], n; at < job->cuts[s + 1]; at += n, slot += job->kept * job->total) {
            int level;
            n = reduction_slot(at, job->cuts[s + 1], whole, &level);
            if (level < 0)
                add_single(&stack, slot, at, whole);
            else
                push(&stack, slot, level, at / REDUCTION_LEAF >> level);
        }
    }
    for (; stack.depth > 1; stack.depth--)
        stack.fold->merge(stack.node[stack.depth - 2], stack.node[stack.depth - 1], stack.width);
    memcpy(job->results + k * job->total, stack.node[0], (size_t)stack.bytes);
}

static int
check(reduce_t reduce, dtype_t dtype, const nd_t *states, int n, const int64_t *cuts, const nd_t *out, err_t *err)
{
    if (!reduction_is_ordered(reduce, dtype) || n < 1 || cuts[0] != 0)
        return err_set(err, FH_INVALID_ARGUMENT, "%s of %s knows no states", reduce_name(reduce), dtype_name(dtype));
    for (int i = 0; i < n; i++) {
        const shape_t *shape = &states[i].shape;
        bool fits = shape->ndim == out->shape.ndim + 1 && states[i].dtype == reduction_state_dtype(dtype) &&
                    nd_is_c_contiguous(&states[i]) && cuts[i] < cuts[i + 1] &&
                    shape->extent[0] == reduction_slots(cuts[i], cuts[i + 1], cuts[n]);
        for (int axis = 0; fits && axis < out->shape.ndim; axis++)
            fits = shape->extent[axis + 1] == out->shape.extent[axis];
        if (!fits)
            return err_set(err, FH_INVALID_ARGUMENT, "array %d is not the state of positions %lld to %lld of %lld", i,
                           (long long)cuts[i], (long long)cuts[i + 1], (long long)cuts[n]);
    }
    return FH_OK;
}

int
reduce_join(crew_t *crew, reduce_t reduce, dtype_t dtype, const nd_t *states, int n, const int64_t *cuts,
            const nd_t *out, err_t *err)
{
    int status = check(reduce, dtype, states, n, cuts, out, err);
    if (status != FH_OK)
        return status;
    join_t job = {.fold = fold_find(reduce, dtype), .states = states, .n = n, .cuts = cuts};
    job.kept = shape_count(&out->shape);
    if (job.kept == 0)
        return FH_OK;
    if (job.fold == NULL)
        return err_set(err, FH_WRONG_TYPE, "%s cannot give %s", reduce_name(reduce), dtype_name(dtype));
    job.total = (int64_t)dtype_size((dtype_t)job.fold->total);
    job.results = malloc((size_t)(job.kept * job.total));
    if (job.results == NULL)
        return err_set(err, FH_NO_MEMORY, "no memory for %lld results of %s", (long long)job.kept, reduce_name(reduce));
    crew_run(crew, (job.kept - 1) / WIDTH + 1, join_part, &job);
    nd_t results;
    nd_init(&results, job.results, (dtype_t)job.fold->total, &out->shape);
    status = compute_assign(crew, out, &results, err);
    free(job.results);
    return status;
}
