/* broker/registry_name.c - durable names of arrays, and which objects they keep. */
#include "broker/registry.h"
#include "codecs/dtype.h"
#include "codecs/shape.h"

#include <stdlib.h>
#include <string.h>

name_t *
registry_name(const registry_t *self, str_t text)
{
    return map_get(&self->name_map, text.data, text.size);
}

static int
check(const msg_PUBLISH_t *publish, err_t *err)
{
    if (publish->name.size == 0 || publish->name.size >= sizeof((name_t *)0)->text)
        return err_set(err, FH_INVALID_ARGUMENT, "a name has from 1 to 255 bytes, not %u", publish->name.size);
    for (uint32_t i = 0; i < publish->name.size; i++)
        if ((unsigned char)publish->name.data[i] < ' ' || publish->name.data[i] == 0x7f)
            return err_set(err, FH_INVALID_ARGUMENT, "the name has a control character at byte %u", i);
    if (publish->type.size >= sizeof((name_t *)0)->type)
        return err_set(err, FH_INVALID_ARGUMENT, "the type of a named object has at most 32 bytes");
    if (publish->dtype && !dtype_known(publish->dtype))
        return err_set(err, FH_INVALID_ARGUMENT, "the dtype %u is unknown", (unsigned)publish->dtype);
    if (publish->fields.size &&
        (dtype_kind((dtype_t)publish->dtype) != 'V' || memchr(publish->fields.data, '\0', publish->fields.size)))
        return err_set(err, FH_INVALID_ARGUMENT, "only void elements consist of fields, which text describes");
    if (publish->shape.count > SHAPE_MAX_DIMS || publish->axis >= (int64_t)publish->shape.count || publish->axis < -1)
        return err_set(err, FH_INVALID_ARGUMENT, "axis %lld does not fit %u dimensions", (long long)publish->axis,
                       publish->shape.count);
    for (uint32_t i = 0; i < publish->shape.count; i++)
        if (publish->shape.items[i] < 0)
            return err_set(err, FH_INVALID_ARGUMENT, "extent %u of the shape is negative", i);
    if (publish->pieces.count == 0 || publish->engines.count != publish->pieces.count)
        return err_set(err, FH_INVALID_ARGUMENT, "%u pieces and %u engines: one engine a piece is needed",
                       publish->pieces.count, publish->engines.count);
    if (publish->lengths.count && publish->lengths.count != publish->pieces.count)
        return err_set(err, FH_INVALID_ARGUMENT, "%u lengths for %u pieces", publish->lengths.count,
                       publish->pieces.count);
    if (publish->strides.count && publish->strides.count != (uint64_t)publish->pieces.count * publish->shape.count)
        return err_set(err, FH_INVALID_ARGUMENT, "%u strides for %u pieces of %u dimensions", publish->strides.count,
                       publish->pieces.count, publish->shape.count);
    return FH_OK;
}

static void *
copy_items(const void *items, size_t count, size_t size, bool *failed)
{
    void *copy = malloc(count * size + 1);

    if (!copy)
        *failed = true;
    else if (count)
        memcpy(copy, items, count * size);
    return copy;
}

static void
name_free(name_t *name)
{
    free(name->pins);
    free(name->pieces);
    free(name->engines);
    free(name->lengths);
    free(name->strides);
    free(name->shape);
    free(name->fields);
    free(name);
}

static name_t *
name_new(const msg_PUBLISH_t *publish)
{
    name_t *name = calloc(1, sizeof *name);
    bool failed = false;

    if (!name)
        return NULL;
    name->row.kind = ROW_NAME;
    name->state = NAME_ADDING;
    str_copy(publish->name, name->text, sizeof name->text);
    str_copy(publish->type, name->type, sizeof name->type);
    name->dtype = (uint32_t)publish->dtype;
    name->ndim = (uint8_t)publish->shape.count;
    name->axis = (int8_t)publish->axis;
    name->npieces = publish->pieces.count;
    name->nlengths = publish->lengths.count;
    name->nstrides = publish->strides.count;
    name->pins = calloc(name->npieces, sizeof *name->pins);
    name->pieces = copy_items(publish->pieces.items, name->npieces, sizeof *name->pieces, &failed);
    name->engines = copy_items(publish->engines.items, name->npieces, sizeof *name->engines, &failed);
    name->lengths = copy_items(publish->lengths.items, name->nlengths, sizeof *name->lengths, &failed);
    name->strides = copy_items(publish->strides.items, name->nstrides, sizeof *name->strides, &failed);
    name->shape = copy_items(publish->shape.items, name->ndim, sizeof *name->shape, &failed);
    name->fields = copy_items(publish->fields.data, publish->fields.size, 1, &failed);
    if (name->fields)
        name->fields[publish->fields.size] = '\0';
    if (!name->pins || failed) {
        name_free(name);
        return NULL;
    }
    return name;
}

