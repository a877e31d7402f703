/* What of a tail goes into which message. */
#include "proxy/tail_parts.h"

#include <string.h>

enum {
    NUMBERS = 5,              /* for each step in FUSED */
    OP_NAME_MAX = 33,         /* with a blank */
    WORTH_DYING = 256 * 1024, /* bytes of an array */
    DROPS = 256,              /* ids that are looked through, the latest */
};

/* What of a tail goes into one expression, numbered anew. */
typedef struct {
    bool step[TAIL_STEPS];
    int number[TAIL_VALUES];
    char ops[TAIL_STEPS * OP_NAME_MAX];
    uint32_t ops_size;
    operand_t inputs[TAIL_INPUTS];
    int from[TAIL_INPUTS]; /* the tail's input; -1: a value that was made */
    uint32_t ninputs, nsteps;
    int64_t numbers[NUMBERS * TAIL_STEPS];
    int64_t watches[TAIL_STEPS + 1]; /* the last one: of the reduction */
    bool watched;                    /* one of them at least */
    oid_t results[TAIL_RESULTS];
    int64_t values[TAIL_RESULTS];
    uint32_t nresults;
    uint64_t outs;
} choice_t;

/* How a message is sent: or only counted, to know which one is the last that takes an input. */
typedef struct {
    engine_link_t *engine;
    struct tail *tail;
    bool counts;
} sender_t;

static bool
is_made(const struct tail *tail, int value)
{
    return value >= TAIL_INPUTS && tail->made[value];
}

static void
need(choice_t *self, const struct tail *tail, int value)
{
    if (value >= TAIL_INPUTS && !is_made(tail, value))
        self->step[(value - TAIL_INPUTS) / OP_MAX_OUT] = true;
}

