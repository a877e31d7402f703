/* engine/apply/split.c - flat indices by the piece that they lie in: a counting sort. */
#include "engine/apply/apply.h"

enum { PART = 64 * 1024 };

typedef struct {
    const int64_t *indices, *cuts;
    int64_t n, pieces, parts;
    int64_t *at; /* (parts, pieces): how many; then where the next one goes */
    int64_t *order, *local;
} split_t;

static int64_t
piece_of(const split_t *self, int64_t index)
{
    int64_t low = 0, high = self->pieces;

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (index < self->cuts[middle])
            high = middle;
        else
            low = middle;
    }
    return low;
}

static int64_t
part_end(const split_t *self, int64_t part)
{
    return (part + 1) * PART < self->n ? (part + 1) * PART : self->n;
}

static void
count_part(void *context, int64_t part)
{
    const split_t *self = context;
    int64_t *at = self->at + part * self->pieces;

    for (int64_t piece = 0; piece < self->pieces; piece++)
        at[piece] = 0;
    for (int64_t i = part * PART; i < part_end(self, part); i++)
        at[piece_of(self, self->indices[i])]++;
}

static void
place_part(void *context, int64_t part)
{
    const split_t *self = context;
    int64_t *at = self->at + part * self->pieces;

    for (int64_t i = part * PART; i < part_end(self, part); i++) {
        int64_t piece = piece_of(self, self->indices[i]), to = at[piece]++;

        self->order[to] = i;
        self->local[to] = self->indices[i] - self->cuts[piece];
    }
}

/* From counts to the places where each part's indices of each piece begin. */
static void
add_up(const split_t *self, int64_t *counts)
{
    int64_t total = 0;

    for (int64_t piece = 0; piece < self->pieces; piece++) {
        int64_t before = total;

        for (int64_t part = 0; part < self->parts; part++) {
            int64_t *at = &self->at[part * self->pieces + piece], count = *at;

            *at = total;
            total += count;
        }
        counts[piece] = total - before;
    }
}

static int
check(const apply_call_t *call, const split_t *self, err_t *err)
{
    for (int i = 0; i < 3; i++)
        if (call->out[i].dtype != DTYPE_INT64)
            return err_set(err, FH_WRONG_TYPE, "output %d is int64, not %s", i, dtype_name(call->out[i].dtype));
    for (int64_t i = 0; i < self->pieces; i++)
        if (self->cuts[i] > self->cuts[i + 1])
            return err_set(err, FH_INVALID_ARGUMENT, "piece %lld ends before it begins", (long long)i);
    for (int64_t i = 0; i < self->n; i++)
        if (self->indices[i] < self->cuts[0] || self->indices[i] >= self->cuts[self->pieces])
            return err_set(err, FH_BAD_INDEX, "index %lld is out of bounds for size %lld", (long long)self->indices[i],
                           (long long)self->cuts[self->pieces]);
    return FH_OK;
}

int
apply_split(apply_call_t *call, err_t *err)
{
    split_t self = {.cuts = call->integers, .pieces = call->nintegers - 1};
    nd_t indices;
    void *at;
    int status = apply_integers(call, 2, APPLY_MAX_INTEGERS, err);

    if (!status)
        status = apply_contiguous(call, 0, DTYPE_INT64, &indices, err);
    if (status)
        return status;
    self.indices = (const int64_t *)indices.data;
    self.n = shape_count(&indices.shape);
    self.parts = (self.n + PART - 1) / PART;
    status = check(call, &self, err);
    if (!status)
        status = apply_scratch(call, self.parts * self.pieces * (int64_t)sizeof *self.at, &at, err);
    for (int i = 0; i < 3 && !status; i++)
        status = apply_make(call, i, &(shape_t){.ndim = 1, .extent = {i < 2 ? self.n : self.pieces}}, err);
    if (status)
        return status;
    self.at = at;
    self.order = (int64_t *)call->out[0].data;
    self.local = (int64_t *)call->out[1].data;
    crew_run(call->crew, self.parts, count_part, &self);
    add_up(&self, (int64_t *)call->out[2].data);
    crew_run(call->crew, self.parts, place_part, &self);
    return FH_OK;
}