const oid_t *
registry_pin_object(const pin_t *pin)
{
    return &pin->name->pieces[pin - pin->name->pins];
}

static const oid_t *
pin_engine(const pin_t *pin)
{
    return &pin->name->engines[pin - pin->name->pins];
}

const pin_t *
registry_engine_pins(const registry_t *self, oid_t engine)
{
    return map_get(&self->engine_pin_map, engine.bytes, sizeof engine.bytes);
}

static int
engine_pin_put(registry_t *self, pin_t *pin, err_t *err)
{
    const oid_t *engine = pin_engine(pin);
    pin_t *first = map_get(&self->engine_pin_map, engine->bytes, sizeof engine->bytes);

    if (!first)
        return map_put(&self->engine_pin_map, engine->bytes, sizeof engine->bytes, pin, err);
    pin->engine_previous = first;
    pin->engine_next = first->engine_next;
    if (first->engine_next)
        first->engine_next->engine_previous = pin;
    first->engine_next = pin;
    return FH_OK;
}

static void
engine_pin_remove(registry_t *self, pin_t *pin)
{
    const oid_t *engine = pin_engine(pin);
    pin_t *next = pin->engine_next;

    if (pin->engine_previous)
        pin->engine_previous->engine_next = next;
    else if (next)
        map_replace(&self->engine_pin_map, pin_engine(next)->bytes, sizeof engine->bytes, next);
    else
        map_remove(&self->engine_pin_map, engine->bytes, sizeof engine->bytes);
    if (next)
        next->engine_previous = pin->engine_previous;
    pin->engine_next = pin->engine_previous = NULL;
}

static int
object_pin_put(registry_t *self, pin_t *pin, err_t *err)
{
    const oid_t *object = registry_pin_object(pin);
    pin_t *first = map_get(&self->pin_map, object->bytes, sizeof object->bytes);

    if (!first)
        return map_put(&self->pin_map, object->bytes, sizeof object->bytes, pin, err);
    pin->next = first->next;
    first->next = pin;
    return FH_OK;
}

static void
object_pin_remove(registry_t *self, pin_t *pin)
{
    const oid_t *object = registry_pin_object(pin);
    pin_t *first = map_get(&self->pin_map, object->bytes, sizeof object->bytes);

    if (first != pin) {
        while (first->next != pin)
            first = first->next;
        first->next = pin->next;
    } else if (pin->next)
        map_replace(&self->pin_map, registry_pin_object(pin->next)->bytes, sizeof object->bytes, pin->next);
    else
        map_remove(&self->pin_map, object->bytes, sizeof object->bytes);
    pin->next = NULL;
}

static int
pin_put(registry_t *self, pin_t *pin, err_t *err)
{
    int status = object_pin_put(self, pin, err);

    if (status)
        return status;
    status = engine_pin_put(self, pin, err);
    if (status)
        object_pin_remove(self, pin);
    return status;
}

static void
pin_remove(registry_t *self, pin_t *pin)
{
    object_pin_remove(self, pin);
    engine_pin_remove(self, pin);
}

static bool
engines_gone(const registry_t *self, const name_t *name)
{
    for (uint32_t i = 0; i < name->npieces; i++) {
        const engine_t *engine = registry_engine(self, name->engines[i]);

        if (!engine || engine->state == ENGINE_LOST || engine->state == ENGINE_STOPPED)
            return true;
    }
    return false;
}

static void
name_link(registry_t *self, name_t *name)
{
    name->previous = self->last_name;
    if (self->last_name)
        self->last_name->next = name;
    else
        self->names = name;
    self->last_name = name;
    self->nnames++;
}

static void
name_unlink(registry_t *self, name_t *name)
{
    for (cursor_t *cursor = self->cursors; cursor; cursor = cursor->next)
        if (cursor->name == name)
            cursor->name = name->next;
    if (name->previous)
        name->previous->next = name->next;
    else
        self->names = name->next;
    if (name->next)
        name->next->previous = name->previous;
    else
        self->last_name = name->previous;
    self->nnames--;
}

