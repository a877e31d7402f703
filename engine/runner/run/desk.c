#include "engine/runner/run/desk.h"

#include "base/stream_copy.h"
#include "codecs/strided.h"

#include <string.h>

enum {
    SHORT_ROW = 8 * KERNEL_VECTOR, /* the end of a longer row is not worth mixing with the next one */
    STREAM_BLOCK = KERNEL_VECTOR,  /* so few that one block is read while the one before is on its way to memory */
    LINE = 64,                     /* bytes of the cache's */
};

/* A chunk at work. */
typedef struct {
    int64_t position, n, padded;
    bool within; /* one row */
    char *at[WALK_MAX];
} chunk_t;

void
desk_init(desk_t *self, const desk_plan_t *plan)
{
    char *next = self->bytes;
    self->plan = plan;
    for (int k = 0; k < plan->walk.operands; k++) {
        self->room[k] = next;
        self->filled[k] = NULL;
        next += plan->chunk * plan->size[k];
    }
}

static int64_t
whole_vectors(int64_t n)
{
    return (n + KERNEL_VECTOR - 1) / KERNEL_VECTOR * KERNEL_VECTOR;
}

/* n times the element at its start. */
static void
repeat(char *row, int64_t size, int64_t n)
{
    int64_t have = size, want = n * size;
    while (have < want) {
        int64_t more = have < want - have ? have : want - have;
        memcpy(row + have, row, (size_t)more);
        have += more;
    }
}

/* Elements [n, padded) become the last one again. */
static void
pad(char *row, int64_t size, int64_t n, int64_t padded)
{
    if (padded == n)
        return;
    char *last = row + (n - 1) * size;
    repeat(last, size, padded - n + 1);
}

/* One and the same element all over the chunk: it may be there from the chunk before. */
static void
fill(desk_t *self, int k, const char *element, int64_t n)
{
    if (self->filled[k] == element && self->fill[k] >= n)
        return;
    memcpy(self->room[k], element, (size_t)self->plan->size[k]);
    repeat(self->room[k], self->plan->size[k], n);
    self->filled[k] = element;
    self->fill[k] = n;
}

static bool
is_constant(const walk_t *walk, int k)
{
    for (int i = 0; i < walk->ndim; i++)
        if (walk->stride[k][i])
            return false;
    return true;
}

/* Put an operand's elements into its buffer, one behind the other. */
static void
gather(desk_t *self, int k, const chunk_t *chunk)
{
    const desk_plan_t *plan = self->plan;
    const walk_t *walk = &plan->walk;
    if ((chunk->within && !walk->stride[k][walk->ndim - 1]) || is_constant(walk, k)) {
        fill(self, k, chunk->at[k], chunk->padded);
        return;
    }
    self->filled[k] = NULL;
    if (chunk->within && plan->contiguous[k]) {
        memcpy(self->room[k], chunk->at[k], (size_t)(chunk->n * plan->size[k]));
    } else {
        nd_t view;
        walk_view(walk, k, plan->dtype[k], &view);
        strided_pack(&view, chunk->position * plan->size[k], chunk->n * plan->size[k], self->room[k]);
    }
    pad(self->room[k], plan->size[k], chunk->n, chunk->padded);
}

static bool
lies_well(const desk_plan_t *plan, int k, const chunk_t *chunk)
{
    return chunk->within && plan->contiguous[k] && chunk->n == chunk->padded;
}

static void
put_back(const desk_t *self, int k, const chunk_t *chunk)
{
    const desk_plan_t *plan = self->plan;
    size_t bytes = (size_t)(chunk->n * plan->size[k]);
    if (chunk->within && plan->contiguous[k]) {
        if (plan->stream[k])
            stream_copy_part(chunk->at[k], self->room[k], bytes);
        else
            memcpy(chunk->at[k], self->room[k], bytes);
        return;
    }
    nd_t view;
    walk_view(&plan->walk, k, plan->dtype[k], &view);
    strided_unpack(&view, chunk->position * plan->size[k], (int64_t)bytes, self->room[k]);
}

