#include "engine/runner/code/line_program.h"

#include <string.h>

enum {
    MAX_FILES = 1024, /* of one unit; files behind them have no name */
    MAX_FORMATS = 16, /* columns of a table of files */
    UNNUMBERED = -2,  /* a file that no row has named yet */
    MAX_UNITS = 4096,
};

/* Numbers of the DWARF standard. */
enum { LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS = 2 };
enum {
    LNS_COPY = 1,
    LNS_ADVANCE_PC = 2,
    LNS_ADVANCE_LINE = 3,
    LNS_SET_FILE = 4,
    LNS_CONST_ADD_PC = 8,
    LNS_FIXED_ADVANCE_PC = 9,
};
enum { LNCT_PATH = 1 };
enum {
    FORM_DATA2 = 0x05,
    FORM_DATA4 = 0x06,
    FORM_DATA8 = 0x07,
    FORM_STRING = 0x08,
    FORM_DATA1 = 0x0b,
    FORM_STRP = 0x0e,
    FORM_UDATA = 0x0f,
    FORM_DATA16 = 0x1e,
    FORM_LINE_STRP = 0x1f,
};

/* A place in bytes of the section; once a read goes too far, all further ones give 0. */
typedef struct {
    const uint8_t *start, *at, *end;
    bool failed;
} reader_t;

typedef struct {
    const char *name;
    size_t length;
    int number;
} unit_file_t;

typedef struct {
    const line_sink_t *sink;
    uint32_t code_section;
    object_relocations_t relocations;
    object_section_t strings, line_strings;
    bool unwanted; /* the sink has had enough */
} program_t;

typedef struct {
    int version, line_base, line_range, min_length, first_file;
    uint8_t opcode_base, lengths[256]; /* how many operands an opcode has */
    unit_file_t files[MAX_FILES];
    int count;
} unit_t;

/* The machine that the bytes are a program for. */
typedef struct {
    uint64_t address, file;
    int64_t line;
    bool ours, open; /* addresses are of the wanted section; rows have been given */
} state_t;

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static uint64_t
number(reader_t *self, size_t size)
{
    uint64_t value = 0;
    if (self->failed || (size_t)(self->end - self->at) < size) {
        self->failed = true;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)self->at[i] << (8 * i);
    self->at += size;
    return value;
}

static void
skip(reader_t *self, uint64_t size)
{
    if (self->failed || (uint64_t)(self->end - self->at) < size)
        self->failed = true;
    else
        self->at += size;
}

static uint64_t
leb(reader_t *self, bool is_signed)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = (uint8_t)number(self, 1);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (is_signed && (byte & 0x40) && shift + 7 < 64)
            value |= ~(uint64_t)0 << (shift + 7);
        return value;
    }
    self->failed = true;
    return 0;
}

static uint64_t
uleb(reader_t *self)
{
    return leb(self, false);
}

static const char *
string_in(const uint8_t *at, const uint8_t *end, size_t *ret_length)
{
    const uint8_t *stop = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
    *ret_length = stop ? (size_t)(stop - at) : 0;
    return stop ? (const char *)at : NULL;
}

static const char *
string(reader_t *self, size_t *ret_length)
{
    const char *text = self->failed ? NULL : string_in(self->at, self->end, ret_length);
    if (!text) {
        self->failed = true;
        *ret_length = 0;
        return "";
    }
    self->at += *ret_length + 1;
    return text;
}

/* ---- tables of files ----------------------------------------------------------------------------------------------
 */

static void
add_file(unit_t *unit, const char *name, size_t length)
{
    if (unit->count < MAX_FILES)
        unit->files[unit->count++] = (unit_file_t){name, length, UNNUMBERED};
}

/* Versions 2 to 4: names of folders, then names of files with folder, time and size. */
static void
read_old_files(reader_t *reader, unit_t *unit)
{
    size_t length = 0;
    do
        string(reader, &length);
    while (length && !reader->failed);
    for (;;) {
        const char *name = string(reader, &length);
        if (!length || reader->failed)
            return;
        for (int i = 0; i < 3; i++)
            uleb(reader);
        add_file(unit, name, length);
    }
}

