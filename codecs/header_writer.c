/* The one encoder of all messages: walks the descriptors of message_table.c over a message's struct. */
#include "codecs/dtype.h"
#include "codecs/field.h"
#include "codecs/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "lists and constants travel little-endian and are copied as they are");

enum { HEADER_START = 4 };

struct header_writer {
    writer_t writer;
    uint32_t count;
};

static int
write_U64(writer_t *writer, const field_t *field, const void *value)
{
    uint64_t number = *(const uint64_t *)value;
    writer_uint(writer, number);
    return field_check_unsigned(field, number);
}

static int
write_I64(writer_t *writer, const field_t *field, const void *value)
{
    int64_t number = *(const int64_t *)value;
    writer_int(writer, number);
    return field_check_signed(field, number);
}

static int
write_F64(writer_t *writer, const field_t *field, const void *value)
{
    double number = *(const double *)value;
    writer_float(writer, number);
    return field_check_float(field, number);
}

static int
write_BOOL(writer_t *writer, const field_t *field, const void *value)
{
    (void)field;
    writer_bool(writer, *(const bool *)value);
    return FH_OK;
}

static int
write_STR(writer_t *writer, const field_t *field, const void *value)
{
    str_t text = *(const str_t *)value;
    int status = field_check_count(field, text.size);
    if (!status)
        status = field_check_text(field, text);
    if (!status)
        writer_str(writer, text.data, text.size);
    return status;
}

static int
write_BIN(writer_t *writer, const field_t *field, const void *value)
{
    bin_t bytes = *(const bin_t *)value;
    int status = field_check_count(field, bytes.size);
    if (!status)
        writer_bin(writer, bytes.data, bytes.size);
    return status;
}

static int
write_OID(writer_t *writer, const field_t *field, const void *value)
{
    (void)field;
    writer_bin(writer, value, sizeof(oid_t));
    return FH_OK;
}

static int
write_OIDS(writer_t *writer, const field_t *field, const void *value)
{
    oids_t list = *(const oids_t *)value;
    int status = field_check_count(field, list.count);
    if (!status)
        writer_bin(writer, list.items, list.count * sizeof(oid_t));
    return status;
}

static int
write_I64S(writer_t *writer, const field_t *field, const void *value)
{
    ints_t list = *(const ints_t *)value;
    int status = field_check_count(field, list.count);
    if (!status)
        writer_bin(writer, list.items, list.count * sizeof(int64_t));
    return status;
}

static int
write_value(writer_t *writer, const field_t *field, const value_t *value)
{
    switch (value->kind) {
    case VALUE_NIL:
        writer_nil(writer);
        return FH_OK;
    case VALUE_BOOL:
        writer_bool(writer, value->as.boolean);
        return FH_OK;
    case VALUE_INT:
        writer_int(writer, value->as.i);
        return FH_OK;
    case VALUE_UINT:
        writer_uint(writer, value->as.u);
        return FH_OK;
    case VALUE_FLOAT:
        writer_float(writer, value->as.f);
        return FH_OK;
    case VALUE_STR:
        writer_str(writer, value->as.str.data, value->as.str.size);
        return field_check_text(field, value->as.str);
    case VALUE_BIN:
        writer_bin(writer, value->as.bin.data, value->as.bin.size);
        return FH_OK;
    case VALUE_OID:
        writer_ext(writer, EXT_OID, value->as.oid.bytes, sizeof(oid_t));
        return FH_OK;
    }
    return field_bad(field, "a value of kind %d", (int)value->kind);
}

static int
write_VALUES(writer_t *writer, const field_t *field, const void *value)
{
    values_t list = *(const values_t *)value;
    int status = field_check_count(field, list.count);
    writer_array(writer, list.count);
    for (uint32_t i = 0; !status && i < list.count; i++)
        status = write_value(writer, field, &list.items[i]);
    return status;
}

static int
write_operand(writer_t *writer, const field_t *field, const operand_t *operand)
{
    if (!oid_is_none(operand->object)) {
        writer_ext(writer, EXT_OID, operand->object.bytes, sizeof(oid_t));
        return FH_OK;
    }
    if (!dtype_valid(operand->dtype))
        return field_bad(field, "a constant of dtype %d", operand->dtype);
    uint8_t body[1 + sizeof operand->scalar];
    body[0] = operand->dtype;
    memcpy(body + 1, operand->scalar, sizeof operand->scalar);
    writer_ext(writer, EXT_CONSTANT, body, 1 + dtype_size((dtype_t)operand->dtype));
    return FH_OK;
}

static int
write_OPERANDS(writer_t *writer, const field_t *field, const void *value)
{
    operands_t list = *(const operands_t *)value;
    int status = field_check_count(field, list.count);
    writer_array(writer, list.count);
    for (uint32_t i = 0; !status && i < list.count; i++)
        status = write_operand(writer, field, &list.items[i]);
    return status;
}

