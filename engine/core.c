/* engine/core.c - pins, publication, replies. */
#include "engine/core.h"

#include "base/log.h"
#include "engine/borrow.h"
#include "engine/core_spill.h"
#include "engine/lend.h"
#include "engine/places.h"
#include "engine/raised.h"
#include "engine/spill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SMALL_PAGE = 4096, LARGE_PIECE = 64 * 1024 * 1024 };

int
core_init(core_t *self, int64_t memory_bytes, const char *host, err_t *err)
{
    err_t poison = {0};

    memset(self, 0, sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    pthread_mutex_init(&self->moving, NULL);
    pthread_cond_init(&self->work, NULL);
    self->number = -1;
    self->id = oid_new();
    (void)snprintf(self->host, sizeof self->host, "%s", host);
    (void)snprintf(self->host_name, sizeof self->host_name, "%.*s", (int)strcspn(host, "/"), host);
    (void)err_set(&poison, FH_NO_MEMORY, "no memory to say what went wrong");
    err_set_origin(&poison, "engine (%s)", self->host_name);
    self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->wake_fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot make an eventfd");
    int status = buf_new_copy(&self->no_memory, &poison, sizeof poison, err);

    if (!status)
        status = pool_new(&self->pool, memory_bytes, err);
    if (!status)
        status = borrows_new(&self->borrows, self, err);
    self->lanes.batches.pool = self->pool;
    return status;
}

void
core_release(core_t *self)
{
    core_free_heirs(self, UINT64_MAX, INT64_MAX);
    object_table_release(&self->objects); /* before the lanes, which own them */
    lanes_release(&self->lanes);
    oid_map_release(&self->engine_outboxes);
    lend_release(self);
    wholes_release(&self->wholes);
    borrows_destroy(&self->borrows);
    pool_destroy(&self->pool);
    spill_destroy(&self->spill);
    buf_unref(&self->no_memory);
    if (self->wake_fd >= 0)
        close(self->wake_fd);
    pthread_cond_destroy(&self->work);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->moving);
}

/* ---- replies -------------------------------------------------------------------------------------------------------
 */

void
core_wake_reactor(core_t *self)
{
    uint64_t one = 1;

    __atomic_store_n(&self->for_reactor, true, __ATOMIC_RELAXED);
    if (!self->reactor_waits)
        return;
    self->reactor_waits = false;
    /* It can only fail when the counter is full: then the reactor is awake anyway. */
    if (write(self->wake_fd, &one, sizeof one) < 0)
        return;
}

void
core_reply(core_t *self, lane_t *lane, const message_t *message, buf_t *const raws[])
{
    err_t err;

    if (!lane->outbox)
        return;
    raised_tell(lane);
    if (outbox_add(lane->outbox, message, raws, &err))
        log_limited(LOG_ERROR, "ENG-REPLY-LOST", "call=%llu %s", (unsigned long long)message_call(message), err.text);
    /* What the reactor answers itself it sends before it looks at anything else. */
    if (!pthread_equal(pthread_self(), self->reactor))
        core_wake_reactor(self);
}

void
core_reply_ok(core_t *self, lane_t *lane, uint64_t call)
{
    core_reply(self, lane, &(message_t){.code = MSG_OK, .as.OK.call = call}, NULL);
}

void
core_reply_error(core_t *self, lane_t *lane, uint64_t call, const err_t *err)
{
    message_t message;

    message_from_err(&message, call, err);
    core_reply(self, lane, &message, NULL);
}

void
core_tell_done(core_t *self, lane_t *lane)
{
    if (lane->done == lane->done_told)
        return;
    lane->done_told = lane->done;
    lane->done_calls = 0;
    lane->done_bytes = 0;
    core_reply(self, lane, &(message_t){.code = MSG_DONE, .as.DONE.call = lane->done}, NULL);
}

void
core_free_heirs(core_t *self, uint64_t pong, int64_t now_ns)
{
    for (heirs_t **at = &self->heirs; *at;) {
        heirs_t *heirs = *at;

        if ((!heirs->ping || heirs->ping > pong) && now_ns < heirs->deadline_ns) {
            at = &heirs->next;
            continue;
        }
        *at = heirs->next;
        object_table_disown(&self->objects, &heirs->owner);
        free(heirs);
    }
}

