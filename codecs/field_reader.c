/* How each kind of field is read from msgpack. */
#include "codecs/field_reader.h"

#include "codecs/dtype.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "lists and constants travel little-endian and are copied as they are");

static int
wrong_kind(const field_reader_t *self, const token_t *token, const char *expected)
{
    return field_bad(&self->field, "%s where %s belongs", token_kind_name(token->kind), expected);
}

static int
read_U64(field_reader_t *self, const token_t *token, void *ret)
{
    if (token->kind != TOKEN_UINT)
        return wrong_kind(self, token, "a number >= 0");
    *(uint64_t *)ret = token->as.u;
    return field_check_unsigned(&self->field, token->as.u);
}

static int
read_I64(field_reader_t *self, const token_t *token, void *ret)
{
    if (token->kind == TOKEN_INT)
        *(int64_t *)ret = token->as.i;
    else if (token->kind == TOKEN_UINT && token->as.u <= INT64_MAX)
        *(int64_t *)ret = (int64_t)token->as.u;
    else
        return wrong_kind(self, token, "a signed 64-bit number");
    return field_check_signed(&self->field, *(int64_t *)ret);
}

static int
read_F64(field_reader_t *self, const token_t *token, void *ret)
{
    if (token->kind != TOKEN_FLOAT)
        return wrong_kind(self, token, "a float");
    *(double *)ret = token->as.f;
    return field_check_float(&self->field, token->as.f);
}

static int
read_BOOL(field_reader_t *self, const token_t *token, void *ret)
{
    if (token->kind != TOKEN_BOOL)
        return wrong_kind(self, token, "a bool");
    *(bool *)ret = token->as.boolean;
    return FH_OK;
}

static int
read_STR(field_reader_t *self, const token_t *token, void *ret)
{
    if (token->kind != TOKEN_STR)
        return wrong_kind(self, token, "a text");
    str_t text = {(const char *)token->as.bytes, token->size};
    *(str_t *)ret = text;
    int status = field_check_count(&self->field, text.size);
    return status ? status : field_check_text(&self->field, text);
}

static int
read_BIN(field_reader_t *self, const token_t *token, void *ret)
{
    if (token->kind != TOKEN_BIN)
        return wrong_kind(self, token, "bytes");
    *(bin_t *)ret = (bin_t){token->as.bytes, token->size};
    return field_check_count(&self->field, token->size);
}

static int
read_OID(field_reader_t *self, const token_t *token, void *ret)
{
    if (token->kind != TOKEN_BIN || token->size != sizeof(oid_t))
        return wrong_kind(self, token, "an id (16 bytes)");
    memcpy(ret, token->as.bytes, sizeof(oid_t));
    return FH_OK;
}

/* Items of a fixed size, packed into one bin.  *ret is NULL for none. */
static int
read_packed(field_reader_t *self, const token_t *token, size_t item, const void **ret, uint32_t *ret_count)
{
    if (token->kind != TOKEN_BIN || token->size % item)
        return field_bad(&self->field, "%s (%" PRIu32 " bytes) where %zu bytes an item belong",
                         token_kind_name(token->kind), token->kind == TOKEN_BIN ? token->size : 0, item);
    uint32_t count = (uint32_t)(token->size / item);
    int status = field_check_count(&self->field, count);
    if (status || !count)
        return status;
    void *items;
    status = arena_alloc(self->arena, token->size, &items, self->field.err);
    if (status)
        return status;
    memcpy(items, token->as.bytes, token->size);
    *ret = items;
    *ret_count = count;
    return FH_OK;
}

static int
read_OIDS(field_reader_t *self, const token_t *token, void *ret)
{
    oids_t *list = ret;
    const void *items = NULL;
    int status = read_packed(self, token, sizeof(oid_t), &items, &list->count);
    list->items = items;
    return status;
}

static int
read_I64S(field_reader_t *self, const token_t *token, void *ret)
{
    ints_t *list = ret;
    const void *items = NULL;
    int status = read_packed(self, token, sizeof(int64_t), &items, &list->count);
    list->items = items;
    return status;
}

/* An array of at most the field's maximum: memory for its items. */
static int
open_list(field_reader_t *self, const token_t *token, size_t item, void **ret)
{
    if (token->kind != TOKEN_ARRAY)
        return wrong_kind(self, token, "an array");
    int status = field_check_count(&self->field, token->size);
    return status ? status : arena_alloc(self->arena, token->size * item, ret, self->field.err);
}

