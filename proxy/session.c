#include "proxy/session.h"

#include "base/link_ring.h"
#include "engine/compute/compute.h"
#include "proxy/context.h"
#include "proxy/flags.h"
#include "proxy/kept.h"
#include "proxy/tail.h"
#include "proxy/wait.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMPANY_CALLS = 8 };

static const int64_t PUMP_NS = 20000000;
static const double MAX_COARSE_S = 1e8, TICK_S = 0.01;

int
session_enter(const fh_session *self, err_t *err)
{
    if (!self)
        return err_set(err, FH_INVALID_ARGUMENT, "no session was given");
    if (self->closed)
        return err_set(err, FH_INVALID_ARGUMENT, "the session is closed");
    if (self->pid != context_process())
        return err_set(err, FH_INVALID_ARGUMENT,
                       "the session belongs to process %d: after fork() the child must connect by itself",
                       (int)self->pid);
    return FH_OK;
}

int64_t
session_deadline(const fh_session *self, double timeout_s)
{
    if (timeout_s >= 0)
        return clock_deadline(timeout_s);
    if (self->call_timeout_s < 0 || self->call_timeout_s > MAX_COARSE_S)
        return INT64_MAX;
    /* Every call asks for this one; a tick of the system too late is no matter where it is a second or more. */
    return self->call_timeout_s < 1 ? clock_deadline(self->call_timeout_s)
                                    : clock_coarse_ns() + (int64_t)((self->call_timeout_s + TICK_S) * 1e9);
}

void
session_destroy(fh_session *self)
{
    for (int i = 0; i < self->nengines; i++)
        engine_link_destroy(&self->engines[i]);
    free(self->engines);
    free(self->joins);
    free(self->followers);
    kept_destroy(self);
    crew_destroy(&self->crew);
    flags_release(self);
    free(self->pollfds);
    if (self->wake_fd >= 0)
        close(self->wake_fd);
    free(self);
}

void
session_drop_handle(fh_session *self)
{
    if (--self->handles == 0 && self->closed)
        session_destroy(self);
}

/* ---- engines -------------------------------------------------------------------------------------------------------
 */

engine_link_t *
session_engine(const fh_session *self, oid_t id)
{
    for (int i = 0; i < self->nengines; i++)
        if (oid_equal(self->engines[i]->id, id))
            return self->engines[i];
    return NULL;
}

engine_link_t *
session_engine_number(const fh_session *self, int number)
{
    engine_link_t *found = NULL;
    for (int i = 0; i < self->nengines; i++)
        if (self->engines[i]->number == number && (!found || found->lost))
            found = self->engines[i];
    return found;
}

int
session_learn_engine(fh_session *self, const msg_ENGINE_t *info, err_t *err)
{
    engine_link_t *engine = session_engine(self, info->engine);
    if (engine) {
        engine_link_update(engine, info);
        return FH_OK;
    }
    if (self->nengines == self->engines_room) {
        int room = self->engines_room ? 2 * self->engines_room : 8;
        engine_link_t **grown = realloc(self->engines, (size_t)room * sizeof *grown);
        if (!grown)
            return err_set(err, FH_NO_MEMORY, "no memory for another engine");
        self->engines = grown;
        self->engines_room = room;
    }
    int status = engine_link_new(&engine, self, info, err);
    if (status)
        return status;
    int at = self->nengines++;
    for (; at > 0 && self->engines[at - 1]->number > engine->number; at--)
        self->engines[at] = self->engines[at - 1];
    self->engines[at] = engine;
    return FH_OK;
}

int
session_ready_engines(const fh_session *self, engine_link_t **ret, int room)
{
    int n = 0;
    for (int i = 0; i < self->nengines; i++)
        if (!self->engines[i]->lost) {
            if (n < room)
                ret[n] = self->engines[i];
            n++;
        }
    return n;
}

int
session_emptiest(const fh_session *self, engine_link_t **ret, err_t *err)
{
    engine_link_t *best = NULL;
    for (int i = 0; i < self->nengines; i++) {
        engine_link_t *engine = self->engines[i];
        if (!engine->lost && (!best || engine->live_bytes < best->live_bytes))
            best = engine;
    }
    if (!best)
        return err_set(err, FH_CANNOT_CONNECT, "the cluster %s has no engine that is ready", self->cluster);
    *ret = best;
    return FH_OK;
}

/* ---- sending and receiving -----------------------------------------------------------------------------------------
 */

/* Engines that are asked together share CPUs: one that waits awake for the next call should let the others answer. */
static void
tell_company(fh_session *self)
{
    int sent = 0, asked = 0;
    for (int i = 0; i < self->nengines; i++) {
        const conn_t *conn = &self->engines[i]->conn;
        bool sends = conn->ring && conn_has_batch(conn);
        sent += sends;
        asked += sends || (conn->ring && conn->requests);
    }
    if (!sent)
        return;
    if (asked > 1)
        self->company = COMPANY_CALLS;
    else
        self->company -= self->company > 0;
    for (int i = 0; i < self->nengines; i++) {
        const conn_t *conn = &self->engines[i]->conn;
        if (conn->ring && conn_has_batch(conn))
            link_ring_tell_company(conn->ring, self->company > 0);
    }
}

void
session_push(fh_session *self)
{
    (void)conn_flush(&self->broker.conn, NULL); /* what has no room now goes with the next push */
    tell_company(self);
    for (int i = 0; i < self->nengines; i++)
        engine_link_push(self->engines[i]);
}

void
session_cancel(fh_session *self)
{
    for (int i = 0; i < self->nengines; i++)
        engine_link_cancel(self->engines[i], NULL, 0);
}

bool
session_pump(fh_session *self)
{
    bool any = broker_link_receive(self);
    for (int i = 0; i < self->nengines; i++)
        if (engine_link_receive(self->engines[i]))
            any = true;
    self->pumped_ns = clock_coarse_ns();
    return any;
}

bool
session_untouched(const fh_session *self)
{
    if (self->broker.conn.touched)
        return false;
    for (int i = 0; i < self->nengines; i++)
        if (self->engines[i]->open && self->engines[i]->conn.touched)
            return false;
    return true;
}

bool
session_glance_rings(fh_session *self)
{
    bool any = false;
    for (int i = 0; i < self->nengines; i++)
        if (engine_link_glance(self->engines[i]))
            any = true;
    return any;
}

bool
session_glance(fh_session *self)
{
    return clock_coarse_ns() - self->pumped_ns >= PUMP_NS ? session_pump(self) : session_glance_rings(self);
}

static bool
nothing_unsent(const void *context)
{
    const fh_session *self = context;
    for (int i = 0; i < self->nengines; i++)
        if (self->engines[i]->open && !conn_is_sent(&self->engines[i]->conn))
            return false;
    return true;
}

int
session_flush(fh_session *self, err_t *err)
{
    session_push(self);
    if (nothing_unsent(self))
        return FH_OK;
    return wait_until(self, session_deadline(self, -1), nothing_unsent, self, err);
}
