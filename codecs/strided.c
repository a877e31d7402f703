#include "codecs/strided.h"

#include "base/stream_copy.h"

#include <stdbool.h>
#include <string.h>

enum {
    TILE = 32,         /* elements of a side when a copy transposes */
    FENCED = 64 * 1024 /* bytes that are worth a fence */
};

/* Two views walked together: axes of extent 1 dropped, neighbours that lie behind one another in both merged. */
typedef struct {
    int ndim;
    int64_t itemsize;
    int64_t extent[SHAPE_MAX_DIMS + 1];
    int64_t to[SHAPE_MAX_DIMS + 1], from[SHAPE_MAX_DIMS + 1]; /* strides */
} plan_t;

static void
plan_add(plan_t *plan, int64_t extent, int64_t to, int64_t from)
{
    if (extent == 1)
        return;
    int last = plan->ndim - 1;
    if (last >= 0 && plan->to[last] == to * extent && plan->from[last] == from * extent) {
        plan->extent[last] *= extent;
    } else {
        last = plan->ndim++;
        plan->extent[last] = extent;
    }
    plan->to[last] = to;
    plan->from[last] = from;
}

/* Elements without a size that loops know are one axis more, of bytes. */
static void
plan_start(plan_t *plan, dtype_t dtype)
{
    *plan = (plan_t){.itemsize = (int64_t)dtype_grain(dtype)};
}

static void
plan_end(plan_t *plan, dtype_t dtype)
{
    if (dtype_is_items(dtype))
        plan_add(plan, (int64_t)dtype_size(dtype), 1, 1);
}

#define MOVE(size)                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
        memcpy(to + i * to_step, from + i * from_step, (size));                                                        \
    }                                                                                                                  \
    return

/* n elements from one row to another. */
static void
move_row(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n, int64_t itemsize)
{
    if (to_step == itemsize && from_step == itemsize) {
        memcpy(to, from, (size_t)(n * itemsize));
        return;
    }
    switch (itemsize) {
    case 1:
        MOVE(1);
    case 2:
        MOVE(2);
    case 4:
        MOVE(4);
    case 8:
        MOVE(8);
    default:
        MOVE(16);
    }
}

/* All elements of the axes [axis, ndim). */
static void
move_axes(const plan_t *plan, int axis, char *to, const char *from)
{
    int left = plan->ndim - axis;
    if (left <= 1) {
        bool row = left == 1;
        move_row(to, row ? plan->to[axis] : plan->itemsize, from, row ? plan->from[axis] : plan->itemsize,
                 row ? plan->extent[axis] : 1, plan->itemsize);
        return;
    }
    for (int64_t i = 0; i < plan->extent[axis]; i++)
        move_axes(plan, axis + 1, to + i * plan->to[axis], from + i * plan->from[axis]);
}

/* --- parts of the byte image ----------------------------------------------------------------------------------------
 */

/* Elements on their way into the byte image (pack) or out of it; image is the place there that has been reached. */
typedef struct {
    int64_t itemsize;
    int ndim;
    int64_t below[SHAPE_MAX_DIMS + 2]; /* elements of the axes [i, ndim) */
    int64_t stride[SHAPE_MAX_DIMS + 1];
    bool pack;
    char *image;
} part_t;

static void
part_init(part_t *self, const nd_t *nd, bool pack, char *image)
{
    plan_t plan;
    plan_start(&plan, nd->dtype);
    for (int i = 0; i < nd->shape.ndim; i++)
        plan_add(&plan, nd->shape.extent[i], nd->stride[i], nd->stride[i]);
    plan_end(&plan, nd->dtype);
    *self = (part_t){.itemsize = plan.itemsize, .pack = pack, .image = image, .ndim = plan.ndim};
    self->below[plan.ndim] = 1;
    for (int i = plan.ndim - 1; i >= 0; i--) {
        self->stride[i] = plan.from[i];
        self->below[i] = self->below[i + 1] * plan.extent[i];
    }
}

static void
part_row(part_t *self, char *data, int64_t step, int64_t n)
{
    if (self->pack)
        move_row(self->image, self->itemsize, data, step, n, self->itemsize);
    else
        move_row(data, step, self->image, self->itemsize, n, self->itemsize);
    self->image += n * self->itemsize;
}

/* Move the elements [first, first + n) of the axes [axis, ndim), numbered in C order. */
static void
part_move(part_t *self, int axis, char *data, int64_t first, int64_t n)
{
    int left = self->ndim - axis;
    if (left == 0) {
        part_row(self, data, self->itemsize, n);
        return;
    }
    if (left == 1) {
        part_row(self, data + first * self->stride[axis], self->stride[axis], n);
        return;
    }
    int64_t below = self->below[axis + 1];
    for (int64_t i = first / below, skip = first % below; n > 0; i++, skip = 0) {
        int64_t here = below - skip < n ? below - skip : n;
        part_move(self, axis + 1, data + i * self->stride[axis], skip, here);
        n -= here;
    }
}

void
strided_pack(const nd_t *src, int64_t offset, int64_t size, void *out)
{
    part_t part;
    part_init(&part, src, true, out);
    if (size > 0)
        part_move(&part, 0, src->data, offset / part.itemsize, size / part.itemsize);
}

