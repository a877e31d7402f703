/* Counting: each piece by itself, and the counts added; weights one piece after the other, so that their sums have the
 * bits that they have in one piece. */
#include "proxy/apply.h"
#include "proxy/brought.h"
#include "proxy/error.h"

#include <stdlib.h>

typedef struct {
    apply_code_t method;
    fh_array *array;
    brought_t edges;   /* of histograms */
    fh_array *weights; /* laid out as the array; NULL: none */
    int64_t integer;   /* the method's */
    shape_t shape;     /* of the result */
} counting_t;

static int
count_part(counting_t *self, int i, handle_t *before, handle_t **ret, err_t *err)
{
    handle_t *piece = self->array->parts[i].handle, *edges = NULL;
    operand_t in[4] = {apply_object(piece)};
    int n = 1, status = FH_OK;
    if (self->edges.array) {
        status = brought_get(&self->edges, piece->engine, &edges, err);
        if (!status)
            in[n++] = apply_object(edges);
    }
    if (self->weights)
        in[n++] = apply_object(self->weights->parts[i].handle);
    if (before)
        in[n++] = apply_object(before);
    if (status)
        return status;
    return apply_emit_one(self->method, in, n, piece->engine, self->weights ? DTYPE_FLOAT64 : DTYPE_INT64, &self->shape,
                          &self->integer, 1, ret, err);
}

/* Weights: the sums go from piece to piece. */
static int
count_in_turn(counting_t *self, handle_t **ret, err_t *err)
{
    handle_t *sums = NULL;
    int status = FH_OK;
    for (int i = 0; i < self->array->n && !status; i++) {
        handle_t *next = NULL, *here = NULL;
        engine_link_t *to = self->array->parts[i].handle->engine;
        if (sums && sums->engine != to) {
            status = emit_transfer(sums, to, DTYPE_FLOAT64, &self->shape, &here, err);
            handle_unref(&sums);
            sums = here;
        }
        if (!status)
            status = count_part(self, i, sums, &next, err);
        handle_unref(&sums);
        sums = next;
    }
    *ret = sums;
    return status;
}

static int
count_apart(counting_t *self, handle_t **ret, err_t *err)
{
    int n = self->array->n, status = FH_OK;
    handle_t **counts = calloc((size_t)n, sizeof *counts), *stacked = NULL;
    if (!counts)
        return err_set(err, FH_NO_MEMORY, "no memory to count %d pieces", n);
    for (int i = 0; i < n && !status; i++)
        status = count_part(self, i, NULL, &counts[i], err);
    if (!status && n == 1)
        *ret = handle_ref(counts[0]);
    if (!status && n > 1)
        status = align_stack(counts[0]->engine, DTYPE_INT64, counts, &self->shape, n, &stacked, err);
    if (!status && n > 1)
        status = emit_reduce(stacked, REDUCE_SUM, 1, false, DTYPE_INT64, 0, &self->shape, ret, err);
    for (int i = 0; i < n; i++)
        handle_unref(&counts[i]);
    free(counts);
    handle_unref(&stacked);
    return status;
}

/* Weights in the array's layout. */
static int
take_weights(counting_t *self, fh_array *weights, err_t *err)
{
    layout_t layout = {0};
    int status = array_enter(weights, err);
    if (!status && (weights->session != self->array->session || !shape_equal(&weights->shape, &self->array->shape)))
        status = err_set(err, FH_INVALID_ARGUMENT, "weights differ in shape from the array, or are another session's");
    if (!status && dtype_kind(weights->dtype) == 'c')
        status = err_set(err, FH_WRONG_TYPE, "weights of %s cannot be cast to float64", dtype_name(weights->dtype));
    if (!status)
        status = array_layout(self->array, 0, &layout, err);
    if (!status)
        status = align_array(weights, &layout, &self->weights, err);
    layout_release(&layout);
    return status;
}

static int
run(counting_t *self, fh_array *weights, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    handle_t *result = NULL;
    int status = weights ? take_weights(self, weights, err) : FH_OK;
    if (!status)
        status =
            array_new(&made, self->array->session, weights ? DTYPE_FLOAT64 : DTYPE_INT64, &self->shape, -1, 1, err);
    if (!status)
        status = weights ? count_in_turn(self, &result, err) : count_apart(self, &result, err);
    if (!status)
        array_put(made, 0, result, NULL);
    else
        handle_unref(&result);
    if (!status)
        status = session_flush(self->array->session, err);
    brought_release(&self->edges);
    fh_array_free(&self->weights);
    if (status)
        fh_array_free(&made);
    else
        *ret = made;
    return status;
}

int
fh_bincount(fh_array *array, fh_array *weights, int64_t bins, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(array, err);
    if (!status && bins < 0)
        status = err_set(err, FH_INVALID_ARGUMENT, "%lld bins", (long long)bins);
    if (!status && !dtype_can_cast(array->dtype, DTYPE_INT64, CASTING_SAFE))
        status = err_set(err, FH_WRONG_TYPE, "cannot cast from %s to int64 according to the rule 'safe'",
                         dtype_name(array->dtype));
    if (status)
        return status;
    counting_t self = {
        .method = APPLY_BINCOUNT, .array = array, .integer = bins, .shape = {.ndim = 1, .extent = {bins}}};
    return run(&self, weights, ret, err);
}

int
fh_histogram(fh_array *array, fh_array *edges, int even, fh_array *weights, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(array, err);
    if (!status)
        status = array_enter(edges, err);
    if (!status && (edges->session != array->session || edges->shape.ndim != 1 || edges->shape.extent[0] < 2))
        status = err_set(err, FH_INVALID_ARGUMENT, "edges must be a vector of at least two, of the same session");
    if (!status && dtype_kind(array->dtype) == 'c')
        status = err_set(err, FH_WRONG_TYPE, "histograms are of real numbers, not of %s", dtype_name(array->dtype));
    if (status)
        return status;
    counting_t self = {.method = APPLY_HISTOGRAM,
                       .array = array,
                       .edges = {.array = edges},
                       .integer = even != 0,
                       .shape = {.ndim = 1, .extent = {edges->shape.extent[0] - 1}}};
    return run(&self, weights, ret, err);
}
