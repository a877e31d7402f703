/* engine/core_frozen.c - memory that clients have mapped, or other engines read: frozen, and left alone by what is
 * written later. */
#include "engine/compute/compute.h"
#include "engine/core_spill.h"

#include <string.h>

enum { PAGE = 4096, TRIES = 4 /* until no new view comes between copying and moving */ };

/* May the memory be seen as the client wants it? */
static int
check_mapping(const segment_t *segment, bool writes, err_t *err)
{
    if (segment->fd < 0)
        return err_set(err, FH_NOT_SUPPORTED, "a small array has no memory of its own to be shared");
    if (writes && (segment_is_frozen(segment) || segment->loan))
        return err_set(err, FH_NOT_SUPPORTED, "others have mapped the array, and must not see what is written");
    if (!writes && segment->outside_writers > 0)
        return err_set(err, FH_NOT_SUPPORTED, "a client writes the array's memory itself");
    if (!writes && __atomic_load_n(&segment->writers, __ATOMIC_ACQUIRE) > 0)
        return err_set(err, FH_NOT_SUPPORTED, "another session writes the array at this moment");
    return FH_OK;
}

static int
add_mapping(core_t *self, lane_t *lane, oid_t array, oid_t mapping, bool writes, pin_t *ret, err_t *err)
{
    pin_t here = {0};
    int status = core_pin(self, array, &here, err); /* it stays in memory meanwhile */

    if (status)
        return status;
    pthread_mutex_lock(&self->lock);
    status = core_pin_locked(self, array, ret, err);

    if (!status)
        status = check_mapping(ret->segment, writes, err);
    if (!status && lane->gone)
        status = err_set(err, FH_CANCELLED, "the session has ended");
    if (!status)
        status = object_table_add_mapping(&self->objects, &lane->owner, mapping,
                                          object_table_find(&self->objects, array), writes, err);
    if (!status && writes)
        segment_lend(ret->segment);
    pthread_mutex_unlock(&self->lock);
    pin_release(&here);
    return status;
}

int
core_freeze(core_t *self, lane_t *lane, oid_t array, oid_t mapping, pin_t *ret, err_t *err)
{
    return add_mapping(self, lane, array, mapping, false, ret, err);
}

int
core_open_to_writer(core_t *self, lane_t *lane, oid_t array, oid_t mapping, pin_t *ret, err_t *err)
{
    return add_mapping(self, lane, array, mapping, true, ret, err);
}

int
core_offer(const pin_t *pin, err_t *err)
{
    int status = check_mapping(pin->segment, false, err);

    if (status)
        return status;
    pin->segment->mappings++;
    __atomic_add_fetch(&pin->segment->maps, 1, __ATOMIC_RELAXED);
    return FH_OK;
}

void
core_offer_end(const pin_t *pin, bool taken)
{
    pin->segment->mappings--;
    __atomic_sub_fetch(&pin->segment->maps, 1, __ATOMIC_RELAXED);
    pin->segment->abandoned |= !taken;
}

/* ---- writing what is frozen ----------------------------------------------------------------------------------------
 */

/* Is the array the one that was pinned?  It may lie elsewhere by now. */
static bool
is_same(const object_t *object, const pin_t *pin)
{
    nd_t nd;

    if (!object || object->type != OBJECT_ARRAY || !object->segment)
        return false;
    object_nd(object, &nd);
    return nd.dtype == pin->nd.dtype && nd.shape.ndim == pin->nd.shape.ndim &&
           memcmp(nd.shape.extent, pin->nd.shape.extent, (size_t)nd.shape.ndim * sizeof *nd.shape.extent) == 0 &&
           memcmp(nd.stride, pin->nd.stride, (size_t)nd.shape.ndim * sizeof *nd.stride) == 0;
}

/* The pin sees another segment, where the array begins at `data`. */
static void
pin_move(pin_t *pin, segment_t *to, char *data)
{
    segment_t *from = pin->segment;

    pin->nd.data = data;
    pin->segment = segment_ref(to);
    segment_unref(&from);
}

