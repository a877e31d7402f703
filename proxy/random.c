/* Random numbers, made where they will lie: each piece from its own place in the stream of the generator.
 *
 * Where each element takes one number the place is known.  Where elements throw numbers away the place is guessed, a
 * little too early: the elements of the piece before, which goes on beyond its end as far as that, say which of this
 * piece's elements is its first.  What elements take depends on where they begin alone, so two streams of elements
 * agree from the first place on that they have in common. */
#include "codecs/random.h"

#include "codecs/philox.h"
#include "proxy/align.h"
#include "proxy/apply.h"
#include "proxy/error.h"
#include "proxy/scatter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1 << 15 /* elements that one engine makes sooner than several guess */ };

typedef struct {
    fh_session *session;
    random_t row;
    dtype_t dtype;
    shape_t shape;
    philox_t at;
    layout_t layout;                      /* in which it is made */
    int64_t integers[RANDOM_AT_REST + 3]; /* of each APPLY; where the piece begins is filled in */
    int nintegers;
    const double *reals;
    int nreals;
} maker_t;

/* A stretch of the stream on an engine. */
typedef struct {
    int64_t first, count; /* elements of the array */
    int64_t slack;        /* elements that it begins too early, at most two times this */
    int64_t skip;         /* units of the stream before it */
    int64_t heads, tails; /* elements of which the report says where they begin */
    handle_t *made, *report;
    int64_t *places; /* the report, once it is here */
} stretch_t;

/* ---- one stretch --------------------------------------------------------------------------------------------------
 */

/* of (may be NULL): the array whose part i it is. */
static int
emit_stretch(maker_t *self, const fh_array *of, int i, stretch_t *stretch, const shape_t *shape, bool reports,
             err_t *err)
{
    shape_t report = {.ndim = 1, .extent = {RANDOM_REPORT_REST + stretch->heads + stretch->tails}};
    apply_output_t out[] = {{.dtype = self->dtype, .shape = shape, .of = of, .part = i},
                            {.dtype = DTYPE_INT64, .shape = &report}};
    self->integers[RANDOM_AT_SKIP] = stretch->skip;
    self->integers[RANDOM_AT_HEADS] = stretch->heads;
    self->integers[RANDOM_AT_TAILS] = stretch->tails;
    apply_emit_t emit = {.method = APPLY_RANDOM,
                         .engine = self->layout.engines[i],
                         .out = out,
                         .nout = reports ? 2 : 1,
                         .integers = self->integers,
                         .nintegers = self->nintegers,
                         .reals = self->reals,
                         .nreals = self->nreals};
    handle_t *made[2] = {NULL, NULL};
    int status = apply_emit(&emit, made, err);
    stretch->made = made[0];
    stretch->report = made[1];
    return status;
}

/* Wait for what it says. */
static int
read_report(maker_t *self, stretch_t *stretch, err_t *err)
{
    shape_t shape = {.ndim = 1, .extent = {RANDOM_REPORT_REST + stretch->heads + stretch->tails}};
    fh_array *array = NULL;
    free(stretch->places);
    stretch->places = malloc((size_t)shape.extent[0] * sizeof *stretch->places);
    if (!stretch->places)
        return err_set(err, FH_NO_MEMORY, "no memory for the places of %lld random numbers",
                       (long long)shape.extent[0]);
    int status = array_new(&array, self->session, DTYPE_INT64, &shape, -1, 1, err);
    if (status)
        return status;
    array_put(array, 0, handle_ref(stretch->report), NULL);
    status = fh_gather(array, stretch->places, NULL, (fh_error *)err);
    fh_array_free(&array);
    return status;
}

static void
drop_stretches(stretch_t **stretches, int n)
{
    for (int i = 0; *stretches && i < n; i++) {
        handle_unref(&(*stretches)[i].made);
        handle_unref(&(*stretches)[i].report);
        free((*stretches)[i].places);
    }
    free(*stretches);
    *stretches = NULL;
}

