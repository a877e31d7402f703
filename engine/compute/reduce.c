#include "engine/compute/reduce.h"

#include "engine/compute/fold_leaf.h"
#include "engine/compute/iterate.h"
#include "engine/compute/pick.h"
#include "engine/compute/reduce_tree.h"

#include <stdlib.h>
#include <string.h>

enum {
    LANE_LEVELS = 13,       /* of the tree over the leaves of a segment */
    SMALL_BYTES = 1024,     /* results that need no allocation */
    SLOTS = 256,            /* more than any state has */
    ITEM_BYTES = 256 << 10, /* of a leaf that is loaded */
};

typedef struct {
    fold_plan_t plan;
    const fold_t *fold;
    const reduce_source_t *source;
    loop_fn convert;     /* values to fold->item; NULL: they are of that dtype */
    loop_fn widen;       /* fold->item to fold->total */
    int64_t item, total; /* bytes */
    bool direct;         /* elements can be folded where they lie */
    bool state;          /* slots are wanted, not one result */
    int settled;         /* a value that no further element changes; -1: there is none, or elements are computed */
    int64_t whole;       /* positions of the whole */
    int64_t begin_slots; /* of the first segment; each but the last has one more */
    char *partial;       /* results: for each slot, for each kept position */
} job_t;

/* n values of rows of the operands, as items that lie close; at most FOLD_LANES. */
static void
load(const job_t *job, char *const *data, const int64_t *step, int64_t n, char *items)
{
    _Alignas(64) char values[FOLD_LANES * FOLD_ELEMENT_MAX];
    _Static_assert(FOLD_LANES >= FOLD_ROW, "rows, too");
    const reduce_source_t *source = job->source;
    if (source->load != NULL) {
        source->load(source->context, data, step, n, job->convert != NULL ? values : items);
        if (job->convert != NULL)
            job->convert((char *[]){values, items}, (const int64_t[]){(int64_t)dtype_size(source->dtype), job->item},
                         n);
    } else {
        job->convert((char *[]){data[0], items}, (const int64_t[]){step[0], job->item}, n);
    }
}

static void
move_on(const fold_plan_t *plan, char *const *data, const fold_walk_t *walk, char **ret)
{
    for (int k = 0; k < plan->operands; k++)
        ret[k] = data[k] + walk->offset[k];
}

/* --- results one after the other ------------------------------------------------------------------------------------
 */

/* The next n values folded by the source itself, if they lie on one row and it can. */
static bool
fold_source_row(const job_t *job, char *const *data, const fold_walk_t *walk, const int64_t *step, int64_t n, void *ret)
{
    char *row[FOLD_OPERANDS];
    if (job->source->row == NULL || fold_walk_left(&job->plan, walk) < n)
        return false;
    move_on(&job->plan, data, walk, row);
    return job->source->row(job->source->context, job->fold, row, step, n, ret);
}

/* One result: the reduced positions [first, first + n) behind data. */
static void
fold_rows(const job_t *job, char *const *data, int64_t first, int64_t n, char *ret)
{
    _Alignas(16) char levels[FOLD_LEVELS * FOLD_ELEMENT_MAX], block[FOLD_ELEMENT_MAX];
    _Alignas(64) char items[FOLD_ROW * FOLD_ELEMENT_MAX];
    tree_t tree = {job->fold, 0, 1, job->total, levels};
    const fold_plan_t *plan = &job->plan;
    int64_t step[FOLD_OPERANDS];
    char *row[FOLD_OPERANDS];
    fold_walk_t walk;
    fold_steps(plan, &plan->reduced, step);
    fold_walk_start(plan, &walk, first);
    for (int64_t wanted; n > 0; n -= wanted) {
        int level = 0;
        wanted = n < FOLD_ROW ? n : FOLD_ROW;
        if (n >= FOLD_SPAN && tree.count % (1 << FOLD_SPAN_LEVEL) == 0 &&
            fold_source_row(job, data, &walk, step, FOLD_SPAN, block)) {
            wanted = FOLD_SPAN;
            level = FOLD_SPAN_LEVEL;
            fold_walk_next(plan, &walk, wanted);
        } else if (job->direct && fold_walk_left(plan, &walk) >= wanted) {
            if (job->fold->nodes == NULL) /* then rows may be of any length */
                wanted = fold_walk_left(plan, &walk) < n ? fold_walk_left(plan, &walk) : n;
            job->fold->row(block, data[0] + walk.offset[0], step[0], wanted);
            fold_walk_next(plan, &walk, wanted);
        } else if (fold_source_row(job, data, &walk, step, wanted, block)) {
            fold_walk_next(plan, &walk, wanted);
        } else {
            for (int64_t have = 0, now; have < wanted; have += now) {
                now = fold_walk_left(plan, &walk);
                now = now < wanted - have ? now : wanted - have;
                move_on(plan, data, &walk, row);
                load(job, row, step, now, items + have * job->item);
                fold_walk_next(plan, &walk, now);
            }
            job->fold->row(block, items, job->item, wanted);
        }
        if (*(unsigned char *)block == job->settled) {
            *ret = *block;
            return;
        }
        tree_add(&tree, block, level);
    }
    tree_finish(&tree, ret);
}

