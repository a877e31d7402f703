/* engine/methods/array.c - making, seeing, reading, writing and releasing arrays. */
#include "codecs/strided.h"
#include "engine/deposit.h"
#include "engine/methods.h"
#include "engine/transfer.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int
run_empty(run_t *run, err_t *err)
{
    const call_t *call = run->call;
    const msg_EMPTY_t *empty = &call->message.as.EMPTY;
    pin_t pin = {0};
    dtype_t dtype;
    shape_t shape;
    int status = run_shape(empty->dtype, empty->shape, &dtype, &shape, err);

    if (!status)
        status = core_check_new(run->core, empty->result, err);
    if (!status && call->raw && (int64_t)call->raw_size != shape_bytes(&shape, dtype))
        status = err_set(err, FH_INVALID_ARGUMENT, "%zu bytes came for an array of %lld", call->raw_size,
                         (long long)shape_bytes(&shape, dtype));
    /* Large segments may have to be cleared or unmapped first. */
    if (status || run_defer(run, shape_bytes(&shape, dtype)))
        return status;
    status = core_make_piece(run->core, run->lane, empty->result, dtype, &shape, empty->first, 0, &pin, err);
    if (!status && call->raw && !nd_is_c_contiguous(&pin.nd))
        strided_unpack(&pin.nd, 0, (int64_t)call->raw_size, call->raw);
    else if (!status && call->raw)
        segment_fill(pin.segment, (size_t)(pin.nd.data - pin.segment->data), call->raw, call->raw_size);
    if (!status)
        status = core_publish(run->core, run->lane, empty->result, &pin, false, err);
    pin_release(&pin);
    return status;
}

static int
results_empty(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.EMPTY.result;
    return 1;
}

/* offset and size lie within the C-order image and on elements. */
static int
check_range(const nd_t *nd, uint64_t offset, uint64_t size, err_t *err)
{
    uint64_t item = dtype_grain(nd->dtype), bytes = (uint64_t)shape_bytes(&nd->shape, nd->dtype);

    if (offset > bytes || size > bytes - offset)
        return err_set(err, FH_BAD_INDEX, "bytes %llu to %llu of an array of %llu", (unsigned long long)offset,
                       (unsigned long long)(offset + size), (unsigned long long)bytes);
    if (offset % item || size % item)
        return err_set(err, FH_INVALID_ARGUMENT, "offset %llu and size %llu are not multiples of the size %llu",
                       (unsigned long long)offset, (unsigned long long)size, (unsigned long long)item);
    return FH_OK;
}

static int
write_pinned(run_t *run, pin_t *pin, uint64_t offset, err_t *err)
{
    const call_t *call = run->call;
    int status = check_range(&pin->nd, offset, call->raw_size, err);

    if (status || run_defer(run, (int64_t)call->raw_size))
        return status;
    if (!nd_is_c_contiguous(&pin->nd)) {
        status = run_writes(run, pin, err);
        if (!status)
            strided_unpack(&pin->nd, (int64_t)offset, (int64_t)call->raw_size, call->raw);
        return status;
    }
    status = run_thaw(run, pin, err);
    if (!status)
        status = run_detach(run, pin, err);
    if (!status)
        segment_fill(pin->segment, (size_t)(pin->nd.data - pin->segment->data) + offset, call->raw, call->raw_size);
    return status;
}

static int
run_write(run_t *run, err_t *err)
{
    const msg_WRITE_t *write = &run->call->message.as.WRITE;
    pin_t pin = {0};

    if (!run->call->raw)
        return err_set(err, FH_INVALID_ARGUMENT, "a WRITE without bytes");
    int status = core_pin(run->core, write->object, &pin, err);

    if (!status)
        status = write_pinned(run, &pin, write->offset, err);
    pin_release(&pin);
    return status;
}

static int
run_view(run_t *run, err_t *err)
{
    const msg_VIEW_t *message = &run->call->message.as.VIEW;
    pin_t pin = {0};
    nd_t view;
    int status = core_pin(run->core, message->object, &pin, err);

    if (status)
        return status;
    status = run_strided(message->dtype ? message->dtype : pin.nd.dtype, message->shape, message->strides, &view, err);
    if (!status)
        status = run_place(pin.segment, pin.nd.data - pin.segment->data, message->offset, &view, err);
    if (!status) {
        pin.nd = view;
        status = core_publish(run->core, run->lane, message->result, &pin, true, err);
    }
    pin_release(&pin);
    return status;
}

static int
results_view(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.VIEW.result;
    return 1;
}

static int
run_fetch(run_t *run, err_t *err)
{
    const msg_FETCH_t *fetch = &run->call->message.as.FETCH;
    message_t data = {.code = MSG_DATA, .raw = 1, .as.DATA.call = fetch->call};
    pin_t pin = {0};
    buf_t *bytes = NULL;

    if (run_defer(run, (int64_t)fetch->size))
        return FH_OK;
    int status = run_take_error(run, err);

    if (!status)
        status = core_pin(run->core, fetch->object, &pin, err);
    if (!status)
        status = check_range(&pin.nd, fetch->offset, fetch->size, err);
    if (!status)
        status = buf_new(&bytes, fetch->size, 0, err);
    if (!status) {
        strided_pack(&pin.nd, (int64_t)fetch->offset, (int64_t)fetch->size, buf_data(bytes));
        pthread_mutex_lock(&run->core->lock);
        run->core->counters.bytes_out += fetch->size;
        core_reply(run->core, run->lane, &data, &bytes);
        pthread_mutex_unlock(&run->core->lock);
    }
    buf_unref(&bytes);
    pin_release(&pin);
    return status;
}