/* How each kind is written; offset and size: the bytes that are zero in an empty field (a list's count, a number's
 * value). */
static const struct {
    int (*write)(writer_t *writer, const field_t *field, const void *value);
    uint8_t offset, size;
} KINDS[] = {
    [FIELD_U64] = {write_U64, 0, sizeof(uint64_t)},
    [FIELD_I64] = {write_I64, 0, sizeof(int64_t)},
    [FIELD_F64] = {write_F64, 0, sizeof(double)},
    [FIELD_BOOL] = {write_BOOL, 0, sizeof(bool)},
    [FIELD_STR] = {write_STR, offsetof(str_t, size), sizeof(uint32_t)},
    [FIELD_BIN] = {write_BIN, offsetof(bin_t, size), sizeof(uint32_t)},
    [FIELD_OID] = {write_OID, 0, sizeof(oid_t)},
    [FIELD_OIDS] = {write_OIDS, offsetof(oids_t, count), sizeof(uint32_t)},
    [FIELD_I64S] = {write_I64S, offsetof(ints_t, count), sizeof(uint32_t)},
    [FIELD_VALUES] = {write_VALUES, offsetof(values_t, count), sizeof(uint32_t)},
    [FIELD_OPERANDS] = {write_OPERANDS, offsetof(operands_t, count), sizeof(uint32_t)},
};

/* Optional fields that hold what the reader would put there anyway are not written. */
static bool
is_left_out(const field_desc_t *field, const void *value)
{
    const uint8_t *bytes = (const uint8_t *)value + KINDS[field->kind].offset;
    uint8_t any = 0;
    for (int i = 0; !field->required && i < KINDS[field->kind].size; i++)
        any |= bytes[i];
    return !field->required && !any;
}

static int
write_message(writer_t *writer, const msg_desc_t *desc, const message_t *message, err_t *err)
{
    uint64_t left_out = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < desc->nfields; i++) {
        bool skip = is_left_out(&desc->fields[i], (const char *)&message->as + desc->fields[i].offset);
        left_out |= (uint64_t)skip << i;
        count += !skip;
    }
    writer_array(writer, 3);
    writer_uint(writer, desc->code);
    writer_map(writer, count);
    field_t field = {.message = desc, .status = FH_INVALID_ARGUMENT, .err = err};
    for (uint32_t i = 0; i < desc->nfields; i++) {
        if (left_out >> i & 1)
            continue;
        field.field = &desc->fields[i];
        writer_uint(writer, field.field->key);
        int status = KINDS[field.field->kind].write(writer, &field, (const char *)&message->as + field.field->offset);
        if (status)
            return status;
    }
    writer_uint(writer, message->raw);
    return writer_status(writer, err);
}

int
header_writer_new(header_writer_t **ret, err_t *err)
{
    header_writer_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a header frame");
    static const uint8_t START[HEADER_START] = {'F', 'H', PROTOCOL_MAJOR, PROTOCOL_MINOR};
    writer_init(&self->writer, HEADER_MAX_BYTES);
    writer_raw(&self->writer, START, sizeof START);
    int status = writer_status(&self->writer, err);
    if (status)
        header_writer_destroy(&self);
    else
        *ret = self;
    return status;
}

void
header_writer_destroy(header_writer_t **self)
{
    if (!*self)
        return;
    writer_release(&(*self)->writer);
    free(*self);
    *self = NULL;
}

int
header_writer_add(header_writer_t *self, const message_t *message, err_t *err)
{
    const msg_desc_t *desc = message_desc(message->code);
    if (!desc)
        return err_set(err, FH_INVALID_ARGUMENT, "there is no message with code %d", (int)message->code);
    if (message->raw > desc->raw_max)
        return err_set(err, FH_INVALID_ARGUMENT, "%s: %" PRIu32 " raw frames, at most %" PRIu32, desc->name,
                       message->raw, desc->raw_max);
    if (self->count == HEADER_MAX_MESSAGES)
        return err_set(err, FH_LIMIT_EXCEEDED, "more than the %d messages that one header frame may hold",
                       HEADER_MAX_MESSAGES);
    size_t mark = self->writer.size;
    int status = write_message(&self->writer, desc, message, err);
    if (status)
        writer_rewind(&self->writer, mark);
    else
        self->count++;
    return status;
}

size_t
header_writer_size(const header_writer_t *self)
{
    return self->writer.size;
}

uint32_t
header_writer_count(const header_writer_t *self)
{
    return self->count;
}

const void *
header_writer_data(const header_writer_t *self)
{
    return self->writer.data;
}

void
header_writer_reset(header_writer_t *self)
{
    writer_rewind(&self->writer, HEADER_START);
    self->count = 0;
}
