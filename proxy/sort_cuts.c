/* Exact splitting of sorted pieces (after Varman, Scheufler, Iyer and Ricard, Merging Multiple Lists on Hierarchical-
 * Memory Multiprocessors, 1991), by samples: an element that is certainly before a boundary raises the lower bound of
 * its piece's cut, one that is certainly behind lowers the upper one.  Each round takes samples between the bounds. */
#include "codecs/order.h"
#include "proxy/sort.h"

#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 2048, /* of all pieces between the bounds of one boundary */
    ROUNDS = 100,   /* each narrows the bounds by a factor of some dozens at least */
};

/* Samples of one piece for one boundary. */
typedef struct {
    int64_t low, high;          /* the cut is at one of low ... high */
    int64_t start, step, count; /* where samples were taken */
    const char *data;           /* the samples */
} bounds_t;

typedef struct {
    const sort_pieces_t *pieces;
    int n;
    dtype_t dtype;
    int64_t size;
    bounds_t *bounds; /* boundary 1 ... n - 1, piece */
    char *samples;
} cutting_t;

static bounds_t *
bounds_at(const cutting_t *self, int boundary, int piece)
{
    return &self->bounds[(boundary - 1) * self->n + piece];
}

/* ---- samples -------------------------------------------------------------------------------------------------------
 */

/* What is asked of piece i next; returns how many samples that are. */
static int64_t
plan_piece(const cutting_t *self, int i, int64_t *integers)
{
    int64_t total = 0, most = SAMPLES / self->n > 16 * self->n ? SAMPLES / self->n : 16 * self->n;
    for (int j = 1; j < self->n; j++, integers += 3) {
        bounds_t *bounds = bounds_at(self, j, i);
        int64_t width = bounds->high - bounds->low;
        bounds->start = bounds->low;
        bounds->step = width / most > 1 ? width / most : 1;
        bounds->count = (width + bounds->step - 1) / bounds->step;
        integers[0] = bounds->start;
        integers[1] = bounds->step;
        integers[2] = bounds->count;
        total += bounds->count;
    }
    return total;
}

static int
take_samples(const cutting_t *self, int i, const int64_t *integers, int64_t count, handle_t **ret, err_t *err)
{
    handle_t *sorted = self->pieces->sorted[i];
    operand_t in = apply_object(sorted);
    shape_t shape = {.ndim = 1, .extent = {count}};
    return apply_emit_one(APPLY_SAMPLE, &in, 1, sorted->engine, self->dtype, &shape, integers, 3 * (self->n - 1), ret,
                          err);
}

/* Point the bounds at their samples, which lie piece by piece, boundary by boundary. */
static void
share_samples(const cutting_t *self)
{
    const char *data = self->samples;
    for (int i = 0; i < self->n; i++) {
        for (int j = 1; j < self->n; j++) {
            bounds_t *bounds = bounds_at(self, j, i);
            bounds->data = data;
            data += bounds->count * self->size;
        }
    }
}

/* Fetch the samples of all pieces at once; *ret_total 0: no cut is open. */
static int
fetch_samples(cutting_t *self, int64_t *ret_total, err_t *err)
{
    fh_array *all = NULL;
    int64_t total = 0;
    int64_t *integers = malloc((size_t)(3 * self->n) * sizeof *integers);
    if (!integers)
        return err_set(err, FH_NO_MEMORY, "no memory to split %d sorted pieces", self->n);
    shape_t shape = {.ndim = 1};
    int status = array_new(&all, self->pieces->array->session, self->dtype, &shape, 0, self->n, err);
    for (int i = 0; i < self->n && !status; i++) {
        handle_t *taken = NULL;
        int64_t count = plan_piece(self, i, integers);
        status = take_samples(self, i, integers, count, &taken, err);
        if (!status)
            array_put(all, i, taken, NULL);
        all->cuts[i] = (piece_t){total, count};
        total += count;
    }
    free(integers);
    if (!status && total > 0) {
        all->shape.extent[0] = total;
        array_settle(all);
        free(self->samples);
        self->samples = malloc((size_t)(total * self->size));
        status = self->samples ? fh_gather(all, self->samples, NULL, (fh_error *)err)
                               : err_set(err, FH_NO_MEMORY, "no memory for %lld samples", (long long)total);
    }
    fh_array_free(&all);
    if (!status)
        share_samples(self);
    *ret_total = total;
    return status;
}

/* ---- narrowing -----------------------------------------------------------------------------------------------------
 */

