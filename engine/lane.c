/* engine/lane.c - queues of calls and the ring of lanes that can go on. */
#include "engine/lane.h"

#include "engine/places.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_BATCHES = 16, SPARE_CALLS = 4096, ARENA_MAX_BYTES = 32 * 1024 * 1024 };

/* ---- batches -------------------------------------------------------------------------------------------------------
 */

int
batch_new(batches_t *pool, batch_t **ret, err_t *err)
{
    batch_t *self = pool->spare;

    if (self) {
        pool->spare = self->next;
        pool->spare_count--;
    } else {
        self = malloc(sizeof *self);
        if (!self)
            return err_set(err, FH_NO_MEMORY, "no memory for a message");
        int status = arena_new(&self->arena, ARENA_MAX_BYTES, err);

        if (status) {
            free(self);
            return status;
        }
    }
    self->link = NULL;
    self->message.count = 0;
    self->references = 1;
    self->counted = 0;
    self->next = NULL;
    *ret = self;
    return FH_OK;
}

int
batch_count(batches_t *pool, batch_t *self, err_t *err)
{
    int64_t bytes = 0;

    for (int i = 1; i < self->message.count; i++)
        bytes += (int64_t)self->message.frames[i].size;
    if (!pool->pool || !bytes)
        return FH_OK;
    int status = pool_queue(pool->pool, bytes, err);

    if (!status)
        self->counted = bytes;
    return status;
}

batch_t *
batch_ref(batch_t *self)
{
    self->references++;
    return self;
}

void
batch_unref(batches_t *pool, batch_t **self)
{
    batch_t *batch = *self;

    *self = NULL;
    if (!batch || --batch->references > 0)
        return;
    if (batch->counted)
        pool_unqueue(pool->pool, batch->counted);
    batch->next = pool->retired;
    pool->retired = batch;
}

static void
batch_destroy(batch_t *self)
{
    arena_destroy(&self->arena);
    free(self);
}

void
batches_sweep(batches_t *self)
{
    while (self->retired) {
        batch_t *batch = self->retired;

        self->retired = batch->next;
        if (batch->link && batch->message.count)
            link_message_release(batch->link, &batch->message);
        if (self->spare_count >= SPARE_BATCHES) {
            batch_destroy(batch);
            continue;
        }
        arena_reset(batch->arena);
        batch->next = self->spare;
        self->spare = batch;
        self->spare_count++;
    }
}

