/* Expressions as programs for strips: which value is in registers when, and what lies in slots. */
#include "engine/compute/expression_strips.h"

enum {
    RESULTS = EXPRESSION_STRIPS_RESULTS,
    SLOTS = EXPRESSION_STRIPS_SLOTS,
    SLOT_COUNT = STRIP_PLACES - SLOTS,
    NOWHERE = -1,
};

typedef struct {
    const expression_t *expression;
    expression_strips_t *strips;
    bool failed;
    int held;                     /* the value in registers, or NOWHERE */
    int slots;                    /* that are taken */
    int place[EXPRESSION_VALUES]; /* of a value's slot */
    int uses[EXPRESSION_VALUES];
    int result[EXPRESSION_VALUES]; /* which one a value is */
    bool stream;
} plan_t;

static const strip_row_t *
find(const plan_t *self, strip_kind_t kind, int op, dtype_t dtype, dtype_t other)
{
    return self->failed ? NULL : strip_find(kind, op, dtype, other);
}

static strip_step_t *
add_row(plan_t *self, const strip_row_t *row, int place, bool far)
{
    strip_program_t *program = &self->strips->program;

    self->failed |= row == NULL || place == NOWHERE || program->n == STRIP_STEPS;
    if (self->failed)
        return NULL;
    program->steps[program->n] = (strip_step_t){.fn = far && row->far != NULL ? row->far : row->near, .place = place};
    program->rows[program->n] = row;
    return &program->steps[program->n++];
}

static strip_step_t *
add(plan_t *self, strip_kind_t kind, int op, dtype_t dtype, int place, bool far)
{
    return add_row(self, find(self, kind, op, dtype, 0), place, far);
}

static int
take_slot(plan_t *self)
{
    self->failed |= self->slots == SLOT_COUNT;
    return self->failed ? NOWHERE : SLOTS + self->slots++;
}

static dtype_t
dtype_of(const plan_t *self, int value)
{
    return (dtype_t)self->expression->dtype[value];
}

/* What is in registers gets a slot. */
static int
save(plan_t *self, dtype_t dtype)
{
    int place = take_slot(self);

    add(self, STRIP_STORE, 0, dtype, place, false);
    return place;
}

/* The value in registers gets a slot, if it has none. */
static void
keep(plan_t *self)
{
    if (self->held != NOWHERE && self->place[self->held] == NOWHERE)
        self->place[self->held] = save(self, dtype_of(self, self->held));
}

static bool
is_array(const plan_t *self, int value)
{
    return value < EXPRESSION_INPUTS && self->expression->place[value] >= 0;
}

static bool
is_constant(const plan_t *self, int value)
{
    return value < EXPRESSION_INPUTS && self->expression->place[value] < 0;
}

static int32_t
bytes_of(dtype_t dtype)
{
    return (int32_t)dtype_size(dtype);
}

static strip_call_t *
take_call(plan_t *self, loop_fn loop)
{
    strip_program_t *program = &self->strips->program;

    self->failed |= program->ncalls == STRIP_CALLS;
    if (self->failed)
        return NULL;
    program->calls[program->ncalls] = (strip_call_t){.loop = loop};
    return &program->calls[program->ncalls++];
}

/* A call of that loop, whose operands the caller says. */
static strip_call_t *
add_call(plan_t *self, loop_fn loop)
{
    strip_step_t *step = add(self, STRIP_CALL, 0, DTYPE_NONE, 0, false);

    if (step != NULL)
        step->other = self->strips->program.ncalls;
    self->strips->ncalls++;
    return take_call(self, loop);
}

/* What lies at a place, in another dtype or as it is, in a slot of its own.  Any alignment; registers are lost. */
static int
convert(plan_t *self, int place, dtype_t from, dtype_t to)
{
    int slot = take_slot(self);
    strip_call_t *call = add_call(self, cast_find(from, to));

    if (call == NULL)
        return NOWHERE;
    call->place[0] = place;
    call->item[0] = bytes_of(from);
    call->place[1] = slot;
    call->item[1] = bytes_of(to);
    return slot;
}

/* What is in registers goes from one dtype to another. */
static void
cast(plan_t *self, dtype_t from, dtype_t to)
{
    const strip_row_t *row = find(self, STRIP_CAST, 0, from, to);

    if (from == to || self->failed)
        return;
    if (row != NULL)
        add_row(self, row, 0, false);
    else
        add(self, STRIP_LOAD, 0, to, convert(self, save(self, from), from, to), false);
}

