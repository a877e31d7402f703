#include "tests/unit/codecs/random_message.h"

#include "codecs/dtype.h"
#include "tests/support/check.h"

#include <string.h>

uint64_t
random_next(random_t *self)
{
    return check_random(&self->state);
}

uint64_t
random_in(random_t *self, uint64_t low, uint64_t high)
{
    uint64_t span = high - low + 1;
    return span ? low + random_next(self) % span : random_next(self);
}

static void *
take(arena_t *arena, size_t size)
{
    void *bytes;
    err_t err;
    check_ok(arena_alloc(arena, size, &bytes, &err), err);
    return bytes;
}

/* The bounds themselves, small numbers and any number, each often. */
static uint64_t
random_number(random_t *self, uint64_t low, uint64_t high)
{
    uint64_t near = low + 300 < high && low + 300 > low ? low + 300 : high;
    const uint64_t choices[] = {low, high, random_in(self, low, near), random_in(self, low, high)};
    return choices[random_next(self) % 4];
}

static uint32_t
random_length(random_t *self, const field_desc_t *field, uint64_t usual)
{
    uint64_t low = (uint64_t)field->min, most = low + usual < field->max ? low + usual : field->max;
    return (uint32_t)(random_next(self) % 4 ? random_in(self, low, most) : low);
}

static str_t
random_text(random_t *self, arena_t *arena, uint32_t size)
{
    static const char *const CHARACTERS[] = {
        "a", "Z", "0", " ", "\t", "\x7f", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    char *text = take(arena, size);
    uint32_t used = 0;
    while (used < size) {
        const char *next = CHARACTERS[random_next(self) % 9];
        if (strlen(next) > size - used)
            next = "x";
        memcpy(text + used, next, strlen(next));
        used += (uint32_t)strlen(next);
    }
    return (str_t){text, size};
}

static bin_t
random_bytes(random_t *self, arena_t *arena, uint32_t size)
{
    uint8_t *bytes = take(arena, size);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_next(self);
    return (bin_t){bytes, size};
}

static oid_t
random_oid(random_t *self)
{
    uint64_t words[2] = {random_next(self), random_next(self) | 1};
    oid_t id;
    memcpy(&id, words, sizeof id);
    return id;
}

static value_t
random_value(random_t *self, arena_t *arena)
{
    uint64_t bits = random_next(self);
    switch (random_next(self) % 8) {
    case 0:
        return (value_t){.kind = VALUE_NIL};
    case 1:
        return (value_t){.kind = VALUE_BOOL, .as.boolean = bits & 1};
    case 2:
        return (value_t){.kind = VALUE_INT, .as.i = (int64_t)bits >> random_next(self) % 64};
    case 3:
        return (value_t){.kind = VALUE_UINT, .as.u = bits | (uint64_t)1 << 63};
    case 4:
        return (value_t){.kind = VALUE_FLOAT, .as.u = bits};
    case 5:
        return (value_t){.kind = VALUE_STR, .as.str = random_text(self, arena, (uint32_t)(bits % 40))};
    case 6:
        return (value_t){.kind = VALUE_BIN, .as.bin = random_bytes(self, arena, (uint32_t)(bits % 400))};
    default:
        return (value_t){.kind = VALUE_OID, .as.oid = random_oid(self)};
    }
}

static operand_t
random_operand(random_t *self)
{
    operand_t operand = {0};
    if (random_next(self) % 2) {
        operand.object = random_oid(self);
        return operand;
    }
    operand.dtype = (uint8_t)random_in(self, 1, DTYPE_COUNT - 1);
    uint64_t words[2] = {random_next(self), random_next(self)};
    memcpy(operand.scalar, words, dtype_size((dtype_t)operand.dtype));
    return operand;
}

static void
random_list(random_t *self, const field_desc_t *field, arena_t *arena, void *ret)
{
    uint32_t count = random_length(self, field, field->kind == FIELD_OIDS || field->kind == FIELD_I64S ? 100 : 20);
    oid_t *oids = take(arena, count * sizeof *oids);
    int64_t *ints = take(arena, count * sizeof *ints);
    value_t *values = take(arena, count * sizeof *values);
    operand_t *operands = take(arena, count * sizeof *operands);
    for (uint32_t i = 0; i < count; i++) {
        oids[i] = random_oid(self);
        ints[i] = (int64_t)random_next(self) >> random_next(self) % 64;
        values[i] = random_value(self, arena);
        operands[i] = random_operand(self);
    }
    if (field->kind == FIELD_OIDS)
        *(oids_t *)ret = (oids_t){oids, count};
    else if (field->kind == FIELD_I64S)
        *(ints_t *)ret = (ints_t){ints, count};
    else if (field->kind == FIELD_VALUES)
        *(values_t *)ret = (values_t){values, count};
    else
        *(operands_t *)ret = (operands_t){operands, count};
}

static void
random_field(random_t *self, const field_desc_t *field, arena_t *arena, void *ret)
{
    double number = (double)(int64_t)random_next(self);
    switch (field->kind) {
    case FIELD_U64:
        *(uint64_t *)ret = random_number(self, (uint64_t)field->min, field->max);
        return;
    case FIELD_I64:
        *(int64_t *)ret = (int64_t)(random_number(self, 0, field->max - (uint64_t)field->min) + (uint64_t)field->min);
        return;
    case FIELD_F64:
        memcpy(ret, &number, sizeof number);
        return;
    case FIELD_BOOL:
        *(bool *)ret = random_next(self) & 1;
        return;
    case FIELD_STR:
        *(str_t *)ret = random_text(self, arena, random_length(self, field, field->max > 600 ? 600 : field->max));
        return;
    case FIELD_BIN:
        *(bin_t *)ret = random_bytes(self, arena, random_length(self, field, 600));
        return;
    case FIELD_OID:
        *(oid_t *)ret = random_oid(self);
        return;
    case FIELD_OIDS:
    case FIELD_I64S:
    case FIELD_VALUES:
    case FIELD_OPERANDS:
        random_list(self, field, arena, ret);
        return;
    }
}

void
random_message(random_t *self, const msg_desc_t *desc, arena_t *arena, message_t *ret)
{
    *ret = (message_t){.code = desc->code, .raw = (uint32_t)random_in(self, 0, desc->raw_max)};
    for (uint32_t i = 0; i < desc->nfields; i++)
        if (desc->fields[i].required || random_next(self) % 2)
            random_field(self, &desc->fields[i], arena, (char *)&ret->as + desc->fields[i].offset);
}
