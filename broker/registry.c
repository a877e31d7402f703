/* broker/registry.c - objects and changes; engines and names have their own files. */
#include "broker/registry.h"

#include "codecs/dtype.h"
#include "codecs/shape.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_OBJECTS = 4000000, MAX_NAMES = 1000000 };

void
registry_init(registry_t *self, size_t max_objects, size_t max_names)
{
    memset(self, 0, sizeof *self);
    map_init(&self->engine_map);
    map_init(&self->object_map);
    map_init(&self->name_map);
    map_init(&self->pin_map);
    map_init(&self->engine_pin_map);
    self->next_key = 1;
    self->max_objects = max_objects ? max_objects : MAX_OBJECTS;
    self->max_names = max_names ? max_names : MAX_NAMES;
}

/* Rows that are gone stand in no table any more, only among the changes. */
static void
release_gone(registry_t *self, rows_t *changes)
{
    row_t *next;

    for (row_t *row = changes->first; row; row = next) {
        next = row->next;
        if (row->kind != ROW_SESSION)
            registry_saved(self, row);
    }
}

void
registry_release(registry_t *self)
{
    release_gone(self, &self->changes);
    release_gone(self, &self->object_changes);
    while (self->names)
        registry_name_drop(self, self->names);
    while (self->objects) {
        object_t *object = self->objects;

        self->objects = object->next;
        free(object);
    }
    while (self->engines) {
        engine_t *engine = self->engines;

        self->engines = engine->next;
        free(engine);
    }
    map_release(&self->engine_map);
    map_release(&self->object_map);
    map_release(&self->name_map);
    map_release(&self->pin_map);
    map_release(&self->engine_pin_map);
}

/* ---- objects -------------------------------------------------------------------------------------------------------
 */

object_t *
registry_object(const registry_t *self, oid_t id)
{
    return map_get(&self->object_map, id.bytes, sizeof id.bytes);
}

void
registry_reserve(registry_t *self, size_t objects)
{
    map_reserve(&self->object_map, objects < self->max_objects ? objects : self->max_objects);
}

static void
object_link(registry_t *self, object_t *object)
{
    engine_t *engine = object->engine;

    object->engine_next = engine->objects;
    if (engine->objects)
        engine->objects->engine_previous = object;
    engine->objects = object;
    object->previous = self->last_object;
    if (self->last_object)
        self->last_object->next = object;
    else
        self->objects = object;
    self->last_object = object;
    self->nobjects++;
}

static void
object_unlink(registry_t *self, object_t *object)
{
    for (cursor_t *cursor = self->cursors; cursor; cursor = cursor->next)
        if (cursor->object == object)
            cursor->object = object->next;
    if (object->engine_previous)
        object->engine_previous->engine_next = object->engine_next;
    else
        object->engine->objects = object->engine_next;
    if (object->engine_next)
        object->engine_next->engine_previous = object->engine_previous;
    if (object->previous)
        object->previous->next = object->next;
    else
        self->objects = object->next;
    if (object->next)
        object->next->previous = object->previous;
    else
        self->last_object = object->previous;
    self->nobjects--;
}

static int
object_add(registry_t *self, engine_t *engine, const msg_OBJECT_t *news, object_t **ret, err_t *err)
{
    if (self->nobjects >= self->max_objects)
        return err_set(err, FH_LIMIT_EXCEEDED, "the registry holds %zu objects; no more are possible", self->nobjects);
    object_t *object = calloc(1, sizeof *object + news->shape.count * sizeof *object->shape + news->type.size + 1);

    if (!object)
        return err_set(err, FH_NO_MEMORY, "no memory for an object in the registry");
    object->row.kind = ROW_OBJECT;
    object->id = news->object;
    object->engine = engine;
    object->ndim = (uint8_t)news->shape.count;
    object->key = self->next_key++;
    str_copy(news->type, (char *)(object->shape + object->ndim), news->type.size + 1);
    int status = map_put(&self->object_map, object->id.bytes, sizeof object->id.bytes, object, err);

    if (status) {
        free(object);
        return status;
    }
    object_link(self, object);
    *ret = object;
    return FH_OK;
}

static int
object_check(const engine_t *engine, const object_t *object, const msg_OBJECT_t *news, err_t *err)
{
    if (news->dtype && !dtype_known(news->dtype))
        return err_set(err, FH_INVALID_ARGUMENT, "an object has the unknown dtype %u", (unsigned)news->dtype);
    if (news->shape.count > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "an object has %u dimensions", news->shape.count);
    if (object && object->engine != engine)
        return err_set(err, FH_PROTOCOL_ERROR, "engine %u names an object of engine %u", engine->number,
                       object->engine->number);
    return FH_OK;
}

static bool
object_is_as(const object_t *object, const msg_OBJECT_t *news)
{
    return oid_equal(object->session, news->session) && object->bytes == news->bytes && object->dtype == news->dtype &&
           (object->ndim == 0 || memcmp(object->shape, news->shape.items, object->ndim * sizeof *object->shape) == 0);
}

int
registry_object_put(registry_t *self, engine_t *engine, const msg_OBJECT_t *news, int64_t made_ns, object_t **ret,
                    err_t *err)
{
    object_t *object = registry_object(self, news->object);
    int status = object_check(engine, object, news, err);

    if (status)
        return status;
    if (object && (object->ndim != news->shape.count || !str_is(news->type, object_type(object)))) {
        made_ns = object->made_ns;
        registry_object_remove(self, object);
        object = NULL;
    }
    if (!object) {
        status = object_add(self, engine, news, &object, err);
        if (status)
            return status;
        object->made_ns = made_ns;
        rows_touch(&self->object_changes, &object->row);
    } else if (!object_is_as(object, news)) /* engines that announce themselves again tell of all that we know */
        rows_touch(&self->object_changes, &object->row);
    object->session = news->session;
    object->bytes = news->bytes;
    object->dtype = (uint32_t)news->dtype;
    object->round = engine->round;
    if (news->shape.count)
        memcpy(object->shape, news->shape.items, news->shape.count * sizeof *object->shape);
    *ret = object;
    return FH_OK;
}

void
registry_object_remove(registry_t *self, object_t *object)
{
    object_unlink(self, object);
    map_remove(&self->object_map, object->id.bytes, sizeof object->id.bytes);
    if (object->row.saved) {
        object->row.gone = true;
        rows_touch(&self->object_changes, &object->row);
    } else {
        rows_untouch(&self->object_changes, &object->row);
        free(object);
    }
}

/* ---- changes and cursors -------------------------------------------------------------------------------------------
 */

void
registry_saved(registry_t *self, row_t *row)
{
    rows_untouch(row->kind == ROW_OBJECT ? &self->object_changes : &self->changes, row);
    row->saved = true;
    if (!row->gone)
        return;
    row->saved = false;
    if (row->kind == ROW_NAME)
        registry_name_drop(self, (name_t *)row);
    else
        free(row);
}

void
registry_cursor_open(registry_t *self, cursor_t *cursor)
{
    cursor->object = self->objects;
    cursor->name = self->names;
    cursor->next = self->cursors;
    self->cursors = cursor;
}

void
registry_cursor_close(registry_t *self, cursor_t *cursor)
{
    cursor_t **place = &self->cursors;

    while (*place && *place != cursor)
        place = &(*place)->next;
    if (*place)
        *place = cursor->next;
}
