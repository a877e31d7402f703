/* engine/methods/move.c - SEND and EXPECT: arrays between engines; DEPOSIT and COMPLETE: arrays that come over streams.
 */
#include "engine/deposit.h"
#include "engine/methods.h"
#include "engine/transfer.h"

#include <stddef.h>

static int
run_send(run_t *run, err_t *err)
{
    const msg_SEND_t *send = &run->call->message.as.SEND;
    core_t *core = run->core;
    pin_t pin = {0};
    err_t failure = {0};
    int status;

    if (call_cancelled(run->call))
        status = err_set(&failure, FH_CANCELLED, "cancelled before it was sent");
    else
        status = core_pin(core, send->object, &pin, &failure);
    pthread_mutex_lock(&core->lock);
    if (run->lane->gone) {
        pthread_mutex_unlock(&core->lock);
        pin_release(&pin);
        return FH_OK;
    }
    if (!status)
        status =
            transfers_send(core->transfers, run->lane->owner.session, send->transfer, send->engine, &pin, &failure);
    if (status) {
        err_set_origin(&failure, "engine %d (%s), SEND", core->number, core->host_name);
        transfers_send_failure(core->transfers, run->lane->owner.session, send->transfer, send->engine, &failure);
    }
    core_wake_reactor(core);
    pthread_mutex_unlock(&core->lock);
    /* The receiver's array is poisoned: that is where the error comes up. */
    (void)err;
    return FH_OK;
}

enum { PHASE_BEGIN, PHASE_WAIT };

static int
begin_expect(run_t *run, err_t *err)
{
    const msg_EXPECT_t *expect = &run->call->message.as.EXPECT;
    core_t *core = run->core;
    pin_t pin = {0};
    dtype_t dtype;
    shape_t shape;
    bool parts = false, ahead = false;
    int status = run_shape(expect->dtype, expect->shape, &dtype, &shape, err);

    if (!status)
        status = core_check_new(core, expect->transfer, err);
    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    status = transfers_expect_ahead(core->transfers, run->lane, expect->transfer, expect->engine, dtype, &shape, &ahead,
                                    err);
    pthread_mutex_unlock(&core->lock);
    if (status || ahead || run_defer(run, shape_bytes(&shape, dtype)))
        return status;
    status = core_make(core, run->lane, dtype, &shape, false, 0, &pin, err);
    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    status = transfers_expect(core->transfers, run->lane, expect->transfer, expect->engine, &pin, &parts, err);
    pthread_mutex_unlock(&core->lock);
    if (!status && parts)
        transfers_take_parts(core, expect->transfer);
    return status;
}

/* What another engine of this host offers is read now. */
static void
take_offer(run_t *run)
{
    const msg_EXPECT_t *expect = &run->call->message.as.EXPECT;
    core_t *core = run->core;

    pthread_mutex_lock(&core->lock);
    bool offered = transfers_has_offer(core->transfers, expect->transfer);

    pthread_mutex_unlock(&core->lock);
    if (!offered)
        return;
    if (run->on_reactor)
        run->next = NEXT_COMPUTE;
    else
        transfers_take_offer(core, run->crew, expect->transfer);
}

static int
collect(run_t *run, err_t *err)
{
    const msg_EXPECT_t *expect = &run->call->message.as.EXPECT;
    core_t *core = run->core;
    pin_t pin = {0};
    bool complete = false;

    pthread_mutex_lock(&core->lock);
    int status = transfers_collect(core->transfers, expect->transfer, &complete, &pin, err);

    pthread_mutex_unlock(&core->lock);
    if (!status && !complete)
        run->next = NEXT_WAIT;
    else if (!status)
        status = core_publish(core, run->lane, expect->transfer, &pin, false, err);
    pin_release(&pin);
    return status;
}

static int
run_expect(run_t *run, err_t *err)
{
    const msg_EXPECT_t *expect = &run->call->message.as.EXPECT;
    core_t *core = run->core;
    int status = FH_OK;

    if (call_cancelled(run->call))
        status = err_set(err, FH_CANCELLED, "cancelled while waiting for an array from another engine");
    else if (run->call->phase == PHASE_BEGIN)
        status = begin_expect(run, err);
    if (status) {
        pthread_mutex_lock(&core->lock);
        transfers_discard(core->transfers, run->lane->owner.session, expect->transfer);
        pthread_mutex_unlock(&core->lock);
        return status;
    }
    if (run->next == NEXT_COMPUTE)
        return FH_OK;
    run->call->phase = PHASE_WAIT;
    take_offer(run);
    return run->next == NEXT_COMPUTE ? FH_OK : collect(run, err);
}

static int
results_expect(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.EXPECT.transfer;
    return 1;
}

/* ---- over streams --------------------------------------------------------------------------------------------------
 */

static int
run_deposit(run_t *run, err_t *err)
{
    const msg_DEPOSIT_t *deposit = &run->call->message.as.DEPOSIT;
    core_t *core = run->core;
    pin_t pin = {0};
    dtype_t dtype;
    shape_t shape;
    int status = core->streams ? run_shape(deposit->dtype, deposit->shape, &dtype, &shape, err)
                               : err_set(err, FH_NOT_SUPPORTED, "this engine has no streams");

    if (!status)
        status = core_check_new(core, deposit->result, err);
    if (status || run_defer(run, shape_bytes(&shape, dtype)))
        return status;
    status = core_make(core, run->lane, dtype, &shape, false, 0, &pin, err);
    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    status = deposits_open(core->deposits, run->lane, deposit->result, &pin, err);
    if (!status)
        core_reply_ok(core, run->lane, deposit->call);
    pthread_mutex_unlock(&core->lock);
    return status;
}

static int
run_complete(run_t *run, err_t *err)
{
    const msg_COMPLETE_t *complete = &run->call->message.as.COMPLETE;
    core_t *core = run->core;
    pin_t pin = {0};

    pthread_mutex_lock(&core->lock);
    int status = deposits_complete(core->deposits, run->lane->owner.session, complete->result, &pin, err);

    pthread_mutex_unlock(&core->lock);
    if (!status)
        status = core_publish(core, run->lane, complete->result, &pin, false, err);
    pin_release(&pin);
    return status;
}

static int
results_complete(const message_t *message, oid_t ret[METHOD_MAX_RESULTS])
{
    ret[0] = message->as.COMPLETE.result;
    return 1;
}

static const method_t ROWS[] = {
    {.code = MSG_DEPOSIT, .flags = METHOD_ANSWERS, .run = run_deposit},
    {.code = MSG_COMPLETE, .run = run_complete, .results = results_complete},
    {.code = MSG_SEND, .flags = METHOD_ALWAYS, .run = run_send},
    {.code = MSG_EXPECT, .flags = METHOD_ALWAYS, .run = run_expect, .results = results_expect},
};

const method_table_t METHODS_MOVE = {ROWS, sizeof ROWS / sizeof *ROWS};
