#include "engine/compute/expression.h"

#include "base/stream_copy.h"
#include "engine/compute/expression_blocks.h"
#include "engine/compute/expression_strips.h"
#include "engine/compute/flags.h"
#include "engine/compute/iterate.h"

#include <string.h>

enum {
    OVER = 2048, /* elements that are made before they are written over their inputs */
    LINE = 64,
};

/* --- what is to be done ---------------------------------------------------------------------------------------------
 */

static int
take_inputs(expression_t *self, const nd_t *inputs, const bool *constant, int ninputs, err_t *err)
{
    const shape_t *shapes[EXPRESSION_INPUTS];
    int status = FH_OK;
    self->ninputs = ninputs;
    self->narrays = 0;
    for (int i = 0; i < ninputs; i++) {
        self->place[i] = constant[i] ? -1 : self->narrays;
        if (constant[i])
            self->constant[i] = inputs[i];
        else
            shapes[self->narrays++] = &inputs[i].shape;
        if (!dtype_valid((uint64_t)inputs[i].dtype))
            return err_set(err, FH_WRONG_TYPE, "an expression of numbers has an input of dtype %s",
                           dtype_name(inputs[i].dtype));
        self->dtype[i] = (uint8_t)inputs[i].dtype;
    }
    if (self->narrays == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "an expression of constants alone");
    status = shape_broadcast(shapes, self->narrays, &self->shape, err);
    for (int i = 0; i < ninputs && status == FH_OK; i++)
        if (!constant[i])
            status = nd_broadcast(&inputs[i], &self->shape, &self->array[self->place[i]], err);
    return status;
}

static int
take_step(expression_t *self, int i, const expression_step_t *step, err_t *err)
{
    const op_t *op = step->op;
    self->step[i].loop = loop_find(op, &step->loop);
    self->step[i].op = op->code;
    self->step[i].nin = op->nin;
    self->step[i].nout = op->nout;
    if (self->step[i].loop == NULL)
        return err_set(err, FH_WRONG_TYPE, "%s has no loop over %s", op->name, dtype_name(step->loop.in[op->nin - 1]));
    if (op->code == OP_POWER && strchr("iu", dtype_kind(step->loop.in[1])) != NULL)
        return err_set(err, FH_INVALID_ARGUMENT, "a power of integers cannot be part of an expression");
    for (int k = 0; k < op->nin; k++) {
        int argument = step->argument[k];
        if (argument < 0 || argument >= EXPRESSION_INPUTS + OP_MAX_OUT * i || self->dtype[argument] == DTYPE_NONE)
            return err_set(err, FH_INVALID_ARGUMENT, "step %d uses value %d, which is not there", i, argument);
        bool input = argument < EXPRESSION_INPUTS;
        dtype_t have = (dtype_t)self->dtype[argument], wanted = step->loop.in[k];
        self->step[i].argument[k] = argument;
        self->step[i].in[k] = (uint8_t)wanted;
        self->step[i].item[k] = (int64_t)dtype_size(wanted);
        self->step[i].cast[k] = have != wanted ? cast_find(have, wanted) : NULL;
        if (input && self->place[argument] < 0)
            dtype_convert(wanted, self->step[i].settled[k], have, self->constant[argument].data);
        else if (input && !iterate_aligned(&self->array[self->place[argument]]))
            self->step[i].cast[k] = cast_find(have, wanted);
    }
    for (int k = 0; k < op->nout; k++)
        self->dtype[EXPRESSION_INPUTS + OP_MAX_OUT * i + k] = (uint8_t)step->loop.out[k];
    return FH_OK;
}

