/* engine/peers_rings.c - clients of this host whose messages come through rings in shared memory. */
#include "base/clock.h"
#include "base/link_ring.h"
#include "base/log.h"
#include "base/ring.h"
#include "engine/peers_private.h"

enum { MESSAGES_A_RING = 64, LOOKS = 32 };

static const int64_t SETTLE_NS = 10000000000, TURN_NS = 200000;

/* ---- asking for rings ----------------------------------------------------------------------------------------------
 */

static int
make(arrival_t *at, link_ring_place_t *ret, err_t *err)
{
    peers_t *self = at->peers;
    caller_t *caller = at->caller;

    if (at->batch->message.user[0])
        return err_set(err, FH_NOT_SUPPORTED, "rings are for connections over ipc");
    if (caller->ring || outbox_is_numbered(caller->outbox))
        return err_set(err, FH_INVALID_ARGUMENT, "this connection has rings already, or numbered frames");
    if (self->rings >= PEERS_MAX_RINGS)
        return err_set(err, FH_LIMIT_EXCEEDED, "this engine has rings with %d clients; it makes no more", self->rings);
    int status = link_ring_new(&caller->ring, ret, err);

    if (status)
        return status;
    caller->ring_until_ns = clock_now_ns() + SETTLE_NS;
    self->ringers[self->rings++] = caller;
    self->ring_changes++;
    return FH_OK;
}

void
arrival_ring(arrival_t *at)
{
    link_ring_place_t place;
    err_t err = {0};
    message_t answer = {.code = MSG_RING_PLACE};

    if (make(at, &place, &err))
        message_from_err(&answer, at->message.as.RING.call, &err);
    else
        answer.as.RING_PLACE = (msg_RING_PLACE_t){.call = at->message.as.RING.call,
                                                  .pid = place.pid,
                                                  .memory_fd = place.memory_fd,
                                                  .memory_inode = place.memory_inode,
                                                  .engine_bell_fd = place.server_bell_fd,
                                                  .engine_bell_inode = place.server_bell_inode,
                                                  .client_bell_fd = place.client_bell_fd,
                                                  .client_bell_inode = place.client_bell_inode};
    caller_answer(at->peers, at->caller, &answer);
}

void
caller_drop_ring(peers_t *self, caller_t *caller)
{
    if (!caller->ring)
        return;
    for (int i = 0; i < self->rings; i++)
        if (self->ringers[i] == caller)
            self->ringers[i] = self->ringers[--self->rings];
    self->ring_changes++;
    link_destroy(&caller->ring);
    caller->ring_ready = false;
}

void
arrival_ring_ready(arrival_t *at)
{
    caller_t *caller = at->caller;

    if (caller->ring && at->batch->link == caller->ring) {
        link_ring_settle(caller->ring);
        caller->ring_ready = true;
    } else if (!caller->ring_ready) {
        caller_drop_ring(at->peers, caller);
    }
    caller_answer(at->peers, caller, &(message_t){.code = MSG_OK, .as.OK.call = at->message.as.RING_READY.call});
}

/* ---- serving -------------------------------------------------------------------------------------------------------
 */

/* Its messages, some at most.  False: there were none, or the caller has gone. */
static bool
serve(peers_t *self, caller_t *caller)
{
    int n = 0, status, before = self->rings;

    /* Once even if a glance shows nothing: it tells whether the ring has ended. */
    do {
        status = peers_receive_one(self, caller->endpoint, caller);
        n += status == FH_OK;
    } while (!status && n < MESSAGES_A_RING && self->rings == before && link_ring_glance(caller->ring));
    if (status == FH_CANNOT_CONNECT) {
        if (link_ring_failure(caller->ring))
            log_limited(LOG_WARNING, "ENG-RING-BROKEN", "a client's rings hold %s: they are closed",
                        link_ring_failure(caller->ring));
        caller_remove(self, caller);
        return false;
    }
    return n > 0;
}