void
core_note_error(core_t *self, lane_t *lane, const err_t *err)
{
    (void)self;
    if (lane->error)
        return;
    lane->error = malloc(sizeof *lane->error);
    if (lane->error)
        *lane->error = *err;
    else
        log_limited(LOG_ERROR, "ENG-ERROR-LOST", "no memory to keep an error: %s", err->text);
}

/* ---- arrays --------------------------------------------------------------------------------------------------------
 */

static int
pin_object(const object_t *object, oid_t id, pin_t *ret, err_t *err)
{
    char text[OID_TEXT_SIZE];

    if (!object)
        return err_set(err, FH_NO_SUCH_OBJECT, "this engine has no object with the id %s", oid_format(id, text));
    if (object->poison) {
        if (err)
            memcpy(err, buf_data(object->poison), sizeof *err);
        return ((const err_t *)buf_data(object->poison))->status;
    }
    if (object->type != OBJECT_ARRAY)
        return err_set(err, FH_WRONG_TYPE, "the object %s is a %s, not an array", oid_format(id, text),
                       object_type_name(object->type));
    ret->segment = segment_ref(object->segment);
    ret->writes = false;
    ret->object = id;
    object_nd(object, &ret->nd);
    return FH_OK;
}

static int
find_array(core_t *self, oid_t id, pin_t *ret, err_t *err)
{
    int status = pin_object(object_table_find(&self->objects, id), id, ret, err);

    if (!status)
        ret->segment->used_at = ++self->uses;
    return status;
}

int
core_pin_locked(core_t *self, oid_t id, pin_t *ret, err_t *err)
{
    int status = find_array(self, id, ret, err);

    if (status || ret->segment->where == SEGMENT_HERE)
        return status;
    pin_release(ret);
    return err_set(err, FH_BUSY, "the array must be brought back from disk first");
}

int
core_pin(core_t *self, oid_t id, pin_t *ret, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    int status = find_array(self, id, ret, err);
    bool here = status || ret->segment->where == SEGMENT_HERE;

    pthread_mutex_unlock(&self->lock);
    if (here)
        return status;
    status = core_bring_back(self, ret->segment, err);
    if (status)
        pin_release(ret);
    return status;
}

/* An array at this place of its segment. */
static int
make_at(core_t *self, const lane_t *lane, dtype_t dtype, const shape_t *shape, size_t place, unsigned pool_flags,
        pin_t *ret, err_t *err)
{
    int64_t bytes = shape_bytes(shape, dtype);
    char text[128];

    if (bytes < 0)
        return err_set(err, FH_OVERFLOW, "an array of shape %s and dtype %s is too large for this machine",
                       shape_format(shape, text, sizeof text), dtype_name(dtype));
    int status = core_take(self, (size_t)bytes + place, lane->owner.session, pool_flags, &ret->segment, err);

    if (status) {
        err_prefix(err, "making an array of shape %s and dtype %s", shape_format(shape, text, sizeof text),
                   dtype_name(dtype));
        return status;
    }
    ret->writes = false;
    ret->object = OID_NONE;
    nd_init(&ret->nd, ret->segment->data + place, dtype, shape);
    return FH_OK;
}

int
core_make(core_t *self, const lane_t *lane, dtype_t dtype, const shape_t *shape, bool fortran, unsigned pool_flags,
          pin_t *ret, err_t *err)
{
    int status = make_at(self, lane, dtype, shape, 0, pool_flags, ret, err);

    if (!status && fortran)
        shape_strides_f(shape, (int64_t)dtype_size(dtype), ret->nd.stride);
    return status;
}

/* Where in its segment such a piece begins. */
static size_t
place_of_piece(int64_t bytes, dtype_t dtype, uint64_t first)
{
    uint64_t unit = bytes >= LARGE_PIECE ? HUGE_PAGE : SMALL_PAGE;

    return bytes >= POOL_HEAP_BYTES ? first % unit * dtype_size(dtype) % unit : 0;
}

int
core_make_piece(core_t *self, lane_t *lane, oid_t id, dtype_t dtype, const shape_t *shape, uint64_t first,
                unsigned pool_flags, pin_t *ret, err_t *err)
{
    if (places_find(lane, id, dtype, shape, &ret->segment, &ret->nd)) {
        ret->writes = false;
        ret->object = OID_NONE;
        return FH_OK;
    }
    size_t place = place_of_piece(shape_bytes(shape, dtype), dtype, first);

    return make_at(self, lane, dtype, shape, place, pool_flags, ret, err);
}

