/* Small calls that take what reductions, joins, or others of their kind give, and are sent behind these. */
#include "base/clock.h"
#include "proxy/tail_parts.h"

#include <stdlib.h>
#include <string.h>

enum { USED = OP_MAX_IN + 1, MADE = OP_MAX_OUT };

static const msg_code_t NOTHING = (msg_code_t)0; /* of a follower that nobody wants any more */

/* What a call takes, makes and writes. */
typedef struct {
    int nused, nmade, nwritten;
    oid_t used[USED], made[MADE], written[MADE];
} effects_t;

static void
uses(effects_t *self, oid_t id)
{
    if (!oid_is_none(id))
        self->used[self->nused++] = id;
}

static void
of_ufunc(const message_t *message, effects_t *ret)
{
    const msg_UFUNC_t *ufunc = &message->as.UFUNC;
    for (uint32_t i = 0; i < ufunc->inputs.count; i++)
        uses(ret, ufunc->inputs.items[i].object);
    uses(ret, ufunc->where);
    for (uint32_t i = 0; i < ufunc->results.count; i++) {
        if (ufunc->outs >> i & 1)
            ret->written[ret->nwritten++] = ufunc->results.items[i];
        else
            ret->made[ret->nmade++] = ufunc->results.items[i];
    }
}

static void
of_assign(const message_t *message, effects_t *ret)
{
    uses(ret, message->as.ASSIGN.source.items[0].object);
    ret->written[ret->nwritten++] = message->as.ASSIGN.target;
}

static void
of_empty(const message_t *message, effects_t *ret)
{
    ret->made[ret->nmade++] = message->as.EMPTY.result;
}

static void
of_arg_combine(const message_t *message, effects_t *ret)
{
    uses(ret, message->as.ARG_COMBINE.values);
    uses(ret, message->as.ARG_COMBINE.indices);
    ret->made[ret->nmade++] = message->as.ARG_COMBINE.result;
}

#define MAKER(NAME, function, object, result)                                                                          \
    static void function(const message_t *message, effects_t *ret)                                                     \
    {                                                                                                                  \
        uses(ret, message->as.NAME.object);                                                                            \
        ret->made[ret->nmade++] = message->as.NAME.result;                                                             \
    }
MAKER(VIEW, of_view, object, result)
MAKER(COPY, of_copy, object, result)
MAKER(REDUCE, of_reduce, object, result)
MAKER(SEND, of_send, object, transfer)
MAKER(EXPECT, of_expect, transfer, transfer)

static const struct {
    msg_code_t code;
    void (*effects)(const message_t *message, effects_t *ret);
} KINDS[] = {{MSG_UFUNC, of_ufunc}, {MSG_ASSIGN, of_assign}, {MSG_VIEW, of_view},
             {MSG_COPY, of_copy},   {MSG_EMPTY, of_empty},   {MSG_REDUCE, of_reduce},
             {MSG_SEND, of_send},   {MSG_EXPECT, of_expect}, {MSG_ARG_COMBINE, of_arg_combine}};

static bool
effects_of(const message_t *message, effects_t *ret)
{
    *ret = (effects_t){0};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (KINDS[i].code == message->code) {
            KINDS[i].effects(message, ret);
            return true;
        }
    return false;
}

static bool
is_among(const oid_t *ids, int n, oid_t id)
{
    for (int i = 0; i < n; i++)
        if (oid_equal(ids[i], id))
            return true;
    return false;
}

/* ---- what is pending -----------------------------------------------------------------------------------------------
 */

int
tail_pending(const engine_link_t *engine, oid_t id)
{
    const fh_session *session = engine->session;
    int stage = 0, written = 0;
    if (oid_is_none(id) || !tail_waits(session))
        return 0;
    const tail_reduction_t *reduction =
        engine->tail && engine->tail->nsteps ? tail_find_reduction(engine->tail, id) : NULL;
    if (reduction)
        stage = reduction->stage;
    for (int i = 0; i < session->njoins; i++)
        if (oid_equal(session->joins[i].result, id))
            stage = session->joins[i].stage;
    for (int i = 0; i < session->nfollowers; i++) {
        const tail_follower_t *follower = &session->followers[i];
        effects_t effects;
        effects_of(&follower->message, &effects);
        if (is_among(effects.made, effects.nmade, id))
            stage = follower->stage;
        if (effects.nwritten)
            written = follower->stage; /* perhaps through another view of the same memory */
    }
    return stage && written > stage ? written : stage;
}

void
tail_use(const engine_link_t *engine, oid_t id)
{
    tail_reduction_t *reduction =
        engine->tail && engine->tail->nsteps && !oid_is_none(id) ? tail_find_reduction(engine->tail, id) : NULL;
    if (reduction)
        reduction->used = true;
}

bool
tail_followers_take(const engine_link_t *engine, oid_t id)
{
    const fh_session *session = engine->session;
    for (int i = 0; i < session->nfollowers; i++) {
        effects_t effects;
        effects_of(&session->followers[i].message, &effects);
        if (is_among(effects.used, effects.nused, id))
            return true;
    }
    return false;
}