/* ---- awake or asleep: engine/awake.h -------------------------------------------------------------------------------
 */

static bool
serve_and_note(peers_t *self, caller_t *caller, bool woken, int64_t now_ns)
{
    uint64_t rung = link_ring_rings(caller->ring);

    if (!serve(self, caller))
        return false;
    int client_cpu = link_ring_other_cpu(caller->ring);
    link_t *ring = caller->ring;
    int before = self->rings;

    (void)caller_flush(self, caller);
    if (self->rings == before) /* it has not been removed */
        awake_note(&self->awake, client_cpu, woken || link_ring_rings(ring) != rung, link_ring_has_company(ring),
                   now_ns);
    return true;
}

static bool
serve_all(peers_t *self, int64_t now_ns)
{
    bool any = false;

    for (int i = self->rings; i-- > 0;)
        if (i < self->rings && link_ring_glance(self->ringers[i]->ring))
            any |= serve_and_note(self, self->ringers[i], false, now_ns);
    return any;
}

/* Does the reactor have nothing else to do, and the compute thread neither? */
static bool
is_free(const core_t *core)
{
    return !__atomic_load_n(&core->computing, __ATOMIC_RELAXED) &&
           !__atomic_load_n(&core->for_reactor, __ATOMIC_RELAXED) &&
           !__atomic_load_n(&core->news_now, __ATOMIC_RELAXED) &&
           !(core->runners && runner_host_asked(core->runners)); /* whose answer comes another way */
}

bool
peers_rings_serve_awake(peers_t *self)
{
    awake_t *awake = &self->awake;

    if (!self->rings)
        return false;
    int64_t now_ns = clock_now_ns(), end_ns = now_ns + TURN_NS;

    /* On one CPU a client runs as soon as it is rung, and its next call is here when the bell's write returns. */
    while (serve_all(self, now_ns) && now_ns < end_ns && is_free(self->core))
        now_ns = clock_now_ns();
    for (; awake->until_ns && now_ns < end_ns && is_free(self->core); now_ns = clock_now_ns()) {
        if (now_ns >= awake->until_ns) {
            awake_in_vain(awake);
            break;
        }
        if (!awake->company)
            for (int i = 0; i < LOOKS && !serve_all(self, now_ns); i++)
                ring_pause();
        else if (!serve_all(self, now_ns))
            awake_let_others_run(awake, now_ns);
    }
    return awake->until_ns && is_free(self->core);
}

int
peers_rings_pollfds(const peers_t *self, struct pollfd *ret, int room)
{
    for (int i = 0; i < self->rings && i < room; i++)
        ret[i] = (struct pollfd){.fd = link_fd(self->ringers[i]->ring), .events = POLLIN};
    return self->rings;
}

uint64_t
peers_rings_version(const peers_t *self)
{
    return self->ring_changes;
}

bool
peers_rings_sleep(peers_t *self)
{
    for (int i = 0; i < self->rings; i++)
        if (!link_ring_sleep(self->ringers[i]->ring))
            return false;
    return true;
}

bool
peers_rings_wake(peers_t *self, const struct pollfd *fds, int n)
{
    bool all = true;
    int64_t now_ns = clock_now_ns();

    for (int i = self->rings; i-- > 0;) {
        caller_t *caller = self->ringers[i];
        short revents = i < n ? fds[i].revents : 0;

        link_ring_wake(caller->ring, revents);
        /* Even if a glance shows nothing: it may have closed, have ended, or take messages again. */
        if (revents)
            all &= serve_and_note(self, caller, true, now_ns);
    }
    return all && self->rings == n;
}

void
peers_rings_check(peers_t *self, int64_t now_ns)
{
    for (int i = self->rings; i-- > 0;)
        if (!self->ringers[i]->ring_ready && now_ns >= self->ringers[i]->ring_until_ns)
            caller_drop_ring(self, self->ringers[i]);
}
