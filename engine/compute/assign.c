#include "base/stream_copy.h"
#include "codecs/strided.h"
#include "engine/compute/compute.h"
#include "engine/compute/iterate.h"
#include "engine/compute/loops.h"

#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 256 << 10 /* of a strided copy, at least */ };

/* --- the same dtype -------------------------------------------------------------------------------------------------
 */

typedef struct {
    char *to;
    const char *from;
    int64_t bytes, block;
} bytes_t;

static void
copy_block(void *context, int64_t i)
{
    const bytes_t *copy = context;
    int64_t first = i * copy->block, left = copy->bytes - first;
    size_t size = (size_t)(left < copy->block ? left : copy->block);
    if (copy->bytes >= STREAM_COPY_BYTES)
        stream_copy(copy->to + first, copy->from + first, size);
    else
        memcpy(copy->to + first, copy->from + first, size);
}

static void
copy_bytes(crew_t *crew, char *to, const char *from, int64_t bytes)
{
    bytes_t copy = {to, from, bytes, iterate_block(crew, bytes, 1)};
    crew_run(crew, bytes > 0 ? (bytes - 1) / copy.block + 1 : 0, copy_block, &copy);
}

/* A strided copy cut along one axis. */
typedef struct {
    const nd_t *out, *source;
    int axis;
    int64_t block;
    bool past_cache;
} slices_t;

static void
copy_slice(void *context, int64_t i)
{
    const slices_t *slices = context;
    nd_t out = *slices->out, source = *slices->source;
    int64_t first = i * slices->block, left = out.shape.extent[slices->axis] - first;
    out.shape.extent[slices->axis] = source.shape.extent[slices->axis] = left < slices->block ? left : slices->block;
    out.data += first * out.stride[slices->axis];
    source.data += first * source.stride[slices->axis];
    (slices->past_cache ? strided_copy_past_cache : strided_copy)(&out, &source);
}

static int64_t
magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

static void
copy_strided(crew_t *crew, const nd_t *out, const nd_t *source)
{
    slices_t slices = {.out = out, .source = source, .axis = 0, .block = 1};
    if (out->shape.ndim == 0) {
        strided_copy(out, source);
        return;
    }
    for (int i = 1; i < out->shape.ndim; i++) /* the outermost axis in memory that has something to share out */
        if (out->shape.extent[i] > 1 &&
            (out->shape.extent[slices.axis] <= 1 || magnitude(out->stride[i]) > magnitude(out->stride[slices.axis])))
            slices.axis = i;
    int64_t extent = out->shape.extent[slices.axis], bytes = shape_bytes(&out->shape, out->dtype);
    int64_t parts = bytes / PART_BYTES + 1, most = crew_threads(crew) == 1 ? 1 : (int64_t)crew_threads(crew) * 8;
    parts = parts < most ? parts : most;
    slices.block = (extent - 1) / parts + 1;
    slices.past_cache = bytes >= STREAM_COPY_BYTES;
    crew_run(crew, (extent - 1) / slices.block + 1, copy_slice, &slices);
}

/* --- different dtypes -----------------------------------------------------------------------------------------------
 */

static void
cast_row(void *context, char **data, const int64_t *step, int64_t n)
{
    loop_fn *cast = context;
    (*cast)(data, step, n);
}

/* Bytes or str of another length: cut, or filled up with zeros. */
static void
resize_row(void *context, char **data, const int64_t *step, int64_t n)
{
    const size_t *size = context; /* of the source, of the result */
    size_t common = size[0] < size[1] ? size[0] : size[1];
    for (int64_t i = 0; i < n; i++) {
        char *to = data[1] + i * step[1];
        memcpy(to, data[0] + i * step[0], common);
        memset(to + common, 0, size[1] - common);
    }
}

static void
copy_resized(crew_t *crew, const nd_t *out, const nd_t *source)
{
    size_t size[2] = {dtype_size(source->dtype), dtype_size(out->dtype)};
    const nd_t *both[2] = {source, out};
    iterate_t walk;
    iterate_init(&walk, both, 2, 1);
    iterate_run(&walk, crew, (int64_t)(size[0] + size[1]), resize_row, size);
}

static void
copy_cast(crew_t *crew, const nd_t *out, const nd_t *source)
{
    loop_fn cast = cast_find(source->dtype, out->dtype);
    const nd_t *both[2] = {source, out};
    iterate_t walk;
    iterate_init(&walk, both, 2, 1);
    iterate_run(&walk, crew, (int64_t)(dtype_size(source->dtype) + dtype_size(out->dtype)), cast_row, &cast);
}

/* --- any ------------------------------------------------------------------------------------------------------------
 */

static bool
same_elements(const nd_t *a, const nd_t *b)
{
    if (a->data != b->data || a->dtype != b->dtype)
        return false;
    for (int i = 0; i < a->shape.ndim; i++)
        if (a->shape.extent[i] != 1 && a->stride[i] != b->stride[i])
            return false;
    return true;
}

/* source must have out's shape and share nothing with it. */
static void
copy(crew_t *crew, const nd_t *out, const nd_t *source)
{
    if (out->dtype != source->dtype && dtype_is_items(out->dtype))
        copy_resized(crew, out, source);
    else if (out->dtype != source->dtype)
        copy_cast(crew, out, source);
    else if (nd_is_c_contiguous(out) && nd_is_c_contiguous(source))
        copy_bytes(crew, out->data, source->data, shape_bytes(&out->shape, out->dtype));
    else
        copy_strided(crew, out, source);
}

/* The source is copied aside first, as it is (not as it is broadcast). */
static int
copy_overlapping(crew_t *crew, const nd_t *out, const nd_t *source, err_t *err)
{
    int64_t bytes = shape_bytes(&source->shape, source->dtype);
    char *aside = malloc((size_t)bytes);
    if (aside == NULL)
        return err_set(err, FH_NO_MEMORY, "no memory for %lld bytes of an assignment that overlaps itself",
                       (long long)bytes);
    nd_t apart, wide;
    nd_init(&apart, aside, source->dtype, &source->shape);
    copy(crew, &apart, source);
    int status = nd_broadcast(&apart, &out->shape, &wide, err);
    if (status == FH_OK)
        copy(crew, out, &wide);
    free(aside);
    return status;
}

int
compute_assign(crew_t *crew, const nd_t *out, const nd_t *source, err_t *err)
{
    if (!dtype_known((uint64_t)out->dtype) || !dtype_can_cast(source->dtype, out->dtype, CASTING_UNSAFE))
        return err_set(err, FH_WRONG_TYPE, "elements of %s cannot become %s here", dtype_name(source->dtype),
                       dtype_name(out->dtype));
    nd_t wide;
    int status = nd_broadcast(source, &out->shape, &wide, err);
    if (status != FH_OK || shape_count(&out->shape) <= 0 || same_elements(out, &wide))
        return status;
    if (nd_overlap(out, source))
        return copy_overlapping(crew, out, source, err);
    copy(crew, out, &wide);
    return FH_OK;
}
