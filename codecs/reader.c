#include "codecs/reader.h"

#include <string.h>

/* How the first byte of an item is to be understood, for the bytes 0xc0 to 0xdf; the rest carry their value in
 * themselves. */
typedef enum {
    FORM_NEVER,
    FORM_NIL,
    FORM_BOOL,
    FORM_FLOAT,
    FORM_UINT,
    FORM_INT,
    FORM_BYTES,
    FORM_FIXEXT,
    FORM_COUNT
} form_t;

static const struct {
    uint8_t form, kind;
    uint8_t width; /* bytes of the number or the length that follow; FIXEXT: bytes of the body; BOOL: the value */
} LEADS[32] = {
    {FORM_NIL, TOKEN_NIL, 0},     {FORM_NEVER, 0, 0},           {FORM_BOOL, TOKEN_BOOL, 0},
    {FORM_BOOL, TOKEN_BOOL, 1},   {FORM_BYTES, TOKEN_BIN, 1},   {FORM_BYTES, TOKEN_BIN, 2},
    {FORM_BYTES, TOKEN_BIN, 4},   {FORM_BYTES, TOKEN_EXT, 1},   {FORM_BYTES, TOKEN_EXT, 2},
    {FORM_BYTES, TOKEN_EXT, 4},   {FORM_FLOAT, TOKEN_FLOAT, 4}, {FORM_FLOAT, TOKEN_FLOAT, 8},
    {FORM_UINT, TOKEN_UINT, 1},   {FORM_UINT, TOKEN_UINT, 2},   {FORM_UINT, TOKEN_UINT, 4},
    {FORM_UINT, TOKEN_UINT, 8},   {FORM_INT, TOKEN_INT, 1},     {FORM_INT, TOKEN_INT, 2},
    {FORM_INT, TOKEN_INT, 4},     {FORM_INT, TOKEN_INT, 8},     {FORM_FIXEXT, TOKEN_EXT, 1},
    {FORM_FIXEXT, TOKEN_EXT, 2},  {FORM_FIXEXT, TOKEN_EXT, 4},  {FORM_FIXEXT, TOKEN_EXT, 8},
    {FORM_FIXEXT, TOKEN_EXT, 16}, {FORM_BYTES, TOKEN_STR, 1},   {FORM_BYTES, TOKEN_STR, 2},
    {FORM_BYTES, TOKEN_STR, 4},   {FORM_COUNT, TOKEN_ARRAY, 2}, {FORM_COUNT, TOKEN_ARRAY, 4},
    {FORM_COUNT, TOKEN_MAP, 2},   {FORM_COUNT, TOKEN_MAP, 4},
};

const char *
token_kind_name(token_kind_t kind)
{
    static const char *const NAMES[] = {"nil",    "a bool", "a number >= 0", "a negative number", "a float",
                                        "a text", "bytes",  "an extension",  "an array",          "a map"};
    return (unsigned)kind < sizeof NAMES / sizeof *NAMES ? NAMES[kind] : "?";
}

bool
reader_at_end(const reader_t *self)
{
    return self->position >= self->size;
}

static int
truncated(const reader_t *self, err_t *err)
{
    return err_set(err, FH_PROTOCOL_ERROR, "msgpack item at byte %zu needs more than the %zu bytes that are left",
                   self->position, self->size - self->position);
}