/* --- results side by side -------------------------------------------------------------------------------------------
 */

/* Rows of the next positions, with data moved on to them: items that lie close, one row behind the other. */
static void
load_leaf(const job_t *job, char *const *data, fold_walk_t *walk, const int64_t *step, int64_t width, int64_t rows,
          char *items)
{
    char *row[FOLD_OPERANDS];
    for (; rows > 0; rows--, items += width * job->item) {
        move_on(&job->plan, data, walk, row);
        load(job, row, step, width, items);
        fold_walk_next(&job->plan, walk, 1);
    }
}

/* width results: element i of each reduced position goes to result i. */
static void
fold_lanes(const job_t *job, char *const *data, int64_t width, int64_t first, int64_t n, char *ret)
{
    _Alignas(64) char levels[LANE_LEVELS * FOLD_LANE_BYTES], items[ITEM_BYTES], block[FOLD_LANE_BYTES];
    const fold_leaf_t leaf = {job->fold, job->widen, job->item, job->total, width};
    const fold_plan_t *plan = &job->plan;
    tree_t tree = {job->fold, 0, width, width * job->total, levels};
    int64_t step[FOLD_OPERANDS], down[FOLD_OPERANDS];
    fold_walk_t walk;
    fold_steps(plan, &plan->kept, step);
    fold_steps(plan, &plan->reduced, down);
    fold_walk_start(plan, &walk, first);
    if (n <= REDUCTION_LEAF && job->direct && fold_walk_left(plan, &walk) >= n) {
        fold_leaf(&leaf, data[0] + walk.offset[0], step[0], down[0], n, false, ret);
        return;
    }
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = n - i < REDUCTION_LEAF ? n - i : REDUCTION_LEAF;
        if (job->direct && fold_walk_left(plan, &walk) >= rows) {
            fold_leaf(&leaf, data[0] + walk.offset[0], step[0], down[0], rows, i + rows < n, block);
            fold_walk_next(plan, &walk, rows);
        } else {
            load_leaf(job, data, &walk, step, width, rows, items);
            fold_leaf(&leaf, items, job->item, width * job->item, rows, false, block);
        }
        tree_add(&tree, block, 0);
    }
    tree_finish(&tree, ret);
}

/* How many results are built side by side. */
static int64_t
lane_limit(const job_t *job)
{
    int64_t bytes = job->total, most;
    if (!job->plan.lanes)
        return 1;
    most = fold_lane_limit(bytes);
    if (!job->direct || job->plan.reduced.n > 1) /* then rows are loaded */
        most = most < ITEM_BYTES / REDUCTION_LEAF / job->item ? most : ITEM_BYTES / REDUCTION_LEAF / job->item;
    return most;
}

/* --- parts ----------------------------------------------------------------------------------------------------------
 */

/* Positions that the slot at a place of segment i covers. */
static int64_t
slot(const job_t *job, int64_t at, int64_t end, int *ret_level)
{
    *ret_level = 0;
    return job->state ? reduction_slot(job->plan.first + at, job->plan.first + end, job->whole, ret_level) : end - at;
}

