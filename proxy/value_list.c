#include "proxy/value_list.h"

#include <stdlib.h>
#include <string.h>

/* The kinds have the same numbers in both. */
_Static_assert((int)FH_NIL == (int)VALUE_NIL && (int)FH_VALUE_BOOL == (int)VALUE_BOOL &&
                   (int)FH_VALUE_INT == (int)VALUE_INT && (int)FH_VALUE_UINT == (int)VALUE_UINT &&
                   (int)FH_VALUE_FLOAT == (int)VALUE_FLOAT && (int)FH_VALUE_TEXT == (int)VALUE_STR &&
                   (int)FH_VALUE_BYTES == (int)VALUE_BIN && (int)FH_VALUE_ID == (int)VALUE_OID,
               "fh_value and value_t must agree");

static void
to_public(const value_t *from, fh_value *ret)
{
    *ret = (fh_value){.kind = (unsigned)from->kind};
    if (from->kind == VALUE_BOOL)
        ret->i = from->as.boolean;
    else if (from->kind == VALUE_INT)
        ret->i = from->as.i;
    else if (from->kind == VALUE_UINT)
        ret->u = from->as.u;
    else if (from->kind == VALUE_FLOAT)
        ret->f = from->as.f;
    else if (from->kind == VALUE_OID)
        memcpy(ret->id.bytes, from->as.oid.bytes, sizeof ret->id.bytes);
    else if (from->kind == VALUE_STR)
        ret->data = from->as.str.data, ret->size = from->as.str.size;
    else if (from->kind == VALUE_BIN)
        ret->data = (const char *)from->as.bin.data, ret->size = from->as.bin.size;
}

int
value_list_public(values_t list, fh_value **ret, err_t *err)
{
    fh_value *values = calloc((size_t)list.count + 1, sizeof *values);
    if (!values)
        return err_set(err, FH_NO_MEMORY, "no memory for %u values", (unsigned)list.count);
    for (uint32_t i = 0; i < list.count; i++)
        to_public(&list.items[i], &values[i]);
    *ret = values;
    return FH_OK;
}

static int
to_wire(const fh_value *from, value_t *ret, err_t *err)
{
    if ((unsigned)from->kind > FH_VALUE_ID || from->size > UINT32_MAX)
        return err_set(err, FH_INVALID_ARGUMENT, "an argument has an unknown kind or too many bytes");
    *ret = (value_t){.kind = (unsigned)from->kind};
    if (ret->kind == VALUE_BOOL)
        ret->as.boolean = from->i != 0;
    else if (ret->kind == VALUE_INT)
        ret->as.i = from->i;
    else if (ret->kind == VALUE_UINT)
        ret->as.u = from->u;
    else if (ret->kind == VALUE_FLOAT)
        ret->as.f = from->f;
    else if (ret->kind == VALUE_OID)
        memcpy(ret->as.oid.bytes, from->id.bytes, sizeof ret->as.oid.bytes);
    else if (ret->kind == VALUE_STR)
        ret->as.str = (str_t){from->data, (uint32_t)from->size};
    else if (ret->kind == VALUE_BIN)
        ret->as.bin = (bin_t){(const uint8_t *)from->data, (uint32_t)from->size};
    return FH_OK;
}

int
value_list_wire(const fh_value *values, int count, value_t **ret, err_t *err)
{
    if (count < 0 || count > 64)
        return err_set(err, FH_INVALID_ARGUMENT, "%d arguments: at most 64 are possible", count);
    value_t *items = calloc((size_t)count + 1, sizeof *items);
    int status = items ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for %d arguments", count);
    for (int i = 0; i < count && !status; i++)
        status = to_wire(&values[i], &items[i], err);
    if (status)
        free(items);
    else
        *ret = items;
    return status;
}

void
value_list_free(fh_value **list)
{
    free(*list);
    *list = NULL;
}