/* Buffers that few values share.  A value's buffer is free after the last step that uses it; results never are. */
void
expression_place(expression_t *self, const int *result, int nresults)
{
    int last[EXPRESSION_VALUES], owner[EXPRESSION_BUFFERS];
    for (int v = 0; v < EXPRESSION_VALUES; v++)
        last[v] = -1;
    for (int b = 0; b < EXPRESSION_BUFFERS; b++)
        owner[b] = -1;
    for (int i = 0; i < self->nsteps; i++)
        for (int k = 0; k < self->step[i].nin; k++)
            last[self->step[i].argument[k]] = i;
    for (int k = 0; k < nresults; k++)
        last[result[k]] = self->nsteps;
    for (int i = 0; i < self->nsteps; i++) {
        for (int k = 0; k < self->step[i].nout; k++) {
            int value = EXPRESSION_INPUTS + OP_MAX_OUT * i + k, b = 0;
            while (b < EXPRESSION_BUFFERS - 1 && owner[b] >= 0)
                b++;
            owner[b] = value;
            self->buffer[value] = (int16_t)b;
        }
        for (int b = 0; b < EXPRESSION_BUFFERS; b++)
            if (owner[b] >= 0 && last[owner[b]] <= i)
                owner[b] = -1;
    }
}

int
expression_init(expression_t *self, const nd_t *inputs, const bool *constant, int ninputs,
                const expression_step_t *steps, int nsteps, err_t *err)
{
    if (ninputs < 1 || ninputs > EXPRESSION_INPUTS || nsteps < 1 || nsteps > EXPRESSION_STEPS)
        return err_set(err, FH_INVALID_ARGUMENT, "an expression of %d inputs and %d steps; at most %d and %d", ninputs,
                       nsteps, EXPRESSION_INPUTS, EXPRESSION_STEPS);
    memset(self->dtype, DTYPE_NONE, sizeof self->dtype);
    self->nsteps = nsteps;
    self->flags = NULL;
    self->wanted = 0;
    int status = take_inputs(self, inputs, constant, ninputs, err);
    for (int i = 0; i < nsteps && status == FH_OK; i++)
        status = take_step(self, i, &steps[i], err);
    return status;
}

/* --- blocks ---------------------------------------------------------------------------------------------------------
 */

void
expression_block(const expression_t *self, char *const *data, const int64_t *step, int64_t n, char *const *direct,
                 unsigned *flags, expression_room_t *room)
{
    for (int i = 0; i < self->nsteps; i++) {
        char *p[OP_MAX_IN + OP_MAX_OUT];
        int64_t steps[OP_MAX_IN + OP_MAX_OUT];
        int nin = self->step[i].nin;
        for (int k = 0; k < nin; k++) {
            int argument = self->step[i].argument[k];
            int64_t item = self->step[i].item[k];
            if (argument >= EXPRESSION_INPUTS) {
                int b = self->buffer[argument];
                p[k] = direct != NULL && direct[argument] != NULL ? direct[argument] : room->value[b];
                steps[k] = (int64_t)dtype_size((dtype_t)self->dtype[argument]);
            } else if (self->place[argument] < 0) {
                union {
                    const char *in;
                    char *p; /* loops only read their inputs */
                } settled = {.in = self->step[i].settled[k]};
                p[k] = settled.p;
                steps[k] = 0;
                continue;
            } else {
                p[k] = data[self->place[argument]];
                steps[k] = step[self->place[argument]];
            }
            if (self->step[i].cast[k] != NULL) {
                bool one = steps[k] == 0;
                self->step[i].cast[k]((char *[]){p[k], room->converted[k]}, (const int64_t[]){steps[k], item},
                                      one ? 1 : n);
                p[k] = room->converted[k];
                steps[k] = one ? 0 : item;
            }
        }
        for (int k = 0; k < self->step[i].nout; k++) {
            int value = EXPRESSION_INPUTS + OP_MAX_OUT * i + k;
            p[nin + k] = direct != NULL && direct[value] != NULL ? direct[value] : room->value[self->buffer[value]];
            steps[nin + k] = (int64_t)dtype_size((dtype_t)self->dtype[value]);
        }
        self->step[i].loop(p, steps, n);
        if (flags != NULL) {
            __atomic_fetch_or(&flags[i], flags_raised(), __ATOMIC_RELAXED);
            flags_clear();
        }
    }
}

/* --- results --------------------------------------------------------------------------------------------------------
 */

typedef struct {
    const expression_t *self;
    const int *value;
    int n;
    bool stream; /* results go past the cache */
    bool over;   /* some are written where inputs lie */
    expression_strips_t strips;
} store_t;