/* One column of an entry; a string is returned, whatever else it is passed over. */
static const char *
read_form(program_t *self, reader_t *reader, uint64_t form, size_t *ret_length)
{
    static const struct {
        uint8_t form, size;
    } FIXED[] = {{FORM_DATA1, 1}, {FORM_DATA2, 2}, {FORM_DATA4, 4}, {FORM_DATA8, 8}, {FORM_DATA16, 16}};
    *ret_length = 0;
    if (form == FORM_STRING)
        return string(reader, ret_length);
    if (form == FORM_LINE_STRP || form == FORM_STRP) {
        const object_section_t *strings = form == FORM_STRP ? &self->strings : &self->line_strings;
        uint64_t offset = (uint64_t)(reader->at - reader->start);
        object_place_t place = {strings->index, number(reader, 4)};
        object_relocated(&self->relocations, offset, &place);
        if (!strings->bytes || place.section != strings->index || place.offset > strings->size)
            return NULL;
        return string_in(strings->bytes + place.offset, strings->bytes + strings->size, ret_length);
    }
    for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++)
        if (form == FIXED[i].form) {
            skip(reader, FIXED[i].size);
            return NULL;
        }
    if (form == FORM_UDATA)
        uleb(reader);
    else
        reader->failed = true;
    return NULL;
}

/* Version 5: twice (folders, files) the columns, then entries. */
static void
read_new_table(program_t *self, reader_t *reader, unit_t *unit, bool files)
{
    uint64_t content[MAX_FORMATS], form[MAX_FORMATS];
    size_t columns = number(reader, 1);
    if (columns > MAX_FORMATS)
        reader->failed = true;
    for (size_t i = 0; i < columns && !reader->failed; i++) {
        content[i] = uleb(reader);
        form[i] = uleb(reader);
    }
    uint64_t entries = uleb(reader);
    if (entries && !columns)
        reader->failed = true;
    for (uint64_t entry = 0; entry < entries && !reader->failed; entry++) {
        const char *name = NULL;
        size_t length = 0;
        for (size_t i = 0; i < columns; i++) {
            size_t size;
            const char *text = read_form(self, reader, form[i], &size);
            if (text && content[i] == LNCT_PATH) {
                name = text;
                length = size;
            }
        }
        if (files)
            add_file(unit, name ? name : "", length);
    }
}

static int
file_number(program_t *self, unit_t *unit, uint64_t file)
{
    uint64_t i = file - (uint64_t)unit->first_file;
    if (i >= (uint64_t)unit->count)
        return -1;
    unit_file_t *entry = &unit->files[i];
    if (entry->number == UNNUMBERED)
        entry->number = entry->length ? self->sink->file(self->sink->context, entry->name, entry->length) : -1;
    return entry->number;
}

/* ---- the program --------------------------------------------------------------------------------------------------
 */

static void
emit(program_t *self, unit_t *unit, state_t *state)
{
    if (!state->ours || self->unwanted)
        return;
    bool known = state->line > 0 && state->line <= INT32_MAX;
    state->open = true;
    if (!self->sink->row(self->sink->context, state->address, known ? file_number(self, unit, state->file) : -1,
                         known ? (uint32_t)state->line : 0))
        self->unwanted = true;
}

static void
extended(program_t *self, reader_t *reader, state_t *state)
{
    uint64_t length = uleb(reader);
    const uint8_t *from = reader->at;
    if (reader->failed || !length || length > (uint64_t)(reader->end - from)) {
        reader->failed = true;
        return;
    }
    uint8_t opcode = (uint8_t)number(reader, 1);
    if (opcode == LNE_END_SEQUENCE) {
        if (state->open && !self->unwanted && !self->sink->end(self->sink->context, state->address))
            self->unwanted = true;
        *state = (state_t){.file = 1, .line = 1};
    } else if (opcode == LNE_SET_ADDRESS && length == 9) {
        object_place_t place = {0, 0};
        state->ours = object_relocated(&self->relocations, (uint64_t)(reader->at - reader->start), &place) &&
                      place.section == self->code_section;
        state->address = place.offset;
    }
    reader->at = from + length;
}

