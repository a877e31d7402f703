#include "engine/compute/fold_leaf.h"

#include <string.h>

enum {
    FEW = 128,             /* results whose strands lie in the first-level cache */
    SHORT_BYTES = 2 << 10, /* rows up to here end before processors have begun to fetch ahead */
    LINE = 64,
    LITTLE = 4 * LINE, /* of a row, for which as much of each row is fetched */
};

/* All rows of the leaf are there, and their elements lie close.  false: as in pass. */
static bool
whole_leaf(const fold_leaf_t *self, const char *from, int64_t down, bool ahead, char *ret)
{
    _Alignas(64) char spare[FOLD_LANE_BYTES];
    const int64_t bytes = self->width * self->item, few = LITTLE / self->item;
    const char *next = from + REDUCTION_LEAF * down;
    bool done = true;
    ahead = ahead && bytes == down && bytes <= SHORT_BYTES;
    for (int pass = 0; pass < FOLD_PASSES; pass++) {
        for (int64_t at = 0, now = self->width; at < self->width; at += now) {
            if (ahead) {
                now = few < self->width - at ? few : self->width - at;
                for (const char *end = next + now * self->item * (REDUCTION_LEAF / FOLD_PASSES); next < end;
                     next += LINE)
                    __builtin_prefetch(next);
            }
            done &= self->fold->pass(pass, ret + at * self->total, spare + at * self->total, from + at * self->item,
                                     down, now);
        }
    }
    return done;
}

static void
join(const fold_leaf_t *self, char *strands, int64_t have, int64_t width)
{
    for (int64_t half = FOLD_STRANDS / 2; half > 0; half /= 2) {
        if (have > half)
            self->fold->merge(strands, strands + half * width * self->total, (have - half) * width);
        have = have < half ? have : half;
    }
}

/* Any rows, a few results at a time. */
static void
part_of_leaf(const fold_leaf_t *self, const char *from, int64_t step, int64_t down, int64_t rows, char *ret)
{
    _Alignas(64) char strands[FOLD_STRANDS * FEW * FOLD_ELEMENT_MAX];
    if (rows == 1) {
        self->widen((char *[]){(char *)(uintptr_t)from, ret}, (const int64_t[]){step, self->total}, self->width);
        return;
    }
    for (int64_t at = 0, now; at < self->width; at += now) {
        const char *row = from + at * step;
        now = FEW < self->width - at ? FEW : self->width - at;
        for (int64_t i = 0; i < rows; i++, row += down) {
            char *strand = strands + i % FOLD_STRANDS * now * self->total;
            if (i < FOLD_STRANDS)
                self->widen((char *[]){(char *)(uintptr_t)row, strand}, (const int64_t[]){step, self->total}, now);
            else
                self->fold->lanes(strand, row, step, now);
        }
        join(self, strands, rows < FOLD_STRANDS ? rows : FOLD_STRANDS, now);
        memcpy(ret + at * self->total, strands, (size_t)(now * self->total));
    }
}

void
fold_leaf(const fold_leaf_t *self, const char *from, int64_t step, int64_t down, int64_t rows, bool ahead, char *ret)
{
    if (rows < REDUCTION_LEAF || step != self->item || !whole_leaf(self, from, down, ahead, ret))
        part_of_leaf(self, from, step, down, rows, ret);
}