/* The new number of what a step takes. */
static int64_t
number_of(choice_t *self, const struct tail *tail, int value)
{
    bool made = is_made(tail, value);
    if (self->number[value] < 0 || (made && self->number[value] >= TAIL_INPUTS)) {
        int at = value - TAIL_INPUTS;
        operand_t *input = &self->inputs[self->ninputs];
        if (made)
            *input = (operand_t){.object = tail->steps[at / OP_MAX_OUT].result[at % OP_MAX_OUT]};
        else
            *input = tail->inputs[value];
        self->from[self->ninputs] = made ? -1 : value;
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
            need(self, tail, tail->steps[i].argument[k]);
    for (int i = 0; i < TAIL_VALUES; i++)
        self->number[i] = -1;
    for (int i = 0; i < tail->nsteps; i++) {
        const tail_step_t *step = &tail->steps[i];
        if (!self->step[i])
            continue;
        int64_t *numbers = &self->numbers[NUMBERS * self->nsteps];
        numbers[0] = (int64_t)step->loop_in;
        numbers[1] = (int64_t)step->loop_out;
        for (int k = 0; k < OP_MAX_IN; k++)
            numbers[2 + k] = k < step->op->nin ? number_of(self, tail, step->argument[k]) : 0;
        for (int k = 0; k < OP_MAX_OUT; k++)
            self->number[TAIL_INPUTS + OP_MAX_OUT * i + k] = TAIL_INPUTS + OP_MAX_OUT * (int)self->nsteps + k;
        self->watches[self->nsteps] = (int64_t)step->watch;
        self->watched |= step->watch != 0;
        uint32_t size = (uint32_t)strlen(step->op->name);
        if (self->nsteps++ > 0)
            self->ops[self->ops_size++] = ' ';
        memcpy(self->ops + self->ops_size, step->op->name, size);
        self->ops_size += size;
    }
}

/* The message is on its way, or counted.  Inputs that no later one takes and that nobody holds. */
static uint64_t
take_inputs(const sender_t *self, const choice_t *choice)
{
    uint64_t dying = 0;
    for (uint32_t i = 0; i < choice->ninputs && self->tail->dying; i++) {
        int from = choice->from[i];
        if (from < 0 || !(self->tail->dying >> from & 1))
            continue;
        self->tail->uses[from] += self->counts ? 1 : -1;
        dying |= (uint64_t)(self->tail->uses[from] == 0) << i;
    }
    return self->counts ? 0 : dying;
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
    ret->outs = self->outs;
    ret->first = tail->first;
}

/* One step whose results are all wanted goes as what it was. */
static int
send_single(engine_link_t *engine, const choice_t *choice, const tail_step_t *step, err_t *err)
{
    message_t message = {.code = MSG_UFUNC};
    operand_t operands[OP_MAX_IN];
    for (int k = 0; k < step->op->nin; k++)
        operands[k] = choice->inputs[choice->numbers[2 + k]];
    message.as.UFUNC.op = str_of(step->op->name);
    message.as.UFUNC.inputs = (operands_t){operands, (uint32_t)step->op->nin};
    message.as.UFUNC.results = (oids_t){step->result, (uint32_t)step->op->nout};
    message.as.UFUNC.outs = choice->outs;
    message.as.UFUNC.loop_in = step->loop_in;
    message.as.UFUNC.loop_out = step->loop_out;
    message.as.UFUNC.first = engine->tail->first;
    message.as.UFUNC.watch = step->watch;
    return engine_link_call(engine, &message, NULL, NULL, err);
}

/* n values, with whatever they need. */
static int
send_values(const sender_t *self, const int *values, int n, err_t *err)
{
    struct tail *tail = self->tail;
    choice_t choice = {0};
    message_t message = {.code = MSG_FUSED};
    const tail_step_t *step = NULL;
    int status = FH_OK;
    for (int r = 0; r < n; r++) {
        int at = values[r] - TAIL_INPUTS;
        step = &tail->steps[at / OP_MAX_OUT];
        choice.step[at / OP_MAX_OUT] = true;
        choice.results[choice.nresults] = step->result[at % OP_MAX_OUT];
        choice.outs |= (uint64_t)step->target[at % OP_MAX_OUT] << choice.nresults++;
    }
    number(&choice, tail);
    for (uint32_t r = 0; r < choice.nresults; r++)
        choice.values[r] = choice.number[values[r]];
    uint64_t dying = take_inputs(self, &choice);
    if (!self->counts && choice.nsteps == 1 && (int)choice.nresults == step->op->nout && !dying) {
        status = send_single(self->engine, &choice, step, err);
    } else if (!self->counts) {
        fill(&choice, tail, false, &message.as.FUSED);
        message.as.FUSED.dying = dying;
        status = engine_link_call(self->engine, &message, NULL, NULL, err);
    }
    for (int r = 0; r < n; r++)
        tail->made[values[r]] = true;
    return status;
}

/* Results share a message if they depend on the same inputs: a failed input must not spoil what does not need it. */
static int
send_new(const sender_t *self, int stage, err_t *err)
{
    const struct tail *tail = self->tail;
    int values[TAIL_RESULTS], status = FH_OK;
    for (int first = 0; first < tail->nsteps && !status; first++) {
        int n = 0;
        for (int i = first; i < tail->nsteps; i++)
            for (int k = 0; k < tail->steps[i].op->nout; k++) {
                const tail_step_t *step = &tail->steps[i];
                int value = TAIL_INPUTS + OP_MAX_OUT * i + k;
                if (step->stage == stage && step->sources == tail->steps[first].sources && step->wanted[k] &&
                    !step->target[k] && !tail->made[value])
                    values[n++] = value;
            }
        if (n && tail->steps[first].stage == stage)
            status = send_values(self, values, n, err);
    }
    return status;
}

static int
send_reduction(const sender_t *self, const tail_reduction_t *reduction, err_t *err)
{
    const struct tail *tail = self->tail;
    const msg_REDUCE_t *reduce = &reduction->message;
    message_t message = {.code = MSG_REDUCE, .as.REDUCE = *reduce};
    choice_t choice = {0};
    if (tail->made[reduction->value])
        return self->counts ? FH_OK : engine_link_call(self->engine, &message, NULL, NULL, err);
    need(&choice, tail, reduction->value);
    number(&choice, tail);
    choice.results[0] = reduce->result;
    choice.values[0] = choice.number[reduction->value];
    choice.nresults = 1;
    take_inputs(self, &choice);
    if (self->counts)
        return FH_OK;
    message = (message_t){.code = MSG_FUSED};
    choice.watches[choice.nsteps] = (int64_t)reduce->watch;
    choice.watched |= reduce->watch != 0;
    fill(&choice, tail, true, &message.as.FUSED);
    message.as.FUSED.first = reduce->first;
    message.as.FUSED.reduce = reduce->op;
    message.as.FUSED.axes = reduce->axes;
    message.as.FUSED.keepdims = reduce->keepdims;
    message.as.FUSED.dtype = reduce->dtype;
    message.as.FUSED.axis = reduce->axis;
    message.as.FUSED.start = reduce->start;
    message.as.FUSED.whole = reduce->whole;
    return engine_link_call(self->engine, &message, NULL, NULL, err);
}

static int
send_stage(const sender_t *self, int stage, err_t *err)
{
    int status = send_new(self, stage, err);
    for (int i = 0; i < self->tail->nreductions && !status; i++) {
        const tail_reduction_t *reduction = &self->tail->reductions[i];
        if (reduction->stage == stage && (reduction->wanted || reduction->used))
            status = send_reduction(self, reduction, err);
    }
    return status;
}

static int
send_targets(const sender_t *self, err_t *err)
{
    const struct tail *tail = self->tail;
    int values[TAIL_RESULTS], n = 0;
    for (int i = 0; i < tail->nsteps; i++)
        for (int k = 0; k < tail->steps[i].op->nout; k++)
            if (tail->steps[i].target[k])
                values[n++] = TAIL_INPUTS + OP_MAX_OUT * i + k;
    return n ? send_values(self, values, n, err) : FH_OK;
}

int
tail_send_stage(engine_link_t *engine, int stage, err_t *err)
{
    return send_stage(&(sender_t){engine, engine->tail, false}, stage, err);
}

int
tail_send_targets(engine_link_t *engine, err_t *err)
{
    return send_targets(&(sender_t){engine, engine->tail, false}, err);
}

/* ---- inputs that die -----------------------------------------------------------------------------------------------
 */

static bool
is_dropped(const engine_link_t *engine, oid_t id)
{
    int last = engine->ndropped - DROPS > 0 ? engine->ndropped - DROPS : 0;
    for (int i = engine->ndropped - 1; i >= last; i--)
        if (oid_equal(engine->dropped[i], id))
            return true;
    return false;
}

void
tail_prepare(engine_link_t *engine)
{
    struct tail *tail = engine->tail;
    const sender_t counter = {engine, tail, true};
    memset(tail->made, 0, sizeof tail->made);
    tail->dying = 0;
    if (!engine->ndropped || shape_count(&tail->shape) < WORTH_DYING / (int)sizeof(double))
        return;
    for (int i = 0; i < tail->ninputs; i++) {
        oid_t id = tail->inputs[i].object;
        bool dying = !oid_is_none(id) && is_dropped(engine, id) && !tail_followers_take(engine, id);
        tail->dying |= (uint32_t)dying << i;
        tail->uses[i] = 0;
    }
    if (!tail->dying)
        return;
    for (int stage = 1; stage <= engine->session->stage; stage++)
        send_stage(&counter, stage, NULL);
    send_targets(&counter, NULL);
    memset(tail->made, 0, sizeof tail->made);
}