static int32_t
run_packed(desk_t *self, const chunk_t *chunk)
{
    const desk_plan_t *plan = self->plan;
    char *data[WALK_MAX];
    int operands = plan->nin + plan->nout;
    for (int k = 0; k < operands; k++) {
        bool there = lies_well(plan, k, chunk) && !plan->stream[k];
        if (!there && k < plan->nin)
            gather(self, k, chunk);
        data[k] = there ? chunk->at[k] : self->room[k];
    }
    int32_t raised = plan->kernel->loop(data, plan->size, chunk->padded);
    for (int k = plan->nin; k < operands; k++)
        if (data[k] == self->room[k])
            put_back(self, k, chunk);
    return raised;
}

/* The chosen ones of n elements, one behind the other, in place. */
static void
compress(char *row, const unsigned char *chosen, int64_t n, int64_t size)
{
    char *to = row;
    if (size == 8) {
        for (int64_t i = 0; i < n; i++) {
            memmove(to, row + i * 8, 8);
            to += chosen[i] ? 8 : 0;
        }
        return;
    }
    for (int64_t i = 0; i < n; i++)
        if (chosen[i]) {
            memmove(to, row + i * size, (size_t)size);
            to += size;
        }
}

/* The results of the chosen ones to their places. */
static void
scatter(desk_t *self, int k, const chunk_t *chunk, const unsigned char *chosen, int64_t count)
{
    const desk_plan_t *plan = self->plan;
    int64_t size = plan->size[k];
    char *room = self->room[k];
    if (chunk->within) {
        int64_t step = plan->walk.stride[k][plan->walk.ndim - 1];
        for (int64_t i = 0; i < chunk->n; i++)
            if (chosen[i]) {
                memcpy(chunk->at[k] + i * step, room, (size_t)size);
                room += size;
            }
        return;
    }
    nd_t view;
    walk_view(&plan->walk, k, plan->dtype[k], &view);
    for (int64_t i = 0; i < chunk->n && count > 0; i++) {
        int64_t run = 0;
        while (i + run < chunk->n && chosen[i + run])
            run++;
        if (run)
            strided_unpack(&view, (chunk->position + i) * size, run * size, room);
        room += run * size;
        count -= run;
        i += run;
    }
}

static int32_t
run_masked(desk_t *self, const chunk_t *chunk)
{
    const desk_plan_t *plan = self->plan;
    int mask = plan->nin + plan->nout;
    gather(self, mask, chunk);
    const unsigned char *chosen = (const unsigned char *)self->room[mask];
    int64_t count = 0;
    for (int64_t i = 0; i < chunk->n; i++)
        count += chosen[i] != 0;
    if (!count)
        return 0;
    if (count == chunk->n)
        return run_packed(self, chunk);
    int64_t padded = plan->kernel->about.whole_vectors ? whole_vectors(count) : count;
    for (int k = 0; k < plan->nin; k++) {
        gather(self, k, chunk);
        if (self->filled[k])
            continue;
        compress(self->room[k], chosen, chunk->n, plan->size[k]);
        pad(self->room[k], plan->size[k], count, padded);
    }
    int32_t raised = plan->kernel->loop(self->room, plan->size, padded);
    for (int k = plan->nin; k < mask; k++)
        scatter(self, k, chunk, chosen, count);
    return raised;
}

/* Can the loop run over this row as it lies? */
static bool
is_plain(const desk_plan_t *plan)
{
    for (int k = 0; k < plan->nin + plan->nout; k++)
        if (plan->stream[k] || (plan->pack && !plan->contiguous[k]))
            return false;
    return !plan->masked;
}

static int32_t
run_plain(const desk_plan_t *plan, const chunk_t *chunk)
{
    int64_t strides[WALK_MAX];
    char *data[WALK_MAX];
    for (int k = 0; k < plan->nin + plan->nout; k++) {
        strides[k] = plan->walk.stride[k][plan->walk.ndim - 1];
        data[k] = chunk->at[k];
    }
    return plan->kernel->loop(data, strides, chunk->n);
}

/* Can results go past the cache while inputs lie well, or are constants? */
static bool
is_streaming(const desk_plan_t *plan)
{
    int inner = plan->walk.ndim - 1;
    for (int k = 0; k < plan->nin; k++)
        if (!plan->contiguous[k] && plan->walk.stride[k][inner])
            return false;
    for (int k = plan->nin; k < plan->nin + plan->nout; k++)
        if (!plan->stream[k])
            return false;
    return !plan->masked && plan->chunk >= STREAM_BLOCK;
}

/* Can the loop that goes past the cache by itself do it?  Not for constants, and only if all results lie on lines once
 * one of them does. */
