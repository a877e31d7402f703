#include "engine/compute/sort.h"

#include "engine/compute/lines.h"
#include "engine/compute/sort_elements.h"
#include "engine/compute/sort_items.h"

#include <string.h>

enum {
    LINE_LARGE = 64 << 10,  /* elements of a line that all threads may sort together */
    LINE_BLOCK = 128 << 10, /* elements that a thread loads or stores at a time */
};

typedef struct {
    const sort_elements_t *elements;
    crew_t *crew;
    lines_t lines;
    nd_t in, out, values; /* values: wanted beside places, if its data is not NULL */
    int64_t in_step, out_step, in_stride[SHAPE_MAX_DIMS], out_stride[SHAPE_MAX_DIMS];
    bool in_place; /* elements are sorted where their results go */
    int64_t base;
    char *scratch;
    int64_t room;           /* bytes of scratch for each worker */
    char *from, *to, *keys; /* the line that all threads load or store */
} sorting_t;

/* Few long lines are sorted one after the other, each by all threads. */
static bool
together(const crew_t *crew, const lines_t *lines)
{
    return lines->length >= LINE_LARGE && lines->count < 4 * crew_threads(crew);
}

static int64_t
workers(const crew_t *crew, const lines_t *lines)
{
    if (together(crew, lines))
        return 1;
    return lines->count < crew_threads(crew) ? lines->count : crew_threads(crew);
}

int64_t
compute_sort_scratch(const crew_t *crew, sort_kind_t kind, const nd_t *in, int axis)
{
    lines_t lines;
    int64_t bytes;
    if (dtype_is_items(in->dtype))
        return sort_items_scratch(in, axis);
    lines_init(&lines, &in->shape, axis);
    const sort_elements_t *elements = sort_elements(in->dtype, kind, lines.length);
    if (__builtin_mul_overflow(lines.length, 2 * elements->size, &bytes) || bytes > INT64_MAX - 64)
        return -1;
    return __builtin_mul_overflow((bytes + 63) / 64 * 64, workers(crew, &lines), &bytes) ? -1 : bytes;
}

/* ---- one line, by one thread ---------------------------------------------------------------------------------------
 */

static void
sort_line(const sorting_t *self, int64_t line, char *scratch)
{
    const sort_elements_t *elements = self->elements;
    const char *in = lines_at(&self->lines, self->in.data, self->in_stride, line);
    char *out = lines_at(&self->lines, self->out.data, self->out_stride, line);
    int64_t n = self->lines.length;
    char *a = self->in_place ? out : scratch + n * elements->size;
    elements->load(in, self->in_step, n, 0, a);
    elements->sort_alone(a, scratch, n);
    elements->store(a, n, self->base, out, self->out_step);
    if (self->values.data)
        elements->store_values(a, n, self->values.data, self->values.stride[0]);
}

static void
sort_lines(void *context, int64_t worker)
{
    const sorting_t *self = context;
    int64_t all = workers(self->crew, &self->lines);
    int64_t end = (worker + 1) * self->lines.count / all;
    for (int64_t line = worker * self->lines.count / all; line < end; line++)
        sort_line(self, line, self->scratch + worker * self->room);
}

/* ---- one line, by all threads --------------------------------------------------------------------------------------
 */

static void
load_block(void *context, int64_t i)
{
    const sorting_t *self = context;
    int64_t first = i * LINE_BLOCK, left = self->lines.length - first;
    self->elements->load(self->from + first * self->in_step, self->in_step, left < LINE_BLOCK ? left : LINE_BLOCK,
                         first, self->keys + first * self->elements->size);
}

static void
store_block(void *context, int64_t i)
{
    const sorting_t *self = context;
    int64_t first = i * LINE_BLOCK, left = self->lines.length - first, n = left < LINE_BLOCK ? left : LINE_BLOCK;
    const char *keys = self->keys + first * self->elements->size;
    self->elements->store(keys, n, self->base, self->to + first * self->out_step, self->out_step);
    if (self->values.data)
        self->elements->store_values(keys, n, self->values.data + first * self->values.stride[0],
                                     self->values.stride[0]);
}