static void
run_part(void *context, int64_t i)
{
    const job_t *job = context;
    const fold_plan_t *plan = &job->plan;
    int64_t segment = i / plan->blocks, k = i % plan->blocks * plan->block;
    int64_t last = k + plan->block < plan->kept_count ? k + plan->block : plan->kept_count;
    int64_t count, begin = fold_segment(plan, segment, &count), end = begin + count, run;
    int64_t first_slot = segment > 0 ? job->begin_slots + segment - 1 : 0;
    int64_t most = lane_limit(job);
    char *data[FOLD_OPERANDS];
    for (; k < last; k += run) {
        int64_t limit = last - k < most ? last - k : most, n;
        fold_kept(plan, k, limit, data, &run);
        char *ret = job->partial + (first_slot * plan->kept_count + k) * job->total;
        for (int64_t at = begin; at < end; at += n, ret += plan->kept_count * job->total) {
            int level;
            n = slot(job, at, end, &level);
            if (plan->lanes)
                fold_lanes(job, data, run, at, n, ret);
            else
                fold_rows(job, data, at, n, ret);
        }
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

/* The slots of all segments become those of the state: nodes are joined as far as the range allows.  out: one nd for
 * all, its first slot, and how far slots lie apart. */
static int
store_state(crew_t *crew, const job_t *job, const nd_t *out, int64_t slot_step, err_t *err)
{
    struct {
        int64_t at;
        int level;
        char *row;
    } slots[SLOTS];
    int n = 0, status = FH_OK;
    int64_t size = job->plan.kept_count * job->total;
    char *row = job->partial;
    for (int64_t i = 0; i < job->plan.segments; i++) {
        int64_t count, at = fold_segment(&job->plan, i, &count), end = at + count;
        for (; at < end; row += size) {
            slots[n].at = job->plan.first + at;
            slots[n].row = row;
            at += slot(job, at, end, &slots[n++].level);
            while (n > 1 && slots[n - 1].level >= 0 && slots[n - 1].level == slots[n - 2].level &&
                   (slots[n - 2].at / REDUCTION_LEAF >> slots[n - 2].level) % 2 == 0 &&
                   slots[n - 1].at - slots[n - 2].at == (int64_t)REDUCTION_LEAF << slots[n - 2].level &&
                   job->plan.first + at - slots[n - 1].at == (int64_t)REDUCTION_LEAF << slots[n - 1].level) {
                n--;
                job->fold->merge(slots[n - 1].row, slots[n].row, job->plan.kept_count);
                slots[n - 1].level++;
            }
        }
    }
    for (int i = 0; i < n && status == FH_OK; i++) {
        nd_t to = *out;
        to.data += i * slot_step;
        status = fold_store(crew, &job->plan, slots[i].row, (dtype_t)job->fold->total, &to, err);
    }
    return status;
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

/* How values become what is folded. */
static void
plan_values(job_t *job)
{
    const reduce_source_t *source = job->source;
    dtype_t item = (dtype_t)job->fold->item, total = (dtype_t)job->fold->total;
    job->item = (int64_t)dtype_size(item);
    job->total = (int64_t)dtype_size(total);
    job->widen = cast_find(item, total);
    /* bools from outside need not be 0 or 1 */
    bool same = source->dtype == item && item != DTYPE_BOOL;
    job->direct = same && source->load == NULL && iterate_aligned(&source->in[0]);
    job->convert = same && source->load != NULL                        ? NULL
                   : item == DTYPE_BOOL && source->dtype == DTYPE_BOOL ? cast_find(DTYPE_UINT8, DTYPE_BOOL)
                                                                       : cast_find(source->dtype, item);
}

/* Do the slots of one segment lie in out, which nobody reads yet, as they are made? */
static bool
lies_as_made(const job_t *job, const nd_t *out, int64_t slot_step)
{
    const fold_axes_t *kept = &job->plan.kept;
    return job->plan.segments == 1 && out->dtype == (dtype_t)job->fold->total &&
           slot_step == job->plan.kept_count * job->total &&
           (kept->n == 0 || (kept->n == 1 && kept->out[0] == job->total));
}

/* One group.  state: slots lie slot_step bytes apart in out, which stands for the first; positions count from first in
 * whole. */
static int
fold_group(crew_t *crew, reduce_t reduce, const reduce_source_t *source, uint32_t axes, const nd_t *out, bool ordered,
           const int64_t *state, err_t *err)
{
    job_t job;
    if (reduce == REDUCE_SUM && source->dtype == DTYPE_BOOL && out->dtype == DTYPE_INT64)
        reduce = REDUCE_COUNT; /* the same, in bytes */
    job.source = source;
    job.fold = fold_find(reduce, out->dtype);
    if (job.fold == NULL)
        return err_set(err, FH_WRONG_TYPE, "%s cannot give %s", reduce_name(reduce), dtype_name(out->dtype));
    int status = fold_plan(&job.plan, source->in, source->operands, axes, out, ordered, state ? state[0] : 0, err);
    if (status != FH_OK || job.plan.kept_count == 0)
        return status;
    if (job.plan.reduced_count == 0)
        return store_identity(crew, reduce, out, err);
    plan_values(&job);
    job.state = state != NULL;
    job.settled = source->load != NULL ? -1 : reduce == REDUCE_ANY ? 1 : reduce == REDUCE_ALL ? 0 : -1;
    job.whole = state ? state[1] : job.plan.reduced_count;
    int64_t slots = job.plan.segments, count, begin = fold_segment(&job.plan, 0, &count);
    job.begin_slots = 1;
    if (state) {
        job.begin_slots = reduction_slots(job.plan.first, job.plan.first + count, job.whole);
        begin = fold_segment(&job.plan, job.plan.segments - 1, &count) + job.plan.first;
        slots = job.begin_slots;
        if (job.plan.segments > 1)
            slots += job.plan.segments - 2 + reduction_slots(begin, begin + count, job.whole);
    }
    _Alignas(64) char small[SMALL_BYTES];
    int64_t bytes = slots * job.plan.kept_count * job.total;
    bool in_place = state && lies_as_made(&job, out, state[2]);
    job.partial = in_place ? out->data : bytes <= SMALL_BYTES ? small : malloc((size_t)bytes);
    if (job.partial == NULL)
        return err_set(err, FH_NO_MEMORY, "no memory for %lld bytes of partial results of %s", (long long)bytes,
                       reduce_name(reduce));
    crew_run(crew, job.plan.segments * job.plan.blocks, run_part, &job);
    if (in_place)
        return FH_OK;
    if (state) {
        status = store_state(crew, &job, out, state[2], err);
    } else {
        merge_segments(&job);
        status = fold_store(crew, &job.plan, job.partial, (dtype_t)job.fold->total, out, err);
    }
    if (job.partial != small)
        free(job.partial);
    return status;
}

/* --- groups ---------------------------------------------------------------------------------------------------------
 */

/* The array with the axes that shape has and it lacks, with extent 1. */
static void
keep_axes(const nd_t *out, const shape_t *shape, uint32_t axes, int first, nd_t *ret)
{
    ret->data = out->data;
    ret->dtype = out->dtype;
    ret->shape = *shape;
    bool whole = out->shape.ndim - first == shape->ndim;
    for (int i = 0, own = first; i < shape->ndim; i++) {
        bool gone = axes >> i & 1;
        ret->shape.extent[i] = gone && !whole ? 1 : out->shape.extent[own];
        ret->stride[i] = gone ? 0 : out->stride[own];
        own += whole || !gone;
    }
}

/* The groups of a reduction; the piece's must be the last. */
static int
find_groups(const shape_t *shape, uint32_t axes, const reduce_piece_t *piece, bool ordered,
            uint32_t ret[SHAPE_MAX_DIMS], int *ret_count, err_t *err)
{
    shape_t whole = *shape;
    ret[0] = axes;
    *ret_count = 1;
    if (shape->ndim < SHAPE_MAX_DIMS && axes >> shape->ndim != 0)
        return err_set(err, FH_INVALID_ARGUMENT, "a reduction over axes that an array of %d dimensions does not have",
                       shape->ndim);
    if (piece->whole > 0) {
        if (piece->axis < 0 || piece->axis >= shape->ndim || !(axes >> piece->axis & 1) || piece->start < 0 ||
            piece->start > piece->whole - shape->extent[piece->axis])
            return err_set(err, FH_INVALID_ARGUMENT, "a piece that does not lie in the whole along a reduced axis");
        whole.extent[piece->axis] = piece->whole;
    }
    if (axes == 0 || !ordered)
        return FH_OK;
    *ret_count = reduction_groups(&whole, axes, ret);
    if (piece->whole > 0 && reduction_outermost(&whole, ret[*ret_count - 1]) != piece->axis)
        return err_set(err, FH_INVALID_ARGUMENT, "axis %d is not the outermost of its group", piece->axis);
    return FH_OK;
}

/* First position of a piece, positions of the whole; 0 where they are too many. */
static int64_t
positions(const shape_t *shape, uint32_t group, const reduce_piece_t *piece, int64_t *ret_whole)
{
    int64_t inner = 1;
    for (int i = piece->axis + 1; i < shape->ndim; i++)
        inner *= group >> i & 1 ? shape->extent[i] : 1;
    if (__builtin_mul_overflow(inner, piece->whole, ret_whole))
        *ret_whole = 0;
    return *ret_whole ? inner * piece->start : 0;
}

int
reduce_state_shape(const shape_t *shape, uint32_t axes, const reduce_piece_t *piece, shape_t *ret, err_t *err)
{
    uint32_t groups[SHAPE_MAX_DIMS];
    int n;
    int64_t whole;
    int status = find_groups(shape, axes, piece, true, groups, &n, err);
    if (status != FH_OK)
        return status;
    int64_t first = positions(shape, groups[n - 1], piece, &whole), count = 1;
    for (int i = 0; i < shape->ndim; i++)
        count *= groups[n - 1] >> i & 1 ? shape->extent[i] : 1;
    if (whole == 0)
        return err_set(err, FH_OVERFLOW, "a whole with so many elements is too large for this machine");
    ret->ndim = 1;
    ret->extent[0] = reduction_slots(first, first + count, whole);
    for (int i = 0; i < shape->ndim; i++)
        if (!(axes >> i & 1) && ret->ndim < SHAPE_MAX_DIMS)
            ret->extent[ret->ndim++] = shape->extent[i];
    return FH_OK;
}

/* Room for the results of an inner group, in the dtype that they are folded in. */
static int
make_middle(const nd_t *shape, uint32_t group, dtype_t dtype, nd_t *ret, err_t *err)
{
    shape_t left = shape->shape;
    for (int i = 0; i < left.ndim; i++)
        left.extent[i] = group >> i & 1 ? 1 : left.extent[i];
    int64_t bytes = shape_bytes(&left, dtype);
    char *data = bytes < 0 ? NULL : malloc((size_t)bytes + 1);
    if (data == NULL)
        return err_set(err, FH_NO_MEMORY, "no memory for %lld bytes of partial results", (long long)bytes);
    nd_init(ret, data, dtype, &left);
    return FH_OK;
}

int
reduce_run(crew_t *crew, reduce_t reduce, const reduce_source_t *source, uint32_t axes, const reduce_piece_t *piece,
           const nd_t *out, err_t *err)
{
    bool ordered = reduction_is_ordered(reduce, out->dtype);
    const shape_t *shape = &source->in[0].shape;
    uint32_t groups[SHAPE_MAX_DIMS];
    int n, status = find_groups(shape, axes, piece, ordered, groups, &n, err);
    if (status != FH_OK)
        return status;
    nd_t full;
    bool whole = piece->whole == 0;
    int64_t state[3] = {0};
    if (whole && n == 1)
        return fold_group(crew, reduce, source, axes, out, ordered, NULL, err);
    keep_axes(out, shape, axes, !whole, &full);
    if (!whole) {
        state[0] = positions(shape, groups[n - 1], piece, &state[1]);
        state[2] = out->stride[0];
    }
    reduce_source_t middle = {.operands = 1};
    char *last = NULL;
    for (int i = 0; i < n && status == FH_OK; i++) {
        const reduce_source_t *from = i > 0 ? &middle : source;
        nd_t to = full;
        if (i < n - 1)
            status = make_middle(&from->in[0], groups[i], reduction_state_dtype(out->dtype), &to, err);
        if (status == FH_OK)
            status = fold_group(crew, reduce, from, groups[i], &to, ordered, i == n - 1 && !whole ? state : NULL, err);
        free(last);
        last = i < n - 1 ? to.data : NULL;
        middle.in[0] = to;
        middle.dtype = to.dtype;
    }
    free(last);
    return status;
}

int
compute_reduce(crew_t *crew, reduce_t reduce, const nd_t *in, uint32_t axes, const nd_t *out, int64_t base, err_t *err)
{
    if (!dtype_valid((uint64_t)in->dtype) || !dtype_valid((uint64_t)out->dtype))
        return err_set(err, FH_WRONG_TYPE, "an operand of %s has no dtype", reduce_name(reduce));
    if (reduce == REDUCE_ARGMIN || reduce == REDUCE_ARGMAX)
        return pick_reduce(crew, reduce, in, axes, out, base, err);
    reduce_source_t source = {.operands = 1, .dtype = in->dtype};
    source.in[0] = *in;
    return reduce_run(crew, reduce, &source, axes, &(reduce_piece_t){0}, out, err);
}
