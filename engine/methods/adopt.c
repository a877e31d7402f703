/* engine/methods/adopt.c - ADOPT: an array in the memory of another engine on this host. */
#include "engine/borrow.h"
#include "engine/methods.h"

enum { PHASE_BEGIN, PHASE_WAIT };

static int
publish(run_t *run, const borrowed_t *borrowed, nd_t *nd, err_t *err)
{
    const msg_ADOPT_t *adopt = &run->call->message.as.ADOPT;
    pin_t pin = {.segment = borrowed->segment};
    int status = run_place_aligned(borrowed->segment, borrowed->offset, adopt->offset, nd, err);

    pin.nd = *nd;
    if (!status)
        status = core_publish(run->core, run->lane, adopt->result, &pin, true, err);
    pin_release(&pin);
    if (status)
        return status;
    pthread_mutex_lock(&run->core->lock);
    core_reply_ok(run->core, run->lane, adopt->call);
    pthread_mutex_unlock(&run->core->lock);
    return FH_OK;
}

static int
begin(run_t *run, nd_t *nd, err_t *err)
{
    const msg_ADOPT_t *adopt = &run->call->message.as.ADOPT;
    core_t *core = run->core;
    borrowed_t borrowed = {NULL, 0};
    question_t *question = NULL;
    int status = core_check_new(core, adopt->result, err);

    if (!status && oid_equal(adopt->engine, core->id))
        status = err_set(err, FH_INVALID_ARGUMENT, "the memory is this engine's own: VIEW sees it");
    if (status)
        return status;
    pthread_mutex_lock(&core->lock);
    if (!borrows_find(core->borrows, adopt->engine, adopt->object, &borrowed))
        status = borrows_ask(core->borrows, run->lane, adopt->engine, adopt->object, &question, err);
    pthread_mutex_unlock(&core->lock);
    if (status)
        return status;
    if (borrowed.segment)
        return publish(run, &borrowed, nd, err);
    run->call->state = question;
    run->call->phase = PHASE_WAIT;
    run->next = NEXT_WAIT;
    return FH_OK;
}

static int
collect(run_t *run, nd_t *nd, err_t *err)
{
    core_t *core = run->core;
    question_t *question = run->call->state;
    borrowed_t borrowed = {NULL, 0};
    bool came = false;
    int status = FH_OK;

    if (call_cancelled(run->call)) {
        status = err_set(err, FH_CANCELLED, "cancelled while waiting for another engine's memory");
        pthread_mutex_lock(&core->lock);
        borrows_forget(core->borrows, &question);
        pthread_mutex_unlock(&core->lock);
    } else {
        status = borrows_collect(core->borrows, &question, &came, &borrowed, err);
    }
    run->call->state = question;
    if (status)
        return status;
    if (came)
        return publish(run, &borrowed, nd, err);
    run->next = NEXT_WAIT;
    return FH_OK;
}

static int
run_adopt(run_t *run, err_t *err)
{
    const msg_ADOPT_t *adopt = &run->call->message.as.ADOPT;
    nd_t nd;

    /* Checked already in the second phase. */
    int status = run_strided(adopt->dtype, adopt->shape, adopt->strides, &nd, err);

    if (status)
        return status;
    return run->call->phase == PHASE_BEGIN ? begin(run, &nd, err) : collect(run, &nd, err);
}

static const method_t ROWS[] = {
    {.code = MSG_ADOPT, .flags = METHOD_ANSWERS, .run = run_adopt},
};

const method_table_t METHODS_ADOPT = {ROWS, sizeof ROWS / sizeof *ROWS};
