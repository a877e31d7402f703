#include "codecs/piece.h"

void
piece_split(int64_t extent, int n, piece_t *ret)
{
    int64_t base = extent / n, longer = extent % n, start = 0;
    for (int i = 0; i < n; i++) {
        ret[i] = (piece_t){.start = start, .length = base + (i < longer)};
        start += ret[i].length;
    }
}

int
piece_count(int64_t extent, int64_t blocksize, int64_t *ret, err_t *err)
{
    if (blocksize < 1)
        return err_set(err, FH_INVALID_ARGUMENT, "blocksize is %lld, it must be at least 1", (long long)blocksize);
    *ret = extent <= 0 ? 1 : (extent - 1) / blocksize + 1;
    return FH_OK;
}

piece_t
piece_block(int64_t extent, int64_t blocksize, int64_t i)
{
    piece_t p = {.start = i * blocksize};
    int64_t left = extent - p.start;
    p.length = left < blocksize ? left : blocksize;
    return p;
}

piece_t
piece_overlap(piece_t a, piece_t b)
{
    int64_t start = a.start > b.start ? a.start : b.start;
    int64_t end_a = a.start + a.length, end_b = b.start + b.length;
    int64_t end = end_a < end_b ? end_a : end_b;
    return (piece_t){.start = start, .length = end > start ? end - start : 0};
}

/* How many steps from a position reach at least a distance ahead. */
static int64_t
steps_to(int64_t distance, int64_t step)
{
    return distance <= 0 ? 0 : (distance - 1) / step + 1;
}

void
piece_slice(piece_t p, int64_t start, int64_t step, int64_t count, int64_t *ret_first, int64_t *ret_count,
            int64_t *ret_offset)
{
    int64_t first, past; /* the elements [first, past) of the range lie in the piece */
    if (step > 0) {
        first = steps_to(p.start - start, step);
        past = steps_to(p.start + p.length - start, step);
    } else {
        int64_t back = step == INT64_MIN ? INT64_MAX : -step;
        first = steps_to(start - (p.start + p.length - 1), back);
        past = steps_to(start - p.start + 1, back);
    }
    past = past < count ? past : count;
    if (first >= past || p.length == 0) {
        *ret_first = *ret_count = *ret_offset = 0;
        return;
    }
    *ret_first = start + first * step - p.start;
    *ret_count = past - first;
    *ret_offset = first;
}

int
piece_find(const piece_t *pieces, int n, int64_t position)
{
    int low = 0, high = n - 1; /* the answer is in [low, high] */
    while (low < high) {
        int middle = low + (high - low + 1) / 2;
        if (pieces[middle].start <= position)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}
