/* Expressions as programs for strips: which value is in registers when, and what lies in slots. */
#include "engine/compute/expression_strips.h"

#include <string.h>

/* Places of a program. */
enum {
    RESULTS = EXPRESSION_INPUTS, /* arrays are before them */
    SLOTS = RESULTS + EXPRESSION_RESULTS,
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

static void
add(plan_t *self, strip_kind_t kind, int op, dtype_t dtype, dtype_t other, int place, bool far)
{
    strip_program_t *program = &self->strips->program;
    const strip_row_t *row = program->n < STRIP_STEPS ? strip_find(kind, op, dtype, other) : NULL;

    self->failed |= row == NULL || place == NOWHERE;
    if (!self->failed)
        program->steps[program->n++] = (strip_step_t){far && row->far != NULL ? row->far : row->near, place};
}

static int
take_slot(plan_t *self)
{
    self->failed |= self->slots == SLOT_COUNT;
    return self->failed ? NOWHERE : SLOTS + self->slots++;
}

/* The value in registers gets a slot, if it has none. */
static void
keep(plan_t *self)
{
    if (self->held == NOWHERE || self->place[self->held] != NOWHERE)
        return;
    self->place[self->held] = take_slot(self);
    add(self, STRIP_STORE, 0, (dtype_t)self->expression->dtype[self->held], 0, self->place[self->held], false);
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

/* Where what input k of step i takes lies; *ret_ready: as the step takes it. */
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
    *ret_ready = self->expression->dtype[value] == self->expression->step[i].in[k];
    return is_array(self, value) ? self->expression->place[value] : self->place[value];
}

/* What input k of step i takes comes into registers.  What is there is lost. */
static void
bring(plan_t *self, int i, int k)
{
    int value = self->expression->step[i].argument[k];
    dtype_t wanted = (dtype_t)self->expression->step[i].in[k], have = (dtype_t)self->expression->dtype[value];
    bool ready = have == wanted;

    if (self->held != value) {
        int place = find_operand(self, i, k, &ready);
        add(self, STRIP_LOAD, 0, ready ? wanted : have, 0, place, is_array(self, value));
    }
    if (!ready)
        add(self, STRIP_CAST, 0, have, wanted, 0, false);
    self->held = NOWHERE; /* what is there now is about to change */
}

/* Where the input that is not in registers lies as the step takes it; makes it so. */
static int
prepare_other(plan_t *self, int i, int k, int other)
{
    const int *argument = self->expression->step[i].argument;
    bool ready;

    if (argument[other] == self->held)
        keep(self);
    int place = find_operand(self, i, other, &ready);
    if (ready)
        return place;
    if (argument[k] == self->held)
        keep(self);
    bring(self, i, other);
    place = take_slot(self);
    add(self, STRIP_STORE, 0, (dtype_t)self->expression->step[i].in[other], 0, place, false);
    return place;
}

static void
plan_step(plan_t *self, int i)
{
    const expression_t *expression = self->expression;
    const int *argument = expression->step[i].argument;
    int nin = expression->step[i].nin, op = expression->step[i].op;
    dtype_t dtype = (dtype_t)expression->step[i].in[0];
    int value = EXPRESSION_INPUTS + OP_MAX_OUT * i;

    self->failed |= nin > 2 || expression->step[i].nout != 1 || expression->dtype[value] != (uint8_t)dtype ||
                    (nin == 2 && expression->step[i].in[1] != (uint8_t)dtype);
    if (self->failed)
        return;
    int first = nin == 2 && argument[1] == self->held && argument[0] != self->held ? 1 : 0;
    int other = nin == 2 ? prepare_other(self, i, first, 1 - first) : 0;
    bring(self, i, first);
    add(self, first == 0 ? STRIP_APPLY : STRIP_TURNED, op, dtype, 0, other,
        nin == 2 && other < RESULTS && other != NOWHERE);
    self->held = value;
    if (self->result[value] != NOWHERE)
        add(self, self->stream ? STRIP_STREAM : STRIP_STORE, 0, dtype, 0, RESULTS + self->result[value], false);
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
    add(self, STRIP_END, 0, 0, 0, 0, false);
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

void
expression_strips_fold(expression_strips_t *self, const expression_t *expression, int value, reduce_t reduce)
{
    plan_t plan;

    begin(&plan, self, expression);
    self->nresults = 1;
    self->result_step[0] = (int64_t)dtype_size((dtype_t)expression->dtype[value]);
    plan_steps(&plan, value);
    plan.failed |= plan.held != value;
    add(&plan, STRIP_FOLD, (int)reduce, (dtype_t)expression->dtype[value], 0, RESULTS, false);
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

/* Arrays and constants are where the program looks for them. */
static bool
furnish(const expression_strips_t *self, const expression_t *expression, char *const *data, const int64_t *step,
        room_t *room)
{
    strip_run_t *run = &room->run;

    for (int k = 0; k < expression->narrays; k++) {
        int64_t item = (int64_t)dtype_size(expression->array[k].dtype);
        bool one = step[k] == 0;

        if ((!one && step[k] != item) || item * STRIP > STRIP_BYTES)
            return false;
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
    return true;
}

int64_t
expression_strips_run(const expression_strips_t *self, const expression_t *expression, char *const *data,
                      const int64_t *step, int64_t n, char *const *result)
{
    room_t room;

    if (self->program.n == 0 || n < STRIP || !furnish(self, expression, data, step, &room))
        return 0;
    for (int k = 0; k < self->nresults; k++) {
        room.run.place[RESULTS + k] = result[k];
        room.run.step[RESULTS + k] = self->result_step[k];
    }
    strip_table()->run(self->program.steps, &room.run, n / STRIP);
    return n / STRIP * STRIP;
}