static bool
is_straight(const desk_plan_t *plan, const chunk_t *chunk, int64_t beyond)
{
    for (int k = 0; k < plan->nin + plan->nout; k++) {
        if (!plan->contiguous[k] || !plan->walk.stride[k][plan->walk.ndim - 1])
            return false;
        if (k >= plan->nin && ((uintptr_t)chunk->at[k] - (uintptr_t)(beyond * plan->size[k])) % LINE)
            return false;
    }
    return plan->kernel->about.streams;
}

static int32_t
stream(const desk_plan_t *plan, char *const *in, char *const *out, int64_t n)
{
    char *data[WALK_MAX];
    for (int k = 0; k < plan->nin + plan->nout; k++)
        data[k] = k < plan->nin ? in[k] : out[k];
    return plan->kernel->stream(data, plan->size, n);
}

/* Part of a row, block by block: longer ones would have reading and writing take turns.  The first block is shorter if
 * it takes that for the others to begin on a line.  Where the kernel has a loop that goes past the cache by itself,
 * that one does all from there to the last whole block. */
static int32_t
run_streaming(desk_t *self, const chunk_t *chunk)
{
    const desk_plan_t *plan = self->plan;
    int64_t step[WALK_MAX], beyond = (int64_t)((uintptr_t)chunk->at[plan->nin] % LINE) / plan->size[plan->nin];
    char *data[WALK_MAX], *to[WALK_MAX];
    int operands = plan->nin + plan->nout;
    for (int k = 0; k < operands; k++) {
        bool constant = !plan->contiguous[k] || !plan->walk.stride[k][plan->walk.ndim - 1];
        if (constant && k < plan->nin)
            fill(self, k, chunk->at[k], STREAM_BLOCK);
        step[k] = constant ? 0 : plan->size[k];
        data[k] = constant || k >= plan->nin ? self->room[k] : chunk->at[k];
        to[k] = chunk->at[k];
    }
    int32_t raised = 0;
    bool straight = is_straight(plan, chunk, beyond);
    for (int64_t at = 0, n = STREAM_BLOCK - beyond; at < chunk->n; at += n, n = STREAM_BLOCK) {
        int64_t rest = chunk->n - at;
        bool past = straight && rest >= n && n == STREAM_BLOCK;
        n = past ? rest / KERNEL_VECTOR * KERNEL_VECTOR : n < rest ? n : rest;
        raised |= past ? stream(plan, data, to, n) : plan->kernel->loop(data, plan->size, n);
        for (int k = 0; k < plan->nin; k++)
            data[k] += step[k] * n;
        for (int k = plan->nin; k < operands; k++) {
            if (!past)
                stream_copy_part(to[k], self->room[k], (size_t)(n * plan->size[k]));
            to[k] += n * plan->size[k];
        }
    }
    return raised;
}

int64_t
desk_run(desk_t *self, int64_t position, int64_t n, int32_t *ret_raised)
{
    const desk_plan_t *plan = self->plan;
    bool whole = plan->kernel->about.whole_vectors;
    int64_t row = plan->walk.extent[plan->walk.ndim - 1], rest = row - position % row;
    int64_t here = rest < n ? rest : n; /* in this row */
    if (whole && here >= KERNEL_VECTOR)
        here = here / KERNEL_VECTOR * KERNEL_VECTOR;
    bool plain = is_plain(plan) && (whole ? here % KERNEL_VECTOR == 0 : !plan->pack || here >= KERNEL_VECTOR);
    chunk_t chunk = {.position = position, .n = here, .padded = here, .within = true};
    walk_seek(&plan->walk, position, chunk.at);
    if (plain) {
        *ret_raised = run_plain(plan, &chunk);
        return chunk.n;
    }
    if (is_streaming(plan) && !whole) {
        *ret_raised = run_streaming(self, &chunk);
        return chunk.n;
    }
    if (here < KERNEL_VECTOR && rest < n && row < SHORT_ROW) { /* several rows at once */
        chunk.n = n;
        chunk.within = false;
    }
    chunk.n = chunk.n < plan->chunk ? chunk.n : plan->chunk;
    chunk.padded = whole ? whole_vectors(chunk.n) : chunk.n;
    *ret_raised = plan->masked ? run_masked(self, &chunk) : run_packed(self, &chunk);
    return chunk.n;
}
