#include "codecs/bitcode.h"

#include "codecs/utf8.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* LLVM's bitstream: little-endian 32-bit words read from the lowest bit up.  A failed read sets bad and gives 0, so
 * that callers look once, after a few reads. */
typedef struct {
    const uint8_t *data;
    uint64_t bits, position;
    bool bad;
} bitstream_t;

enum { ID_END_BLOCK, ID_ENTER_BLOCK, ID_DEFINE, ID_RECORD, ID_FIRST_DEFINED };
enum { BLOCK_IDENTIFICATION = 13, CODE_PRODUCER = 1, TOP_WIDTH = 2 };
enum { MAX_SHAPES = 16, MAX_OPERANDS = 16, MAX_ITEMS = 4096, MAX_BLOCK_ITEMS = 64 };

/* How one operand of a defined record is written. */
typedef struct {
    enum { LITERAL, FIXED, VARIABLE, ARRAY, CHAR6, BLOB } kind;
    uint64_t value; /* LITERAL: itself; FIXED, VARIABLE: bits */
} operand_shape_t;

typedef struct {
    int count;
    operand_shape_t operands[MAX_OPERANDS];
} record_shape_t;

typedef struct {
    bitstream_t stream;
    unsigned width; /* of ids inside the block */
    int nshapes;
    record_shape_t shapes[MAX_SHAPES];
} block_t;

/* The text of one record as it is read: code is its first number, the others are characters. */
typedef struct {
    uint64_t code;
    uint32_t count, used;
    char text[BITCODE_PRODUCER_SIZE];
} record_t;

static uint64_t
read_fixed(bitstream_t *self, unsigned width)
{
    if (width > 64 || self->bad || width > self->bits - self->position) {
        self->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++, self->position++)
        value |= (uint64_t)(self->data[self->position / 8] >> self->position % 8 & 1) << i;
    return value;
}

static uint64_t
read_variable(bitstream_t *self, unsigned width)
{
    uint64_t value = 0;
    if (width < 2 || width > 32)
        self->bad = true;
    for (unsigned shift = 0; !self->bad && shift < 64; shift += width - 1) {
        uint64_t chunk = read_fixed(self, width), more = (uint64_t)1 << (width - 1);
        value |= (chunk & (more - 1)) << shift;
        if (!(chunk & more))
            return value;
    }
    self->bad = true;
    return 0;
}

static void
align_to_word(bitstream_t *self)
{
    uint64_t next = (self->position + 31) & ~(uint64_t)31;
    if (next > self->bits)
        self->bad = true;
    else
        self->position = next;
}

static void
read_shape(block_t *self)
{
    static const int KINDS[8] = {-1, FIXED, VARIABLE, ARRAY, CHAR6, BLOB, -1, -1};
    uint64_t count = read_variable(&self->stream, 5);
    if (!count || count > MAX_OPERANDS || self->nshapes == MAX_SHAPES) {
        self->stream.bad = true;
        return;
    }
    record_shape_t *shape = &self->shapes[self->nshapes++];
    shape->count = (int)count;
    for (int i = 0; i < shape->count && !self->stream.bad; i++) {
        operand_shape_t *operand = &shape->operands[i];
        if (read_fixed(&self->stream, 1)) {
            *operand = (operand_shape_t){LITERAL, read_variable(&self->stream, 8)};
            continue;
        }
        int kind = KINDS[read_fixed(&self->stream, 3)];
        if (kind < 0)
            self->stream.bad = true;
        else if (kind == FIXED)
            *operand = (operand_shape_t){FIXED, read_variable(&self->stream, 5)};
        else if (kind == VARIABLE)
            *operand = (operand_shape_t){VARIABLE, read_variable(&self->stream, 5)};
        else if (kind == ARRAY)
            *operand = (operand_shape_t){ARRAY, 0};
        else
            *operand = kind == CHAR6 ? (operand_shape_t){CHAR6, 0} : (operand_shape_t){BLOB, 0};
    }
}

static void
add_item(record_t *record, uint64_t item)
{
    if (!record->count++) {
        record->code = item;
        return;
    }
    if (record->used < sizeof record->text - 1)
        record->text[record->used++] = item > 0x20 && item < 0x7f ? (char)item : '?';
}

/* One number of the given shape; the value of a shape's bits comes from the stream too, so it is checked where it is
 * used. */
static uint64_t
read_scalar(bitstream_t *stream, const operand_shape_t *shape)
{
    static const char CHARS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
    unsigned width = shape->value <= 64 ? (unsigned)shape->value : 65;
    if (shape->kind == LITERAL)
        return shape->value;
    if (shape->kind == CHAR6)
        return (uint64_t)CHARS[read_fixed(stream, 6)];
    if (shape->kind == FIXED)
        return read_fixed(stream, width);
    if (shape->kind == VARIABLE)
        return read_variable(stream, width);
    stream->bad = true; /* an array of arrays, or of blobs */
    return 0;
}

static void
read_blob(bitstream_t *stream, record_t *record)
{
    uint64_t size = read_variable(stream, 6);
    align_to_word(stream);
    if (size > MAX_ITEMS)
        stream->bad = true;
    for (uint64_t i = 0; i < size && !stream->bad; i++)
        add_item(record, read_fixed(stream, 8));
    align_to_word(stream);
}