/* n elements of all arrays and results, block by block; data moves on. */
static void
store_blocks(const store_t *store, char **data, const int64_t *step, int64_t n)
{
    const expression_t *self = store->self;
    char *direct[EXPRESSION_VALUES];
    expression_room_t room;
    memset(direct, 0, sizeof direct);
    for (int64_t now; n > 0; n -= now) {
        now = n < EXPRESSION_BLOCK ? n : EXPRESSION_BLOCK;
        for (int k = 0; k < store->n && !store->stream; k++) {
            int64_t item = (int64_t)dtype_size((dtype_t)self->dtype[store->value[k]]);
            direct[store->value[k]] = step[self->narrays + k] == item ? data[self->narrays + k] : NULL;
        }
        expression_block(self, data, step, now, direct, store->over ? NULL : self->flags, &room);
        for (int k = 0; k < store->n; k++) {
            dtype_t dtype = (dtype_t)self->dtype[store->value[k]];
            int64_t item = (int64_t)dtype_size(dtype), to_step = step[self->narrays + k];
            char *from = room.value[self->buffer[store->value[k]]], *to = data[self->narrays + k];
            if (store->stream && to_step == item)
                stream_copy_part(to, from, (size_t)(now * item));
            else if (direct[store->value[k]] == NULL)
                cast_find(dtype, dtype)((char *[]){from, to}, (const int64_t[]){item, to_step}, now);
        }
        for (int k = 0; k < self->narrays + store->n; k++)
            data[k] += now * step[k];
    }
}

/* The same as a program, where there is one for such rows; returns how many elements it was. */
static int64_t
store_strips(const store_t *store, char **data, const int64_t *step, int64_t n)
{
    const expression_t *self = store->self;
    int64_t head = 0;
    for (int k = 0; k < store->n; k++)
        if (step[self->narrays + k] != (int64_t)dtype_size((dtype_t)self->dtype[store->value[k]]))
            return 0;
    if (store->strips.program.n == 0 || n < EXPRESSION_WORTH_STRIPS)
        return 0;
    if (store->stream) /* results begin on a line */
        head = (int64_t)(-(uintptr_t)data[self->narrays] % LINE) / step[self->narrays];
    store_blocks(store, data, step, head);
    int64_t done = expression_strips_run(&store->strips, self, data, step, n - head, data + self->narrays);
    for (int k = 0; k < self->narrays + store->n; k++)
        data[k] += done * step[k];
    return head + done;
}

static void
store_row(void *context, char **data, const int64_t *step, int64_t n)
{
    const store_t *store = context;
    n -= store_strips(store, data, step, n);
    store_blocks(store, data, step, n);
    if (store->stream)
        stream_copy_settle();
}

/* Flags have been raised by n elements, whose inputs are still there: by which steps? */
static void
note_steps(const expression_t *self, char *const *data, const int64_t *step, int64_t n)
{
    char *at[EXPRESSION_INPUTS];
    expression_room_t room;
    memcpy(at, data, (size_t)self->narrays * sizeof at[0]);
    flags_clear();
    for (int64_t now; n > 0; n -= now) {
        now = n < EXPRESSION_BLOCK ? n : EXPRESSION_BLOCK;
        expression_block(self, at, step, now, NULL, self->flags, &room);
        for (int k = 0; k < self->narrays; k++)
            at[k] += now * step[k];
    }
}

/* Results that lie where inputs do: they are made elsewhere, and written when nothing needs the inputs any more. */
static void
store_row_over(void *context, char **data, const int64_t *step, int64_t n)
{
    const store_t *store = context;
    const expression_t *self = store->self;
    _Alignas(64) char made[EXPRESSION_RESULTS][OVER * EXPRESSION_ELEMENT_MAX];
    char *at[ITERATE_MAX];
    int64_t at_step[ITERATE_MAX];
    memcpy(at_step, step, (size_t)self->narrays * sizeof at_step[0]);
    for (int64_t now; n > 0; n -= now) {
        now = n < OVER ? n : OVER;
        memcpy(at, data, (size_t)self->narrays * sizeof at[0]);
        for (int k = 0; k < store->n; k++) {
            at[self->narrays + k] = made[k];
            at_step[self->narrays + k] = (int64_t)dtype_size((dtype_t)self->dtype[store->value[k]]);
        }
        store_blocks(store, at, at_step, now - store_strips(store, at, at_step, now));
        if (self->flags != NULL && (flags_raised() & self->wanted) != 0)
            note_steps(self, data, step, now);
        for (int k = 0; k < store->n; k++) {
            dtype_t dtype = (dtype_t)self->dtype[store->value[k]];
            int64_t steps[2] = {(int64_t)dtype_size(dtype), step[self->narrays + k]};
            cast_find(dtype, dtype)((char *[]){made[k], data[self->narrays + k]}, steps, now);
        }
        for (int k = 0; k < self->narrays + store->n; k++)
            data[k] += now * step[k];
    }
}

