/* engine/apply/sort.c - sorting along an axis, and what the sorting of distributed arrays needs of sorted pieces. */
#include "engine/compute/sort.h"

#include "engine/apply/apply.h"

#include <stdlib.h>
#include <string.h>

/* Dates are sorted by their clients as the integers that they are. */
static bool
is_sorted_here(dtype_t dtype)
{
    return dtype_valid((uint64_t)dtype) || dtype_is_items(dtype);
}

static int
not_sorted_here(dtype_t dtype, err_t *err)
{
    return err_set(err, FH_WRONG_TYPE, "elements of %s are not sorted as such; see them as int64", dtype_name(dtype));
}

/* integers[0] is an axis of the first input, and output 0 has that input's shape and a dtype. */
static int
along_axis(apply_call_t *call, int integers, dtype_t dtype, err_t *err)
{
    const nd_t *in = &call->in[0];
    int status = apply_integers(call, integers, integers, err);

    if (!status && !is_sorted_here(in->dtype))
        status = not_sorted_here(in->dtype, err);
    if (!status && (call->integers[0] < 0 || call->integers[0] >= in->shape.ndim))
        status = err_set(err, FH_BAD_INDEX, "axis %lld of an array of %d dimensions", (long long)call->integers[0],
                         in->shape.ndim);
    if (!status && call->out[0].dtype != dtype)
        status = err_set(err, FH_WRONG_TYPE, "the result is of dtype %s, not %s", dtype_name(dtype),
                         dtype_name(call->out[0].dtype));
    return status ? status : apply_make(call, 0, &in->shape, err);
}

static int
take_scratch(apply_call_t *call, int64_t bytes, void **ret, err_t *err)
{
    if (bytes < 0)
        return err_set(err, FH_OVERFLOW, "an array of so many elements is too large to be sorted");
    return apply_scratch(call, bytes, ret, err);
}

int
apply_sort(apply_call_t *call, err_t *err)
{
    void *scratch;
    int status = along_axis(call, 1, call->in[0].dtype, err);

    if (!status)
        status = take_scratch(call, compute_sort_scratch(call->crew, SORT_VALUES, &call->in[0], (int)call->integers[0]),
                              &scratch, err);
    return status ? status
                  : compute_sort(call->crew, &call->in[0], (int)call->integers[0], &call->out[0], scratch, err);
}

int
apply_argsort(apply_call_t *call, err_t *err)
{
    void *scratch;
    int status = along_axis(call, 1, DTYPE_INT64, err);

    if (!status)
        status = take_scratch(call, compute_sort_scratch(call->crew, SORT_ORDER, &call->in[0], (int)call->integers[0]),
                              &scratch, err);
    return status ? status
                  : compute_argsort(call->crew, &call->in[0], (int)call->integers[0], 0, &call->out[0], scratch, err);
}

int
apply_sort_places(apply_call_t *call, err_t *err)
{
    const nd_t *in = &call->in[0];
    void *scratch;
    int status = apply_integers(call, 0, 0, err);

    if (!status && !is_sorted_here(in->dtype))
        status = not_sorted_here(in->dtype, err);
    if (!status && in->shape.ndim != 1)
        status = err_set(err, FH_INVALID_ARGUMENT, "places are told of one axis, not of %d", in->shape.ndim);
    if (!status && (call->out[0].dtype != in->dtype || call->out[1].dtype != DTYPE_INT64))
        status = err_set(err, FH_WRONG_TYPE, "the results are of dtype %s and int64", dtype_name(in->dtype));
    for (int i = 0; i < 2 && !status; i++)
        status = apply_make(call, i, &in->shape, err);
    if (!status)
        status = take_scratch(call, compute_sort_scratch(call->crew, SORT_ORDER, in, 0), &scratch, err);
    return status ? status : compute_sort_places(call->crew, in, &call->out[0], &call->out[1], scratch, err);
}

/* ---- sorted runs ---------------------------------------------------------------------------------------------------
 */

/* Every `each`th integer from one on, as an array of the function's own. */
static int
every_integer(const apply_call_t *call, int first, int each, int64_t **ret, err_t *err)
{
    int runs = call->nintegers / each;
    int64_t *own = malloc((size_t)runs * sizeof *own);

    if (!own)
        return err_set(err, FH_NO_MEMORY, "no memory for %d runs", runs);
    for (int i = 0; i < runs; i++)
        own[i] = call->integers[i * each + first];
    *ret = own;
    return FH_OK;
}