static void
read_defined(bitstream_t *stream, const record_shape_t *shape, record_t *record)
{
    for (int i = 0; i < shape->count && !stream->bad; i++) {
        const operand_shape_t *operand = &shape->operands[i];
        if (operand->kind == BLOB) {
            read_blob(stream, record);
        } else if (operand->kind == ARRAY) {
            uint64_t count = read_variable(stream, 6);
            if (count > MAX_ITEMS || ++i != shape->count - 1)
                stream->bad = true;
            for (uint64_t k = 0; k < count && !stream->bad; k++)
                add_item(record, read_scalar(stream, &shape->operands[i]));
        } else {
            add_item(record, read_scalar(stream, operand));
        }
    }
}

static void
read_plain(bitstream_t *stream, record_t *record)
{
    add_item(record, read_variable(stream, 6));
    uint64_t count = read_variable(stream, 6);
    if (count > MAX_ITEMS)
        stream->bad = true;
    for (uint64_t i = 0; i < count && !stream->bad; i++)
        add_item(record, read_variable(stream, 6));
}

/* The records of a block up to the producer's. */
static bool
find_producer(block_t *self, record_t *ret)
{
    for (int n = 0; n < MAX_BLOCK_ITEMS && !self->stream.bad; n++) {
        uint64_t id = read_fixed(&self->stream, self->width);
        if (id == ID_DEFINE) {
            read_shape(self);
            continue;
        }
        *ret = (record_t){0};
        if (id == ID_RECORD)
            read_plain(&self->stream, ret);
        else if (id >= ID_FIRST_DEFINED && id - ID_FIRST_DEFINED < (uint64_t)self->nshapes)
            read_defined(&self->stream, &self->shapes[id - ID_FIRST_DEFINED], ret);
        else
            return false; /* the block's end, a block inside, or an id that nobody defined */
        if (!self->stream.bad && ret->count && ret->code == CODE_PRODUCER)
            return true;
    }
    return false;
}

static uint32_t
word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The first statement of textual IR, after blanks and comments. */
static bool
is_ir_text(const char *text, size_t size)
{
    static const char *const STARTS[] = {
        "source_filename", "target ", "define ", "declare ", "attributes ", "module ", "@", "%", "!", "$", "^"};
    size_t i = 0;
    while (i < size && (isspace((unsigned char)text[i]) || text[i] == ';')) {
        bool comment = text[i] == ';';
        while (comment && i < size && text[i] != '\n')
            i++;
        i += i < size;
    }
    for (size_t k = 0; k < sizeof STARTS / sizeof *STARTS; k++)
        if (size - i > strlen(STARTS[k]) && !memcmp(text + i, STARTS[k], strlen(STARTS[k])))
            return utf8_prefix(text, size) == size;
    return false;
}

bitcode_form_t
bitcode_form(const void *data, size_t size)
{
    if (size >= 4 && word_at(data) == 0xdec04342u)
        return BITCODE_RAW;
    if (size >= 20 && word_at(data) == 0x0b17c0deu)
        return BITCODE_WRAPPED;
    return is_ir_text(data, size) ? BITCODE_TEXT : BITCODE_OTHER;
}

int
bitcode_producer(const void *data, size_t size, char ret[BITCODE_PRODUCER_SIZE], err_t *err)
{
    const uint8_t *bytes = data;
    bitcode_form_t form = bitcode_form(data, size);
    if (form == BITCODE_WRAPPED) {
        uint32_t offset = word_at(bytes + 8), length = word_at(bytes + 12);
        if (offset > size || length > size - offset)
            return err_set(err, FH_BAD_BITCODE, "bitcode wrapper claims bytes %u to %llu of %zu", offset,
                           (unsigned long long)offset + length, size);
        bytes += offset;
        size = length;
        form = bitcode_form(bytes, size);
    }
    if (form != BITCODE_RAW)
        return err_set(err, FH_BAD_BITCODE, "%zu bytes that are no LLVM bitcode", size);
    block_t block = {.stream = {bytes, (uint64_t)size * 8, 32, false}};
    uint64_t id = read_fixed(&block.stream, TOP_WIDTH), number = read_variable(&block.stream, 8);
    block.width = (unsigned)read_variable(&block.stream, 4);
    align_to_word(&block.stream);
    uint64_t words = read_fixed(&block.stream, 32);
    if (block.stream.bad || id != ID_ENTER_BLOCK || number != BLOCK_IDENTIFICATION || block.width < 2 ||
        block.width > 32)
        return err_set(err, FH_BAD_BITCODE, "bitcode of %zu bytes without an identification block at its start", size);
    if (words > (block.stream.bits - block.stream.position) / 32)
        return err_set(err, FH_BAD_BITCODE, "bitcode is cut off inside its identification block");
    block.stream.bits = block.stream.position + words * 32;
    record_t record = {0};
    if (!find_producer(&block, &record))
        return err_set(err, FH_BAD_BITCODE, "bitcode with a damaged identification block");
    memcpy(ret, record.text, sizeof record.text);
    return FH_OK;
}

int
bitcode_llvm_major(const char *producer)
{
    if (strncmp(producer, "LLVM", 4))
        return 0;
    int major = 0;
    for (const char *digit = producer + 4; isdigit((unsigned char)*digit) && major < 1000; digit++)
        major = major * 10 + (*digit - '0');
    return major;
}
