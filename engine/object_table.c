/* engine/object_table.c - one map, a list for each owner, a list of news. */
#include "engine/object_table.h"

#include "engine/wholes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *
object_type_name(object_type_t type)
{
    static const char *const NAMES[] = {[OBJECT_ARRAY] = "array",
                                        [OBJECT_KERNEL] = "kernel",
                                        [OBJECT_MAPPING] = "mapping",
                                        [OBJECT_SHARE] = "share",
                                        [OBJECT_PYTHON] = "python"};

    return NAMES[type];
}

/* ---- lists ---------------------------------------------------------------------------------------------------------
 */

static void
owner_add(owner_t *owner, object_t *object)
{
    object->owner = owner;
    object->previous = NULL;
    object->next = owner->first;
    if (owner->first)
        owner->first->previous = object;
    owner->first = object;
    owner->count++;
}

static void
owner_remove(object_t *object)
{
    owner_t *owner = object->owner;

    if (!owner)
        return;
    *(object->previous ? &object->previous->next : &owner->first) = object->next;
    if (object->next)
        object->next->previous = object->previous;
    owner->count--;
    object->owner = NULL;
    object->previous = object->next = NULL;
}

static void
news_add(object_table_t *self, object_t *object)
{
    object->announced = false;
    object->news_next = NULL;
    object->news_previous = self->news_last;
    *(self->news_last ? &self->news_last->news_next : &self->news_first) = object;
    self->news_last = object;
    self->news_count++;
}

static void
news_remove(object_table_t *self, object_t *object)
{
    *(object->news_previous ? &object->news_previous->news_next : &self->news_first) = object->news_next;
    *(object->news_next ? &object->news_next->news_previous : &self->news_last) = object->news_previous;
    object->news_previous = object->news_next = NULL;
    self->news_count--;
}

static void
note_gone(object_table_t *self, oid_t id)
{
    if (self->gone_count == self->gone_room) {
        size_t room = self->gone_room ? self->gone_room * 2 : 64;
        oid_t *gone = realloc(self->gone, room * sizeof *gone);

        if (!gone) {
            self->gone_lost = true;
            return;
        }
        self->gone = gone;
        self->gone_room = room;
    }
    self->gone[self->gone_count++] = id;
}

/* ---- objects of one segment ----------------------------------------------------------------------------------------
 */

/* Objects count in their segments, so that others can tell what else holds a reference.  A share counts as a map: most
 * often the arrays over there go with those here. */
static void
count(const object_t *object, int by)
{
    segment_t *segment = object->segment;

    __atomic_add_fetch(object->type == OBJECT_ARRAY ? &segment->arrays : &segment->maps, by, __ATOMIC_RELAXED);
    if (by > 0)
        whole_hold(segment);
    else
        whole_let(segment);
    if (object->type == OBJECT_MAPPING)
        *(object->writes ? &segment->outside_writers : &segment->mappings) += by;
}

static void
segment_add(object_t *object)
{
    object_t **first = &object->segment->objects;

    object->segment_previous = NULL;
    object->segment_next = *first;
    if (*first)
        (*first)->segment_previous = object;
    *first = object;
    count(object, 1);
}

static void
segment_remove(object_t *object)
{
    *(object->segment_previous ? &object->segment_previous->segment_next : &object->segment->objects) =
        object->segment_next;
    if (object->segment_next)
        object->segment_next->segment_previous = object->segment_previous;
    object->segment_previous = object->segment_next = NULL;
    count(object, -1);
}

static void
account_to(object_table_t *self, object_t *object)
{
    object->view = false;
    if (!object->announced)
        return;
    object->changed = true;
    news_add(self, object);
}

/* The object that the segment was accounted to has it no more: another one takes that over, an array if there is one.
 */
static void
account_to_heir(object_table_t *self, const segment_t *segment)
{
    object_t *heir = segment->objects;

    while (heir && heir->type != OBJECT_ARRAY && heir->segment_next)
        heir = heir->segment_next;
    if (heir && heir->type != OBJECT_ARRAY)
        heir = segment->objects;
    if (heir)
        account_to(self, heir);
}

/* ---- objects -------------------------------------------------------------------------------------------------------
 */

static void
object_free(object_t *object)
{
    segment_unref(&object->segment);
    buf_unref(&object->poison);
    free(object->kernel);
    free(object);
}

