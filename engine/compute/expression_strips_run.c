/* Programs of expressions over rows. */
#include "engine/compute/expression_strips.h"
#include "engine/compute/strip_code.h"

#include <string.h>

enum {
    RESULTS = EXPRESSION_STRIPS_RESULTS,
    SLOTS = EXPRESSION_STRIPS_SLOTS,
    SLOT_COUNT = STRIP_PLACES - SLOTS,
    CLOSE = 8 * STRIP, /* elements that are brought close together at a time */
};

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

    run->calls = self->program.calls;
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

/* Do the elements of a row lie apart? */
static bool
apart(const expression_t *expression, const int64_t *step, int k)
{
    return step[k] != 0 && step[k] != (int64_t)dtype_size(expression->array[k].dtype);
}

/* n elements from the row's element `at` on: those that lie apart come to a place where they do not. */
static void
bring_close(const expression_t *expression, char *const *data, const int64_t *step, int64_t at, int64_t n,
            strip_run_t *run, char (*close)[CLOSE * STRIP_ELEMENT])
{
    for (int k = 0; k < expression->narrays; k++) {
        dtype_t dtype = expression->array[k].dtype;
        char *from = data[k] + at * step[k];

        if (apart(expression, step, k)) {
            cast_find(dtype, dtype)((char *[]){from, close[k]}, (const int64_t[]){step[k], (int64_t)dtype_size(dtype)},
                                    n);
            run->place[k] = close[k];
        } else if (step[k] != 0) {
            run->place[k] = from;
        }
    }
}

/* As machine code, where there is some for such rows, or by steps. */
static void
run_program(const expression_strips_t *self, const expression_t *expression, const int64_t *step,
            const strip_run_t *run, int64_t strips)
{
    if (self->code != NULL && same_arrays(expression, step) == self->same)
        strip_code_of(self->code)(run, strips);
    else
        strip_table()->run(self->program.steps, run, strips);
}

static void
run_close(const expression_strips_t *self, const expression_t *expression, char *const *data, const int64_t *step,
          int64_t n, char *const *result, strip_run_t *run)
{
    _Alignas(64) char close[EXPRESSION_INPUTS][CLOSE * STRIP_ELEMENT];

    for (int64_t at = 0, now; at < n; at += now) {
        now = n - at < CLOSE ? n - at : CLOSE;
        bring_close(expression, data, step, at, now, run, close);
        for (int k = 0; k < self->nresults; k++)
            run->place[RESULTS + k] = result[k] + at / STRIP * self->result_step[k];
        run_program(self, expression, step, run, now / STRIP);
    }
}

int64_t
expression_strips_run(const expression_strips_t *self, const expression_t *expression, char *const *data,
                      const int64_t *step, int64_t n, char *const *result)
{
    int64_t whole = n / STRIP * STRIP;
    bool close = true;
    room_t room;

    if (whole <= 0 || self->program.n == 0)
        return 0;
    furnish(self, expression, data, step, &room);
    for (int k = 0; k < self->nresults; k++) {
        room.run.place[RESULTS + k] = result[k];
        room.run.step[RESULTS + k] = self->result_step[k];
    }
    for (int k = 0; k < expression->narrays; k++)
        close = close && !apart(expression, step, k);
    if (close)
        run_program(self, expression, step, &room.run, whole / STRIP);
    else
        run_close(self, expression, data, step, whole, result, &room.run);
    return whole;
}