static int
sort_together(sorting_t *self, int64_t line, err_t *err)
{
    int64_t n = self->lines.length, blocks = (n + LINE_BLOCK - 1) / LINE_BLOCK;
    self->from = lines_at(&self->lines, self->in.data, self->in_stride, line);
    self->to = lines_at(&self->lines, self->out.data, self->out_stride, line);
    self->keys = self->in_place ? self->to : self->scratch + n * self->elements->size;
    crew_run(self->crew, blocks, load_block, self);
    int status = self->elements->sort(self->crew, self->keys, self->scratch, n, err);
    if (!status)
        crew_run(self->crew, blocks, store_block, self);
    return status;
}

static int
sort_all(sort_kind_t kind, int axis, sorting_t *self, err_t *err)
{
    int status = FH_OK;
    lines_init(&self->lines, &self->in.shape, axis);
    if (self->lines.count == 0 || self->lines.length == 0)
        return FH_OK;
    self->elements = sort_elements(self->in.dtype, kind, self->lines.length);
    self->in_step = lines_strides(&self->in, axis, self->in_stride);
    self->out_step = lines_strides(&self->out, axis, self->out_stride);
    self->in_place = kind == SORT_VALUES && self->out_step == self->elements->size &&
                     (uintptr_t)self->out.data % (uintptr_t)self->elements->size == 0;
    int64_t n = workers(self->crew, &self->lines);
    self->room = compute_sort_scratch(self->crew, kind, &self->in, axis) / n;
    if (!together(self->crew, &self->lines))
        crew_run(self->crew, n, sort_lines, self);
    else
        for (int64_t line = 0; line < self->lines.count && !status; line++)
            status = sort_together(self, line, err);
    return status;
}

int
compute_sort(crew_t *crew, const nd_t *in, int axis, const nd_t *out, char *scratch, err_t *err)
{
    sorting_t self = {.crew = crew, .in = *in, .out = *out, .scratch = scratch};
    if (dtype_is_items(in->dtype)) {
        sort_items(crew, SORT_VALUES, in, axis, 0, out, scratch);
        return FH_OK;
    }
    return sort_all(SORT_VALUES, axis, &self, err);
}

int
compute_argsort(crew_t *crew, const nd_t *in, int axis, int64_t base, const nd_t *out, char *scratch, err_t *err)
{
    sorting_t self = {.crew = crew, .in = *in, .out = *out, .base = base, .scratch = scratch};
    if (dtype_is_items(in->dtype)) {
        sort_items(crew, SORT_ORDER, in, axis, base, out, scratch);
        return FH_OK;
    }
    return sort_all(SORT_ORDER, axis, &self, err);
}

/* ---- merging -------------------------------------------------------------------------------------------------------
 */

int64_t
compute_merge_scratch(sort_kind_t kind, const nd_t *in)
{
    int64_t bytes;
    if (dtype_is_items(in->dtype))
        return sort_items_scratch(in, 0);
    const sort_elements_t *elements = sort_elements(in->dtype, kind, INT64_MAX);
    return __builtin_mul_overflow(in->shape.extent[0], 2 * elements->size, &bytes) ? -1 : bytes;
}

/* How many blocks the line has. */
static int64_t
start_merging(sorting_t *self, const sort_elements_t *elements)
{
    self->elements = elements;
    lines_init(&self->lines, &self->in.shape, 0);
    self->from = self->in.data;
    self->to = self->out.data;
    self->keys = self->scratch + self->lines.length * elements->size;
    self->in_step = self->in.stride[0];
    self->out_step = self->out.stride[0];
    return (self->lines.length + LINE_BLOCK - 1) / LINE_BLOCK;
}

void
compute_merge(crew_t *crew, const nd_t *in, int64_t *starts, int64_t runs, const nd_t *out, char *scratch)
{
    sorting_t self = {.crew = crew, .in = *in, .out = *out, .scratch = scratch};
    if (dtype_is_items(in->dtype)) { /* runs that are sorted are merged as they stand */
        sort_items(crew, SORT_VALUES, in, 0, 0, out, scratch);
        return;
    }
    int64_t blocks = start_merging(&self, sort_elements(in->dtype, SORT_VALUES, INT64_MAX));
    crew_run(crew, blocks, load_block, &self);
    merge_runs(crew, self.elements->merge, self.keys, scratch, self.lines.length, starts, runs);
    crew_run(crew, blocks, store_block, &self);
}

