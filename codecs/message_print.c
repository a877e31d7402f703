/* Messages as one line of text, for logs and tests. */
#include "codecs/dtype.h"
#include "codecs/message.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { PRINT_MAX_ITEMS = 8, PRINT_MAX_BYTES = 80 };

/* Text of size bytes that is always terminated; what does not fit is left off. */
typedef struct {
    char *text;
    size_t size, used;
} line_t;

static void put(line_t *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
put(line_t *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);
    va_end(arguments);
    if (n > 0)
        line->used = (size_t)n < line->size - line->used ? line->used + (size_t)n : line->size - 1;
}

/* Quoted, control characters and bytes beyond ASCII as they may safely go to a terminal. */
static void
put_str(line_t *line, str_t text)
{
    put(line, "\"");
    for (uint32_t i = 0; i < text.size && i < PRINT_MAX_BYTES; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            put(line, "\\x%02x", c);
        else
            put(line, "%c", c);
    }
    put(line, text.size > PRINT_MAX_BYTES ? "\"..." : "\"");
}

static void
put_bytes(line_t *line, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && i < PRINT_MAX_BYTES / 2; i++)
        put(line, "%02x", bytes[i]);
    if (size > PRINT_MAX_BYTES / 2)
        put(line, "...");
}

static void
put_value(line_t *line, const value_t *value)
{
    switch (value->kind) {
    case VALUE_NIL:
        put(line, "nil");
        return;
    case VALUE_BOOL:
        put(line, "%s", value->as.boolean ? "true" : "false");
        return;
    case VALUE_INT:
        put(line, "%" PRId64, value->as.i);
        return;
    case VALUE_UINT:
        put(line, "%" PRIu64, value->as.u);
        return;
    case VALUE_FLOAT:
        put(line, "%.17g", value->as.f);
        return;
    case VALUE_STR:
        put_str(line, value->as.str);
        return;
    case VALUE_BIN:
        put_bytes(line, value->as.bin.data, value->as.bin.size);
        return;
    case VALUE_OID:
        put_bytes(line, value->as.oid.bytes, sizeof(oid_t));
        return;
    }
    put(line, "?");
}

static void
put_operand(line_t *line, const operand_t *operand)
{
    if (!oid_is_none(operand->object)) {
        put_bytes(line, operand->object.bytes, sizeof(oid_t));
        return;
    }
    put(line, "%s:", dtype_valid(operand->dtype) ? dtype_name((dtype_t)operand->dtype) : "?");
    put_bytes(line, operand->scalar, dtype_valid(operand->dtype) ? dtype_size((dtype_t)operand->dtype) : 0);
}

static void
put_item(line_t *line, field_kind_t kind, const void *list, uint32_t i)
{
    if (kind == FIELD_OIDS)
        put_bytes(line, ((const oids_t *)list)->items[i].bytes, sizeof(oid_t));
    else if (kind == FIELD_I64S)
        put(line, "%" PRId64, ((const ints_t *)list)->items[i]);
    else if (kind == FIELD_VALUES)
        put_value(line, &((const values_t *)list)->items[i]);
    else
        put_operand(line, &((const operands_t *)list)->items[i]);
}

static void
put_list(line_t *line, field_kind_t kind, const void *list, uint32_t count)
{
    put(line, "[");
    for (uint32_t i = 0; i < count && i < PRINT_MAX_ITEMS; i++) {
        put(line, "%s", i ? ", " : "");
        put_item(line, kind, list, i);
    }
    if (count > PRINT_MAX_ITEMS)
        put(line, ", ... %" PRIu32 " in all", count);
    put(line, "]");
}

static void
put_field(line_t *line, field_kind_t kind, const void *field)
{
    switch (kind) {
    case FIELD_U64:
        put(line, "%" PRIu64, *(const uint64_t *)field);
        return;
    case FIELD_I64:
        put(line, "%" PRId64, *(const int64_t *)field);
        return;
    case FIELD_F64:
        put(line, "%.17g", *(const double *)field);
        return;
    case FIELD_BOOL:
        put(line, "%s", *(const bool *)field ? "true" : "false");
        return;
    case FIELD_STR:
        put_str(line, *(const str_t *)field);
        return;
    case FIELD_BIN:
        put_bytes(line, ((const bin_t *)field)->data, ((const bin_t *)field)->size);
        return;
    case FIELD_OID:
        put_bytes(line, ((const oid_t *)field)->bytes, sizeof(oid_t));
        return;
    case FIELD_OIDS:
        put_list(line, kind, field, ((const oids_t *)field)->count);
        return;
    case FIELD_I64S:
        put_list(line, kind, field, ((const ints_t *)field)->count);
        return;
    case FIELD_VALUES:
        put_list(line, kind, field, ((const values_t *)field)->count);
        return;
    case FIELD_OPERANDS:
        put_list(line, kind, field, ((const operands_t *)field)->count);
        return;
    }
}

char *
message_print(const message_t *message, char *text, size_t size)
{
    if (!size)
        return text;
    line_t line = {text, size, 0};
    text[0] = '\0';
    const msg_desc_t *desc = message_desc(message->code);
    if (!desc) {
        put(&line, "message %d call=%" PRIu64, (int)message->code, message_call(message));
        return text;
    }
    put(&line, "%s", desc->name);
    for (uint32_t i = 0; i < desc->nfields; i++) {
        put(&line, " %s=", desc->fields[i].name);
        put_field(&line, desc->fields[i].kind, (const char *)&message->as + desc->fields[i].offset);
    }
    if (message->raw)
        put(&line, " raw=%" PRIu32, message->raw);
    return text;
}