/* Must results be made elsewhere first? */
static bool
is_over(const expression_t *self, const nd_t *out, int n)
{
    bool over = false;
    for (int k = 0; k < n && !over; k++) {
        over = !iterate_aligned(&out[k]);
        for (int i = 0; i < self->narrays && !over; i++)
            over = nd_overlap(&self->array[i], &out[k]);
    }
    return over;
}

int
expression_store(crew_t *crew, expression_t *self, const int *value, const nd_t *out, int n, err_t *err)
{
    const nd_t *operand[ITERATE_MAX];
    int64_t bytes = 0, out_bytes = 0;
    if (n < 1 || n > EXPRESSION_RESULTS)
        return err_set(err, FH_INVALID_ARGUMENT, "%d results of an expression; at most %d", n, EXPRESSION_RESULTS);
    for (int k = 0; k < n; k++)
        if (value[k] < EXPRESSION_INPUTS || value[k] >= EXPRESSION_VALUES ||
            self->dtype[value[k]] != (uint8_t)out[k].dtype || !shape_equal(&out[k].shape, &self->shape))
            return err_set(err, FH_INVALID_ARGUMENT, "result %d does not fit value %d", k, value[k]);
    expression_place(self, value, n);
    for (int i = 0; i < self->narrays; i++) {
        operand[i] = &self->array[i];
        bytes += (int64_t)dtype_size(self->array[i].dtype);
    }
    for (int k = 0; k < n; k++) {
        operand[self->narrays + k] = &out[k];
        bytes += (int64_t)dtype_size(out[k].dtype);
        out_bytes += shape_bytes(&self->shape, out[k].dtype);
    }
    store_t store;
    store.self = self;
    store.value = value;
    store.n = n;
    store.over = is_over(self, out, n);
    store.stream = out_bytes >= STREAM_COPY_BYTES && !store.over;
    store.strips.program.n = 0;
    store.strips.code = NULL;
    if ((self->flags == NULL || store.over) && shape_count(&self->shape) >= EXPRESSION_WORTH_STRIPS)
        expression_strips_store(&store.strips, self, value, n, store.stream);
    expression_strips_compile(&store.strips, self, shape_count(&self->shape));
    iterate_t walk;
    iterate_init(&walk, operand, self->narrays + n, self->narrays);
    iterate_run(&walk, crew, bytes, store.over ? store_row_over : store_row, &store);
    expression_strips_release(&store.strips);
    return FH_OK;
}

int
expression_single(crew_t *crew, const expression_step_t *step, const nd_t *inputs, const bool *constant,
                  const nd_t *out, bool *ret_done, err_t *err)
{
    expression_t self;
    expression_strips_t strips;
    int value = EXPRESSION_INPUTS;
    bool array = false;
    *ret_done = false;
    for (int k = 0; k < step->op->nin; k++)
        array |= !constant[k];
    if (!array || step->op->nout != 1 || step->op->code == OP_POWER ||
        shape_count(&out->shape) < EXPRESSION_WORTH_STRIPS)
        return FH_OK;
    int status = expression_init(&self, inputs, constant, step->op->nin, step, 1, err);
    if (status != FH_OK || !shape_equal(&self.shape, &out->shape))
        return status;
    expression_strips_store(&strips, &self, &value, 1, false);
    if (strips.program.n == 0 || strips.ncalls > 0)
        return FH_OK;
    *ret_done = true;
    return expression_store(crew, &self, &value, out, 1, err);
}