static int
make_stretches(const maker_t *self, stretch_t **ret, err_t *err)
{
    *ret = calloc((size_t)self->layout.n, sizeof **ret);
    if (!*ret)
        return err_set(err, FH_NO_MEMORY, "no memory for %d pieces of random numbers", self->layout.n);
    int64_t first = 0;
    for (int i = 0; i < self->layout.n; i++) {
        shape_t part = layout_part_shape(&self->layout, &self->shape, i);
        (*ret)[i].first = first;
        (*ret)[i].count = shape_count(&part);
        first += (*ret)[i].count;
    }
    return FH_OK;
}

/* ---- a number for each element, and one engine ----------------------------------------------------------------------
 */

static void
skip_units(philox_t *philox, int unit, int64_t units)
{
    if (unit == 32)
        philox_skip_halves(philox, (uint64_t)units);
    else
        philox_skip(philox, (uint64_t)units);
}

static int
make_fixed(maker_t *self, fh_array *array, err_t *err)
{
    stretch_t *stretches = NULL;
    int status = make_stretches(self, &stretches, err);
    for (int i = 0; i < self->layout.n && !status; i++) {
        shape_t part = layout_part_shape(&self->layout, &self->shape, i);
        stretches[i].skip = stretches[i].first;
        status = emit_stretch(self, array, i, &stretches[i], &part, false, err);
        if (!status)
            array_put(array, i, handle_ref(stretches[i].made), NULL);
    }
    if (!status)
        skip_units(&self->at, self->row.unit, shape_count(&self->shape));
    drop_stretches(&stretches, self->layout.n);
    return status;
}

static int
make_serial(maker_t *self, fh_array *array, err_t *err)
{
    stretch_t *stretches = NULL;
    int status = make_stretches(self, &stretches, err);
    if (!status)
        status = emit_stretch(self, NULL, 0, &stretches[0], &self->shape, true, err);
    if (!status)
        status = read_report(self, &stretches[0], err);
    if (!status) {
        const int64_t *report = stretches[0].places;
        philox_t *at = &self->at;
        memcpy(at->counter, report + RANDOM_REPORT_COUNTER, sizeof at->counter);
        at->position = report[RANDOM_REPORT_POSITION] >= 0 && report[RANDOM_REPORT_POSITION] < 4
                           ? (int)report[RANDOM_REPORT_POSITION]
                           : 4;
        at->has_half = report[RANDOM_REPORT_HAS_HALF] != 0;
        at->half = (uint32_t)report[RANDOM_REPORT_HALF];
        array_put(array, 0, handle_ref(stretches[0].made), NULL);
    }
    drop_stretches(&stretches, self->layout.n);
    return status;
}

/* ---- chains -------------------------------------------------------------------------------------------------------
 */

/* How far the guess for an element may be wrong: eight standard deviations, and what the mean is not known. */
static int64_t
slack_at(int64_t element)
{
    return (int64_t)(2.5 * sqrt((double)element) + 4e-5 * (double)element) + 64;
}

static int
emit_chain(maker_t *self, int i, stretch_t *stretch, err_t *err)
{
    shape_t shape = {.ndim = 1, .extent = {stretch->count}};
    if (i > 0) {
        double begin = ((double)(stretch->first - stretch->slack)) * self->row.mean;
        stretch->skip = begin > 0 ? (int64_t)begin : 0;
        stretch->heads = 2 * stretch->slack + 1;
        shape.extent[0] += 2 * stretch->slack;
    }
    stretch->tails = 2 * stretch->slack + 1;
    return emit_stretch(self, NULL, i, stretch, &shape, true, err);
}

/* Which of its elements begins at that unit of the stream?  -1: none of the heads. */
static int64_t
find_head(const stretch_t *stretch, int64_t unit)
{
    const int64_t *heads = stretch->places + RANDOM_REPORT_REST;
    int64_t low = 0, high = stretch->heads;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (stretch->skip + heads[middle] < unit)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stretch->heads && stretch->skip + heads[low] == unit ? low : -1;
}

