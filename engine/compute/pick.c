#include "engine/compute/pick.h"

#include "engine/compute/fold.h"
#include "engine/compute/iterate.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    fold_plan_t plan;
    const pick_t *pick;
    const fold_t *extreme;   /* the best value of a row, without its place */
    loop_fn convert;         /* elements to pick->item */
    int64_t item;            /* bytes */
    bool as_is;              /* elements are of pick->item */
    const char *best_of_all; /* no element is better; NULL: not known */
    char *values;            /* the best ones: for each segment, for each kept position */
    int64_t *places;         /* and their positions among the reduced ones */
} job_t;

static const char BEST_BOOL[2][1] = {{0}, {1}}; /* of argmin, argmax */

/* float16 is compared in float32, bool as 0 and 1. */
static dtype_t
item_for(dtype_t dtype)
{
    return dtype == DTYPE_FLOAT16 ? DTYPE_FLOAT32 : dtype == DTYPE_BOOL ? DTYPE_UINT8 : dtype;
}

/* n elements, lying close: where they are, or in items. */
static const char *
load(const job_t *job, const char *data, int64_t step, int64_t n, char *items)
{
    union {
        const char *in;
        char *p; /* casts only read from their first operand */
    } from = {.in = data};
    char *pair[2] = {from.p, items};
    if (job->as_is && step == job->item)
        return data;
    job->convert(pair, (const int64_t[]){step, job->item}, n);
    return items;
}

/* --- results one after the other ------------------------------------------------------------------------------------
 */

static void
pick_rows(const job_t *job, const char *data, int64_t first, int64_t n, char *ret_value, int64_t *ret_place)
{
    _Alignas(64) char space[FOLD_ROW * FOLD_ELEMENT_MAX];
    _Alignas(16) char best[FOLD_ELEMENT_MAX];
    const fold_plan_t *plan = &job->plan;
    int64_t step;
    fold_walk_t walk;
    fold_steps(plan, &plan->reduced, &step);
    fold_walk_start(plan, &walk, first);
    for (int64_t at = first, end = first + n, now; at < end; at += now) {
        now = fold_walk_left(plan, &walk);
        now = now < end - at ? now : end - at;
        if (!job->as_is || step != job->item)
            now = now < FOLD_ROW ? now : FOLD_ROW;
        const char *items = load(job, data + walk.offset[0], step, now, space);
        job->extreme->row(best, items, job->item, now);
        if (at == first || job->pick->better(best, ret_value)) {
            memcpy(ret_value, best, (size_t)job->item);
            *ret_place = at + job->pick->first(items, now, best);
        }
        if (job->best_of_all != NULL && memcmp(ret_value, job->best_of_all, (size_t)job->item) == 0)
            return; /* what follows is no better */
        fold_walk_next(plan, &walk, now);
    }
}

/* --- results side by side -------------------------------------------------------------------------------------------
 */

static void
pick_lanes(const job_t *job, const char *data, int64_t width, int64_t first, int64_t n, char *ret_values,
           int64_t *ret_places)
{
    _Alignas(64) char items[FOLD_LANE_BYTES];
    const fold_plan_t *plan = &job->plan;
    int64_t step;
    fold_walk_t walk;
    fold_steps(plan, &plan->kept, &step);
    fold_walk_start(plan, &walk, first);
    memcpy(ret_values, load(job, data + walk.offset[0], step, width, items), (size_t)(width * job->item));
    for (int64_t j = 0; j < width; j++)
        ret_places[j] = first;
    for (int64_t i = 1; i < n; i++) {
        fold_walk_next(plan, &walk, 1);
        const char *row = load(job, data + walk.offset[0], step, width, items);
        job->pick->lanes(ret_values, ret_places, row, width, first + i);
    }
}

/* --- parts ----------------------------------------------------------------------------------------------------------
 */

static void
run_part(void *context, int64_t i)
{
    const job_t *job = context;
    const fold_plan_t *plan = &job->plan;
    int64_t segment = i / plan->blocks, k = i % plan->blocks * plan->block;
    int64_t end = k + plan->block < plan->kept_count ? k + plan->block : plan->kept_count;
    int64_t n, first = fold_segment(plan, segment, &n), most = plan->lanes ? fold_lane_limit(job->item) : 1, run;
    for (; k < end; k += run) {
        int64_t limit = end - k < most ? end - k : most;
        char *data;
        fold_kept(plan, k, limit, &data, &run);
        int64_t at = segment * plan->kept_count + k;
        if (plan->lanes)
            pick_lanes(job, data, run, first, n, job->values + at * job->item, job->places + at);
        else
            pick_rows(job, data, first, n, job->values + at * job->item, job->places + at);
    }
}

