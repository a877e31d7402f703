#include "engine/runner/code/lines.h"

#include "engine/runner/code/line_program.h"
#include "engine/runner/code/object.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SEQUENCES = 1024, NO_FILE = UINT16_MAX };

typedef struct {
    uint32_t offset, line; /* in the code; 0: of no line */
    uint16_t file;
} row_t;

/* Rows first to last - 1 hold the code from the first one's offset up to end. */
typedef struct {
    uint32_t first, last, end;
} sequence_t;

typedef char name_t[LINES_NAME_MAX];

struct lines {
    _Atomic(lines_t *) next;
    const void *owner;
    uintptr_t start;
    uint64_t symbol, size; /* of the code, and where in it the symbol is */
    row_t *rows;
    sequence_t *sequences;
    name_t *files;
    size_t row_count, row_room, sequence_count, sequence_room, file_count, file_room;
    size_t first; /* row of the sequence that is being built */
};

static _Atomic(lines_t *) all;

/* Room for one more of unit bytes each, at most max: false if there is none. */
static bool
make_room(void **array, size_t count, size_t *room, size_t unit, size_t max)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? *room * 2 : 8;
    if (wanted > max)
        wanted = max;
    void *grown = wanted > count ? realloc(*array, wanted * unit) : NULL;
    if (!grown)
        return false;
    *array = grown;
    *room = wanted;
    return true;
}

/* Without folders: "src/stencil.c" is "stencil.c". */
static int
add_file(void *context, const char *name, size_t length)
{
    lines_t *self = context;
    const char *slash = memrchr(name, '/', length);
    if (slash) {
        length -= (size_t)(slash + 1 - name);
        name = slash + 1;
    }
    if (length >= LINES_NAME_MAX) {
        name += length - (LINES_NAME_MAX - 1);
        length = LINES_NAME_MAX - 1;
    }
    for (size_t i = 0; i < self->file_count; i++)
        if (!strncmp(self->files[i], name, length) && !self->files[i][length])
            return (int)i;
    if (!length ||
        !make_room((void **)&self->files, self->file_count, &self->file_room, sizeof(name_t), LINES_MAX_FILES))
        return -1;
    memcpy(self->files[self->file_count], name, length);
    self->files[self->file_count][length] = '\0';
    return (int)self->file_count++;
}

static bool
end_sequence(void *context, uint64_t offset)
{
    lines_t *self = context;
    if (self->row_count == self->first)
        return true;
    if (offset > self->size || offset < self->rows[self->row_count - 1].offset ||
        !make_room((void **)&self->sequences, self->sequence_count, &self->sequence_room, sizeof *self->sequences,
                   MAX_SEQUENCES))
        return false;
    self->sequences[self->sequence_count++] =
        (sequence_t){(uint32_t)self->first, (uint32_t)self->row_count, (uint32_t)offset};
    self->first = self->row_count;
    return true;
}

/* Rows out of order, or behind the code, cannot be right: the table ends before their sequence. */
static bool
add_row(void *context, uint64_t offset, int file, uint32_t line)
{
    lines_t *self = context;
    uint16_t number = file < 0 ? (uint16_t)NO_FILE : (uint16_t)file;
    row_t *last = self->row_count > self->first ? &self->rows[self->row_count - 1] : NULL;
    if (offset > self->size || (last && offset < last->offset))
        return false;
    if (last && last->offset == offset) { /* the later row holds */
        last->file = number;
        last->line = line;
        return true;
    }
    if (last && last->file == number && last->line == line)
        return true;
    if (!make_room((void **)&self->rows, self->row_count, &self->row_room, sizeof *self->rows,
                   LINES_MAX_BYTES / sizeof *self->rows)) {
        end_sequence(self, offset);
        return false;
    }
    self->rows[self->row_count++] = (row_t){(uint32_t)offset, line, number};
    return true;
}

lines_t *
lines_new(const void *object, size_t size, const char *symbol)
{
    object_t elf;
    object_place_t place;
    object_section_t code;
    if (!object_init(&elf, object, size) || !object_symbol(&elf, symbol, &place) ||
        !object_section_at(&elf, place.section, &code) || place.offset > code.size || code.size > UINT32_MAX)
        return NULL;
    lines_t *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->symbol = place.offset;
    self->size = code.size;
    line_sink_t sink = {.context = self, .file = add_file, .row = add_row, .end = end_sequence};
    line_program_read(&elf, place.section, &sink);
    return self;
}

void
lines_destroy(lines_t **self)
{
    lines_t *lines = *self;
    if (!lines)
        return;
    free(lines->rows);
    free(lines->sequences);
    free(lines->files);
    free(lines);
    *self = NULL;
}

void
lines_publish(lines_t **self, const void *address, const void *owner)
{
    lines_t *lines = *self;
    if (!lines)
        return;
    lines->start = (uintptr_t)address - lines->symbol;
    lines->owner = owner;
    atomic_store_explicit(&lines->next, atomic_load_explicit(&all, memory_order_relaxed), memory_order_relaxed);
    atomic_store_explicit(&all, lines, memory_order_release);
    *self = NULL;
}

void
lines_withdraw(const void *owner)
{
    _Atomic(lines_t *) *link = &all;
    lines_t *lines;
    while ((lines = atomic_load_explicit(link, memory_order_relaxed)) && lines->owner != owner)
        link = &lines->next;
    if (!lines)
        return;
    atomic_store_explicit(link, atomic_load_explicit(&lines->next, memory_order_relaxed), memory_order_release);
    lines_destroy(&lines);
}

/* The last row at or before offset. */
static const row_t *
find_row(const lines_t *self, uint32_t offset)
{
    for (size_t i = 0; i < self->sequence_count; i++) {
        const sequence_t *sequence = &self->sequences[i];
        size_t low = sequence->first, high = sequence->last;
        if (offset < self->rows[low].offset || offset >= sequence->end)
            continue;
        while (high - low > 1) {
            size_t middle = low + (high - low) / 2;
            if (self->rows[middle].offset <= offset)
                low = middle;
            else
                high = middle;
        }
        return &self->rows[low];
    }
    return NULL;
}

bool
lines_find(uintptr_t address, const char **ret_file, int32_t *ret_line)
{
    const lines_t *self = atomic_load_explicit(&all, memory_order_acquire);
    while (self && (address < self->start || address - self->start >= self->size))
        self = atomic_load_explicit(&self->next, memory_order_acquire);
    *ret_file = "";
    *ret_line = 0;
    if (!self)
        return false;
    const row_t *row = find_row(self, (uint32_t)(address - self->start));
    if (row && row->file != NO_FILE && row->line) {
        *ret_file = self->files[row->file];
        *ret_line = (int32_t)row->line;
    }
    return true;
}