/* ---- places, with the values that order them -----------------------------------------------------------------------
 */

typedef struct {
    sorting_t *sorting;
    const nd_t *places, *out;
    const int64_t *starts, *added; /* of runs */
    int64_t runs;
} placing_t;

/* The run that element k is of. */
static int64_t
run_of(const placing_t *self, int64_t k)
{
    int64_t low = 0, high = self->runs - 1;
    while (low < high) {
        int64_t at = high - (high - low) / 2;
        if (self->starts[at] <= k)
            low = at;
        else
            high = at - 1;
    }
    return low;
}

static int64_t
place_at(const placing_t *self, int64_t k, int64_t run)
{
    int64_t place;
    memcpy(&place, self->places->data + k * self->places->stride[0], sizeof place);
    return (int64_t)((uint64_t)place + (uint64_t)self->added[run]);
}

/* Elements [*ret_first, *ret_end) are block i. */
static void
block_of(const nd_t *line, int64_t i, int64_t *ret_first, int64_t *ret_end)
{
    int64_t n = line->shape.extent[0];
    *ret_first = i * LINE_BLOCK;
    *ret_end = *ret_first + LINE_BLOCK < n ? *ret_first + LINE_BLOCK : n;
}

/* Keys with the places that came with them. */
static void
load_placed(void *context, int64_t i)
{
    const placing_t *self = context;
    const sorting_t *sorting = self->sorting;
    int64_t first, end, size = sorting->elements->size;
    block_of(self->places, i, &first, &end);
    load_block(self->sorting, i);
    char *at = sorting->keys + (first + 1) * size - (int64_t)sizeof(int64_t);
    for (int64_t k = first, run = run_of(self, first); k < end; k++, at += size) {
        while (run + 1 < self->runs && self->starts[run + 1] <= k)
            run++;
        int64_t place = place_at(self, k, run);
        memcpy(at, &place, sizeof place);
    }
}

/* out holds where in the runs each element is: that becomes its place. */
static void
pick_block(void *context, int64_t i)
{
    const placing_t *self = context;
    int64_t first, end;
    block_of(self->out, i, &first, &end);
    for (int64_t k = first; k < end; k++) {
        int64_t *at = (int64_t *)(void *)(self->out->data + k * self->out->stride[0]);
        *at = place_at(self, *at, run_of(self, *at));
    }
}

int
compute_sort_places(crew_t *crew, const nd_t *in, const nd_t *values, const nd_t *places, char *scratch, err_t *err)
{
    sorting_t self = {.crew = crew, .in = *in, .out = *places, .values = *values, .scratch = scratch};
    if (!dtype_is_items(in->dtype))
        return sort_all(SORT_ORDER, 0, &self, err);
    sort_items(crew, SORT_ORDER, in, 0, 0, places, scratch);
    size_t size = dtype_size(in->dtype);
    for (int64_t i = 0; i < in->shape.extent[0]; i++) {
        int64_t place = *(const int64_t *)(const void *)(places->data + i * places->stride[0]);
        memcpy(values->data + i * values->stride[0], in->data + place * in->stride[0], size);
    }
    return FH_OK;
}

void
compute_merge_order(crew_t *crew, const nd_t *values, const nd_t *places, int64_t *starts, const int64_t *added,
                    int64_t runs, const nd_t *out, char *scratch)
{
    sorting_t self = {.crew = crew, .in = *values, .out = *out, .scratch = scratch};
    placing_t placing = {&self, places, out, starts, added, runs};
    if (dtype_is_items(values->dtype)) {
        sort_items(crew, SORT_ORDER, values, 0, 0, out, scratch);
        crew_run(crew, (values->shape.extent[0] + LINE_BLOCK - 1) / LINE_BLOCK, pick_block, &placing);
        return;
    }
    int64_t blocks = start_merging(&self, sort_elements(values->dtype, SORT_ORDER, INT64_MAX));
    crew_run(crew, blocks, load_placed, &placing);
    merge_runs(crew, self.elements->merge, self.keys, scratch, self.lines.length, starts, runs);
    crew_run(crew, blocks, store_block, &self);
}
