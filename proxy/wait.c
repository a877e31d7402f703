#include "proxy/wait.h"

#include <poll.h>
#include <stdlib.h>

enum { SLICE_MS = 50 };

/* The descriptors of all open links, in session->pollfds; returns how many.  Collected before each poll: links come and
 * go while messages are taken. */
static int
collect_pollfds(fh_session *session)
{
    int need = session->nengines + 2, n = 0;
    if (need > session->pollfds_room) {
        struct pollfd *grown = realloc(session->pollfds, (size_t)need * sizeof *grown);
        if (!grown)
            need = session->pollfds_room; /* the rest is looked at every slice all the same */
        else
            session->pollfds = grown;
        session->pollfds_room = need;
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

static int
timed_out(err_t *err)
{
    return err_set(err, FH_TIMEOUT, "no answer within the time limit");
}

/* What is due every slice: are the engines alive, does the user want to go on? */
static int
take_stock(fh_session *session, err_t *err)
{
    for (int i = 0; i < session->nengines; i++)
        engine_link_check(session->engines[i]);
    if (session->interrupted && session->interrupted(session->interrupted_context))
        return err_set(err, FH_INTERRUPTED, "interrupted while waiting");
    return FH_OK;
}

int
wait_until(fh_session *session, int64_t deadline_ns, bool (*ready)(const void *), const void *context, err_t *err)
{
    int64_t stock_ns = 0; /* when stock was last taken; 0: the wait begins */
    for (;;) {
        session_push(session);
        bool any = session_pump(session);
        if (ready(context))
            return FH_OK;
        int64_t now = clock_now_ns();
        if (stock_ns == 0) {
            session->waits++;
            stock_ns = now;
        } else if (now - stock_ns >= (int64_t)SLICE_MS * 1000000) {
            stock_ns = now;
            int status = take_stock(session, err);
            if (status)
                return status;
        }
        int timeout_ms = clock_remaining_ms(deadline_ns, SLICE_MS);
        if (timeout_ms == 0 && now >= deadline_ns)
            return timed_out(err);
        /* The descriptors are edge-triggered: only poll when nothing was there. */
        if (!any) {
            nfds_t count = (nfds_t)collect_pollfds(session); /* may move them */
            (void)poll(session->pollfds, count, timeout_ms);
        }
    }
}

static bool
request_done(const void *context)
{
    return ((const request_t *)context)->due == 0;
}

int
wait_request(fh_session *session, conn_t *conn, request_t *request, int64_t deadline_ns, err_t *err)
{
    int status = wait_until(session, deadline_ns, request_done, request, err);
    conn_forget(conn, request);
    if (!status && request->status) {
        if (err)
            *err = request->err;
        return request->status;
    }
    return status;
}
