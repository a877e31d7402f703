#include "engine/compute/sort_items.h"

#include "codecs/order.h"
#include "engine/compute/lines.h"

#include <string.h>

enum {
    LINE_LARGE = 16 << 10, /* elements of a line that all threads sort together */
    SHORT_RUN = 16,        /* elements that are sorted by insertion */
    PREFIX = 8             /* bytes of an element that are its key */
};

typedef struct {
    uint64_t prefix;
    int64_t place;
} item_key_t;

typedef struct {
    const char *data; /* of the line */
    int64_t step;
    dtype_t dtype;
    size_t size;
    item_key_t *keys, *spare;
    int64_t n, run; /* run: elements that are sorted already, one behind the other */
} line_t;

/* The first bytes, or two characters, as a number that orders as they do. */
static uint64_t
prefix_of(const char *item, size_t size, bool characters)
{
    uint8_t bytes[PREFIX] = {0};
    uint64_t prefix = 0;
    memcpy(bytes, item, size < PREFIX ? size : PREFIX);
    if (characters) {
        uint32_t pair[2];
        memcpy(pair, bytes, sizeof pair);
        return (uint64_t)pair[0] << 32 | pair[1];
    }
    for (int i = 0; i < PREFIX; i++)
        prefix = prefix << 8 | bytes[i];
    return prefix;
}

static bool
before(const line_t *line, const item_key_t *a, const item_key_t *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    return line->size > PREFIX && order_compare(line->dtype, false, line->data + a->place * line->step,
                                                line->data + b->place * line->step) < 0;
}

static void
insert(const line_t *line, item_key_t *keys, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        item_key_t key = keys[i];
        int64_t j = i;
        for (; j > 0 && before(line, &key, &keys[j - 1]); j--)
            keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

/* keys[0, middle) and keys[middle, n) are sorted; those of the first go first where they are equal. */
static void
merge(const line_t *line, item_key_t *keys, item_key_t *spare, int64_t middle, int64_t n)
{
    if (middle >= n || !before(line, &keys[middle], &keys[middle - 1]))
        return;
    memcpy(spare, keys, (size_t)middle * sizeof *keys);
    int64_t a = 0, b = middle, to = 0;
    while (a < middle && b < n)
        keys[to++] = before(line, &keys[b], &spare[a]) ? keys[b++] : spare[a++];
    memcpy(keys + to, spare + a, (size_t)(middle - a) * sizeof *keys);
}

static void
sort_run(const line_t *line, item_key_t *keys, item_key_t *spare, int64_t n)
{
    for (int64_t i = 0; i < n; i += SHORT_RUN)
        insert(line, keys + i, n - i < SHORT_RUN ? n - i : SHORT_RUN);
    for (int64_t run = SHORT_RUN; run < n; run *= 2)
        for (int64_t i = 0; i + run < n; i += 2 * run)
            merge(line, keys + i, spare + i, run, n - i < 2 * run ? n - i : 2 * run);
}

static void
load(const line_t *line, int64_t first, int64_t n)
{
    for (int64_t i = first; i < first + n; i++)
        line->keys[i] =
            (item_key_t){prefix_of(line->data + i * line->step, line->size, dtype_code(line->dtype) == CODE_STR), i};
}

static void
sort_block(void *context, int64_t i)
{
    const line_t *line = context;
    int64_t first = i * line->run, left = line->n - first, n = left < line->run ? left : line->run;
    load(line, first, n);
    sort_run(line, line->keys + first, line->spare + first, n);
}

static void
merge_pair(void *context, int64_t i)
{
    const line_t *line = context;
    int64_t first = 2 * i * line->run, left = line->n - first;
    merge(line, line->keys + first, line->spare + first, line->run, left < 2 * line->run ? left : 2 * line->run);
}

/* Each thread sorts a block, then pairs of runs are merged until one is left. */
static void
sort_line(crew_t *crew, line_t *line)
{
    int threads = line->n >= LINE_LARGE ? crew_threads(crew) : 1;
    line->run = (line->n + threads - 1) / threads;
    crew_run(crew, (line->n + line->run - 1) / line->run, sort_block, line);
    for (; line->run < line->n; line->run *= 2)
        crew_run(crew, (line->n + 2 * line->run - 1) / (2 * line->run), merge_pair, line);
}

int64_t
sort_items_scratch(const nd_t *in, int axis)
{
    lines_t lines;
    int64_t bytes;
    lines_init(&lines, &in->shape, axis);
    return __builtin_mul_overflow(lines.length, 2 * (int64_t)sizeof(item_key_t), &bytes) ? -1 : bytes;
}

static void
store(const line_t *line, sort_kind_t kind, int64_t base, char *out, int64_t step)
{
    for (int64_t i = 0; i < line->n; i++, out += step) {
        int64_t place = line->keys[i].place + base;
        if (kind == SORT_ORDER)
            memcpy(out, &place, sizeof place);
        else
            memcpy(out, line->data + line->keys[i].place * line->step, line->size);
    }
}

void
sort_items(crew_t *crew, sort_kind_t kind, const nd_t *in, int axis, int64_t base, const nd_t *out, char *scratch)
{
    lines_t lines;
    int64_t in_stride[SHAPE_MAX_DIMS], out_stride[SHAPE_MAX_DIMS];
    lines_init(&lines, &in->shape, axis);
    int64_t in_step = lines_strides(in, axis, in_stride), out_step = lines_strides(out, axis, out_stride);
    line_t line = {.step = in_step, .dtype = in->dtype, .size = dtype_size(in->dtype), .n = lines.length};
    line.keys = (item_key_t *)(void *)scratch;
    line.spare = line.keys + lines.length;
    for (int64_t i = 0; i < lines.count && lines.length > 0; i++) {
        line.data = lines_at(&lines, in->data, in_stride, i);
        sort_line(crew, &line);
        store(&line, kind, base, lines_at(&lines, out->data, out_stride, i), out_step);
    }
}