static void
standard(program_t *self, unit_t *unit, reader_t *reader, uint8_t opcode, state_t *state)
{
    if (opcode == LNS_COPY)
        emit(self, unit, state);
    else if (opcode == LNS_ADVANCE_PC)
        state->address += uleb(reader) * (uint64_t)unit->min_length;
    else if (opcode == LNS_ADVANCE_LINE)
        state->line = (int64_t)((uint64_t)state->line + leb(reader, true));
    else if (opcode == LNS_SET_FILE)
        state->file = uleb(reader);
    else if (opcode == LNS_CONST_ADD_PC)
        state->address += (uint64_t)((255 - unit->opcode_base) / unit->line_range * unit->min_length);
    else if (opcode == LNS_FIXED_ADVANCE_PC)
        state->address += number(reader, 2);
    else
        for (int i = 0; i < unit->lengths[opcode]; i++)
            uleb(reader);
}

static void
run(program_t *self, unit_t *unit, reader_t *reader)
{
    state_t state = {.file = 1, .line = 1};
    while (reader->at < reader->end && !reader->failed && !self->unwanted) {
        uint8_t opcode = (uint8_t)number(reader, 1);
        if (opcode >= unit->opcode_base) {
            int adjusted = opcode - unit->opcode_base;
            state.address += (uint64_t)(adjusted / unit->line_range * unit->min_length);
            state.line = (int64_t)((uint64_t)state.line + (uint64_t)(unit->line_base + adjusted % unit->line_range));
            emit(self, unit, &state);
        } else if (opcode) {
            standard(self, unit, reader, opcode, &state);
        } else {
            extended(self, reader, &state);
        }
    }
}

static void
read_header(program_t *self, unit_t *unit, reader_t *reader)
{
    if (unit->version >= 5)
        skip(reader, 2); /* sizes of addresses and segments */
    uint64_t length = number(reader, 4);
    const uint8_t *from = reader->at;
    if (reader->failed || length > (uint64_t)(reader->end - from)) {
        reader->failed = true;
        return;
    }
    unit->min_length = (int)number(reader, 1);
    if (unit->version >= 4)
        skip(reader, 1); /* operations in an instruction: 1 but for VLIW */
    skip(reader, 1);     /* whether rows are statements at first */
    unit->line_base = (int8_t)number(reader, 1);
    unit->line_range = (int)number(reader, 1);
    unit->opcode_base = (uint8_t)number(reader, 1);
    if (!unit->line_range || !unit->opcode_base)
        reader->failed = true;
    for (int i = 1; i < unit->opcode_base; i++)
        unit->lengths[i] = (uint8_t)number(reader, 1);
    unit->first_file = unit->version >= 5 ? 0 : 1;
    if (unit->version >= 5) {
        read_new_table(self, reader, unit, false);
        read_new_table(self, reader, unit, true);
    } else {
        read_old_files(reader, unit);
    }
    if (!reader->failed)
        reader->at = from + length;
}

bool
line_program_read(const object_t *object, uint32_t code_section, const line_sink_t *sink)
{
    unit_t unit;
    program_t self = {.sink = sink, .code_section = code_section};
    object_section_t section;
    if (!object_section(object, ".debug_line", &section))
        return false;
    object_relocations(object, section.index, &self.relocations);
    object_section(object, ".debug_str", &self.strings);
    object_section(object, ".debug_line_str", &self.line_strings);
    reader_t reader = {section.bytes, section.bytes, section.bytes + section.size, false};
    for (int i = 0; i < MAX_UNITS && reader.at < reader.end && !self.unwanted; i++) {
        uint64_t length = number(&reader, 4);
        if (reader.failed || length > (uint64_t)(reader.end - reader.at)) /* 64-bit DWARF among them */
            return false;
        reader_t part = {section.bytes, reader.at, reader.at + length, false};
        unit.count = 0;
        unit.version = (int)number(&part, 2);
        if (unit.version < 2 || unit.version > 5)
            return false;
        read_header(&self, &unit, &part);
        run(&self, &unit, &part);
        if (part.failed)
            return false;
        reader.at += length;
    }
    return true;
}