/* The guess was wrong: make it again from where it begins. */
static int
repeat_chain(maker_t *self, int i, stretch_t *stretch, int64_t unit, err_t *err)
{
    shape_t shape = {.ndim = 1, .extent = {stretch->count}};
    handle_unref(&stretch->made);
    handle_unref(&stretch->report);
    stretch->skip = unit;
    stretch->slack = stretch->heads = 0;
    stretch->tails = 1;
    int status = emit_stretch(self, NULL, i, stretch, &shape, true, err);
    return status ? status : read_report(self, stretch, err);
}

/* The stretch's elements from that one on as part i of the array. */
static int
put_chain(maker_t *self, fh_array *array, int i, const stretch_t *stretch, int64_t from, err_t *err)
{
    shape_t part = layout_part_shape(&self->layout, &self->shape, i);
    handle_t *view = NULL;
    nd_t nd;
    nd_init(&nd, ARRAY_BASE, self->dtype, &part);
    nd.data += from * (int64_t)dtype_size(self->dtype);
    int status = emit_view(stretch->made, &nd, &view, err);
    if (!status)
        status = emit_lay_part(array, i, &view, err);
    if (!status)
        array_put(array, i, view, NULL);
    else
        handle_unref(&view);
    return status;
}

static int
make_chain(maker_t *self, fh_array *array, err_t *err)
{
    stretch_t *stretches = NULL;
    int64_t unit = 0; /* at which the next element begins */
    int status = make_stretches(self, &stretches, err);
    for (int i = 0; i < self->layout.n && !status; i++) {
        stretches[i].slack = i ? slack_at(stretches[i].first) : 0;
        status = emit_chain(self, i, &stretches[i], err);
    }
    if (!status)
        status = session_flush(self->session, err);
    for (int i = 0; i < self->layout.n && !status; i++) {
        stretch_t *stretch = &stretches[i];
        int64_t from = 0;
        status = read_report(self, stretch, err);
        if (!status && i > 0)
            from = find_head(stretch, unit);
        if (!status && from < 0) {
            from = 0;
            status = repeat_chain(self, i, stretch, unit, err);
        }
        if (status)
            break;
        unit = stretch->skip + stretch->places[RANDOM_REPORT_REST + stretch->heads + from];
        status = put_chain(self, array, i, stretch, from, err);
    }
    if (!status)
        skip_units(&self->at, self->row.unit, unit);
    drop_stretches(&stretches, self->layout.n);
    return status;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

static int
check(maker_t *self, const fh_random_draw *draw, const fh_philox *state, err_t *err)
{
    int code = random_find(draw->distribution, (dtype_t)draw->dtype);
    if (code < 0)
        return err_set(err, FH_NOT_SUPPORTED, "there are no random numbers %.64s of dtype %s", draw->distribution,
                       dtype_valid((uint64_t)draw->dtype) ? dtype_name((dtype_t)draw->dtype) : "?");
    char kind = dtype_kind((dtype_t)draw->dtype);
    if (code == RANDOM_INTEGERS && kind != 'i' && kind != 'u' && kind != 'b')
        return err_set(err, FH_WRONG_TYPE, "integers of dtype %s", dtype_name((dtype_t)draw->dtype));
    if (state->position < 0 || state->position > 4)
        return err_set(err, FH_INVALID_ARGUMENT, "position %d of a block of four numbers", state->position);
    int status = random_check(code, draw->reals, draw->nreals, draw->integers, draw->nintegers, err);
    if (status)
        return status;
    self->dtype = (dtype_t)draw->dtype;
    self->row = code == RANDOM_INTEGERS ? random_integers(self->dtype, (uint64_t)draw->integers[1]) : *random_at(code);
    self->reals = draw->reals;
    self->nreals = draw->nreals;
    self->nintegers = RANDOM_AT_REST + draw->nintegers;
    self->integers[RANDOM_AT_CODE] = code;
    memcpy(self->integers + RANDOM_AT_KEY, state->key, sizeof state->key);
    memcpy(self->integers + RANDOM_AT_COUNTER, state->counter, sizeof state->counter);
    self->integers[RANDOM_AT_POSITION] = state->position;
    self->integers[RANDOM_AT_HAS_HALF] = state->has_half != 0;
    self->integers[RANDOM_AT_HALF] = state->half;
    if (draw->nintegers)
        memcpy(self->integers + RANDOM_AT_REST, draw->integers, (size_t)draw->nintegers * sizeof *draw->integers);
    philox_restore(&self->at, state->key, state->counter, state->position);
    self->at.has_half = state->has_half != 0;
    self->at.half = state->half;
    return FH_OK;
}

/* The layout in which pieces are stretches of the stream: that which is wanted, unless it is cut along an inner axis.
 */
static int
choose_layout(maker_t *self, const layout_t *wanted, err_t *err)
{
    int64_t outer = 1, count = shape_count(&self->shape);
    for (int axis = 0; axis < wanted->axis; axis++)
        outer *= self->shape.extent[axis];
    bool alone = wanted->n == 1 || count == 0 || self->row.way == RANDOM_SERIAL ||
                 (self->row.way == RANDOM_CHAIN && count < SMALL);
    if (alone)
        return layout_single(&self->layout, wanted->engines[0], err);
    if (outer > 1)
        return layout_split(&self->layout, 0, self->shape.extent[0], 0, wanted->engines, wanted->n, err);
    int status = layout_init(&self->layout, wanted->axis, wanted->n, err);
    for (int i = 0; i < wanted->n && !status; i++) {
        self->layout.cuts[i] = wanted->cuts[i];
        self->layout.engines[i] = wanted->engines[i];
    }
    return status;
}

static int
make(maker_t *self, const layout_t *wanted, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    int status = array_new_as(&made, self->session, self->dtype, &self->shape, &self->layout, err);
    if (status)
        return status;
    if (self->row.way == RANDOM_FIXED)
        status = make_fixed(self, made, err);
    else if (self->row.way == RANDOM_CHAIN && self->layout.n > 1)
        status = make_chain(self, made, err);
    else
        status = make_serial(self, made, err);
    if (!status) {
        array_settle(made);
        if (layout_equal(&self->layout, wanted)) {
            *ret = made;
            made = NULL;
        } else {
            status = align_result(made, wanted, ret, err);
        }
    }
    if (!status)
        status = session_flush(self->session, err);
    fh_array_free(&made);
    return status;
}

int
fh_random(fh_session *session, const fh_random_draw *draw, int ndim, const int64_t *shape,
          const fh_scatter_options *options, fh_philox *state, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    static char nothing[1];
    fh_local local = {.data = nothing, .dtype = draw->dtype, .ndim = ndim, .shape = shape};
    maker_t self = {.session = session};
    layout_t wanted = {0};
    nd_t nd;
    bool swapped;
    int status = session_enter(session, err);
    if (!status)
        status = scatter_local(&local, &nd, &swapped, err);
    if (!status)
        status = check(&self, draw, state, err);
    if (status)
        return status;
    self.shape = nd.shape;
    status = scatter_layout(session, &nd.shape, options, &wanted, err);
    if (status)
        return status;
    status = choose_layout(&self, &wanted, err);
    if (!status)
        status = make(&self, &wanted, ret, err);
    if (!status) {
        memcpy(state->counter, self.at.counter, sizeof state->counter);
        state->position = self.at.position;
        state->has_half = self.at.has_half;
        state->half = self.at.half;
        if (shape_count(&self.shape) > 0)
            philox_block(state->key, state->counter, state->buffer);
    }
    layout_release(&self.layout);
    layout_release(&wanted);
    return status;
}
