#include "base/clock.h"
#include "proxy/emit.h"
#include "proxy/kept.h"
#include "proxy/tail_parts.h"

#include <stdlib.h>
#include <string.h>

enum { FOLLOWER_BYTES = 65536 /* of the result of an operation that rather follows than begins a tail */ };

static const int64_t QUIET_NS = 1000000;

static void
clear(engine_link_t *engine)
{
    struct tail *tail = engine->tail;
    if (tail && tail->nsteps > 0)
        engine->session->tails--;
    if (tail)
        tail->ninputs = tail->nsteps = tail->nreductions = tail->ntargets = 0;
}

int
tail_find_value(const struct tail *self, oid_t id)
{
    for (int i = self->nsteps - 1; i >= 0; i--)
        for (int k = 0; k < self->steps[i].op->nout; k++)
            if (oid_equal(self->steps[i].result[k], id))
                return TAIL_INPUTS + OP_MAX_OUT * i + k;
    return -1;
}

tail_reduction_t *
tail_find_reduction(struct tail *self, oid_t id)
{
    for (int i = 0; i < self->nreductions; i++)
        if (oid_equal(self->reductions[i].message.result, id))
            return &self->reductions[i];
    return NULL;
}

static int
find_value(const engine_link_t *engine, oid_t id)
{
    return engine->tail && !oid_is_none(id) ? tail_find_value(engine->tail, id) : -1;
}

static tail_step_t *
step_of(struct tail *tail, int value)
{
    return &tail->steps[(value - TAIL_INPUTS) / OP_MAX_OUT];
}

static int
output_of(int value)
{
    return (value - TAIL_INPUTS) % OP_MAX_OUT;
}

/* ---- can it be kept? -----------------------------------------------------------------------------------------------
 */

/* Is an output's memory, that of an existing array, read through another array, too?  Such an operation is sent alone.
 */
static bool
overlaps(const engine_link_t *engine, const op_t *op, const msg_UFUNC_t *ufunc, const tail_memory_t *memory)
{
    for (int k = 0; k < op->nout; k++) {
        oid_t out = ufunc->results.items[k];
        if (!(ufunc->outs >> k & 1) || find_value(engine, out) >= 0)
            continue;
        for (int i = 0; i < op->nin; i++)
            if (oid_equal(memory->in[i], memory->out[k]) && !oid_equal(ufunc->inputs.items[i].object, out))
                return true;
        if (oid_equal(memory->where, memory->out[k]) && !oid_equal(ufunc->where, out))
            return true;
        for (int i = 0; i < k; i++)
            if (oid_equal(memory->out[i], memory->out[k]))
                return true;
    }
    return false;
}

/* Can it be a step?  It writes whole arrays, whatever the values are, from one array at least; under a mask, one that
 * exists. */
static bool
is_step(const engine_link_t *engine, const op_t *op, const msg_UFUNC_t *ufunc, const tail_memory_t *memory)
{
    bool array = false, masked = !oid_is_none(ufunc->where);
    for (uint32_t k = 0; k < ufunc->inputs.count; k++)
        array |= !oid_is_none(ufunc->inputs.items[k].object);
    for (int k = 0; k < op->nout; k++)
        if (ufunc->outs >> k & 1 && tail_pending(engine, ufunc->results.items[k]))
            return false;
    char kind = dtype_kind((dtype_t)(ufunc->loop_out & 0xff));
    return engine->session->fusion && array && !memory->odd && (!masked || (op->nout == 1 && ufunc->outs)) &&
           !(op->code == OP_POWER && (kind == 'i' || kind == 'u')) && !overlaps(engine, op, ufunc, memory);
}

