#include "proxy/python_ring.h"

#include "base/link_ring.h"
#include "proxy/ring_link.h"
#include "proxy/session.h"
#include "proxy/tail.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS_BEFORE = 3, AVOIDED_BITS = 256 };

typedef struct python_ring {
    engine_link_t *engine;
    int calls;        /* that could have gone this way, until rings are asked for */
    request_t asking; /* for rings */
    conn_t conn;      /* conn.ring NULL: there are none */
    uint64_t pid;     /* of the host that has made them */
    uint64_t avoided[AVOIDED_BITS / 64];
} python_ring_t;

/* ---- opening -------------------------------------------------------------------------------------------------------
 */

static int
take_place(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    python_ring_t *self = context;
    link_ring_place_t place = {0};
    link_t *ring = NULL;
    (void)raw, (void)nraw;
    int status = ring_link_place(reply, &place, err);
    if (!status)
        status = link_ring_open(&ring, &place, err);
    if (!status)
        status = conn_init(&self->conn, NULL, 'E', &self->engine->session->stats, err);
    if (status)
        link_destroy(&ring);
    else
        self->conn.ring = ring;
    self->pid = place.pid;
    return status;
}

static void
ask(engine_link_t *engine, python_ring_t *self)
{
    message_t message = {.code = MSG_PY_RING};
    uint64_t call;
    self->asking = (request_t){.reply = take_place, .context = self};
    if (!engine_link_has_credit(engine, 0) || engine_link_call(engine, &message, NULL, &call, NULL))
        return;
    conn_expect(&engine->conn, &self->asking, call, 1);
}

static python_ring_t *
ring_of(engine_link_t *engine)
{
    if (!engine->python) {
        engine->python = calloc(1, sizeof *engine->python);
        if (engine->python)
            engine->python->engine = engine;
    }
    return engine->python;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

static unsigned
bit_of(str_t what)
{
    unsigned hash = 2166136261u;
    for (uint32_t i = 0; i < what.size; i++)
        hash = (hash ^ (unsigned char)what.data[i]) * 16777619u;
    return hash % AVOIDED_BITS;
}

void
python_ring_avoid(engine_link_t *engine, str_t what)
{
    python_ring_t *self = ring_of(engine);
    if (self)
        self->avoided[bit_of(what) / 64] |= UINT64_C(1) << (bit_of(what) % 64);
}

bool
python_ring_ready(engine_link_t *engine, str_t what)
{
    if (!engine->open || !engine->conn.ring)
        return false;
    if (engine->done != engine->conn.last_call)
        (void)engine_link_glance(engine);
    if (!engine->open || engine->done != engine->conn.last_call || conn_has_batch(&engine->conn) ||
        tail_waits(engine->session) || engine->session->nkept)
        return false;
    python_ring_t *self = ring_of(engine);
    if (!self || (self->avoided[bit_of(what) / 64] >> (bit_of(what) % 64) & 1))
        return false;
    if (!self->conn.ring && self->calls < CALLS_BEFORE && ++self->calls == CALLS_BEFORE)
        ask(engine, self);
    return self->conn.ring && !self->conn.requests;
}

int
python_ring_send(engine_link_t *engine, const message_t *message, buf_t *raw, request_t *request, err_t *err)
{
    python_ring_t *self = engine->python;
    message_t sent = *message;
    uint64_t call;
    int status = conn_add(&self->conn, &sent, raw, &call, err);
    if (!status)
        status = conn_flush(&self->conn, err);
    if (status) {
        conn_release(&self->conn, NULL); /* it takes nothing: the host has gone */
        self->calls = 0;
        return status;
    }
    conn_expect(&self->conn, request, call, 1);
    engine->session->stats.python_ring_calls++;
    return FH_OK;
}

uint64_t
python_ring_pid(const engine_link_t *engine)
{
    return engine->python ? engine->python->pid : 0;
}

void
python_ring_cancel(engine_link_t *engine)
{
    python_ring_t *self = engine->python;
    if (!python_ring_link(engine))
        return;
    message_t message = {.code = MSG_CANCEL, .as.CANCEL.call = self->conn.last_call};
    if (!conn_add_as_is(&self->conn, &message, NULL))
        (void)conn_flush(&self->conn, NULL);
}

/* ---- answers -------------------------------------------------------------------------------------------------------
 */

static void
hear(void *context, const message_t *news)
{
    (void)context, (void)news; /* of a call that nobody waits for */
}

bool
python_ring_receive(engine_link_t *engine, bool all)
{
    python_ring_t *self = engine->python;
    bool any = false;
    if (!python_ring_link(engine))
        return false;
    if (all)
        conn_receive(&self->conn, hear, NULL, &any);
    else
        conn_receive_ring(&self->conn, hear, NULL, &any);
    if (!self->conn.ring_over)
        return any;
    err_t why = {0};
    const char *failure = link_ring_failure(self->conn.ring);
    err_set(&why, FH_ENGINE_LOST, "the rings to a Python host on engine %d have ended%s%s", engine->number,
            failure ? ": they hold " : "", failure ? failure : "");
    python_ring_forget(engine, &why);
    return true;
}

link_t *
python_ring_link(const engine_link_t *engine)
{
    return engine->python && engine->python->conn.requests ? engine->python->conn.ring : NULL;
}

bool
python_ring_is_awake(const engine_link_t *engine, int cpu)
{
    const conn_t *conn = &engine->python->conn;
    return conn->rings_answered == link_ring_rings(conn->ring) && link_ring_other_cpu(conn->ring) != cpu;
}

void
python_ring_forget(engine_link_t *engine, const err_t *why)
{
    python_ring_t *self = engine->python;
    engine->python = NULL;
    if (!self)
        return;
    conn_forget(&engine->conn, &self->asking);
    conn_release(&self->conn, why);
    free(self);
}
