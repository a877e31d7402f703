/* engine/methods/fetch_list.c - the bytes of many small arrays together: FETCH_LIST in one answer, PACK in one array.
 */
#include "codecs/strided.h"
#include "engine/methods.h"

enum { PACK_ALIGN = 16 /* bytes: where each array begins in what PACK makes */ };

/* The C-order image of one array behind those before it, which have *used bytes. */
static int
append(run_t *run, oid_t id, uint8_t *bytes, uint64_t size, uint64_t *used, err_t *err)
{
    pin_t pin = {0};
    int status = core_pin(run->core, id, &pin, err);

    if (status)
        return status;
    uint64_t more = (uint64_t)shape_bytes(&pin.nd.shape, pin.nd.dtype);

    if (more > size - *used) {
        status = err_set(err, FH_INVALID_ARGUMENT, "the arrays have more than the %llu bytes that were asked for",
                         (unsigned long long)size);
    } else {
        strided_pack(&pin.nd, 0, (int64_t)more, bytes + *used);
        *used += more;
    }
    pin_release(&pin);
    return status;
}

static int
run_fetch_list(run_t *run, err_t *err)
{
    const msg_FETCH_LIST_t *fetch = &run->call->message.as.FETCH_LIST;
    message_t data = {.code = MSG_DATA, .raw = 1, .as.DATA.call = fetch->call};
    buf_t *bytes = NULL;
    uint64_t used = 0;

    if (run_defer(run, (int64_t)fetch->size))
        return FH_OK;
    int status = run_take_error(run, err);

    if (!status)
        status = buf_new(&bytes, fetch->size, 0, err);
    for (uint32_t i = 0; i < fetch->objects.count && !status; i++)
        status = append(run, fetch->objects.items[i], buf_data(bytes), fetch->size, &used, err);
    if (!status && used != fetch->size)
        status = err_set(err, FH_INVALID_ARGUMENT, "the arrays have %llu bytes, not %llu", (unsigned long long)used,
                         (unsigned long long)fetch->size);
    if (!status) {
        pthread_mutex_lock(&run->core->lock);
        run->core->counters.bytes_out += used;
        core_reply(run->core, run->lane, &data, &bytes);
        pthread_mutex_unlock(&run->core->lock);
    }
    buf_unref(&bytes);
    return status;
}

static int
pack_all(run_t *run, const pin_t *packed, err_t *err)
{
    const msg_PACK_t *pack = &run->call->message.as.PACK;
    uint64_t used = 0;
    int status = FH_OK;

    segment_touch(packed->segment);
    for (uint32_t i = 0; i < pack->objects.count && !status; i++) {
        used = (used + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN;
        used = used < pack->size ? used : pack->size;
        status = append(run, pack->objects.items[i], (uint8_t *)packed->nd.data, pack->size, &used, err);
    }
    return status;
}

static int
run_pack(run_t *run, err_t *err)
{
    const msg_PACK_t *pack = &run->call->message.as.PACK;
    shape_t shape = {.ndim = 1, .extent = {(int64_t)pack->size}};
    pin_t packed = {0};
    err_t why = {0};

    if (run_defer(run, (int64_t)pack->size))
        return FH_OK;
    int status = run_take_error(run, err);

    if (!status)
        status = core_check_new(run->core, pack->result, err);
    /* Whatever it is, the client has another way. */
    if (!status && core_make(run->core, run->lane, DTYPE_UINT8, &shape, false, POOL_MEMFD, &packed, &why))
        status = err_set(err, FH_NOT_SUPPORTED, "no memory for copies of small arrays: %s", why.text);
    if (!status)
        status = pack_all(run, &packed, err);
    if (!status)
        status = core_publish(run->core, run->lane, pack->result, &packed, false, err);
    pin_release(&packed);
    if (!status) {
        pthread_mutex_lock(&run->core->lock);
        core_reply_ok(run->core, run->lane, pack->call);
        pthread_mutex_unlock(&run->core->lock);
    }
    return status;
}

static const method_t ROWS[] = {
    {.code = MSG_FETCH_LIST, .flags = METHOD_ANSWERS, .run = run_fetch_list},
    {.code = MSG_PACK, .flags = METHOD_ANSWERS, .run = run_pack},
};

const method_table_t METHODS_FETCH_LIST = {ROWS, sizeof ROWS / sizeof *ROWS};
