#include "proxy/tail.h"

#include "base/clock.h"
#include "proxy/emit.h"

#include <stdlib.h>
#include <string.h>

enum {
    STEPS = 16,  /* long enough to be sent */
    INPUTS = 16, /* of one expression, as of FUSED */
    RESULTS = 8, /* likewise */
    REDUCTIONS = 4,
    NUMBERS = 5,      /* for each step in FUSED */
    OP_NAME_MAX = 33, /* with a blank */
};

static const int64_t QUIET_NS = 1000000;

typedef struct {
    const op_t *op;
    uint64_t loop_in, loop_out, watch;
    int argument[OP_MAX_IN]; /* input, or INPUTS + OP_MAX_OUT * step + output */
    oid_t result[OP_MAX_OUT];
    bool wanted[OP_MAX_OUT];
} step_t;

typedef struct {
    int value;
    msg_REDUCE_t message;
    int64_t axes[SHAPE_MAX_DIMS];
    bool wanted;
} reduction_t;

struct tail {
    shape_t shape;
    uint64_t first;
    int ninputs, nsteps, nreductions;
    operand_t inputs[INPUTS];
    step_t steps[STEPS];
    reduction_t reductions[REDUCTIONS];
};

/* ---- keeping -------------------------------------------------------------------------------------------------------
 */

static void
clear(engine_link_t *engine)
{
    struct tail *tail = engine->tail;
    if (tail && tail->nsteps > 0)
        engine->session->tails--;
    if (tail)
        tail->ninputs = tail->nsteps = tail->nreductions = 0;
}

/* The value that is called so, or -1. */
static int
find_value(const struct tail *tail, oid_t id)
{
    for (int i = tail->nsteps - 1; i >= 0; i--)
        for (int k = 0; k < tail->steps[i].op->nout; k++)
            if (oid_equal(tail->steps[i].result[k], id))
                return INPUTS + OP_MAX_OUT * i + k;
    return -1;
}

static reduction_t *
find_reduction(struct tail *tail, oid_t id)
{
    for (int i = 0; i < tail->nreductions; i++)
        if (oid_equal(tail->reductions[i].message.result, id))
            return &tail->reductions[i];
    return NULL;
}

/* Is an operand what a reduction gives that was not sent yet?  Expressions are sent before reductions. */
static bool
uses_reduction(const engine_link_t *engine, const msg_UFUNC_t *ufunc)
{
    const fh_session *session = engine->session;
    bool found = false;
    for (uint32_t k = 0; k < ufunc->inputs.count && !found; k++) {
        oid_t id = ufunc->inputs.items[k].object;
        if (oid_is_none(id))
            continue;
        found = engine->tail->nsteps && find_reduction(engine->tail, id);
        for (int i = 0; i < session->njoins && !found; i++)
            found = oid_equal(session->joins[i].result, id);
    }
    return found;
}

static bool
same_operand(const operand_t *a, const operand_t *b)
{
    return oid_equal(a->object, b->object) &&
           (!oid_is_none(a->object) || (a->dtype == b->dtype && memcmp(a->scalar, b->scalar, sizeof a->scalar) == 0));
}

/* The value of an operand, which may become an input; -1: there is no room. */
static int
take_operand(struct tail *tail, const operand_t *operand)
{
    int value = oid_is_none(operand->object) ? -1 : find_value(tail, operand->object);
    for (int i = 0; i < tail->ninputs && value < 0; i++)
        if (same_operand(&tail->inputs[i], operand))
            value = i;
    if (value >= 0 || tail->ninputs == INPUTS)
        return value;
    tail->inputs[tail->ninputs] = *operand;
    return tail->ninputs++;
}

static int
count_wanted(const struct tail *tail)
{
    int n = 0;
    for (int i = 0; i < tail->nsteps; i++)
        for (int k = 0; k < tail->steps[i].op->nout; k++)
            n += tail->steps[i].wanted[k];
    return n;
}

/* Can it be a step?  It makes new arrays everywhere, whatever the values are, from one array at least. */
static bool
is_step(const engine_link_t *engine, const op_t *op, const msg_UFUNC_t *ufunc)
{
    bool array = false;
    for (uint32_t k = 0; k < ufunc->inputs.count; k++)
        array |= !oid_is_none(ufunc->inputs.items[k].object);
    char kind = dtype_kind((dtype_t)(ufunc->loop_out & 0xff));
    return engine->session->fusion && array && !ufunc->outs && oid_is_none(ufunc->where) &&
           !(op->code == OP_POWER && (kind == 'i' || kind == 'u'));
}

/* All arrays of an expression are in the engine's memory at once, which those of single operations are not: together
 * they must not need more than half of it. */
