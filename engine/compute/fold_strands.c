#include "engine/compute/fold_strands.h"

/* One part of a row, which goes on behind it.  Processors fetch ahead no further than a page, so what is to be folded
 * in two rows is fetched here, a little before each little. */
static void
fold_part_of_row(const fold_strands_t *self, char *strand, const char *from, int64_t down)
{
    enum { LINE = 64, LITTLE = 1 << 10 };
    int64_t few = LITTLE / self->item;

    for (int64_t at = 0; at < self->width; at += few) {
        int64_t now = few < self->width - at ? few : self->width - at;
        const char *here = from + at * self->item;

        for (int64_t byte = 0; byte < now * self->item; byte += LINE)
            __builtin_prefetch(here + 2 * down + byte);
        self->fold->lanes(strand + at * self->total, here, self->item, now);
    }
}

int64_t
fold_strands_rounds(const fold_strands_t *self, const char *data, int64_t step, int64_t down, int64_t at, int64_t n)
{
    int64_t leaf = REDUCTION_LEAF - at, positions = (n < leaf ? n : leaf) / FOLD_STRANDS * FOLD_STRANDS;
    bool part = step == self->item && down > self->width * self->item;

    for (int64_t i = 0; i < positions; i++) {
        char *strand = self->memory + i % FOLD_STRANDS * self->width * self->total;

        if (part)
            fold_part_of_row(self, strand, data + i * down, down);
        else
            self->fold->lanes(strand, data + i * down, step, self->width);
    }
    return positions;
}

void
fold_strands_join(const fold_strands_t *self, int64_t n)
{
    int64_t have = n < FOLD_STRANDS ? n : FOLD_STRANDS;

    for (int64_t half = FOLD_STRANDS / 2; half > 0; half /= 2) {
        if (have > half)
            self->fold->merge(self->memory, self->memory + half * self->width * self->total,
                              (have - half) * self->width);
        have = have < half ? have : half;
    }
}
