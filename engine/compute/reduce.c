#include "engine/compute/compute.h"
#include "engine/compute/fold.h"
#include "engine/compute/iterate.h"
#include "engine/compute/pick.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROWS = 16,          /* reduced positions that lanes take one after the other; groups of them form the tree */
    LANE_LEVELS = 13,   /* of the tree over those groups of a segment */
    SMALL_BYTES = 1024, /* results that need no allocation */
};

typedef struct {
    fold_plan_t plan;
    const fold_t *fold;
    loop_fn convert;     /* elements to fold->item; NULL: they are of that dtype */
    loop_fn widen;       /* fold->item to fold->total */
    int64_t item, total; /* bytes */
    char *partial;       /* results: for each segment, for each kept position */
} job_t;

/* A pairwise tree over blocks that come in order: like a binary counter, level i holds the result of 2**i blocks. */
typedef struct {
    const fold_t *fold;
    int64_t count, width; /* blocks so far; results that are built side by side */
    int64_t level_bytes;
    char *levels;
} tree_t;

/* block holds width results and is overwritten. */
static void
tree_add(tree_t *self, char *block)
{
    int level = 0;
    for (; self->count >> level & 1; level++) {
        char *earlier = self->levels + level * self->level_bytes;
        self->fold->merge(earlier, block, self->width);
        memcpy(block, earlier, (size_t)self->level_bytes);
    }
    memcpy(self->levels + level * self->level_bytes, block, (size_t)self->level_bytes);
    self->count++;
}

static void
tree_finish(const tree_t *self, char *ret)
{
    bool begun = false;
    for (int level = 0; self->count >> level != 0; level++) {
        char *block = self->levels + level * self->level_bytes;
        if (!(self->count >> level & 1))
            continue;
        if (begun)
            self->fold->merge(block, ret, self->width);
        memcpy(ret, block, (size_t)self->level_bytes);
        begun = true;
    }
}

/* --- results one after the other ------------------------------------------------------------------------------------
 */

/* One result: the reduced positions [first, first + n) behind data. */
static void
fold_rows(const job_t *job, const char *data, int64_t first, int64_t n, char *ret)
{
    _Alignas(16) char levels[FOLD_LEVELS * FOLD_ELEMENT_MAX], block[FOLD_ELEMENT_MAX];
    _Alignas(64) char items[FOLD_ROW * FOLD_ELEMENT_MAX];
    tree_t tree = {job->fold, 0, 1, job->total, levels};
    const fold_plan_t *plan = &job->plan;
    int64_t step = plan->nreduced > 0 ? plan->reduced_in[plan->nreduced - 1] : 0;
    fold_walk_t walk;
    fold_walk_start(plan, &walk, first);
    while (n > 0) {
        int64_t now = fold_walk_left(plan, &walk);
        now = now < n ? now : n;
        now = now < FOLD_ROW ? now : FOLD_ROW;
        const char *row = data + walk.offset;
        if (job->convert != NULL) {
            union {
                const char *in;
                char *p; /* casts only read from their first operand */
            } from = {.in = row};
            char *pair[2] = {from.p, items};
            job->convert(pair, (const int64_t[]){step, job->item}, now);
            job->fold->row(block, items, job->item, now);
        } else {
            job->fold->row(block, row, step, now);
        }
        tree_add(&tree, block);
        fold_walk_next(plan, &walk, now);
        n -= now;
    }
    tree_finish(&tree, ret);
}

/* --- results side by side -------------------------------------------------------------------------------------------
 */

/* width results: element i of each reduced position goes to result i. */
static void
fold_lanes(const job_t *job, const char *data, int64_t width, int64_t first, int64_t n, char *ret)
{
    _Alignas(64) char levels[LANE_LEVELS * FOLD_LANE_BYTES], items[FOLD_LANE_BYTES], block[FOLD_LANE_BYTES];
    const fold_plan_t *plan = &job->plan;
    tree_t tree = {job->fold, 0, width, width * job->total, levels};
    int64_t step = plan->nkept > 0 ? plan->kept_in[plan->nkept - 1] : 0;
    fold_walk_t walk;
    fold_walk_start(plan, &walk, first);
    for (int64_t i = 0; i < n; i++) {
        union {
            const char *in;
            char *p; /* casts only read from their first operand */
        } from = {.in = data + walk.offset};
        int64_t from_step = step;
        if (job->convert != NULL) {
            char *pair[2] = {from.p, items};
            job->convert(pair, (const int64_t[]){step, job->item}, width);
            from.p = items;
            from_step = job->item;
        }
        if (i % ROWS == 0) {
            if (i > 0)
                tree_add(&tree, block);
            char *pair[2] = {from.p, block};
            job->widen(pair, (const int64_t[]){from_step, job->total}, width);
        } else {
            job->fold->lanes(block, from.in, from_step, width);
        }
        fold_walk_next(plan, &walk, 1);
    }
    tree_add(&tree, block);
    tree_finish(&tree, ret);
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
    int64_t first = segment * FOLD_SEGMENT, left = plan->reduced_count - first, run;
    int64_t n = left < FOLD_SEGMENT ? left : FOLD_SEGMENT, most = plan->lanes ? fold_lane_limit(job->total) : 1;
    for (; k < end; k += run) {
        int64_t limit = end - k < most ? end - k : most;
        const char *data = fold_kept(plan, k, limit, &run);
        char *ret = job->partial + (segment * plan->kept_count + k) * job->total;
        if (plan->lanes)
            fold_lanes(job, data, run, first, n, ret);
        else
            fold_rows(job, data, first, n, ret);
    }
}