/* Where the runs start, every `each`th integer. */
static int
run_starts(const apply_call_t *call, int each, int64_t **ret, err_t *err)
{
    if (!is_sorted_here(call->in[0].dtype))
        return not_sorted_here(call->in[0].dtype, err);
    int runs = call->nintegers / each;
    const int64_t *given = call->integers;
    bool good = runs > 0 && runs * each == call->nintegers && given[0] == 0 && call->in[0].shape.ndim == 1;

    for (int i = 1; i < runs && good; i++)
        good = given[i * each] >= given[(i - 1) * each];
    if (!good || given[(runs - 1) * each] > call->in[0].shape.extent[0])
        return err_set(err, FH_INVALID_ARGUMENT, "%d integers do not say where sorted runs start", call->nintegers);
    return every_integer(call, 0, each, ret, err);
}

int
apply_merge(apply_call_t *call, err_t *err)
{
    const nd_t *in = &call->in[0];
    int64_t *starts = NULL;
    void *scratch;
    int status = run_starts(call, 1, &starts, err);

    if (!status && call->out[0].dtype != in->dtype)
        status = err_set(err, FH_WRONG_TYPE, "merging %s gives no %s", dtype_name(in->dtype),
                         dtype_name(call->out[0].dtype));
    if (!status)
        status = apply_make(call, 0, &in->shape, err);
    if (!status)
        status = take_scratch(call, compute_merge_scratch(SORT_VALUES, in), &scratch, err);
    if (!status)
        compute_merge(call->crew, in, starts, call->nintegers, &call->out[0], scratch);
    free(starts);
    return status;
}

int
apply_merge_order(apply_call_t *call, err_t *err)
{
    const nd_t *values = &call->in[0], *places = &call->in[1];
    int64_t *starts = NULL, *added = NULL;
    void *scratch;
    int runs = call->nintegers / 2;
    int status = run_starts(call, 2, &starts, err);

    if (!status)
        status = every_integer(call, 1, 2, &added, err);
    if (!status && (call->out[0].dtype != DTYPE_INT64 || places->dtype != DTYPE_INT64 ||
                    !shape_equal(&values->shape, &places->shape)))
        status = err_set(err, FH_INVALID_ARGUMENT, "values and places differ in shape, or places are not int64");
    if (!status)
        status = apply_make(call, 0, &values->shape, err);
    if (!status)
        status = take_scratch(call, compute_merge_scratch(SORT_ORDER, values), &scratch, err);
    if (!status)
        compute_merge_order(call->crew, values, places, starts, added, runs, &call->out[0], scratch);
    free(starts);
    free(added);
    return status;
}

/* ---- samples -------------------------------------------------------------------------------------------------------
 */

/* Elements start, start + step, ... of which there are count: do they lie within n? */
static bool
sample_fits(const int64_t *sample, int64_t n)
{
    int64_t start = sample[0], step = sample[1], count = sample[2];

    if (count == 0)
        return true;
    return start >= 0 && step > 0 && count > 0 && start < n && (count - 1) <= (n - 1 - start) / step;
}

int
apply_sample(apply_call_t *call, err_t *err)
{
    const nd_t *in = &call->in[0];
    shape_t shape = {.ndim = 1};

    if (in->shape.ndim != 1 || call->nintegers % 3 != 0 || call->out[0].dtype != in->dtype)
        return err_set(err, FH_INVALID_ARGUMENT, "samples are taken of one axis, by start, step and count");
    for (int i = 0; i < call->nintegers; i += 3) {
        if (!sample_fits(call->integers + i, in->shape.extent[0]))
            return err_set(err, FH_BAD_INDEX, "sample %d leaves an array of %lld elements", i / 3,
                           (long long)in->shape.extent[0]);
        if (__builtin_add_overflow(shape.extent[0], call->integers[i + 2], &shape.extent[0]))
            return err_set(err, FH_OVERFLOW, "so many samples are too large for this machine");
    }
    int status = apply_make(call, 0, &shape, err);
    size_t size = dtype_size(in->dtype);
    char *to = call->out[0].data;

    for (int i = 0; i < call->nintegers && !status; i += 3) {
        const int64_t *sample = call->integers + i;
        for (int64_t k = 0; k < sample[2]; k++, to += size)
            memcpy(to, in->data + (sample[0] + k * sample[1]) * in->stride[0], size);
    }
    return status;
}
