/* engine/peers_lanes.c - from a message to its lane, and what is asked and said about lanes. */
#include "base/clock.h"
#include "engine/dispatch.h"
#include "engine/methods.h"
#include "engine/peers_private.h"
#include "engine/python_host.h"
#include "engine/raised.h"

enum { LIST_BYTES_A_HEADER_BYTE = 4, CALLS_A_TURN = 16, CANCEL_CALLS = PYTHON_TAKEN_BACK, NS_PER_MS = 1000000 };

/* ---- lanes ---------------------------------------------------------------------------------------------------------
 */

/* Settle, and wake whoever goes on. */
static void
settle(core_t *core, lane_t *lane, next_t next)
{
    if (lane_settle(&core->lanes, lane, next))
        pthread_cond_signal(&core->work);
    /* It waits for something that the reactor has to see to, or is to be run again. */
    if (next != NEXT_DONE)
        __atomic_store_n(&core->for_reactor, true, __ATOMIC_RELAXED);
}

int
arrival_enter_lane(arrival_t *at, err_t *err)
{
    core_t *core = at->peers->core;
    lane_t *lane = at->caller->lane;
    call_t *call;
    next_t next;

    pthread_mutex_lock(&core->lock);
    int status = call_new(&core->lanes, at->batch, &at->message, &call, err);

    if (status) {
        pthread_mutex_unlock(&core->lock);
        return status;
    }
    call->raw = at->raw;
    call->raw_size = at->raw_size;
    call->connection = lane->connection;
    call->refused = at->refused && at->message.raw;
    call->charged += (call->refused ? 0 : at->raw_size) + at->header_bytes * LIST_BYTES_A_HEADER_BYTE;
    if (lane_claim(lane, &call)) {
        pthread_mutex_unlock(&core->lock);
        next = dispatch_run(core, lane, at->peers->crew, true);
        settle(core, lane, next);
    } else {
        status = lane_push(&core->lanes, lane, &call, err);
    }
    pthread_mutex_unlock(&core->lock);
    return status;
}

/* On the reactor, under the lock: the lane's first call, and the small ones behind it, which saves them the way to the
 * compute thread and back. */
static void
run_lane(peers_t *self, lane_t *lane)
{
    core_t *core = self->core;
    next_t next;

    for (int more = CALLS_A_TURN;; more--) {
        pthread_mutex_unlock(&core->lock);
        next = dispatch_run(core, lane, self->crew, true);
        if (next != NEXT_DONE || more == 1 || !lane_next(&core->lanes, lane))
            break;
    }
    if (next == NEXT_DONE && !lane->gone && !lane->first->next)
        core_tell_done(core, lane);
    settle(core, lane, next);
}

void
peers_run_lanes(peers_t *self)
{
    core_t *core = self->core;

    pthread_mutex_lock(&core->lock);
    for (lane_t *lane; (lane = lanes_take_reactor(&core->lanes));)
        run_lane(self, lane);
    pthread_mutex_unlock(&core->lock);
}

/* ---- about lanes ---------------------------------------------------------------------------------------------------
 */

/* Under the lock: the ticket of the kernel that the lane's first call has asked for, or 0; *ret_call is that call. */
static uint64_t
running_ticket(const lane_t *lane, uint64_t *ret_call)
{
    const method_t *method = lane->first ? methods_find(lane->first->message.code) : NULL;

    *ret_call = lane->first ? message_call(&lane->first->message) : 0;
    return method && method->ticket ? method->ticket(lane->first) : 0;
}

/* Does the call make one of these objects? */
static bool
makes_one_of(const call_t *call, void *context)
{
    const oids_t *objects = context;
    const method_t *method = methods_find(call->message.code);
    oid_t results[METHOD_MAX_RESULTS];
    int count = method && method->results ? method->results(&call->message, results) : 0;

    for (int i = 0; i < count; i++)
        for (uint32_t k = 0; k < objects->count; k++)
            if (oid_equal(results[i], objects->items[k]))
                return true;
    return false;
}

