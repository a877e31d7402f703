#include "proxy/ring_link.h"

#include "base/link_ring.h"
#include "proxy/wait.h"

int
ring_link_place(const message_t *reply, link_ring_place_t *ret, err_t *err)
{
    const msg_RING_PLACE_t *place = &reply->as.RING_PLACE;
    if (reply->code != MSG_RING_PLACE)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine that was asked for rings answered with message %d",
                       (int)reply->code);
    *ret = (link_ring_place_t){place->pid,
                               place->memory_fd,
                               place->memory_inode,
                               place->engine_bell_fd,
                               place->engine_bell_inode,
                               place->client_bell_fd,
                               place->client_bell_inode};
    return FH_OK;
}

static int
take_place(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    (void)raw, (void)nraw;
    return ring_link_place(reply, context, err);
}

/* Send one question, the way that the connection goes now, and wait for its answer. */
static int
ask(engine_link_t *engine, message_t *message, request_t *request, err_t *err)
{
    uint64_t call;
    int status = conn_add(&engine->conn, message, NULL, &call, err);
    if (status)
        return status;
    conn_expect(&engine->conn, request, call, 1);
    return wait_request(engine->session, &engine->conn, request, session_deadline(engine->session, -1), err);
}

int
ring_link_open(engine_link_t *engine, err_t *err)
{
    link_ring_place_t place;
    link_t *ring = NULL;
    request_t asking = {.reply = take_place, .context = &place}, trying = {0};
    int status = ask(engine, &(message_t){.code = MSG_RING}, &asking, err);
    if (!engine->open)
        return status;
    if (asking.status)
        return FH_OK; /* it gives us none */
    if (status)
        return status;
    if (link_ring_open(&ring, &place, NULL)) {
        engine->session->stats.rings_failed++;
        return ask(engine, &(message_t){.code = MSG_RING_READY}, &trying, err);
    }
    engine->conn.ring = ring;
    return ask(engine, &(message_t){.code = MSG_RING_READY}, &trying, err);
}

bool
ring_link_over(engine_link_t *engine, err_t *ret_why)
{
    const char *failure = link_ring_failure(engine->conn.ring);
    if (!failure && link_ring_hung_up(engine->conn.ring))
        return true;
    if (failure) {
        engine->no_rings = true;
        engine->session->stats.rings_failed++;
        err_set(ret_why, FH_PROTOCOL_ERROR,
                "the memory shared with engine %d (pid %lld) holds %s: calls under way are lost; later ones go over "
                "ZeroMQ",
                engine->number, (long long)engine->pid, failure);
    } else {
        err_set(ret_why, FH_STALE_HANDLE, "engine %d does not know this session any more: its arrays there are gone",
                engine->number);
    }
    return false;
}