static int
read_value(field_reader_t *self, const token_t *token, value_t *ret)
{
    static const uint8_t KINDS[] = {[TOKEN_NIL] = VALUE_NIL, [TOKEN_BOOL] = VALUE_BOOL,   [TOKEN_UINT] = VALUE_INT,
                                    [TOKEN_INT] = VALUE_INT, [TOKEN_FLOAT] = VALUE_FLOAT, [TOKEN_STR] = VALUE_STR,
                                    [TOKEN_BIN] = VALUE_BIN, [TOKEN_EXT] = VALUE_OID};
    if (token->kind >= TOKEN_ARRAY ||
        (token->kind == TOKEN_EXT && (token->ext_type != EXT_OID || token->size != sizeof(oid_t))))
        return wrong_kind(self, token, "a nil, bool, number, text, bytes or id");
    *ret = (value_t){.kind = KINDS[token->kind]};
    if (token->kind == TOKEN_UINT && token->as.u > INT64_MAX)
        ret->kind = VALUE_UINT;
    if (token->kind == TOKEN_BOOL)
        ret->as.boolean = token->as.boolean;
    else if (token->kind == TOKEN_UINT || token->kind == TOKEN_INT)
        ret->as.u = token->as.u;
    else if (token->kind == TOKEN_FLOAT)
        ret->as.f = token->as.f;
    else if (token->kind == TOKEN_EXT)
        memcpy(&ret->as.oid, token->as.bytes, sizeof(oid_t));
    else if (token->kind == TOKEN_BIN)
        ret->as.bin = (bin_t){token->as.bytes, token->size};
    else if (token->kind == TOKEN_STR)
        ret->as.str = (str_t){(const char *)token->as.bytes, token->size};
    return FH_OK;
}

static int
read_VALUES(field_reader_t *self, const token_t *token, void *ret)
{
    values_t *list = ret;
    void *memory = NULL;
    int status = open_list(self, token, sizeof(value_t), &memory);
    value_t *items = memory;
    for (uint32_t i = 0; !status && i < token->size; i++) {
        token_t item;
        status = reader_next(&self->reader, &item, self->field.err);
        if (!status)
            status = read_value(self, &item, &items[i]);
        if (!status && items[i].kind == VALUE_STR)
            status = field_check_text(&self->field, items[i].as.str);
    }
    if (!status)
        *list = (values_t){items, token->size};
    return status;
}

static int
read_operand(field_reader_t *self, const token_t *token, operand_t *ret)
{
    if (token->kind != TOKEN_EXT)
        return wrong_kind(self, token, "an operand");
    if (token->ext_type == EXT_OID && token->size == sizeof(oid_t)) {
        memcpy(&ret->object, token->as.bytes, sizeof(oid_t));
        if (oid_is_none(ret->object))
            return field_bad(&self->field, "the id of no object as an operand");
        return FH_OK;
    }
    if (token->ext_type != EXT_CONSTANT || !token->size || !dtype_valid(token->as.bytes[0]))
        return field_bad(&self->field, "extension %d of %" PRIu32 " bytes is no operand", token->ext_type, token->size);
    size_t size = dtype_size((dtype_t)token->as.bytes[0]);
    if (token->size != 1 + size)
        return field_bad(&self->field, "a constant of %" PRIu32 " bytes, its dtype has %zu", token->size - 1, size);
    ret->dtype = token->as.bytes[0];
    memcpy(ret->scalar, token->as.bytes + 1, size);
    return FH_OK;
}

static int
read_OPERANDS(field_reader_t *self, const token_t *token, void *ret)
{
    operands_t *list = ret;
    void *memory = NULL;
    int status = open_list(self, token, sizeof(operand_t), &memory);
    operand_t *items = memory;
    for (uint32_t i = 0; !status && i < token->size; i++) {
        token_t item;
        status = reader_next(&self->reader, &item, self->field.err);
        if (!status)
            status = read_operand(self, &item, &items[i]);
    }
    if (!status)
        *list = (operands_t){items, token->size};
    return status;
}

static int (*const READ[])(field_reader_t *self, const token_t *token, void *ret) = {
    [FIELD_U64] = read_U64,   [FIELD_I64] = read_I64,       [FIELD_F64] = read_F64,           [FIELD_BOOL] = read_BOOL,
    [FIELD_STR] = read_STR,   [FIELD_BIN] = read_BIN,       [FIELD_OID] = read_OID,           [FIELD_OIDS] = read_OIDS,
    [FIELD_I64S] = read_I64S, [FIELD_VALUES] = read_VALUES, [FIELD_OPERANDS] = read_OPERANDS,
};

int
field_read(field_reader_t *self, void *ret)
{
    token_t token;
    int status = reader_next(&self->reader, &token, self->field.err);
    return status ? status : READ[self->field.field->kind](self, &token, ret);
}