static bool
is_wanted(const call_t *call, void *context)
{
    const ints_t *calls = context;

    for (uint32_t i = 0; i < calls->count; i++)
        if ((uint64_t)calls->items[i] == message_call(&call->message))
            return true;
    return false;
}

/* Behind the first call, which is in somebody's hands. */
static bool
is_wanted_and_unbegun(const call_t *call, void *context)
{
    const arrival_t *at = context;

    return call != at->caller->lane->first && !call->state && !call->phase &&
           is_wanted(call, (void *)(uintptr_t)&at->message.as.CANCEL.calls);
}

/* The wanted calls that nobody has begun are not begun any more, and the client hears at once which these are. */
static void
take_back(arrival_t *at, lane_t *lane)
{
    core_t *core = at->peers->core;
    ints_t *calls = &at->message.as.CANCEL.calls;
    int64_t taken[CANCEL_CALLS];
    uint32_t count = 0;

    if (core->pythons)
        python_hosts_take_back(core->pythons, lane->owner.session, calls, taken, &count);
    pthread_mutex_lock(&core->lock);
    lane_cancel(&core->lanes, lane, at->message.as.CANCEL.call, is_wanted_and_unbegun, at);
    for (const call_t *call = lane->first; call && count < CANCEL_CALLS; call = call->next)
        if (call_cancelled(call) && is_wanted_and_unbegun(call, at))
            taken[count++] = (int64_t)message_call(&call->message);
    if (count)
        core_reply(core, lane, &(message_t){.code = MSG_TAKEN_BACK, .as.TAKEN_BACK.calls = {taken, count}}, NULL);
    pthread_mutex_unlock(&core->lock);
}

void
arrival_cancel(arrival_t *at)
{
    core_t *core = at->peers->core;
    lane_t *lane = at->caller->lane;
    const msg_CANCEL_t *cancel = &at->message.as.CANCEL;
    oids_t objects = cancel->objects;
    ints_t calls = cancel->calls;
    uint64_t ticket = 0, call;

    if (!lane)
        return;
    if (cancel->unbegun) {
        take_back(at, lane);
        return;
    }
    pthread_mutex_lock(&core->lock);
    if (calls.count)
        lane_cancel(&core->lanes, lane, cancel->call, is_wanted, &calls);
    else
        lane_cancel(&core->lanes, lane, cancel->call, objects.count ? makes_one_of : NULL, &objects);
    if (lane->first && call_cancelled(lane->first))
        ticket = running_ticket(lane, &call);
    pthread_mutex_unlock(&core->lock);
    if (ticket && core->runners)
        runner_host_cancel(core->runners, ticket);
    if (core->pythons)
        python_hosts_cancel(core->pythons, lane->owner.session, cancel);
}

void
arrival_progress(arrival_t *at)
{
    core_t *core = at->peers->core;
    const lane_t *lane = at->caller->lane;
    message_t answer = {.code = MSG_PROGRESS_INFO, .as.PROGRESS_INFO.call = at->message.as.PROGRESS.call};
    msg_PROGRESS_INFO_t *info = &answer.as.PROGRESS_INFO;
    runner_progress_t progress = {.ticket = 0};
    uint64_t ticket = 0, call = 0;

    if (lane) {
        pthread_mutex_lock(&core->lock);
        ticket = running_ticket(lane, &call);
        info->queued = lane->count - (lane->state == LANE_RUNNING || lane->state == LANE_WAITING);
        pthread_mutex_unlock(&core->lock);
    }
    if (ticket && core->runners && runner_host_progress(core->runners, at->caller->id, &progress) &&
        progress.ticket == ticket) {
        info->running = call;
        info->entry = str_of(progress.entry);
        info->total = progress.total;
        info->done = progress.total && progress.done > progress.total ? progress.total : progress.done;
        info->elapsed_ms = (uint64_t)(clock_now_ns() - progress.started_ns) / NS_PER_MS;
    }
    caller_answer(at->peers, at->caller, &answer);
}

void
arrival_flags(arrival_t *at)
{
    core_t *core = at->peers->core;

    pthread_mutex_lock(&core->lock);
    raised_take(core, &at->message.as.FLAGS);
    pthread_mutex_unlock(&core->lock);
}