/* How many samples of piece k come before sample s of piece i.  Equal elements: the earlier piece's first. */
static int64_t
samples_before(const cutting_t *self, int boundary, int k, int i, int64_t s)
{
    const bounds_t *other = bounds_at(self, boundary, k);
    const char *element = bounds_at(self, boundary, i)->data + s * self->size;
    int64_t low = 0, high = other->count;
    while (low < high) {
        int64_t at = low + (high - low) / 2;
        int compare = order_compare(self->dtype, !self->pieces->order, other->data + at * self->size, element);
        if (compare < 0 || (compare == 0 && k < i))
            low = at + 1;
        else
            high = at;
    }
    return low;
}

/* Sample s of piece i has at least *low and at most *high elements before it, as far as they are between the bounds. */
static void
rank_of(const cutting_t *self, int boundary, int i, int64_t s, int64_t *low, int64_t *high)
{
    *low = *high = 0;
    for (int k = 0; k < self->n; k++) {
        const bounds_t *other = bounds_at(self, boundary, k);
        if (k == i) {
            *low += other->start + s * other->step;
            *high += other->start + s * other->step;
            continue;
        }
        int64_t before = samples_before(self, boundary, k, i, s);
        *low += before > 0 ? other->start + (before - 1) * other->step + 1 : other->low;
        *high += before == 0 ? other->low : before < other->count ? other->start + before * other->step : other->high;
    }
}

/* Samples of a piece rise, so the last one that is certainly before the boundary is found by halving, and the first one
 * that is certainly behind. */
static void
narrow(const cutting_t *self, int boundary, int i, int64_t rank, int64_t *ret_low, int64_t *ret_high)
{
    const bounds_t *bounds = bounds_at(self, boundary, i);
    int64_t before = 0, end = bounds->count, low, high;
    while (before < end) { /* samples that are certainly before */
        int64_t at = before + (end - before) / 2;
        rank_of(self, boundary, i, at, &low, &high);
        if (high < rank)
            before = at + 1;
        else
            end = at;
    }
    int64_t behind = before;
    end = bounds->count;
    while (behind < end) { /* the first sample that is certainly behind */
        int64_t at = behind + (end - behind) / 2;
        rank_of(self, boundary, i, at, &low, &high);
        if (low < rank)
            behind = at + 1;
        else
            end = at;
    }
    *ret_low = before > 0 ? bounds->start + (before - 1) * bounds->step + 1 : bounds->low;
    *ret_high = behind < bounds->count ? bounds->start + behind * bounds->step : bounds->high;
}

static void
narrow_all(const cutting_t *self, int64_t *lows, int64_t *highs)
{
    for (int j = 1; j < self->n; j++) {
        int64_t rank = self->pieces->array->cuts[j].start;
        for (int i = 0; i < self->n; i++)
            narrow(self, j, i, rank, &lows[i], &highs[i]);
        for (int i = 0; i < self->n; i++) {
            bounds_t *bounds = bounds_at(self, j, i);
            bounds->low = lows[i];
            bounds->high = highs[i];
        }
    }
}

static int
split(cutting_t *self, err_t *err)
{
    int64_t *lows = malloc((size_t)(2 * self->n) * sizeof *lows), open = 1;
    int status = lows ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to split %d sorted pieces", self->n);
    for (int round = 0; open && !status; round++) {
        status = fetch_samples(self, &open, err);
        if (!status && open)
            narrow_all(self, lows, lows + self->n);
        if (!status && round == ROUNDS)
            status = err_set(err, FH_PROTOCOL_ERROR, "samples of sorted pieces are not in order");
    }
    free(lows);
    return status;
}

int
sort_find_cuts(sort_pieces_t *pieces, err_t *err)
{
    int n = pieces->n;
    const fh_array *array = pieces->array;
    cutting_t self = {.pieces = pieces, .n = n, .dtype = array->dtype, .size = (int64_t)dtype_size(array->dtype)};
    self.bounds = calloc((size_t)(n * (n - 1)), sizeof *self.bounds);
    if (!self.bounds)
        return err_set(err, FH_NO_MEMORY, "no memory to split %d sorted pieces", n);
    for (int j = 1; j < n; j++)
        for (int i = 0; i < n; i++)
            bounds_at(&self, j, i)->high = array->cuts[i].length;
    int status = split(&self, err);
    for (int i = 0; i < n && !status; i++) {
        pieces->cuts[i] = 0;
        pieces->cuts[n * n + i] = array->cuts[i].length;
        for (int j = 1; j < n; j++)
            pieces->cuts[j * n + i] = bounds_at(&self, j, i)->low;
    }
    free(self.bounds);
    free(self.samples);
    return status;
}
