/* Searching in sorted vectors, and interpolation: what is searched is brought to the engines of what is wanted. */
#include "proxy/apply.h"
#include "proxy/brought.h"
#include "proxy/error.h"

enum { LARGER = 4 }; /* a vector so many times as large as what is looked for in it stays where it is */

/* One method over each piece of an array with whole vectors beside it. */
typedef struct {
    apply_code_t method;
    fh_array *array;
    int at;              /* the piece's place among the inputs */
    brought_t beside[2]; /* the other inputs */
    int nbeside;
    dtype_t dtype;
    int64_t integer; /* the method's one integer; if it takes one */
    bool has_integer;
    const double *reals;
    int nreals;
} search_t;

static int
search_part(search_t *self, int i, fh_array *made, err_t *err)
{
    handle_t *piece = self->array->parts[i].handle, *handle = NULL;
    shape_t shape = array_part_shape(self->array, i);
    operand_t in[3];
    int status = FH_OK, n = 0;
    for (int k = 0; k < self->nbeside && !status; k++) {
        if (k == self->at)
            in[n++] = apply_object(piece);
        status = brought_get(&self->beside[k], piece->engine, &handle, err);
        if (!status)
            in[n++] = apply_object(handle);
    }
    if (status)
        return status;
    if (self->at == self->nbeside)
        in[n++] = apply_object(piece);
    const apply_output_t out = {.dtype = self->dtype, .shape = &shape, .of = made, .part = i};
    const apply_emit_t emit = {.method = self->method,
                               .engine = piece->engine,
                               .in = in,
                               .nin = n,
                               .out = &out,
                               .nout = 1,
                               .integers = &self->integer,
                               .nintegers = self->has_integer,
                               .reals = self->reals,
                               .nreals = self->nreals};
    status = apply_emit(&emit, &handle, err);
    if (!status)
        array_put(made, i, handle, NULL);
    return status;
}

static int
run(search_t *self, fh_array **ret, err_t *err)
{
    fh_array *made = NULL;
    layout_t layout = {0};
    int status = array_layout(self->array, 0, &layout, err);
    if (!status)
        status = array_new_as(&made, self->array->session, self->dtype, &self->array->shape, &layout, err);
    layout_release(&layout);
    for (int i = 0; i < self->array->n && !status; i++)
        status = search_part(self, i, made, err);
    for (int k = 0; k < self->nbeside; k++)
        brought_release(&self->beside[k]);
    return array_finish(made, status, ret, err);
}

static int
check_vector(const fh_array *vector, const fh_array *beside, const char *what, err_t *err)
{
    int status = array_enter(vector, err);
    if (!status && vector->session != beside->session)
        status = err_set(err, FH_INVALID_ARGUMENT, "%s is of another session", what);
    if (!status && vector->shape.ndim != 1)
        status = err_set(err, FH_INVALID_ARGUMENT, "%s must have one axis, not %d", what, vector->shape.ndim);
    return status;
}

/* The places of values in one piece of a sorted vector, added to *sum. */
static int
search_piece(fh_array *piece, fh_array *values, int right, fh_array **sum, err_t *err)
{
    fh_array *found = NULL, *added = NULL;
    search_t self = {.method = APPLY_SEARCHSORTED,
                     .array = values,
                     .at = 1,
                     .beside = {{.array = piece}},
                     .nbeside = 1,
                     .dtype = DTYPE_INT64,
                     .integer = right != 0,
                     .has_integer = true};
    int status = run(&self, &found, err);
    if (!status && *sum) {
        const fh_operand in[] = {{.kind = FH_ARRAY, .array = *sum}, {.kind = FH_ARRAY, .array = found}};
        status = fh_ufunc(values->session, "add", in, 2, NULL, &added, (fh_error *)err);
        fh_array_free(&found);
        found = added;
    }
    if (status)
        return status;
    fh_array_free(sum);
    *sum = found;
    return FH_OK;
}

/* A large vector stays where it is: the places in its pieces, which are sorted, add up. */
static int
search_pieces(fh_array *sorted, fh_array *values, int right, fh_array **ret, err_t *err)
{
    fh_array *sum = NULL;
    int status = FH_OK;
    for (int i = 0; i < sorted->n && !status; i++) {
        fh_array *piece = NULL;
        status = fh_array_piece_handle(sorted, i, &piece, (fh_error *)err);
        if (!status)
            status = search_piece(piece, values, right, &sum, err);
        fh_array_free(&piece);
    }
    if (status)
        fh_array_free(&sum);
    else
        *ret = sum;
    return status;
}

int
fh_searchsorted(fh_array *sorted, fh_array *values, int right, fh_array *sorter, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(values, err);
    if (!status)
        status = check_vector(sorted, values, "what is searched", err);
    if (!status && sorter)
        status = check_vector(sorter, values, "sorter", err);
    if (!status && sorter && sorter->shape.extent[0] != sorted->shape.extent[0])
        status = err_set(err, FH_INVALID_ARGUMENT, "sorter has %lld elements, the array %lld",
                         (long long)sorter->shape.extent[0], (long long)sorted->shape.extent[0]);
    if (!status && sorter && dtype_kind(sorter->dtype) != 'i' && dtype_kind(sorter->dtype) != 'u')
        status = err_set(err, FH_WRONG_TYPE, "sorter must be of integers, not %s", dtype_name(sorter->dtype));
    if (status)
        return status;
    if (!sorter && sorted->n > 1 && array_bytes(sorted) / LARGER > array_bytes(values))
        return search_pieces(sorted, values, right, ret, err);
    search_t self = {.method = APPLY_SEARCHSORTED,
                     .array = values,
                     .at = 1,
                     .beside = {{.array = sorted}, {.array = sorter}},
                     .nbeside = sorter ? 2 : 1,
                     .dtype = DTYPE_INT64,
                     .integer = right != 0,
                     .has_integer = true};
    return run(&self, ret, err);
}

int
fh_isin(fh_array *values, fh_array *sorted, int invert, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    int status = array_enter(values, err);
    if (!status)
        status = check_vector(sorted, values, "what is searched", err);
    if (status)
        return status;
    search_t self = {.method = APPLY_ISIN,
                     .array = values,
                     .at = 1,
                     .beside = {{.array = sorted}},
                     .nbeside = 1,
                     .dtype = DTYPE_BOOL,
                     .integer = invert != 0,
                     .has_integer = true};
    return run(&self, ret, err);
}

int
fh_interp(fh_array *x, fh_array *xp, fh_array *fp, double left, double right, fh_array **ret, fh_error *error)
{
    err_t *err = error_start(error);
    const double reals[] = {left, right};
    int status = array_enter(x, err);
    if (!status)
        status = check_vector(xp, x, "xp", err);
    if (!status)
        status = check_vector(fp, x, "fp", err);
    if (!status && xp->shape.extent[0] != fp->shape.extent[0])
        status = err_set(err, FH_INVALID_ARGUMENT, "fp and xp are not of the same length");
    if (!status && xp->shape.extent[0] == 0)
        status = err_set(err, FH_INVALID_ARGUMENT, "array of sample points is empty");
    if (status)
        return status;
    search_t self = {.method = APPLY_INTERP,
                     .array = x,
                     .at = 0,
                     .beside = {{.array = xp}, {.array = fp}},
                     .nbeside = 2,
                     .dtype = DTYPE_FLOAT64,
                     .reals = reals,
                     .nreals = 2};
    return run(&self, ret, err);
}