static bool
has_memory(const engine_link_t *engine, const op_t *op, const msg_UFUNC_t *ufunc)
{
    const struct tail *tail = engine->tail;
    int64_t arrays = tail->ninputs + (int)ufunc->inputs.count + count_wanted(tail) + op->nout;
    int64_t each = shape_bytes(&tail->shape, (dtype_t)(ufunc->loop_out & 0xff));
    return engine->memory <= 0 || each <= engine->memory / 2 / arrays;
}

/* Does it fit behind what is there? */
static bool
fits(const engine_link_t *engine, const op_t *op, const msg_UFUNC_t *ufunc, const shape_t *shape)
{
    const struct tail *tail = engine->tail;
    return tail->nsteps < STEPS && tail->ninputs + (int)ufunc->inputs.count + RESULTS <= INPUTS &&
           count_wanted(tail) + op->nout <= RESULTS && tail->first == ufunc->first &&
           shape_equal(&tail->shape, shape) && has_memory(engine, op, ufunc);
}

static int
make_tail(engine_link_t *engine, err_t *err)
{
    if (!engine->tail)
        engine->tail = calloc(1, sizeof *engine->tail);
    return engine->tail ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for operations that wait");
}

int
tail_ufunc(engine_link_t *engine, const op_t *op, message_t *message, const shape_t *shape, err_t *err)
{
    const msg_UFUNC_t *ufunc = &message->as.UFUNC;
    fh_session *session = engine->session;
    if (!is_step(engine, op, ufunc))
        return engine_link_call(engine, message, NULL, NULL, err);
    int64_t now = clock_now_ns();
    int status = engine_link_open(engine, err);
    if (!status)
        status = make_tail(engine, err);
    struct tail *tail = engine->tail;
    if (!status && tail_waits(session) &&
        ((tail->nsteps && !fits(engine, op, ufunc, shape)) || uses_reduction(engine, ufunc) ||
         now - session->tails_ns > QUIET_NS))
        status = tail_send(session, err);
    if (status)
        return status;
    if (!tail->nsteps) {
        tail->shape = *shape;
        tail->first = ufunc->first;
        session->tails++;
    }
    step_t *step = &tail->steps[tail->nsteps];
    *step = (step_t){.op = op, .loop_in = ufunc->loop_in, .loop_out = ufunc->loop_out, .watch = ufunc->watch};
    for (int k = 0; k < op->nin; k++)
        step->argument[k] = take_operand(tail, &ufunc->inputs.items[k]);
    for (int k = 0; k < op->nout; k++) {
        step->result[k] = ufunc->results.items[k];
        step->wanted[k] = true;
    }
    tail->nsteps++;
    session->tails_ns = now;
    return FH_OK;
}

int
tail_reduce(engine_link_t *engine, message_t *message, err_t *err)
{
    const msg_REDUCE_t *reduce = &message->as.REDUCE;
    struct tail *tail = engine->tail;
    int value = tail && tail->nsteps ? find_value(tail, reduce->object) : -1;
    int found = reduce_find(reduce->op.data, reduce->op.size);
    if (value < 0 || tail->nreductions == REDUCTIONS || found == REDUCE_ARGMIN || found == REDUCE_ARGMAX)
        return engine_link_call(engine, message, NULL, NULL, err);
    reduction_t *reduction = &tail->reductions[tail->nreductions++];
    reduction->value = value;
    reduction->message = *reduce;
    reduction->wanted = true;
    memcpy(reduction->axes, reduce->axes.items, reduce->axes.count * sizeof reduction->axes[0]);
    reduction->message.op = str_of(reduce_name((reduce_t)found));
    reduction->message.axes.items = reduction->axes;
    engine->session->tails_ns = clock_now_ns();
    return FH_OK;
}

bool
tail_has(const engine_link_t *engine, oid_t id)
{
    struct tail *tail = engine->tail;
    return tail && tail->nsteps && (find_value(tail, id) >= 0 || find_reduction(tail, id));
}

bool
tail_drop(engine_link_t *engine, oid_t id)
{
    struct tail *tail = engine->tail;
    if (!tail || !tail->nsteps || engine->session->sending_tails)
        return false;
    int value = find_value(tail, id) - INPUTS;
    reduction_t *reduction = value < 0 ? find_reduction(tail, id) : NULL;
    if (value >= 0)
        tail->steps[value / OP_MAX_OUT].wanted[value % OP_MAX_OUT] = false;
    if (reduction)
        reduction->wanted = false;
    return value >= 0 || reduction;
}