static void
discard(object_table_t *self, object_t *object)
{
    oid_map_remove(&self->map, object->id);
    owner_remove(object);
    if (!object->announced)
        news_remove(self, object);
    if (object->announced || object->changed)
        note_gone(self, object->id);
    if (object->segment)
        segment_remove(object);
    if (object->type == OBJECT_PYTHON && !object->poison)
        object_table_note_python(self, object->host, object->id);
    if (object_bytes(object) > 0)
        account_to_heir(self, object->segment);
    object_free(object);
}

static void
discard_if_unheld(object_table_t *self, object_t *object)
{
    if (!object->owner && !object->kept)
        discard(self, object);
}

static int
add(object_table_t *self, owner_t *owner, oid_t id, int ndim, object_t **ret, err_t *err)
{
    char text[OID_TEXT_SIZE];

    if (oid_is_none(id))
        return err_set(err, FH_INVALID_ARGUMENT, "the id of no object cannot be given to a result");
    if (oid_map_find(&self->map, id))
        return err_set(err, FH_INVALID_ARGUMENT, "an object with the id %s exists already", oid_format(id, text));
    if (owner->count >= OBJECT_MAX_PER_OWNER)
        return err_set(err, FH_LIMIT_EXCEEDED, "the session has %" PRId64 " objects on this engine; release some",
                       owner->count);
    object_t *object = calloc(1, sizeof *object + 2 * (size_t)ndim * sizeof(int64_t));

    if (!object)
        return err_set(err, FH_NO_MEMORY, "no memory for the record of an object");
    int status = oid_map_add(&self->map, id, object, err);

    if (status) {
        free(object);
        return status;
    }
    object->id = id;
    object->session = owner->session;
    object->ndim = ndim;
    owner_add(owner, object);
    news_add(self, object);
    *ret = object;
    return FH_OK;
}

void
object_table_release(object_table_t *self)
{
    size_t cursor = 0;

    for (object_t *object; (object = oid_map_next(&self->map, &cursor));) {
        owner_remove(object);
        object_free(object);
    }
    oid_map_release(&self->map);
    free(self->gone);
    free(self->python_gone);
    memset(self, 0, sizeof *self);
}

object_t *
object_table_find(const object_table_t *self, oid_t id)
{
    return oid_map_find(&self->map, id);
}

int
object_table_add_array(object_table_t *self, owner_t *owner, oid_t id, segment_t **segment, const nd_t *nd, bool view,
                       err_t *err)
{
    object_t *object;
    int status = add(self, owner, id, nd->shape.ndim, &object, err);

    if (status) {
        segment_unref(segment);
        return status;
    }
    object->type = OBJECT_ARRAY;
    object->segment = *segment;
    *segment = NULL;
    object->offset = nd->data - object->segment->data;
    object->dtype = nd->dtype;
    object->view = view;
    segment_add(object);
    for (int i = 0; i < nd->shape.ndim; i++) {
        object->dims[i] = nd->shape.extent[i];
        object->dims[nd->shape.ndim + i] = nd->stride[i];
    }
    return FH_OK;
}

/* An object of another type that holds the array's memory. */
static int
add_holder(object_table_t *self, owner_t *owner, oid_t id, object_type_t type, bool writes, const object_t *array,
           err_t *err)
{
    object_t *object;
    int status = add(self, owner, id, array->ndim, &object, err);

    if (status)
        return status;
    object->type = type;
    object->writes = writes;
    object->segment = segment_ref(array->segment);
    object->offset = array->offset;
    object->dtype = array->dtype;
    object->view = true;
    memcpy(object->dims, array->dims, 2 * (size_t)array->ndim * sizeof *array->dims);
    segment_add(object);
    return FH_OK;
}

int
object_table_add_mapping(object_table_t *self, owner_t *owner, oid_t id, const object_t *array, bool writes, err_t *err)
{
    return add_holder(self, owner, id, OBJECT_MAPPING, writes, array, err);
}

int
object_table_add_share(object_table_t *self, owner_t *owner, oid_t id, const object_t *array, err_t *err)
{
    int status = add_holder(self, owner, id, OBJECT_SHARE, false, array, err);

    if (!status)
        object_table_find(self, id)->session = array->session;
    return status;
}

void
object_table_hull(const segment_t *segment, int64_t *low, int64_t *high)
{
    for (const object_t *object = segment->objects; object; object = object->segment_next) {
        int64_t from, to;
        nd_t nd;

        if (object->type != OBJECT_ARRAY)
            continue;
        object_nd(object, &nd);
        if (nd_extent(&nd, &from, &to) || from == to)
            continue; /* the extents of objects have been checked */
        from += object->offset;
        to += object->offset;
        *low = *low == *high || from < *low ? from : *low;
        *high = to > *high ? to : *high;
    }
}