/* The segments' results are folded pairwise into the first segment's. */
static void
merge_segments(const job_t *job)
{
    int64_t size = job->plan.kept_count * job->total;
    for (int64_t step = 1; step < job->plan.segments; step *= 2)
        for (int64_t i = 0; i + step < job->plan.segments; i += 2 * step)
            job->fold->merge(job->partial + i * size, job->partial + (i + step) * size, job->plan.kept_count);
}

/* The results, in the plan's order, go to out. */
static int
store(crew_t *crew, const job_t *job, const nd_t *out, err_t *err)
{
    shape_t shape = {.ndim = job->plan.nkept};
    nd_t from, to = {.data = out->data, .dtype = out->dtype};
    for (int i = 0; i < shape.ndim; i++) {
        shape.extent[i] = job->plan.kept[i];
        to.stride[i] = job->plan.kept_out[i];
    }
    to.shape = shape;
    nd_init(&from, job->partial, (dtype_t)job->fold->total, &shape);
    return compute_assign(crew, &to, &from, err);
}

/* What a reduction of nothing gives. */
static int
store_identity(crew_t *crew, reduce_t reduce, const nd_t *out, err_t *err)
{
    static const int64_t identities[] = {
        [REDUCE_PROD] = 1, [REDUCE_ALL] = 1, [REDUCE_BIT_AND] = -1, [REDUCE_COUNT] = 0};
    if (shape_count(&out->shape) == 0)
        return FH_OK;
    if (reduce == REDUCE_MIN || reduce == REDUCE_MAX)
        return err_set(err, FH_INVALID_ARGUMENT, "%s of no elements has no value", reduce_name(reduce));
    int64_t identity = identities[reduce];
    nd_t scalar;
    nd_init(&scalar, &identity, DTYPE_INT64, &(shape_t){.ndim = 0});
    return compute_assign(crew, out, &scalar, err);
}

int
compute_reduce(crew_t *crew, reduce_t reduce, const nd_t *in, uint32_t axes, const nd_t *out, int64_t base, err_t *err)
{
    if (!dtype_valid((uint64_t)in->dtype) || !dtype_valid((uint64_t)out->dtype))
        return err_set(err, FH_WRONG_TYPE, "an operand of %s has no dtype", reduce_name(reduce));
    if (reduce == REDUCE_ARGMIN || reduce == REDUCE_ARGMAX)
        return pick_reduce(crew, reduce, in, axes, out, base, err);
    job_t job = {.fold = fold_find(reduce, out->dtype)};
    if (job.fold == NULL)
        return err_set(err, FH_WRONG_TYPE, "%s cannot give %s", reduce_name(reduce), dtype_name(out->dtype));
    int status = fold_plan(&job.plan, in, axes, out, false, err);
    if (status != FH_OK || job.plan.kept_count == 0)
        return status;
    if (job.plan.reduced_count == 0)
        return store_identity(crew, reduce, out, err);
    dtype_t item = (dtype_t)job.fold->item, total = (dtype_t)job.fold->total;
    job.item = (int64_t)dtype_size(item);
    job.total = (int64_t)dtype_size(total);
    bool direct =
        in->dtype == item && item != DTYPE_BOOL && iterate_aligned(in); /* bools from outside need not be 0 or 1 */
    job.convert = direct                                          ? NULL
                  : item == DTYPE_BOOL && in->dtype == DTYPE_BOOL ? cast_find(DTYPE_UINT8, DTYPE_BOOL)
                                                                  : cast_find(in->dtype, item);
    job.widen = cast_find(item, total);
    _Alignas(64) char small[SMALL_BYTES];
    int64_t bytes = job.plan.segments * job.plan.kept_count * job.total;
    job.partial = bytes <= SMALL_BYTES ? small : malloc((size_t)bytes);
    if (job.partial == NULL)
        return err_set(err, FH_NO_MEMORY, "no memory for %lld bytes of partial results of %s", (long long)bytes,
                       reduce_name(reduce));
    crew_run(crew, job.plan.segments * job.plan.blocks, run_part, &job);
    merge_segments(&job);
    status = store(crew, &job, out, err);
    if (job.partial != small)
        free(job.partial);
    return status;
}
