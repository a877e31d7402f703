/* Waiting: for some microseconds by glances at the rings, where that is polite, then in poll(2).
 *
 * A client that spins on the CPU on which its engine is to run only keeps it from answering.  So it spins only if the
 * engine was awake when the call was sent (it did not have to be rung) and last ran on another CPU.  Waits that were
 * short give credit for that, spins in vain cost it. */
#include "proxy/wait.h"

#include "base/link_ring.h"
#include "base/ring.h"
#include "proxy/python_ring.h"
#include "proxy/tail.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>

enum {
    SLICE_MS = 50,
    LOOKS = 32,    /* glances between two looks at the clock */
    SPIN_COST = 4, /* so many short waits pay for a spin in vain */
    MAX_CREDIT = 64,
    RINGS_OF_AN_ENGINE = 2, /* its own, and its Python host's */
    FDS_OF_AN_ENGINE = 1 + RINGS_OF_AN_ENGINE
};

static const int64_t SPIN_NS = 20000;

/* ---- spinning ------------------------------------------------------------------------------------------------------
 */

/* Is every engine that owes us an answer (only: just this one) awake, and on another CPU?  Who had to be rung and has
 * said nothing since then is only just waking. */
static bool
may_spin(const fh_session *session, const conn_t *only)
{
    int cpu = sched_getcpu(), elsewhere = 0;
    if (session->credit < 0)
        return false;
    for (int i = 0; i < session->nengines; i++) {
        const engine_link_t *engine = session->engines[i];
        if (python_ring_link(engine)) {
            if (!python_ring_is_awake(engine, cpu))
                return false;
            elsewhere++;
        }
        if (!engine->open || !engine->conn.ring || engine->done == engine->conn.last_call ||
            (only && only != &engine->conn))
            continue;
        if (engine->conn.rings_answered != link_ring_rings(engine->conn.ring) ||
            link_ring_other_cpu(engine->conn.ring) == cpu)
            return false;
        elsewhere++;
    }
    return elsewhere > 0;
}

static bool
spin(fh_session *session, bool (*ready)(const void *), const void *context)
{
    int64_t end_ns = 0; /* the first looks need no clock */
    do {
        for (int i = 0; i < LOOKS; i++) {
            if (!session_glance_rings(session)) {
                ring_pause();
                continue;
            }
            session_push(session);
            if (ready(context)) {
                session->credit += session->credit < MAX_CREDIT;
                return true;
            }
        }
        if (!end_ns)
            end_ns = clock_now_ns() + SPIN_NS;
    } while (clock_now_ns() < end_ns);
    session->credit -= SPIN_COST;
    return false;
}

/* ---- sleeping ------------------------------------------------------------------------------------------------------
 */

/* One of its rings that we may be woken by; NULL: none. */
static link_t *
ring_of(const engine_link_t *engine, int i)
{
    return i ? python_ring_link(engine) : engine->open ? engine->conn.ring : NULL;
}

/* The descriptors of all open links, in session->pollfds; returns how many.  Collected before each poll: links come and
 * go while messages are taken. */
static int
collect_pollfds(fh_session *session)
{
    int need = FDS_OF_AN_ENGINE * session->nengines + 2, n = 0;
    if (need > session->pollfds_room) {
        struct pollfd *grown = realloc(session->pollfds, (size_t)need * sizeof *grown);
        if (!grown)
            need = session->pollfds_room; /* the rest is looked at every slice all the same */
        else
            session->pollfds = grown;
        session->pollfds_room = need;
    }
    for (int i = 0; i < RINGS_OF_AN_ENGINE * session->nengines && n < need; i++) {
        link_t *ring = ring_of(session->engines[i / RINGS_OF_AN_ENGINE], i % RINGS_OF_AN_ENGINE);
        if (ring)
            session->pollfds[n++] = (struct pollfd){.fd = link_fd(ring), .events = POLLIN};
    }
    if (session->broker.conn.link && n < need)
        session->pollfds[n++] = (struct pollfd){.fd = link_fd(session->broker.conn.link), .events = POLLIN};
    if (session->wake_fd >= 0 && n < need)
        session->pollfds[n++] = (struct pollfd){.fd = session->wake_fd, .events = POLLIN};
    for (int i = 0; i < session->nengines && n < need; i++)
        if (session->engines[i]->open)
            session->pollfds[n++] = (struct pollfd){.fd = link_fd(session->engines[i]->conn.link), .events = POLLIN};
    return n;
}