/* Where what input k of step i takes lies; *ret_ready: as the step takes it.  Bools of arrays may be any bytes. */
static int
find_operand(plan_t *self, int i, int k, bool *ret_ready)
{
    expression_strips_t *strips = self->strips;
    int value = self->expression->step[i].argument[k], place;

    *ret_ready = true;
    if (is_constant(self, value)) {
        place = take_slot(self);
        strips->constant[strips->nconstants].step = (int8_t)i;
        strips->constant[strips->nconstants].input = (int8_t)k;
        strips->constant[strips->nconstants++].place = place;
        return place;
    }
    *ret_ready = self->expression->dtype[value] == self->expression->step[i].in[k] &&
                 !(is_array(self, value) && dtype_of(self, value) == DTYPE_BOOL);
    return is_array(self, value) ? self->expression->place[value] : self->place[value];
}

/* Are there registers for such values? */
static bool
in_registers(const plan_t *self, dtype_t dtype)
{
    return find(self, STRIP_LOAD, 0, dtype, 0) != NULL;
}

/* What input k of step i takes comes into registers.  What is there is lost. */
static void
bring(plan_t *self, int i, int k)
{
    int value = self->expression->step[i].argument[k];
    dtype_t wanted = (dtype_t)self->expression->step[i].in[k], have = dtype_of(self, value);

    if (is_constant(self, value))
        have = wanted;
    if (self->held != value) {
        bool ready;
        int place = find_operand(self, i, k, &ready);
        bool there = in_registers(self, have);

        if (!there) {
            place = convert(self, place, have, wanted);
            have = wanted;
        }
        add(self, STRIP_LOAD, 0, have, place, there && is_array(self, value));
    }
    cast(self, have, wanted);
    self->held = NOWHERE; /* what is there now is about to change */
}

/* Where input k of step i lies as the step takes it; makes it so.  aligned: as loops want it. */
static int
settle(plan_t *self, int i, int k, bool aligned)
{
    const expression_t *expression = self->expression;
    const int *argument = expression->step[i].argument;
    dtype_t have = dtype_of(self, argument[k]), wanted = (dtype_t)expression->step[i].in[k];
    bool ready;

    if (argument[k] == self->held)
        keep(self);
    int place = find_operand(self, i, k, &ready);
    if (ready && !(aligned && is_array(self, argument[k]) && expression->step[i].cast[k] != NULL))
        return place;
    for (int j = 0; j < expression->step[i].nin; j++)
        if (argument[j] == self->held)
            keep(self);
    if (in_registers(self, have) && in_registers(self, wanted)) {
        bring(self, i, k);
        return save(self, wanted);
    }
    if (have == DTYPE_BOOL) {
        add(self, STRIP_LOAD, 0, have, place, is_array(self, argument[k]));
        place = save(self, have);
    }
    self->held = NOWHERE;
    return convert(self, place, have, wanted);
}

static bool
reads_far(int place)
{
    return place != NOWHERE && place < RESULTS;
}

/* The step on what is in registers, its first input or, turned, its second one. */
static void
apply(plan_t *self, int i, int first, const int *place)
{
    const expression_t *expression = self->expression;
    int op = expression->step[i].op, nin = expression->step[i].nin;
    dtype_t dtype = (dtype_t)expression->step[i].in[first];

    if (op == OP_CLIP) {
        add(self, STRIP_APPLY, OP_MAXIMUM, dtype, place[1], reads_far(place[1]));
        add(self, STRIP_APPLY, OP_MINIMUM, dtype, place[2], reads_far(place[2]));
    } else if (op == OP_WHERE) {
        int other = place[3 - first];
        strip_step_t *step = add(self, first == 1 ? STRIP_APPLY : STRIP_TURNED, op, dtype, other,
                                 reads_far(other) || reads_far(place[0]));

        if (step != NULL)
            step->other = place[0];
    } else if (nin == 1 && find(self, STRIP_FUNCTION, op, dtype, 0)) {
        strip_step_t *step = add(self, STRIP_FUNCTION, op, dtype, 0, false);
        strip_call_t *call = take_call(self, expression->step[i].loop);

        if (step == NULL || call == NULL)
            return;
        step->other = self->strips->program.ncalls - 1;
        call->item[0] = call->item[1] = bytes_of(dtype);
    } else {
        int other = nin == 2 ? place[1 - first] : 0;

        add(self, first == 0 ? STRIP_APPLY : STRIP_TURNED, op, dtype, other, nin == 2 && reads_far(other));
    }
}