void
strided_unpack(const nd_t *dst, int64_t offset, int64_t size, const void *in)
{
    union {
        const void *in;
        char *image; /* only read from, since part.pack is false */
    } bytes = {.in = in};
    part_t part;
    part_init(&part, dst, false, bytes.image);
    if (size > 0)
        part_move(&part, 0, dst->data, offset / part.itemsize, size / part.itemsize);
}

/* --- whole copies ---------------------------------------------------------------------------------------------------
 */

static int64_t
magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* Axes in falling order of dst's strides, so that writing goes through memory once.  False: there is nothing to copy.
 */
static bool
plan_init(plan_t *plan, const nd_t *dst, const nd_t *src)
{
    int order[SHAPE_MAX_DIMS], n = dst->shape.ndim;
    plan_start(plan, dst->dtype);
    for (int i = 0; i < n; i++) {
        if (dst->shape.extent[i] == 0)
            return false;
        int j = i;
        for (; j > 0 && magnitude(dst->stride[order[j - 1]]) < magnitude(dst->stride[i]); j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
    for (int i = 0; i < n; i++)
        plan_add(plan, dst->shape.extent[order[i]], dst->stride[order[i]], src->stride[order[i]]);
    plan_end(plan, dst->dtype);
    return true;
}

/* The two innermost axes in square tiles: reading down a column touches a cache line for each element, and a tile uses
 * all of the line before it goes. */
static void
move_tiles(const plan_t *plan, int axis, char *to, const char *from)
{
    int64_t rows = plan->extent[axis], columns = plan->extent[axis + 1];
    for (int64_t i = 0; i < rows; i += TILE)
        for (int64_t j = 0; j < columns; j += TILE) {
            int64_t height = rows - i < TILE ? rows - i : TILE, width = columns - j < TILE ? columns - j : TILE;
            for (int64_t k = i; k < i + height; k++)
                move_row(to + k * plan->to[axis] + j * plan->to[axis + 1], plan->to[axis + 1],
                         from + k * plan->from[axis] + j * plan->from[axis + 1], plan->from[axis + 1], width,
                         plan->itemsize);
        }
}

static void
copy_axes(const plan_t *plan, int axis, char *to, const char *from)
{
    int left = plan->ndim - axis;
    if (left == 2 && magnitude(plan->from[axis]) < magnitude(plan->from[axis + 1])) {
        move_tiles(plan, axis, to, from);
    } else if (left <= 2) {
        move_axes(plan, axis, to, from);
    } else {
        for (int64_t i = 0; i < plan->extent[axis]; i++)
            copy_axes(plan, axis + 1, to + i * plan->to[axis], from + i * plan->from[axis]);
    }
}

void
strided_copy(const nd_t *dst, const nd_t *src)
{
    plan_t plan;
    if (plan_init(&plan, dst, src))
        copy_axes(&plan, 0, dst->data, src->data);
}

/* Are the innermost elements of both contiguous, and enough of them behind one fence? */
static bool
worth_streaming(const plan_t *plan)
{
    int last = plan->ndim - 1;
    if (plan->ndim == 0 || plan->to[last] != plan->itemsize || plan->from[last] != plan->itemsize)
        return false;
    int64_t row = plan->extent[last] * plan->itemsize, rows = last > 0 ? plan->extent[last - 1] : 1;
    return row >= STREAM_COPY_ROW_BYTES && row * rows >= FENCED;
}

static void
stream_axes(const plan_t *plan, int axis, char *to, const char *from)
{
    int left = plan->ndim - axis;
    if (left <= 2) {
        size_t row = (size_t)(plan->extent[plan->ndim - 1] * plan->itemsize);
        stream_copy_rows(to, plan->to[axis], from, plan->from[axis], row, left == 2 ? plan->extent[axis] : 1);
        return;
    }
    for (int64_t i = 0; i < plan->extent[axis]; i++)
        stream_axes(plan, axis + 1, to + i * plan->to[axis], from + i * plan->from[axis]);
}

void
strided_copy_past_cache(const nd_t *dst, const nd_t *src)
{
    plan_t plan;
    if (!plan_init(&plan, dst, src))
        return;
    if (worth_streaming(&plan))
        stream_axes(&plan, 0, dst->data, src->data);
    else
        copy_axes(&plan, 0, dst->data, src->data);
}

static void
swap_bytes(char *bytes, int64_t size)
{
    for (int64_t i = 0; i < size / 2; i++) {
        char byte = bytes[i];
        bytes[i] = bytes[size - 1 - i];
        bytes[size - 1 - i] = byte;
    }
}

static void
swap_row(char *data, int64_t step, int64_t n, int64_t itemsize, int64_t half)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t at = 0; at < itemsize; at += half)
            swap_bytes(data + i * step + at, half);
}

static void
swap_axes(const plan_t *plan, int axis, char *data, int64_t half)
{
    if (axis >= plan->ndim - 1) {
        bool row = axis < plan->ndim;
        swap_row(data, row ? plan->to[axis] : 0, row ? plan->extent[axis] : 1, plan->itemsize, half);
        return;
    }
    for (int64_t i = 0; i < plan->extent[axis]; i++)
        swap_axes(plan, axis + 1, data + i * plan->to[axis], half);
}

void
strided_copy_swapped(const nd_t *dst, const nd_t *src)
{
    plan_t plan;
    if (!plan_init(&plan, dst, src))
        return;
    copy_axes(&plan, 0, dst->data, src->data);
    swap_axes(&plan, 0, dst->data, dtype_kind(dst->dtype) == 'c' ? plan.itemsize / 2 : plan.itemsize);
}