void
object_table_move(object_table_t *self, segment_t *from, segment_t *to, int64_t low)
{
    object_t *moved = NULL;
    bool accounted = false;

    for (object_t *object = from->objects, *next; object; object = next) {
        next = object->segment_next;
        if (object->type != OBJECT_ARRAY)
            continue;
        segment_remove(object);
        segment_unref(&object->segment);
        object->segment = segment_ref(to);
        /* An empty array may lie anywhere. */
        object->offset = object->offset < low ? 0 : object->offset - low;
        segment_add(object);
        accounted |= !object->view;
        moved = object;
    }
    if (accounted)
        account_to_heir(self, from);
    else if (moved)
        account_to(self, moved);
}

int
object_table_add_kernel(object_table_t *self, owner_t *owner, oid_t id, void *kernel, err_t *err)
{
    object_t *object;
    int status = add(self, owner, id, 0, &object, err);

    if (status)
        return status;
    object->type = OBJECT_KERNEL;
    object->kernel = kernel;
    return FH_OK;
}

int
object_table_add_python(object_table_t *self, owner_t *owner, oid_t id, uint64_t host, err_t *err)
{
    object_t *object;
    int status = add(self, owner, id, 0, &object, err);

    if (status)
        return status;
    object->type = OBJECT_PYTHON;
    object->host = host;
    return FH_OK;
}

void
object_table_poison(object_t *object, buf_t *poison)
{
    if (!object->poison)
        object->poison = buf_ref(poison);
}

int
object_table_add_poisoned(object_table_t *self, owner_t *owner, oid_t id, buf_t *poison, err_t *err)
{
    object_t *object;
    int status = add(self, owner, id, 0, &object, err);

    if (status)
        return status;
    object->type = OBJECT_ARRAY;
    object->poison = buf_ref(poison);
    return FH_OK;
}

void
object_nd(const object_t *self, nd_t *ret)
{
    ret->data = self->segment->data + self->offset;
    ret->dtype = self->dtype;
    ret->shape.ndim = self->ndim;
    for (int i = 0; i < self->ndim; i++) {
        ret->shape.extent[i] = self->dims[i];
        ret->stride[i] = self->dims[self->ndim + i];
    }
}

int64_t
object_bytes(const object_t *self)
{
    return self->segment && !self->view && !self->segment->loan ? (int64_t)self->segment->size : 0;
}

void
object_table_abandon(object_table_t *self, const owner_t *owner, oid_t id)
{
    object_t *object = oid_map_find(&self->map, id);

    if (!object || object->owner != owner)
        return;
    if (object->type == OBJECT_MAPPING && !object->writes)
        object->segment->abandoned = true;
    else if (object->type == OBJECT_MAPPING || object->type == OBJECT_SHARE)
        object->segment->spent = true;
}

void
object_table_drop(object_table_t *self, const owner_t *owner, oid_t id)
{
    object_t *object = oid_map_find(&self->map, id);

    if (!object || object->owner != owner)
        return;
    owner_remove(object);
    discard_if_unheld(self, object);
}

void
object_table_disown(object_table_t *self, owner_t *owner)
{
    while (owner->first) {
        object_t *object = owner->first;

        /* Nobody will say when the map of the client, or of the other engine's clients, goes. */
        object_table_abandon(self, owner, object->id);
        owner_remove(object);
        discard_if_unheld(self, object);
    }
}

void
object_table_hand_over(owner_t *from, owner_t *to)
{
    while (from->first) {
        object_t *object = from->first;

        owner_remove(object);
        owner_add(to, object);
    }
}

void
object_table_keep(object_table_t *self, oid_t id, bool keep)
{
    object_t *object = oid_map_find(&self->map, id);

    if (!object)
        return;
    object->kept = keep;
    discard_if_unheld(self, object);
}

object_t *
object_table_next_new(object_table_t *self)
{
    object_t *object = self->news_first;

    if (object) {
        news_remove(self, object);
        object->announced = true;
        object->changed = false;
    }
    return object;
}

void
object_table_announce_all(object_table_t *self)
{
    size_t cursor = 0;

    self->gone_count = 0;
    self->gone_lost = false;
    for (object_t *object; (object = oid_map_next(&self->map, &cursor));) {
        object->changed = false;
        if (object->announced)
            news_add(self, object);
    }
}