void
batches_release(batches_t *self)
{
    batches_sweep(self);
    while (self->spare) {
        batch_t *batch = self->spare;

        self->spare = batch->next;
        batch_destroy(batch);
    }
    self->spare_count = 0;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------
 */

int
call_new(lanes_t *self, batch_t *batch, const message_t *message, call_t **ret, err_t *err)
{
    call_t *call = self->spare_calls;

    if (call) {
        self->spare_calls = call->next;
        self->spare_count--;
    } else {
        call = malloc(sizeof *call);
        if (!call)
            return err_set(err, FH_NO_MEMORY, "no memory for a call");
    }
    memset(call, 0, offsetof(call_t, message));
    memset((char *)call + offsetof(call_t, raw), 0, sizeof *call - offsetof(call_t, raw));
    call->message = *message;
    call->batch = batch_ref(batch);
    call->charged = sizeof *call;
    *ret = call;
    return FH_OK;
}

void
call_free(lanes_t *self, call_t **call)
{
    call_t *old = *call;

    *call = NULL;
    if (!old)
        return;
    if (old->state && old->orphan)
        old->orphan(old->state);
    batch_unref(&self->batches, &old->batch);
    if (self->spare_count >= SPARE_CALLS) {
        free(old);
        return;
    }
    old->next = self->spare_calls;
    self->spare_calls = old;
    self->spare_count++;
}

bool
call_cancelled(const call_t *self)
{
    return __atomic_load_n(&self->cancelled, __ATOMIC_RELAXED);
}

static void
pop_call(lanes_t *self, lane_t *lane)
{
    call_t *call = lane->first;

    lane->first = call->next;
    if (!lane->first)
        lane->last = NULL;
    lane->bytes -= call->charged;
    lane->count--;
    call_free(self, &call);
}

/* ---- lanes ---------------------------------------------------------------------------------------------------------
 */

static void
lane_free(lane_t *lane)
{
    places_release(lane);
    free(lane->error);
    free(lane->raised);
    free(lane);
}

void
lanes_release(lanes_t *self)
{
    size_t cursor = 0;

    for (lane_t *lane; (lane = oid_map_next(&self->by_session, &cursor));) {
        while (lane->first)
            pop_call(self, lane);
        lane_free(lane);
    }
    oid_map_release(&self->by_session);
    batches_release(&self->batches);
    while (self->spare_calls) {
        call_t *call = self->spare_calls;

        self->spare_calls = call->next;
        free(call);
    }
    memset(self, 0, sizeof *self);
}

lane_t *
lanes_find(const lanes_t *self, oid_t session)
{
    return oid_map_find(&self->by_session, session);
}

int
lanes_open(lanes_t *self, oid_t session, lane_t **ret, err_t *err)
{
    lane_t *lane = oid_map_find(&self->by_session, session);

    if (!lane) {
        if (self->by_session.count >= LANES_MAX)
            return err_set(err, FH_LIMIT_EXCEEDED, "this engine has %d sessions; it takes no more", LANES_MAX);
        lane = calloc(1, sizeof *lane);
        if (!lane)
            return err_set(err, FH_NO_MEMORY, "no memory for a session");
        lane->owner.session = session;
        int status = oid_map_add(&self->by_session, session, lane, err);

        if (status) {
            free(lane);
            return status;
        }
    }
    *ret = lane;
    return FH_OK;
}

static void
enlist(lane_t **first, lane_t **last, lane_t *lane)
{
    lane->next = NULL;
    *(*first ? &(*last)->next : first) = lane;
    *last = lane;
}

static lane_t *
delist(lane_t **first, lane_t **last)
{
    lane_t *lane = *first;

    if (!lane)
        return NULL;
    *first = lane->next;
    if (!*first)
        *last = NULL;
    lane->next = NULL;
    lane->state = LANE_RUNNING;
    return lane;
}

static bool
make_runnable(lanes_t *self, lane_t *lane)
{
    lane->state = LANE_RUNNABLE;
    enlist(&self->ring_first, &self->ring_last, lane);
    return true;
}

static bool
make_reactor(lanes_t *self, lane_t *lane)
{
    lane->state = LANE_REACTOR;
    enlist(&self->reactor_first, &self->reactor_last, lane);
    return false;
}

static void
append(lane_t *lane, call_t **call)
{
    call_t *last = *call;

    *call = NULL;
    last->next = NULL;
    *(lane->first ? &lane->last->next : &lane->first) = last;
    lane->last = last;
    lane->bytes += last->charged;
    lane->count++;
}

/* What each may leave unread when all together leave too much. */
static size_t
share(const outbox_sum_t *sum)
{
    size_t equal = sum->busy ? (size_t)LANES_REPLY_BYTES / sum->busy : (size_t)LANES_REPLY_BYTES;

    return equal > LANE_LEAST_REPLY_BYTES ? equal : LANE_LEAST_REPLY_BYTES;
}

/* Does the peer leave too many replies unread? */
static bool
is_blocked(const lane_t *lane)
{
    size_t bytes = lane->outbox ? outbox_bytes(lane->outbox) : 0;
    const outbox_sum_t *sum = bytes ? outbox_sum(lane->outbox) : NULL;

    return bytes > LANE_MAX_REPLY_BYTES || (sum && sum->bytes > LANES_REPLY_BYTES && bytes > share(sum));
}

static bool
go_on(lanes_t *self, lane_t *lane)
{
    if (lane->first && !is_blocked(lane))
        return make_runnable(self, lane);
    lane->state = lane->first ? LANE_BLOCKED : LANE_IDLE;
    return false;
}

int
lane_push(lanes_t *self, lane_t *lane, call_t **call, err_t *err)
{
    if (lane->bytes + (*call)->charged > LANE_MAX_BYTES) {
        call_free(self, call);
        return err_set(err, FH_BUSY, "more than %d MiB of calls wait in the session's lane; wait for DONE",
                       LANE_MAX_BYTES >> 20);
    }
    append(lane, call);
    if (lane->state == LANE_IDLE)
        go_on(self, lane);
    return FH_OK;
}

bool
lane_claim(lane_t *lane, call_t **call)
{
    if (lane->state != LANE_IDLE || is_blocked(lane))
        return false;
    append(lane, call);
    lane->state = LANE_RUNNING;
    return true;
}

bool
lane_is_empty(const lane_t *lane)
{
    return lane->state == LANE_IDLE && !lane->gone && lane->owner.count == 0 && !lane->error;
}

lane_t *
lanes_take(lanes_t *self)
{
    return delist(&self->ring_first, &self->ring_last);
}

lane_t *
lanes_take_reactor(lanes_t *self)
{
    return delist(&self->reactor_first, &self->reactor_last);
}

/* After a session's end, when nothing will touch the lane any more. */
static void
dissolve(lanes_t *self, lane_t *lane)
{
    oid_map_remove(&self->by_session, lane->owner.session);
    while (lane->first)
        pop_call(self, lane);
    lane_free(lane);
}

bool
lane_settle(lanes_t *self, lane_t *lane, next_t next)
{
    call_t *call = lane->first;

    if (next == NEXT_DONE)
        pop_call(self, lane);
    if (lane->gone && (next == NEXT_DONE || !call->state)) {
        dissolve(self, lane);
        return false;
    }
    if (next == NEXT_DONE)
        return go_on(self, lane);
    if (next == NEXT_WAIT && !call->woken) {
        lane->state = LANE_WAITING;
        return false;
    }
    call->woken = false;
    return next == NEXT_COMPUTE ? make_runnable(self, lane) : make_reactor(self, lane);
}

bool
lane_next(lanes_t *self, lane_t *lane)
{
    if (lane->gone || !lane->first->next || is_blocked(lane))
        return false;
    pop_call(self, lane);
    return true;
}

void
lane_wake(lanes_t *self, lane_t *lane)
{
    if (!lane->first)
        return;
    if (lane->state == LANE_WAITING)
        make_reactor(self, lane);
    else
        lane->first->woken = true;
}

bool
lane_unblock(lanes_t *self, lane_t *lane)
{
    return lane->state == LANE_BLOCKED && !is_blocked(lane) && make_runnable(self, lane);
}

void
lane_cancel(lanes_t *self, lane_t *lane, uint64_t upto, bool (*wanted)(const call_t *call, void *context),
            void *context)
{
    for (call_t *call = lane->first; call && message_call(&call->message) <= upto; call = call->next)
        if (!wanted || wanted(call, context))
            __atomic_store_n(&call->cancelled, true, __ATOMIC_RELAXED);
    if (lane->first && call_cancelled(lane->first) && lane->state == LANE_WAITING)
        make_reactor(self, lane);
}

static void
delist_lane(lane_t **first, lane_t **last, const lane_t *lane)
{
    lane_t *previous = NULL;

    for (lane_t *at = *first; at; previous = at, at = at->next) {
        if (at != lane)
            continue;
        *(previous ? &previous->next : first) = at->next;
        if (*last == at)
            *last = previous;
        return;
    }
}

void
lane_end(lanes_t *self, lane_t *lane)
{
    lane->gone = true;
    lane->outbox = NULL;
    /* The first call may be in somebody's hands, or hold what must be undone by running it again. */
    while (lane->first && lane->first->next) {
        call_t *second = lane->first->next;

        lane->first->next = second->next;
        lane->bytes -= second->charged;
        lane->count--;
        call_free(self, &second);
    }
    lane->last = lane->first;
    lane_cancel(self, lane, UINT64_MAX, NULL, NULL);
    if (lane->state == LANE_RUNNING || (lane->first && lane->first->state))
        return;
    if (lane->state == LANE_RUNNABLE)
        delist_lane(&self->ring_first, &self->ring_last, lane);
    if (lane->state == LANE_REACTOR)
        delist_lane(&self->reactor_first, &self->reactor_last, lane);
    dissolve(self, lane);
}