/* Has the step a way in registers? */
static bool
has_step(const plan_t *self, int i)
{
    const expression_t *expression = self->expression;
    int nin = expression->step[i].nin, op = expression->step[i].op;
    dtype_t dtype = (dtype_t)expression->step[i].in[nin - 1];

    if (expression->step[i].nout != 1 || (nin > 1 && expression->step[i].in[nin - 2] != (uint8_t)dtype))
        return false;
    if (op == OP_CAST)
        return in_registers(self, dtype);
    if (op == OP_CLIP)
        return find(self, STRIP_APPLY, OP_MAXIMUM, dtype, 0) && find(self, STRIP_APPLY, OP_MINIMUM, dtype, 0);
    if (nin == 1 && find(self, STRIP_FUNCTION, op, dtype, 0))
        return true;
    return (nin <= 2 || op == OP_WHERE) && find(self, STRIP_APPLY, op, dtype, 0) != NULL;
}

/* A step by its loop, from places to places. */
static void
call_loop(plan_t *self, int i)
{
    const expression_t *expression = self->expression;
    int nin = expression->step[i].nin, value = EXPRESSION_INPUTS + OP_MAX_OUT * i, place[OP_MAX_IN];

    for (int k = 0; k < nin; k++)
        place[k] = settle(self, i, k, true);
    for (int k = 0; k < nin; k++) {
        strip_step_t *fetch = NULL;

        if (place[k] != NOWHERE && place[k] < RESULTS)
            fetch = add(self, STRIP_FETCH, 0, DTYPE_NONE, place[k], false);
        if (fetch != NULL)
            fetch->other = STRIP * bytes_of((dtype_t)expression->step[i].in[k]);
    }
    strip_call_t *call = add_call(self, expression->step[i].loop);
    self->held = NOWHERE;
    if (call == NULL)
        return;
    for (int k = 0; k < nin; k++) {
        call->place[k] = place[k];
        call->item[k] =
            is_constant(self, expression->step[i].argument[k]) ? 0 : bytes_of((dtype_t)expression->step[i].in[k]);
        self->failed |= place[k] == NOWHERE;
    }
    for (int k = 0; k < expression->step[i].nout; k++) {
        int result = self->result[value + k], slot;

        slot = result != NOWHERE && !self->stream ? RESULTS + result : take_slot(self);
        self->place[value + k] = call->place[nin + k] = slot;
        call->item[nin + k] = bytes_of(dtype_of(self, value + k));
    }
    for (int k = 0; k < expression->step[i].nout && self->stream; k++) {
        strip_step_t *move = NULL;

        if (self->result[value + k] != NOWHERE)
            move = add(self, STRIP_MOVE, 0, DTYPE_NONE, self->place[value + k], false);
        if (move != NULL)
            move->other = RESULTS + self->result[value + k];
    }
}

static void
plan_step(plan_t *self, int i)
{
    const expression_t *expression = self->expression;
    const int *argument = expression->step[i].argument;
    int nin = expression->step[i].nin, op = expression->step[i].op, first = op == OP_WHERE ? 1 : 0;
    int value = EXPRESSION_INPUTS + OP_MAX_OUT * i, place[OP_MAX_IN] = {NOWHERE, NOWHERE, NOWHERE};

    if (!has_step(self, i)) {
        call_loop(self, i);
        return;
    }
    if (nin > 1 && op != OP_CLIP && argument[first + 1] == self->held && argument[first] != self->held)
        first++;
    for (int k = 0; k < nin; k++)
        place[k] = k == first ? NOWHERE : settle(self, i, k, false);
    for (int k = 0; k < nin && !self->failed; k++)
        self->failed |= k != first && place[k] == NOWHERE;
    bring(self, i, first);
    if (!self->failed && op != OP_CAST)
        apply(self, i, first, place);
    self->held = value;
    if (self->result[value] != NOWHERE)
        add(self, self->stream ? STRIP_STREAM : STRIP_STORE, 0, dtype_of(self, value), RESULTS + self->result[value],
            false);
}