int
tail_origins(const fh_session *session, oid_t id, tail_join_t **ret, int room)
{
    oid_t ids[1 + USED * TAIL_FOLLOWERS]; /* the object, and what it is made from */
    int nids = 1, n = 0;
    ids[0] = id;
    for (int at = session->nfollowers - 1; at >= 0; at--) { /* the later ones take what the earlier ones make */
        effects_t effects;
        bool makes = false;
        effects_of(&session->followers[at].message, &effects);
        for (int i = 0; i < effects.nmade; i++)
            makes |= is_among(ids, nids, effects.made[i]);
        for (int i = 0; i < effects.nused && makes; i++)
            ids[nids++] = effects.used[i];
    }
    for (int i = session->njoins - 1; i >= 0 && n < room; i--)
        if (is_among(ids, nids, session->joins[i].result))
            ret[n++] = &session->joins[i];
    return n;
}

/* ---- what nobody wants any more ------------------------------------------------------------------------------------
 */

/* Does a step, or a follower but that one, take the object, or write it? */
static bool
is_taken(const engine_link_t *engine, oid_t id, const tail_follower_t *but)
{
    const fh_session *session = engine->session;
    const struct tail *tail = engine->tail;
    for (int i = 0; tail && tail->nsteps && i < tail->ninputs; i++)
        if (oid_equal(tail->inputs[i].object, id))
            return true;
    for (int i = 0; i < session->nfollowers; i++) {
        effects_t effects;
        effects_of(&session->followers[i].message, &effects);
        if (&session->followers[i] != but &&
            (is_among(effects.used, effects.nused, id) || is_among(effects.written, effects.nwritten, id)))
            return true;
    }
    return false;
}

static bool
is_unwanted(const engine_link_t *engine, oid_t id, const tail_follower_t *maker)
{
    return engine_link_has_dropped(engine, id) && !is_taken(engine, id, maker);
}

/* What is written through a view may be seen by others. */
static bool
is_view(const fh_session *session, oid_t id)
{
    for (int i = 0; i < session->nfollowers; i++)
        if (session->followers[i].message.code == MSG_VIEW &&
            oid_equal(session->followers[i].message.as.VIEW.result, id))
            return true;
    return false;
}

/* It computes only what nobody wants. */
static bool
is_idle(const tail_follower_t *self)
{
    effects_t effects;
    msg_code_t code = self->message.code;
    effects_of(&self->message, &effects);
    bool idle = code == MSG_REDUCE || code == MSG_ARG_COMBINE || code == MSG_UFUNC;
    for (int i = 0; i < effects.nmade && idle; i++)
        idle = is_unwanted(self->engine, effects.made[i], self);
    for (int i = 0; i < effects.nwritten && idle; i++)
        idle =
            is_unwanted(self->engine, effects.written[i], self) && !is_view(self->engine->session, effects.written[i]);
    for (int i = 0; i < effects.nmade && idle; i++)
        (void)engine_link_take_back(self->engine, effects.made[i]);
    return idle;
}

/* What it would have joined may be of no use either. */
static void
free_state(const fh_session *session, const handle_t *state)
{
    tail_reduction_t *reduction =
        state->engine->tail && state->engine->tail->nsteps ? tail_find_reduction(state->engine->tail, state->id) : NULL;
    bool used = tail_followers_take(state->engine, state->id);
    for (int i = 0; i < session->njoins && !used; i++)
        for (int k = 0; k < session->joins[i].n && !used; k++)
            used = oid_equal(session->joins[i].states[k]->id, state->id);
    if (reduction && !used)
        reduction->used = false;
}

void
tail_prune(fh_session *session)
{
    if (session->sending_tails)
        return;
    for (int i = session->nfollowers - 1; i >= 0; i--)
        if (is_idle(&session->followers[i]))
            session->followers[i].message.code = NOTHING;
    while (session->nfollowers && session->followers[session->nfollowers - 1].message.code == NOTHING)
        session->nfollowers--;
    for (int i = session->njoins - 1; i >= 0; i--) {
        if (i >= session->njoins || !is_unwanted(session->joins[i].to, session->joins[i].result, NULL))
            continue; /* what becomes idle with a join may have taken others with it */
        tail_join_t join = session->joins[i];
        (void)engine_link_take_back(join.to, join.result);
        session->njoins--;
        memmove(&session->joins[i], &session->joins[i + 1], (size_t)(session->njoins - i) * sizeof join);
        for (int k = 0; k < join.n; k++)
            free_state(session, join.states[k]);
        tail_join_release(&join);
    }
    if (!tail_waits(session))
        session->stage = 0;
}

/* ---- keeping -------------------------------------------------------------------------------------------------------
 */