/* Tell a client of this host where the memory is.  The descriptor stays open as long as the client holds the object, or
 * the client sees another inode. */
static int
tell_place(run_t *run, const pin_t *pin, uint64_t call, err_t *err)
{
    message_t located = {.code = MSG_LOCATED, .as.LOCATED.call = call};
    struct stat file;

    if (fstat(pin->segment->fd, &file))
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot look at a segment");
    located.as.LOCATED.pid = (uint64_t)getpid();
    located.as.LOCATED.fd = (uint64_t)pin->segment->fd;
    located.as.LOCATED.inode = file.st_ino;
    located.as.LOCATED.offset = (uint64_t)(pin->nd.data - pin->segment->data);
    pthread_mutex_lock(&run->core->lock);
    core_reply(run->core, run->lane, &located, NULL);
    pthread_mutex_unlock(&run->core->lock);
    return FH_OK;
}

static int
run_locate(run_t *run, err_t *err)
{
    const msg_LOCATE_t *locate = &run->call->message.as.LOCATE;
    pin_t pin = {0};
    int status = run_take_error(run, err);

    if (!status)
        status = core_pin(run->core, locate->object, &pin, err);
    if (!status && (!pin.segment || pin.segment->fd < 0))
        status = err_set(err, FH_NOT_SUPPORTED, "a small array has no memory of its own to be shared");
    if (!status && locate->write)
        status = run_writes(run, &pin, err);
    /* A client that is slow to write may outlive its session: the memory must not become somebody else's. */
    if (!status && locate->write)
        segment_lend(pin.segment);
    if (!status)
        status = tell_place(run, &pin, locate->call, err);
    if (!status) {
        pthread_mutex_lock(&run->core->lock);
        pin.segment->outsiders++;
        pthread_mutex_unlock(&run->core->lock);
    }
    pin_release(&pin);
    return status;
}

/* Without an object there is nothing to be done. */
static int
run_locate_end(run_t *run, err_t *err)
{
    (void)err;
    pthread_mutex_lock(&run->core->lock);
    const object_t *object = object_table_find(&run->core->objects, run->call->message.as.LOCATE_END.object);

    if (object && object->segment && object->segment->outsiders > 0)
        object->segment->outsiders--;
    pthread_mutex_unlock(&run->core->lock);
    return FH_OK;
}

static int
run_map(run_t *run, err_t *err)
{
    const msg_MAP_t *map = &run->call->message.as.MAP;
    pin_t pin = {0};
    int status = run_take_error(run, err);

    if (!status)
        status = map->writes ? core_open_to_writer(run->core, run->lane, map->object, map->result, &pin, err)
                             : core_freeze(run->core, run->lane, map->object, map->result, &pin, err);
    if (!status)
        status = tell_place(run, &pin, map->call, err);
    pin_release(&pin);
    return status;
}

static int
run_release(run_t *run, err_t *err)
{
    const msg_RELEASE_t *release = &run->call->message.as.RELEASE;
    const oids_t objects = release->objects;

    (void)err;
    pthread_mutex_lock(&run->core->lock);
    for (uint32_t i = 0; i < objects.count; i++) {
        if (release->abandon)
            object_table_abandon(&run->core->objects, &run->lane->owner, objects.items[i]);
        object_table_drop(&run->core->objects, &run->lane->owner, objects.items[i]);
        deposits_drop(run->core->deposits, run->lane->owner.session, objects.items[i]);
    }
    pthread_mutex_unlock(&run->core->lock);
    return FH_OK;
}

static int
run_sync(run_t *run, err_t *err)
{
    const msg_SYNC_t *sync = &run->call->message.as.SYNC;
    int status = FH_OK;

    if (!oid_is_none(sync->object)) {
        pthread_mutex_lock(&run->core->lock);
        const object_t *object = object_table_find(&run->core->objects, sync->object);
        char text[OID_TEXT_SIZE];

        if (!object) {
            status = err_set(err, FH_NO_SUCH_OBJECT, "this engine has no object with the id %s",
                             oid_format(sync->object, text));
        } else if (object->poison) {
            *err = *(const err_t *)buf_data(object->poison);
            status = err->status;
        }
        pthread_mutex_unlock(&run->core->lock);
    }
    if (!status)
        status = run_take_error(run, err);
    if (status)
        return status;
    pthread_mutex_lock(&run->core->lock);
    /* Who waits for one array has no question to the broker: telling it now would take longer than all else. */
    if (oid_is_none(sync->object)) {
        __atomic_store_n(&run->core->news_now, true, __ATOMIC_RELAXED);
        run->lane->synced = true;
    }
    core_reply_ok(run->core, run->lane, sync->call);
    pthread_mutex_unlock(&run->core->lock);
    return FH_OK;
}

static const method_t ROWS[] = {
    {.code = MSG_EMPTY, .run = run_empty, .results = results_empty},
    {.code = MSG_WRITE, .target = offsetof(message_t, as.WRITE.object), .run = run_write},
    {.code = MSG_VIEW, .run = run_view, .results = results_view},
    {.code = MSG_FETCH, .flags = METHOD_ANSWERS, .run = run_fetch},
    {.code = MSG_LOCATE_END, .flags = METHOD_ALWAYS, .run = run_locate_end},
    {.code = MSG_LOCATE, .flags = METHOD_ANSWERS, .run = run_locate},
    {.code = MSG_MAP, .flags = METHOD_ANSWERS, .run = run_map},
    {.code = MSG_RELEASE, .flags = METHOD_ALWAYS, .run = run_release},
    {.code = MSG_SYNC, .flags = METHOD_ANSWERS, .run = run_sync},
};

const method_table_t METHODS_ARRAY = {ROWS, sizeof ROWS / sizeof *ROWS};