/* Is the value used by the next step only, and once? */
static bool
passes_on(const plan_t *self, int i, int value)
{
    const expression_t *expression = self->expression;
    int next = 0;

    for (int k = 0; i + 1 < expression->nsteps && k < expression->step[i + 1].nin; k++)
        next += expression->step[i + 1].argument[k] == value;
    return self->uses[value] == next && next <= 1;
}

static void
begin(plan_t *self, expression_strips_t *strips, const expression_t *expression)
{
    *self = (plan_t){.expression = expression, .strips = strips, .held = NOWHERE, .failed = strip_table() == NULL};
    strips->program.n = strips->program.ncalls = strips->ncalls = strips->nconstants = 0;
    strips->code = NULL;
    for (int v = 0; v < EXPRESSION_VALUES; v++)
        self->place[v] = self->result[v] = NOWHERE;
    for (int i = 0; i < expression->nsteps; i++)
        for (int k = 0; k < expression->step[i].nin; k++)
            self->uses[expression->step[i].argument[k]]++;
}

/* Steps up to the last value that is wanted. */
static void
plan_steps(plan_t *self, int last)
{
    for (int i = 0; EXPRESSION_INPUTS + OP_MAX_OUT * i <= last && !self->failed; i++) {
        plan_step(self, i);
        if (!self->failed && self->held != NOWHERE && !passes_on(self, i, self->held))
            keep(self);
    }
}

static void
finish(plan_t *self)
{
    add(self, STRIP_END, 0, DTYPE_NONE, 0, false);
    self->strips->nslots = self->slots;
    if (self->failed)
        self->strips->program.n = 0;
}

void
expression_strips_store(expression_strips_t *self, const expression_t *expression, const int *value, int n, bool stream)
{
    plan_t plan;
    int last = 0;

    begin(&plan, self, expression);
    plan.stream = stream;
    self->nresults = n;
    for (int k = 0; k < n; k++) {
        self->result_step[k] = STRIP * (int64_t)dtype_size((dtype_t)expression->dtype[value[k]]);
        plan.failed |= plan.result[value[k]] != NOWHERE; /* one value, two results */
        plan.result[value[k]] = k;
        last = value[k] > last ? value[k] : last;
    }
    plan_steps(&plan, last);
    finish(&plan);
}

/* What folds two values of a reduction whose order does not count. */
static const struct {
    uint8_t reduce, op;
} joining[] = {
    {REDUCE_SUM, OP_ADD},           {REDUCE_PROD, OP_MULTIPLY},       {REDUCE_MIN, OP_MINIMUM},
    {REDUCE_MAX, OP_MAXIMUM},       {REDUCE_ANY, OP_BITWISE_OR},      {REDUCE_ALL, OP_BITWISE_AND},
    {REDUCE_BIT_OR, OP_BITWISE_OR}, {REDUCE_BIT_AND, OP_BITWISE_AND}, {REDUCE_BIT_XOR, OP_BITWISE_XOR},
};

static int
find_joining(reduce_t reduce)
{
    for (size_t i = 0; i < sizeof joining / sizeof joining[0]; i++)
        if (joining[i].reduce == (uint8_t)reduce)
            return joining[i].op;
    return -1;
}

void
expression_strips_fold(expression_strips_t *self, const expression_t *expression, int value, reduce_t reduce,
                       const fold_t *fold)
{
    plan_t plan;
    dtype_t item = (dtype_t)fold->item;
    bool leaves = fold->nodes != NULL;

    begin(&plan, self, expression);
    self->nresults = 1;
    self->result_step[0] = leaves ? (int64_t)dtype_size(item) : 0;
    plan_steps(&plan, value);
    if (plan.held != value)
        add(&plan, STRIP_LOAD, 0, dtype_of(&plan, value), plan.place[value], false);
    plan.failed |= fold->total != fold->item || dtype_size(item) > sizeof(int64_t) ||
                   (leaves && fold->item != expression->dtype[value]) || (!leaves && find_joining(reduce) < 0);
    if (leaves) {
        add(&plan, STRIP_FOLD, (int)reduce, item, RESULTS, false);
    } else {
        cast(&plan, dtype_of(&plan, value), item);
        add(&plan, STRIP_APPLY, find_joining(reduce), item, RESULTS, false);
        add(&plan, STRIP_STORE, 0, item, RESULTS, false);
    }
    finish(&plan);
}
