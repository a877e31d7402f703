/* Sleeping outside the session: what to poll, and that it is known on the other side. */
#include "base/link_ring.h"
#include "proxy/session.h"

static void
add_fd(int *ret, int *n, int room, link_t *link)
{
    if (*n < room)
        ret[(*n)++] = link_fd(link);
}

int
fh_session_sleep(fh_session *session, int *ret, int room)
{
    int n = 0;
    if (session_enter(session, NULL))
        return 0;
    for (int i = 0; i < session->nengines; i++) {
        const engine_link_t *engine = session->engines[i];
        if (engine->open && engine->conn.ring && !link_ring_sleep(engine->conn.ring))
            return 0;
        if (engine->open && engine->conn.ring)
            add_fd(ret, &n, room, engine->conn.ring);
        if (engine->open)
            add_fd(ret, &n, room, engine->conn.link);
    }
    if (session->broker.conn.link)
        add_fd(ret, &n, room, session->broker.conn.link);
    return n;
}

void
fh_session_wake(fh_session *session, const int *fds, const short *revents, int n)
{
    if (session_enter(session, NULL))
        return;
    for (int i = 0; i < session->nengines; i++) {
        const engine_link_t *engine = session->engines[i];
        short events = 0;
        if (!engine->open || !engine->conn.ring)
            continue;
        for (int k = 0; k < n; k++)
            if (fds[k] == link_fd(engine->conn.ring))
                events = revents[k];
        link_ring_wake(engine->conn.ring, events);
    }
}
