/* engine/dispatch.c - from a method's status to poison, errors and DONE. */
#include "engine/dispatch.h"

#include "base/log.h"
#include "codecs/op.h"
#include "engine/compute/flags.h"
#include "engine/places.h"
#include "engine/raised.h"

enum { DONE_EVERY_CALLS = 64, DONE_EVERY_BYTES = 4 * 1024 * 1024 };

static void
set_origin(const core_t *core, const method_t *method, const message_t *message, err_t *err)
{
    str_t detail = method->detail ? *(const str_t *)((const char *)message + method->detail) : str_of("");

    err_set_origin(err, "engine %d (%s), %s%s%.*s", core->number, core->host_name, message_desc(message->code)->name,
                   detail.size ? " " : "", (int)detail.size, detail.data);
}

static buf_t *
poison_of(core_t *core, const err_t *err)
{
    buf_t *poison = NULL;

    return buf_new_copy(&poison, err, sizeof *err, NULL) ? buf_ref(core->no_memory) : poison;
}

/* Give the error to all new results.  Returns how many took it. */
static int
poison_results(core_t *core, lane_t *lane, const method_t *method, const message_t *message, const err_t *err)
{
    oid_t ids[METHOD_MAX_RESULTS];
    int n = method->results ? method->results(message, ids) : 0, taken = 0;

    if (!n)
        return 0;
    buf_t *poison = poison_of(core, err);

    for (int i = 0; i < n; i++)
        taken += object_table_add_poisoned(&core->objects, &lane->owner, ids[i], poison, NULL) == FH_OK;
    buf_unref(&poison);
    return taken;
}

/* Give the error to what the call should have helped to fill.  False: there is no such array of this session. */
static bool
poison_whole(core_t *core, const lane_t *lane, const method_t *method, const message_t *message, const err_t *err)
{
    object_t *whole = method->whole
                          ? object_table_find(&core->objects, *(const oid_t *)((const char *)message + method->whole))
                          : NULL;

    if (!whole || whole->owner != &lane->owner)
        return false;
    buf_t *poison = poison_of(core, err);

    object_table_poison(whole, poison);
    buf_unref(&poison);
    return true;
}

/* Does the client learn it anyhow?  It has cancelled the call itself, or what should have been written into is
 * poisoned: then the error comes up where its value is asked for. */
static bool
is_known(core_t *core, const method_t *method, const call_t *call)
{
    const object_t *target = NULL;

    if (call_cancelled(call))
        return true;
    if (method->target)
        target = object_table_find(&core->objects, *(const oid_t *)((const char *)&call->message + method->target));
    return target && target->poison;
}

static void
fail(core_t *core, lane_t *lane, const method_t *method, const call_t *call, err_t *err)
{
    if (lane->gone)
        return;
    set_origin(core, method, &call->message, err);
    if (method->flags & METHOD_ANSWERS)
        core_reply_error(core, lane, message_call(&call->message), err);
    bool outs = method->outs && *(const uint64_t *)((const char *)&call->message + method->outs);

    if ((!poison_results(core, lane, method, &call->message, err) || outs) &&
        !poison_whole(core, lane, method, &call->message, err) && !(method->flags & METHOD_ANSWERS) &&
        !is_known(core, method, call))
        core_note_error(core, lane, err);
}

/* What the call was to make is there, or will never be. */
static void
forget_places(lane_t *lane, const method_t *method, const message_t *message)
{
    oid_t ids[METHOD_MAX_RESULTS];
    int n = method->results ? method->results(message, ids) : 0;

    for (int i = 0; i < n; i++)
        places_end(lane, ids[i]);
}

static void
note_done(core_t *core, lane_t *lane, const call_t *call, bool on_reactor)
{
    uint64_t number = message_call(&call->message);

    core->counters.calls++;
    core->counters.bytes_in += call->raw_size;
    if (lane->gone)
        return;
    if (call->connection == lane->connection && number > lane->done)
        lane->done = number;
    lane->done_calls++;
    lane->done_bytes += call->raw_size;
    /* On the reactor the lane may get more from the same message; the reactor tells when it has run empty. */
    if (lane->done_calls >= DONE_EVERY_CALLS || lane->done_bytes >= DONE_EVERY_BYTES || (!call->next && !on_reactor))
        core_tell_done(core, lane);
}

/* The client is to hear of floating-point flags that the call has raised. */
static void
note_flags(lane_t *lane, const method_t *method, const message_t *message, uint64_t watch, unsigned flags)
{
    const char *said = method->raised_by ? method->raised_by(message) : method->raises;
    str_t name = said ? str_of(said) : *(const str_t *)((const char *)message + method->detail);
    const op_t *op = said ? NULL : op_find(name.data, name.size);

    raised_note(lane, watch, op ? flags_of_op(op, flags) : flags, name);
}

next_t
dispatch_run(core_t *core, lane_t *lane, crew_t *crew, bool on_reactor)
{
    call_t *call = lane->first;
    const method_t *method = methods_find(call->message.code);
    run_t run = {.core = core, .lane = lane, .call = call, .crew = crew, .on_reactor = on_reactor, .next = NEXT_DONE};
    uint64_t watch = method->watch ? *(const uint64_t *)((const char *)&call->message + method->watch) : 0;
    unsigned flags = 0;
    err_t err = {0};
    int status;

    if (watch)
        flags_clear();
    if (call->phase == 0 && call_cancelled(call) && !(method->flags & METHOD_ALWAYS))
        status = err_set(&err, FH_CANCELLED, "cancelled before it began");
    else if (call->refused)
        status = err_set(&err, FH_LIMIT_EXCEEDED,
                         "the engine had no memory to keep the %zu bytes that came with the call, since so many calls "
                         "wait: send less at a time, release arrays, or start engines with more --memory",
                         call->raw_size);
    else
        status = method->run(&run, &err);
    /* What has failed has changed nothing: the compute thread has the time that the reactor has not. */
    if (status == FH_BUSY && on_reactor && call->phase == 0 && run.next == NEXT_DONE)
        return NEXT_COMPUTE;
    if ((!status || run.put_off) && run.next != NEXT_DONE)
        return run.next;
    if (watch)
        flags = flags_raised();
    pthread_mutex_lock(&core->lock);
    if (flags && !status)
        note_flags(lane, method, &call->message, watch, flags);
    if (status)
        fail(core, lane, method, call, &err);
    if (lane->places)
        forget_places(lane, method, &call->message);
    note_done(core, lane, call, on_reactor);
    pthread_mutex_unlock(&core->lock);
    return NEXT_DONE;
}
