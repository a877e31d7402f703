#include "codecs/message.h"

#include "codecs/dtype.h"
#include "codecs/utf8.h"

#include <string.h>

uint64_t
message_call(const message_t *message)
{
    const msg_desc_t *desc = message_desc(message->code);
    uint64_t call = 0;
    if (!desc || desc->fields[0].key == 1)
        memcpy(&call, &message->as, sizeof call);
    return call;
}

static bool
bytes_equal(const void *a, const void *b, size_t size)
{
    return !size || !memcmp(a, b, size);
}

static bool
value_equal(const value_t *a, const value_t *b)
{
    /* The decoder makes VALUE_INT of every whole number that fits, so kinds may differ where numbers do not. */
    bool a_whole = a->kind == VALUE_INT || a->kind == VALUE_UINT,
         b_whole = b->kind == VALUE_INT || b->kind == VALUE_UINT;
    if (a_whole && b_whole && a->kind != b->kind)
        return a->as.u == b->as.u && a->as.u <= INT64_MAX;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_NIL:
        return true;
    case VALUE_BOOL:
        return a->as.boolean == b->as.boolean;
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_FLOAT:
        return a->as.u == b->as.u;
    case VALUE_STR:
        return a->as.str.size == b->as.str.size && bytes_equal(a->as.str.data, b->as.str.data, a->as.str.size);
    case VALUE_BIN:
        return a->as.bin.size == b->as.bin.size && bytes_equal(a->as.bin.data, b->as.bin.data, a->as.bin.size);
    case VALUE_OID:
        return oid_equal(a->as.oid, b->as.oid);
    }
    return false;
}

static bool
operand_equal(const operand_t *a, const operand_t *b)
{
    if (!oid_equal(a->object, b->object))
        return false;
    return !oid_is_none(a->object) ||
           (a->dtype == b->dtype && !memcmp(a->scalar, b->scalar, dtype_size((dtype_t)a->dtype)));
}

static bool
values_equal(const values_t *a, const values_t *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!value_equal(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool
operands_equal(const operands_t *a, const operands_t *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!operand_equal(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool
field_equal(field_kind_t kind, const void *a, const void *b)
{
    const bin_t *bytes_a = a, *bytes_b = b;
    const oids_t *oids_a = a, *oids_b = b;
    const ints_t *ints_a = a, *ints_b = b;
    switch (kind) {
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_F64:
        return !memcmp(a, b, sizeof(uint64_t));
    case FIELD_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case FIELD_STR:
    case FIELD_BIN:
        return bytes_a->size == bytes_b->size && bytes_equal(bytes_a->data, bytes_b->data, bytes_a->size);
    case FIELD_OID:
        return !memcmp(a, b, sizeof(oid_t));
    case FIELD_OIDS:
        return oids_a->count == oids_b->count &&
               bytes_equal(oids_a->items, oids_b->items, oids_a->count * sizeof(oid_t));
    case FIELD_I64S:
        return ints_a->count == ints_b->count &&
               bytes_equal(ints_a->items, ints_b->items, ints_a->count * sizeof(int64_t));
    case FIELD_VALUES:
        return values_equal(a, b);
    case FIELD_OPERANDS:
        return operands_equal(a, b);
    }
    return false;
}

bool
message_equal(const message_t *a, const message_t *b)
{
    const msg_desc_t *desc = message_desc(a->code);
    if (!desc || a->code != b->code || a->raw != b->raw)
        return false;
    for (uint32_t i = 0; i < desc->nfields; i++) {
        uint32_t offset = desc->fields[i].offset;
        if (!field_equal(desc->fields[i].kind, (const char *)&a->as + offset, (const char *)&b->as + offset))
            return false;
    }
    return true;
}

str_t
str_of(const char *text)
{
    size_t size = strlen(text);
    return (str_t){text, size > UINT32_MAX ? UINT32_MAX : (uint32_t)size};
}

bool
str_is(str_t a, const char *text)
{
    return a.size == strlen(text) && bytes_equal(a.data, text, a.size);
}

char *
str_copy(str_t a, char *buffer, size_t size)
{
    if (!size)
        return buffer;
    size_t length = a.size < size ? a.size : utf8_prefix(a.data, size - 1);
    if (length)
        memcpy(buffer, a.data, length);
    buffer[length] = '\0';
    return buffer;
}

/* What of text may travel: an error text may have been cut inside a character, or quote bytes that are none. */
static str_t
text_for_wire(const char *text, size_t max)
{
    return (str_t){text, (uint32_t)utf8_prefix(text, strnlen(text, max))};
}

void
message_from_err(message_t *ret, uint64_t call, const err_t *err)
{
    *ret = (message_t){.code = MSG_ERROR};
    ret->as.ERROR = (msg_ERROR_t){
        .call = call,
        .status = err->status > 0 && err->status <= UINT16_MAX ? (uint64_t)err->status : FH_INTERNAL,
        .text = text_for_wire(err->text, ERR_TEXT_MAX - 1),
        .origin = text_for_wire(err->origin, ERR_ORIGIN_MAX - 1),
        .signal = err->signal > 0 && err->signal <= 64 ? (uint64_t)err->signal : 0,
        .address = err->address,
    };
}

void
message_to_err(const msg_ERROR_t *error, err_t *ret)
{
    err_clear(ret);
    ret->status = error->status && error->status <= UINT16_MAX ? (int)error->status : FH_INTERNAL;
    ret->signal = error->signal <= 64 ? (int)error->signal : 0;
    ret->address = error->address;
    str_copy(error->text, ret->text, sizeof ret->text);
    str_copy(error->origin, ret->origin, sizeof ret->origin);
}