/* Earlier segments win where values are equal. */
static void
merge_segments(const job_t *job, int64_t base)
{
    int64_t kept = job->plan.kept_count;
    for (int64_t k = 0; k < kept; k++) {
        char *best = job->values + k * job->item;
        for (int64_t s = 1; s < job->plan.segments; s++) {
            char *candidate = job->values + (s * kept + k) * job->item;
            if (!job->pick->better(candidate, best))
                continue;
            best = candidate;
            job->places[k] = job->places[s * kept + k];
        }
        job->places[k] += base;
    }
}

int
pick_reduce(crew_t *crew, reduce_t reduce, const nd_t *in, uint32_t axes, const nd_t *out, int64_t base, err_t *err)
{
    dtype_t item = item_for(in->dtype);
    job_t job = {.pick = pick_find(reduce, item),
                 .extreme = fold_find(reduce == REDUCE_ARGMIN ? REDUCE_MIN : REDUCE_MAX, item),
                 .convert = cast_find(in->dtype, item),
                 .item = (int64_t)dtype_size(item),
                 .as_is = in->dtype == item && iterate_aligned(in),
                 .best_of_all = in->dtype == DTYPE_BOOL ? BEST_BOOL[reduce == REDUCE_ARGMAX] : NULL};
    if (job.pick == NULL || job.extreme == NULL)
        return err_set(err, FH_WRONG_TYPE, "%s of %s is not known", reduce_name(reduce), dtype_name(in->dtype));
    int status = fold_plan(&job.plan, in, 1, axes, out, true, 0, err);
    if (status != FH_OK || job.plan.kept_count == 0)
        return status;
    if (job.plan.reduced_count == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "%s of no elements has no value", reduce_name(reduce));
    int64_t results = job.plan.segments * job.plan.kept_count;
    job.values = malloc((size_t)(results * job.item));
    job.places = malloc((size_t)results * sizeof *job.places);
    if (job.values == NULL || job.places == NULL) {
        status = err_set(err, FH_NO_MEMORY, "no memory for %lld partial results of %s", (long long)results,
                         reduce_name(reduce));
        goto done;
    }
    crew_run(crew, job.plan.segments * job.plan.blocks, run_part, &job);
    merge_segments(&job, base);
    status = fold_store(crew, &job.plan, job.places, DTYPE_INT64, out, err);
done:
    free(job.values);
    free(job.places);
    return status;
}

/* --- partial results of several pieces ------------------------------------------------------------------------------
 */

/* Operands: the row that won, the first row of the indices, the result; rows are stride bytes apart. */
static void
take_row(void *context, char **data, const int64_t *step, int64_t n)
{
    int64_t stride = *(const int64_t *)context;
    for (int64_t i = 0; i < n; i++) {
        int64_t row, index;
        memcpy(&row, data[0] + i * step[0], sizeof row);
        memcpy(&index, data[1] + i * step[1] + row * stride, sizeof index);
        memcpy(data[2] + i * step[2], &index, sizeof index);
    }
}

int
compute_arg_combine(crew_t *crew, reduce_t reduce, const nd_t *values, const nd_t *indices, const nd_t *out, err_t *err)
{
    if ((reduce != REDUCE_ARGMIN && reduce != REDUCE_ARGMAX) || indices->dtype != DTYPE_INT64 ||
        out->dtype != DTYPE_INT64)
        return err_set(err, FH_WRONG_TYPE, "only indices (int64) of argmin or argmax can be combined");
    if (values->shape.ndim < 1 || !shape_equal(&values->shape, &indices->shape))
        return err_set(err, FH_INVALID_ARGUMENT, "values and indices to be combined must have the same shape");
    int64_t bytes = shape_bytes(&out->shape, DTYPE_INT64);
    char *winners = bytes < 0 ? NULL : malloc((size_t)bytes + 1);
    if (winners == NULL)
        return err_set(err, FH_NO_MEMORY, "no memory for %lld bytes of indices", (long long)bytes);
    nd_t winner, first = {.data = indices->data, .dtype = DTYPE_INT64, .shape.ndim = indices->shape.ndim - 1};
    nd_init(&winner, winners, DTYPE_INT64, &out->shape);
    for (int i = 0; i < first.shape.ndim; i++) {
        first.shape.extent[i] = indices->shape.extent[i + 1];
        first.stride[i] = indices->stride[i + 1];
    }
    int status = compute_reduce(crew, reduce, values, 1, &winner, 0, err);
    if (status == FH_OK && !shape_equal(&first.shape, &out->shape))
        status = err_set(err, FH_INVALID_ARGUMENT, "the result of combining indices has a wrong shape");
    if (status == FH_OK) {
        const nd_t *operand[3] = {&winner, &first, out};
        int64_t stride = indices->stride[0];
        iterate_t walk;
        iterate_init(&walk, operand, 3, 2);
        iterate_range(&walk, 0, walk.count, take_row, &stride);
    }
    free(winners);
    return status;
}
