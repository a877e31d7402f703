/* engine/core_frozen.c - memory that clients have mapped: frozen, and left alone by what is written later. */
#include "engine/compute/compute.h"
#include "engine/core_spill.h"

#include <string.h>

int
core_freeze(core_t *self, lane_t *lane, oid_t array, oid_t mapping, pin_t *ret, err_t *err)
{
    pin_t here = {0};
    int status = core_pin(self, array, &here, err); /* it stays in memory meanwhile */

    if (status)
        return status;
    pthread_mutex_lock(&self->lock);
    status = core_pin_locked(self, array, ret, err);

    if (!status && ret->segment->fd < 0)
        status = err_set(err, FH_NOT_SUPPORTED, "a small array has no memory of its own to be shared");
    if (!status && __atomic_load_n(&ret->segment->writers, __ATOMIC_ACQUIRE) > 0)
        status = err_set(err, FH_NOT_SUPPORTED, "another session writes the array at this moment");
    if (!status && lane->gone)
        status = err_set(err, FH_CANCELLED, "the session has ended");
    if (!status)
        status = object_table_add_mapping(&self->objects, &lane->owner, mapping,
                                          object_table_find(&self->objects, array), err);
    pthread_mutex_unlock(&self->lock);
    pin_release(&here);
    return status;
}

/* Is it still the array that was pinned, wherever it lies now? */
static bool
is_same(const object_t *object, const pin_t *pin)
{
    nd_t nd;

    if (!object || object->type != OBJECT_ARRAY || !object->segment)
        return false;
    object_nd(object, &nd);
    return object->offset == pin->nd.data - pin->segment->data && nd.dtype == pin->nd.dtype &&
           nd.shape.ndim == pin->nd.shape.ndim &&
           memcmp(nd.shape.extent, pin->nd.shape.extent, (size_t)nd.shape.ndim * sizeof *nd.shape.extent) == 0 &&
           memcmp(nd.stride, pin->nd.stride, (size_t)nd.shape.ndim * sizeof *nd.stride) == 0;
}

/* The pin sees another segment, which has the same bytes. */
static void
pin_move(pin_t *pin, segment_t *to)
{
    segment_t *from = pin->segment;

    pin->nd.data = to->data + (pin->nd.data - from->data);
    pin->segment = segment_ref(to);
    segment_unref(&from);
}

/* Under the lock: follow the array to where it lies now, and begin to write if it is not frozen there. */
static bool
begin(core_t *self, pin_t *pin)
{
    const object_t *object = object_table_find(&self->objects, pin->object);

    if (is_same(object, pin) && object->segment != pin->segment)
        pin_move(pin, object->segment);
    if (segment_is_frozen(pin->segment))
        return false;
    __atomic_add_fetch(&pin->segment->writers, 1, __ATOMIC_ACQ_REL);
    pin->writes = true;
    return true;
}

static int
copy_segment(core_t *self, crew_t *crew, const segment_t *from, segment_t **ret, err_t *err)
{
    size_t touched = __atomic_load_n(&from->touched, __ATOMIC_RELAXED),
           size = touched < from->size ? touched : from->size;
    shape_t shape = {.ndim = 1, .extent = {(int64_t)size}};
    nd_t source, target;
    int status = core_take(self, from->size, from->session, POOL_MEMFD, ret, err);

    if (status) {
        err_prefix(err, "writing an array that a client has mapped, which needs a copy of its %zu bytes", from->size);
        return status;
    }
    segment_touch(*ret);
    nd_init(&source, from->data, DTYPE_UINT8, &shape);
    nd_init(&target, (*ret)->data, DTYPE_UINT8, &shape);
    status = compute_assign(crew, &target, &source, err);
    if (status)
        segment_unref(ret);
    return status;
}

int
core_begin_write(core_t *self, struct crew *crew, pin_t *pin, err_t *err)
{
    segment_t *copy = NULL;

    if (pin->writes)
        return FH_OK;
    pthread_mutex_lock(&self->lock);
    bool begun = begin(self, pin);

    pthread_mutex_unlock(&self->lock);
    if (begun)
        return FH_OK;
    if (!crew)
        return err_set(err, FH_BUSY, "a client has mapped the array: it must be copied first");
    /* What is frozen does not change meanwhile. */
    int status = copy_segment(self, crew, pin->segment, &copy, err);

    if (status)
        return status;
    pthread_mutex_lock(&self->lock);
    if (!begin(self, pin)) {
        object_table_move(&self->objects, pin->segment, copy);
        pin_move(pin, copy);
        (void)begin(self, pin);
    }
    pthread_mutex_unlock(&self->lock);
    segment_unref(&copy);
    return FH_OK;
}