/* Under the lock: follow the array to where it lies now, and begin to write if it is not frozen there. */
static bool
begin(core_t *self, pin_t *pin)
{
    const object_t *object = object_table_find(&self->objects, pin->object);

    if (is_same(object, pin) && object->segment != pin->segment)
        pin_move(pin, object->segment, object->segment->data + object->offset);
    if (segment_is_frozen(pin->segment))
        return false;
    __atomic_add_fetch(&pin->segment->writers, 1, __ATOMIC_ACQ_REL);
    pin->writes = true;
    return true;
}

/* Which bytes of the segment are ours to be copied?  Of others' arrays between them a copy is harmless: nobody sees it.
 * From the start of a page on, so that an array keeps its place in a page. */
static void
range_of(core_t *self, const pin_t *pin, int64_t *ret_low, int64_t *ret_high)
{
    int64_t start = pin->nd.data - pin->segment->data, low, high;

    *ret_low = *ret_high = 0;
    pthread_mutex_lock(&self->lock);
    object_table_hull(pin->segment, ret_low, ret_high);
    pthread_mutex_unlock(&self->lock);
    if (nd_extent(&pin->nd, &low, &high) == FH_OK && low < high) {
        bool first = *ret_low == *ret_high;

        *ret_low = first || start + low < *ret_low ? start + low : *ret_low;
        *ret_high = start + high > *ret_high ? start + high : *ret_high;
    }
    *ret_low -= *ret_low % PAGE;
}

static int
copy_segment(core_t *self, crew_t *crew, const segment_t *from, int64_t low, int64_t high, segment_t **ret, err_t *err)
{
    int64_t touched = (int64_t)__atomic_load_n(&from->touched, __ATOMIC_RELAXED), end = touched < high ? touched : high;
    shape_t shape = {.ndim = 1, .extent = {end > low ? end - low : 0}};
    nd_t source, target;
    int status = core_take(self, (size_t)(high - low), from->session, POOL_MEMFD, ret, err);

    if (status) {
        err_prefix(err, "writing an array that a client has mapped, which needs a copy of its %lld bytes",
                   (long long)(high - low));
        return status;
    }
    segment_touch(*ret);
    nd_init(&source, from->data + low, DTYPE_UINT8, &shape);
    nd_init(&target, (*ret)->data, DTYPE_UINT8, &shape);
    status = compute_assign(crew, &target, &source, err);
    if (status)
        segment_unref(ret);
    return status;
}

/* Under the lock: begin to write where the array lies, or after all arrays have moved to the copy of [low, high).
 * False: there are arrays now that reach beyond the copy. */
static bool
begin_in_copy(core_t *self, pin_t *pin, segment_t *copy, int64_t low, int64_t high)
{
    int64_t first = low, last = high;

    if (begin(self, pin))
        return true;
    object_table_hull(pin->segment, &first, &last);
    if (first < low || last > high)
        return false;
    object_table_move(&self->objects, pin->segment, copy, low);
    pin_move(pin, copy, copy->data + (pin->nd.data - pin->segment->data - low));
    return begin(self, pin);
}

int
core_begin_write(core_t *self, struct crew *crew, pin_t *pin, err_t *err)
{
    if (pin->writes)
        return FH_OK;
    pthread_mutex_lock(&self->lock);
    bool begun = begin(self, pin);

    pthread_mutex_unlock(&self->lock);
    if (!begun && !crew)
        return err_set(err, FH_BUSY, "a client has mapped the array: it must be copied first");
    for (int tries = 0; tries < TRIES && !begun; tries++) {
        segment_t *copy = NULL;
        int64_t low, high;

        range_of(self, pin, &low, &high);
        /* What is frozen does not change meanwhile. */
        int status = copy_segment(self, crew, pin->segment, low, high, &copy, err);

        if (status)
            return status;
        pthread_mutex_lock(&self->lock);
        begun = begin_in_copy(self, pin, copy, low, high);
        pthread_mutex_unlock(&self->lock);
        segment_unref(&copy);
    }
    return begun ? FH_OK : err_set(err, FH_NOT_SUPPORTED, "new views of a mapped array are made while it is written");
}