int
registry_name_add(registry_t *self, const msg_PUBLISH_t *publish, name_t **ret, err_t *err)
{
    int status = check(publish, err);
    uint32_t pinned = 0;

    if (status)
        return status;
    if (registry_name(self, publish->name))
        return err_set(err, FH_NAME_TAKEN,
                       "the name \"%.*s\" is taken by another array: unpublish it first or use another name",
                       (int)publish->name.size, publish->name.data);
    if (self->nnames >= self->max_names)
        return err_set(err, FH_LIMIT_EXCEEDED, "there are %zu names; no more are possible", self->nnames);
    name_t *name = name_new(publish);

    if (!name)
        return err_set(err, FH_NO_MEMORY, "no memory for a name of %u pieces", publish->pieces.count);
    for (; !status && pinned < name->npieces; pinned++) {
        name->pins[pinned].name = name;
        status = pin_put(self, &name->pins[pinned], err);
    }
    if (!status)
        status = map_put(&self->name_map, name->text, strlen(name->text), name, err);
    else
        pinned--; /* the last one was not put */
    if (status) {
        while (pinned > 0)
            pin_remove(self, &name->pins[--pinned]);
        name_free(name);
        return status;
    }
    name->lost = engines_gone(self, name);
    name_link(self, name);
    rows_touch(&self->changes, &name->row);
    *ret = name;
    return FH_OK;
}

static bool
same_items(const void *a, size_t count_a, const void *b, size_t count_b, size_t size)
{
    return count_a == count_b && (count_a == 0 || memcmp(a, b, count_a * size) == 0);
}

bool
registry_name_same(const name_t *name, const msg_PUBLISH_t *publish)
{
    return str_is(publish->type, name->type) && publish->dtype == name->dtype && publish->axis == name->axis &&
           str_is(publish->fields, name->fields) &&
           same_items(publish->shape.items, publish->shape.count, name->shape, name->ndim, sizeof *name->shape) &&
           same_items(publish->pieces.items, publish->pieces.count, name->pieces, name->npieces,
                      sizeof *name->pieces) &&
           same_items(publish->engines.items, publish->engines.count, name->engines, name->npieces,
                      sizeof *name->engines) &&
           same_items(publish->lengths.items, publish->lengths.count, name->lengths, name->nlengths,
                      sizeof *name->lengths) &&
           same_items(publish->strides.items, publish->strides.count, name->strides, name->nstrides,
                      sizeof *name->strides);
}

void
registry_name_list(registry_t *self, name_t *name)
{
    if (name->row.gone) {
        name->row.gone = false;
        rows_touch(&self->changes, &name->row);
    }
    name->state = NAME_LISTED;
}

void
registry_name_leave(registry_t *self, name_t *name)
{
    name->state = NAME_REMOVING;
    name->row.gone = true;
    rows_touch(&self->changes, &name->row);
}

void
registry_name_drop(registry_t *self, name_t *name)
{
    rows_untouch(&self->changes, &name->row);
    name_unlink(self, name);
    map_remove(&self->name_map, name->text, strlen(name->text));
    for (uint32_t i = 0; i < name->npieces; i++)
        pin_remove(self, &name->pins[i]);
    name_free(name);
}

name_t *
registry_pinned(const registry_t *self, oid_t object, const name_t *except)
{
    for (const pin_t *pin = map_get(&self->pin_map, object.bytes, sizeof object.bytes); pin; pin = pin->next)
        if (pin->name != except && pin->name->state != NAME_REMOVING)
            return pin->name;
    return NULL;
}

void
registry_name_to_message(const name_t *name, uint64_t call, message_t *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->code = MSG_NAMED;
    ret->as.NAMED = (msg_NAMED_t){
        .call = call,
        .name = str_of(name->text),
        .type = str_of(name->type),
        .dtype = name->dtype,
        .shape = {name->shape, name->ndim},
        .axis = name->axis,
        .pieces = {name->pieces, name->npieces},
        .engines = {name->engines, name->npieces},
        .lengths = {name->lengths, name->nlengths},
        .strides = {name->strides, name->nstrides},
        .fields = str_of(name->fields),
    };
}

void
registry_name_refresh(registry_t *self, oid_t engine)
{
    const name_t *last = NULL;

    for (const pin_t *pin = registry_engine_pins(self, engine); pin; pin = pin->engine_next) {
        name_t *name = pin->name;
        bool lost = name == last ? name->lost : engines_gone(self, name);

        if (lost != name->lost) {
            name->lost = lost;
            rows_touch(&self->changes, &name->row);
        }
        last = name; /* pins of one name stand together: it is looked at once */
    }
}