/* Announce at all rings that we sleep, or at that of one connection: then no other engine's answer wakes us.  False:
 * there is something in one. */
static bool
announce(const fh_session *session, const conn_t *only)
{
    for (int i = 0; i < RINGS_OF_AN_ENGINE * session->nengines; i++) {
        link_t *ring = ring_of(session->engines[i / RINGS_OF_AN_ENGINE], i % RINGS_OF_AN_ENGINE);
        bool awaited = !only || ring == only->ring || i % RINGS_OF_AN_ENGINE != 0;
        if (ring && awaited && !link_ring_sleep(ring))
            return false;
    }
    return true;
}

/* True: something has come, and through rings only. */
static bool
doze(fh_session *session, const conn_t *only, int timeout_ms)
{
    int n = collect_pollfds(session), at = 0, rung = 0; /* may move them */
    int woken = announce(session, only) ? poll(session->pollfds, (nfds_t)n, timeout_ms) : -1;
    for (int i = 0; i < RINGS_OF_AN_ENGINE * session->nengines; i++) {
        link_t *ring = ring_of(session->engines[i / RINGS_OF_AN_ENGINE], i % RINGS_OF_AN_ENGINE);
        short revents = ring && woken > 0 && at < n ? session->pollfds[at].revents : 0;
        if (!ring)
            continue;
        link_ring_wake(ring, revents);
        rung += revents == POLLIN;
        at++;
    }
    return woken > 0 && rung == woken;
}

static int
timed_out(err_t *err)
{
    return err_set(err, FH_TIMEOUT, "no answer within the time limit");
}

/* What is due every slice: are the engines alive, is the broker there, does the user want to go on? */
static int
take_stock(fh_session *session, err_t *err)
{
    for (int i = 0; i < session->nengines; i++)
        engine_link_check(session->engines[i]);
    broker_link_ping(session);
    if (session->interrupted && session->interrupted(session->interrupted_context))
        return err_set(err, FH_INTERRUPTED, "interrupted while waiting");
    return FH_OK;
}

static int
sleep_until(fh_session *session, int64_t deadline_ns, bool (*ready)(const void *), const void *context,
            const conn_t *only, err_t *err)
{
    int64_t now = clock_now_ns(), stock_ns = now;
    for (bool by_ring = true;;) {
        /* ZeroMQ's descriptors are edge-triggered: poll only when nothing is there, and nothing was sent since then. */
        bool any = by_ring && session_untouched(session) ? session_glance(session) : session_pump(session);
        if (ready(context))
            return FH_OK;
        if (now >= deadline_ns)
            return timed_out(err);
        session_push(session);
        if (!any && session_untouched(session))
            by_ring = doze(session, only, clock_remaining_ms(deadline_ns, SLICE_MS));
        now = clock_now_ns();
        if (now - stock_ns >= (int64_t)SLICE_MS * 1000000) {
            stock_ns = now;
            int status = take_stock(session, err);
            if (status)
                return status;
        }
    }
}

/* only: what makes it ready comes over this connection; NULL: over any. */
static int
wait_on(fh_session *session, int64_t deadline_ns, bool (*ready)(const void *), const void *context, const conn_t *only,
        err_t *err)
{
    int status = tail_send(session, err);
    if (status)
        return status;
    session_push(session);
    session_glance(session);
    if (ready(context))
        return FH_OK;
    session->waits++;
    if (may_spin(session, only) && spin(session, ready, context))
        return FH_OK;
    session->credit += session->credit < 0;
    return sleep_until(session, deadline_ns, ready, context, only, err);
}

int
wait_until(fh_session *session, int64_t deadline_ns, bool (*ready)(const void *), const void *context, err_t *err)
{
    return wait_on(session, deadline_ns, ready, context, NULL, err);
}

static bool
request_done(const void *context)
{
    return ((const request_t *)context)->due == 0;
}

int
wait_reply(fh_session *session, const conn_t *conn, const request_t *request, int64_t deadline_ns, err_t *err)
{
    return wait_on(session, deadline_ns, request_done, request, conn->ring ? conn : NULL, err);
}

int
wait_request(fh_session *session, conn_t *conn, request_t *request, int64_t deadline_ns, err_t *err)
{
    int status = wait_reply(session, conn, request, deadline_ns, err);
    conn_forget(conn, request);
    if (!status && request->status) {
        if (err)
            *err = request->err;
        return request->status;
    }
    return status;
}