bool
tail_waits(const fh_session *session)
{
    return session->tails > 0 || session->njoins > 0;
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

/* What of a tail goes into one expression, numbered anew. */
typedef struct {
    bool step[STEPS];
    int number[INPUTS + OP_MAX_OUT * STEPS]; /* of values */
    char ops[STEPS * OP_NAME_MAX];
    uint32_t ops_size;
    const bool *made; /* values that are arrays already, and serve as inputs; NULL: none */
    operand_t inputs[INPUTS];
    uint32_t ninputs, nsteps;
    int64_t numbers[NUMBERS * STEPS];
    int64_t watches[STEPS + 1]; /* the last one: of the reduction */
    bool watched;               /* one of them at least */
    oid_t results[RESULTS];
    int64_t values[RESULTS];
    uint32_t nresults;
} choice_t;

static void
need(choice_t *self, int value)
{
    if (value >= INPUTS && !(self->made && self->made[value]))
        self->step[(value - INPUTS) / OP_MAX_OUT] = true;
}

/* The new number of what a step takes. */
static int64_t
number_of(choice_t *self, const struct tail *tail, int value)
{
    bool made = value >= INPUTS && self->made && self->made[value];
    if (self->number[value] < 0 || (made && self->number[value] >= INPUTS)) {
        int at = value - INPUTS;
        operand_t *input = &self->inputs[self->ninputs];
        if (made)
            *input = (operand_t){.object = tail->steps[at / OP_MAX_OUT].result[at % OP_MAX_OUT]};
        else
            *input = tail->inputs[value];
        self->number[value] = (int)self->ninputs++;
    }
    return self->number[value];
}

/* All that the chosen steps need, in their order. */
static void
number(choice_t *self, const struct tail *tail)
{
    for (int i = tail->nsteps - 1; i >= 0; i--)
        for (int k = 0; self->step[i] && k < tail->steps[i].op->nin; k++)
            need(self, tail->steps[i].argument[k]);
    for (int i = 0; i < INPUTS + OP_MAX_OUT * STEPS; i++)
        self->number[i] = -1;
    for (int i = 0; i < tail->nsteps; i++) {
        const step_t *step = &tail->steps[i];
        if (!self->step[i])
            continue;
        int64_t *numbers = &self->numbers[NUMBERS * self->nsteps];
        numbers[0] = (int64_t)step->loop_in;
        numbers[1] = (int64_t)step->loop_out;
        for (int k = 0; k < OP_MAX_IN; k++)
            numbers[2 + k] = k < step->op->nin ? number_of(self, tail, step->argument[k]) : 0;
        for (int k = 0; k < OP_MAX_OUT; k++)
            self->number[INPUTS + OP_MAX_OUT * i + k] = INPUTS + OP_MAX_OUT * (int)self->nsteps + k;
        self->watches[self->nsteps] = (int64_t)step->watch;
        self->watched |= step->watch != 0;
        uint32_t size = (uint32_t)strlen(step->op->name);
        if (self->nsteps++ > 0)
            self->ops[self->ops_size++] = ' ';
        memcpy(self->ops + self->ops_size, step->op->name, size);
        self->ops_size += size;
    }
}

static void
fill(const choice_t *self, const struct tail *tail, bool reduced, msg_FUSED_t *ret)
{
    if (self->watched)
        ret->watches = (ints_t){self->watches, self->nsteps + reduced};
    ret->ops = (str_t){self->ops, self->ops_size};
    ret->inputs = (operands_t){self->inputs, self->ninputs};
    ret->steps = (ints_t){self->numbers, NUMBERS * self->nsteps};
    ret->results = (oids_t){self->results, self->nresults};
    ret->values = (ints_t){self->values, self->nresults};
    ret->first = tail->first;
}

/* One step whose results are all wanted goes as what it was. */
static int
send_single(engine_link_t *engine, const choice_t *choice, const step_t *step, err_t *err)
{
    message_t message = {.code = MSG_UFUNC};
    operand_t operands[OP_MAX_IN];
    for (int k = 0; k < step->op->nin; k++)
        operands[k] = choice->inputs[choice->numbers[2 + k]];
    message.as.UFUNC.op = str_of(step->op->name);
    message.as.UFUNC.inputs = (operands_t){operands, (uint32_t)step->op->nin};
    message.as.UFUNC.results = (oids_t){step->result, (uint32_t)step->op->nout};
    message.as.UFUNC.loop_in = step->loop_in;
    message.as.UFUNC.loop_out = step->loop_out;
    message.as.UFUNC.first = engine->tail->first;
    message.as.UFUNC.watch = step->watch;
    return engine_link_call(engine, &message, NULL, NULL, err);
}

/* The inputs that each step depends on. */
static void
find_sources(const struct tail *tail, uint32_t ret[STEPS])
{
    for (int i = 0; i < tail->nsteps; i++) {
        ret[i] = 0;
        for (int k = 0; k < tail->steps[i].op->nin; k++) {
            int value = tail->steps[i].argument[k];
            ret[i] |= value < INPUTS ? UINT32_C(1) << value : ret[(value - INPUTS) / OP_MAX_OUT];
        }
    }
}

/* The wanted results of the steps that depend on the same inputs as step first. */
static int
send_group(engine_link_t *engine, int first, const uint32_t *sources, bool *made, err_t *err)
{
    const struct tail *tail = engine->tail;
    choice_t choice = {.made = made};
    message_t message = {.code = MSG_FUSED};
    const step_t *single = NULL;
    int values[RESULTS];
    for (int i = first; i < tail->nsteps; i++)
        for (int k = 0; k < tail->steps[i].op->nout && sources[i] == sources[first]; k++) {
            if (!tail->steps[i].wanted[k])
                continue;
            choice.step[i] = true;
            choice.results[choice.nresults] = tail->steps[i].result[k];
            values[choice.nresults++] = INPUTS + OP_MAX_OUT * i + k;
            single = &tail->steps[i];
        }
    number(&choice, tail);
    for (uint32_t r = 0; r < choice.nresults; r++)
        choice.values[r] = choice.number[values[r]];
    int status;
    if (choice.nsteps == 1 && (int)choice.nresults == single->op->nout) {
        status = send_single(engine, &choice, single, err);
    } else {
        fill(&choice, tail, false, &message.as.FUSED);
        status = engine_link_call(engine, &message, NULL, NULL, err);
    }
    for (uint32_t r = 0; r < choice.nresults; r++)
        made[values[r]] = true;
    return status;
}

/* Results share a message if they depend on the same inputs: a failed input must not spoil what does not need it. */
static int
send_values(engine_link_t *engine, err_t *err)
{
    const struct tail *tail = engine->tail;
    bool made[INPUTS + OP_MAX_OUT * STEPS] = {false};
    uint32_t sources[STEPS];
    int status = FH_OK;
    find_sources(tail, sources);
    for (int i = 0; i < tail->nsteps && !status; i++)
        for (int k = 0; k < tail->steps[i].op->nout && !status; k++)
            if (tail->steps[i].wanted[k] && !made[INPUTS + OP_MAX_OUT * i + k])
                status = send_group(engine, i, sources, made, err);
    return status;
}

static int
send_reduction(engine_link_t *engine, const reduction_t *reduction, err_t *err)
{
    const struct tail *tail = engine->tail;
    const msg_REDUCE_t *reduce = &reduction->message;
    int at = reduction->value - INPUTS;
    message_t message = {.code = MSG_REDUCE, .as.REDUCE = *reduce};
    choice_t choice = {0};
    if (tail->steps[at / OP_MAX_OUT].wanted[at % OP_MAX_OUT]) /* it has just been made */
        return engine_link_call(engine, &message, NULL, NULL, err);
    need(&choice, reduction->value);
    number(&choice, tail);
    choice.results[0] = reduce->result;
    choice.values[0] = choice.number[reduction->value];
    choice.nresults = 1;
    message = (message_t){.code = MSG_FUSED};
    choice.watches[choice.nsteps] = (int64_t)reduce->watch;
    choice.watched |= reduce->watch != 0;
    fill(&choice, tail, true, &message.as.FUSED);
    message.as.FUSED.reduce = reduce->op;
    message.as.FUSED.axes = reduce->axes;
    message.as.FUSED.keepdims = reduce->keepdims;
    message.as.FUSED.dtype = reduce->dtype;
    message.as.FUSED.axis = reduce->axis;
    message.as.FUSED.start = reduce->start;
    message.as.FUSED.whole = reduce->whole;
    return engine_link_call(engine, &message, NULL, NULL, err);
}

static int
send_one(engine_link_t *engine, err_t *err)
{
    int status = send_values(engine, err);
    for (int i = 0; i < engine->tail->nreductions && !status; i++)
        if (engine->tail->reductions[i].wanted)
            status = send_reduction(engine, &engine->tail->reductions[i], err);
    return status;
}

int
tail_send(fh_session *session, err_t *err)
{
    int status = FH_OK;
    if (!tail_waits(session) || session->sending_tails)
        return FH_OK;
    session->sending_tails = true;
    for (int i = 0; i < session->nengines; i++) {
        engine_link_t *engine = session->engines[i];
        if (!status && engine->tail && engine->tail->nsteps)
            status = send_one(engine, err);
        clear(engine);
    }
    for (int i = 0; i < session->njoins; i++) {
        if (!status)
            status = tail_join_send(&session->joins[i], err);
        tail_join_release(&session->joins[i]);
    }
    session->njoins = 0;
    session->sending_tails = false;
    return status;
}

void
tail_forget(engine_link_t *engine)
{
    clear(engine);
}

void
tail_destroy(engine_link_t *engine)
{
    free(engine->tail);
    engine->tail = NULL;
}