static uint64_t
big_endian(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void
set_number(token_t *ret, int64_t value)
{
    ret->kind = value < 0 ? TOKEN_INT : TOKEN_UINT;
    if (value < 0)
        ret->as.i = value;
    else
        ret->as.u = (uint64_t)value;
}

static void
set_float(token_t *ret, uint64_t bits, unsigned width)
{
    uint32_t half = (uint32_t)bits;
    float single;
    memcpy(&single, &half, sizeof single);
    memcpy(&ret->as.f, &bits, sizeof bits);
    if (width == sizeof single)
        ret->as.f = (double)single;
}

/* The end of the token that starts at the reader's position, whose body (after head bytes) has size bytes. */
static int
take_bytes(reader_t *self, token_t *ret, size_t head, uint64_t size, err_t *err)
{
    if (size > self->size - self->position - head)
        return truncated(self, err);
    ret->as.bytes = self->data + self->position + head;
    ret->size = (uint32_t)size;
    self->position += head + (size_t)size;
    return FH_OK;
}

static int
take_count(reader_t *self, token_t *ret, size_t head, uint64_t count, err_t *err)
{
    size_t left = self->size - self->position - head;
    if (count > (ret->kind == TOKEN_MAP ? left / 2 : left))
        return truncated(self, err);
    ret->size = (uint32_t)count;
    self->position += head;
    return FH_OK;
}

/* Items whose first byte is 0xc0 to 0xdf. */
static int
take_long(reader_t *self, token_t *ret, uint8_t lead, err_t *err)
{
    form_t form = (form_t)LEADS[lead & 31].form;
    unsigned width = LEADS[lead & 31].width;
    ret->kind = (token_kind_t)LEADS[lead & 31].kind;
    const uint8_t *body = self->data + self->position + 1;
    size_t left = self->size - self->position - 1;
    if (form == FORM_NEVER)
        return err_set(err, FH_PROTOCOL_ERROR, "byte 0xc1 at %zu, which msgpack never uses", self->position);
    if (form == FORM_NIL || form == FORM_BOOL) {
        ret->as.boolean = width;
        self->position += 1;
        return FH_OK;
    }
    bool is_ext = ret->kind == TOKEN_EXT;
    size_t head = form == FORM_FIXEXT ? 2 : 1u + width + is_ext;
    if (head - 1 > left)
        return truncated(self, err);
    if (is_ext)
        ret->ext_type = (int8_t)body[head - 2];
    if (form == FORM_FIXEXT)
        return take_bytes(self, ret, head, width, err);
    uint64_t number = big_endian(body, width);
    if (form == FORM_BYTES)
        return take_bytes(self, ret, head, number, err);
    if (form == FORM_COUNT)
        return take_count(self, ret, head, number, err);
    if (form == FORM_UINT)
        ret->as.u = number;
    else if (form == FORM_INT)
        set_number(ret, (int64_t)(number << (64 - 8 * width)) >> (64 - 8 * width));
    else
        set_float(ret, number, width);
    self->position += head;
    return FH_OK;
}

int
reader_next_other(reader_t *self, token_t *ret, err_t *err)
{
    if (reader_at_end(self))
        return truncated(self, err);
    uint8_t lead = self->data[self->position];
    if (lead < 0x80 || lead >= 0xe0) {
        set_number(ret, (int8_t)lead);
        self->position += 1;
        return FH_OK;
    }
    if (lead >= 0xc0)
        return take_long(self, ret, lead, err);
    if (lead >= 0xa0) {
        ret->kind = TOKEN_STR;
        return take_bytes(self, ret, 1, lead & 31, err);
    }
    ret->kind = lead < 0x90 ? TOKEN_MAP : TOKEN_ARRAY;
    return take_count(self, ret, 1, lead & 15, err);
}

int
reader_skip(reader_t *self, err_t *err)
{
    uint64_t pending[READER_MAX_DEPTH + 1] = {1}; /* items still to come at each depth; pending[0] is the item itself */
    int depth = 0;
    while (depth >= 0) {
        if (!pending[depth]) {
            depth--;
            continue;
        }
        pending[depth]--;
        token_t token;
        size_t start = self->position;
        int status = reader_next(self, &token, err);
        if (status)
            return status;
        if (token.kind != TOKEN_ARRAY && token.kind != TOKEN_MAP)
            continue;
        if (depth == READER_MAX_DEPTH)
            return err_set(err, FH_PROTOCOL_ERROR, "msgpack at byte %zu is nested deeper than %d", start,
                           READER_MAX_DEPTH);
        pending[++depth] = token.kind == TOKEN_MAP ? 2 * (uint64_t)token.size : token.size;
    }
    return FH_OK;
}
