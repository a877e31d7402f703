/* Expressions as programs for strips: which value is in registers when, and what lies in slots. */
#include "engine/compute/expression_strips.h"

#include "engine/compute/strip_code.h"

#include <string.h>

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

/* What is in registers goes from one dtype to another. */
static void
cast(plan_t *self, dtype_t from, dtype_t to)
{
    const strip_row_t *row = find(self, STRIP_CAST, 0, from, to);

    if (from == to || self->failed)
        return;
    if (row != NULL) {
        add_row(self, row, 0, false);
        return;
    }
    int before = save(self, from), after = take_slot(self);
    strip_step_t *step = add(self, STRIP_CONVERT, 0, DTYPE_NONE, before, false);

    if (step == NULL)
        return;
    step->other = after;
    step->loop = cast_find(from, to);
    step->item = (int32_t)dtype_size(from);
    step->other_item = (int32_t)dtype_size(to);
    add(self, STRIP_LOAD, 0, to, after, false);
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

        add(self, STRIP_LOAD, 0, have, place, is_array(self, value));
    }
    cast(self, have, wanted);
    self->held = NOWHERE; /* what is there now is about to change */
}

/* Where input k of step i lies as the step takes it; makes it so. */
static int
settle(plan_t *self, int i, int k)
{
    const int *argument = self->expression->step[i].argument;
    bool ready;

    if (argument[k] == self->held)
        keep(self);
    int place = find_operand(self, i, k, &ready);
    if (ready)
        return place;
    for (int j = 0; j < self->expression->step[i].nin; j++)
        if (argument[j] == self->held)
            keep(self);
    bring(self, i, k);
    return save(self, (dtype_t)self->expression->step[i].in[k]);
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
    int op = self->expression->step[i].op, nin = self->expression->step[i].nin;
    dtype_t dtype = (dtype_t)self->expression->step[i].in[first];

    if (op == OP_CLIP) {
        add(self, STRIP_APPLY, OP_MAXIMUM, dtype, place[1], reads_far(place[1]));
        add(self, STRIP_APPLY, OP_MINIMUM, dtype, place[2], reads_far(place[2]));
    } else if (op == OP_WHERE) {
        int other = place[3 - first];
        strip_step_t *step = add(self, first == 1 ? STRIP_APPLY : STRIP_TURNED, op, dtype, other,
                                 reads_far(other) || reads_far(place[0]));

        if (step != NULL)
            step->other = place[0];
    } else {
        int other = nin == 2 ? place[1 - first] : 0;

        add(self, first == 0 ? STRIP_APPLY : STRIP_TURNED, op, dtype, other, nin == 2 && reads_far(other));
    }
}

static void
plan_step(plan_t *self, int i)
{
    const expression_t *expression = self->expression;
    const int *argument = expression->step[i].argument;
    int nin = expression->step[i].nin, op = expression->step[i].op, first = op == OP_WHERE ? 1 : 0;
    int value = EXPRESSION_INPUTS + OP_MAX_OUT * i, place[OP_MAX_IN] = {NOWHERE, NOWHERE, NOWHERE};

    self->failed |= expression->step[i].nout != 1 || (nin > 2 && op != OP_CLIP && op != OP_WHERE) ||
                    (nin > 1 && expression->step[i].in[nin - 2] != expression->step[i].in[nin - 1]);
    if (self->failed)
        return;
    if (nin > 1 && op != OP_CLIP && argument[first + 1] == self->held && argument[first] != self->held)
        first++;
    for (int k = 0; k < nin; k++)
        place[k] = k == first ? NOWHERE : settle(self, i, k);
    for (int k = 0; k < nin && !self->failed; k++)
        self->failed |= k != first && place[k] == NOWHERE;
    bring(self, i, first);
    if (!self->failed)
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
    strips->program.n = strips->nconstants = 0;
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
        if (!self->failed && !passes_on(self, i, self->held))
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
    plan.failed |= plan.held != value || fold->total != fold->item || dtype_size(item) > sizeof(int64_t) ||
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

/* ---- running -------------------------------------------------------------------------------------------------------
 */

typedef struct {
    strip_run_t run;
    _Alignas(64) char slot[SLOT_COUNT][STRIP_BYTES], spread[EXPRESSION_INPUTS][STRIP_BYTES];
} room_t;

static void
spread(char *slot, const char *element, size_t item)
{
    for (int i = 0; i < STRIP; i++)
        memcpy(slot + (size_t)i * item, element, item);
}

bool
expression_strips_fit(const expression_strips_t *self, const expression_t *expression, const int64_t *step)
{
    for (int k = 0; k < expression->narrays; k++) {
        int64_t item = (int64_t)dtype_size(expression->array[k].dtype);

        if ((step[k] != 0 && step[k] != item) || item * STRIP > STRIP_BYTES)
            return false;
    }
    return self->program.n > 0;
}

/* Those of the arrays that have one element in a row with such steps. */
static uint32_t
same_arrays(const expression_t *expression, const int64_t *step)
{
    uint32_t same = 0;

    for (int k = 0; k < expression->narrays; k++)
        same |= (uint32_t)(step[k] == 0) << k;
    return same;
}

void
expression_strips_compile(expression_strips_t *self, const expression_t *expression, int64_t n)
{
    int last = expression->shape.ndim - 1; /* rows run along the last axis that has elements */
    int64_t step[EXPRESSION_INPUTS];

    while (last > 0 && expression->shape.extent[last] == 1)
        last--;
    for (int k = 0; k < expression->narrays; k++)
        step[k] = last < 0 ? 0 : expression->array[k].stride[last];
    self->same = same_arrays(expression, step);
    self->code = strip_code_take(&self->program, self->same, n * self->program.n);
}

void
expression_strips_release(expression_strips_t *self)
{
    strip_code_give(&self->code);
}

/* Arrays and constants are where the program looks for them. */
static void
furnish(const expression_strips_t *self, const expression_t *expression, char *const *data, const int64_t *step,
        room_t *room)
{
    strip_run_t *run = &room->run;

    for (int k = 0; k < expression->narrays; k++) {
        int64_t item = (int64_t)dtype_size(expression->array[k].dtype);
        bool one = step[k] == 0;

        if (one)
            spread(room->spread[k], data[k], (size_t)item);
        run->place[k] = one ? room->spread[k] : data[k];
        run->step[k] = one ? 0 : item * STRIP;
    }
    for (int s = 0; s < self->nslots; s++) {
        run->place[SLOTS + s] = room->slot[s];
        run->step[SLOTS + s] = 0;
    }
    for (int c = 0; c < self->nconstants; c++) {
        int i = self->constant[c].step, k = self->constant[c].input;

        spread(run->place[self->constant[c].place], expression->step[i].settled[k],
               (size_t)expression->step[i].item[k]);
    }
}

int64_t
expression_strips_run(const expression_strips_t *self, const expression_t *expression, char *const *data,
                      const int64_t *step, int64_t n, char *const *result)
{
    room_t room;

    if (n < STRIP || !expression_strips_fit(self, expression, step))
        return 0;
    furnish(self, expression, data, step, &room);
    for (int k = 0; k < self->nresults; k++) {
        room.run.place[RESULTS + k] = result[k];
        room.run.step[RESULTS + k] = self->result_step[k];
    }
    if (self->code != NULL && same_arrays(expression, step) == self->same)
        strip_code_of(self->code)(&room.run, n / STRIP);
    else
        strip_table()->run(self->program.steps, &room.run, n / STRIP);
    return n / STRIP * STRIP;
}