/* Will steps that come last, since they write existing arrays, take anything that is pending? */
static bool
targets_take_pending(const engine_link_t *engine)
{
    const struct tail *tail = engine->tail;
    bool found = false;
    for (int i = 0; tail && tail->ntargets && i < tail->ninputs && !found; i++)
        found = tail_pending(engine, tail->inputs[i].object) > 0;
    return found;
}

/* A call that waits: it takes, or writes, what is pending; and nothing whose order among the tails' steps matters. */
static bool
can_follow(const engine_link_t *engine, const effects_t *effects)
{
    const fh_session *session = engine->session;
    const struct tail *tail = engine->tail && engine->tail->nsteps ? engine->tail : NULL;
    bool pending = false, targets = false, reduces = session->njoins + session->nfollowers > 0;
    for (int i = 0; i < session->nengines; i++) {
        const struct tail *other = session->engines[i]->tail;
        targets |= other && other->ntargets > 0;
        reduces |= other && other->nreductions > 0;
        if (effects->nwritten && targets_take_pending(session->engines[i]))
            return false;
    }
    if (effects->nused + effects->nwritten == 0)
        return reduces; /* a new array, for what they give */
    for (int i = 0; i < effects->nused; i++) {
        bool one = tail_pending(engine, effects->used[i]) > 0;
        if (!one && (targets || (tail && tail_find_value(tail, effects->used[i]) >= 0)))
            return false;
        pending |= one;
    }
    for (int i = 0; i < effects->nwritten; i++) {
        if (!tail_pending(engine, effects->written[i]))
            return false;
        pending = true;
    }
    return pending;
}

/* A list of numbers gets memory of the follower's. */
static void
own_numbers(ints_t *list, int64_t *memory)
{
    uint32_t n = list->count < SHAPE_MAX_DIMS ? list->count : SHAPE_MAX_DIMS;
    if (n)
        memcpy(memory, list->items, n * sizeof *memory);
    *list = (ints_t){memory, n};
}

static void
own_operands(tail_follower_t *self, operands_t *list)
{
    memcpy(self->operands, list->items, list->count * sizeof *self->operands);
    list->items = self->operands;
}

/* The same name, as long as the program runs. */
static str_t
reduction_called(str_t name)
{
    return str_of(reduce_name((reduce_t)reduce_find(name.data, name.size)));
}

/* What the message points to becomes the follower's own. */
static void
own(tail_follower_t *self)
{
    message_t *message = &self->message;
    if (message->code == MSG_UFUNC) {
        msg_UFUNC_t *ufunc = &message->as.UFUNC;
        own_operands(self, &ufunc->inputs);
        memcpy(self->results, ufunc->results.items, ufunc->results.count * sizeof *self->results);
        ufunc->results.items = self->results;
        ufunc->op = str_of(op_find(ufunc->op.data, ufunc->op.size)->name);
    } else if (message->code == MSG_ASSIGN) {
        own_operands(self, &message->as.ASSIGN.source);
    } else if (message->code == MSG_VIEW) {
        own_numbers(&message->as.VIEW.shape, self->numbers[0]);
        own_numbers(&message->as.VIEW.strides, self->numbers[1]);
    } else if (message->code == MSG_REDUCE) {
        msg_REDUCE_t *reduce = &message->as.REDUCE;
        own_numbers(&reduce->axes, self->numbers[0]);
        reduce->op = reduction_called(reduce->op);
    } else if (message->code == MSG_ARG_COMBINE) {
        message->as.ARG_COMBINE.op = reduction_called(message->as.ARG_COMBINE.op);
    } else if (message->code == MSG_EMPTY) {
        own_numbers(&message->as.EMPTY.shape, self->numbers[0]);
    } else if (message->code == MSG_EXPECT) {
        own_numbers(&message->as.EXPECT.shape, self->numbers[0]);
    }
}

bool
tail_follow(engine_link_t *engine, const message_t *message)
{
    fh_session *session = engine->session;
    effects_t effects;
    if (session->sending_tails || !tail_waits(session) || session->nfollowers == TAIL_FOLLOWERS ||
        !effects_of(message, &effects) || !can_follow(engine, &effects))
        return false;
    if (!session->followers)
        session->followers = calloc(TAIL_FOLLOWERS, sizeof *session->followers);
    if (!session->followers)
        return false;
    for (int i = 0; i < effects.nused; i++)
        tail_use(engine, effects.used[i]);
    for (int i = 0; i < effects.nwritten; i++)
        tail_use(engine, effects.written[i]);
    session->stage += session->stage == 0;
    tail_follower_t *self = &session->followers[session->nfollowers++];
    *self = (tail_follower_t){.engine = engine, .stage = session->stage, .message = *message};
    own(self);
    session->tails_ns = clock_now_ns();
    return true;
}

int
tail_send_followers(fh_session *session, int stage, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < session->nfollowers && !status; i++)
        if (session->followers[i].stage == stage && session->followers[i].message.code != NOTHING &&
            !tail_values_follow(&session->followers[i]))
            status = engine_link_call(session->followers[i].engine, &session->followers[i].message, NULL, NULL, err);
    return status;
}