/* The latest stage of what it takes that tails do not have as values; 0: all is there. */
static int
pending_stage(const engine_link_t *engine, const msg_UFUNC_t *ufunc)
{
    int latest = tail_pending(engine, ufunc->where);
    for (uint32_t k = 0; k < ufunc->inputs.count; k++) {
        int stage = tail_pending(engine, ufunc->inputs.items[k].object);
        latest = stage > latest ? stage : latest;
    }
    return latest;
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

static bool
same_operand(const operand_t *a, const operand_t *b)
{
    return oid_equal(a->object, b->object) &&
           (!oid_is_none(a->object) || (a->dtype == b->dtype && memcmp(a->scalar, b->scalar, sizeof a->scalar) == 0));
}

/* The inputs that an operand brings; all bits: one that is new. */
static uint32_t
sources_of(const struct tail *tail, const operand_t *operand)
{
    int value = oid_is_none(operand->object) ? -1 : tail_find_value(tail, operand->object);
    if (value >= 0)
        return tail->steps[(value - TAIL_INPUTS) / OP_MAX_OUT].sources;
    for (int i = 0; i < tail->ninputs; i++)
        if (same_operand(&tail->inputs[i], operand))
            return UINT32_C(1) << i;
    return UINT32_MAX;
}

static bool
is_target_root(const struct tail *tail, oid_t root)
{
    for (int i = 0; i < tail->nsteps && tail->ntargets; i++)
        for (int k = 0; k < tail->steps[i].op->nout; k++)
            if (tail->steps[i].target[k] && oid_equal(tail->steps[i].root[k], root))
                return true;
    return false;
}

/* Does it see memory that a step has written, or write what a step has read, under other names? */
static bool
meets(const struct tail *tail, const op_t *op, const msg_UFUNC_t *ufunc, const tail_memory_t *memory)
{
    for (int i = 0; i < op->nin + 1; i++) {
        oid_t id = i < op->nin ? ufunc->inputs.items[i].object : ufunc->where;
        if (!oid_is_none(id) && tail_find_value(tail, id) < 0 &&
            is_target_root(tail, i < op->nin ? memory->in[i] : memory->where))
            return true;
    }
    for (int k = 0; k < op->nout; k++) {
        oid_t id = ufunc->results.items[k];
        if (!(ufunc->outs >> k & 1) || tail_find_value(tail, id) >= 0)
            continue;
        if (is_target_root(tail, memory->out[k]))
            return true;
        for (int i = 0; i < tail->ninputs; i++)
            if (oid_equal(tail->roots[i], memory->out[k]) && !oid_equal(tail->inputs[i].object, id))
                return true;
    }
    return false;
}

/* Existing arrays are written by one expression, so all of them must come from the same inputs. */
static bool
targets_differ(const struct tail *tail, const op_t *op, const msg_UFUNC_t *ufunc)
{
    uint32_t sources = 0;
    bool target = false;
    for (int k = 0; k < op->nout; k++) {
        int value = tail_find_value(tail, ufunc->results.items[k]);
        target |= ufunc->outs >> k & 1 &&
                  (value < 0 || tail->steps[(value - TAIL_INPUTS) / OP_MAX_OUT].target[output_of(value)]);
    }
    for (int k = 0; k < op->nin; k++)
        sources |= sources_of(tail, &ufunc->inputs.items[k]);
    if (!oid_is_none(ufunc->where))
        sources |= sources_of(tail, &(operand_t){.object = ufunc->where}) |
                   sources_of(tail, &(operand_t){.object = ufunc->results.items[0]});
    for (int i = 0; i < tail->nsteps && target; i++)
        for (int k = 0; k < tail->steps[i].op->nout; k++)
            if (tail->steps[i].target[k] && tail->steps[i].sources != sources &&
                !(tail->ntargets == 1 && oid_equal(tail->steps[i].result[k], ufunc->results.items[0])))
                return true;
    return false;
}

/* Does it fit behind what is there? */
static bool
fits(const engine_link_t *engine, const op_t *op, const msg_UFUNC_t *ufunc, const tail_memory_t *memory,
     const shape_t *shape)
{
    const struct tail *tail = engine->tail;
    int masked = !oid_is_none(ufunc->where);
    return tail->nsteps + masked < TAIL_STEPS &&
           tail->ninputs + (int)ufunc->inputs.count + 2 * masked + TAIL_RESULTS <= TAIL_INPUTS &&
           count_wanted(tail) + op->nout <= TAIL_RESULTS && tail->first == ufunc->first &&
           shape_equal(&tail->shape, shape) && has_memory(engine, op, ufunc) && !meets(tail, op, ufunc, memory) &&
           !targets_differ(tail, op, ufunc);
}

/* ---- keeping -------------------------------------------------------------------------------------------------------
 */

/* The value of an operand, which may become an input. */
static int
take_operand(engine_link_t *engine, const operand_t *operand, oid_t root)
{
    struct tail *tail = engine->tail;
    int value = oid_is_none(operand->object) ? -1 : tail_find_value(tail, operand->object);
    for (int i = 0; i < tail->ninputs && value < 0; i++)
        if (same_operand(&tail->inputs[i], operand))
            value = i;
    if (value >= 0)
        return value;
    tail_use(engine, operand->object);
    tail->inputs[tail->ninputs] = *operand;
    tail->roots[tail->ninputs] = root;
    return tail->ninputs++;
}

static tail_step_t *
add_step(engine_link_t *engine, const op_t *op)
{
    tail_step_t *step = &engine->tail->steps[engine->tail->nsteps++];
    *step = (tail_step_t){.op = op, .stage = engine->session->stage};
    return step;
}

static void
take_argument(engine_link_t *engine, tail_step_t *step, int k, const operand_t *operand, oid_t root)
{
    int value = take_operand(engine, operand, root);
    step->argument[k] = value;
    step->sources |= value < TAIL_INPUTS ? UINT32_C(1) << value : step_of(engine->tail, value)->sources;
}

/* Output k of a step is what the id names from now on. */
static void
name_output(struct tail *tail, tail_step_t *step, int k, oid_t id, bool exists, oid_t root)
{
    int earlier = exists ? tail_find_value(tail, id) : -1;
    step->target[k] = exists && earlier < 0;
    step->root[k] = root;
    if (earlier >= 0) {
        tail_step_t *before = step_of(tail, earlier);
        step->target[k] = before->target[output_of(earlier)];
        step->root[k] = before->root[output_of(earlier)];
        tail->ntargets -= step->target[k];
        before->result[output_of(earlier)] = OID_NONE;
        before->wanted[output_of(earlier)] = before->target[output_of(earlier)] = false;
    }
    tail->ntargets += step->target[k];
    step->result[k] = id;
    step->wanted[k] = true;
}

/* Under a mask: the operation everywhere, and then a choice between its result and what was there. */
static void
add_steps(engine_link_t *engine, const op_t *op, const msg_UFUNC_t *ufunc, const tail_memory_t *memory)
{
    struct tail *tail = engine->tail;
    bool masked = !oid_is_none(ufunc->where);
    uint64_t out = ufunc->loop_out & 0xff;
    tail_step_t *step = add_step(engine, op);
    step->loop_in = ufunc->loop_in;
    step->loop_out = ufunc->loop_out;
    step->watch = ufunc->watch;
    for (int k = 0; k < op->nin; k++)
        take_argument(engine, step, k, &ufunc->inputs.items[k], memory->in[k]);
    for (int k = 0; k < op->nout && !masked; k++)
        name_output(tail, step, k, ufunc->results.items[k], ufunc->outs >> k & 1, memory->out[k]);
    if (!masked)
        return;
    tail_step_t *choice = add_step(engine, op_find("where", 5));
    choice->loop_in = (uint64_t)DTYPE_BOOL | out << 8 | out << 16;
    choice->loop_out = out;
    take_argument(engine, choice, 0, &(operand_t){.object = ufunc->where}, memory->where);
    choice->argument[1] = TAIL_INPUTS + OP_MAX_OUT * (tail->nsteps - 2);
    choice->sources |= step->sources;
    take_argument(engine, choice, 2, &(operand_t){.object = ufunc->results.items[0]}, memory->out[0]);
    name_output(tail, choice, 0, ufunc->results.items[0], true, memory->out[0]);
}

static int
make_tail(engine_link_t *engine, err_t *err)
{
    if (!engine->tail)
        engine->tail = calloc(1, sizeof *engine->tail);
    return engine->tail ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory for operations that wait");
}

/* Does it only follow what reductions give?  A small operation that has no part in the tail does. */
static bool
follows(const engine_link_t *engine, const msg_UFUNC_t *ufunc, const shape_t *shape)
{
    const struct tail *tail = engine->tail;
    int64_t bytes = shape_bytes(shape, (dtype_t)(ufunc->loop_out & 0xff));
    return pending_stage(engine, ufunc) > 0 && bytes <= FOLLOWER_BYTES &&
           !(tail->nsteps && shape_equal(&tail->shape, shape));
}

int
tail_ufunc(engine_link_t *engine, const op_t *op, message_t *message, const tail_memory_t *memory, const shape_t *shape,
           err_t *err)
{
    const msg_UFUNC_t *ufunc = &message->as.UFUNC;
    fh_session *session = engine->session;
    if (!is_step(engine, op, ufunc, memory))
        return engine_link_call(engine, message, NULL, NULL, err);
    int64_t now = clock_now_ns();
    int status = engine_link_open(engine, err);
    if (!status)
        status = make_tail(engine, err);
    if (status)
        return status;
    struct tail *tail = engine->tail;
    if (tail_waits(session)) {
        if (follows(engine, ufunc, shape))
            return engine_link_call(engine, message, NULL, NULL, err);
        if ((tail->nsteps && !fits(engine, op, ufunc, memory, shape)) || pending_stage(engine, ufunc) >= TAIL_STAGES ||
            now - session->tails_ns > QUIET_NS)
            status = tail_send(session, err);
    }
    if (status)
        return status;
    int pending = pending_stage(engine, ufunc);
    session->stage = pending >= session->stage ? pending + 1 : session->stage;
    if (!tail->nsteps) {
        tail->shape = *shape;
        tail->first = ufunc->first;
        session->tails++;
    }
    add_steps(engine, op, ufunc, memory);
    session->tails_ns = now;
    return FH_OK;
}

int
tail_reduce(engine_link_t *engine, message_t *message, err_t *err)
{
    const msg_REDUCE_t *reduce = &message->as.REDUCE;
    struct tail *tail = engine->tail;
    int value = find_value(engine, reduce->object);
    int found = reduce_find(reduce->op.data, reduce->op.size);
    if (value < 0 || tail->nreductions == TAIL_REDUCTIONS || found == REDUCE_ARGMIN || found == REDUCE_ARGMAX)
        return engine_link_call(engine, message, NULL, NULL, err);
    tail_reduction_t *reduction = &tail->reductions[tail->nreductions++];
    reduction->value = value;
    reduction->stage = engine->session->stage;
    reduction->message = *reduce;
    reduction->wanted = true;
    reduction->used = false;
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
    return tail && tail->nsteps && (tail_find_value(tail, id) >= 0 || tail_find_reduction(tail, id));
}

bool
tail_drop(engine_link_t *engine, oid_t id)
{
    struct tail *tail = engine->tail;
    if (!tail || !tail->nsteps || engine->session->sending_tails)
        return false;
    int value = tail_find_value(tail, id);
    if (value >= 0 && step_of(tail, value)->target[output_of(value)])
        return false; /* others may see its memory */
    tail_reduction_t *reduction = value < 0 ? tail_find_reduction(tail, id) : NULL;
    if (value >= 0)
        step_of(tail, value)->wanted[output_of(value)] = false;
    if (reduction)
        reduction->wanted = false;
    return value >= 0 || (reduction && !reduction->used);
}

bool
tail_waits(const fh_session *session)
{
    return session->tails > 0 || session->njoins > 0 || session->nfollowers > 0;
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

/* Everything is sent, also behind a failure: the first one is told. */
static void
note(int status, err_t *now, int *ret_status, err_t *err)
{
    if (status && !*ret_status) {
        *ret_status = status;
        if (err)
            *err = *now;
    }
}

static void
send_stage(fh_session *session, int stage, int *status, err_t *err)
{
    err_t now, why;
    for (int i = 0; i < session->nengines; i++)
        if (session->engines[i]->tail && session->engines[i]->tail->nsteps)
            note(tail_send_stage(session->engines[i], stage, &now), &now, status, err);
    for (int i = 0; i < session->njoins; i++)
        if (session->joins[i].stage == stage && session->joins[i].brought)
            tail_join_ask(&session->joins[i]);
    for (int i = 0; i < session->njoins; i++) {
        tail_join_t *join = &session->joins[i];
        int failed = FH_OK;
        if (join->stage != stage)
            continue;
        note(join->brought ? tail_join_send_brought(join, &failed, &why, &now) : tail_join_send(join, &now), &now,
             status, err);
        note(failed, &why, status, err);
    }
    note(tail_send_followers(session, stage, &now), &now, status, err);
}

int
tail_send(fh_session *session, err_t *err)
{
    int status = FH_OK;
    err_t now;
    if (!tail_waits(session) || session->sending_tails)
        return FH_OK;
    session->sending_tails = true;
    for (int i = 0; i < session->nengines; i++)
        if (session->engines[i]->tail && session->engines[i]->tail->nsteps)
            tail_prepare(session->engines[i]);
    for (int stage = 1; stage <= session->stage; stage++)
        send_stage(session, stage, &status, err);
    for (int i = 0; i < session->nengines; i++) {
        engine_link_t *engine = session->engines[i];
        if (engine->tail && engine->tail->nsteps && engine->tail->ntargets)
            note(tail_send_targets(engine, &now), &now, &status, err);
        clear(engine);
    }
    for (int i = 0; i < session->njoins; i++)
        tail_join_release(&session->joins[i]);
    session->njoins = session->nfollowers = session->stage = 0;
    session->sending_tails = false;
    if (session->nkept)
        kept_drop_unwanted(session);
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