/* Under the lock: is there nobody but the session's client, with this one handle, and the pin? */
static bool
is_alone(const core_t *self, const lane_t *lane, const pin_t *pin)
{
    const object_t *object = object_table_find(&self->objects, pin->object);
    const segment_t *segment = pin->segment;

    return object && object->owner == &lane->owner && object->type == OBJECT_ARRAY && !object->kept && !object->view &&
           object->segment == segment && segment->objects == object && !object->segment_next &&
           __atomic_load_n(&segment->references, __ATOMIC_ACQUIRE) == 2 && !segment_is_frozen(segment) &&
           segment->where == SEGMENT_HERE && !segment->lent && !segment->spent && !segment->loan &&
           segment->outside_writers == 0 && segment->outsiders == 0 && !pin->writes &&
           __atomic_load_n(&segment->writers, __ATOMIC_ACQUIRE) == 0;
}

bool
core_take_over(core_t *self, const lane_t *lane, const pin_t *dying, dtype_t dtype, uint64_t first, pin_t *ret)
{
    const nd_t *nd = &dying->nd;
    size_t place = place_of_piece(shape_bytes(&nd->shape, dtype), dtype, first);

    if (dtype_size(nd->dtype) != dtype_size(dtype) || !nd_is_c_contiguous(nd) ||
        nd->data != dying->segment->data + place)
        return false;
    pthread_mutex_lock(&self->lock);
    bool alone = is_alone(self, lane, dying);

    if (alone) {
        *ret = (pin_t){.segment = segment_ref(dying->segment), .writes = true};
        nd_init(&ret->nd, nd->data, dtype, &nd->shape);
        __atomic_add_fetch(&ret->segment->writers, 1, __ATOMIC_ACQ_REL);
    }
    pthread_mutex_unlock(&self->lock);
    return alone;
}

static int
publish(core_t *self, lane_t *lane, oid_t id, pin_t *pin, bool view, err_t *err)
{
    if (lane->gone)
        return err_set(err, FH_CANCELLED, "the session has ended");
    pin->segment->used_at = ++self->uses;
    /* Memory for several pieces is accounted to the first that comes, and at its home. */
    if (pin->segment->loan || (pin->segment->whole && pin->segment->objects))
        view = true;
    if (pin->writes)
        __atomic_sub_fetch(&pin->segment->writers, 1, __ATOMIC_ACQ_REL);
    pin->writes = false;
    return object_table_add_array(&self->objects, &lane->owner, id, &pin->segment, &pin->nd, view, err);
}

int
core_publish(core_t *self, lane_t *lane, oid_t id, pin_t *pin, bool view, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    int status = publish(self, lane, id, pin, view, err);

    pthread_mutex_unlock(&self->lock);
    segment_unref(&pin->segment);
    return status;
}

int
core_publish_all(core_t *self, lane_t *lane, const oid_t *ids, pin_t *pins, int n, err_t *err)
{
    int status = FH_OK, added = 0;

    pthread_mutex_lock(&self->lock);
    for (; added < n && !status; added += !status)
        status = publish(self, lane, ids[added], &pins[added], false, err);
    for (int i = 0; i < added && status; i++)
        object_table_drop(&self->objects, &lane->owner, ids[i]);
    pthread_mutex_unlock(&self->lock);
    for (int i = 0; i < n; i++)
        segment_unref(&pins[i].segment);
    return status;
}

void
pin_release(pin_t *self)
{
    if (self->segment && self->writes)
        __atomic_sub_fetch(&self->segment->writers, 1, __ATOMIC_ACQ_REL);
    self->writes = false;
    segment_unref(&self->segment);
}

int
core_check_new(core_t *self, oid_t id, err_t *err)
{
    char text[OID_TEXT_SIZE];

    pthread_mutex_lock(&self->lock);
    bool exists = object_table_find(&self->objects, id) != NULL;

    pthread_mutex_unlock(&self->lock);
    if (exists || oid_is_none(id))
        return err_set(err, FH_INVALID_ARGUMENT, "a result cannot get the id %s: %s", oid_format(id, text),
                       exists ? "an object has it already" : "it means none");
    return FH_OK;
}
