/* engine/methods/adopt.c - ADOPT: an array in the memory of another engine on this host; LAY: where a new array is to
 * lie, perhaps there. */
#include "engine/borrow.h"
#include "engine/methods.h"
#include "engine/places.h"

#include <stddef.h>

enum { PHASE_BEGIN, PHASE_WAIT };

/* What both ask for. */
typedef struct {
    oid_t engine, object, result;
    uint64_t size; /* 0: the memory is that of an array */
    int64_t offset;
    nd_t nd;
    /* Takes the reference of the segment, in which nd lies by now. */
    int (*take)(run_t *run, oid_t result, segment_t **segment, const nd_t *nd, err_t *err);
} wanted_t;

/* ---- what becomes of it --------------------------------------------------------------------------------------------
 */

static int
publish(run_t *run, oid_t result, segment_t **segment, const nd_t *nd, err_t *err)
{
    pin_t pin = {.segment = *segment, .nd = *nd};

    *segment = NULL;
    return core_publish(run->core, run->lane, result, &pin, true, err);
}

static int
keep_place(run_t *run, oid_t result, segment_t **segment, const nd_t *nd, err_t *err)
{
    pthread_mutex_lock(&run->core->lock);
    int status = places_add(run->lane, result, segment, nd, err);

    pthread_mutex_unlock(&run->core->lock);
    return status;
}

/* start: where the array, or the memory for pieces, begins in the segment. */
static int
finish(run_t *run, wanted_t *wanted, segment_t **segment, int64_t start, err_t *err)
{
    int status = run_place_aligned(*segment, start, wanted->offset, &wanted->nd, err);

    if (!status)
        status = wanted->take(run, wanted->result, segment, &wanted->nd, err);
    pthread_mutex_lock(&run->core->lock);
    whole_release(segment);
    if (!status)
        core_reply_ok(run->core, run->lane, message_call(&run->call->message));
    pthread_mutex_unlock(&run->core->lock);
    return status;
}

/* ---- getting it ----------------------------------------------------------------------------------------------------
 */

static int
begin(run_t *run, wanted_t *wanted, err_t *err)
{
    core_t *core = run->core;
    borrowed_t borrowed = {NULL, 0};
    question_t *question = NULL;
    int status = FH_OK;

    pthread_mutex_lock(&core->lock);
    if (!borrows_find(core->borrows, wanted->engine, wanted->object, &borrowed))
        status = borrows_ask(core->borrows, run->lane, wanted->engine, wanted->object, wanted->size, &question, err);
    pthread_mutex_unlock(&core->lock);
    if (status)
        return status;
    if (borrowed.segment)
        return finish(run, wanted, &borrowed.segment, borrowed.offset, err);
    run->call->state = question;
    run->call->phase = PHASE_WAIT;
    run->next = NEXT_WAIT;
    return FH_OK;
}

static int
collect(run_t *run, wanted_t *wanted, err_t *err)
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
        return finish(run, wanted, &borrowed.segment, borrowed.offset, err);
    run->next = NEXT_WAIT;
    return FH_OK;
}

static int
run_wanted(run_t *run, wanted_t *wanted, err_t *err)
{
    if (run->call->phase != PHASE_BEGIN)
        return collect(run, wanted, err);
    int status = core_check_new(run->core, wanted->result, err);

    return status ? status : begin(run, wanted, err);
}

/* ---- messages ------------------------------------------------------------------------------------------------------
 */

static int
run_adopt(run_t *run, err_t *err)
{
    const msg_ADOPT_t *adopt = &run->call->message.as.ADOPT;
    wanted_t wanted = {.engine = adopt->engine,
                       .object = adopt->object,
                       .result = adopt->result,
                       .offset = adopt->offset,
                       .take = publish};
    int status = run_strided(adopt->dtype, adopt->shape, adopt->strides, &wanted.nd, err);

    if (!status && oid_equal(adopt->engine, run->core->id))
        status = err_set(err, FH_INVALID_ARGUMENT, "the memory is this engine's own: VIEW sees it");
    return status ? status : run_wanted(run, &wanted, err);
}

static int
run_lay(run_t *run, err_t *err)
{
    const msg_LAY_t *lay = &run->call->message.as.LAY;
    wanted_t wanted = {.engine = lay->engine,
                       .object = lay->memory,
                       .result = lay->result,
                       .size = lay->size,
                       .offset = lay->offset,
                       .take = keep_place};
    segment_t *segment = NULL;
    int status = run_strided(lay->dtype, lay->shape, lay->strides, &wanted.nd, err);

    if (status)
        return status;
    if (!oid_equal(lay->engine, run->core->id))
        return run_wanted(run, &wanted, err);
    status = core_check_new(run->core, lay->result, err);
    if (status || run_defer(run, (int64_t)lay->size))
        return status;
    status = wholes_take(run->core, lay->memory, run->lane->owner.session, lay->size, 0, &segment, err);
    return status ? status : finish(run, &wanted, &segment, 0, err);
}

static const method_t ROWS[] = {
    {.code = MSG_ADOPT, .flags = METHOD_ANSWERS, .run = run_adopt},
    {.code = MSG_LAY, .flags = METHOD_ANSWERS, .run = run_lay},
};

const method_table_t METHODS_ADOPT = {ROWS, sizeof ROWS / sizeof *ROWS};
